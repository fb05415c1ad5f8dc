#ifndef PIIVAULT_OPS_LOAD_SCHEDULE_H_
#define PIIVAULT_OPS_LOAD_SCHEDULE_H_

#include <chrono>
#include <cstdint>
#include <functional>

namespace piivault::ops {

using SteadyTime = std::chrono::steady_clock::time_point;

// Monotonic time as the load generator has it.
struct LoadClock {
  std::function<SteadyTime()> now;
  // Returns at that time; false at once where the run was stopped.
  std::function<bool(SteadyTime)> sleep_until;
};

// The calls of an open loop: call k is due at start + k / rate, whatever became of those before it.
struct Schedule {
  SteadyTime start;
  double rate = 1;    // calls a second
  int64_t first = 0;  // this pacer has the calls first, first + stride, ...
  int64_t stride = 1;
  SteadyTime end = SteadyTime::max();  // no call is due at this time or later
  int64_t calls = INT64_MAX;           // nor from this number on

  SteadyTime Due(int64_t call) const;
};

// Calls `start` for each call at the time it is due, with that time; at once for those that are due
// already, so that none is left out where the clock jumps or `start` takes long.
void Pace(const Schedule& schedule, const LoadClock& clock,
          const std::function<void(SteadyTime due)>& start);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_SCHEDULE_H_
