#include "storage/posting_codec.h"

#include <array>
#include <cassert>
#include <optional>

#include "storage/varint.h"

namespace piivault::storage {

void AppendPosting(uint64_t distance, std::string* value) {
  assert(distance > 0 && distance < kPostingBlock);
  std::array<char, kMaxVarintSize> bytes;
  value->append(bytes.data(), PutVarint(distance, bytes.data()));
}

bool DecodePostings(uint64_t first, std::string_view value, std::vector<uint64_t>* indexes) {
  const uint64_t room = kPostingBlock - first % kPostingBlock;
  uint64_t offset = 0;
  indexes->push_back(first);
  while (!value.empty()) {
    const std::optional<uint64_t> distance = TakeVarint(&value);
    if (!distance || *distance == 0 || *distance >= room - offset) return false;
    offset += *distance;
    indexes->push_back(first + offset);
  }
  return true;
}

}  // namespace piivault::storage
