#include "vault/values/detectors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>

#include "absl/types/span.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/values/card_labels.h"
#include "vault/values/card_numbers.h"
#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

// What stands between two groups of digits.
enum class Separator : uint8_t { kNone, kBlank, kHyphen, kDot, kBreak };

constexpr int kMaxSeparatorChars = 3;
constexpr size_t kMaxGroups = 5;
constexpr size_t kMaxE164Digits = 15;

struct Group {
  Separator before = Separator::kBreak;
  bool plus = false;  // right in front
  size_t size = 0;    // true size; digits holds at most kMaxCardDigits of them
  std::array<uint8_t, kMaxCardDigits> digits{};
};

struct Grouping {
  size_t count;
  std::array<uint8_t, kMaxGroups> sizes;
  // Ends with a group that other numbers have too, so it must stand alone to be believed.
  bool weak;
};

// The ways of writing a card number in groups. One group alone is any length.
constexpr auto kGroupings = std::to_array<Grouping>({
    {2, {8, 8}, false},
    {2, {6, 13}, false},
    {3, {4, 4, 4}, true},
    {3, {4, 6, 4}, false},
    {3, {4, 6, 5}, false},
    {4, {4, 4, 4, 1}, true},
    {4, {4, 4, 4, 2}, true},
    {4, {4, 4, 4, 3}, true},
    {4, {4, 4, 4, 4}, false},
    {5, {4, 4, 4, 4, 1}, true},
    {5, {4, 4, 4, 4, 2}, true},
    {5, {4, 4, 4, 4, 3}, true},
});

Separator SeparatorOf(char32_t c) {
  if (c >= U'A' && c <= U'z') return Separator::kBreak;
  if (c == U'\n' || c == U'\r' || c == U'\v' || c == U'\f') return Separator::kBreak;
  if (IsSpace(c)) return Separator::kBlank;
  if (IsDash(c) || c == kProlongedSound || c == kHalfWidthProlongedSound) return Separator::kHyphen;
  switch (c) {
    case U'.':
    case U'\u00B7':  // middle dot
    case U'\u2024':  // one dot leader
    case U'\u30FB':  // ・
    case U'\uFF0E':  // ．
    case U'\uFF65':  // ･
      return Separator::kDot;
    default:
      return Separator::kBreak;
  }
}

// Characters that are not seen: they neither separate nor count.
bool IsInvisible(char32_t c) {
  if (c < 0xAD) return false;
  return c == 0xAD || c == 0x34F || (c >= 0x180B && c <= 0x180F) || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0x20E3 ||
         (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE0FFF);
}

// Reads a text once. Keeps the last few groups of digits that hang together, wiped at the end.
class CardScanner {
 public:
  explicit CardScanner(std::string_view text) : text_(text) {}
  ~CardScanner() {
    Wipe({reinterpret_cast<uint8_t*>(groups_.data()), sizeof(groups_)});
    Wipe(absl::MakeSpan(joined_));
    Wipe(absl::MakeSpan(singles_));
  }
  CardScanner(const CardScanner&) = delete;
  CardScanner& operator=(const CardScanner&) = delete;

  ProhibitedFindings Scan();

 private:
  void OnDigit(uint8_t digit);
  void OnSeparator(Separator separator);
  void EndGroup();
  void EndSingles();
  void CheckUnbroken();
  void CheckGroupings();
  bool Matches(const Grouping& grouping) const;
  bool GoesOnWith(Separator separator) const;
  void OnCard();
  void OnLabel(size_t start, bool behind_word);

  Group& Current() { return groups_[group_count_ % kMaxGroups]; }
  // The group `back` places before the current one. REQUIRES: back < kMaxGroups, it exists.
  const Group& Back(size_t back) const { return groups_[(group_count_ - back) % kMaxGroups]; }

  const std::string_view text_;
  ProhibitedFindings found_;
  size_t group_end_ = 0;  // offset behind the last digit of the current group

  std::array<Group, kMaxGroups> groups_;
  size_t group_count_ = kMaxGroups;  // index of the current group; grows
  bool in_group_ = false;
  Separator separator_ = Separator::kBreak;  // since the last digit
  int separator_chars_ = 0;
  bool plus_ = false;  // the last character was '+'

  std::array<uint8_t, kMaxCardDigits> joined_{};  // the digits of several groups

  // A number written digit by digit: the whole row of groups of one, nothing more or less.
  std::array<uint8_t, kMaxCardDigits> singles_{};
  size_t single_count_ = 0;
  Separator single_separator_ = Separator::kNone;
};

void CardScanner::OnDigit(uint8_t digit) {
  if (!in_group_) {
    ++group_count_;
    Group& group = Current();
    group.before = separator_;
    group.plus = plus_;
    group.size = 0;
    in_group_ = true;
  }
  Group& group = Current();
  if (group.size < group.digits.size()) group.digits[group.size] = digit;
  ++group.size;
}

void CardScanner::OnSeparator(Separator separator) {
  if (in_group_) {
    EndGroup();
    in_group_ = false;
    separator_ = separator;
    separator_chars_ = 1;
    return;
  }
  if (separator_ == Separator::kBreak) return;
  if (++separator_chars_ > kMaxSeparatorChars || separator == Separator::kBreak) {
    separator_ = Separator::kBreak;
  } else if (separator_ == Separator::kBlank) {
    separator_ = separator;
  } else if (separator != Separator::kBlank && separator != separator_) {
    separator_ = Separator::kBreak;
  }
}

