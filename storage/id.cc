#include "storage/id.h"

namespace piivault::storage {
namespace {

constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

// The 5-bit value of a character, or -1.
int CharacterValue(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

std::string Id128::ToText() const {
  std::string text;
  text.reserve(kTextSize);
  uint32_t buffer = 0;
  int bits = 0;
  for (uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text.push_back(kAlphabet[(buffer >> bits) & 31]);
    }
    buffer &= (1u << bits) - 1;
  }
  text.push_back(kAlphabet[(buffer << (5 - bits)) & 31]);
  return text;
}

std::optional<Id128> Id128::FromText(std::string_view text) {
  if (text.size() != kTextSize) return std::nullopt;
  Id128 id;
  size_t out = 0;
  uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const int value = CharacterValue(c);
    if (value < 0) return std::nullopt;
    buffer = (buffer << 5) | static_cast<uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      id.bytes[out++] = static_cast<uint8_t>(buffer >> bits);
      buffer &= (1u << bits) - 1;
    }
  }
  // One name, one text: the two spare bits must be zero.
  if (buffer != 0) return std::nullopt;
  return id;
}

std::optional<Id128> Id128::FromBytes(std::string_view raw) {
  if (raw.size() != kSize) return std::nullopt;
  Id128 id;
  std::memcpy(id.bytes.data(), raw.data(), kSize);
  return id;
}

}  // namespace piivault::storage
