#include "storage/log_index.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "storage/commit_and_wait.h"
#include "storage/entry_codec.h"
#include "storage/posting_codec.h"

namespace piivault::storage {
namespace {

constexpr std::string_view kWatermark = "log-index-watermark";
// The most entries above the watermark that one query looks at.
constexpr size_t kTailEntries = 500;
// One commit is made of entries with about so many bytes at most, read so many entries at a time:
// an entry can have 150 kB.
constexpr size_t kStepBytes = size_t{8} << 20;
constexpr size_t kReadEntries = 100;

// Generation and index, 8 bytes each: the suffix of an entry's key.
std::string EncodeWatermark(const LogPosition& position) {
  return EntryKey(position.log, position.generation, position.index).bytes.substr(5);
}

// Gathers which terms are in which entries, and makes rows of it.
class PostingCollector {
 public:
  // REQUIRES: `index` never falls.
  void Add(std::string_view term, uint64_t index) {
    postings_.push_back({bytes_.size(), term.size(), index});
    bytes_.append(term);
  }

  // Appends the rows in the order of their keys: one for each term and block.
  void TakeRows(uint64_t generation, std::vector<Mutation>* rows) {
    std::sort(postings_.begin(), postings_.end(), [this](const Posting& a, const Posting& b) {
      if (a.size != b.size) return a.size < b.size;  // as the length comes first in keys
      const int order = TermOf(a).compare(TermOf(b));
      return order != 0 ? order < 0 : a.index < b.index;
    });
    const Posting* last = nullptr;
    for (const Posting& posting : postings_) {
      const bool same_term = last != nullptr && TermOf(*last) == TermOf(posting);
      if (same_term && last->index == posting.index) continue;
      if (same_term && PostingBlockBegin(last->index) == PostingBlockBegin(posting.index)) {
        AppendPosting(posting.index - last->index, &*rows->back().value);
      } else {
        rows->push_back({EntryTermKey(TermOf(posting), generation, posting.index), ""});
      }
      last = &posting;
    }
  }

 private:
  struct Posting {
    size_t begin;  // of the term, in bytes_
    size_t size;
    uint64_t index;
  };
  std::string_view TermOf(const Posting& posting) const {
    return std::string_view(bytes_).substr(posting.begin, posting.size);
  }

  std::string bytes_;  // of all terms: none has an allocation of its own
  std::vector<Posting> postings_;
};

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
  size_t done = 0;
  while (done < max_entries) {
    const absl::StatusOr<Step> step = CatchUpOnce(max_entries - done);
    if (!step.ok()) return step.status();
    done += step->entries;
    if (step->at_end) break;
  }
  return done;
}

absl::StatusOr<LogIndex::Step> LogIndex::CatchUpOnce(size_t max_entries) {
  auto commit = std::make_unique<Commit>();
  commit->as_of = engine_.AppliedSequence();
  commit->decided_at = absl::InfiniteFuture();
  const Key watermark_key = MetaKey(kWatermark);
  commit->reads.push_back(CellFingerprint(watermark_key));

  const absl::StatusOr<uint64_t> watermark = Watermark();
  if (!watermark.ok()) return watermark.status();
  Step step;
  PostingCollector postings;
  LogPosition next;
  for (size_t bytes = 0; step.entries < max_entries && bytes < kStepBytes && !step.at_end;) {
    const size_t limit = std::min(kReadEntries, max_entries - step.entries);
    const absl::StatusOr<std::vector<StoredEntry>> entries =
        engine_.ReadEntries(*watermark + step.entries, limit);
    if (!entries.ok()) return entries.status();
    for (const StoredEntry& entry : *entries) {
      terms_(entry, [&](std::string_view term) { postings.Add(term, entry.position.index); });
      bytes += entry.entry.body.size();
      next = entry.position;
    }
    step.entries += entries->size();
    step.at_end = entries->size() < limit;
  }
  if (step.entries == 0) return step;

  postings.TakeRows(next.generation, &commit->writes);
  ++next.index;
  commit->writes.push_back({watermark_key, EncodeWatermark(next)});
  const absl::StatusOr<LogPosition> done = CommitOrError(engine_, std::move(commit));
  if (!done.ok()) return done.status();
  return step;
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

absl::StatusOr<std::vector<uint64_t>> LogIndex::FindDerived(std::string_view term,
                                                            uint64_t from_index, uint64_t watermark,
                                                            size_t limit) const {
  const uint64_t generation = engine_.LogEnd().generation;
  const Key prefix = EntryTermPrefix(term, generation);
  // A row of the same block may begin below and reach above.
  const Key start = EntryTermKey(term, generation, PostingBlockBegin(from_index));
  std::vector<uint64_t> found;
  std::vector<uint64_t> named;
  bool damaged = false;
  const absl::Status scanned = engine_.Scan(
      prefix, start.bytes, SIZE_MAX, [&](std::string_view key, std::string_view value) {
        named.clear();
        damaged =
            key.size() != start.bytes.size() || !DecodePostings(IndexSuffix(key), value, &named);
        if (damaged) return false;
        for (uint64_t index : named) {
          // What was derived meanwhile is the tail's.
          if (index >= watermark || found.size() == limit) return false;
          if (index >= from_index) found.push_back(index);
        }
        return found.size() < limit;
      });
  if (!scanned.ok()) return scanned;
  if (damaged) return absl::DataLossError("a row of the log index is damaged");
  return found;
}

absl::Status LogIndex::AddDerived(std::string_view term, uint64_t watermark, size_t limit,
                                  Page* page) const {
  const absl::StatusOr<std::vector<uint64_t>> found =
      FindDerived(term, page->next_index, watermark, limit);
  if (!found.ok()) return found.status();
  const LogPosition end = engine_.LogEnd();
  std::vector<Key> keys;
  keys.reserve(found->size());
  for (uint64_t index : *found) keys.push_back(EntryKey(end.log, end.generation, index));
  const auto rows = engine_.MultiGet(keys);
  if (!rows.ok()) return rows.status();
  for (size_t i = 0; i < keys.size(); ++i) {
    std::optional<EntryDraft> entry;
    if ((*rows)[i]) entry = DecodeEntry(*(*rows)[i]);
    if (!entry) return absl::DataLossError("an entry that the log index names is damaged");
    const LogPosition position{end.log, end.generation, (*found)[i]};
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
    bool matches = false;
    terms_(entry, [&](std::string_view of_entry) { matches = matches || of_entry == term; });
    ++page->examined;
    page->next_index = entry.position.index + 1;
    if (!matches) continue;
    page->entries.push_back(std::move(entry));
    if (page->entries.size() == limit) return absl::OkStatus();
  }
  page->at_end = entries->size() < kTailEntries;
  return absl::OkStatus();
}

}  // namespace piivault::storage
