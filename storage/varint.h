#ifndef PIIVAULT_STORAGE_VARINT_H_
#define PIIVAULT_STORAGE_VARINT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace piivault::storage {

// Varints as rows hold them (FORMAT.md, "Conventions"): 7 bits a byte, low bits first, the high bit
// set on all but the last byte, in the shortest form.
inline constexpr size_t kMaxVarintSize = 9;

// Writes `value` and returns how many bytes it took, at most kMaxVarintSize.
// REQUIRES: value < 2^63.
inline size_t PutVarint(uint64_t value, char* out) {
  size_t size = 0;
  while (value >= 0x80) {
    out[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out[size++] = static_cast<char>(value);
  return size;
}

// Reads the varint at the front of `*in` and moves past it; absent where there is none.
std::optional<uint64_t> TakeVarint(std::string_view* in);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_VARINT_H_
