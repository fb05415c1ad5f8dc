// Whether a principal and its person fulfil what a role asks for. Internal to authz: used by the
// decision at every call and by AdmitBinding at assignment.
#ifndef PIIVAULT_AUTHZ_ADMISSION_H_
#define PIIVAULT_AUTHZ_ADMISSION_H_

#include <string_view>

#include "absl/container/inlined_vector.h"
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

// One principal that asks for roles one after the other, at one instant. What its person has signed
// is looked through once for each list of kinds that the roles ask for. Borrows all it is made of.
class Applicant {
 public:
  // `acknowledgement`: the policy's; may be null, as `person`. `attestations`: the person's.
  Applicant(const Principal& principal, const Person* person,
            absl::Span<const Attestation> attestations, absl::Time now,
            const AcknowledgementSpec* acknowledgement)
      : principal_(principal),
        person_(person),
        attestations_(attestations),
        now_(now),
        acknowledgement_(acknowledgement) {}

  // Reasons in the order that decision.h documents.
  RoleAdmission Admit(const RoleSpec& role);
  // The part of Admit that is not about evidence: kind, employment, duty, department.
  RoleAdmission CheckStanding(const RoleSpec& role) const;

 private:
  // The ways in which evidence can fail.
  struct Reasons {
    Reason missing;
    Reason expired;
    Reason revoked;
    Reason wrong_signatory;
  };
  struct Evidence {
    absl::Span<const AttestationKind> kinds;  // Any of them.
    const Reasons* reasons;
    RoleAdmission admission = {};
  };
  static const Reasons kNdaReasons;
  static const Reasons kAttestationReasons;

  // Any attestation of one of `kinds`, signed by the person, in force now. Of several the one that
  // holds longest.
  const RoleAdmission& FindEvidence(absl::Span<const AttestationKind> kinds,
                                    const Reasons& reasons);
  // `document`: only attestations of this text count (SHA-256 in hex); empty: of any. `out` is new.
  void LookThrough(absl::Span<const AttestationKind> kinds, const Reasons& reasons,
                   std::string_view document, RoleAdmission* out) const;
  void FindAcknowledgement(absl::Span<const AttestationKind> kinds, RoleAdmission* out) const;

  const Principal& principal_;
  const Person* const person_;
  const absl::Span<const Attestation> attestations_;
  const absl::Time now_;
  const AcknowledgementSpec* const acknowledgement_;
  absl::InlinedVector<Evidence, 4> found_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_ADMISSION_H_
