#ifndef PIIVAULT_STORAGE_ROCKSDB_STORE_H_
#define PIIVAULT_STORAGE_ROCKSDB_STORE_H_

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "rocksdb/cache.h"
#include "rocksdb/file_system.h"
#include "rocksdb/write_batch.h"
#include "storage/group_commit.h"
#include "storage/keys.h"

namespace piivault::storage {

class RocksDbHandle;

struct RocksDbStoreOptions {
  std::string path;
  bool create_if_missing = true;
  size_t block_cache_bytes = size_t{64} << 20;
  std::shared_ptr<rocksdb::FileSystem> file_system;
  // False only where a test shows that it would notice.
  bool sync_writes = true;
};

// The rows of one data directory in RocksDB, in column families (HomeOf() in storage/keys.h).
//
// Guarantees: one process for each directory; refuses newer formats. A directory whose write-ahead
// log ends with remains of a record opens up to there; damage before the last record is refused.
// What was recovered is in synced table files before Reopen() returns, so nothing that a failed
// sync left in the page cache alone is ever built upon. Does not: notice that the log was cut at
// the end of a record, or that its last record was damaged, which looks like one that was never
// synced (an anchor outside has to). Reads: thread-safe, UNAVAILABLE while the store is closed;
// they never wait for a write. The BatchStore methods belong to the committing thread.
class RocksDbStore : public BatchStore {
 public:
  // FAILED_PRECONDITION where another process has the directory open or the format is newer,
  // DATA_LOSS where it is damaged, NOT_FOUND where there is none to open.
  static absl::StatusOr<std::shared_ptr<RocksDbStore>> Open(RocksDbStoreOptions options);
  ~RocksDbStore() override;

  // Called, on any thread, when RocksDB meets an error in the background. Set once, before the
  // first write.
  void SetFailureNote(std::function<void(const absl::Status&)> note);

  // BatchStore.
  void Add(const Mutation& write) override;
  void AddEntry(const LogPosition& position, const EntryDraft& entry) override;
  absl::Status WriteBatch() override;
  absl::StatusOr<LogPosition> Reopen() override;

  // As in Engine.
  absl::StatusOr<std::string> Get(const Key& key) const;
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const Key> keys) const;
  absl::Status Scan(const Key& prefix, std::string_view start, size_t limit,
                    Engine::Visitor visitor) const;

  // Position of the next entry as it was when the store was opened last.
  LogPosition end_at_open() const { return end_at_open_; }

  // RocksDB's own figures, e.g. "total-sst-files-size"; empty while closed.
  std::vector<std::pair<std::string, uint64_t>> Properties() const;

 private:
  explicit RocksDbStore(RocksDbStoreOptions options);

  absl::Status OpenHandle(bool may_create);
  // Closes the database and waits until the last read has let go of it.
  void CloseHandle();
  // Null while closed. Shared with reads under way, which keep the database open.
  std::shared_ptr<RocksDbHandle> handle() const;

  const RocksDbStoreOptions options_;
  const std::shared_ptr<rocksdb::Cache> block_cache_;

  // The committing thread's own.
  rocksdb::WriteBatch batch_;
  std::shared_ptr<RocksDbHandle> writer_;  // keeps the column families that batch_ names
  LogPosition end_at_open_;

  mutable absl::Mutex mu_;
  std::shared_ptr<RocksDbHandle> handle_ ABSL_GUARDED_BY(mu_);
  std::function<void(const absl::Status&)> failure_note_ ABSL_GUARDED_BY(mu_);
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ROCKSDB_STORE_H_
