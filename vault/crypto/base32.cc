#include "vault/crypto/base32.h"

#include <cstdint>

namespace piivault::vault {
namespace {

constexpr unsigned kBitsPerCharacter = 5;

// The value of a character, or nothing. Spoken as comparisons, not as a table that the secret
// indexes.
std::optional<uint32_t> CharacterValue(char c) {
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a');
  if (c >= '2' && c <= '7') return static_cast<uint32_t>(c - '2' + 26);
  return std::nullopt;
}

uint8_t ValueCharacter(uint32_t value) {
  return static_cast<uint8_t>(value < 26 ? 'a' + value : '2' + value - 26);
}

}  // namespace

SecretBytes Base32Encode(std::string_view bytes) {
  SecretBytes text((bytes.size() * 8 + kBitsPerCharacter - 1) / kBitsPerCharacter);
  uint8_t* out = text.span().data();
  uint32_t bits = 0;
  unsigned held = 0;
  for (char byte : bytes) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    held += 8;
    while (held >= kBitsPerCharacter) {
      held -= kBitsPerCharacter;
      *out++ = ValueCharacter(bits >> held & 31);
    }
    bits &= (1U << held) - 1;
  }
  if (held > 0) *out = ValueCharacter(bits << (kBitsPerCharacter - held) & 31);
  return text;
}

std::optional<SecretBytes> Base32Decode(std::string_view text) {
  SecretBytes bytes(text.size() * kBitsPerCharacter / 8);
  uint8_t* out = bytes.span().data();
  uint32_t bits = 0;
  unsigned held = 0;
  for (char c : text) {
    const std::optional<uint32_t> value = CharacterValue(c);
    if (!value.has_value()) return std::nullopt;
    bits = bits << kBitsPerCharacter | *value;
    held += kBitsPerCharacter;
    if (held >= 8) {
      held -= 8;
      *out++ = static_cast<uint8_t>(bits >> held);
    }
    bits &= (1U << held) - 1;
  }
  // A whole character too many, or spare bits that are not zero: another text for the same bytes.
  if (held >= kBitsPerCharacter || bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace piivault::vault
