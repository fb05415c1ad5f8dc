#ifndef PIIVAULT_TESTS_FAKES_MEMORY_ENGINE_H_
#define PIIVAULT_TESTS_FAKES_MEMORY_ENGINE_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"
#include "storage/engine_options.h"
#include "storage/recent_writes.h"

namespace piivault::fakes {

// An Engine in memory: each commit is a batch of its own, decided and applied inside Submit().
// Sinks hear of it on a thread of the engine's, as they do from a real one.
//
// Guarantees the Engine contract but durability; passes tests/storage/engine_contract.h.
// Uses of EngineOptions: now, max_decision_age, recent_write_cells, max_queue_commits.
// Faults: FailNext() lets commits end badly, SetReadError() lets reads fail.
// Thread-safe.
class MemoryEngine : public storage::Engine {
 public:
  explicit MemoryEngine(storage::EngineOptions options = {});
  ~MemoryEngine() override;

  absl::Status Submit(std::unique_ptr<storage::Commit> commit) override;
  uint64_t AppliedSequence() const override;
  absl::StatusOr<std::string> Get(const storage::Key& key) const override;
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const storage::Key> keys) const override;
  absl::Status Scan(const storage::Key& prefix, std::string_view start, size_t limit,
                    Visitor visitor) const override;
  absl::StatusOr<std::vector<storage::StoredEntry>> ReadEntries(uint64_t index,
                                                                size_t limit) const override;
  storage::LogPosition LogEnd() const override;
  void SetReopenHook(std::function<absl::Status()> hook) override;
  void Shutdown() override;

  // The next `count` commits end with `outcome` and write nothing: kUnavailable makes Submit()
  // answer UNAVAILABLE, kUnknown and kConflict reach the sink. After kUnknown the reopen hook runs.
  void FailNext(storage::CommitOutcome outcome, int count);
  // What every read answers from now on, until it is set to OK.
  void SetReadError(absl::Status status);
  // Puts a row behind the engine's back, as tampering would.
  void Tamper(const storage::Key& key, std::optional<std::string> value);
  // All rows of a table, for sweeps.
  std::vector<std::pair<std::string, std::string>> Dump(storage::Table table) const;

 private:
  using RowKey = std::pair<storage::Table, std::string>;

  // Decides one commit and applies it.
  void Run(storage::Commit& commit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(commit_mu_)
      ABSL_LOCKS_EXCLUDED(mu_);
  bool Holds(const storage::Commit& commit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  storage::LogPosition Append(const storage::EntryDraft& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DeliverLoop();

  const storage::EngineOptions options_;

  // Held over a commit with its `applied` hook, which may read. Before mu_.
  absl::Mutex commit_mu_;
  std::function<absl::Status()> reopen_hook_ ABSL_GUARDED_BY(commit_mu_);
  storage::CommitOutcome fail_outcome_ ABSL_GUARDED_BY(commit_mu_) =
      storage::CommitOutcome::kPending;
  int fail_count_ ABSL_GUARDED_BY(commit_mu_) = 0;

  mutable absl::Mutex mu_;
  std::map<RowKey, std::string> rows_ ABSL_GUARDED_BY(mu_);
  storage::RecentWrites recent_ ABSL_GUARDED_BY(mu_);
  uint64_t sequence_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t applied_ ABSL_GUARDED_BY(mu_) = 1;
  uint64_t next_index_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status read_error_ ABSL_GUARDED_BY(mu_);
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::unique_ptr<storage::Commit>> finished_ ABSL_GUARDED_BY(mu_);

  std::thread deliverer_;
};

}  // namespace piivault::fakes

#endif  // PIIVAULT_TESTS_FAKES_MEMORY_ENGINE_H_
