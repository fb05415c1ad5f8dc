#ifndef PIIVAULT_VAULT_SERVICE_BREAK_GLASS_H_
#define PIIVAULT_VAULT_SERVICE_BREAK_GLASS_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "authz/policy.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/service/admin_call.h"

// Roles that their holder takes in an emergency (`break_glass` of a policy's role). Taking one is a
// row of its own, kept with its review; the binding has the row's id and the end while it lasts.
namespace piivault::vault {

// The use that gives `principal` the role now, `breakGlassUses/{use}`: what entries of decisions by
// that role name. Empty for a role that was given in the ordinary way, and one not taken now.
std::string BreakGlassOf(const storage::v1::PrincipalRow& principal, std::string_view tenant,
                         std::string_view role, absl::Time now);

// Names the use in the entry, once; nothing for an empty name.
void AddBreakGlass(std::string name, storage::v1::EntryBody* entry);

// The principal with the roles that it has at any time: without those of emergencies in `tenant`,
// taken or not. Who decides what outlives an emergency does so by these.
authz::Principal StandingRolesOf(const authz::Principal& principal, std::string_view tenant,
                                 const authz::Policy& policy);

// Puts the row of a principal into the call's change. Uses that it has no more end with it: whoever
// takes a role or a principal away says nothing of them.
void PutPrincipal(AdminCall& call, const storage::v1::PrincipalRow& row);

// For a role that is moved, and roles of who is disabled: to be taken anew.
void ClearBreakGlass(storage::v1::RoleBindingRow* binding);
void ClearBreakGlass(storage::v1::PrincipalRow* principal);

// Where the log ends, as far as it is durable.
void MarkLogEnd(AdminCall& call, storage::v1::BreakGlassRow::Position* position);

v1::BreakGlassState StateOf(const storage::v1::BreakGlassRow& row, absl::Time now);

// Whether a caller without the system roles of a method may call it, and under which role of a
// policy.
struct CallerRole {
  authz::Reason reason = authz::Reason::kSystemRoleRequired;
  std::string_view role;
};

// Who may call, beyond the system roles of the method: the holder of the role; whoever may
// `approve_exception` in the tenant of the use, or of the list. Cells go to the read set.
CallerRole AdmitBreakGlass(Session& session, const CallContext& context);
CallerRole AdmitReviewBreakGlass(Session& session, const CallContext& context);
CallerRole AdmitListBreakGlass(Session& session, const CallContext& context);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_BREAK_GLASS_H_
