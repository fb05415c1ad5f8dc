#ifndef PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_
#define PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace piivault::vault {

// Calls that wait for their turn on a lane.
//
// Guarantees: turns go round the callers, so that one who sends many delays the own calls only;
// of one caller's calls the oldest comes first. Nobody waits long for a refusal: of a caller's
// calls beyond kAlwaysWait those that have waited for more than `longest_wait` come out as shed.
// What does run then has waited for less, however much is sent.
// Does not: own calls, or know whether one is over. Thread-compatible.
class CallQueue {
 public:
  // So many calls of one caller may wait for as long as they like: batches that a job sends a few
  // at a time.
  static constexpr size_t kAlwaysWait = 16;

  struct Turn {
    uint64_t call = 0;
    bool shed = false;
  };

  explicit CallQueue(absl::Duration longest_wait) : longest_wait_(longest_wait) {}

  // `caller` is compared only. A call that is not `sheddable` has begun and is never shed.
  void Push(const void* caller, uint64_t call, bool sheddable, absl::Time now);
  // REQUIRES: !empty()
  Turn Pop(absl::Time now);
  bool empty() const { return round_.empty(); }

 private:
  struct Waiting {
    uint64_t call;
    bool sheddable;
    absl::Time since;
  };
  using Calls = std::deque<Waiting>;

  // Callers without calls keep their place in memory up to so many.
  static constexpr size_t kRemembered = 256;

  const absl::Duration longest_wait_;
  absl::flat_hash_map<const void*, Calls> callers_;
  std::deque<const void*> round_;  // callers that have calls, the next one first
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CALL_QUEUE_H_
