// Whether a principal and its person fulfil what a role asks for. Internal to authz: used by the
// decision at every call and by AdmitBinding at assignment.
#ifndef PIIVAULT_AUTHZ_ADMISSION_H_
#define PIIVAULT_AUTHZ_ADMISSION_H_

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/policy_spec.h"
#include "authz/principal.h"
#include "authz/reason.h"

namespace piivault::authz {

struct RoleAdmission {
  Reason reason = Reason::kOk;
  const Attestation* attestation = nullptr;        // The NDA that admitted.
  absl::Time good_until = absl::InfiniteFuture();  // First instant it no longer holds.
};

// Reasons in the order that decision.h documents.
RoleAdmission AdmitToRole(const RoleSpec& role, const Principal& principal, const Person* person,
                          absl::Span<const Attestation> attestations, absl::Time now);

// The part of AdmitToRole that is not about evidence: kind, employment, duty, department.
RoleAdmission CheckStanding(const RoleSpec& role, const Principal& principal, const Person* person,
                            absl::Time now);

// The four ways in which evidence can fail.
struct EvidenceReasons {
  Reason missing;
  Reason expired;
  Reason revoked;
  Reason wrong_signatory;
};

// Any attestation of one of `kinds`, signed by `person`, in force at `now`. Of several the one that
// holds longest.
RoleAdmission FindEvidence(absl::Span<const AttestationKind> kinds, const Person& person,
                           absl::Span<const Attestation> attestations, absl::Time now,
                           const EvidenceReasons& reasons);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_ADMISSION_H_
