#include "vault/service/admin_acts.h"

#include <algorithm>
#include <set>

#include "authz/decision.h"
#include "authz/policy.h"
#include "vault/service/admin_convert.h"
#include "vault/service/admin_jobs.h"
#include "vault/service/break_glass.h"
#include "vault/service/policy_changes.h"
#include "vault/service/resource_name.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using piivault::v1::Proposal;
using storage::v1::PrincipalRow;
using storage::v1::RoleBindingRow;

constexpr size_t kMaxReason = 200;
constexpr int kMaxBackups = 100;
constexpr size_t kMaxBackupName = 200;
constexpr int kMaxBindings = 200;
constexpr int kMaxIdentities = 16;
// A proposal that would wait for longer is rather made again when it is time.
constexpr absl::Duration kLongestNotice = absl::Hours(24 * 366);

absl::StatusOr<const PrincipalState*> FindTarget(AdminCall& call, const std::string& name,
                                                 std::string_view argument) {
  auto id = ParsePrincipalName(name);
  if (!id.has_value()) return BadArgument(argument);
  const PrincipalState* principal = call.state().FindPrincipal(*id);
  if (principal == nullptr) return MakeError(authz::Reason::kNotFound, argument);
  call.session().AddRead(principal->cell);
  if (!principal->row.person().empty()) {
    call.session().AddRead(PersonCell(principal->row.person()));
  }
  return principal;
}

// System roles go to people; programs may watch and operate.
absl::Status AdmitSystemRole(const PrincipalRow& principal, authz::SystemRole role) {
  const bool staff = principal.kind() == piivault::v1::PRINCIPAL_KIND_STAFF;
  const bool service = principal.kind() == piivault::v1::PRINCIPAL_KIND_SERVICE;
  const bool for_services =
      role == authz::SystemRole::kVaultAuditor || role == authz::SystemRole::kVaultOperator;
  if (staff || (service && for_services)) return absl::OkStatus();
  return MakeError(authz::Reason::kPrincipalKindNotAdmitted);
}

// How many persons hold the role in the tenant, without `except`; `leaving`, a principal, holds it
// no more.
uint32_t CountHolders(AdminCall& call, const RoleBindingRow& wanted, std::string_view except,
                      std::string_view leaving = {}) {
  std::set<std::string_view> persons;
  for (const auto& [name, principal] : call.state().principals()) {
    if (principal->row.disabled() || principal->row.person() == except || name == leaving) continue;
    for (const RoleBindingRow& binding : principal->row.bindings()) {
      if (binding.role() == wanted.role() && binding.tenant() == wanted.tenant() &&
          TimeOf(binding.not_after_micros(), absl::InfiniteFuture()) >= call.now()) {
        persons.insert(principal->row.person());
      }
    }
  }
  return static_cast<uint32_t>(persons.size());
}

// Fields that the policy has: `type.field` or `type.*`.
absl::Status CheckFields(const authz::Policy& policy, const RoleBindingRow& binding,
                         std::string_view path) {
  for (const std::string& field : binding.fields()) {
    const std::string_view name = field;
    const bool known = name.ends_with(".*")
                           ? policy.FindType(name.substr(0, name.size() - 2)) != authz::kNoType
                           : policy.FindField(name) != authz::kNoField;
    if (!known) return MakeError(authz::Reason::kFieldUnknown, path);
  }
  return absl::OkStatus();
}

// `path` is that of the binding in the request.
absl::Status AdmitPolicyRole(AdminCall& call, const PrincipalState& target,
                             const RoleBindingRow& binding, std::string_view path,
                             std::string_view leaving = {}) {
  const TenantState* tenant = call.session().UseTenantId(binding.tenant());
  if (tenant == nullptr) return MakeError(authz::Reason::kTenantUnknown, path);
  if (tenant->policy_in_force() == nullptr) return MakeError(authz::Reason::kNoPolicy);
  absl::Status fields = CheckFields(*tenant->policy_in_force(), binding, Concat({path, ".fields"}));
  if (!fields.ok()) return fields;
  const PersonState* person = call.state().FindPerson(target.row.person());
  PrincipalRow only;
  *only.add_bindings() = binding;
  const authz::Admission admission = authz::AdmitBinding(
      *tenant->policy_in_force(), ToPrincipal(only).bindings.front(), target.principal,
      person == nullptr ? nullptr : &person->person,
      person == nullptr ? absl::Span<const authz::Attestation>() : person->attestations, call.now(),
      CountHolders(call, binding, target.row.person(), leaving));
  if (admission.reason == authz::Reason::kOk) return absl::OkStatus();
  return MakeError(admission.reason, Concat({path, ".role"}));
}

