#ifndef PIIVAULT_OPS_SERVER_INDEX_PACE_H_
#define PIIVAULT_OPS_SERVER_INDEX_PACE_H_

#include <cstddef>

#include "absl/time/time.h"

namespace piivault::ops {

// How the index of the log follows the log: in steps so small that a call that comes while one is
// committed does not wait for it noticeably, with pauses in which calls are served; without pauses
// once it is far behind; and rarely where there is nothing to do, as each step costs a sync.
// Look-ups read what is not derived yet from the log itself. Thread-compatible.
class IndexPace {
 public:
  static constexpr size_t kStepEntries = 64;
  static constexpr absl::Duration kBetweenSteps = absl::Milliseconds(1);
  static constexpr absl::Duration kCaughtUp = absl::Milliseconds(200);
  // From so many full steps in a row on there is no pause.
  static constexpr int kPausedSteps = 64;

  // What to wait after a step that derived `entries`.
  absl::Duration After(size_t entries) {
    if (entries < kStepEntries) {
      full_steps_ = 0;
      return kCaughtUp;
    }
    if (full_steps_ == kPausedSteps) return absl::ZeroDuration();
    ++full_steps_;
    return kBetweenSteps;
  }

 private:
  int full_steps_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_INDEX_PACE_H_
