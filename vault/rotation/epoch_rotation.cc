#include "vault/rotation/epoch_rotation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {
namespace {

// Rows of one step, by kind of range: a few milliseconds of work, and a commit that holds up those
// behind it for no longer.
constexpr std::array<size_t, 3> kStepRows = {64, 64, 512};
// Alone, the wait for the disk after each step counts for more.
constexpr size_t kLarge = 4;
constexpr unsigned kMaxShrink = 11;  // one row
constexpr size_t kCheckRows = 500;

std::unique_ptr<storage::Commit> NewCommit(const storage::Engine& engine) {
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine.AppliedSequence();
  commit->decided_at = absl::InfiniteFuture();
  return commit;
}

}  // namespace

EpochRotation::EpochRotation(Parts parts)
    : parts_(std::move(parts)), mover_(parts_.engine, parts_.rules, parts_.random) {}

void EpochRotation::SetEntry(std::string_view operation, uint32_t epoch, uint64_t count,
                             storage::Commit* commit) const {
  const std::string method = "piivaultd/" + std::string(operation);
  EntryHeader header;
  header.time = parts_.now();
  header.method = method;
  storage::v1::EntryBody body = NewEntryBody(header, authz::Reason::kOk);
  body.set_resource(absl::StrCat("epochs/", epoch));
  body.set_count(count);
  commit->entry = DraftEntry(body, parts_.random);
}

absl::StatusOr<TenantKeyRow> EpochRotation::CarriedKey(storage::TenantId tenant, uint32_t from,
                                                       uint32_t to) const {
  absl::StatusOr<std::string> row = parts_.engine.Get(storage::TenantKeyKey(tenant, from));
  if (!row.ok()) return row.status();
  return parts_.keys.CarryTenantKey({tenant, from, *std::move(row)}, to, parts_.random);
}

storage::v1::KeyringRow EpochRotation::KeyringNow() const {
  return DescribeKeyring(parts_.keyring, parts_.keys.Current()->active().id,
                         parts_.store.snapshot()->keyring());
}

absl::Status EpochRotation::RecordKeyring(std::string_view operation, uint32_t epoch,
                                          const std::vector<TenantKeyRow>& tenant_keys,
                                          storage::v1::KeyringRow keyring) {
  auto commit = NewCommit(parts_.engine);
  // With this in the read set no tenant is missed that is made meanwhile.
  commit->reads.push_back(TenantListCell());
  StateChange change = parts_.store.NewChange(parts_.store.snapshot());
  change.PutKeyring(keyring);
  for (const TenantKeyRow& tenant_key : tenant_keys) change.PutTenantKey(tenant_key);
  change.MoveTo(commit.get());
  SetEntry(operation, epoch, 0, commit.get());
  commit->applied = [&hierarchy = parts_.keys, &store = parts_.store, keyring,
                     install = std::move(commit->applied)](const storage::LogPosition& position) {
    install(position);
    // Cannot fail: the epoch was live when the rows were made, and only this thread destroys.
    hierarchy.SetActiveEpoch(keyring.active_epoch()).IgnoreError();
    hierarchy.SetEpochsWithoutIndex(EpochsWithoutIndex(keyring));
    store.RefreshKeys();
  };
  return storage::CommitOrError(parts_.engine, std::move(commit)).status();
}

absl::Status EpochRotation::Begin() {
  if (running_) return absl::FailedPreconditionError("a rotation is still running");
  const uint32_t before = parts_.keys.Current()->active().id;
  uint32_t next = before;
  // An epoch that a rotation made before it was cut off is taken up again.
  for (const EpochInfo& epoch : parts_.keyring.epochs()) {
    if (epoch.status == EpochStatus::kActive) next = std::max(next, epoch.id);
  }
  if (next == before) {
    const absl::StatusOr<uint32_t> made = parts_.keyring.NewEpoch(parts_.now());
    if (!made.ok()) return made.status();
    next = *made;
  } else if (const auto mended = parts_.keyring.SyncMirrors(); !mended.ok()) {
    return mended.status();
  }
  absl::Status status = parts_.keys.Refresh(parts_.keyring);
  if (!status.ok()) return status;

  std::vector<TenantKeyRow> rows;
  for (const auto& [name, tenant] : parts_.store.snapshot()->tenants()) {
    absl::StatusOr<TenantKeyRow> row = CarriedKey(tenant->id, before, next);
    if (!row.ok()) return row.status();
    rows.push_back(*std::move(row));
  }
  storage::v1::KeyringRow keyring = KeyringNow();
  keyring.set_active_epoch(next);
  status = RecordKeyring("RotateEpoch", next, rows, std::move(keyring));
  if (!status.ok()) return status;
  Resume();
  return absl::OkStatus();
}

