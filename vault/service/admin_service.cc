#include "vault/service/admin_service.h"

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "authz/decision.h"
#include "vault/service/admin_call.h"
#include "vault/service/admin_department.h"
#include "vault/service/break_glass.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;
using authz::SystemRoles;

// Who may call what. A method that is not here has no handler, and is denied.
struct AdminRule {
  std::string_view method;
  SystemRoles roles;
  Plan (*run)(AdminCall& call);
  // Where others may call too: whether this one may.
  CallerRole (*otherwise)(Session& session, const CallContext& context) = nullptr;
};

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

constexpr auto kAllSystemRoles =
    std::to_array<SystemRole>({SystemRole::kVaultAdmin, SystemRole::kVaultOperator,
                               SystemRole::kVaultAuditor, SystemRole::kPrivacyOfficer});

// The role of the rule that the caller has; empty for none.
std::string_view RoleOf(const authz::Principal* principal, SystemRoles roles, absl::Time now) {
  for (SystemRole role : kAllSystemRoles) {
    if (roles.Has(role) && authz::DecideSystemRole(principal, {role}, now) == authz::Reason::kOk) {
      return authz::SystemRoleName(role);
    }
  }
  return {};
}

class AdminHandler : public Handler {
 public:
  AdminHandler(const AdminDependencies& dependencies, const AdminRule& rule)
      : dependencies_(dependencies), rule_(rule) {}

  Plan Next(CallContext& context) override {
    Session session(context, dependencies_.store, dependencies_.random);
    if (!session.identified()) return session.Refuse();
    authz::Reason reason = authz::DecideSystemRole(session.principal(), rule_.roles, session.now());
    std::string_view role = RoleOf(session.principal(), rule_.roles, session.now());
    if (reason == authz::Reason::kSystemRoleRequired && rule_.otherwise != nullptr) {
      const CallerRole other = rule_.otherwise(session, context);
      reason = other.reason;
      role = other.role;
    }
    if (reason != authz::Reason::kOk) return session.Refuse(reason);
    AdminCall call(dependencies_, session, context, role, kept_);
    return rule_.run(call);
  }

 private:
  const AdminDependencies& dependencies_;
  const AdminRule& rule_;
  AdminKept kept_;
};

}  // namespace

absl::Status RegisterAdminService(const AdminDependencies& dependencies, MethodTable* methods) {
  for (const AdminRule& rule : kAdminRules) {
    absl::Status status = methods->Register(
        Concat({"piivault.v1.AdminService/", rule.method}),
        [&dependencies, &rule] { return std::make_unique<AdminHandler>(dependencies, rule); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
