#include "vault/values/card_numbers.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace piivault::vault {
namespace {

constexpr uint32_t Lengths(std::initializer_list<int> lengths) {
  uint32_t mask = 0;
  for (const int length : lengths) mask |= uint32_t{1} << length;
  return mask;
}

// First six digits, both ends included, and the lengths in use there.
struct IssuerRange {
  uint32_t first;
  uint32_t last;
  uint32_t lengths;
};

constexpr uint32_t kDinersLengths = Lengths({14, 16, 19});
constexpr uint32_t kDiscoverLengths = Lengths({16, 19});
constexpr uint32_t kMaestroLengths = Lengths({12, 13, 14, 15, 16, 17, 18, 19});

constexpr auto kIssuers = std::to_array<IssuerRange>({
    {222100, 272099, Lengths({16})},          // Mastercard
    {300000, 305999, kDinersLengths},         // Diners Club
    {309500, 309599, kDinersLengths},         // Diners Club
    {340000, 349999, Lengths({15})},          // American Express
    {352800, 358999, Lengths({16, 19})},      // JCB
    {360000, 369999, kDinersLengths},         // Diners Club
    {370000, 379999, Lengths({15})},          // American Express
    {380000, 399999, kDinersLengths},         // Diners Club
    {400000, 499999, Lengths({13, 16, 19})},  // Visa
    {501800, 501899, kMaestroLengths},
    {502000, 502099, kMaestroLengths},
    {503800, 503899, kMaestroLengths},
    {510000, 559999, Lengths({16})},  // Mastercard
    {589300, 589399, kMaestroLengths},
    {601100, 601199, kDiscoverLengths},
    {620000, 629999, Lengths({16, 17, 18, 19})},  // UnionPay, Discover 622126 to 622925
    {630400, 630499, kMaestroLengths},
    {644000, 659999, kDiscoverLengths},
    {675900, 675999, kMaestroLengths},
    {676100, 676399, kMaestroLengths},
});

bool IsJan(absl::Span<const uint8_t> digits) {
  if (digits[0] != 4 || (digits[1] != 5 && digits[1] != 9)) return false;
  int sum = 0;
  for (size_t i = 0; i < 13; ++i) sum += digits[i] * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

// Check digit in front: 9 - (sum mod 9), weights 1 and 2 from the right.
bool IsCorporateNumber(absl::Span<const uint8_t> digits) {
  int sum = 0;
  for (size_t i = 1; i < 13; ++i) sum += digits[i] * (i % 2 == 0 ? 1 : 2);
  return digits[0] == 9 - sum % 9;
}

}  // namespace

bool IsLuhnValid(absl::Span<const uint8_t> digits) {
  int sum = 0;
  bool doubled = false;
  for (size_t i = digits.size(); i-- > 0; doubled = !doubled) {
    const int digit = doubled ? 2 * digits[i] : digits[i];
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

bool IsCardNumber(absl::Span<const uint8_t> digits) {
  if (digits.size() < kMinCardDigits || digits.size() > kMaxCardDigits) return false;
  uint32_t prefix = 0;
  for (size_t i = 0; i < 6; ++i) prefix = prefix * 10 + digits[i];
  const auto* issuer = std::find_if(
      kIssuers.begin(), kIssuers.end(),
      [prefix](const IssuerRange& range) { return prefix >= range.first && prefix <= range.last; });
  return issuer != kIssuers.end() && (issuer->lengths >> digits.size() & 1) != 0 &&
         IsLuhnValid(digits);
}

bool IsMoreLikelyNoCard(absl::Span<const uint8_t> digits) {
  if (digits.size() == 13) return IsJan(digits) || IsCorporateNumber(digits);
  if (digits.size() == 17 || digits.size() == 18) return digits[7] == 0 && digits[8] != 0;
  return false;
}

}  // namespace piivault::vault
