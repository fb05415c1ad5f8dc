#include "vault/retention/retention_sweeper.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "authz/retention.h"
#include "piivault/storage/v1/entry.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/ledger/corrections.h"
#include "vault/records/erasure.h"
#include "vault/records/record_finder.h"
#include "vault/retention/destroyer.h"
#include "vault/retention/retained_fields.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {
namespace {

constexpr unsigned kMaxShrink = 8;
// Where a step ends before it has all of its records: they may be large, and have many fields.
constexpr size_t kStepBytes = size_t{2} << 20;
constexpr size_t kStepMutations = 4'000;
constexpr size_t kSlice = 8;  // records that are in memory together
// Records of one person that are looked at before an erasure is finished.
constexpr size_t kMaxOfPerson = 10'000;
constexpr std::string_view kMethod = "piivaultd/DestroyExpired";

}  // namespace

// One step, while it is planned.
struct RetentionSweeper::StepWork {
  std::string_view tenant;
  absl::Time now;
  ChangeSet changes;
  storage::v1::EntryBody body;
  std::vector<storage::Key> damaged;
  std::optional<storage::RecordLocator> after;  // the last record that was looked at
  bool at_end = false;
  bool erased = false;   // a person, and nothing else
  uint64_t fields = 0;   // destroyed
  uint64_t waiting = 0;  // for approval

  void Note(const LoadedRecord& record, uint64_t version,
            const std::vector<RetainedField>& destroyed) {
    storage::v1::EntryItem& item = *body.add_items();
    item.set_subject_ref(record.subject.row.subject_ref());
    item.set_record_ref(record.header().record_ref());
    item.set_version(version);
    for (const RetainedField& field : destroyed) item.add_fields(field.field->full_name);
    fields += destroyed.size();
  }
};

absl::StatusOr<bool> RetentionSweeper::Step() {
  const uint64_t as_of = parts_.engine.AppliedSequence();
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const auto next = state->tenants().lower_bound(tenant_);
  if (next == state->tenants().end()) {
    tenant_.clear();
    waiting_.store(waiting_now_, std::memory_order_relaxed);
    waiting_now_ = 0;
    return false;
  }
  if (next->first != tenant_) {
    EndTenant();
    tenant_ = next->first;
  }
  const absl::Status done = StepOf(state, *next->second, as_of);
  if (absl::IsAborted(done)) {
    // Somebody changed one of the records: fewer of them, so that some attempt finds all at rest.
    shrink_ = std::min(shrink_ + 1, kMaxShrink);
    return true;
  }
  if (shrink_ > 0) --shrink_;
  if (!done.ok()) {
    EndTenant();
    return done;
  }
  return true;
}

void RetentionSweeper::EndTenant() {
  if (!tenant_.empty()) tenant_.push_back('\0');
  after_.reset();
}

absl::Status RetentionSweeper::StepOf(const std::shared_ptr<const StateSnapshot>& state,
                                      const TenantState& tenant, uint64_t as_of) {
  const authz::Policy* const policy = tenant.policy_in_force();
  if (policy == nullptr || policy->retention().empty()) {
    EndTenant();
    return absl::OkStatus();
  }
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(*state, tenant);
  if (!scope.ok()) return scope.status();
  StepWork work;
  work.tenant = tenant.name;
  work.now = parts_.now();
  work.after = after_;
  const size_t limit = std::max<size_t>(1, parts_.step_records >> shrink_);
  const auto locators = RecordFinder(parts_.engine, *scope, &work.changes)
                            .FindAll(after_.has_value() ? &*after_ : nullptr, limit);
  if (!locators.ok()) return locators.status();
  work.at_end = locators->size() < limit;
  Destroyer destroyer({parts_.engine, parts_.rules, parts_.unique, parts_.random}, *scope, *policy,
                      work.now, &work.changes);
  const absl::Status planned = PlanRecords(*scope, *policy, *locators, &destroyer, &work);
  if (!planned.ok()) return planned;
  if (absl::Status told = destroyer.Finish(); !told.ok()) return told;
  return Commit(tenant, as_of, &work);
}