// A break-glass role stays one for as long as it is held, whatever a later policy says of it.
void MarkEmergencies(AdminCall& call, RoleBindingRow* binding) {
  const TenantState* tenant = call.state().FindTenant(binding->tenant());
  const authz::Policy* policy = tenant == nullptr ? nullptr : tenant->policy_in_force();
  const authz::RoleSpec* role = policy == nullptr ? nullptr : policy->FindRole(binding->role());
  if (role != nullptr && role->break_glass != absl::ZeroDuration()) {
    binding->set_given_for_emergencies(true);
  }
}

bool IsSameRole(const RoleBindingRow& a, const RoleBindingRow& b) {
  return a.role() == b.role() && a.tenant() == b.tenant();
}

// Takes the role away.
void DropRole(const RoleBindingRow& binding, PrincipalRow* row) {
  auto& bindings = *row->mutable_bindings();
  bindings.erase(
      std::remove_if(bindings.begin(), bindings.end(),
                     [&](const RoleBindingRow& one) { return IsSameRole(one, binding); }),
      bindings.end());
}

// Gives the role, in the place of one that is there.
absl::Status GiveRole(RoleBindingRow binding, ActEffect* effect) {
  DropRole(binding, &*effect->principal);
  if (effect->principal->bindings_size() >= kMaxBindings) {
    return MakeError(authz::Reason::kBatchTooLarge);
  }
  effect->touches.push_back(RoleHoldersCell(binding.tenant(), binding.role()));
  *effect->principal->add_bindings() = std::move(binding);
  return absl::OkStatus();
}

// What a grant stands on: other roles may come and go meanwhile; whoever can act as this principal
// may not change.
std::string BasisOfGrant(PrincipalRow target) {
  target.clear_bindings();
  return target.SerializeAsString();
}

absl::StatusOr<ActEffect> CheckGrantRole(AdminCall& call, const Proposal::GrantRole& act) {
  auto target = FindTarget(call, act.principal(), "grant_role.principal");
  if (!target.ok()) return target.status();
  if ((*target)->row.disabled()) return MakeError(authz::Reason::kPrincipalDisabled);
  RoleBindingRow binding;
  if (absl::Status status = FillBinding(act.binding(), &binding); !status.ok()) return status;
  if (binding.not_after_micros() != 0 && binding.not_after_micros() <= call.now_micros()) {
    return MakeError(authz::Reason::kRoleExpired, "binding.not_after");
  }
  if (binding.tenant().empty()) {
    auto role = authz::FindSystemRole(binding.role());
    if (!role.has_value()) return MakeError(authz::Reason::kRoleUnknown);
    if (!binding.fields().empty()) return BadArgument("binding.fields");
    if (absl::Status status = AdmitSystemRole((*target)->row, *role); !status.ok()) return status;
  } else if (absl::Status status = AdmitPolicyRole(call, **target, binding, "grant_role.binding");
             !status.ok()) {
    return status;
  }
  MarkEmergencies(call, &binding);

  ActEffect effect;
  effect.resource = act.principal();
  effect.basis = BasisOfGrant((*target)->row);
  effect.principal = (*target)->row;
  if (absl::Status status = GiveRole(std::move(binding), &effect); !status.ok()) return status;
  return effect;
}

