#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_JOBS_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_JOBS_H_

#include "absl/status/statusor.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/service/admin_acts.h"
#include "vault/service/admin_call.h"

namespace piivault::vault {

// Checks the planning of a job as if it were carried out now: tenant, principal and purpose are
// there, the time is within its bounds, and the tenant has room for one more.
absl::StatusOr<ActEffect> CheckPlanJob(AdminCall& call, const piivault::v1::Proposal::PlanJob& act);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_JOBS_H_
