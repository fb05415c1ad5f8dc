#ifndef PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_
#define PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_

#include "piivault/v1/admin_service.pb.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Says in `act` what the policy that it names would newly grant, or grant with less asked, against
// the one in force for its tenant, and what else it would change. Bounded in lines and in work.
// Nothing where a policy does not load, except that the answer is said to be incomplete.
void FillNewlyGranted(const StateSnapshot& state, piivault::v1::Proposal::ActivatePolicy* act);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_POLICY_CHANGES_H_
