#include "vault/values/card_labels.h"

#include <array>

#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

constexpr int kMaxFiller = 16;
constexpr int kMaxBlanksInLabel = 3;

// ASCII in lower case and half width.
char32_t Fold(char32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;
  return c >= U'A' && c <= U'Z' ? c + 32 : c;
}

struct LabelText {
  Label::Kind kind;
  bool latin;
  std::u32string_view text;  // a blank stands for up to three blanks or hyphens, or none
};

// Longer ones before those that they begin with.
constexpr auto kLabels = std::to_array<LabelText>({
    {Label::kCvv, true, U"cvv2"},
    {Label::kCvv, true, U"cvv"},
    {Label::kCvv, true, U"cvc2"},
    {Label::kCvv, true, U"cvc"},
    {Label::kCvv, true, U"card verification value"},
    {Label::kCvv, true, U"card verification code"},
    {Label::kCvv, true, U"card verification number"},
    {Label::kCvv, true, U"security code"},
    {Label::kCvv, false, U"セキュリティ コード"},
    {Label::kCvv, false, U"セキュリティー コード"},
    {Label::kCvv, false, U"ｾｷｭﾘﾃｨ ｺｰﾄﾞ"},
    {Label::kCvv, false, U"ｾｷｭﾘﾃｨｰ ｺｰﾄﾞ"},
    {Label::kCvv, false, U"カード確認番号"},
    {Label::kCvv, false, U"カード確認コード"},
    {Label::kExpiry, true, U"expiration date"},
    {Label::kExpiry, true, U"expiration"},
    {Label::kExpiry, true, U"expiry date"},
    {Label::kExpiry, true, U"expiry"},
    {Label::kExpiry, true, U"expires"},
    {Label::kExpiry, true, U"exp date"},
    {Label::kExpiry, true, U"exp"},
    {Label::kExpiry, true, U"valid thru"},
    {Label::kExpiry, true, U"valid through"},
    {Label::kExpiry, true, U"good thru"},
    {Label::kExpiry, false, U"有効 期限"},
    {Label::kExpiry, false, U"カード期限"},
});

// The code point at `pos`, folded, and the offset behind it; 0 at the end.
char32_t ReadFolded(std::string_view text, size_t* pos) {
  return *pos < text.size() ? Fold(NextCodePoint(text, pos)) : 0;
}

// Offset behind `label` at `pos`, or 0.
size_t MatchText(std::string_view text, size_t pos, std::u32string_view label) {
  for (const char32_t expected : label) {
    if (expected == U' ') {
      for (int i = 0; i < kMaxBlanksInLabel; ++i) {
        size_t next = pos;
        const char32_t c = ReadFolded(text, &next);
        if (!IsSpace(c) && !IsDash(c) && c != U'_') break;
        pos = next;
      }
      continue;
    }
    if (ReadFolded(text, &pos) != expected) return 0;
  }
  return pos;
}

bool IsLatinLetter(char32_t folded) { return folded >= U'a' && folded <= U'z'; }

bool IsFiller(char32_t c) {
  constexpr std::u32string_view kFiller =
      U":=#()[]{}<>\"'|,;/*、。，；「」『』【】〔〕→はがのを番号";
  return IsSpace(c) || IsDash(c) || kFiller.find(c) != std::u32string_view::npos;
}

// Up to `max` decimal digits at *pos. Returns how many there are (max + 1 for more) and, in
// `value`, the number they are.
int ReadDigits(std::string_view text, size_t* pos, int max, int* value) {
  int count = 0;
  *value = 0;
  while (*pos < text.size()) {
    size_t next = *pos;
    const int digit = DecimalDigit(NextCodePoint(text, &next));
    if (digit < 0) break;
    if (++count > max) return count;
    *value = *value * 10 + digit;
    *pos = next;
  }
  return count;
}

