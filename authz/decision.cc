#include "authz/decision.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "authz/active_role.h"
#include "authz/admission.h"
#include "authz/attempt.h"
#include "authz/call_grounds.h"

namespace piivault::authz {
namespace {

Decision Refuse(Reason reason, const RoleSpec* role = nullptr) {
  Decision decision;
  decision.reason = reason;
  decision.role = role;
  return decision;
}

// What holds for all roles of the caller.
Reason CheckCaller(const Policy& policy, const DecisionInput& input) {
  if (input.principal == nullptr) return Reason::kPrincipalUnknown;
  const Principal& principal = *input.principal;
  if (principal.disabled) return Reason::kPrincipalDisabled;
  if (input.tenant.empty()) return Reason::kTenantUnknown;
  if (principal.kind == PrincipalKind::kTenant && principal.tenant != input.tenant) {
    return Reason::kTenantMismatch;
  }
  if (input.person != nullptr && policy.ForbidsEmployment(input.person->employment)) {
    return input.person->employment == Employment::kOutsourced ? Reason::kOutsourcingForbidden
                                                               : Reason::kEmploymentNotAdmitted;
  }
  return Reason::kOk;
}

// The best that one of the roles makes of the call.
Decision DecideWith(const ActiveRoles& roles, CallGrounds* call) {
  const DecisionInput& input = call->input();
  Applicant applicant(*input.principal, input.person, input.attestations, input.now,
                      call->policy().acknowledgement());
  std::optional<Attempt> best;
  Reason not_admitted = Reason::kOk;  // Of a role that would grant something.
  const RoleSpec* would_grant = nullptr;
  Reason first_refusal = Reason::kOk;  // Of the first role that is not admitted.
  const RoleSpec* first_refused = nullptr;
  for (const ActiveRole& active : roles) {
    const RoleAdmission admission = applicant.Admit(*active.role);
    if (admission.reason != Reason::kOk && would_grant != nullptr) continue;
    Attempt attempt = TryRole(active, call);
    if (admission.reason != Reason::kOk) {
      if (attempt.granted > 0) {
        not_admitted = admission.reason;
        would_grant = active.role;
      }
      if (first_refused == nullptr) {
        first_refusal = admission.reason;
        first_refused = active.role;
      }
      continue;
    }
    attempt.decision.attestation = admission.attestation;
    attempt.decision.good_until = std::min(attempt.decision.good_until, admission.good_until);
    if (!best.has_value() || attempt.BetterThan(*best)) best = std::move(attempt);
    if (best->IsBest(input)) break;
  }
  if (best.has_value() && best->granted > 0) return std::move(best->decision);
  if (would_grant != nullptr) return Refuse(not_admitted, would_grant);
  if (!best.has_value()) return Refuse(first_refusal, first_refused);
  return std::move(best->decision);
}

Decision Decide(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject) {
  if (Reason reason = CheckCaller(policy, input); reason != Reason::kOk) return Refuse(reason);
  ActiveRoles roles;
  if (Reason reason = FindActiveRoles(policy, input, &roles); reason != Reason::kOk) {
    return Refuse(reason);
  }
  CallGrounds call(policy, input, subject);
  return DecideWith(roles, &call);
}

}  // namespace

bool Decision::partial() const {
  if (granted()) return true;
  return std::any_of(fields.begin(), fields.end(),
                     [](const FieldDecision& field) { return field.view != View::kDenied; });
}

Decision DecideWithoutSubject(const Policy& policy, const DecisionInput& input) {
  return Decide(policy, input, nullptr);
}

Decision DecideWithSubject(const Policy& policy, const DecisionInput& input,
                           const SubjectFacts& subject) {
  return Decide(policy, input, &subject);
}

}  // namespace piivault::authz
