#ifndef PIIVAULT_VAULT_VALUES_DATES_H_
#define PIIVAULT_VAULT_VALUES_DATES_H_

#include <optional>
#include <string_view>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace piivault::vault {

// A day as people write it: YYYY-MM-DD with any hyphen, slash or dot, with one digit for month or
// day, YYYYMMDD, YYYY年M月D日; digits of any width; blanks around it. Nullopt for anything else,
// for days the calendar does not have and outside the years 1800 to 2199. `iso`, if given, is set
// to whether it is YYYY-MM-DD (with digits and hyphens of any width).
std::optional<absl::CivilDay> ParseDay(std::string_view text, bool* iso = nullptr);

// RFC 3339 date-time (a leap second is taken for the second after it).
std::optional<absl::Time> ParseRfc3339(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_DATES_H_
