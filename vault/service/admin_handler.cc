#include "vault/service/admin_handler.h"

#include <array>
#include <memory>

#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;
using authz::SystemRoles;

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

absl::Status RegisterAdminRules(std::string_view service, absl::Span<const AdminRule> rules,
                                const AdminDependencies& dependencies, MethodTable* methods) {
  for (const AdminRule& rule : rules) {
    absl::Status status = methods->Register(
        Concat({service, "/", rule.method}),
        [&dependencies, &rule] { return std::make_unique<AdminHandler>(dependencies, rule); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
