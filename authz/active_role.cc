#include "authz/active_role.h"

#include <algorithm>
#include <string>
#include <vector>

#include "authz/instant.h"

namespace piivault::authz {
namespace {

// Whether the binding does nothing until the role is taken.
bool NeedsTaking(const RoleBinding& binding, const RoleSpec& role) {
  return binding.for_emergencies || role.break_glass != absl::ZeroDuration();
}

}  // namespace

absl::Time ActiveRole::EndOf(const RoleBinding& binding) const {
  const absl::Time end = After(binding.not_after);
  return NeedsTaking(binding, *role) ? std::min(end, binding.active_until) : end;
}

absl::Time ActiveRole::GoodUntil(absl::FunctionRef<bool(std::string_view pattern)> covers) const {
  absl::Time until = absl::InfinitePast();
  for (const RoleBinding* binding : bindings) {
    const std::vector<std::string>& fields = binding->fields;
    if (fields.empty() || std::any_of(fields.begin(), fields.end(), covers)) {
      until = std::max(until, EndOf(*binding));
    }
  }
  return until;
}

Reason FindActiveRoles(const Policy& policy, const DecisionInput& input, ActiveRoles* out) {
  bool over = false;
  bool here = false;
  bool elsewhere = false;
  for (const RoleBinding& binding : input.principal->bindings) {
    if (!input.role.empty() && binding.role != input.role) continue;
    if (binding.tenant != input.tenant) {
      elsewhere = elsewhere || !binding.tenant.empty();
      continue;
    }
    const RoleSpec* role = policy.FindRole(binding.role);
    if (role == nullptr) continue;
    here = true;
    if (input.now > binding.not_after) over = true;
    if (input.now < binding.not_before || input.now > binding.not_after) continue;
    if (NeedsTaking(binding, *role) && input.now >= binding.active_until) continue;
    const bool limited = !binding.fields.empty();
    auto same = std::find_if(out->begin(), out->end(),
                             [&](const ActiveRole& active) { return active.role == role; });
    if (same == out->end()) {
      out->push_back({role, {&binding}, limited});
    } else {
      same->bindings.push_back(&binding);
      same->limited = same->limited || limited;
    }
  }
  std::sort(out->begin(), out->end(),
            [](const ActiveRole& a, const ActiveRole& b) { return a.role->id < b.role->id; });
  if (!out->empty()) return Reason::kOk;
  if (over) return Reason::kRoleExpired;
  return elsewhere && !here ? Reason::kTenantMismatch : Reason::kRoleNotGranted;
}

}  // namespace piivault::authz
