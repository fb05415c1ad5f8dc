#include "authz/credential_rule.h"

#include <algorithm>

#include "absl/time/civil_time.h"

namespace piivault::authz {

absl::Time CredentialHoldsUntil(const CredentialRule& rule, absl::Time set, absl::TimeZone zone) {
  if (rule.max_age_months == 0) return set + rule.max_age;
  const absl::TimeZone::CivilInfo at = zone.At(set);
  const absl::CivilMonth month =
      absl::CivilMonth(at.cs) + static_cast<absl::civil_diff_t>(rule.max_age_months);
  const int last_day = (absl::CivilDay(month + 1) - 1).day();
  const absl::CivilSecond until(month.year(), month.month(), std::min(at.cs.day(), last_day),
                                at.cs.hour(), at.cs.minute(), at.cs.second());
  // An instant that the zone's clocks leave out or strike twice: the earlier one.
  return zone.At(until).pre + at.subsecond;
}

}  // namespace piivault::authz
