#ifndef PIIVAULT_STORAGE_LOG_INDEX_H_
#define PIIVAULT_STORAGE_LOG_INDEX_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine.h"

namespace piivault::storage {

// Finds entries by terms (e.g. "p:principals/sato") that a function draws from them. The rows are
// derived behind the log, up to a watermark; queries look at the entries above it one by one.
//
// Guarantees: a query sees every entry that was durable when it began, whether derived or not.
// Does not: run by itself (somebody calls CatchUp()); know what a term means; protect its rows, as
// they say nothing that the entries do not say.
// Several of them over one engine do no harm: a step that lost a race writes nothing.
// Borrows the engine. Thread-safe if the function is.
class LogIndex {
 public:
  // The terms of an entry, at most 65,535 bytes each. The same for the same entry, always: a change
  // asks for a new watermark name.
  using TermFunction = std::function<std::vector<std::string>(const StoredEntry&)>;

  LogIndex(Engine& engine, TermFunction terms);

  // Derives the rows of at most `max_entries` further entries and moves the watermark, in one
  // commit without an entry of its own. Returns how many entries it was; 0 when there is nothing to
  // do. ABORTED where another step came first; else the engine's errors. Blocks on the commit.
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
  [[nodiscard]] absl::Status AddDerived(std::string_view term, uint64_t watermark, size_t limit,
                                        Page* page) const;
  [[nodiscard]] absl::Status AddTail(std::string_view term, size_t limit, Page* page) const;

  Engine& engine_;
  const TermFunction terms_;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_LOG_INDEX_H_
