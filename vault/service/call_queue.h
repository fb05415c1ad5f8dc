#ifndef PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_
#define PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace piivault::vault {

// Calls that wait for their turn on a lane.
//
// Guarantees: turns go round the callers, so that one who sends many delays the own calls only;
// of one caller's calls the oldest comes first. Of a caller's calls beyond kAlwaysWait those that
// have waited for more than Limits::longest_wait come out as shed, each in a turn of its caller's,
// once that has been so for Limits::patience: what piled up while the disk took its time is still
// served, and in a flood that lasts what runs has waited for less. Does not: own calls.
// Thread-compatible.
class CallQueue {
 public:
  // So many calls of one caller may wait for as long as they like: batches that a job sends a few
  // at a time.
  static constexpr size_t kAlwaysWait = 16;

  struct Turn {
    uint64_t call = 0;
    bool shed = false;
  };

  struct Limits {
    absl::Duration longest_wait = absl::InfiniteDuration();
    absl::Duration patience = absl::Milliseconds(200);
  };

  explicit CallQueue(const Limits& limits) : limits_(limits) {}

  // `caller` is compared only. A call that is not `sheddable` has begun and is never shed.
  void Push(const void* caller, uint64_t call, bool sheddable, absl::Time now);
  // The next turn; none where no call waits any more. Calls of which `waits` says no were given up
  // meanwhile: they are dropped, and take no turn.
  std::optional<Turn> Pop(absl::Time now, absl::FunctionRef<bool(uint64_t call)> waits);
  bool empty() const { return round_.empty(); }

 private:
  struct Waiting {
    uint64_t call;
    bool sheddable;
    absl::Time since;
  };
  struct Caller {
    std::deque<Waiting> calls;
    absl::Time late_since = absl::InfiniteFuture();  // its oldest call has been too late from there
  };

  // Callers without calls keep their place in memory up to so many.
  static constexpr size_t kRemembered = 256;

  const Limits limits_;
  absl::flat_hash_map<const void*, Caller> callers_;
  std::deque<const void*> round_;  // callers that have calls, the next one first
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_
