#include "storage/rocksdb_handle.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/slice_transform.h"
#include "rocksdb/table.h"
#include "storage/wal_file_system.h"
#include "storage/wal_tail.h"

namespace piivault::storage {
namespace {

// Grows with every change that an older program would misread.
constexpr uint32_t kFormatVersion = 7;

struct Family {
  Table home;
  const char* name;
};
constexpr std::array kFamilies = {
    Family{Table::kMeta, "meta"},      Family{Table::kState, "state"},
    Family{Table::kRecord, "record"},  Family{Table::kIndex, "index"},
    Family{Table::kLog, "log"},        Family{Table::kLogIndex, "log_index"},
    Family{Table::kSharing, "sharing"}};

const Family* FamilyOf(std::string_view name) {
  const auto found = std::find_if(kFamilies.begin(), kFamilies.end(),
                                  [&](const Family& family) { return family.name == name; });
  return found == kFamilies.end() ? nullptr : &*found;
}

// Keys of Table::kIndex up to here: a deterministic token whole, 12 bytes of a digest. Shorter keys
// (token handles, requests) have no prefix: they are read one by one, and whole keys are in the
// filters, too.
constexpr size_t kIndexFilterPrefix = 25;

// Calls come first where there are more threads to run than processors; but compaction must not be
// put off for good, as writes would stop in the end.
constexpr int kCompactionNice = 5;

std::string BigEndian(uint64_t value, int size) {
  std::string bytes;
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((value >> shift) & 0xff));
  }
  return bytes;
}

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = (value << 8) | static_cast<uint8_t>(c);
  return value;
}

rocksdb::DBOptions DbOptions(const RocksDbHandle::Options& ours) {
  rocksdb::DBOptions options;
  options.create_if_missing = ours.create_if_missing;
  options.create_missing_column_families = false;  // CreateLayout() does, in an order that can stop
  options.paranoid_checks = true;
  // What an ordinary crash leaves at a log's end CutWalTails() has cut off; anything else is
  // damage. Recycled log files would make the two look alike: where new logs have zeros they have
  // records.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.recycle_log_file_num = 0;
  // What was replayed is written to synced files at once: see RocksDbStore.
  options.avoid_flush_during_recovery = false;
  // After an error the engine reopens; RocksDB must not go on by itself.
  options.max_bgerror_resume_count = 0;
  // No figures about keys or values on disk or in RocksDB's log.
  options.statistics = nullptr;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = size_t{4} << 20;
  options.keep_log_file_num = 4;
  options.max_open_files = 512;
  options.max_background_jobs = 2;
  // Tables go to the disk while they are written, a little at a time: at once at their end they
  // would keep it from syncing batches for as long as that takes.
  options.bytes_per_sync = uint64_t{256} << 10;
  options.strict_bytes_per_sync = true;
  options.max_total_wal_size = uint64_t{256} << 20;
  options.db_write_buffer_size = size_t{128} << 20;
  return options;
}

rocksdb::ColumnFamilyOptions FamilyOptions(const RocksDbHandle::Options& ours,
                                           const std::string& name) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = ours.block_cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.write_buffer_size = size_t{32} << 20;
  // Ciphertext does not shrink.
  options.compression = rocksdb::kNoCompression;
  // A batch's rows come in the order of their keys: each goes into the table in memory behind the
  // last, whose place is found again by a hint. One prefix, the empty one, has it.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewCappedPrefixTransform(0));
  // Whether a value is taken is asked before each new one is stored: filters answer for kind,
  // tenant and the beginning of token or digest (storage/keys.h), so that a scan for what is not
  // there looks into no table.
  const Family* const family = FamilyOf(name);
  if (family != nullptr && family->home == Table::kIndex) {
    options.prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kIndexFilterPrefix));
    options.memtable_prefix_bloom_size_ratio = 0.05;
  }
  return options;
}

absl::Status OpenError(const rocksdb::Status& status, const std::string& path) {
  const std::string text = status.ToString();
  if (absl::StrContains(text, "lock hold by") || absl::StrContains(text, "While lock file")) {
    return absl::FailedPreconditionError(
        absl::StrCat("another process has the data directory open: ", path));
  }
  if (status.IsInvalidArgument() && absl::StrContains(text, "does not exist")) {
    return absl::NotFoundError(absl::StrCat("no database in the data directory: ", path));
  }
  return absl::Status(FromRocksDb(status).code(), absl::StrCat("opening ", path, ": ", text));
}

}  // namespace

absl::Status FromRocksDb(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsNotFound()) return absl::NotFoundError("no such row");
  if (status.IsCorruption()) return absl::DataLossError("stored data is damaged");
  return absl::UnavailableError(status.ToString());
}

// Passes background errors on until the handle closes, and lets calls come before compaction.
class RocksDbHandle::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(std::function<void(const absl::Status&)> note) : note_(std::move(note)) {}
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override {
    // On the thread that compacts. Linux has a priority for each; without one all goes on, only
    // less gently.
    thread_local const int lowered =
        setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kCompactionNice);
    static_cast<void>(lowered);
  }
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* error) override {
    if (armed_.load() && note_) note_(FromRocksDb(*error));
  }
  void Disarm() { armed_.store(false); }

 private:
  const std::function<void(const absl::Status&)> note_;
  std::atomic<bool> armed_{true};
};

absl::StatusOr<std::shared_ptr<RocksDbHandle>> RocksDbHandle::Open(const Options& options) {
  // Deleted by the last of the store and its readers.
  std::shared_ptr<RocksDbHandle> handle(new RocksDbHandle());
  if (absl::Status status = handle->OpenDb(options); !status.ok()) return status;
  if (absl::Status status = handle->ReadLogEnd(); !status.ok()) return status;
  return handle;
}

