#include "vault/service/call_queue.h"

#include <algorithm>

namespace piivault::vault {

void CallQueue::Push(const void* caller, uint64_t call, bool sheddable, absl::Time now) {
  std::deque<Waiting>& calls = callers_[caller].calls;
  if (calls.empty()) round_.push_back(caller);
  calls.push_back({call, sheddable, now});
}

std::optional<CallQueue::Turn> CallQueue::Pop(absl::Time now,
                                              absl::FunctionRef<bool(uint64_t call)> waits) {
  std::optional<Turn> turn;
  while (!turn.has_value() && !round_.empty()) {
    const void* const caller = round_.front();
    round_.pop_front();
    const auto found = callers_.find(caller);
    auto& [calls, late_since] = found->second;
    while (!calls.empty() && !waits(calls.front().call)) calls.pop_front();
    if (!calls.empty()) {
      const Waiting& first = calls.front();
      const bool late = calls.size() > kAlwaysWait && now - first.since > limits_.longest_wait;
      late_since = late ? std::min(late_since, now) : absl::InfiniteFuture();
      turn = Turn{first.call, first.sheddable && now - late_since >= limits_.patience};
      calls.pop_front();
    }
    if (!calls.empty()) {
      round_.push_back(caller);
    } else if (callers_.size() > kRemembered) {
      callers_.erase(found);
    }
  }
  return turn;
}

}  // namespace piivault::vault
