#ifndef PIIVAULT_TESTS_BENCH_FLOORS_DATABASE_H_
#define PIIVAULT_TESTS_BENCH_FLOORS_DATABASE_H_

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/floors/floors.h"

namespace piivault::floors {

inline void Require(const rocksdb::Status& status) { Require(status.ok(), status.ToString()); }

// RocksDB with the options of storage/rocksdb_handle.cc as they were when this was frozen.
class Database {
 public:
  Database(const std::string& dir, const std::vector<std::string>& families, size_t cache_mib) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = rocksdb::NewLRUCache(cache_mib << 20);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.format_version = 5;
    rocksdb::ColumnFamilyOptions family;
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.write_buffer_size = size_t{32} << 20;
    family.compression = rocksdb::kNoCompression;
    rocksdb::DBOptions options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    options.paranoid_checks = true;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    options.recycle_log_file_num = 0;
    options.stats_dump_period_sec = 0;
    options.stats_persist_period_sec = 0;
    options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    options.max_open_files = 512;
    options.max_background_jobs = 2;
    options.max_total_wal_size = uint64_t{256} << 20;
    options.db_write_buffer_size = size_t{128} << 20;
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {{"default", family}};
    for (const std::string& name : families) descriptors.emplace_back(name, family);
    rocksdb::DB* opened = nullptr;
    Require(rocksdb::DB::Open(options, dir, descriptors, &handles_, &opened));
    db_.reset(opened);
  }
  ~Database() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
  }

  rocksdb::DB& db() const { return *db_; }
  // 0 is the default one, then as they were given.
  rocksdb::ColumnFamilyHandle* family(size_t index) const { return handles_[index]; }
  void Compact() {
    for (rocksdb::ColumnFamilyHandle* handle : handles_) {
      Require(db_->Flush({}, handle));
      Require(db_->CompactRange({}, handle, nullptr, nullptr));
    }
  }

 private:
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

}  // namespace piivault::floors

#endif  // PIIVAULT_TESTS_BENCH_FLOORS_DATABASE_H_
