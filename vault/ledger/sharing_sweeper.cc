#include "vault/ledger/sharing_sweeper.h"

#include <algorithm>
#include <iterator>

#include "piivault/storage/v1/entry.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/ledger/disclosure_sweep.h"
#include "vault/ledger/token_sweep.h"
#include "vault/state/sharing_state.h"

namespace piivault::vault {
namespace {

constexpr unsigned kMaxShrink = 8;
constexpr std::string_view kMethod = "piivaultd/SweepSharing";

}  // namespace

absl::StatusOr<bool> SharingSweeper::Step() {
  const uint64_t as_of = parts_.engine.AppliedSequence();
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  if (!tenant_.has_value()) {
    const absl::Status done = StepOfVault(state, as_of);
    if (absl::IsAborted(done)) return true;
    tenant_.emplace();
    if (!done.ok()) return done;
    return true;
  }
  const auto next = state->tenants().lower_bound(*tenant_);
  if (next == state->tenants().end()) {
    tenant_.reset();
    return false;
  }
  if (next->first != *tenant_) {
    tenant_ = next->first;
    stage_ = Stage::kRevocations;
    place_ = {};
  }
  const absl::Status done = StepOfTenant(state, *next->second, as_of);
  if (absl::IsAborted(done)) {
    // Somebody changed one of the rows: fewer of them, so that some attempt finds all at rest.
    shrink_ = std::min(shrink_ + 1, kMaxShrink);
    return true;
  }
  if (shrink_ > 0) --shrink_;
  if (!done.ok() || stage_ == Stage::kEnd) tenant_->push_back('\0');
  if (!done.ok()) return done;
  return true;
}

absl::Status SharingSweeper::StepOfVault(const std::shared_ptr<const StateSnapshot>& state,
                                         uint64_t as_of) {
  const absl::Time now = parts_.now();
  std::vector<std::string> kids;
  for (const auto& [kid, key] : state->signing_key_rows()) {
    const int64_t retired = key.row.retire_micros();
    if (retired != 0 && now >= absl::FromUnixMicros(retired) + kRetiredSigningKeyKept) {
      kids.push_back(kid);
    }
  }
  if (kids.empty()) return absl::OkStatus();
  Drops drops;
  drops.rows["signing_keys"] = kids.size();
  drops.state.emplace(parts_.store.NewChange(state));
  drops.state->RemoveSigningKeys(kids);
  return Commit(nullptr, as_of, std::move(drops));
}

absl::Status SharingSweeper::StepOfTenant(const std::shared_ptr<const StateSnapshot>& state,
                                          const TenantState& tenant, uint64_t as_of) {
  SweepPlace place = place_;
  Drops drops;
  std::vector<storage::Key> damaged;
  if (stage_ == Stage::kRevocations) {
    StateChange change = parts_.store.NewChange(state);
    const size_t removed = change.RemoveOldRevocations(tenant.name, parts_.now());
    if (removed > 0) {
      drops.rows["revocations"] = removed;
      drops.state.emplace(std::move(change));
    }
    place.at_end = true;
  } else {
    const absl::Status swept = SweepRows(*state, tenant, &place, &drops, &damaged);
    if (!swept.ok()) return swept;
  }
  // Rows that a new epoch has sealed meanwhile do not open with the keys of before.
  const bool new_epoch = parts_.store.snapshot()->keys().active().id != state->keys().active().id;
  if (new_epoch && !damaged.empty()) return absl::AbortedError("another epoch");
  const absl::Status done = Commit(&tenant, as_of, std::move(drops));
  if (!done.ok()) return done;
  Report(damaged);
  if (place.at_end) {
    stage_ = static_cast<Stage>(static_cast<int>(stage_) + 1);
    place = {};
  }
  place_ = std::move(place);
  return absl::OkStatus();
}

absl::Status SharingSweeper::SweepRows(const StateSnapshot& state, const TenantState& tenant,
                                       SweepPlace* place, Drops* drops,
                                       std::vector<storage::Key>* damaged) const {
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(state, tenant);
  if (!scope.ok()) return scope.status();
  SweepStep step{.engine = parts_.engine,
                 .state = state,
                 .tenant = tenant,
                 .scope = *scope,
                 .random = parts_.random,
                 .now = parts_.now(),
                 .rows = std::max<size_t>(1, parts_.step_rows >> shrink_)};
  absl::Status swept;
  switch (stage_) {
    case Stage::kTokens:
      swept = SweepTokens(&step, place);
      break;
    case Stage::kStrayParts:
      swept = SweepStrayParts(&step, place);
      break;
    case Stage::kDisclosures:
      swept = SweepDisclosures(&step, place);
      break;
    case Stage::kNotices:
      swept = SweepNotices(&step, place);
      break;
    case Stage::kRevocations:
    case Stage::kEnd:
      break;
  }
  drops->rows = std::move(step.dropped);
  drops->changes = std::move(step.changes);
  *damaged = std::move(step.damaged);
  return swept;
}

absl::Status SharingSweeper::Commit(const TenantState* tenant, uint64_t as_of, Drops drops) {
  if (drops.changes.writes.empty() && !drops.state.has_value()) return absl::OkStatus();
  const authz::Policy* policy = tenant == nullptr ? nullptr : tenant->policy_in_force();
  storage::v1::EntryBody body = NewEntryBody(
      {.time = parts_.now(),
       .principal = {},
       .certificate_sha256 = {},
       .method = kMethod,
       .tenant = tenant == nullptr ? std::string_view() : std::string_view(tenant->name),
       .policy_sha256 = policy == nullptr ? std::string_view() : policy->hash(),
       .peer = {}},
      authz::Reason::kOk);
  uint64_t count = 0;
  for (const auto& [what, rows] : drops.rows) {
    (*body.mutable_arguments())[std::string(what)] = std::to_string(rows);
    count += rows;
  }
  body.set_count(count);
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = as_of;
  commit->decided_at = absl::InfiniteFuture();
  commit->reads = std::move(drops.changes.reads);
  commit->reads.push_back(EpochCell());
  commit->touches = std::move(drops.changes.touches);
  commit->writes = std::move(drops.changes.writes);
  commit->entry = DraftEntry(body, parts_.random);
  if (drops.state.has_value()) drops.state->MoveTo(commit.get());
  const absl::Status done = storage::CommitOrError(parts_.engine, std::move(commit)).status();
  if (!done.ok()) return done;
  entries_.fetch_add(1, std::memory_order_relaxed);
  dropped_.fetch_add(count, std::memory_order_relaxed);
  return absl::OkStatus();
}

void SharingSweeper::Report(const std::vector<storage::Key>& damaged) {
  for (const storage::Key& row : damaged) {
    // Each pass comes by it again.
    if (!reported_.insert(storage::CellFingerprint(row)).second) continue;
    if (parts_.damaged) parts_.damaged(row);
  }
}

}  // namespace piivault::vault
