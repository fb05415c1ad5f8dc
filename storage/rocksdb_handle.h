#ifndef PIIVAULT_STORAGE_ROCKSDB_HANDLE_H_
#define PIIVAULT_STORAGE_ROCKSDB_HANDLE_H_

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/file_system.h"
#include "rocksdb/options.h"
#include "storage/engine.h"
#include "storage/keys.h"

namespace piivault::storage {

// What RocksDB says, as ours. Messages name files and error codes; a message about stored bytes is
// replaced, as it may quote them.
absl::Status FromRocksDb(const rocksdb::Status& status);

// One opening of the database: made by Open(), closed by the destructor.
// Thread-safe as rocksdb::DB is.
class RocksDbHandle {
 public:
  struct Options {
    std::string path;
    bool create_if_missing = true;
    std::shared_ptr<rocksdb::Cache> block_cache;
    std::shared_ptr<rocksdb::FileSystem> file_system;  // may be null
    std::function<void(const absl::Status&)> on_background_error;
  };
  // Opens or creates the database and checks the format stamp. Codes as RocksDbStore::Open().
  static absl::StatusOr<std::shared_ptr<RocksDbHandle>> Open(const Options& options);
  ~RocksDbHandle();

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family(Table table) const {
    return families_[static_cast<size_t>(HomeOf(table))];
  }
  // Which log and generation the directory holds; index is the next entry's.
  LogPosition log_end() const { return log_end_; }
  // Notified when the database is closed; outlives the handle.
  std::shared_ptr<absl::Notification> closed() const { return closed_; }

 private:
  class Listener;
  RocksDbHandle() = default;

  absl::Status OpenDb(const Options& options);
  absl::Status CheckStamp(const std::vector<std::string>& missing);
  absl::Status CreateLayout(const std::vector<std::string>& missing);
  absl::Status ReadLogEnd();

  std::unique_ptr<rocksdb::Env> env_;
  std::shared_ptr<Listener> listener_;
  std::function<rocksdb::ColumnFamilyOptions(const std::string& name)> family_options_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> opened_;  // all handles, closed with db_
  std::array<rocksdb::ColumnFamilyHandle*, kTableCount> families_{};  // by home
  LogPosition log_end_;
  std::shared_ptr<absl::Notification> closed_ = std::make_shared<absl::Notification>();
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ROCKSDB_HANDLE_H_
