#include "vault/rotation/rotation_controller.h"

#include <algorithm>
#include <utility>

#include "piivault/v1/admin_service.pb.h"

namespace piivault::vault {
namespace {

// Between two steps of a rotation, so that calls come first.
constexpr absl::Duration kStepPause = absl::Milliseconds(2);
constexpr absl::Duration kIdlePause = absl::Minutes(1);

}  // namespace

RotationController::RotationController(EpochRotation::Parts parts, absl::Duration epoch_every,
                                       std::function<void()> wake)
    : parts_(parts), epoch_every_(epoch_every), wake_(std::move(wake)), rotation_(parts) {
  Publish();
}

void RotationController::Publish() {
  absl::MutexLock lock(&mutex_);
  epochs_.clear();
  for (const EpochInfo& epoch : parts_.keyring.epochs()) epochs_[epoch.id] = epoch;
  running_ = rotation_.running();
}

absl::StatusOr<uint32_t> RotationController::NextEpoch() const {
  absl::MutexLock lock(&mutex_);
  if (running_ || wanted_) return absl::FailedPreconditionError("a rotation is running");
  return epochs_.rbegin()->first + 1;
}

void RotationController::StartRotation() {
  {
    absl::MutexLock lock(&mutex_);
    wanted_ = true;
  }
  wake_();
}

std::optional<uint64_t> RotationController::LiveRows(uint32_t epoch) const {
  absl::MutexLock lock(&mutex_);
  const auto found = epochs_.find(epoch);
  if (found == epochs_.end() || found->second.status == EpochStatus::kActive) return std::nullopt;
  // An epoch is retired only when a pass over all rows has found none on it.
  return 0;
}

absl::Status RotationController::CheckDestroy(uint32_t epoch) const {
  absl::MutexLock lock(&mutex_);
  const auto found = epochs_.find(epoch);
  if (found == epochs_.end()) return absl::NotFoundError("no such epoch");
  if (found->second.status == EpochStatus::kActive) {
    return absl::FailedPreconditionError("rows may hang on the epoch");
  }
  return absl::OkStatus();
}

void RotationController::StartDestroy(uint32_t epoch) {
  {
    absl::MutexLock lock(&mutex_);
    to_destroy_.insert(epoch);
  }
  wake_();
}

void RotationController::TakeUpApproved() {
  for (const auto& [id, proposal] : parts_.store.snapshot()->proposals()) {
    if (proposal->row.state() != v1::PROPOSAL_STATE_APPROVED) continue;
    v1::Proposal act;
    if (!act.ParseFromString(proposal->row.act()) || !act.has_destroy_epoch()) continue;
    absl::MutexLock lock(&mutex_);
    const auto epoch = epochs_.find(act.destroy_epoch().epoch());
    if (epoch != epochs_.end() && epoch->second.status == EpochStatus::kRetired) {
      to_destroy_.insert(epoch->first);
    }
  }
}

bool RotationController::IsDue() const {
  const uint32_t active = parts_.keys.Current()->active().id;
  absl::MutexLock lock(&mutex_);
  if (wanted_) return true;
  const auto epoch = epochs_.find(active);
  if (epoch == epochs_.end()) return false;
  // Retired: this database is an older copy, put back; it moves on to the keyring's epoch.
  return epoch->second.status != EpochStatus::kActive ||
         parts_.now() - epoch->second.created >= epoch_every_;
}

absl::StatusOr<absl::Duration> RotationController::Work() {
  if (!resumed_) {
    rotation_.Resume();
    TakeUpApproved();
    resumed_ = true;
    Publish();
  }
  if (!rotation_.running() && IsDue()) {
    const absl::Status begun = rotation_.Begin();
    if (absl::IsAborted(begun)) return absl::ZeroDuration();
    if (!begun.ok()) return begun;
    absl::MutexLock lock(&mutex_);
    wanted_ = false;
  }
  if (rotation_.running()) {
    const absl::StatusOr<bool> more = rotation_.Step();
    Publish();
    if (!more.ok()) return more.status();
    return *more ? kStepPause : absl::ZeroDuration();
  }
  uint32_t doomed = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!to_destroy_.empty()) doomed = *to_destroy_.begin();
  }
  if (doomed != 0) {
    const absl::Status destroyed = rotation_.Destroy(doomed);
    if (absl::IsUnavailable(destroyed) || absl::IsAborted(destroyed)) return destroyed;
    {
      absl::MutexLock lock(&mutex_);
      to_destroy_.erase(doomed);
    }
    Publish();
    if (!destroyed.ok()) return destroyed;
    return absl::ZeroDuration();
  }
  return kIdlePause;
}

}  // namespace piivault::vault
