#include "vault/rotation/epoch_rotation.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "authz/policy.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/erasure.pb.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/field_terms.h"
#include "vault/records/record_loader.h"
#include "vault/records/subject_rows.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {
namespace {

constexpr size_t kStepRows = 500;
// Rows looked at in one step, when most of them are done already.
constexpr size_t kStepScan = 5'000;

constexpr storage::StateKind kSealedKinds[] = {
    storage::StateKind::kTenant, storage::StateKind::kPerson,        storage::StateKind::kPrincipal,
    storage::StateKind::kPolicy, storage::StateKind::kPolicyInForce, storage::StateKind::kProposal,
    storage::StateKind::kEpoch,  storage::StateKind::kVault,         storage::StateKind::kDenylist};

std::unique_ptr<storage::Commit> NewCommit(const storage::Engine& engine) {
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine.AppliedSequence();
  commit->decided_at = absl::InfiniteFuture();
  return commit;
}

absl::Status Damaged() { return absl::DataLossError("a row does not open"); }

}  // namespace

EpochRotation::EpochRotation(Parts parts) : parts_(std::move(parts)), step_rows_(kStepRows) {}

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
  ranges_ = RangesNow();
  start_.clear();
  backlog_.store(CountRows(), std::memory_order_relaxed);
}

std::vector<EpochRotation::Range> EpochRotation::RangesNow() const {
  const std::shared_ptr<const KeySnapshot> keys = parts_.keys.Current();
  std::vector<Range> ranges;
  for (const auto& [name, tenant] : parts_.store.snapshot()->tenants()) {
    ranges.push_back({Kind::kWraps, tenant->id, 0, storage::WrapPrefix(tenant->id)});
    for (uint32_t epoch = 1; epoch < keys->active().id; ++epoch) {
      if (keys->Tenant(tenant->id, epoch) == nullptr) continue;
      ranges.push_back(
          {Kind::kIndex, tenant->id, epoch, storage::BlindIndexPrefix(tenant->id, epoch)});
    }
    ranges.push_back({Kind::kSealed, tenant->id, 0, storage::SubjectPrefix(tenant->id)});
    ranges.push_back({Kind::kSealed, tenant->id, 0, storage::TokenPrefix(tenant->id)});
  }
  for (const storage::StateKind kind : kSealedKinds) {
    ranges.push_back({Kind::kSealed, 0, 0, storage::StatePrefix(kind)});
  }
  ranges.push_back({Kind::kSealed, 0, 0, storage::ErasurePrefix()});
  ranges.push_back({Kind::kSealed, 0, 0, storage::RequestPrefix()});
  std::reverse(ranges.begin(), ranges.end());  // taken from the back
  return ranges;
}

absl::StatusOr<std::vector<EpochRotation::Row>> EpochRotation::Collect(const Range& range,
                                                                       std::string* start,
                                                                       size_t limit) const {
  const uint32_t active = parts_.keys.Current()->active().id;
  std::vector<Row> rows;
  size_t seen = 0;
  std::string last;
  const absl::Status scanned = parts_.engine.Scan(
      range.prefix, start->empty() ? range.prefix.bytes : *start, kStepScan,
      [&](std::string_view key, std::string_view value) {
        ++seen;
        last = key;
        absl::StatusOr<uint32_t> epoch = range.epoch;
        if (range.kind == Kind::kWraps) epoch = WrapEpoch(value);
        if (range.kind == Kind::kSealed) epoch = SealedRowEpoch(value);
        if (epoch.ok() && *epoch == active) return true;
        rows.push_back({{range.prefix.table, std::string(key)}, std::string(value), std::nullopt});
        if (epoch.ok()) rows.back().epoch = *epoch;
        return rows.size() < limit;
      });
  if (!scanned.ok()) return scanned;
  *start = seen == kStepScan || rows.size() == limit ? last + '\0' : "";
  return rows;
}

