#ifndef PIIVAULT_STORAGE_LOG_INDEX_H_
#define PIIVAULT_STORAGE_LOG_INDEX_H_

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "storage/engine.h"

namespace piivault::storage {

// Finds entries by terms (e.g. "p:principals/sato") that a function draws from them. The rows are
// derived behind the log, up to a watermark; queries look at the entries above it one by one. A row
// names many entries (storage/posting_codec.h), and has a table of its own: the entries' table is
// written in the order of its keys, and stays cheap to compact.
//
// Guarantees: a query sees every entry that was durable when it began, whether derived or not.
// Does not: run by itself (somebody calls CatchUp()); know what a term means; protect its rows, as
// they say nothing that the entries do not say.
// Several of them over one engine do no harm: a step that lost a race writes nothing.
// Borrows the engine. Thread-safe if the function is.
class LogIndex {
 public:
  // Takes a term, at most 65,535 bytes, which need not outlive the call.
  using TermSink = absl::FunctionRef<void(std::string_view term)>;
  // Gives the terms of an entry to the sink, in any order, each once or more often. The same terms
  // for the same entry, always: a change asks for a new watermark name.
  using TermFunction = std::function<void(const StoredEntry&, TermSink)>;

  LogIndex(Engine& engine, TermFunction terms);

  // Derives the rows of at most `max_entries` further entries and moves the watermark, in one
  // commit without an entry of its own, or in several where the entries are large. Returns how many
  // entries it was; fewer than `max_entries` only at the log's end. ABORTED where another step came
  // first; else the engine's errors; what was committed before stays. Blocks on the commits.
  [[nodiscard]] absl::StatusOr<size_t> CatchUp(size_t max_entries = 500);

  // Entries below this have their rows.
  [[nodiscard]] absl::StatusOr<uint64_t> Watermark() const;

  struct Page {
    std::vector<StoredEntry> entries;  // ascending
    uint64_t next_index = 0;           // where the next page begins
    bool at_end = false;               // the log's end was reached
    size_t examined = 0;               // entries that were read for it
  };
  // Entries with this term from `from_index` on, at most `limit`. A page may be short, or empty,
  // without being the last one, as it looks at no more than 500 entries above the watermark.
  [[nodiscard]] absl::StatusOr<Page> QueryTerm(std::string_view term, uint64_t from_index,
                                               size_t limit) const;

 private:
  struct Step {
    size_t entries = 0;
    bool at_end = false;
  };
  [[nodiscard]] absl::StatusOr<Step> CatchUpOnce(size_t max_entries);
  [[nodiscard]] absl::StatusOr<std::vector<uint64_t>> FindDerived(std::string_view term,
                                                                  uint64_t from_index,
                                                                  uint64_t watermark,
                                                                  size_t limit) const;
  [[nodiscard]] absl::Status AddDerived(std::string_view term, uint64_t watermark, size_t limit,
                                        Page* page) const;
  [[nodiscard]] absl::Status AddTail(std::string_view term, size_t limit, Page* page) const;

  Engine& engine_;
  const TermFunction terms_;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_LOG_INDEX_H_
