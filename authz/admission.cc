#include "authz/admission.h"

#include <algorithm>

#include "authz/instant.h"

namespace piivault::authz {
namespace {

absl::Time EndOf(const Attestation& attestation) {
  return std::min(After(attestation.valid_until), attestation.revoked_at);
}

bool KindAdmitted(RoleKind role, PrincipalKind principal) {
  switch (role) {
    case RoleKind::kStaff:
      return principal == PrincipalKind::kStaff;
    case RoleKind::kService:
    case RoleKind::kSubject:  // A service that acts for the person.
      return principal == PrincipalKind::kService;
    case RoleKind::kTenant:
      return principal == PrincipalKind::kTenant;
    case RoleKind::kRecipient:
      return principal == PrincipalKind::kRecipient;
    case RoleKind::kProcessor:
      return principal == PrincipalKind::kStaff || principal == PrincipalKind::kRecipient;
  }
  return false;
}

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Reason CheckEmployment(const RoleSpec& role, const Person& person, absl::Time now,
                       absl::Time* good_until) {
  if (!role.employment.empty() && !Contains(role.employment, person.employment)) {
    return Reason::kEmploymentNotAdmitted;
  }
  if (person.employment == Employment::kEquivalent) {
    if (person.justification.empty()) return Reason::kJustificationMissing;
    if (now > person.justification_until) return Reason::kJustificationExpired;
    *good_until = std::min(*good_until, After(person.justification_until));
  }
  return Reason::kOk;
}

bool NeedsPerson(const RoleSpec& role) {
  return role.kind == RoleKind::kStaff || !role.employment.empty() || !role.duties.empty() ||
         !role.department.empty() || !role.nda.empty() || !role.attested.empty();
}

}  // namespace

constexpr Applicant::Reasons Applicant::kNdaReasons = {
    Reason::kNdaMissing, Reason::kNdaExpired, Reason::kNdaRevoked, Reason::kNdaWrongSignatory};
constexpr Applicant::Reasons Applicant::kAttestationReasons = {
    Reason::kAttestationMissing, Reason::kAttestationExpired, Reason::kAttestationRevoked,
    Reason::kAttestationWrongSignatory};

void Applicant::LookThrough(absl::Span<const AttestationKind> kinds, const Reasons& reasons,
                            std::string_view document, RoleAdmission* out) const {
  const Attestation* valid = nullptr;
  absl::Time good_until;
  const Attestation* own = nullptr;  // The person's own that fails, signed last.
  bool others = false;
  for (const Attestation& a : attestations_) {
    if (std::find(kinds.begin(), kinds.end(), a.kind) == kinds.end()) continue;
    if (a.signed_at > now_) continue;  // Not signed yet.
    if (!document.empty() && a.document_sha256 != document) continue;
    if (a.signatory != person_->name || person_->name.empty()) {
      others = true;
      continue;
    }
    const absl::Time end = EndOf(a);
    if (now_ < end) {
      if (valid == nullptr || end > good_until || (end == good_until && a.id < valid->id)) {
        valid = &a;
        good_until = end;
      }
    } else if (own == nullptr || a.signed_at > own->signed_at ||
               (a.signed_at == own->signed_at && a.id > own->id)) {
      own = &a;
    }
  }
  if (valid != nullptr) {
    out->attestation = valid;
    out->good_until = good_until;
  } else if (own != nullptr) {
    out->reason = own->revoked_at <= now_ ? reasons.revoked : reasons.expired;
  } else {
    out->reason = others ? reasons.wrong_signatory : reasons.missing;
  }
}

// Until the policy's day it is not asked for; then it has to be there.
void Applicant::FindAcknowledgement(absl::Span<const AttestationKind> kinds,
                                    RoleAdmission* out) const {
  LookThrough(kinds, kAttestationReasons, acknowledgement_->document_sha256, out);
  if (now_ > acknowledgement_->by) return;
  const absl::Time asked = After(acknowledgement_->by);
  out->good_until = out->reason == Reason::kOk ? std::max(out->good_until, asked) : asked;
  out->reason = Reason::kOk;
}

const RoleAdmission& Applicant::FindEvidence(absl::Span<const AttestationKind> kinds,
                                             const Reasons& reasons) {
  for (const Evidence& evidence : found_) {
    if (evidence.reasons == &reasons && evidence.kinds == kinds) return evidence.admission;
  }
  const bool acknowledgement = acknowledgement_ != nullptr && &reasons == &kAttestationReasons &&
                               kinds.front() == AttestationKind::kAcknowledgement;
  Evidence& fresh = found_.emplace_back(Evidence{kinds, &reasons});
  if (acknowledgement) {
    FindAcknowledgement(kinds, &fresh.admission);
  } else {
    LookThrough(kinds, reasons, {}, &fresh.admission);
  }
  return fresh.admission;
}

RoleAdmission Applicant::CheckStanding(const RoleSpec& role) const {
  RoleAdmission out;
  const auto refuse = [](Reason reason) { return RoleAdmission{reason, nullptr, {}}; };
  if (!role.assignable) return refuse(Reason::kRoleNotAssignable);
  if (!KindAdmitted(role.kind, principal_.kind)) return refuse(Reason::kPrincipalKindNotAdmitted);
  if (person_ == nullptr) {
    return NeedsPerson(role) ? refuse(Reason::kPersonUnknown) : out;
  }
  if (Reason reason = CheckEmployment(role, *person_, now_, &out.good_until);
      reason != Reason::kOk) {
    return refuse(reason);
  }
  for (const std::string& duty : role.duties) {
    if (!Contains(person_->duties, duty)) return refuse(Reason::kDutyMissing);
  }
  if (!role.department.empty() && role.department != person_->department) {
    return refuse(Reason::kDepartmentMismatch);
  }
  if (role.per_department && person_->department.empty()) {
    return refuse(Reason::kDepartmentMismatch);
  }
  return out;
}

RoleAdmission Applicant::Admit(const RoleSpec& role) {
  RoleAdmission out = CheckStanding(role);
  if (out.reason != Reason::kOk || person_ == nullptr) return out;
  const bool exempt = person_->employment == Employment::kEquivalent && !role.equivalent_needs_nda;
  if (!role.nda.empty() && !exempt) {
    const RoleAdmission& nda = FindEvidence(role.nda, kNdaReasons);
    if (nda.reason != Reason::kOk) return nda;
    out.attestation = nda.attestation;
    out.good_until = std::min(out.good_until, nda.good_until);
  }
  for (const AttestationKind& kind : role.attested) {
    const RoleAdmission& evidence =
        FindEvidence(absl::MakeConstSpan(&kind, 1), kAttestationReasons);
    if (evidence.reason != Reason::kOk) return evidence;
    out.good_until = std::min(out.good_until, evidence.good_until);
  }
  return out;
}

}  // namespace piivault::authz