absl::Status EpochRotation::ReWrap(const Range& range, const StateSnapshot& state, const Row& row,
                                   Move* move) const {
  const std::string_view bytes = row.key.bytes;
  const uint64_t version = storage::IndexSuffix(bytes);
  const storage::RecordLocator at =
      storage::LocatorSuffix(bytes.substr(0, bytes.size() - sizeof(version)));
  if (storage::WrapKey(range.tenant, at.subject, at.record, version) != row.key) return Damaged();
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(range.tenant, state.keys());
  if (!scope.ok()) return scope.status();
  ChangeSet changes;
  const absl::StatusOr<std::optional<SubjectState>> subject =
      LoadSubject(parts_.engine, *scope, at.subject, &changes);
  move->reads.insert(move->reads.end(), changes.reads.begin(), changes.reads.end());
  if (!subject.ok()) return subject.status();
  // Without its person's row nobody can say whether the wrap may live on.
  if (!subject->has_value()) return Damaged();
  if ((*subject)->erased()) return MendErasure(range.tenant, at.subject, state.keys(), move);
  absl::StatusOr<std::string> value = ReWrapDataKey(state.keys(), parts_.random, range.tenant,
                                                    at.subject, at.record, version, row.value);
  if (!value.ok()) return value.status();
  move->writes.push_back({row.key, *std::move(value)});
  return absl::OkStatus();
}

absl::Status EpochRotation::MendErasure(storage::TenantId tenant, const storage::Id128& subject,
                                        const KeySnapshot& keys, Move* move) const {
  const storage::Key note = storage::ErasureKey(tenant, subject);
  move->reads.push_back(storage::CellFingerprint(note));
  const absl::Status noted = parts_.engine.Get(note).status();
  if (!absl::IsNotFound(noted)) return noted;
  move->writes.push_back({note, SealRow(keys, parts_.random, note, 1, storage::v1::ErasureRow())});
  return absl::OkStatus();
}

// Puts all index rows of the record that the row leads to under the active epoch, and removes it. A
// row that leads nowhere, or to a value that is not there any more, is removed alone.
absl::Status EpochRotation::ReIndex(const Range& range, const StateSnapshot& state, const Row& row,
                                    Move* move) const {
  move->writes.push_back({row.key, std::nullopt});
  const TenantState* tenant = nullptr;
  for (const auto& [name, candidate] : state.tenants()) {
    if (candidate->id == range.tenant) tenant = candidate.get();
  }
  const authz::Policy* policy = tenant == nullptr ? nullptr : tenant->policy_in_force();
  if (tenant == nullptr) return absl::OkStatus();
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(tenant->id, state.keys());
  if (!scope.ok()) return scope.status();

  ChangeSet changes;
  const storage::RecordLocator locator = storage::LocatorSuffix(row.key.bytes);
  absl::StatusOr<LoadResult> loaded = LoadRecord(parts_.engine, *scope, locator, &changes);
  move->reads.insert(move->reads.end(), changes.reads.begin(), changes.reads.end());
  if (!loaded.ok()) return loaded.status();
  if (loaded->reason == authz::Reason::kDataLoss) return Damaged();
  if (!loaded->ok()) return absl::OkStatus();

  const TenantKeys& keys = scope->active();
  const auto put = [&](const storage::IndexDigest& digest) {
    move->writes.push_back(
        {storage::BlindIndexKey(tenant->id, keys.epoch, digest, locator.subject, locator.record),
         std::string()});
  };
  LoadedRecord& record = *loaded->record;
  const storage::v1::RecordHeader& header = record.header();
  if (!header.ref().empty()) put(RefIndexDigest(keys, header.type(), header.ref()));
  const authz::TypeId type = policy == nullptr ? authz::kNoType : policy->FindType(header.type());
  if (type == authz::kNoType) return absl::OkStatus();
  for (const storage::v1::FieldHeader& field : header.fields()) {
    const authz::FieldId id = policy->FindField(type, field.name());
    if (id == authz::kNoField || field.absent()) continue;
    const authz::FieldSpec& spec = policy->field(id);
    if (!spec.index && !spec.unique && !spec.index_domain) continue;
    const absl::StatusOr<SecretBytes> value = record.reader->DecryptField(field);
    if (!value.ok()) return value.status();
    for (const FieldTerm& term : IndexTerms(parts_.rules, spec, value->view())) {
      put(term.Digest(keys));
    }
  }
  return absl::OkStatus();
}

