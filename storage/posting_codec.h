#ifndef PIIVAULT_STORAGE_POSTING_CODEC_H_
#define PIIVAULT_STORAGE_POSTING_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace piivault::storage {

// A posting row of the log's index (FORMAT.md, "Log index rows") names entries by ascending index,
// all of one block: the first is in the row's key, each further one is in the value as its distance
// to the one before. So whoever looks for rows that name an entry begins at that entry's block.

inline constexpr uint64_t kPostingBlock = 4096;
constexpr uint64_t PostingBlockBegin(uint64_t index) { return index - index % kPostingBlock; }

// Appends the distance of a further index. REQUIRES: 0 < distance < kPostingBlock.
void AppendPosting(uint64_t distance, std::string* value);

// Appends all indexes of a row to `indexes`. False for a value that AppendPosting() does not make,
// or that leaves the first index's block.
[[nodiscard]] bool DecodePostings(uint64_t first, std::string_view value,
                                  std::vector<uint64_t>* indexes);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_POSTING_CODEC_H_
