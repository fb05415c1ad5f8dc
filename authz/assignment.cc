// Whether a role may be given, and what is asked of a caller outside every policy.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "authz/admission.h"
#include "authz/decision.h"

namespace piivault::authz {
namespace {

constexpr size_t kMaxTicket = 64;

// Needs of a role that others than AdmitBinding ask for: whoever approves the grant, and, of those
// who act under a mandate, the decision about each subject.
bool IsCheckedElsewhere(const RoleSpec& role, std::string_view need) {
  if (need == "approval_by_department_manager") return true;
  const bool represents = role.kind == RoleKind::kSubject && role.scope == RoleScope::kRepresented;
  return represents && (need == "mandate" || need == "own_identity");
}

}  // namespace

Reason DecideSystemRole(const Principal* principal, SystemRoles roles, absl::Time now) {
  if (principal == nullptr) return Reason::kPrincipalUnknown;
  if (principal->disabled) return Reason::kPrincipalDisabled;
  for (const RoleBinding& binding : principal->bindings) {
    if (!binding.tenant.empty() || now < binding.not_before || now > binding.not_after) continue;
    const std::optional<SystemRole> role = FindSystemRole(binding.role);
    if (role.has_value() && roles.Has(*role)) return Reason::kOk;
  }
  return Reason::kSystemRoleRequired;
}

absl::Status Admission::status() const {
  if (reason == Reason::kOk) return absl::OkStatus();
  return absl::FailedPreconditionError(ReasonStatus(reason).message());
}

Admission AdmitBinding(const Policy& policy, const RoleBinding& binding, const Principal& principal,
                       const Person* person, absl::Span<const Attestation> attestations,
                       absl::Time now, uint32_t other_holders) {
  Admission out;
  out.role = policy.FindRole(binding.role);
  const auto refuse = [&](Reason reason) {
    out.reason = reason;
    return out;
  };
  if (out.role == nullptr) return refuse(Reason::kRoleUnknown);
  // What else is left in `needs` is checked by nobody yet: such a role cannot be given.
  for (const std::string& need : out.role->needs) {
    if (!IsCheckedElsewhere(*out.role, need)) return refuse(Reason::kRoleNotAssignable);
  }
  if (principal.disabled) return refuse(Reason::kPrincipalDisabled);
  if (binding.tenant.empty()) return refuse(Reason::kTenantUnknown);
  if (principal.kind == PrincipalKind::kTenant && principal.tenant != binding.tenant) {
    return refuse(Reason::kTenantMismatch);
  }
  if (person != nullptr && policy.ForbidsEmployment(person->employment)) {
    return refuse(person->employment == Employment::kOutsourced ? Reason::kOutsourcingForbidden
                                                                : Reason::kEmploymentNotAdmitted);
  }
  Applicant applicant(principal, person, attestations, now, policy.acknowledgement());
  const Reason standing = applicant.CheckStanding(*out.role).reason;
  if (standing != Reason::kOk) return refuse(standing);
  out.evidence = applicant.Admit(*out.role).reason;
  if (out.role->needs_justification && binding.justification.empty()) {
    return refuse(Reason::kJustificationMissing);
  }
  if (out.role->needs_end_date && binding.not_after == absl::InfiniteFuture()) {
    return refuse(Reason::kEndDateMissing);
  }
  if (out.role->needs_fields && binding.fields.empty()) return refuse(Reason::kFieldMissing);
  if (out.role->holders > 0 && other_holders >= out.role->holders) {
    return refuse(Reason::kHoldersExceeded);
  }
  return out;
}

bool IsValidTicket(std::string_view ticket) {
  if (ticket.empty() || ticket.size() > kMaxTicket) return false;
  return std::all_of(ticket.begin(), ticket.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_./:#").find(c) != std::string_view::npos;
  });
}

}  // namespace piivault::authz
