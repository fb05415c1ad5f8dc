// What one role makes of a call. Internal to authz.
#ifndef PIIVAULT_AUTHZ_ATTEMPT_H_
#define PIIVAULT_AUTHZ_ATTEMPT_H_

#include <cstddef>

#include "authz/active_role.h"
#include "authz/call_grounds.h"
#include "authz/decision.h"

namespace piivault::authz {

// How far a role got before it was refused: order of the documented reasons.
enum Stage {
  kStageOperation,
  kStageType,
  kStagePurpose,
  kStageRequest,
  kStageSubject,
  kStageFields,
  kStageGranted,
};

struct Attempt {
  Stage stage = kStageOperation;
  Decision decision;  // But for the role's admission.
  size_t granted = 0;
  size_t plain = 0;
  size_t refused_to_all = 0;  // Fields that in this call no role is granted.

  bool BetterThan(const Attempt& other) const {
    if (granted != other.granted) return granted > other.granted;
    if (plain != other.plain) return plain > other.plain;
    return granted == 0 && stage > other.stage;
  }
  // Whether no role can be better: it grants all that any can, as plainly as it is asked for.
  bool IsBest(const DecisionInput& input) const;
};

// By the grants of the role alone, whoever is admitted to it.
Attempt TryRole(const ActiveRole& active, CallGrounds* call);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_ATTEMPT_H_
