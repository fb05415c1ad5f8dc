#include "storage/rocksdb_engine.h"

#include "storage/entry_codec.h"
#include "storage/rocksdb_store.h"

namespace piivault::storage {

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::Open(EngineOptions options) {
  return OpenWith(options, /*sync_writes=*/true);
}

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::OpenUnsyncedForTest(
    EngineOptions options) {
  return OpenWith(options, /*sync_writes=*/false);
}

absl::StatusOr<std::unique_ptr<RocksDbEngine>> RocksDbEngine::OpenWith(const EngineOptions& options,
                                                                       bool sync_writes) {
  RocksDbStoreOptions store_options;
  store_options.path = options.path;
  store_options.create_if_missing = options.create_if_missing;
  store_options.block_cache_bytes = options.block_cache_bytes;
  store_options.file_system = options.file_system;
  store_options.sync_writes = sync_writes;
  auto store = RocksDbStore::Open(std::move(store_options));
  if (!store.ok()) return store.status();
  return std::unique_ptr<RocksDbEngine>(new RocksDbEngine(options, *std::move(store)));
}

RocksDbEngine::RocksDbEngine(const EngineOptions& options, std::shared_ptr<RocksDbStore> store)
    : store_(std::move(store)), commits_(options, store_, store_->end_at_open()) {
  store_->SetFailureNote(commits_.StoreFailureNote());
}

RocksDbEngine::~RocksDbEngine() { Shutdown(); }

absl::Status RocksDbEngine::Submit(std::unique_ptr<Commit> commit) {
  return commits_.Submit(std::move(commit));
}

uint64_t RocksDbEngine::AppliedSequence() const { return commits_.AppliedSequence(); }

absl::StatusOr<std::string> RocksDbEngine::Get(const Key& key) const { return store_->Get(key); }

absl::StatusOr<std::vector<std::optional<std::string>>> RocksDbEngine::MultiGet(
    absl::Span<const Key> keys) const {
  return store_->MultiGet(keys);
}

absl::Status RocksDbEngine::Scan(const Key& prefix, std::string_view start, size_t limit,
                                 Visitor visitor) const {
  return store_->Scan(prefix, start, limit, visitor);
}

absl::StatusOr<std::vector<StoredEntry>> RocksDbEngine::ReadEntries(uint64_t index,
                                                                    size_t limit) const {
  std::vector<StoredEntry> entries;
  LogPosition position = LogEnd();
  position.index = index;
  const Key prefix = EntryPrefix(position.log, position.generation);
  const Key start = EntryKey(position.log, position.generation, index);
  absl::Status damage;
  const absl::Status scanned =
      store_->Scan(prefix, start.bytes, limit, [&](std::string_view key, std::string_view value) {
        std::optional<EntryDraft> entry = DecodeEntry(value);
        if (key.size() != start.bytes.size() || IndexSuffix(key) != position.index) {
          damage = absl::DataLossError("an entry is missing from the log");
        } else if (!entry) {
          damage = absl::DataLossError("an entry of the log is damaged");
        } else {
          entries.push_back({position, *std::move(entry)});
          ++position.index;
        }
        return damage.ok();
      });
  if (!scanned.ok()) return scanned;
  if (!damage.ok()) return damage;
  return entries;
}

LogPosition RocksDbEngine::LogEnd() const { return commits_.LogEnd(); }

void RocksDbEngine::SetReopenHook(std::function<absl::Status()> hook) {
  commits_.SetReopenHook(std::move(hook));
}

void RocksDbEngine::Shutdown() { commits_.Shutdown(); }

EngineStats RocksDbEngine::Stats() const { return commits_.Stats(); }

std::vector<std::pair<std::string, uint64_t>> RocksDbEngine::Properties() const {
  return store_->Properties();
}

}  // namespace piivault::storage
