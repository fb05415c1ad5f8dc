#ifndef PIIVAULT_VAULT_VALUES_CARD_LABELS_H_
#define PIIVAULT_VAULT_VALUES_CARD_LABELS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace piivault::vault {

// The words that stand in front of a card's expiry date and security code, and these themselves.
// All functions look ahead over a bounded number of characters, read ASCII in any case and width,
// and take any bytes.

struct Label {
  enum Kind : uint8_t { kExpiry, kCvv };
  Kind kind;
  size_t end;  // offset behind it
};

// Whether a label may start with `c`; cheap. `behind_word`: an ASCII letter or digit stands in
// front, so that Latin labels do not start here.
bool MayStartLabel(char32_t c, bool behind_word);

// The label that starts at `pos`.
std::optional<Label> MatchLabel(std::string_view text, size_t pos, bool behind_word);

// Behind blanks, colons, brackets and particles at `pos`, as they stand between label and value.
size_t SkipFiller(std::string_view text, size_t pos);

// Offset behind a month and a year of 2 or 4 digits (12/27, 12-2027, 12月27年) at `pos`, else 0.
// A third part (12/27/2025, 12/27日) makes it a date: 0.
size_t MatchExpiry(std::string_view text, size_t pos);

// Offset behind exactly three or four digits at `pos` that do not go on as a longer number, else 0.
size_t MatchCvv(std::string_view text, size_t pos);

// ASCII letter or digit, of any width.
bool IsAsciiWord(char32_t c);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_CARD_LABELS_H_
