#include "vault/service/break_glass.h"

#include <algorithm>
#include <utility>

#include "vault/service/resource_name.h"
#include "vault/state/snapshot_builder.h"

namespace piivault::vault {
namespace {

using storage::v1::BreakGlassRow;
using storage::v1::PrincipalRow;
using storage::v1::RoleBindingRow;

bool Holds(const PrincipalRow& principal, const std::string& use) {
  return std::any_of(principal.bindings().begin(), principal.bindings().end(),
                     [&](const RoleBindingRow& binding) { return binding.break_glass() == use; });
}

}  // namespace

std::string BreakGlassOf(const PrincipalRow& principal, std::string_view tenant,
                         std::string_view role, absl::Time now) {
  for (const RoleBindingRow& binding : principal.bindings()) {
    if (binding.tenant() == tenant && binding.role() == role && !binding.break_glass().empty() &&
        now < absl::FromUnixMicros(binding.active_until_micros())) {
      return BreakGlassName(binding.break_glass());
    }
  }
  return {};
}

void AddBreakGlass(std::string name, storage::v1::EntryBody* entry) {
  if (name.empty() || entry->break_glass() == name) return;
  if (entry->break_glass().empty()) {
    entry->set_break_glass(std::move(name));
    return;
  }
  const auto& further = entry->further_break_glass();
  if (std::find(further.begin(), further.end(), name) == further.end()) {
    entry->add_further_break_glass(std::move(name));
  }
}

authz::Principal StandingRolesOf(const authz::Principal& principal, std::string_view tenant,
                                 const authz::Policy& policy) {
  authz::Principal standing = principal;
  const auto in_emergencies = [&](const authz::RoleBinding& binding) {
    if (binding.tenant != tenant) return false;
    const authz::RoleSpec* role = policy.FindRole(binding.role);
    return binding.for_emergencies ||
           (role != nullptr && role->break_glass != absl::ZeroDuration());
  };
  auto& bindings = standing.bindings;
  bindings.erase(std::remove_if(bindings.begin(), bindings.end(), in_emergencies), bindings.end());
  return standing;
}

void PutPrincipal(AdminCall& call, const PrincipalRow& row) {
  call.change().PutPrincipal(row);
  const PrincipalState* before = call.state().FindPrincipal(row.name());
  if (before == nullptr) return;
  for (const RoleBindingRow& binding : before->row.bindings()) {
    if (binding.break_glass().empty() || Holds(row, binding.break_glass())) continue;
    const BreakGlassUseState* use = call.state().FindBreakGlass(binding.break_glass());
    if (use == nullptr || StateOf(use->row, call.now()) != v1::BREAK_GLASS_STATE_ACTIVE) continue;
    BreakGlassRow ended = use->row;
    // What was decided before the end may still be on its way to the log: where it ends is said at
    // the review.
    ended.set_end_micros(call.now_micros());
    call.change().PutBreakGlass(ended);
  }
}

void MarkLogEnd(AdminCall& call, BreakGlassRow::Position* position) {
  const storage::LogPosition end = call.dependencies().engine.LogEnd();
  position->set_log(end.log);
  position->set_generation(end.generation);
  position->set_index(end.index);
}

void ClearBreakGlass(RoleBindingRow* binding) {
  binding->clear_break_glass();
  binding->clear_active_until_micros();
}

void ClearBreakGlass(PrincipalRow* principal) {
  for (RoleBindingRow& binding : *principal->mutable_bindings()) ClearBreakGlass(&binding);
}

v1::BreakGlassState StateOf(const BreakGlassRow& row, absl::Time now) {
  if (row.has_review()) return v1::BREAK_GLASS_STATE_REVIEWED;
  return now < absl::FromUnixMicros(row.end_micros()) ? v1::BREAK_GLASS_STATE_ACTIVE
                                                      : v1::BREAK_GLASS_STATE_UNREVIEWED;
}

}  // namespace piivault::vault
