#ifndef PIIVAULT_AUTHZ_CREDENTIAL_RULE_H_
#define PIIVAULT_AUTHZ_CREDENTIAL_RULE_H_

#include "absl/time/time.h"
#include "authz/policy_spec.h"

namespace piivault::authz {

// The last instant at which a credential that was set at `set` holds without a change. Months end
// on the same day of a later month at the same time of the zone, or on that month's last day where
// it is shorter. InfiniteFuture where the rule has no age.
absl::Time CredentialHoldsUntil(const CredentialRule& rule, absl::Time set, absl::TimeZone zone);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_CREDENTIAL_RULE_H_
