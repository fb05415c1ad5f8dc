#include "vault/rotation/index_builder.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "piivault/storage/v1/entry.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/field_rows.h"
#include "vault/records/record_finder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Alone, the wait for the disk after each step counts for more.
constexpr size_t kLarge = 4;
constexpr unsigned kMaxShrink = 8;  // one record
// Where a step ends before it has all of its records: they may be large, and have many fields.
constexpr size_t kStepBytes = size_t{2} << 20;
constexpr size_t kStepMutations = 8'000;
constexpr size_t kSlice = 8;  // records that are in memory together
// How long a tenant that could not be done is left alone.
constexpr absl::Duration kRetry = absl::Seconds(30);
// How many rows are looked at for another record with the same value.
constexpr size_t kDuplicateHits = 2;

constexpr std::string_view kMethod = "piivaultd/RebuildIndex";

bool IsRebuilding(const FieldIndex& index) { return index.rebuilding(); }

// Whether values that were written before may be those of several records: they were not unique, or
// by another form under which fewer values are the same.
bool IsNewlyUnique(const FieldIndex& index) {
  const IndexForm& wanted = index.wanted();
  return wanted.unique &&
         std::any_of(index.forms.begin(), index.forms.end() - 1, [&wanted](const IndexForm& form) {
           return !form.unique || form.normaliser != wanted.normaliser ||
                  form.semantic != wanted.semantic;
         });
}

// Whether another record has a row of the term under these keys.
absl::StatusOr<bool> IsOfAnother(const storage::Engine& engine, const TenantScope& scope,
                                 const TenantKeys& keys, const FieldTerm& term,
                                 const storage::RecordLocator& self) {
  const storage::Key prefix = storage::BlindIndexPrefix(scope.id(), keys.epoch, term.Digest(keys));
  bool others = false;
  const absl::Status scanned = engine.Scan(
      prefix, prefix.bytes, kDuplicateHits, [&](std::string_view key, std::string_view) {
        if (key.size() != prefix.bytes.size() + 2 * storage::Id128::kSize) return true;
        const storage::RecordLocator at = storage::LocatorSuffix(key);
        others = at.subject != self.subject || at.record != self.record;
        return !others;
      });
  if (!scanned.ok()) return scanned;
  return others;
}

}  // namespace

// One step, while it is planned.
struct IndexBuilder::StepWork {
  storage::v1::IndexPassRow pass;
  std::string next_type;  // behind the one that the pass is at; empty: none
  size_t limit = 0;
  bool finished = false;  // nothing is left behind this step
  uint64_t records = 0;
  std::vector<storage::Key> damaged;
  std::set<storage::IndexDigest> taken;  // newly unique values of this step
  ChangeSet changes;
};

IndexBuilder::IndexBuilder(Parts parts) : parts_(std::move(parts)) {}

