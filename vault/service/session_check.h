#ifndef PIIVAULT_VAULT_SERVICE_SESSION_CHECK_H_
#define PIIVAULT_VAULT_SERVICE_SESSION_CHECK_H_

#include "absl/status/status.h"
#include "vault/service/session_limits.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Whether connections that keep to `limits` keep what the policies in force promise of sessions;
// FAILED_PRECONDITION names the first tenant whose policy promises more. Asked at the start, as the
// configuration may have changed; ActivatePolicy asks the same of each policy.
[[nodiscard]] absl::Status CheckSessions(const StateSnapshot& state, const SessionLimits& limits);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SESSION_CHECK_H_
