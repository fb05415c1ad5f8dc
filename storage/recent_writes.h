#ifndef PIIVAULT_STORAGE_RECENT_WRITES_H_
#define PIIVAULT_STORAGE_RECENT_WRITES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "storage/engine.h"

namespace piivault::storage {

// Remembers which cells were written by which batch, as far back as `capacity` writes, and so tells
// whether a read set still holds.
//
// Guarantees: a write with a sequence above a commit's `as_of` to a cell that it read is noticed; a
// commit older than what is remembered is refused. Refusing too much (hash collisions, forgotten
// writes) is allowed, refusing too little is not.
// Thread-compatible: the committing thread owns it. Memory: about 40 bytes for each cell.
class RecentWrites {
 public:
  explicit RecentWrites(size_t capacity);

  // True if no cell of `reads` changed after batch `as_of`.
  bool Holds(absl::Span<const uint64_t> reads, uint64_t as_of) const;

  // Notes that batch `sequence` changes the cell. REQUIRES: `sequence` never falls.
  void Add(uint64_t cell, uint64_t sequence);
  // Notes the cells of `touches`, and of `writes` where the table HoldsCells() and the content
  // changes.
  void AddAll(const Commit& commit, uint64_t sequence);

  // Forgets everything up to `sequence`: commits with an earlier `as_of` no longer hold.
  void Reset(uint64_t sequence);

 private:
  struct Write {
    uint64_t cell;
    uint64_t sequence;
  };

  // Writes up to and including this batch may be forgotten.
  uint64_t floor_ = 0;
  absl::flat_hash_map<uint64_t, uint64_t> last_write_;  // cell -> sequence
  std::vector<Write> ring_;                             // in order of arrival, oldest at next_
  size_t next_ = 0;
  size_t size_ = 0;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_RECENT_WRITES_H_
