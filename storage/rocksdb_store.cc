#include "storage/rocksdb_store.h"

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"
#include "storage/entry_codec.h"
#include "storage/rocksdb_handle.h"

namespace piivault::storage {
namespace {

absl::Status Closed() { return absl::UnavailableError("the engine is being reopened"); }

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// The smallest key above every key with this prefix; empty where there is none.
std::string EndOfPrefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<uint8_t>(end.back()) + 1);
  return end;
}

// Of so few keys of one family each is read by itself: MultiGet costs about four reads to set up.
constexpr size_t kFewKeys = 5;

// Reads those of `keys` that are in the family of `home` into their places; absent ones stay as
// they are.
rocksdb::Status GetOfFamily(const RocksDbHandle& open, Table home, absl::Span<const Key> keys,
                            std::vector<std::optional<std::string>>* values) {
  absl::InlinedVector<size_t, 64> places;
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto& [table, bytes] = keys[i];
    if (HomeOf(table) == home && FitsTable(table, bytes.size())) places.push_back(i);
  }
  if (places.empty()) return rocksdb::Status::OK();
  rocksdb::ColumnFamilyHandle* const family = open.family(home);
  const auto take = [&](size_t place, const rocksdb::Status& status,
                        const rocksdb::PinnableSlice& found) {
    if (status.ok()) (*values)[place].emplace(found.data(), found.size());
    return status.ok() || status.IsNotFound() ? rocksdb::Status::OK() : status;
  };
  if (places.size() < kFewKeys) {
    for (size_t place : places) {
      rocksdb::PinnableSlice found;
      rocksdb::Status status =
          open.db().Get(rocksdb::ReadOptions(), family, keys[place].bytes, &found);
      if (status = take(place, status, found); !status.ok()) return status;
    }
    return rocksdb::Status::OK();
  }
  std::vector<rocksdb::Slice> slices(places.size());
  std::vector<rocksdb::PinnableSlice> found(places.size());
  std::vector<rocksdb::Status> statuses(places.size());
  for (size_t i = 0; i < places.size(); ++i) slices[i] = keys[places[i]].bytes;
  open.db().MultiGet(rocksdb::ReadOptions(), family, places.size(), slices.data(), found.data(),
                     statuses.data());
  for (size_t i = 0; i < places.size(); ++i) {
    rocksdb::Status status = take(places[i], statuses[i], found[i]);
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

// Scans of so many rows and more do not put what they read into the cache: it is for what calls
// read.
constexpr size_t kLongScan = 1000;
// So many rows of other tables are stepped over one by one.
constexpr size_t kStepsBeforeSeek = 8;

// Moves behind a row that is of another table than the one that is scanned; `passed` counts those
// since the last of that table. All that a subject has may lie before the next subject.
void PassOver(Table table, size_t* passed, rocksdb::Iterator* it) {
  const std::string_view key(it->key().data(), it->key().size());
  const size_t own_size = SharedKeySize(table);
  if (key.size() < own_size || ++*passed < kStepsBeforeSeek) return it->Next();
  *passed = 0;
  const std::string behind = EndOfPrefix(key.substr(0, own_size));
  behind.empty() ? it->Next() : it->Seek(behind);
}

}  // namespace

RocksDbStore::RocksDbStore(RocksDbStoreOptions options)
    : options_(std::move(options)),
      block_cache_(rocksdb::NewLRUCache(options_.block_cache_bytes)) {}

RocksDbStore::~RocksDbStore() = default;

absl::StatusOr<std::shared_ptr<RocksDbStore>> RocksDbStore::Open(RocksDbStoreOptions options) {
  // Shared by the engine's reads and the committing thread, which a hanging write may keep.
  std::shared_ptr<RocksDbStore> store(new RocksDbStore(std::move(options)));
  if (absl::Status status = store->OpenHandle(store->options_.create_if_missing); !status.ok())
    return status;
  return store;
}

void RocksDbStore::SetFailureNote(std::function<void(const absl::Status&)> note) {
  absl::MutexLock lock(&mu_);
  failure_note_ = std::move(note);
}

absl::Status RocksDbStore::OpenHandle(bool may_create) {
  RocksDbHandle::Options options;
  options.path = options_.path;
  options.create_if_missing = may_create;
  options.block_cache = block_cache_;
  options.file_system = options_.file_system;
  // RocksDB calls this while the handle is open, and this object keeps the handle.
  options.on_background_error = [this](const absl::Status& cause) {
    std::function<void(const absl::Status&)> note;
    {
      absl::MutexLock lock(&mu_);
      note = failure_note_;
    }
    if (note) note(cause);
  };
  auto handle = RocksDbHandle::Open(options);
  if (!handle.ok()) return handle.status();
  end_at_open_ = (*handle)->log_end();
  writer_ = *handle;
  absl::MutexLock lock(&mu_);
  handle_ = *std::move(handle);
  return absl::OkStatus();
}

void RocksDbStore::CloseHandle() {
  std::shared_ptr<RocksDbHandle> old = std::move(writer_);
  writer_ = nullptr;
  {
    absl::MutexLock lock(&mu_);
    handle_ = nullptr;
  }
  if (old == nullptr) return;
  const std::shared_ptr<absl::Notification> closed = old->closed();
  old.reset();
  closed->WaitForNotification();
}

std::shared_ptr<RocksDbHandle> RocksDbStore::handle() const {
  absl::ReaderMutexLock lock(&mu_);
  return handle_;
}

