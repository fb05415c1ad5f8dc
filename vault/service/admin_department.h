#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_DEPARTMENT_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_DEPARTMENT_H_

#include <optional>
#include <string_view>

#include "authz/reason.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/service/session.h"

// Roles that a department's manager approves (`needs: [approval_by_department_manager]`). The
// manager need not administer the vault; what makes one is a role of the tenant's policy with
// `approve_grant`, and being in the department of the person who is to get the role.
namespace piivault::vault {

// Who would get a role that a manager approves. Names of principal, tenant and role as in the act.
struct DepartmentGrant {
  std::string_view principal;
  std::string_view tenant;
  std::string_view role;
};

// Nothing for an act that no manager has to approve. Views into `act`.
std::optional<DepartmentGrant> DepartmentGrantOf(const StateSnapshot& state,
                                                 const piivault::v1::Proposal& act);

struct ManagerDecision {
  // kOk; kOperationNotGranted where the caller has no role that approves, or why such a role is not
  // admitted now; kDepartmentMismatch; kProposalSelfApproval for the own role.
  authz::Reason reason = authz::Reason::kOperationNotGranted;
  std::string_view role;  // of the policy, under which the caller approves
};

// Whether the caller is the manager who may approve. The cells that it rests on go to the read set.
ManagerDecision DecideManager(Session& session, const DepartmentGrant& grant);

// The same for a caller without system role who names a proposal: kSystemRoleRequired where it is
// not one for managers, or the caller manages no department.
ManagerDecision DecideManagerOf(Session& session, std::string_view proposal_name);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_DEPARTMENT_H_