absl::Status EpochRotation::MoveRow(const Range& range, const StateSnapshot& state, const Row& row,
                                    Move* move) const {
  move->reads.push_back(storage::CellFingerprint(row.key));
  if (!row.epoch.has_value()) return Damaged();
  switch (range.kind) {
    case Kind::kWraps:
      return ReWrap(range, state, row, move);
    case Kind::kIndex:
      return ReIndex(range, state, row, move);
    case Kind::kSealed:
      break;
  }
  absl::StatusOr<std::string> value = ResealRow(state.keys(), parts_.random, row.key, row.value);
  if (!value.ok()) return value.status();
  move->writes.push_back({row.key, *std::move(value)});
  return absl::OkStatus();
}

void EpochRotation::PassOver(const Range& range, const std::vector<Row>& rows) {
  const std::shared_ptr<const KeySnapshot> keys = parts_.keys.Current();
  for (const Row& row : rows) {
    // What a row claims counts where it can be true.
    const bool named = row.epoch.has_value() && keys->Epoch(*row.epoch) != nullptr;
    ++damaged_[named ? *row.epoch : leaving_];
    if (range.kind == Kind::kIndex) index_left_.insert(range.epoch);
    if (parts_.damaged) parts_.damaged(row.key);
  }
}

absl::StatusOr<bool> EpochRotation::Step() {
  if (!running_) return false;
  if (ranges_.empty()) {
    const absl::Status retired = Retire();
    if (!retired.ok()) return retired;
    running_ = false;
    backlog_.store(0, std::memory_order_relaxed);
    return false;
  }

  const Range range = ranges_.back();
  auto commit = NewCommit(parts_.engine);
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  std::string start = start_;
  const auto rows = Collect(range, &start, step_rows_);
  if (!rows.ok()) return rows.status();
  uint64_t count = 0;
  std::vector<Row> damaged;
  for (const Row& row : *rows) {
    Move move;
    const absl::Status status = MoveRow(range, *state, row, &move);
    commit->reads.insert(commit->reads.end(), move.reads.begin(), move.reads.end());
    if (absl::IsDataLoss(status)) {
      damaged.push_back(row);
      continue;
    }
    if (!status.ok()) return status;
    if (move.writes.empty()) continue;
    ++count;
    std::move(move.writes.begin(), move.writes.end(), std::back_inserter(commit->writes));
  }
  if (count > 0) SetEntry("Rewrap", state->keys().active().id, count, commit.get());
  if (!rows->empty()) {
    const absl::Status committed =
        storage::CommitOrError(parts_.engine, std::move(commit)).status();
    // Somebody changed one of the rows: the same step again, smaller, so that under load too some
    // attempt finds all of its rows at rest.
    if (absl::IsAborted(committed)) {
      step_rows_ = std::max<size_t>(1, step_rows_ / 2);
      return true;
    }
    if (!committed.ok()) return committed;
    step_rows_ = std::min(kStepRows, step_rows_ * 2);
  }
  PassOver(range, damaged);
  const uint64_t left = backlog();
  backlog_.store(left - std::min<uint64_t>(left, rows->size()), std::memory_order_relaxed);
  start_ = std::move(start);
  if (start_.empty()) ranges_.pop_back();
  return true;
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
  for (const Range& range : RangesNow()) {
    if (range.kind == Kind::kIndex && range.epoch != epoch) continue;
    std::string start;
    do {
      const auto rows = Collect(range, &start, kStepRows);
      if (!rows.ok()) return rows.status();
      for (const Row& row : *rows) {
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

uint64_t EpochRotation::CountRows() const {
  uint64_t count = 0;
  for (const Range& range : RangesNow()) {
    std::string start;
    do {
      const auto rows = Collect(range, &start, kStepScan);
      if (!rows.ok()) return count;
      count += rows->size();
    } while (!start.empty());
  }
  return count;
}

}  // namespace piivault::vault
