#ifndef PIIVAULT_STORAGE_COMMIT_AND_WAIT_H_
#define PIIVAULT_STORAGE_COMMIT_AND_WAIT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/engine.h"

namespace piivault::storage {

// For tools, background work and tests; a handler must not block. Both set `commit->sink`.

// Submits and waits until the commit is done, whatever its outcome. Returns Submit()'s error, or
// the finished commit. REQUIRES: not on an engine thread.
[[nodiscard]] absl::StatusOr<std::unique_ptr<Commit>> CommitAndWait(Engine& engine,
                                                                    std::unique_ptr<Commit> commit);

// The same with the outcome as a status: the position where it was committed, ABORTED for a
// conflict, UNAVAILABLE, or UNKNOWN where the batch failed half-way.
[[nodiscard]] absl::StatusOr<LogPosition> CommitOrError(Engine& engine,
                                                        std::unique_ptr<Commit> commit);

// A commit under way, for whoever has something to do until it is durable.
//
// Guarantees: the destructor waits for the commit, too. Thread-compatible. REQUIRES, for Wait() and
// the destructor: not on an engine thread.
class PendingCommit {
 public:
  // Returns Engine::Submit()'s error.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<PendingCommit>> Start(
      Engine& engine, std::unique_ptr<Commit> commit);
  ~PendingCommit();
  PendingCommit(const PendingCommit&) = delete;
  PendingCommit& operator=(const PendingCommit&) = delete;

  // What CommitOrError() returns. Called once.
  [[nodiscard]] absl::StatusOr<LogPosition> Wait();

 private:
  class Sink;
  PendingCommit();
  const std::unique_ptr<Sink> sink_;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_COMMIT_AND_WAIT_H_
