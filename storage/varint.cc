#include "storage/varint.h"

namespace piivault::storage {

std::optional<uint64_t> TakeVarint(std::string_view* in) {
  uint64_t value = 0;
  for (size_t i = 0; i < in->size() && i < kMaxVarintSize; ++i) {
    const auto byte = static_cast<uint8_t>((*in)[i]);
    value |= uint64_t{byte & 0x7fu} << (7 * i);
    if (byte < 0x80) {
      if (byte == 0 && i > 0) return std::nullopt;  // not the shortest form
      in->remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace piivault::storage