void RocksDbStore::Add(const Mutation& write) {
  // Adding to a batch in memory cannot fail; a batch too large is refused by WriteBatch().
  rocksdb::ColumnFamilyHandle* const family = writer_->family(write.key.table);
  if (write.value) {
    batch_.Put(family, write.key.bytes, *write.value).PermitUncheckedError();
  } else {
    batch_.Delete(family, write.key.bytes).PermitUncheckedError();
  }
}

void RocksDbStore::AddEntry(const LogPosition& position, const EntryDraft& entry) {
  const Key key = EntryKey(position.log, position.generation, position.index);
  const EntryHead head = EncodeEntryHead(entry);
  const rocksdb::Slice key_part = key.bytes;
  const std::array<rocksdb::Slice, 4> value_parts = {
      ToSlice(head.view()), entry.retained,
      rocksdb::Slice(reinterpret_cast<const char*>(entry.salt.data()), entry.salt.size()),
      entry.body};
  batch_
      .Put(writer_->family(Table::kLog), rocksdb::SliceParts(&key_part, 1),
           rocksdb::SliceParts(value_parts.data(), static_cast<int>(value_parts.size())))
      .PermitUncheckedError();
}

absl::Status RocksDbStore::WriteBatch() {
  rocksdb::WriteOptions options;
  options.sync = options_.sync_writes;
  const rocksdb::Status written = writer_->db().Write(options, &batch_);
  batch_.Clear();
  return FromRocksDb(written);
}

absl::StatusOr<LogPosition> RocksDbStore::Reopen() {
  batch_.Clear();
  CloseHandle();
  // A directory that has gone is not to be made anew, empty.
  if (absl::Status status = OpenHandle(/*may_create=*/false); !status.ok()) return status;
  return end_at_open_;
}

absl::StatusOr<std::string> RocksDbStore::Get(const Key& key) const {
  const std::shared_ptr<RocksDbHandle> open = handle();
  if (open == nullptr) return Closed();
  if (!FitsTable(key.table, key.bytes.size())) return absl::NotFoundError("no such row");
  std::string value;
  const rocksdb::Status status =
      open->db().Get(rocksdb::ReadOptions(), open->family(key.table), key.bytes, &value);
  if (!status.ok()) return FromRocksDb(status);
  return value;
}

absl::StatusOr<std::vector<std::optional<std::string>>> RocksDbStore::MultiGet(
    absl::Span<const Key> keys) const {
  const std::shared_ptr<RocksDbHandle> open = handle();
  if (open == nullptr) return Closed();
  std::vector<std::optional<std::string>> values(keys.size());
  for (size_t table = 0; table < kTableCount; ++table) {
    if (rocksdb::Status s = GetOfFamily(*open, static_cast<Table>(table), keys, &values); !s.ok()) {
      return FromRocksDb(s);
    }
  }
  return values;
}

absl::Status RocksDbStore::Scan(const Key& prefix, std::string_view start, size_t limit,
                                Engine::Visitor visitor) const {
  const std::shared_ptr<RocksDbHandle> open = handle();
  if (open == nullptr) return Closed();
  if (limit == 0) return absl::OkStatus();
  const std::string end = EndOfPrefix(prefix.bytes);
  const rocksdb::Slice upper = end;
  rocksdb::ReadOptions options;
  if (!end.empty()) options.iterate_upper_bound = &upper;
  // Filters of prefixes are asked where they cover the scan.
  options.auto_prefix_mode = true;
  // What goes through a table is not to push out what calls read.
  options.fill_cache = limit < kLongScan;
  const std::unique_ptr<rocksdb::Iterator> it(
      open->db().NewIterator(options, open->family(prefix.table)));
  size_t visited = 0;
  size_t passed = 0;
  it->Seek(ToSlice(std::max<std::string_view>(start, prefix.bytes)));
  while (it->Valid()) {
    const rocksdb::Slice key = it->key();
    if (!FitsTable(prefix.table, key.size())) {
      PassOver(prefix.table, &passed, it.get());
      continue;
    }
    passed = 0;
    const rocksdb::Slice value = it->value();
    if (!visitor({key.data(), key.size()}, {value.data(), value.size()})) break;
    if (++visited == limit) break;
    it->Next();
  }
  return FromRocksDb(it->status());
}

std::vector<std::pair<std::string, uint64_t>> RocksDbStore::Properties() const {
  static constexpr std::array<const char*, 11> kNames = {"estimate-num-keys",
                                                         "total-sst-files-size",
                                                         "live-sst-files-size",
                                                         "cur-size-all-mem-tables",
                                                         "estimate-table-readers-mem",
                                                         "estimate-pending-compaction-bytes",
                                                         "num-running-flushes",
                                                         "num-running-compactions",
                                                         "background-errors",
                                                         "actual-delayed-write-rate",
                                                         "is-write-stopped"};
  std::vector<std::pair<std::string, uint64_t>> properties;
  const std::shared_ptr<RocksDbHandle> open = handle();
  if (open == nullptr) return properties;
  for (const char* name : kNames) {
    uint64_t value = 0;
    if (open->db().GetAggregatedIntProperty(absl::StrCat("rocksdb.", name), &value)) {
      properties.emplace_back(name, value);
    }
  }
  properties.emplace_back("block-cache-usage", block_cache_->GetUsage());
  return properties;
}

}  // namespace piivault::storage
