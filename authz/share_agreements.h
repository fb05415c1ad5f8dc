// Whether a recipient has signed what a sharing rule needs. Internal to authz.
#ifndef PIIVAULT_AUTHZ_SHARE_AGREEMENTS_H_
#define PIIVAULT_AUTHZ_SHARE_AGREEMENTS_H_

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "authz/share_decision.h"

namespace piivault::authz {

struct AgreementQuestion {
  const Policy& policy;
  const Recipient& recipient;
  AttestationKind kind;
  bool names_fields;  // It is what says which fields.
  absl::Span<const FieldId> fields;
  std::string_view purpose;
  std::string_view issuer;  // Person of who issues; what that one recorded comes last.
  absl::Time now;
};

struct Agreement {
  Reason reason = Reason::kOk;
  const RecipientAttestation* attestation = nullptr;
  absl::Time good_until = absl::InfiniteFuture();
  bool of_issuer = false;                       // Only what the issuer's person recorded would do.
  absl::InlinedVector<FieldId, 4> denied = {};  // Of RECIPIENT_NOT_GRANTED.
};

// Any of that kind in force that covers purpose and fields; of several by others than the issuer
// the one that holds longest. Contracts and NDAs cover the purposes and the fields that they name;
// those that name none are of any, fields only where names_fields is false.
// Else NDA_* or AGREEMENT_*: missing, or why the one that was signed last is not in force;
// RECIPIENT_NOT_GRANTED where one is in force and none covers.
Agreement FindAgreement(const AgreementQuestion& asked);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SHARE_AGREEMENTS_H_
