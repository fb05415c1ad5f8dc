#ifndef PIIVAULT_STORAGE_ENGINE_OPTIONS_H_
#define PIIVAULT_STORAGE_ENGINE_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rocksdb {
class FileSystem;
}

namespace piivault::storage {

// One batch that became durable.
struct BatchReport {
  size_t commits = 0;         // taken from the queue, conflicts included
  size_t conflicts = 0;       // of these, refused
  size_t entries = 0;         // log entries written
  size_t queue_depth = 0;     // left waiting when the batch was taken
  absl::Duration write_time;  // the write and its sync
};

// Hears what the engine does, for metrics. Guarantees nothing back to the engine.
// Called on engine threads, which it must not block. Borrowed: outlives the engine.
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  virtual void OnBatch(const BatchReport& report) = 0;
  // A write or sync failed, or RocksDB reported a background error. `cause` goes to the log: it
  // names files and error codes, never keys or values.
  virtual void OnFailure(const absl::Status& cause) = 0;
  // An attempt to reopen has ended; the engine takes commits again if `result` is OK.
  virtual void OnReopen(const absl::Status& result) = 0;
};

// Counters since the engine was opened, read at any time.
struct EngineStats {
  uint64_t batches = 0;
  uint64_t batches_failed = 0;
  uint64_t commits = 0;
  uint64_t conflicts = 0;
  uint64_t entries = 0;
  uint64_t refused_full = 0;  // Submit() answered RESOURCE_EXHAUSTED
  uint64_t reopens = 0;
  size_t queue_depth = 0;
  absl::Time last_commit = absl::InfinitePast();
  bool available = false;  // takes commits now
};

struct EngineOptions {
  std::string path;  // data directory; its parent exists
  bool create_if_missing = true;
  size_t block_cache_bytes = size_t{64} << 20;

  // A decision older than this when its commit is checked has to be made again.
  absl::Duration max_decision_age = absl::Seconds(1);
  // Vault time; absl::Now() where empty. Called on engine threads, once for each batch.
  std::function<absl::Time()> now;

  // Beyond either bound Submit() answers RESOURCE_EXHAUSTED.
  size_t max_queue_commits = 4096;
  size_t max_queue_bytes = size_t{64} << 20;
  // A batch ends at the first bound it reaches; one commit always fits.
  size_t max_batch_commits = 1024;
  size_t max_batch_bytes = size_t{8} << 20;
  // How many recently written cells are remembered. A commit whose `as_of` is older than the oldest
  // of them is in conflict.
  size_t recent_write_cells = size_t{1} << 18;

  // Between attempts to reopen after a failure; doubles from the first to the second.
  absl::Duration reopen_backoff_min = absl::Milliseconds(100);
  absl::Duration reopen_backoff_max = absl::Seconds(5);
  // How long Shutdown() waits for a write that hangs before it leaves it behind.
  absl::Duration shutdown_timeout = absl::Seconds(10);

  EngineObserver* observer = nullptr;  // borrowed; may be null

  // Where RocksDB does its file operations; the default file system where null. Shared with the
  // caller, because a write that hangs may outlive the engine.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ENGINE_OPTIONS_H_
