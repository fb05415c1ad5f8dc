#ifndef PIIVAULT_VAULT_TEXT_H_
#define PIIVAULT_VAULT_TEXT_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace piivault::vault {

// std::string_view where Abseil was built with a string_view of its own, as Debian's is: the two do
// not convert into each other.

inline absl::string_view AbslView(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdView(absl::string_view text) { return {text.data(), text.size()}; }

inline std::string Concat(std::initializer_list<std::string_view> parts) {
  size_t size = 0;
  for (std::string_view part : parts) size += part.size();
  std::string text;
  text.reserve(size);
  for (std::string_view part : parts) text.append(part);
  return text;
}

// Whether `text` begins with `prefix`, which is then cut off.
inline bool ConsumePrefix(std::string_view* text, std::string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Lower-case hexadecimal.
inline std::string ToHex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }
// REQUIRES: `hex` is hexadecimal, of even length.
inline std::string FromHex(std::string_view hex) { return absl::HexStringToBytes(AbslView(hex)); }

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_TEXT_H_
