#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/civil_time.h"
#include "vault/values/dates.h"
#include "vault/values/unicode_text.h"
#include "vault/values/value_rules.h"
#include "vault/values/value_rules_impl.h"

namespace piivault::vault {
namespace {

using authz::Mask;
using authz::SemanticType;

constexpr std::string_view kHidden = "***";

constexpr auto kPrefectures = std::to_array<std::string_view>(
    {"北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県",   "福島県", "茨城県",
     "栃木県", "群馬県", "埼玉県", "千葉県", "東京都", "神奈川県", "新潟県", "富山県",
     "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県",   "愛知県", "三重県",
     "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県",
     "岡山県", "広島県", "山口県", "徳島県", "香川県", "愛媛県",   "高知県", "福岡県",
     "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県"});

// absl::StrCat does not take std::string_view here.
std::string Concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out.append(part);
  return out;
}

// First character and "***"; nothing of a value that is one character long.
std::string MaskInitial(std::string_view value) {
  while (!value.empty()) {
    size_t pos = 0;
    if (!IsSpace(NextCodePoint(value, &pos))) break;
    value.remove_prefix(pos);
  }
  const size_t end = FirstGraphemeEnd(value);
  if (end == value.size()) return std::string(kHidden);
  return Concat({value.substr(0, end), kHidden});
}

std::string MaskEmail(std::string_view value, bool with_initial) {
  constexpr std::string_view kWideAt = "＠";
  size_t at = value.rfind('@');
  size_t width = 1;
  if (const size_t wide = value.rfind(kWideAt); at == std::string_view::npos) {
    at = wide;
    width = kWideAt.size();
  }
  if (at == std::string_view::npos || at + width >= value.size()) return std::string(kHidden);
  const std::string_view domain = value.substr(at + width);
  if (!with_initial) return std::string(domain);
  return Concat({MaskInitial(value.substr(0, at)), "@", domain});
}

bool KeptSeparator(char32_t c) {
  return IsSpace(c) || IsDash(c) || c == U'.' || c == U'/' || c == U'(' || c == U')' || c == U'+' ||
         c == U'\uFF08' || c == U'\uFF09' || c == U'\uFF0B';
}

bool IsNumberPart(char32_t c) { return DecimalDigit(c) >= 0; }

// Whether `c` counts for kPrefix3: what is neither blank nor punctuation between the characters.
bool IsCodePart(char32_t c) { return !KeptSeparator(c) && c != U'〒'; }

// The last four digits; every other digit and letter becomes '*'.
std::string MaskLast4(std::string_view value) {
  constexpr int kShown = 4;
  constexpr int kLeast = 6;
  int digits = 0;
  for (size_t pos = 0; pos < value.size();) {
    if (IsNumberPart(NextCodePoint(value, &pos))) ++digits;
  }
  if (digits < kLeast) return std::string(kHidden);
  std::string out;
  for (size_t pos = 0; pos < value.size();) {
    const size_t start = pos;
    const char32_t c = NextCodePoint(value, &pos);
    const bool digit = IsNumberPart(c);
    if ((digit && digits-- <= kShown) || (!digit && KeptSeparator(c))) {
      out.append(value.substr(start, pos - start));
    } else {
      out += '*';
    }
  }
  return out;
}

std::string MaskPrefix3(std::string_view value) {
  constexpr int kShown = 3;
  constexpr int kLeast = 5;
  int parts = 0;
  for (size_t pos = 0; pos < value.size();) {
    if (IsCodePart(NextCodePoint(value, &pos))) ++parts;
  }
  if (parts < kLeast) return std::string(kHidden);
  std::string out;
  int shown = 0;
  for (size_t pos = 0; pos < value.size();) {
    const size_t start = pos;
    const char32_t c = NextCodePoint(value, &pos);
    if (IsCodePart(c) && ++shown > kShown) {
      out += '*';
    } else {
      out.append(value.substr(start, pos - start));
    }
  }
  return out;
}

std::string MaskAge(std::string_view value, const MaskContext& context) {
  const std::optional<absl::CivilDay> born = ParseDay(value);
  if (!born.has_value()) return std::string(kHidden);
  const absl::CivilDay today = absl::ToCivilDay(context.now, context.zone);
  if (today < *born) return std::string(kHidden);
  auto age = today.year() - born->year();
  const bool before_birthday = today.month() < born->month() ||
                               (today.month() == born->month() && today.day() < born->day());
  if (before_birthday) --age;
  return std::to_string(age);
}

std::string MaskYear(SemanticType type, std::string_view value, const MaskContext& context) {
  if (type == SemanticType::kTimestamp) {
    const std::optional<absl::Time> time = ParseRfc3339(value);
    return time.has_value() ? std::to_string(absl::ToCivilYear(*time, context.zone).year())
                            : std::string(kHidden);
  }
  const std::optional<absl::CivilDay> day = ParseDay(value);
  return day.has_value() ? std::to_string(day->year()) : std::string(kHidden);
}

// The prefecture of a Japanese address, behind a postal code if there is one.
std::string MaskPrefecture(std::string_view value) {
  while (!value.empty()) {
    size_t pos = 0;
    const char32_t c = NextCodePoint(value, &pos);
    if (!KeptSeparator(c) && c != U'〒' && DecimalDigit(c) < 0) break;
    value.remove_prefix(pos);
  }
  for (const std::string_view prefecture : kPrefectures) {
    if (value.size() > prefecture.size() && value.starts_with(prefecture)) {
      return Concat({prefecture, kHidden});
    }
  }
  return std::string(kHidden);
}

std::string MaskNetwork(std::string_view value) {
  std::optional<IpAddress> address = ParseIp(value);
  if (!address.has_value()) return std::string(kHidden);
  const size_t kept = address->v4 ? 3 : 6;
  std::fill(std::begin(address->bytes) + kept, std::end(address->bytes), uint8_t{0});
  return Concat({FormatIp(*address), address->v4 ? "/24" : "/48"});
}

}  // namespace

absl::StatusOr<std::string> MaskValue(SemanticType type, Mask mask, std::string_view value,
                                      const MaskContext& context) {
  if (!authz::GetSemanticType(type).AllowsMask(mask)) {
    return absl::InvalidArgumentError("the type does not have this mask");
  }
  switch (mask) {
    case Mask::kFull:
      return std::string(kHidden);
    case Mask::kInitial:
      return MaskInitial(value);
    case Mask::kEmailLocal:
      return MaskEmail(value, true);
    case Mask::kEmailDomain:
      return MaskEmail(value, false);
    case Mask::kLast4:
      return MaskLast4(value);
    case Mask::kAge:
      return MaskAge(value, context);
    case Mask::kYear:
      return MaskYear(type, value, context);
    case Mask::kPrefecture:
      return MaskPrefecture(value);
    case Mask::kPrefix3:
      return MaskPrefix3(value);
    case Mask::kNetwork:
      return MaskNetwork(value);
    case Mask::kNone:
      break;
  }
  return absl::InvalidArgumentError("the type does not have this mask");
}

}  // namespace piivault::vault
