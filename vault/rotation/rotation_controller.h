#ifndef PIIVAULT_VAULT_ROTATION_ROTATION_CONTROLLER_H_
#define PIIVAULT_VAULT_ROTATION_ROTATION_CONTROLLER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "vault/rotation/epoch_rotation.h"
#include "vault/rotation/step_throttle.h"
#include "vault/state/key_rotator.h"

namespace piivault::vault {

// Between administration, which asks, and the background thread, which rotates and destroys.
//
// Guarantees: what was asked for is done by Work(). What is to be destroyed stands in the approved
// proposals alone, so that nothing is forgotten by a crash and nothing is carried out behind a
// proposal's expire_time; an epoch that rows hang on is tried again every kRetryDestroy until then.
// A rotation takes what the machine has while nobody calls, and a bounded share beside calls.
// Does not: have a thread. Borrows the parts. Thread-safe, but Work() by one thread only.
class RotationController : public KeyRotator {
 public:
  static constexpr absl::Duration kRetryDestroy = absl::Hours(1);

  // `wake` makes Work() be called soon; any thread. `epoch_every`: how old the active epoch gets.
  RotationController(EpochRotation::Parts parts, absl::Duration epoch_every,
                     std::function<void()> wake);

  [[nodiscard]] absl::StatusOr<uint32_t> NextEpoch() const override;
  void StartRotation() override;
  uint64_t backlog() const override { return rotation_.backlog(); }
  std::optional<uint64_t> LiveRows(uint32_t epoch) const override;
  [[nodiscard]] absl::Status CheckDestroy(uint32_t epoch) const override;
  void StartDestroy(uint32_t epoch) override;

  // Does the next bounded piece of work; says when to call again.
  [[nodiscard]] absl::StatusOr<absl::Duration> Work();

 private:
  // An epoch that is to be destroyed now; 0 for none.
  uint32_t NextToDestroy() const;
  absl::Status DestroyNow(uint32_t epoch);
  // Rows that the last rotation left on the epoch.
  uint64_t DamagedRows(uint32_t epoch) const;
  bool IsDue() const;
  absl::StatusOr<absl::Duration> StepNow();
  void Publish();

  const EpochRotation::Parts parts_;
  const absl::Duration epoch_every_;
  const std::function<void()> wake_;
  EpochRotation rotation_;
  StepThrottle throttle_;
  bool resumed_ = false;
  std::map<uint32_t, absl::Time> held_back_;  // epochs that could not be destroyed, until when

  mutable absl::Mutex mutex_;
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<uint32_t, EpochInfo> epochs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_ROTATION_CONTROLLER_H_
