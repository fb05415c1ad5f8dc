#ifndef PIIVAULT_VAULT_VALUES_CARD_NUMBERS_H_
#define PIIVAULT_VAULT_VALUES_CARD_NUMBERS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace piivault::vault {

inline constexpr size_t kMinCardDigits = 12;
inline constexpr size_t kMaxCardDigits = 19;

// ISO/IEC 7812-1 annex B over digits 0..9, the check digit last.
bool IsLuhnValid(absl::Span<const uint8_t> digits);

// Whether an issuer of payment cards uses this prefix with this length, and Luhn holds. Does not
// know whether the number was ever issued.
bool IsCardNumber(absl::Span<const uint8_t> digits);

// Whether an unbroken row of digits that would pass for a card is more likely something else that
// Japanese texts are full of: a 13-digit corporate number or JAN (valid by their own check digit),
// or a 7-digit postal code run together with a national telephone number.
// Visa numbers of 13 digits are not issued any more; about one in eight of them is let through.
bool IsMoreLikelyNoCard(absl::Span<const uint8_t> digits);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_CARD_NUMBERS_H_