// The binding moves as it is, so that a handover never widens it.
absl::StatusOr<ActEffect> CheckHandOver(AdminCall& call, const Proposal::HandOver& act) {
  auto from = FindTarget(call, act.principal(), "hand_over.principal");
  if (!from.ok()) return from.status();
  auto to = FindTarget(call, act.successor(), "hand_over.successor");
  if (!to.ok()) return to.status();
  auto tenant = ParseTenantName(act.tenant());
  if (!tenant.has_value()) return BadArgument("hand_over.tenant");
  if (*from == *to) return BadArgument("hand_over.successor");
  if (!act.justification().empty() && !authz::IsValidTicket(act.justification())) {
    return BadArgument("hand_over.justification");
  }
  if ((*to)->row.disabled()) return MakeError(authz::Reason::kPrincipalDisabled);

  RoleBindingRow binding;
  binding.set_role(act.role());
  binding.set_tenant(std::string(*tenant));
  const auto& held = (*from)->row.bindings();
  const auto there = std::find_if(held.begin(), held.end(), [&](const RoleBindingRow& one) {
    return IsSameRole(one, binding);
  });
  if (there == held.end()) return MakeError(authz::Reason::kNotFound, "hand_over.role");
  binding = *there;
  ClearBreakGlass(&binding);
  if (binding.not_after_micros() != 0 && binding.not_after_micros() <= call.now_micros()) {
    return MakeError(authz::Reason::kRoleExpired, "hand_over.role");
  }
  binding.set_justification(act.justification());
  absl::Status admitted = AdmitPolicyRole(call, **to, binding, "hand_over", (*from)->name);
  if (!admitted.ok()) return admitted;
  MarkEmergencies(call, &binding);

  ActEffect effect;
  effect.resource = act.successor();
  RoleBindingRow moved = *there;
  ClearBreakGlass(&moved);
  effect.basis = Concat({BasisOfGrant((*to)->row), moved.SerializeAsString()});
  effect.predecessor = (*from)->row;
  DropRole(binding, &*effect.predecessor);
  effect.principal = (*to)->row;
  if (absl::Status status = GiveRole(std::move(binding), &effect); !status.ok()) return status;
  return effect;
}

absl::StatusOr<ActEffect> CheckActivatePolicy(AdminCall& call,
                                              const Proposal::ActivatePolicy& act) {
  if (!IsText(act.reason(), kMaxReason)) return BadArgument("activate_policy.reason");
  if (!IsSha256Hex(act.policy_sha256())) return BadArgument("activate_policy.policy_sha256");
  auto id = ParseTenantName(act.tenant());
  if (!id.has_value()) return BadArgument("activate_policy.tenant");
  const TenantState* tenant = call.session().UseTenantId(*id);
  if (tenant == nullptr) return MakeError(authz::Reason::kTenantUnknown, "activate_policy.tenant");
  const PolicyState* policy = call.state().FindPolicy(act.policy_sha256());
  if (policy == nullptr) {
    return MakeError(authz::Reason::kNotFound, "activate_policy.policy_sha256");
  }
  if (absl::Status status = CheckForm(act.change()); !status.ok()) return status;
  PolicyComparisons& comparisons = *call.dependencies().comparisons;
  ActEffect effect;
  effect.resource = act.tenant();
  effect.policy = comparisons.Load(*policy);
  if (effect.policy == nullptr) return MakeError(authz::Reason::kPolicyInvalid);
  authz::ChangeVerdict verdict =
      JudgeChange({comparisons, call.state(), *tenant, call.now()}, tenant->policy_in_force(),
                  *effect.policy, act.change());
  if (verdict.reason == authz::Reason::kPolicyChangeIncomplete) {
    return MakeError(verdict.reason, std::move(verdict.missing));
  }
  effect.not_before = verdict.from;
  if (effect.not_before - call.now() > kLongestNotice) {
    return MakeError(authz::Reason::kPolicyNoticeRunning, "activate_policy.change.notice");
  }
  std::vector<std::string> unkept =
      UnkeptSessionRules(effect.policy->session(), call.dependencies().sessions);
  if (!unkept.empty()) return MakeError(authz::Reason::kSessionLimits, std::move(unkept));
  // The number too: a policy that was replaced and came back is not the one that was looked at.
  effect.basis =
      Concat({tenant->row.policy_sha256(), ":", std::to_string(tenant->row.activations())});
  effect.tenant = tenant->row;
  effect.tenant->set_policy_sha256(policy->sha256);
  effect.tenant->set_activations(tenant->row.activations() + 1);
  effect.activation.emplace();
  effect.activation->set_tenant(tenant->name);
  effect.activation->set_number(effect.tenant->activations());
  effect.activation->set_semantic_sha256(*comparisons.Meaning(*effect.policy));
  return effect;
}

