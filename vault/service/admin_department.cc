#include "vault/service/admin_department.h"

#include <algorithm>

#include "authz/decision.h"
#include "authz/policy.h"
#include "vault/service/break_glass.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using piivault::v1::Proposal;

constexpr std::string_view kByManager = "approval_by_department_manager";

std::optional<DepartmentGrant> GrantIn(const Proposal& act) {
  if (act.has_grant_role()) {
    const piivault::v1::RoleBinding& binding = act.grant_role().binding();
    return DepartmentGrant{act.grant_role().principal(), binding.tenant(), binding.role()};
  }
  if (act.has_hand_over()) {
    const Proposal::HandOver& over = act.hand_over();
    return DepartmentGrant{over.successor(), over.tenant(), over.role()};
  }
  return std::nullopt;
}

}  // namespace

std::optional<DepartmentGrant> DepartmentGrantOf(const StateSnapshot& state, const Proposal& act) {
  const std::optional<DepartmentGrant> grant = GrantIn(act);
  if (!grant.has_value()) return std::nullopt;
  const std::optional<std::string_view> id = ParseTenantName(grant->tenant);
  const TenantState* tenant = id.has_value() ? state.FindTenant(*id) : nullptr;
  const authz::Policy* policy = tenant == nullptr ? nullptr : tenant->policy_in_force();
  const authz::RoleSpec* role = policy == nullptr ? nullptr : policy->FindRole(grant->role);
  if (role == nullptr) return std::nullopt;
  const bool by_manager =
      std::find(role->needs.begin(), role->needs.end(), kByManager) != role->needs.end();
  return by_manager ? grant : std::nullopt;
}

ManagerDecision DecideManager(Session& session, const DepartmentGrant& grant) {
  const TenantState* tenant = session.UseTenant(grant.tenant);
  const std::optional<std::string_view> id = ParsePrincipalName(grant.principal);
  const PrincipalState* target = id.has_value() ? session.state().FindPrincipal(*id) : nullptr;
  if (tenant == nullptr || tenant->policy_in_force() == nullptr || target == nullptr) {
    return {Reason::kOperationNotGranted, {}};
  }
  // What is approved outlives an emergency.
  const authz::Principal manager =
      StandingRolesOf(*session.principal(), grant.tenant, *tenant->policy_in_force());
  authz::DecisionInput input;
  input.principal = &manager;
  input.person = session.person();
  input.attestations = session.attestations();
  input.tenant = grant.tenant;
  input.verb = authz::Verb::kApproveGrant;
  input.now = session.now();
  const authz::Decision decision = authz::DecideWithoutSubject(*tenant->policy_in_force(), input);
  if (!decision.granted()) {
    const bool elsewhere =
        decision.reason == Reason::kRoleNotGranted || decision.reason == Reason::kTenantMismatch;
    return {elsewhere ? Reason::kOperationNotGranted : decision.reason, {}};
  }
  session.AddRead(target->cell);
  session.AddRead(PersonCell(target->row.person()));
  const PersonState* person = session.state().FindPerson(target->row.person());
  if (person == nullptr || session.person() == nullptr || person->person.department.empty() ||
      person->person.department != session.person()->department) {
    return {Reason::kDepartmentMismatch, {}};
  }
  if (person->person.name == session.person()->name) return {Reason::kProposalSelfApproval, {}};
  return {Reason::kOk, decision.role->name};
}

ManagerDecision DecideManagerOf(Session& session, std::string_view proposal_name) {
  const ManagerDecision refused = {Reason::kSystemRoleRequired, {}};
  const std::optional<std::string_view> id = ParseProposalName(proposal_name);
  const ProposalState* proposal = id.has_value() ? session.state().FindProposal(*id) : nullptr;
  Proposal act;
  if (proposal == nullptr || !act.ParseFromString(proposal->row.act())) return refused;
  const std::optional<DepartmentGrant> grant = DepartmentGrantOf(session.state(), act);
  if (!grant.has_value()) return refused;
  session.AddRead(proposal->cell);
  const ManagerDecision decision = DecideManager(session, *grant);
  // Who manages nothing learns nothing.
  return decision.reason == Reason::kOperationNotGranted ? refused : decision;
}

}  // namespace piivault::vault
