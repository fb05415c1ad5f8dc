#include "tests/authz/naive_decision.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/authz/naive_admission.h"
#include "tests/authz/naive_trial.h"

namespace piivault::authz::naive {
namespace {

Answer Refusal(Reason reason, std::string role = "") {
  Answer answer;
  answer.reason = reason;
  answer.role = std::move(role);
  return answer;
}

// Why nobody at all gets an answer; kOk where the roles decide.
Reason CheckCaller(const Text& text, const DecisionInput& in) {
  if (in.principal == nullptr) return Reason::kPrincipalUnknown;
  if (in.principal->disabled) return Reason::kPrincipalDisabled;
  if (in.tenant.empty()) return Reason::kTenantUnknown;
  if (in.principal->kind == PrincipalKind::kTenant && in.principal->tenant != in.tenant) {
    return Reason::kTenantMismatch;
  }
  if (in.person == nullptr) return Reason::kOk;
  const std::string employment(EmploymentName(in.person->employment));
  if (!Has(text.forbidden_employment, employment)) return Reason::kOk;
  return employment == "outsourced" ? Reason::kOutsourcingForbidden
                                    : Reason::kEmploymentNotAdmitted;
}

// Roles in force, in the policy's order; where there is none, why.
std::vector<const Role*> RolesOf(const Text& text, const DecisionInput& in, Reason& why) {
  std::vector<const Role*> roles;
  bool over = false;
  bool here = false;
  bool elsewhere = false;
  for (const RoleBinding& b : in.principal->bindings) {
    if (!in.role.empty() && b.role != in.role) continue;
    if (b.tenant != in.tenant && !b.tenant.empty()) elsewhere = true;
  }
  for (const Role& role : text.roles) {
    bool active = false;
    for (const RoleBinding& b : in.principal->bindings) {
      if (b.role != role.name || b.tenant != in.tenant) continue;
      if (!in.role.empty() && b.role != in.role) continue;
      here = true;
      if (b.not_after < in.now) over = true;
      if (role.break_glass && b.active_until <= in.now) continue;
      if (b.not_before <= in.now && in.now <= b.not_after) active = true;
    }
    if (active) roles.push_back(&role);
  }
  why = over                 ? Reason::kRoleExpired
        : elsewhere && !here ? Reason::kTenantMismatch
                             : Reason::kRoleNotGranted;
  return roles;
}

}  // namespace

Answer Decide(const Text& text, const Asked& asked, const SubjectFacts* facts) {
  const DecisionInput& in = *asked.input;
  const Reason caller = CheckCaller(text, in);
  if (caller != Reason::kOk) return Refusal(caller);
  Reason why = Reason::kOk;
  const std::vector<const Role*> roles = RolesOf(text, in, why);
  if (roles.empty()) return Refusal(why);
  std::optional<Result> best;
  std::optional<Answer> would;
  std::optional<Answer> first_refused;
  for (const Role* role : roles) {
    Result result = Try(text, asked, facts, *role);
    result.answer.role = role->name;
    const Reason admission = Admit(text, *role, in);
    if (admission != Reason::kOk) {
      if (!first_refused.has_value()) first_refused = Refusal(admission, role->name);
      if (result.granted > 0 && !would.has_value()) would = Refusal(admission, role->name);
      continue;
    }
    const bool better = !best.has_value() || result.granted > best->granted ||
                        (result.granted == best->granted && result.plain > best->plain) ||
                        (result.granted == 0 && best->granted == 0 && result.stage > best->stage);
    if (better) best = std::move(result);
  }
  if (best.has_value() && best->granted > 0) return best->answer;
  if (would.has_value()) return *would;
  if (best.has_value()) return best->answer;
  return *first_refused;
}

}  // namespace piivault::authz::naive
