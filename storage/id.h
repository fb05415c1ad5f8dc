#ifndef PIIVAULT_STORAGE_ID_H_
#define PIIVAULT_STORAGE_ID_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace piivault::storage {

// 128 bits that name a subject, a record, a token or a reference. Made by the vault from a
// CSPRNG, never by a caller, so that a name says nothing about whom it names.
//
// Text form: 26 characters of lower-case base32 (RFC 4648 section 6 alphabet, no padding); the two
// unused bits of the last character are zero, and a text with another value there is refused.
struct Id128 {
  static constexpr size_t kSize = 16;
  static constexpr size_t kTextSize = 26;

  std::array<uint8_t, kSize> bytes{};

  std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  bool is_zero() const { return *this == Id128{}; }
  auto operator<=>(const Id128&) const = default;

  template <typename H>
  friend H AbslHashValue(H h, const Id128& id) {
    return H::combine_contiguous(std::move(h), id.bytes.data(), id.bytes.size());
  }

  std::string ToText() const;
  static std::optional<Id128> FromText(std::string_view text);
  // Exactly 16 raw bytes.
  static std::optional<Id128> FromBytes(std::string_view raw);
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ID_H_
