#include "storage/recent_writes.h"

#include <algorithm>

namespace piivault::storage {

RecentWrites::RecentWrites(size_t capacity) : ring_(std::max<size_t>(capacity, 1)) {
  last_write_.reserve(ring_.size());
}

bool RecentWrites::Holds(absl::Span<const uint64_t> reads, uint64_t as_of) const {
  if (reads.empty()) return true;
  if (as_of < floor_) return false;
  for (uint64_t cell : reads) {
    const auto it = last_write_.find(cell);
    if (it != last_write_.end() && it->second > as_of) return false;
  }
  return true;
}

void RecentWrites::Add(uint64_t cell, uint64_t sequence) {
  const auto [it, inserted] = last_write_.try_emplace(cell, sequence);
  if (!inserted) {
    if (it->second == sequence) return;  // this batch has it already
    it->second = sequence;
  }
  Write& slot = ring_[next_];
  if (size_ == ring_.size()) {
    floor_ = slot.sequence;
    const auto old = last_write_.find(slot.cell);
    // A later write of the same cell keeps it.
    if (old != last_write_.end() && old->second == slot.sequence) last_write_.erase(old);
  } else {
    ++size_;
  }
  slot = {cell, sequence};
  next_ = next_ + 1 == ring_.size() ? 0 : next_ + 1;
}

void RecentWrites::AddAll(const Commit& commit, uint64_t sequence) {
  if (!commit.same_content) {
    for (const Mutation& write : commit.writes) {
      if (HoldsCells(write.key.table)) Add(CellFingerprint(write.key), sequence);
    }
  }
  for (uint64_t cell : commit.touches) Add(cell, sequence);
}

void RecentWrites::Reset(uint64_t sequence) {
  floor_ = sequence;
  last_write_.clear();
  size_ = 0;
  next_ = 0;
}

}  // namespace piivault::storage