RocksDbHandle::~RocksDbHandle() {
  if (listener_) listener_->Disarm();
  if (db_) {
    for (rocksdb::ColumnFamilyHandle* family : opened_) {
      db_->DestroyColumnFamilyHandle(family).PermitUncheckedError();
    }
    db_->Close().PermitUncheckedError();
    db_.reset();
  }
  env_.reset();
  closed_->Notify();
}

absl::Status RocksDbHandle::OpenDb(const Options& ours) {
  rocksdb::DBOptions options = DbOptions(ours);
  const std::shared_ptr<rocksdb::FileSystem> files =
      ours.file_system != nullptr ? ours.file_system : rocksdb::FileSystem::Default();
  env_ = rocksdb::NewCompositeEnv(std::make_shared<WalFileSystem>(files));
  options.env = env_.get();
  listener_ = std::make_shared<Listener>(ours.on_background_error);
  options.listeners.push_back(listener_);
  family_options_ = [ours](const std::string& name) { return FamilyOptions(ours, name); };
  if (ours.create_if_missing && ::mkdir(ours.path.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError(absl::StrCat("cannot create the data directory ", ours.path));
  }

  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, ours.path, &names).ok()) {
    names = {rocksdb::kDefaultColumnFamilyName};  // new, or DB::Open() says what is wrong
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const std::string& name : names) {
    if (name != rocksdb::kDefaultColumnFamilyName && FamilyOf(name) == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("the data directory is of another format, with a table ", name,
                       ": use the program that made it, or make a new one"));
    }
    descriptors.emplace_back(name, family_options_(name));
  }
  if (const rocksdb::Status cut = CutWalTails(*files, ours.path); !cut.ok()) {
    return OpenError(cut, ours.path);
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, ours.path, descriptors, &opened_, &db);
  if (!opened.ok()) return OpenError(opened, ours.path);
  db_.reset(db);

  std::vector<std::string> missing;
  for (const Family& family : kFamilies) {
    const auto it = std::find(names.begin(), names.end(), family.name);
    if (it == names.end()) {
      missing.emplace_back(family.name);
    } else {
      families_[static_cast<size_t>(family.home)] =
          opened_[static_cast<size_t>(it - names.begin())];
    }
  }
  return CheckStamp(missing);
}

absl::Status RocksDbHandle::CheckStamp(const std::vector<std::string>& missing) {
  std::string stamp;
  if (family(Table::kMeta) != nullptr) {
    const rocksdb::Status got =
        db_->Get(rocksdb::ReadOptions(), family(Table::kMeta), MetaKey("format").bytes, &stamp);
    if (!got.ok() && !got.IsNotFound()) return FromRocksDb(got);
  }
  if (stamp.empty()) return CreateLayout(missing);
  if (stamp.size() != 4) return absl::DataLossError("the format stamp is damaged");
  const uint64_t version = FromBigEndian(stamp);
  if (version > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the data directory is of format ", version,
                                                      ", newer than this program's ",
                                                      kFormatVersion, ": use a newer program"));
  }
  if (version < kFormatVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory is of format ", version, ", older than this program's ",
                     kFormatVersion, ", and no release wrote that: make a new one"));
  }
  if (!missing.empty()) {
    return absl::DataLossError(absl::StrCat("a table is missing: ", missing.front()));
  }
  return absl::OkStatus();
}

// The stamp comes last: a directory without it is one whose making was interrupted.
absl::Status RocksDbHandle::CreateLayout(const std::vector<std::string>& missing) {
  for (const std::string& name : missing) {
    rocksdb::ColumnFamilyHandle* made = nullptr;
    const rocksdb::Status status = db_->CreateColumnFamily(family_options_(name), name, &made);
    if (!status.ok()) return FromRocksDb(status);
    opened_.push_back(made);
    families_[static_cast<size_t>(FamilyOf(name)->home)] = made;
  }
  rocksdb::WriteBatch batch;
  rocksdb::Status status =
      batch.Put(family(Table::kMeta), MetaKey("log").bytes, BigEndian(0, 4) + BigEndian(0, 8));
  if (status.ok()) {
    status = batch.Put(family(Table::kMeta), MetaKey("format").bytes, BigEndian(kFormatVersion, 4));
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  if (status.ok()) status = db_->Write(synced, &batch);
  return FromRocksDb(status);
}

absl::Status RocksDbHandle::ReadLogEnd() {
  std::string which;
  const rocksdb::Status got =
      db_->Get(rocksdb::ReadOptions(), family(Table::kMeta), MetaKey("log").bytes, &which);
  if (!got.ok() && !got.IsNotFound()) return FromRocksDb(got);
  if (which.size() != 12) return absl::DataLossError("the row that names the log is damaged");
  log_end_.log = static_cast<uint32_t>(FromBigEndian(which.substr(0, 4)));
  log_end_.generation = FromBigEndian(which.substr(4));

  const Key prefix = EntryPrefix(log_end_.log, log_end_.generation);
  const Key last = EntryKey(log_end_.log, log_end_.generation, UINT64_MAX);
  std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions(), family(Table::kLog)));
  it->SeekForPrev(last.bytes);
  if (!it->status().ok()) return FromRocksDb(it->status());
  if (!it->Valid()) return absl::OkStatus();
  const std::string_view key(it->key().data(), it->key().size());
  if (key.starts_with(prefix.bytes)) {
    if (key.size() != last.bytes.size()) return absl::DataLossError("a log key is damaged");
    // One more would be 0, and the log would be written over from its beginning.
    if (key == last.bytes) return absl::DataLossError("a log key is damaged");
    log_end_.index = IndexSuffix(key) + 1;
  }
  return absl::OkStatus();
}

}  // namespace piivault::storage
