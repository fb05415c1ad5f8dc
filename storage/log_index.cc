#include "storage/log_index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/commit_and_wait.h"
#include "storage/entry_codec.h"

namespace piivault::storage {
namespace {

constexpr std::string_view kWatermark = "log-index-watermark";
// The most entries above the watermark that one query looks at.
constexpr size_t kTailEntries = 500;

// Generation and index, 8 bytes each: the suffix of an entry's key.
std::string EncodeWatermark(const LogPosition& position) {
  return EntryKey(position.log, position.generation, position.index).bytes.substr(5);
}

}  // namespace

LogIndex::LogIndex(Engine& engine, TermFunction terms)
    : engine_(engine), terms_(std::move(terms)) {}

absl::StatusOr<uint64_t> LogIndex::Watermark() const {
  absl::StatusOr<std::string> row = engine_.Get(MetaKey(kWatermark));
  if (absl::IsNotFound(row.status())) return 0;
  if (!row.ok()) return row.status();
  if (row->size() != 16) return absl::DataLossError("the log index's watermark is damaged");
  const LogPosition end = engine_.LogEnd();
  // Rows of an older generation are not this one's.
  if (row->substr(0, 8) != EncodeWatermark(end).substr(0, 8)) return 0;
  const uint64_t index = IndexSuffix(*row);
  if (index > end.index) return absl::DataLossError("the log index is ahead of the log");
  return index;
}

absl::StatusOr<size_t> LogIndex::CatchUp(size_t max_entries) {
  auto commit = std::make_unique<Commit>();
  commit->as_of = engine_.AppliedSequence();
  commit->decided_at = absl::InfiniteFuture();
  const Key watermark_key = MetaKey(kWatermark);
  commit->reads.push_back(CellFingerprint(watermark_key));

  const absl::StatusOr<uint64_t> watermark = Watermark();
  if (!watermark.ok()) return watermark.status();
  const absl::StatusOr<std::vector<StoredEntry>> entries =
      engine_.ReadEntries(*watermark, max_entries);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return 0;

  for (const StoredEntry& entry : *entries) {
    for (const std::string& term : terms_(entry)) {
      commit->writes.push_back(
          {EntryTermKey(term, entry.position.generation, entry.position.index), ""});
    }
  }
  LogPosition next = entries->back().position;
  ++next.index;
  commit->writes.push_back({watermark_key, EncodeWatermark(next)});
  const absl::StatusOr<LogPosition> done = CommitOrError(engine_, std::move(commit));
  if (!done.ok()) return done.status();
  return entries->size();
}

absl::StatusOr<LogIndex::Page> LogIndex::QueryTerm(std::string_view term, uint64_t from_index,
                                                   size_t limit) const {
  Page page;
  page.next_index = from_index;
  if (limit == 0) return page;
  const absl::StatusOr<uint64_t> watermark = Watermark();
  if (!watermark.ok()) return watermark.status();
  if (from_index < *watermark) {
    if (absl::Status status = AddDerived(term, *watermark, limit, &page); !status.ok()) {
      return status;
    }
  }
  if (page.entries.size() == limit) return page;
  if (absl::Status status = AddTail(term, limit, &page); !status.ok()) return status;
  return page;
}

absl::Status LogIndex::AddDerived(std::string_view term, uint64_t watermark, size_t limit,
                                  Page* page) const {
  const LogPosition end = engine_.LogEnd();
  const Key first = EntryTermKey(term, end.generation, page->next_index);
  Key prefix = first;
  prefix.bytes.resize(first.bytes.size() - 8);
  std::vector<Key> keys;
  const absl::Status scanned =
      engine_.Scan(prefix, first.bytes, limit, [&](std::string_view key, std::string_view) {
        const uint64_t index = IndexSuffix(key);
        if (index >= watermark) return false;  // derived meanwhile; the tail has it
        keys.push_back(EntryKey(end.log, end.generation, index));
        return true;
      });
  if (!scanned.ok()) return scanned;
  const auto rows = engine_.MultiGet(keys);
  if (!rows.ok()) return rows.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    std::optional<EntryDraft> entry;
    if ((*rows)[i]) entry = DecodeEntry(*(*rows)[i]);
    if (!entry) return absl::DataLossError("an entry that the log index names is damaged");
    const LogPosition position{end.log, end.generation, IndexSuffix(keys[i].bytes)};
    page->entries.push_back({position, *std::move(entry)});
    ++page->examined;
  }
  page->next_index =
      page->entries.size() == limit ? page->entries.back().position.index + 1 : watermark;
  return absl::OkStatus();
}

absl::Status LogIndex::AddTail(std::string_view term, size_t limit, Page* page) const {
  absl::StatusOr<std::vector<StoredEntry>> entries =
      engine_.ReadEntries(page->next_index, kTailEntries);
  if (!entries.ok()) return entries.status();
  for (StoredEntry& entry : *entries) {
    const std::vector<std::string> terms = terms_(entry);
    ++page->examined;
    page->next_index = entry.position.index + 1;
    if (std::find(terms.begin(), terms.end(), term) == terms.end()) continue;
    page->entries.push_back(std::move(entry));
    if (page->entries.size() == limit) return absl::OkStatus();
  }
  page->at_end = entries->size() < kTailEntries;
  return absl::OkStatus();
}

}  // namespace piivault::storage