absl::Status RetentionSweeper::PlanRecords(const TenantScope& scope, const authz::Policy& policy,
                                           const std::vector<storage::RecordLocator>& locators,
                                           Destroyer* destroyer, StepWork* work) {
  size_t bytes = 0;
  for (size_t begin = 0; begin < locators.size(); begin += kSlice) {
    const auto slice =
        absl::MakeConstSpan(locators).subspan(begin, std::min(kSlice, locators.size() - begin));
    auto loaded = LoadRecords(parts_.engine, scope, slice, &work->changes);
    if (!loaded.ok()) return loaded.status();
    for (size_t i = 0; i < slice.size(); ++i) {
      LoadResult& result = (*loaded)[i];
      const storage::Key key = storage::RecordKey(scope.id(), slice[i].subject, slice[i].record);
      const bool passed = passed_over_.contains(storage::CellFingerprint(key));
      if (result.reason == authz::Reason::kDataLoss && !passed) PassOver(key);
      if (result.ok() && !passed) {
        LoadedRecord& record = *result.record;
        bytes += record.row.size();
        absl::Status planned;
        if (record.subject.row.use().erase_micros() != 0) {
          // Alone in its commit.
          if (!work->changes.writes.empty()) {
            work->at_end = false;
            return absl::OkStatus();
          }
          planned = FinishErasure(scope, policy, record.subject, work);
        }
        if (planned.ok() && !work->erased) {
          planned = PlanRecord(policy, &record, destroyer, work);
        }
        if (absl::IsDataLoss(planned)) {
          // Something of it is planned already: the step begins anew, without this record.
          PassOver(key);
          return absl::AbortedError("a record does not open");
        }
        if (!planned.ok()) return planned;
      }
      work->after = slice[i];
      if (work->erased || bytes >= kStepBytes || work->changes.writes.size() >= kStepMutations) {
        work->at_end = false;
        return absl::OkStatus();
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RetentionSweeper::PlanRecord(const authz::Policy& policy, LoadedRecord* record,
                                          Destroyer* destroyer, StepWork* work) const {
  std::vector<RetainedField> due = RetainedFields(policy, *record);
  std::erase_if(due, [&](const RetainedField& field) { return !field.times.DueAt(work->now); });
  const size_t all = due.size();
  // An erasure has been decided.
  const bool erased = record->subject.row.use().erase_micros() != 0;
  std::erase_if(due, [&](const RetainedField& field) {
    return !erased && !authz::ApprovalOf(policy, field.times.rule).empty();
  });
  work->waiting += all - due.size();
  if (due.empty()) return absl::OkStatus();
  std::vector<std::string_view> names;
  for (const RetainedField& field : due) names.push_back(field.field->name);
  const absl::StatusOr<uint64_t> version = destroyer->Destroy(record, names);
  if (!version.ok()) return version.status();
  work->Note(*record, *version, due);
  return absl::OkStatus();
}

absl::Status RetentionSweeper::FinishErasure(const TenantScope& scope, const authz::Policy& policy,
                                             const SubjectState& person, StepWork* work) const {
  ChangeSet seen;  // of a person who is left alone nothing matters
  auto locators =
      RecordFinder(parts_.engine, scope, &seen).FindSubject(person.id, nullptr, kMaxOfPerson);
  if (!locators.ok()) return locators.status();
  for (size_t begin = 0; begin < locators->size(); begin += kSlice) {
    const size_t count = std::min(kSlice, locators->size() - begin);
    auto loaded = LoadRecords(parts_.engine, scope,
                              absl::MakeConstSpan(*locators).subspan(begin, count), &seen);
    if (!loaded.ok()) return loaded.status();
    for (const LoadResult& result : *loaded) {
      if (result.ok() && !HeldFields(policy, *result.record, work->now).empty()) {
        return absl::OkStatus();
      }
    }
  }
  std::move(seen.reads.begin(), seen.reads.end(), std::back_inserter(work->changes.reads));
  const std::optional<storage::Id128> ref = storage::Id128::FromBytes(person.row.subject_ref());
  if (!ref.has_value()) return absl::DataLossError("a person without reference");
  const absl::Status told =
      Corrections(parts_.engine, scope, parts_.random, policy, work->now, &work->changes)
          .Erase(*ref);
  if (!told.ok()) return told;
  const std::string subject_ref = person.row.subject_ref();
  absl::StatusOr<ErasurePlan> erasure =
      PlanErasure({parts_.engine, parts_.rules, parts_.unique, parts_.random}, scope, policy,
                  {{}, {}, work->tenant}, person, work->now, &work->changes);
  if (!erasure.ok()) return erasure.status();
  work->body.add_items()->set_subject_ref(subject_ref);
  for (const ErasurePlan::Removed& removed : erasure->removed) {
    storage::v1::EntryItem& item = *work->body.add_items();
    item.set_subject_ref(subject_ref);
    item.set_record_ref(removed.record_ref);
    item.set_version(removed.version);
  }
  work->erased = true;
  return absl::OkStatus();
}

void RetentionSweeper::PassOver(const storage::Key& key) {
  passed_over_.insert(storage::CellFingerprint(key));
  if (parts_.damaged) parts_.damaged(key);
}

absl::Status RetentionSweeper::Commit(const TenantState& tenant, uint64_t as_of, StepWork* work) {
  if (!work->changes.writes.empty()) {
    const authz::Policy& policy = *tenant.policy_in_force();
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = as_of;
    commit->decided_at = absl::InfiniteFuture();
    // By another policy it may be kept.
    work->changes.reads.push_back(tenant.cell);
    work->changes.reads.push_back(EpochCell());
    storage::v1::EntryBody body = NewEntryBody({.time = work->now,
                                                .principal = {},
                                                .certificate_sha256 = {},
                                                .method = kMethod,
                                                .tenant = tenant.name,
                                                .policy_sha256 = policy.hash(),
                                                .peer = {}},
                                               authz::Reason::kOk);
    body.MergeFrom(work->body);
    commit->entry = DraftEntry(work->changes.retained, body, parts_.random);
    commit->reads = std::move(work->changes.reads);
    commit->touches = std::move(work->changes.touches);
    commit->writes = std::move(work->changes.writes);
    const absl::Status done = storage::CommitOrError(parts_.engine, std::move(commit)).status();
    if (!done.ok()) return done;
    entries_.fetch_add(1, std::memory_order_relaxed);
    destroyed_.fetch_add(work->fields, std::memory_order_relaxed);
    if (work->erased && parts_.erasing) parts_.erasing();
  }
  waiting_now_ += work->waiting;
  after_ = work->after;
  if (work->at_end) EndTenant();
  return absl::OkStatus();
}

}  // namespace piivault::vault
