#ifndef PIIVAULT_STORAGE_COMMIT_QUEUE_H_
#define PIIVAULT_STORAGE_COMMIT_QUEUE_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "storage/engine.h"

namespace piivault::storage {

// First in, first out, bounded by number and by bytes. The slots are made once. Thread-compatible.
class CommitQueue {
 public:
  CommitQueue(size_t max_commits, size_t max_bytes)
      : slots_(max_commits == 0 ? 1 : max_commits), max_bytes_(max_bytes) {}

  // Takes the commit, or leaves it and returns false when a bound is reached. An empty queue takes
  // a commit of any size.
  bool Push(std::unique_ptr<Commit>& commit, size_t bytes) {
    if (count_ == slots_.size()) return false;
    if (count_ > 0 && bytes_ + bytes > max_bytes_) return false;
    size_t at = first_ + count_;
    if (at >= slots_.size()) at -= slots_.size();
    slots_[at] = {std::move(commit), bytes};
    bytes_ += bytes;
    ++count_;
    return true;
  }

  // Appends the oldest to `batch`, until a bound is reached; at least one if there is any.
  void Take(size_t max_commits, size_t max_bytes, std::vector<std::unique_ptr<Commit>>* batch) {
    size_t taken = 0;
    size_t taken_bytes = 0;
    while (count_ > 0 && taken < max_commits) {
      Slot& slot = slots_[first_];
      if (taken > 0 && taken_bytes + slot.bytes > max_bytes) break;
      taken_bytes += slot.bytes;
      ++taken;
      batch->push_back(std::move(slot.commit));
      if (++first_ == slots_.size()) first_ = 0;
      --count_;
    }
    bytes_ -= taken_bytes;
  }

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }

  // What a commit counts for: about the memory it holds.
  static size_t BytesOf(const Commit& commit) {
    size_t bytes = sizeof(Commit) + 8 * (commit.reads.size() + commit.touches.size());
    for (const Mutation& write : commit.writes) {
      bytes += sizeof(Mutation) + write.key.bytes.size() + (write.value ? write.value->size() : 0);
    }
    for (const auto* entry : {&commit.entry, &commit.on_conflict}) {
      if (entry->has_value()) bytes += (*entry)->retained.size() + (*entry)->body.size();
    }
    return bytes;
  }

 private:
  struct Slot {
    std::unique_ptr<Commit> commit;
    size_t bytes = 0;
  };
  std::vector<Slot> slots_;
  const size_t max_bytes_;
  size_t first_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_COMMIT_QUEUE_H_
