#ifndef PIIVAULT_VAULT_VALUES_UNICODE_TEXT_H_
#define PIIVAULT_VAULT_VALUES_UNICODE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace piivault::vault {

// Code points of UTF-8 text and the few classes of them that values care about. Pure functions.

inline constexpr char32_t kProlongedSound = U'\u30FC';  // ー, also typed as a hyphen
inline constexpr char32_t kHalfWidthProlongedSound = U'\uFF70';
// What NextCodePoint gives for bytes that are not UTF-8. Not a code point.
inline constexpr char32_t kBadCodePoint = 0xFFFFFFFF;

// Reads the code point at *pos and moves *pos behind it. REQUIRES: *pos < text.size().
char32_t NextCodePoint(std::string_view text, size_t* pos);

// True for UTF-8 without U+0000, surrogates and noncharacters.
bool IsStorableUtf8(std::string_view text);

bool IsAscii(std::string_view text);

// 0..9 for a decimal digit of any script (full-width too), else -1.
int DecimalDigit(char32_t c);

// White space of Unicode, U+3000 and U+00A0 among it.
bool IsSpace(char32_t c);

// Hyphens, dashes, minus signs and the box line that stands for one. Not the prolonged sound mark:
// that is a letter unless it stands between digits.
bool IsDash(char32_t c);

// C0 and C1 controls and U+007F, U+2028, U+2029.
bool IsControl(char32_t c);

// Characters between which Japanese, Chinese and Korean names are written with or without a blank.
// No combining characters are among them.
bool IsCjk(char32_t c);

// Appends c to `out`, which has at least 4 bytes left; returns the bytes written.
size_t PutUtf8(char32_t c, char* out);

// End of the first user-perceived character of `text` (grapheme cluster of UAX #29), 0 if empty.
size_t FirstGraphemeEnd(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_UNICODE_TEXT_H_