absl::StatusOr<ActEffect> CheckAddIdentity(AdminCall& call, const Proposal::AddIdentity& act) {
  auto target = FindTarget(call, act.principal(), "add_identity.principal");
  if (!target.ok()) return target.status();
  storage::v1::IdentityRow identity;
  if (absl::Status status = FillIdentity(act.identity(), &identity); !status.ok()) return status;
  const auto enrolled = [&identity](const storage::v1::IdentityRow& row) {
    return row.uri() == identity.uri() && row.enrolled();
  };
  // What a recipient has enrolled for itself is in the way of nothing that administrators give it.
  const PrincipalState* owner = call.state().FindPrincipalByIdentity(identity.uri());
  const auto& own = (*target)->row.identities();
  if (owner != nullptr &&
      (owner->name != (*target)->name || std::none_of(own.begin(), own.end(), enrolled))) {
    return MakeError(authz::Reason::kAlreadyExists, "add_identity.identity");
  }
  ActEffect effect;
  effect.resource = act.principal();
  // Roles are in it: who may act as somebody is approved for what that one may do.
  PrincipalRow basis = (*target)->row;
  basis.clear_identities();
  effect.basis = basis.SerializeAsString();
  effect.principal = (*target)->row;
  auto& identities = *effect.principal->mutable_identities();
  identities.erase(std::remove_if(identities.begin(), identities.end(), enrolled),
                   identities.end());
  if (identities.size() >= kMaxIdentities) return MakeError(authz::Reason::kBatchTooLarge);
  *effect.principal->add_identities() = std::move(identity);
  const auto recipient = call.state().recipients().find(effect.principal->recipient());
  if (recipient != call.state().recipients().end()) {
    call.session().AddRead(recipient->second->cell);
    effect.recipient = recipient->second->row;
  }
  return effect;
}

// Whoever comes back takes a place again that may have been given to another meanwhile. What else
// a role requires is asked on every call.
absl::Status AdmitReturn(AdminCall& call, const PrincipalRow& row, ActEffect* effect) {
  for (const RoleBindingRow& binding : row.bindings()) {
    if (binding.tenant().empty()) continue;
    const TenantState* tenant = call.session().UseTenantId(binding.tenant());
    if (tenant == nullptr || tenant->policy_in_force() == nullptr) continue;
    const authz::RoleSpec* role = tenant->policy_in_force()->FindRole(binding.role());
    if (role == nullptr || role->holders == 0) continue;
    if (CountHolders(call, binding, row.person()) >= role->holders) {
      return MakeError(authz::Reason::kHoldersExceeded, "enable_principal.principal");
    }
    effect->touches.push_back(RoleHoldersCell(binding.tenant(), binding.role()));
  }
  return absl::OkStatus();
}

absl::StatusOr<ActEffect> CheckEnablePrincipal(AdminCall& call,
                                               const Proposal::EnablePrincipal& act) {
  auto target = FindTarget(call, act.principal(), "enable_principal.principal");
  if (!target.ok()) return target.status();
  const PrincipalRow& row = (*target)->row;
  if (!row.disabled()) return MakeError(authz::Reason::kProposalStale);
  // A recipient is disabled for good.
  const auto recipient = call.state().recipients().find(row.recipient());
  if (recipient != call.state().recipients().end()) {
    call.session().AddRead(recipient->second->cell);
    if (recipient->second->recipient.disabled) {
      return MakeError(authz::Reason::kRecipientDisabled, "enable_principal.principal");
    }
  }
  ActEffect effect;
  effect.resource = act.principal();
  effect.basis = (*target)->row.SerializeAsString();
  effect.principal = (*target)->row;
  effect.principal->set_disabled(false);
  if (absl::Status status = AdmitReturn(call, *effect.principal, &effect); !status.ok()) {
    return status;
  }
  return effect;
}

