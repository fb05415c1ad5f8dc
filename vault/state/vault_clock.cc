#include "vault/state/vault_clock.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/time/clock.h"

namespace piivault::vault {
namespace {

absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

VaultClock::VaultClock(std::function<absl::Time()> wall, std::function<absl::Duration()> steady,
                       absl::Time floor)
    : wall_(std::move(wall)), steady_(std::move(steady)), floor_(floor), begun_(steady_()) {
  last_wall_ = wall_();
  last_steady_ = begun_;
  last_ = std::max(floor, last_wall_);
}

VaultClock::VaultClock(absl::Time floor)
    : VaultClock([] { return absl::Now(); }, &SteadyNow, floor) {}

absl::Time VaultClock::Now() {
  absl::MutexLock lock(&mutex_);
  const absl::Time wall = wall_();
  const absl::Duration steady = steady_();
  const absl::Duration passed = steady - last_steady_;
  const absl::Duration step = wall - last_wall_ - passed;
  if (step > kMaxJump || wall < last_ - kMaxJump) jumped_ = true;
  last_ = jumped_ ? last_ + passed : std::max(last_, wall);
  last_wall_ = wall;
  last_steady_ = steady;
  return last_;
}

absl::Time VaultClock::Vouched() {
  const absl::Time now = Now();
  if (floor_ == absl::InfinitePast()) return now;
  return std::min(now, floor_ + kVouchedAfter + (steady_() - begun_));
}

bool VaultClock::jumped() const {
  absl::MutexLock lock(&mutex_);
  return jumped_;
}

void VaultClock::Confirm() {
  absl::MutexLock lock(&mutex_);
  jumped_ = false;
  last_wall_ = wall_();
  last_steady_ = steady_();
  last_ = std::max(last_, last_wall_);
}

}  // namespace piivault::vault
