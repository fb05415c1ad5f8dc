#include "ops/load/schedule.h"

namespace piivault::ops {

SteadyTime Schedule::Due(int64_t call) const {
  // From the call's number, not from the call before, so that no rounding adds up.
  return start + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                     std::chrono::duration<double>(static_cast<double>(call) / rate));
}

void Pace(const Schedule& schedule, const LoadClock& clock,
          const std::function<void(SteadyTime due)>& start) {
  for (int64_t call = schedule.first; call < schedule.calls; call += schedule.stride) {
    const SteadyTime due = schedule.Due(call);
    if (due >= schedule.end) return;
    // Even where the call is late: a run that was stopped ends.
    if (!clock.sleep_until(due)) return;
    start(due);
  }
}

}  // namespace piivault::ops
