#ifndef PIIVAULT_STORAGE_GROUP_COMMIT_H_
#define PIIVAULT_STORAGE_GROUP_COMMIT_H_

#include <functional>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"
#include "storage/engine_options.h"

namespace piivault::storage {

// What group commit writes to. One batch is open at a time; the committing thread alone uses it.
class BatchStore {
 public:
  virtual ~BatchStore() = default;
  // Add to the open batch. Rows come in the order of HomeOf() their tables and of keys, those of
  // one key in the order of their commits.
  virtual void Add(const Mutation& write) = 0;
  virtual void AddEntry(const LogPosition& position, const EntryDraft& entry) = 0;
  // Writes the open batch in one piece and syncs it. An error leaves open whether it is there; then
  // only Reopen() follows. The batch is empty afterwards.
  [[nodiscard]] virtual absl::Status WriteBatch() = 0;
  // Closes, opens, and reads the position of the next entry. What is found then is durable. May be
  // called again after an error.
  [[nodiscard]] virtual absl::StatusOr<LogPosition> Reopen() = 0;
};

// Gives commits their one serial order: a thread takes everything that waits, refuses what has lost
// its ground, numbers the entries, writes the rest in one synced batch and lets the answers go.
//
// Guarantees: as Engine (storage/engine.h) for Submit(), AppliedSequence(), LogEnd() and
// Shutdown(); every commit that was taken comes back to its sink exactly once, whatever fails.
// After a failed write nothing is known: the batch ends kUnknown, what waits ends kUnavailable, and
// commits are refused until the store has been reopened and the reopen hook has run. A sync is
// never tried again. Owns the store together with its thread: a write that hangs for longer than
// EngineOptions::shutdown_timeout is left behind at Shutdown(), and its thread still needs the
// store should it ever end. Sinks, hooks and the observer are never touched after Shutdown().
// Thread-safe.
class GroupCommit {
 public:
  // `end`: position of the next entry in the store.
  GroupCommit(const EngineOptions& options, std::shared_ptr<BatchStore> store, LogPosition end);
  ~GroupCommit();
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  [[nodiscard]] absl::Status Submit(std::unique_ptr<Commit> commit);
  uint64_t AppliedSequence() const;
  LogPosition LogEnd() const;
  void SetReopenHook(std::function<absl::Status()> hook);
  EngineStats Stats() const;

  // The store has failed outside of a write: it is reopened before the next batch. May be called
  // from any thread, also from within the store's methods.
  void NoteStoreFailure(const absl::Status& cause);
  // The same as a function that may outlive this object.
  std::function<void(const absl::Status&)> StoreFailureNote() const;

  // Finishes what was handed over, waiting at most shutdown_timeout for the store. REQUIRES: not on
  // an engine thread.
  void Shutdown();

 private:
  class Core;
  // Shared with the committing thread, which outlives this object if a write hangs.
  std::shared_ptr<Core> core_;
  absl::Mutex shutdown_mu_;
  std::thread thread_ ABSL_GUARDED_BY(shutdown_mu_);
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_GROUP_COMMIT_H_
