#ifndef PIIVAULT_VAULT_ROTATION_STEP_THROTTLE_H_
#define PIIVAULT_VAULT_ROTATION_STEP_THROTTLE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace piivault::vault {

// How long background work rests between two of its steps, so that calls come first: not at all
// while nobody calls; for each call since the last step a moment, but no longer than kMostRest
// times as long as the step took, so that the work keeps a share of a busy vault, too.
//
// Tells calls by the log, which has an entry of each. Thread-compatible.
class StepThrottle {
 public:
  static constexpr int kMostRest = 5;
  static constexpr absl::Duration kRestForCall = absl::Microseconds(200);

  // After a step that took `busy`. `log_entries`: in the log now; `own`: of these, at most, the
  // ones that this work has handed over.
  absl::Duration RestAfter(absl::Duration busy, uint64_t log_entries, uint64_t own) {
    // Own entries may still be on their way: what they hide now is not counted later.
    const uint64_t others = std::max(others_, log_entries - std::min(log_entries, own));
    const uint64_t calls = others - others_;
    others_ = others;
    return std::min(kMostRest * busy, static_cast<int64_t>(calls) * kRestForCall);
  }
  // What came before is no reason to rest.
  void Reset(uint64_t log_entries, uint64_t own) {
    others_ = log_entries - std::min(log_entries, own);
  }

 private:
  uint64_t others_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_STEP_THROTTLE_H_
