// Whether a principal and its person fulfil what a role asks for. Internal to authz: used by the
// decision at every call and by AdmitBinding at assignment.
#ifndef PIIVAULT_AUTHZ_ADMISSION_H_
#define PIIVAULT_AUTHZ_ADMISSION_H_

#include <string_view>

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

// Reasons in the order that decision.h documents. `acknowledgement`: the policy's; may be null.
RoleAdmission AdmitToRole(const RoleSpec& role, const AcknowledgementSpec* acknowledgement,
                          const Principal& principal, const Person* person,
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
// holds longest. `document`: only attestations of this text count (SHA-256 in hex); empty: of any.
RoleAdmission FindEvidence(absl::Span<const AttestationKind> kinds, const Person& person,
                           absl::Span<const Attestation> attestations, absl::Time now,
                           const EvidenceReasons& reasons, std::string_view document = {});

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_ADMISSION_H_
