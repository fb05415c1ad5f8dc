#include "vault/service/admin_service.h"

#include <array>
#include <string_view>

#include "authz/decision.h"
#include "vault/service/admin_call.h"
#include "vault/service/admin_department.h"
#include "vault/service/admin_handler.h"
#include "vault/service/break_glass.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;
using authz::SystemRoles;

// A department's manager may, about proposals that are for managers.
template <typename Request>
CallerRole AdmitManager(Session& session, const CallContext& context) {
  const ManagerDecision manager = DecideManagerOf(session, RequestAs<Request>(context).name());
  return {manager.reason, manager.role};
}

constexpr SystemRoles kNobody = {};
constexpr SystemRoles kAuditor = {SystemRole::kVaultAuditor};
constexpr SystemRoles kAdmin = {SystemRole::kVaultAdmin};
// Who may do what is for those to see who check it.
constexpr SystemRoles kOversight = {SystemRole::kVaultAdmin, SystemRole::kVaultAuditor};
constexpr SystemRoles kOperation = {SystemRole::kVaultAdmin, SystemRole::kVaultOperator};
constexpr SystemRoles kEverySystemRole = {SystemRole::kVaultAdmin, SystemRole::kVaultAuditor,
                                          SystemRole::kVaultOperator, SystemRole::kPrivacyOfficer};
constexpr SystemRoles kRules = {SystemRole::kVaultAdmin, SystemRole::kVaultAuditor,
                                SystemRole::kPrivacyOfficer};

constexpr auto kAdminRules = std::to_array<AdminRule>({
    {"CreateTenant", kAdmin, AdminCreateTenant},
    {"ListTenants", kEverySystemRole, AdminListTenants},
    {"UpdateTenant", kAdmin, AdminUpdateTenant},
    {"EndJob", kAdmin, AdminEndJob},
    {"CreatePerson", kAdmin, AdminCreatePerson},
    {"GetPerson", kOversight, AdminGetPerson},
    {"ListPersons", kOversight, AdminListPersons},
    {"UpdatePerson", kAdmin, AdminUpdatePerson},
    {"RecordAttestation", kAdmin, AdminRecordAttestation},
    {"RevokeAttestation", kAdmin, AdminRevokeAttestation},
    {"CreatePrincipal", kAdmin, AdminCreatePrincipal},
    {"GetPrincipal", kOversight, AdminGetPrincipal},
    {"ListPrincipals", kOversight, AdminListPrincipals},
    {"DisablePrincipal", kAdmin, AdminDisablePrincipal},
    {"RemoveIdentity", kAdmin, AdminRemoveIdentity},
    {"RevokeRole", kAdmin, AdminRevokeRole},
    {"OffboardPrincipal", kAdmin, AdminOffboardPrincipal},
    {"DenyCertificate", kAdmin, AdminDenyCertificate},
    {"CreatePolicy", kAdmin, AdminCreatePolicy},
    {"GetPolicy", kRules, AdminGetPolicy},
    {"ListPolicies", kRules, AdminListPolicies},
    {"ListPolicyActivations", kRules, AdminListPolicyActivations},
    {"CreateProposal", kAdmin, AdminCreateProposal},
    {"GetProposal", kOversight, AdminGetProposal, AdmitManager<piivault::v1::GetProposalRequest>},
    {"ListProposals", kOversight, AdminListProposals},
    {"ApproveProposal", kAdmin, AdminApproveProposal,
     AdmitManager<piivault::v1::ApproveProposalRequest>},
    {"RejectProposal", kAdmin, AdminRejectProposal},
    {"BreakGlass", kNobody, AdminBreakGlass, AdmitBreakGlass},
    {"ReviewBreakGlass", kAuditor, AdminReviewBreakGlass, AdmitReviewBreakGlass},
    {"ListBreakGlass", kOversight, AdminListBreakGlass, AdmitListBreakGlass},
    {"ListKeyringSlots", kOperation, AdminListKeyringSlots},
    {"ListEpochs", kOperation, AdminListEpochs},
    {"RotateEpoch", kOperation, AdminRotateEpoch},
    {"GetVaultStatus", kEverySystemRole, AdminGetVaultStatus},
});

}  // namespace

absl::Status RegisterAdminService(const AdminDependencies& dependencies, MethodTable* methods) {
  return RegisterAdminRules("piivault.v1.AdminService", kAdminRules, dependencies, methods);
}

}  // namespace piivault::vault