void CardScanner::EndGroup() {
  const Group& group = Current();
  CheckUnbroken();
  CheckGroupings();
  if (group.size != 1) {
    EndSingles();
    return;
  }
  const bool goes_on = single_count_ > 0 && group.before != Separator::kBreak &&
                       (single_count_ == 1 || group.before == single_separator_);
  if (!goes_on) EndSingles();
  single_separator_ = group.before;
  if (single_count_ < singles_.size()) singles_[single_count_] = group.digits[0];
  ++single_count_;
}

void CardScanner::EndSingles() {
  if (single_count_ <= kMaxCardDigits && IsCardNumber({singles_.data(), single_count_})) OnCard();
  single_count_ = 0;
}

void CardScanner::CheckUnbroken() {
  const Group& group = Current();
  if (group.size < kMinCardDigits || group.size > kMaxCardDigits) return;
  const absl::Span<const uint8_t> digits(group.digits.data(), group.size);
  if (!IsCardNumber(digits) || IsMoreLikelyNoCard(digits)) return;
  // +49...: a telephone number in E.164.
  if (group.plus && group.size <= kMaxE164Digits) return;
  // 0.4111...: a fraction.
  if (group.before == Separator::kDot && Back(1).size == 1 && Back(1).digits[0] == 0) return;
  OnCard();
}

// Whether more digits follow behind the current group and one such separator.
bool CardScanner::GoesOnWith(Separator separator) const {
  size_t pos = group_end_;
  bool seen = false;
  for (int i = 0; i <= kMaxSeparatorChars && pos < text_.size(); ++i) {
    const char32_t c = NextCodePoint(text_, &pos);
    if (DecimalDigit(c) >= 0) return seen;
    const Separator next = SeparatorOf(c);
    if (next != separator && next != Separator::kBlank) return false;
    seen = seen || next == separator;
  }
  return false;
}

// The last groups are of these sizes and joined in one way, and are no middle of a longer row: that
// is how a telephone number and a date look side by side. Among blanks, which separate everything,
// whole numbers are believed wherever they stand.
bool CardScanner::Matches(const Grouping& grouping) const {
  const size_t last = grouping.count - 1;
  const Separator separator = Back(0).before;
  for (size_t back = 0; back <= last; ++back) {
    const Group& group = Back(back);
    if (group.size != grouping.sizes[last - back]) return false;
    if (back < last && group.before != separator) return false;
  }
  const bool joined_left = Back(last).before == separator;
  if (separator == Separator::kBlank) return !grouping.weak || !joined_left;
  return !joined_left && !(grouping.weak && GoesOnWith(separator));
}

void CardScanner::CheckGroupings() {
  const Group& current = Current();
  if (current.before == Separator::kBreak || current.size > 13) return;
  for (const Grouping& grouping : kGroupings) {
    if (grouping.sizes[grouping.count - 1] != current.size || !Matches(grouping)) continue;
    size_t size = 0;
    for (size_t back = grouping.count; back-- > 0;) {
      const Group& group = Back(back);
      std::copy_n(group.digits.begin(), group.size, joined_.begin() + static_cast<ptrdiff_t>(size));
      size += group.size;
    }
    if (IsCardNumber({joined_.data(), size})) OnCard();
  }
}

// Sees what is written right behind the number. The number itself settles the matter already.
void CardScanner::OnCard() {
  found_.card_number = true;
  size_t pos = SkipFiller(text_, group_end_);
  if (const size_t end = MatchExpiry(text_, pos); end != 0) {
    found_.card_expiry = true;
    pos = SkipFiller(text_, end);
  }
  if (MatchCvv(text_, pos) != 0) found_.card_cvv = true;
}

void CardScanner::OnLabel(size_t start, bool behind_word) {
  const std::optional<Label> label = MatchLabel(text_, start, behind_word);
  if (!label.has_value()) return;
  const size_t behind = SkipFiller(text_, label->end);
  if (label->kind == Label::kCvv && MatchCvv(text_, behind) != 0) found_.card_cvv = true;
  if (label->kind == Label::kExpiry && MatchExpiry(text_, behind) != 0) found_.card_expiry = true;
}

ProhibitedFindings CardScanner::Scan() {
  bool word = false;  // an ASCII letter or digit stands in front
  for (size_t pos = 0; pos < text_.size();) {
    const size_t start = pos;
    const char32_t c = NextCodePoint(text_, &pos);
    if (const int digit = DecimalDigit(c); digit >= 0) {
      OnDigit(static_cast<uint8_t>(digit));
      group_end_ = pos;
      word = true;
      plus_ = false;
      continue;
    }
    if (IsInvisible(c)) continue;
    OnSeparator(SeparatorOf(c));
    if (MayStartLabel(c, word)) OnLabel(start, word);
    word = IsAsciiWord(c);
    plus_ = c == U'+' || c == U'\uFF0B';
  }
  if (in_group_) EndGroup();
  EndSingles();
  return found_;
}

// No text without a digit holds what is looked for. Lead bytes of the scripts that have digits of
// their own count; those of kana and most Han characters do not.
bool MayHaveDigits(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) return byte >= '0' && byte <= '9';
    return byte >= 0xD9 && (byte < 0xE3 || byte >= 0xEA);
  });
}

}  // namespace

ProhibitedFindings DetectProhibited(std::string_view text) {
  if (!MayHaveDigits(text)) return {};
  return CardScanner(text).Scan();
}

}  // namespace piivault::vault
