#ifndef PIIVAULT_STORAGE_ROCKSDB_ENGINE_H_
#define PIIVAULT_STORAGE_ROCKSDB_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/engine_options.h"
#include "storage/group_commit.h"

namespace piivault::storage {

class RocksDbStore;

// The Engine over RocksDB in one data directory, with group commit.
//
// Guarantees, beyond Engine: one process for each directory; newer formats are refused; after a
// failed write, sync or background error the database is closed, opened again and its log end read
// anew before commits are taken; meanwhile reads and Submit() answer UNAVAILABLE.
// Does not: notice a log that was cut off at the end of a record; back up; encrypt.
// Thread-safe.
class RocksDbEngine : public Engine {
 public:
  // Opens or makes the data directory. FAILED_PRECONDITION where another process has it open or its
  // format is newer, DATA_LOSS where it is damaged, NOT_FOUND where there is none and
  // `create_if_missing` is false.
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> Open(EngineOptions options);
  // The same without syncing, so that a test of durability can show that it would notice.
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> OpenUnsyncedForTest(EngineOptions options);

  ~RocksDbEngine() override;

  absl::Status Submit(std::unique_ptr<Commit> commit) override;
  uint64_t AppliedSequence() const override;
  absl::StatusOr<std::string> Get(const Key& key) const override;
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const Key> keys) const override;
  absl::Status Scan(const Key& prefix, std::string_view start, size_t limit,
                    Visitor visitor) const override;
  absl::StatusOr<std::vector<StoredEntry>> ReadEntries(uint64_t index, size_t limit) const override;
  LogPosition LogEnd() const override;
  void SetReopenHook(std::function<absl::Status()> hook) override;
  // Waits at most EngineOptions::shutdown_timeout for a write that hangs; such a write's commits
  // end kUnknown. Reads go on until the engine is destroyed.
  void Shutdown() override;

  EngineStats Stats() const;
  // RocksDB's own figures by name, e.g. "total-sst-files-size"; empty while it is reopened.
  std::vector<std::pair<std::string, uint64_t>> Properties() const;

 private:
  RocksDbEngine(const EngineOptions& options, std::shared_ptr<RocksDbStore> store);
  static absl::StatusOr<std::unique_ptr<RocksDbEngine>> OpenWith(const EngineOptions& options,
                                                                 bool sync_writes);

  // Shared with the committing thread, which a hanging write may keep beyond this object.
  const std::shared_ptr<RocksDbStore> store_;
  GroupCommit commits_;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ROCKSDB_ENGINE_H_
