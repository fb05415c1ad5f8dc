#include "vault/values/dates.h"

#include <array>
#include <cstdint>

#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

// The separator `c` is, folded: '-', '/', '.', or 年月日 themselves; 0 if none.
char32_t FoldDateSeparator(char32_t c) {
  if (IsDash(c) || c == kProlongedSound || c == kHalfWidthProlongedSound) return U'-';
  if (c == U'/' || c == U'\uFF0F') return U'/';
  if (c == U'.' || c == U'\uFF0E') return U'.';
  if (c == U'年' || c == U'月' || c == U'日') return c;
  return 0;
}

struct DateTokens {
  std::array<int, 3> number{};
  std::array<int, 3> digits{};
  std::array<char32_t, 3> separator{};  // behind each number; 0 if none
  size_t count = 0;
};

// Numbers and the separators behind them; nullopt if anything else is in the text.
std::optional<DateTokens> Tokenize(std::string_view text) {
  DateTokens out;
  bool in_number = false;
  bool ended = false;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if (IsSpace(c)) {
      if (in_number || out.count > 0) ended = true;
      continue;
    }
    if (ended) return std::nullopt;
    if (const int digit = DecimalDigit(c); digit >= 0) {
      if (!in_number) {
        if (out.count == 3) return std::nullopt;
        ++out.count;
        in_number = true;
      }
      const size_t i = out.count - 1;
      if (++out.digits[i] > 8) return std::nullopt;
      out.number[i] = out.number[i] * 10 + digit;
      continue;
    }
    const char32_t separator = FoldDateSeparator(c);
    if (separator == 0 || !in_number) return std::nullopt;
    out.separator[out.count - 1] = separator;
    in_number = false;
  }
  return out;
}

std::optional<absl::CivilDay> MakeDay(int year, int month, int day) {
  if (year < 1800 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31) {
    return std::nullopt;
  }
  const absl::CivilDay result(year, month, day);
  if (result.month() != month || result.day() != day) return std::nullopt;
  return result;
}

// Digits at [pos, pos + count) as a number, or -1.
int Number(std::string_view text, size_t pos, size_t count) {
  if (pos + count > text.size()) return -1;
  int value = 0;
  for (size_t i = pos; i < pos + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Z or ±hh:mm at the end of a timestamp.
std::optional<absl::Duration> ParseOffset(std::string_view text) {
  if (text == "Z" || text == "z") return absl::ZeroDuration();
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const int hours = Number(text, 1, 2);
  const int minutes = Number(text, 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return std::nullopt;
  const absl::Duration offset = absl::Hours(hours) + absl::Minutes(minutes);
  return text[0] == '-' ? -offset : offset;
}

}  // namespace

std::optional<absl::CivilDay> ParseDay(std::string_view text, bool* iso) {
  if (iso != nullptr) *iso = false;
  if (text.size() > 64) return std::nullopt;
  const std::optional<DateTokens> t = Tokenize(text);
  if (!t.has_value()) return std::nullopt;
  if (t->count == 1 && t->digits[0] == 8 && t->separator[0] == 0) {
    return MakeDay(t->number[0] / 10000, t->number[0] / 100 % 100, t->number[0] % 100);
  }
  if (t->count != 3 || t->digits[0] != 4 || t->digits[1] > 2 || t->digits[2] > 2) {
    return std::nullopt;
  }
  const auto& s = t->separator;
  const bool kanji = s[0] == U'年' && s[1] == U'月' && s[2] == U'日';
  const bool plain = s[0] == s[1] && s[2] == 0 && (s[0] == U'-' || s[0] == U'/' || s[0] == U'.');
  if (!kanji && !plain) return std::nullopt;
  if (iso != nullptr) {
    *iso = s[0] == U'-' && t->digits[1] == 2 && t->digits[2] == 2 && !text.empty() &&
           !IsSpace(static_cast<unsigned char>(text.front())) &&
           !IsSpace(static_cast<unsigned char>(text.back()));
  }
  return MakeDay(t->number[0], t->number[1], t->number[2]);
}

std::optional<absl::Time> ParseRfc3339(std::string_view text) {
  if (text.size() < 20 || text.size() > 64) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const int year = Number(text, 0, 4);
  const int month = Number(text, 5, 2);
  const int day = Number(text, 8, 2);
  const int hour = Number(text, 11, 2);
  const int minute = Number(text, 14, 2);
  const int second = Number(text, 17, 2);
  if (year < 1 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59 || second < 0 || second > 60) {
    return std::nullopt;
  }
  const absl::CivilDay date(year, month, day);
  if (date.month() != month || date.day() != day) return std::nullopt;

  size_t pos = 19;
  int64_t nanos = 0;
  if (text[pos] == '.') {
    int64_t unit = 100'000'000;
    const size_t start = ++pos;
    for (; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, unit /= 10) {
      nanos += unit * (text[pos] - '0');
    }
    if (pos == start) return std::nullopt;
  }
  const std::optional<absl::Duration> offset = ParseOffset(text.substr(pos));
  if (!offset.has_value()) return std::nullopt;
  const absl::CivilSecond civil(year, month, day, hour, minute, second);
  return absl::FromCivil(civil, absl::UTCTimeZone()) + absl::Nanoseconds(nanos) - *offset;
}

}  // namespace piivault::vault
