#include "tests/authz/naive_admission.h"

#include <map>
#include <string>
#include <utility>

namespace piivault::authz::naive {
namespace {

std::string NameOf(Employment employment) { return std::string(EmploymentName(employment)); }

struct Failures {
  Reason missing;
  Reason expired;
  Reason revoked;
  Reason wrong_signatory;
};

// Any one of `kinds`. `document`: only those of it count; empty: of any.
Reason Evidence(const Names& kinds, const std::string& document, const DecisionInput& in,
                const Failures& failures) {
  // (signed, id) -> why that one of the person's own does not hold.
  std::map<std::pair<absl::Time, std::string>, Reason> failing;
  bool others = false;
  for (const Attestation& a : in.attestations) {
    if (!Has(kinds, std::string(AttestationKindName(a.kind)))) continue;
    if (!document.empty() && a.document_sha256 != document) continue;
    if (in.now < a.signed_at) continue;
    if (a.signatory != in.person->name) {
      others = true;
    } else if (a.revoked_at <= in.now) {
      failing[{a.signed_at, a.id}] = failures.revoked;
    } else if (a.valid_until < in.now) {
      failing[{a.signed_at, a.id}] = failures.expired;
    } else {
      return Reason::kOk;
    }
  }
  if (!failing.empty()) return failing.rbegin()->second;
  return others ? failures.wrong_signatory : failures.missing;
}

// Kinds of principals that a role of this kind is for.
Names PrincipalsOf(const std::string& role_kind) {
  if (role_kind == "subject") return {"service"};
  if (role_kind == "processor") return {"staff", "recipient"};
  return {role_kind};
}

Reason Standing(const Role& role, const Person& person, absl::Time now) {
  if (!role.employment.empty() && !Has(role.employment, NameOf(person.employment))) {
    return Reason::kEmploymentNotAdmitted;
  }
  if (person.employment == Employment::kEquivalent) {
    if (person.justification.empty()) return Reason::kJustificationMissing;
    if (person.justification_until < now) return Reason::kJustificationExpired;
  }
  for (const std::string& duty : role.duties) {
    if (!Has(person.duties, duty)) return Reason::kDutyMissing;
  }
  if (!role.department.empty() && person.department != role.department) {
    return Reason::kDepartmentMismatch;
  }
  if (role.per_department && person.department.empty()) return Reason::kDepartmentMismatch;
  return Reason::kOk;
}

}  // namespace

Reason Admit(const Text& text, const Role& role, const DecisionInput& in) {
  if (role.access != "direct") return Reason::kRoleNotAssignable;
  if (!Has(PrincipalsOf(role.kind), std::string(PrincipalKindName(in.principal->kind)))) {
    return Reason::kPrincipalKindNotAdmitted;
  }
  if (in.person == nullptr) {
    const bool asks = role.kind == "staff" || !role.employment.empty() || !role.duties.empty() ||
                      !role.department.empty() || !role.nda.empty() || !role.attested.empty();
    return asks ? Reason::kPersonUnknown : Reason::kOk;
  }
  const Reason standing = Standing(role, *in.person, in.now);
  if (standing != Reason::kOk) return standing;
  const bool spared =
      in.person->employment == Employment::kEquivalent && !role.equivalent_needs_nda;
  if (!role.nda.empty() && !spared) {
    const Reason nda = Evidence(role.nda, "", in,
                                {Reason::kNdaMissing, Reason::kNdaExpired, Reason::kNdaRevoked,
                                 Reason::kNdaWrongSignatory});
    if (nda != Reason::kOk) return nda;
  }
  for (const std::string& kind : role.attested) {
    const bool acknowledgement = kind == "acknowledgement";
    if (acknowledgement && in.now <= text.acknowledged_by) continue;
    const Reason attested =
        Evidence({kind}, acknowledgement ? text.acknowledged_document : "", in,
                 {Reason::kAttestationMissing, Reason::kAttestationExpired,
                  Reason::kAttestationRevoked, Reason::kAttestationWrongSignatory});
    if (attested != Reason::kOk) return attested;
  }
  return Reason::kOk;
}

}  // namespace piivault::authz::naive