void EpochRotation::Resume() {
  const uint32_t active = parts_.keys.Current()->active().id;
  running_ = false;
  leaving_ = 0;
  damaged_.clear();
  index_left_.clear();
  // Newer ones are of a rotation that was cut off before the database knew of it, or of a newer
  // database whose older copy this is: Begin() takes them up.
  for (const EpochInfo& epoch : parts_.keyring.epochs()) {
    if (epoch.status == EpochStatus::kActive && epoch.id < active) leaving_ = epoch.id;
  }
  running_ = leaving_ != 0;
  if (!running_) return;
  const std::shared_ptr<const KeySnapshot> keys = parts_.keys.Current();
  ranges_ = AllEpochRanges(*parts_.store.snapshot(), *keys);
  next_ = {};
  shrink_ = 0;
  uint64_t rows = 0;
  for (const EpochRange& range : ranges_) rows += EstimateOldRows(parts_.engine, range, active);
  backlog_.store(rows, std::memory_order_relaxed);
}

void EpochRotation::Forward(uint64_t rows) {
  const uint64_t left = backlog();
  backlog_.store(left - std::min(left, rows), std::memory_order_relaxed);
}

absl::StatusOr<EpochRotation::Prepared> EpochRotation::Prepare() {
  const EpochRange& range = ranges_[next_.range];
  Prepared step;
  step.from = next_;
  step.to = next_;
  auto commit = NewCommit(parts_.engine);
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const uint32_t active = state->keys().active().id;
  const size_t most = kStepRows[static_cast<size_t>(range.kind)] * (large_steps_ ? kLarge : 1);
  const size_t limit = std::max<size_t>(1, most >> shrink_);
  auto rows = CollectOldRows(parts_.engine, range, active, limit, &step.to.start);
  if (!rows.ok()) return rows.status();
  const bool none = rows->empty();
  auto moves = mover_.Plan(range, *state, *std::move(rows));
  if (!moves.ok()) return moves.status();
  if (!moves->next.empty()) step.to.start = std::move(moves->next);
  if (step.to.start.empty()) ++step.to.range;
  step.rows = moves->looked_at + moves->gone;
  step.damaged = std::move(moves->damaged);
  if (none) return step;
  commit->reads = std::move(moves->reads);
  commit->writes = std::move(moves->writes);
  // Every call rests on some of these rows, and several steps in a row would wear it out. Whoever
  // changes one does so in the active epoch and may come after; what came before is in `reads`.
  commit->same_content = range.kind == EpochRange::Kind::kSealed;
  if (moves->moved > 0) SetEntry("Rewrap", active, moves->moved, commit.get());
  step.commit = std::move(commit);
  return step;
}

absl::Status EpochRotation::Settle() {
  if (under_way_ == nullptr) return absl::OkStatus();
  const std::unique_ptr<UnderWay> step = std::move(under_way_);
  const absl::Status committed = step->commit->Wait().status();
  if (!committed.ok()) {
    next_ = step->from;
    // Somebody changed one of the rows: the same step again, smaller, so that under load too some
    // attempt finds all of its rows at rest.
    if (absl::IsAborted(committed)) shrink_ = std::min(shrink_ + 1, kMaxShrink);
    return committed;
  }
  if (shrink_ > 0) --shrink_;
  PassOver(ranges_[step->from.range], step->damaged);
  Forward(step->rows);
  return absl::OkStatus();
}

absl::StatusOr<bool> EpochRotation::Step() {
  if (!running_) return false;
  // Index rows of one record are far from each other: a step may be about a record that the one
  // before is moving, and would be in conflict with it. So may the end.
  const bool alone =
      next_.range == ranges_.size() || ranges_[next_.range].kind == EpochRange::Kind::kIndex;
  if (alone) {
    const absl::Status settled = Settle();
    if (absl::IsAborted(settled)) return true;
    if (!settled.ok()) return settled;
  }
  if (next_.range == ranges_.size()) {
    const absl::Status retired = Retire();
    if (!retired.ok()) return retired;
    running_ = false;
    backlog_.store(0, std::memory_order_relaxed);
    return false;
  }
  auto step = Prepare();
  const absl::Status settled = Settle();
  if (absl::IsAborted(settled)) return true;
  if (!settled.ok()) return settled;
  if (!step.ok()) return step.status();
  if (step->commit != nullptr) {
    const bool has_entry = step->commit->entry.has_value();
    auto pending = storage::PendingCommit::Start(parts_.engine, std::move(step->commit));
    if (!pending.ok()) return pending.status();
    if (has_entry) ++entries_;
    under_way_ = std::make_unique<UnderWay>();
    under_way_->commit = *std::move(pending);
    under_way_->from = step->from;
    under_way_->rows = step->rows;
    under_way_->damaged = std::move(step->damaged);
  }
  next_ = std::move(step->to);
  return true;
}

