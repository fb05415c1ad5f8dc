#ifndef PIIVAULT_VAULT_STATE_VAULT_CLOCK_H_
#define PIIVAULT_VAULT_STATE_VAULT_CLOCK_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace piivault::vault {

// Vault time: what decides about validity. It follows the wall clock but never runs backwards, and
// does not follow it when that jumps by more than kMaxJump: forward, expiries would fire; backward,
// nothing would expire until the wall clock had caught up.
//
// Guarantees: Now() never decreases, and never lies before `floor`. After a jump it goes on with
// the time that passed since, until Confirm(). Thread-safe.
class VaultClock {
 public:
  static constexpr absl::Duration kMaxJump = absl::Minutes(5);
  static constexpr absl::Duration kVouchedAfter = absl::Hours(24);

  // `wall` is the time of day; `steady` time since some moment, which nobody sets.
  // `floor`: the time of the last committed entry.
  VaultClock(std::function<absl::Time()> wall, std::function<absl::Duration()> steady,
             absl::Time floor);
  // Over the system's clocks.
  explicit VaultClock(absl::Time floor);

  absl::Time Now();
  // Now(), but no later than kVouchedAfter behind the last entry of the start and the time that has
  // passed since: for what nothing brings back when a clock was years ahead at the start. Without
  // an entry there was nothing to lose: Now().
  absl::Time Vouched();
  // Whether a jump waits to be confirmed.
  bool jumped() const;
  // Takes the wall clock as it is from now on.
  void Confirm();

 private:
  const std::function<absl::Time()> wall_;
  const std::function<absl::Duration()> steady_;
  const absl::Time floor_;
  const absl::Duration begun_;

  mutable absl::Mutex mutex_;
  absl::Time last_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_wall_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_steady_ ABSL_GUARDED_BY(mutex_);
  bool jumped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_VAULT_CLOCK_H_
