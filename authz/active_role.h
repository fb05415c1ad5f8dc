// The roles that a principal has in force. Internal to authz.
#ifndef PIIVAULT_AUTHZ_ACTIVE_ROLE_H_
#define PIIVAULT_AUTHZ_ACTIVE_ROLE_H_

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "authz/decision.h"

namespace piivault::authz {

struct ActiveRole {
  const RoleSpec* role;
  absl::InlinedVector<const RoleBinding*, 2> bindings;  // In force.
  bool limited;                                         // One of them names fields.

  // First instant at which a binding of these no longer gives the role.
  absl::Time EndOf(const RoleBinding& binding) const;
  // First instant at which no binding gives the role for what `covers` says of a pattern.
  // InfinitePast: none does now. Of fields: FieldLimits.
  absl::Time GoodUntil(absl::FunctionRef<bool(std::string_view pattern)> covers) const;
  absl::Time GoodUntil() const {
    return GoodUntil([](std::string_view) { return true; });
  }
};
using ActiveRoles = absl::InlinedVector<ActiveRole, 4>;

// Finds those for the call's tenant that the call may be made with, in the policy's order, each
// once. ROLE_EXPIRED, TENANT_MISMATCH, ROLE_NOT_GRANTED where there is none.
// REQUIRES: the call has a principal; `out` is empty.
Reason FindActiveRoles(const Policy& policy, const DecisionInput& input, ActiveRoles* out);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_ACTIVE_ROLE_H_
