#include "vault/rotation/rotation_controller.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "piivault/v1/admin_service.pb.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {
namespace {

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

uint64_t RotationController::DamagedRows(uint32_t epoch) const {
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const auto* recorded = FindEpoch(state->keyring(), epoch);
  return recorded == nullptr ? 0 : recorded->damaged();
}

std::optional<uint64_t> RotationController::LiveRows(uint32_t epoch) const {
  absl::MutexLock lock(&mutex_);
  const auto found = epochs_.find(epoch);
  if (found == epochs_.end() || found->second.status == EpochStatus::kActive) return std::nullopt;
  // An epoch is retired only when a pass over all rows has left none on it that opens.
  return DamagedRows(epoch);
}

absl::Status RotationController::CheckDestroy(uint32_t epoch) const {
  absl::MutexLock lock(&mutex_);
  const auto found = epochs_.find(epoch);
  if (found == epochs_.end()) return absl::NotFoundError("no such epoch");
  if (found->second.status == EpochStatus::kActive) {
    return absl::FailedPreconditionError("rows may hang on the epoch");
  }
  if (DamagedRows(epoch) != 0) return absl::FailedPreconditionError("rows hang on the epoch");
  return absl::OkStatus();
}

void RotationController::StartDestroy(uint32_t /*epoch*/) { wake_(); }

uint32_t RotationController::NextToDestroy() const {
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const absl::Time now = parts_.now();
  absl::MutexLock lock(&mutex_);
  const auto held_back = [&](uint32_t epoch) {
    const auto until = held_back_.find(epoch);
    return until != held_back_.end() && now < until->second;
  };
  // What was begun is finished, whatever the time.
  for (const storage::v1::KeyringRow::Epoch& recorded : state->keyring().epochs()) {
    const auto epoch = epochs_.find(recorded.id());
    if (epoch != epochs_.end() && epoch->second.status == EpochStatus::kDestroyed &&
        !recorded.destroyed() && !held_back(epoch->first)) {
      return epoch->first;
    }
  }
  for (const auto& [id, proposal] : state->proposals()) {
    if (proposal->row.state() != v1::PROPOSAL_STATE_APPROVED ||
        absl::FromUnixMicros(proposal->row.expire_time_micros()) <= now) {
      continue;
    }
    v1::Proposal act;
    if (!act.ParseFromString(proposal->row.act()) || !act.has_destroy_epoch()) continue;
    const auto epoch = epochs_.find(act.destroy_epoch().epoch());
    if (epoch != epochs_.end() && epoch->second.status == EpochStatus::kRetired &&
        !held_back(epoch->first)) {
      return epoch->first;
    }
  }
  return 0;
}

absl::Status RotationController::DestroyNow(uint32_t epoch) {
  const absl::Status destroyed = rotation_.Destroy(epoch);
  // A disk or another commit may be in the way for a moment; rows are for longer.
  if (!destroyed.ok() && !absl::IsUnavailable(destroyed) && !absl::IsAborted(destroyed)) {
    held_back_[epoch] = parts_.now() + kRetryDestroy;
  }
  Publish();
  return destroyed;
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

absl::StatusOr<absl::Duration> RotationController::StepNow() {
  const absl::Time begun = absl::Now();
  const absl::StatusOr<bool> more = rotation_.Step();
  const absl::Duration busy = absl::Now() - begun;
  if (!more.ok() || !rotation_.running()) Publish();
  if (!more.ok()) return more.status();
  const absl::Duration rest =
      throttle_.RestAfter(busy, parts_.engine.LogEnd().index, rotation_.entries());
  rotation_.set_large_steps(rest == absl::ZeroDuration());
  return rest;
}

absl::StatusOr<absl::Duration> RotationController::Work() {
  if (!resumed_) {
    rotation_.Resume();
    resumed_ = true;
    Publish();
  }
  if (!rotation_.running() && IsDue()) {
    const absl::Status begun = rotation_.Begin();
    if (absl::IsAborted(begun)) return absl::ZeroDuration();
    if (!begun.ok()) return begun;
    throttle_.Reset(parts_.engine.LogEnd().index, rotation_.entries());
    Publish();
    absl::MutexLock lock(&mutex_);
    wanted_ = false;
  }
  if (rotation_.running()) return StepNow();
  if (const uint32_t doomed = NextToDestroy(); doomed != 0) {
    const absl::Status destroyed = DestroyNow(doomed);
    if (!destroyed.ok()) return destroyed;
    return absl::ZeroDuration();
  }
  return kIdlePause;
}

}  // namespace piivault::vault
