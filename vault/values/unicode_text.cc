#include "vault/values/unicode_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstring>

namespace piivault::vault {
namespace {

// True if a boundary stands between two code points, by the rules of UAX #29 without look-behind
// further than `before` (regional indicators are paired by the caller).
bool IsGraphemeBoundary(int before, int after, bool joiner_before_emoji) {
  if (before == U_GCB_CR && after == U_GCB_LF) return false;
  if (before == U_GCB_CONTROL || before == U_GCB_CR || before == U_GCB_LF) return true;
  if (after == U_GCB_CONTROL || after == U_GCB_CR || after == U_GCB_LF) return true;
  if (before == U_GCB_L &&
      (after == U_GCB_L || after == U_GCB_V || after == U_GCB_LV || after == U_GCB_LVT)) {
    return false;
  }
  if ((before == U_GCB_LV || before == U_GCB_V) && (after == U_GCB_V || after == U_GCB_T)) {
    return false;
  }
  if ((before == U_GCB_LVT || before == U_GCB_T) && after == U_GCB_T) return false;
  if (after == U_GCB_EXTEND || after == U_GCB_ZWJ || after == U_GCB_SPACING_MARK) return false;
  if (before == U_GCB_PREPEND) return false;
  return !joiner_before_emoji;
}

int GraphemeBreak(char32_t c) {
  if (c == kBadCodePoint) return U_GCB_CONTROL;
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool IsPictographic(char32_t c) {
  return c != kBadCodePoint &&
         u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC) != 0;
}

}  // namespace

char32_t NextCodePoint(std::string_view text, size_t* pos) {
  const auto first = static_cast<unsigned char>(text[*pos]);
  if (first < 0x80) {
    ++*pos;
    return first;
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  size_t at = *pos;
  const size_t size = text.size();
  UChar32 c;
  U8_NEXT(bytes, at, size, c);
  *pos = at;
  return c < 0 ? kBadCodePoint : static_cast<char32_t>(c);
}

bool IsAscii(std::string_view text) {
  const char* p = text.data();
  size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if ((word & 0x8080808080808080u) != 0) return false;
  }
  for (; left > 0; ++p, --left) {
    if (static_cast<unsigned char>(*p) >= 0x80) return false;
  }
  return true;
}

bool IsStorableUtf8(std::string_view text) {
  if (std::memchr(text.data(), 0, text.size()) != nullptr) return false;
  if (IsAscii(text)) return true;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if (c == kBadCodePoint || U_IS_UNICODE_NONCHAR(c)) return false;
  }
  return true;
}

int DecimalDigit(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9' ? static_cast<int>(c - '0') : -1;
  if (c >= 0xFF10 && c <= 0xFF19) return static_cast<int>(c - 0xFF10);
  if (c < 0x660 || c == kBadCodePoint) return -1;
  if (c >= 0x3000 && c < 0xA000) return -1;  // u_charDigitValue takes 一二三 for digits
  return u_charDigitValue(static_cast<UChar32>(c));
}

bool IsSpace(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c != kBadCodePoint && u_isUWhiteSpace(static_cast<UChar32>(c)) != 0;
}

bool IsDash(char32_t c) {
  if (c < 0x80) return c == '-';
  return (c >= 0x2010 && c <= 0x2015) || c == 0x2043 || c == 0x2212 || c == 0x2500 || c == 0x2501 ||
         c == 0xFE58 || c == 0xFE63 || c == 0xFF0D;
}

bool IsControl(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
}

bool IsCjk(char32_t c) {
  if (c < 0x3005) return false;
  if (c == 0x3005 || c == 0x3006 || c == 0x3007) return true;            // 々〆〇
  if (c >= 0x3041 && c <= 0x30FF) return !(c >= 0x3099 && c <= 0x309C);  // kana
  if (c >= 0x31F0 && c <= 0x31FF) return true;                           // small kana
  if ((c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF)) return true;
  if (c >= 0xAC00 && c <= 0xD7A3) return true;  // hangul syllables
  if (c >= 0xF900 && c <= 0xFAFF) return true;
  return c >= 0x20000 && c <= 0x3FFFD;
}

size_t PutUtf8(char32_t c, char* out) {
  auto* bytes = reinterpret_cast<uint8_t*>(out);
  size_t at = 0;
  U8_APPEND_UNSAFE(bytes, at, static_cast<uint32_t>(c));
  return at;
}

size_t FirstGraphemeEnd(std::string_view text) {
  if (text.empty()) return 0;
  size_t end = 0;
  char32_t c = NextCodePoint(text, &end);
  int before = GraphemeBreak(c);
  bool pictographic = IsPictographic(c);  // an emoji and what extends it, so far
  int regional = before == U_GCB_REGIONAL_INDICATOR ? 1 : 0;
  while (end < text.size()) {
    size_t next = end;
    c = NextCodePoint(text, &next);
    const int after = GraphemeBreak(c);
    const bool is_pictographic = IsPictographic(c);
    if (regional == 1 && after == U_GCB_REGIONAL_INDICATOR) {
      ++regional;
    } else if (IsGraphemeBoundary(before, after,
                                  pictographic && before == U_GCB_ZWJ && is_pictographic)) {
      break;
    } else if (after != U_GCB_EXTEND && after != U_GCB_ZWJ && !is_pictographic) {
      pictographic = false;
    }
    before = after;
    end = next;
  }
  return end;
}

}  // namespace piivault::vault
