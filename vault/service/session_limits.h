#ifndef PIIVAULT_VAULT_SERVICE_SESSION_LIMITS_H_
#define PIIVAULT_VAULT_SERVICE_SESSION_LIMITS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy_spec.h"

namespace piivault::vault {

// How long one authentication is good for. A session is a connection: what ends it makes the caller
// show its certificate again.
struct SessionLimits {
  absl::Duration idle = absl::InfiniteDuration();      // without a call
  absl::Duration absolute = absl::InfiniteDuration();  // in all, its streams included
};

// The keys of a policy (`session.idle`) whose promise these limits do not keep.
inline std::vector<std::string> UnkeptSessionRules(const authz::SessionRules& rules,
                                                   const SessionLimits& limits) {
  std::vector<std::string> keys;
  if (limits.idle > rules.idle) keys.push_back("session.idle");
  if (limits.absolute > rules.absolute) keys.push_back("session.absolute");
  return keys;
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SESSION_LIMITS_H_
