#ifndef PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_
#define PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_

#include <cstdint>
#include <map>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "authz/policy_change.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/service/policy_comparisons.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Whether what is said of a change can be read. MALFORMED_REQUEST, naming the field.
[[nodiscard]] absl::Status CheckForm(const piivault::v1::PolicyChange& change);

// The proposals that put policies in force for the tenant, by the activation's number.
using ActivationHistory = std::map<uint64_t, const storage::v1::ProposalRow*>;
ActivationHistory ActivationsOf(const StateSnapshot& state, std::string_view tenant);

// Whose policy would change, and when. Borrows all.
struct ChangeSite {
  PolicyComparisons& comparisons;
  const StateSnapshot& state;
  const TenantState& tenant;
  absl::Time now;
};

// What the policies promise of their changes, asked of `change`; a notice announces one change.
// `before` may be null. REQUIRES: CheckForm().
authz::ChangeVerdict JudgeChange(const ChangeSite& site, const authz::Policy* before,
                                 const authz::Policy& after,
                                 const piivault::v1::PolicyChange& change);

// Says in `act` what the policy that it names would newly grant, or grant with less asked, against
// the one in force for its tenant, what else it would change, when it was loaded, and from when on
// it can be approved.
// Bounded in lines and in work. Nothing where a policy does not load, except that the answer is
// said to be incomplete.
void FillProposedPolicy(const StateSnapshot& state, PolicyComparisons& comparisons, absl::Time now,
                        piivault::v1::Proposal::ActivatePolicy* act);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_