absl::Status IndexBuilder::Begin() {
  const uint64_t as_of = parts_.engine.AppliedSequence();
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  for (const auto& [name, tenant] : state->tenants()) {
    const storage::Key key = storage::StateKey(storage::StateKind::kIndexForms, name);
    const absl::StatusOr<std::string> value = parts_.engine.Get(key);
    if (absl::IsNotFound(value.status())) continue;
    if (!value.ok()) return value.status();
    auto row = OpenRow<storage::v1::IndexFormsRow>(state->keys(), key, *value);
    if (!row.ok()) return row.status();
    const absl::StatusOr<TenantIndexes> written = TenantIndexes::FromRow(row->message);
    if (!written.ok()) return written.status();
    if (*written == *tenant->indexes) continue;
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = as_of;
    commit->decided_at = absl::InfiniteFuture();
    StateChange change = parts_.store.NewChange(state);
    change.PutIndexes(*tenant, *tenant->indexes);
    change.MoveTo(commit.get());
    const absl::Status done = storage::CommitOrError(parts_.engine, std::move(commit)).status();
    if (!done.ok()) return done;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> IndexBuilder::Step() {
  const uint64_t as_of = parts_.engine.AppliedSequence();
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const absl::Time now = parts_.now();
  std::vector<const TenantState*> waiting;
  for (const auto& [name, tenant] : state->tenants()) {
    if (!tenant->indexes->rebuilding()) {
      paces_.erase(name);
    } else if (paces_[name].rest_until <= now) {
      waiting.push_back(tenant.get());
    }
  }
  if (waiting.empty()) return false;
  // The tenant behind that of the last step.
  const auto next = std::find_if(waiting.begin(), waiting.end(),
                                 [this](const TenantState* t) { return t->name > last_; });
  const TenantState& tenant = **(next == waiting.end() ? waiting.begin() : next);
  last_ = tenant.name;
  Pace& pace = paces_[tenant.name];
  const absl::Status done = StepOf(state, tenant, as_of, pace.shrink);
  if (absl::IsAborted(done)) {
    // Somebody changed one of the records: fewer of them, so that some attempt finds all at rest.
    pace.shrink = std::min(pace.shrink + 1, kMaxShrink);
    return true;
  }
  if (!done.ok()) {
    pace.rest_until = now + kRetry;
    return done;
  }
  if (pace.shrink > 0) --pace.shrink;
  return true;
}

absl::Status IndexBuilder::StepOf(const std::shared_ptr<const StateSnapshot>& state,
                                  const TenantState& tenant, uint64_t as_of, unsigned shrink) {
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(*state, tenant);
  if (!scope.ok()) return scope.status();
  absl::StatusOr<std::optional<IndexPass>> before =
      ReadIndexPass(parts_.engine, state->keys(), tenant.name);
  if (!before.ok() && !absl::IsDataLoss(before.status())) return before.status();
  // One that does not open is begun anew: it only says what need not be done again.
  IndexPass pass;
  if (before.ok() && before->has_value()) pass = **std::move(before);
  StepWork work;
  const absl::Time now = parts_.now();
  if (pass.version != 0 && pass.row.forms_version() == tenant.indexes_version) {
    work.pass = std::move(pass.row);
  } else {
    work.pass.set_name(tenant.name);
    work.pass.set_forms_version(tenant.indexes_version);
    work.pass.set_start_micros(absl::ToUnixMicros(now));
  }
  const std::vector<std::string> types = tenant.indexes->TypesToRebuild();
  auto type = std::lower_bound(types.begin(), types.end(), work.pass.type());
  if (type != types.end()) {
    if (work.pass.type() != *type) {
      work.pass.clear_subject();
      work.pass.clear_record();
    }
    work.pass.set_type(*type);
    work.next_type = type + 1 == types.end() ? std::string() : *(type + 1);
    work.limit = std::max<size_t>(1, (parts_.step_records * (large_steps_ ? kLarge : 1)) >> shrink);
    const absl::Status planned = PlanRecords(*scope, &work);
    if (!planned.ok()) return planned;
  } else {
    work.finished = true;
  }
  const storage::Key key = IndexPassKey(tenant.name);
  work.changes.Read(key);
  // Look-ups by another policy's forms go from its old ones to the wanted one: no step may go the
  // other way.
  work.changes.Read(storage::StateKey(storage::StateKind::kIndexForms, tenant.name));
  work.changes.reads.push_back(EpochCell());

  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = as_of;
  commit->decided_at = absl::InfiniteFuture();
  if (work.finished) {
    work.pass.set_end_micros(absl::ToUnixMicros(now));
    StateChange change = parts_.store.NewChange(state);
    change.PutIndexes(tenant, tenant.indexes->Rebuilt());
    change.MoveTo(commit.get());
  }
  work.changes.Put(key, SealRow(state->keys(), parts_.random, key, pass.version + 1, work.pass));
  storage::v1::EntryBody body = NewEntryBody(
      {.time = now,
       .principal = {},
       .certificate_sha256 = {},
       .method = kMethod,
       .tenant = tenant.name,
       .policy_sha256 = tenant.policy_in_force() == nullptr ? std::string_view()
                                                            : tenant.policy_in_force()->hash(),
       .peer = {}},
      authz::Reason::kOk);
  body.set_count(work.records);
  commit->entry = DraftEntry(body, parts_.random);
  std::move(work.changes.reads.begin(), work.changes.reads.end(),
            std::back_inserter(commit->reads));
  std::move(work.changes.writes.begin(), work.changes.writes.end(),
            std::back_inserter(commit->writes));
  const absl::Status done = storage::CommitOrError(parts_.engine, std::move(commit)).status();
  if (!done.ok()) return done;
  entries_.fetch_add(1, std::memory_order_relaxed);
  records_.fetch_add(work.records, std::memory_order_relaxed);
  for (const storage::Key& row : work.damaged) {
    if (parts_.damaged) parts_.damaged(row);
  }
  return absl::OkStatus();
}

absl::Status IndexBuilder::PlanRecords(const TenantScope& scope, StepWork* work) const {
  storage::v1::IndexPassRow& pass = work->pass;
  const std::optional<storage::RecordLocator> place = PlaceOf(pass);
  RecordFinder finder(parts_.engine, scope, &work->changes);
  auto locators = finder.FindType(pass.type(), place.has_value() ? &*place : nullptr, work->limit);
  if (!locators.ok()) return locators.status();
  size_t bytes = 0;
  size_t done = 0;
  while (done < locators->size() && bytes < kStepBytes &&
         work->changes.writes.size() < kStepMutations) {
    const size_t count = std::min(kSlice, locators->size() - done);
    const absl::Status planned =
        PlanSlice(scope, absl::MakeSpan(*locators).subspan(done, count), work, &bytes);
    if (!planned.ok()) return planned;
    done += count;
  }
  work->records = done;
  pass.set_records(pass.records() + work->records);
  pass.set_damaged(pass.damaged() + work->damaged.size());
  pass.clear_subject();
  pass.clear_record();
  if (done < locators->size() || done == work->limit) {
    const storage::RecordLocator& last = (*locators)[done - 1];
    pass.set_subject(std::string(last.subject.view()));
    pass.set_record(std::string(last.record.view()));
  } else {
    work->finished = work->next_type.empty();
    if (!work->finished) pass.set_type(work->next_type);
  }
  return absl::OkStatus();
}

absl::Status IndexBuilder::PlanSlice(const TenantScope& scope,
                                     absl::Span<const storage::RecordLocator> locators,
                                     StepWork* work, size_t* bytes) const {
  auto loaded = LoadRecords(parts_.engine, scope, locators, &work->changes);
  if (!loaded.ok()) return loaded.status();
  std::vector<storage::RecordLocator> erased;
  for (size_t i = 0; i < locators.size(); ++i) {
    LoadResult& result = (*loaded)[i];
    if (result.reason == authz::Reason::kSubjectErased) erased.push_back(locators[i]);
    absl::Status planned;
    if (result.reason == authz::Reason::kDataLoss) planned = absl::DataLossError("");
    if (result.ok()) *bytes += result.record->row.size();
    if (result.ok() && result.record->type() == work->pass.type()) {
      planned = PlanRecord(scope, *result.record, work);
    }
    result.record.reset();
    if (absl::IsDataLoss(planned)) {
      const storage::RecordLocator& at = locators[i];
      work->damaged.push_back(storage::RecordKey(scope.id(), at.subject, at.record));
    } else if (!planned.ok()) {
      return planned;
    }
  }
  return PlanErased(scope, erased, work);
}

absl::Status IndexBuilder::PlanRecord(const TenantScope& scope, LoadedRecord& record,
                                      StepWork* work) const {
  absl::Status searched;
  const storage::RecordLocator self = record.locator();
  const auto see = [&](const FieldIndex& index, const FieldTerm& term) {
    if (!IsNewlyUnique(index) || term.index.find('@') != std::string::npos) return;
    bool others = false;
    // Values of another class are the same, too.
    for (const KeyClass key_class : {KeyClass::kNormal, KeyClass::kImportant}) {
      if (!(key_class == KeyClass::kNormal ? index.normal : index.important)) continue;
      const FieldTerm there{term.index, term.normalised.Clone(), term.normaliser, key_class};
      if (!work->taken.insert(there.Digest(scope.active())).second) others = true;
      for (const TenantKeys* const keys : scope.indexed()) {
        if (others) break;
        const absl::StatusOr<bool> found = IsOfAnother(parts_.engine, scope, *keys, there, self);
        if (!found.ok()) searched = found.status();
        if (found.ok()) others = *found;
      }
    }
    if (others) work->pass.set_duplicates(work->pass.duplicates() + 1);
  };
  const absl::Status planned = PlanFieldRows(parts_.rules, scope, self, *record.reader,
                                             &IsRebuilding, see, &work->changes.writes);
  return planned.ok() ? searched : planned;
}

absl::Status IndexBuilder::PlanErased(const TenantScope& scope,
                                      const std::vector<storage::RecordLocator>& records,
                                      StepWork* work) const {
  if (records.empty()) return absl::OkStatus();
  // Those that do not open lose wrap and row to ErasureWorker; nothing finds them then.
  auto loaded = LoadRecords(parts_.engine, scope, records, &work->changes, Persons::kErased);
  if (!loaded.ok()) return loaded.status();
  for (LoadResult& result : *loaded) {
    if (!result.ok()) continue;
    const absl::Status planned =
        PlanNoFieldRows(parts_.rules, scope, result.record->locator(), *result.record->reader,
                        &IsRebuilding, &work->changes.writes);
    if (!planned.ok() && !absl::IsDataLoss(planned)) return planned;
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
