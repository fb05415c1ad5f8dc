#include "vault/service/call_queue.h"

namespace piivault::vault {

void CallQueue::Push(const void* caller, uint64_t call, bool sheddable, absl::Time now) {
  Calls& calls = callers_[caller];
  if (calls.empty()) round_.push_back(caller);
  calls.push_back({call, sheddable, now});
}

CallQueue::Turn CallQueue::Pop(absl::Time now) {
  const void* const caller = round_.front();
  const auto found = callers_.find(caller);
  Calls& calls = found->second;
  const Waiting first = calls.front();
  const bool shed =
      first.sheddable && calls.size() > kAlwaysWait && now - first.since > longest_wait_;
  calls.pop_front();
  // What is shed takes no turn.
  if (!shed || calls.empty()) round_.pop_front();
  if (calls.empty()) {
    if (callers_.size() > kRemembered) callers_.erase(found);
  } else if (!shed) {
    round_.push_back(caller);
  }
  return {first.call, shed};
}

}  // namespace piivault::vault
