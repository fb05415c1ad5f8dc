#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_HANDLER_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_HANDLER_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "vault/service/admin_call.h"
#include "vault/service/break_glass.h"

// Methods that go by system roles, of whichever service.
namespace piivault::vault {

// Who may call what. A method without a rule has no handler, and is denied.
struct AdminRule {
  std::string_view method;
  authz::SystemRoles roles;
  Plan (*run)(AdminCall& call);
  // Where others may call too: whether this one may.
  CallerRole (*otherwise)(Session& session, const CallContext& context) = nullptr;
};

// Gives each method of the rules its handler. Borrows `rules` and `dependencies`, which outlive the
// table.
[[nodiscard]] absl::Status RegisterAdminRules(std::string_view service,
                                              absl::Span<const AdminRule> rules,
                                              const AdminDependencies& dependencies,
                                              MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_HANDLER_H_
