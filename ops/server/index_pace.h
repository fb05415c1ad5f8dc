#ifndef PIIVAULT_OPS_SERVER_INDEX_PACE_H_
#define PIIVAULT_OPS_SERVER_INDEX_PACE_H_

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace piivault::ops {

// How the index of the log follows the log: in steps so small that a call that comes while one is
// committed does not wait for it noticeably, with pauses in which calls are served; without pauses
// and in larger steps where it falls behind, as each costs a sync; and rarely where there is
// nothing to do. Look-ups read what is not derived yet from the log itself. Thread-compatible.
class IndexPace {
 public:
  static constexpr size_t kSmallStep = 64;
  static constexpr size_t kLargeStep = 512;
  static constexpr absl::Duration kBetweenSteps = absl::Milliseconds(1);
  static constexpr absl::Duration kCaughtUp = absl::Milliseconds(200);
  // From so many full steps in a row on there is no pause, and steps grow.
  static constexpr int kPausedSteps = 64;

  // Entries of the next step.
  size_t step() const { return step_; }
  // What to wait after a step that derived `entries`.
  absl::Duration After(size_t entries) {
    if (entries < step_) {
      full_steps_ = 0;
      step_ = kSmallStep;
      return kCaughtUp;
    }
    if (full_steps_ == kPausedSteps) {
      step_ = std::min(2 * step_, kLargeStep);
      return absl::ZeroDuration();
    }
    ++full_steps_;
    return kBetweenSteps;
  }

 private:
  int full_steps_ = 0;
  size_t step_ = kSmallStep;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_INDEX_PACE_H_
