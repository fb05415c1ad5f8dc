#ifndef PIIVAULT_TESTS_STORAGE_WRITE_LEDGER_H_
#define PIIVAULT_TESTS_STORAGE_WRITE_LEDGER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"

namespace piivault::storage {

// Knows what must be in an engine after a crash: every commit writes two rows and an entry that
// carry its number; those that were acknowledged are there, the others wholly or not at all.
// Thread-safe.
class WriteLedger {
 public:
  // A commit with a number of its own; `noise` varies its size. One in eight takes up to three
  // blocks of the write-ahead log.
  std::unique_ptr<Commit> NewCommit(uint64_t noise) {
    absl::MutexLock lock(&mu_);
    const uint64_t size = noise % 8 == 0 ? noise / 8 % 100'000 : noise / 8 % 2000;
    return CommitOf(next_++, size);
  }
  static std::unique_ptr<Commit> CommitOf(uint64_t number, size_t size) {
    const std::string id = absl::StrCat(number);
    auto commit = std::make_unique<Commit>();
    commit->decided_at = absl::InfiniteFuture();
    commit->writes.push_back({FirstRow(id), std::string(size, 'x') + id});
    commit->writes.push_back({SecondRow(id), id});
    commit->entry.emplace();
    commit->entry->body = id;
    return commit;
  }
  void Acknowledge(const Commit& commit) { Acknowledge(commit.entry->body, commit.position.index); }
  void Acknowledge(const std::string& id, uint64_t index) {
    absl::MutexLock lock(&mu_);
    acknowledged_[id] = index;
  }
  size_t acknowledged() const {
    absl::MutexLock lock(&mu_);
    return acknowledged_.size();
  }

  // Compares what came since the last Check(). Returns what is wrong, or nothing.
  std::string Check(const Engine& engine) {
    absl::MutexLock lock(&mu_);
    const std::string wrong = Compare(engine, checked_number_, checked_index_);
    checked_number_ = next_;
    checked_index_ = engine.LogEnd().index;
    return wrong;
  }
  std::string CheckEverything(const Engine& engine) {
    absl::MutexLock lock(&mu_);
    return Compare(engine, 0, 0);
  }
  // For numbers that another process has given out, up to and without `end`.
  void SetEnd(uint64_t end) {
    absl::MutexLock lock(&mu_);
    next_ = end;
  }

 private:
  static Key FirstRow(const std::string& id) { return StateKey(StateKind::kPerson, id); }
  static Key SecondRow(const std::string& id) { return Key{Table::kIndex, id}; }

  std::string Compare(const Engine& engine, uint64_t number, uint64_t index) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    std::map<std::string, uint64_t> logged;
    while (true) {
      auto entries = engine.ReadEntries(index, 1000);
      if (!entries.ok()) return absl::StrCat("reading the log: ", entries.status().ToString());
      if (entries->empty()) break;
      for (const StoredEntry& entry : *entries) {
        if (!logged.emplace(entry.entry.body, entry.position.index).second) {
          return absl::StrCat("commit ", entry.entry.body, " has two entries");
        }
      }
      index += entries->size();
    }
    if (index != engine.LogEnd().index) return "the log does not end at LogEnd()";
    for (; number < next_; ++number) {
      const std::string id = absl::StrCat(number);
      const bool entry = logged.count(id) > 0;
      const bool first = engine.Get(FirstRow(id)).ok();
      const bool second = engine.Get(SecondRow(id)).ok();
      if (entry != first || entry != second) {
        return absl::StrCat("commit ", id, " is there in part: entry ", entry, ", rows ", first,
                            " and ", second);
      }
      const auto known = acknowledged_.find(id);
      if (known == acknowledged_.end()) continue;
      if (!entry) return absl::StrCat("commit ", id, " was acknowledged and is lost");
      if (logged[id] != known->second) return absl::StrCat("entry ", id, " has moved");
    }
    return "";
  }

  mutable absl::Mutex mu_;
  uint64_t next_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t checked_number_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t checked_index_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, uint64_t> acknowledged_ ABSL_GUARDED_BY(mu_);
};

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_WRITE_LEDGER_H_