absl::StatusOr<ActEffect> CheckDestroyEpoch(AdminCall& call, const Proposal::DestroyEpoch& act) {
  // That there are none is to be said, not left out.
  if (act.backups_size() > kMaxBackups || act.backups().empty() != act.no_backups()) {
    return BadArgument("destroy_epoch.backups");
  }
  for (const std::string& backup : act.backups()) {
    if (backup.empty() || !IsText(backup, kMaxBackupName)) {
      return BadArgument("destroy_epoch.backups");
    }
  }
  const absl::Status status = call.dependencies().rotator.CheckDestroy(act.epoch());
  if (absl::IsNotFound(status)) return MakeError(authz::Reason::kNotFound, "destroy_epoch.epoch");
  if (!status.ok()) return MakeError(authz::Reason::kProposalStale, "destroy_epoch.epoch");
  ActEffect effect;
  effect.resource = Concat({"epochs/", std::to_string(act.epoch())});
  effect.destroy_epoch = act.epoch();
  return effect;
}

}  // namespace

absl::StatusOr<Proposal> ActOf(const Proposal& proposal) {
  Proposal act;
  switch (proposal.act_case()) {
    case Proposal::kGrantRole:
      *act.mutable_grant_role() = proposal.grant_role();
      act.mutable_grant_role()->mutable_binding()->clear_active_until_time();
      act.mutable_grant_role()->mutable_binding()->clear_break_glass();
      break;
    case Proposal::kActivatePolicy:
      *act.mutable_activate_policy() = proposal.activate_policy();
      // What is answered only must not enter the hash that an approver names.
      act.mutable_activate_policy()->clear_newly_granted();
      act.mutable_activate_policy()->clear_newly_granted_count();
      act.mutable_activate_policy()->clear_newly_granted_incomplete();
      act.mutable_activate_policy()->clear_settings_changed();
      act.mutable_activate_policy()->clear_approvable_time();
      act.mutable_activate_policy()->clear_policy_create_time();
      break;
    case Proposal::kAddIdentity:
      *act.mutable_add_identity() = proposal.add_identity();
      break;
    case Proposal::kEnablePrincipal:
      *act.mutable_enable_principal() = proposal.enable_principal();
      break;
    case Proposal::kDestroyEpoch:
      *act.mutable_destroy_epoch() = proposal.destroy_epoch();
      break;
    case Proposal::kHandOver:
      *act.mutable_hand_over() = proposal.hand_over();
      break;
    case Proposal::kPlanJob:
      *act.mutable_plan_job() = proposal.plan_job();
      act.mutable_plan_job()->mutable_job()->clear_id();
      break;
    case Proposal::ACT_NOT_SET:
      return BadArgument("proposal.act");
  }
  // Nobody could have read what this program does not know.
  act.DiscardUnknownFields();
  return act;
}

absl::StatusOr<ActEffect> CheckAct(AdminCall& call, const Proposal& act) {
  switch (act.act_case()) {
    case Proposal::kGrantRole:
      return CheckGrantRole(call, act.grant_role());
    case Proposal::kActivatePolicy:
      return CheckActivatePolicy(call, act.activate_policy());
    case Proposal::kAddIdentity:
      return CheckAddIdentity(call, act.add_identity());
    case Proposal::kEnablePrincipal:
      return CheckEnablePrincipal(call, act.enable_principal());
    case Proposal::kDestroyEpoch:
      return CheckDestroyEpoch(call, act.destroy_epoch());
    case Proposal::kHandOver:
      return CheckHandOver(call, act.hand_over());
    case Proposal::kPlanJob:
      return CheckPlanJob(call, act.plan_job());
    case Proposal::ACT_NOT_SET:
      break;
  }
  return BadArgument("proposal.act");
}

void ApplyAct(AdminCall& call, const ActEffect& effect) {
  if (effect.policy != nullptr) call.change().KeepCompiled(effect.policy);
  if (effect.recipient.has_value()) call.change().PutRecipient(*effect.recipient);
  if (effect.predecessor.has_value()) PutPrincipal(call, *effect.predecessor);
  if (effect.principal.has_value()) PutPrincipal(call, *effect.principal);
  if (effect.tenant.has_value()) call.change().PutTenant(*effect.tenant);
  for (uint64_t cell : effect.touches) call.change().Touch(cell);
}

}  // namespace piivault::vault