void EpochRotation::PassOver(const EpochRange& range, const std::vector<OldRow>& rows) {
  const std::shared_ptr<const KeySnapshot> keys = parts_.keys.Current();
  for (const OldRow& row : rows) {
    // What a row claims counts where it can be true.
    const bool named = row.epoch.has_value() && keys->Epoch(*row.epoch) != nullptr;
    ++damaged_[named ? *row.epoch : leaving_];
    if (range.kind == EpochRange::Kind::kIndex) index_left_.insert(range.epoch);
    if (parts_.damaged) parts_.damaged(row.key);
  }
}

absl::Status EpochRotation::Retire() {
  const uint32_t active = parts_.keys.Current()->active().id;
  for (const EpochInfo& epoch : parts_.keyring.epochs()) {
    if (epoch.status != EpochStatus::kActive || epoch.id >= active) continue;
    const absl::Status status = parts_.keyring.RetireEpoch(epoch.id, parts_.now());
    if (!status.ok()) return status;
  }
  storage::v1::KeyringRow keyring = KeyringNow();
  for (storage::v1::KeyringRow::Epoch& epoch : *keyring.mutable_epochs()) {
    if (epoch.id() >= active) continue;
    const auto damaged = damaged_.find(epoch.id());
    epoch.set_damaged(damaged == damaged_.end() ? 0 : damaged->second);
    epoch.set_index_moved(!index_left_.contains(epoch.id()));
  }
  return RecordKeyring("RetireEpoch", leaving_, {}, std::move(keyring));
}

absl::Status EpochRotation::CheckNothingHangsOn(uint32_t epoch) const {
  const std::shared_ptr<const KeySnapshot> keys = parts_.keys.Current();
  for (const EpochRange& range : AllEpochRanges(*parts_.store.snapshot(), *keys)) {
    if (range.kind == EpochRange::Kind::kIndex && range.epoch != epoch) continue;
    std::string start;
    do {
      const auto rows = CollectOldRows(parts_.engine, range, keys->active().id, kCheckRows, &start);
      if (!rows.ok()) return rows.status();
      for (const OldRow& row : *rows) {
        // What does not say whose it is, or names an epoch that there is not, may be this one's.
        const bool elsewhere =
            row.epoch.has_value() && *row.epoch != epoch && keys->Epoch(*row.epoch) != nullptr;
        if (!elsewhere) return absl::FailedPreconditionError("rows hang on the epoch");
      }
    } while (!start.empty());
  }
  return absl::OkStatus();
}

absl::Status EpochRotation::Destroy(uint32_t epoch) {
  if (running_) return absl::FailedPreconditionError("a rotation is still running");
  const uint32_t active = parts_.keys.Current()->active().id;
  if (epoch == active) return absl::FailedPreconditionError("the epoch is active");
  const std::vector<EpochInfo> epochs = parts_.keyring.epochs();
  const auto info = std::find_if(epochs.begin(), epochs.end(),
                                 [epoch](const EpochInfo& known) { return known.id == epoch; });
  if (info == epochs.end()) return absl::NotFoundError("no such epoch");
  absl::Status status;
  if (info->status != EpochStatus::kDestroyed) {
    status = CheckNothingHangsOn(epoch);
    if (!status.ok()) return status;
    // The intent stands in the log before the key goes.
    status = RecordKeyring("DestroyEpoch", epoch, {}, KeyringNow());
    if (!status.ok()) return status;
  }
  status = parts_.keyring.DestroyEpoch(epoch, parts_.now());
  if (!status.ok()) return status;
  status = parts_.keys.Refresh(parts_.keyring);
  if (!status.ok()) return status;
  return RecordKeyring("EpochDestroyed", epoch, {}, KeyringNow());
}

}  // namespace piivault::vault
