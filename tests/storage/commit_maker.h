#ifndef PIIVAULT_TESTS_STORAGE_COMMIT_MAKER_H_
#define PIIVAULT_TESTS_STORAGE_COMMIT_MAKER_H_

#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "storage/engine.h"

namespace piivault::storage {

// A commit that is decided at `now` over what is visible now.
inline std::unique_ptr<Commit> FreshCommit(const Engine& engine, absl::Time now) {
  auto commit = std::make_unique<Commit>();
  commit->as_of = engine.AppliedSequence();
  commit->decided_at = now;
  return commit;
}

inline EntryDraft DraftEntry(std::string body) {
  EntryDraft entry;
  entry.retained = "retained";
  entry.salt.fill(7);
  entry.body = std::move(body);
  return entry;
}

// Keeps what it is given.
class CollectingSink : public CommitSink {
 public:
  void Done(std::vector<std::unique_ptr<Commit>> batch) override {
    absl::MutexLock lock(&mu_);
    ++calls_;
    done_.insert(done_.end(), std::make_move_iterator(batch.begin()),
                 std::make_move_iterator(batch.end()));
  }
  // Waits until `count` commits are there and takes everything.
  std::vector<std::unique_ptr<Commit>> WaitFor(size_t count) {
    absl::MutexLock lock(&mu_);
    auto enough = [this, count]()
                      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return done_.size() >= count; };
    mu_.Await(absl::Condition(&enough));
    return std::exchange(done_, {});
  }
  size_t size() {
    absl::MutexLock lock(&mu_);
    return done_.size();
  }
  int calls() {
    absl::MutexLock lock(&mu_);
    return calls_;
  }

 private:
  absl::Mutex mu_;
  std::vector<std::unique_ptr<Commit>> done_ ABSL_GUARDED_BY(mu_);
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_COMMIT_MAKER_H_