// Whether the number before `pos` goes on behind a mark that joins numbers (123-456, 12/27/2025).
bool GoesOn(std::string_view text, size_t pos) {
  const char32_t mark = ReadFolded(text, &pos);
  if (mark != U'/' && mark != U'.' && mark != U':' && !IsDash(mark)) return false;
  return pos < text.size() && DecimalDigit(NextCodePoint(text, &pos)) >= 0;
}

void SkipBlanks(std::string_view text, size_t* pos) {
  for (int i = 0; i < kMaxBlanksInLabel && *pos < text.size(); ++i) {
    size_t next = *pos;
    if (!IsSpace(NextCodePoint(text, &next))) return;
    *pos = next;
  }
}

}  // namespace

bool IsAsciiWord(char32_t c) {
  const char32_t folded = Fold(c);
  return IsLatinLetter(folded) || (folded >= U'0' && folded <= U'9');
}

bool MayStartLabel(char32_t c, bool behind_word) {
  switch (Fold(c)) {
    case U'c':
    case U'e':
    case U'g':
    case U's':
    case U'v':
      return !behind_word;
    case U'セ':
    case U'ｾ':
    case U'カ':
    case U'有':
      return true;
    default:
      return false;
  }
}

std::optional<Label> MatchLabel(std::string_view text, size_t pos, bool behind_word) {
  size_t next = pos;
  const char32_t first = ReadFolded(text, &next);
  if (!MayStartLabel(first, behind_word)) return std::nullopt;
  for (const LabelText& label : kLabels) {
    if (label.text[0] != first) continue;
    const size_t end = MatchText(text, pos, label.text);
    if (end == 0) continue;
    size_t behind = end;
    if (label.latin && IsLatinLetter(ReadFolded(text, &behind))) continue;
    return Label{label.kind, end};
  }
  return std::nullopt;
}

size_t SkipFiller(std::string_view text, size_t pos) {
  constexpr auto kWords = std::to_array<std::u32string_view>(
      {U"is", U"code", U"number", U"no.", U"no", U"date", U"cvv2", U"cvv", U"cvc2", U"cvc", U"exp",
       U"月/年", U"mm/yy"});
  for (int i = 0; i < kMaxFiller && pos < text.size(); ++i) {
    size_t next = pos;
    const char32_t c = ReadFolded(text, &next);
    if (IsFiller(c) || c == U'.') {
      pos = next;
      continue;
    }
    size_t end = 0;
    for (const std::u32string_view word : kWords) {
      if (word[0] == c && end == 0) end = MatchText(text, pos, word);
    }
    if (end == 0) return pos;
    pos = end;
  }
  return pos;
}

size_t MatchExpiry(std::string_view text, size_t pos) {
  int month = 0;
  const int month_digits = ReadDigits(text, &pos, 2, &month);
  if (month_digits < 1 || month_digits > 2 || month < 1 || month > 12) return 0;
  SkipBlanks(text, &pos);
  char32_t mark = ReadFolded(text, &pos);
  const bool kanji = mark == U'月';
  if (kanji) {
    size_t next = pos;
    if (ReadFolded(text, &next) == U'/') pos = next;
  } else if (mark != U'/' && mark != U'.' && !IsDash(mark)) {
    return 0;
  }
  SkipBlanks(text, &pos);
  int year = 0;
  const int year_digits = ReadDigits(text, &pos, 4, &year);
  if (year_digits != 2 && (year_digits != 4 || year / 100 != 20)) return 0;
  size_t next = pos;
  mark = ReadFolded(text, &next);
  if (kanji) return mark == U'年' ? next : 0;
  if (mark == U'日' || GoesOn(text, pos)) return 0;
  return pos;
}

size_t MatchCvv(std::string_view text, size_t pos) {
  int value = 0;
  const int digits = ReadDigits(text, &pos, 4, &value);
  if (digits != 3 && digits != 4) return 0;
  size_t next = pos;
  if (GoesOn(text, pos) || IsLatinLetter(ReadFolded(text, &next))) return 0;
  return pos;
}

}  // namespace piivault::vault
