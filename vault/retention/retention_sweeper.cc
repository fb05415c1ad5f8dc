#include "vault/retention/retention_sweeper.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "authz/retention.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/erasure.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/erasure.h"
#include "vault/records/record_finder.h"
#include "vault/retention/destroyer.h"
#include "vault/retention/retained_fields.h"
#include "vault/state/state_snapshot.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr unsigned kMaxShrink = 8;
// Where a step ends before it has all of its records: they may be large, and have many fields.
constexpr size_t kStepBytes = size_t{2} << 20;
constexpr size_t kStepMutations = 4'000;
constexpr size_t kSlice = 8;  // records that are in memory together
constexpr int kMaxConflicts = 20;
constexpr std::string_view kMethod = "piivaultd/DestroyExpired";

}  // namespace

// One step, while it is planned.
struct RetentionSweeper::StepWork {
  absl::Time now;
  ChangeSet changes;
  storage::v1::EntryBody body;
  std::string principal;  // who asked for the erasure, where it is one
  std::string certificate_sha256;
  // Where the step leaves off.
  bool at_records = false;
  std::string person;
  std::optional<storage::RecordLocator> after;
  bool left = false;  // of the person, something
  bool at_end = false;
  uint64_t fields = 0;   // destroyed
  uint64_t waiting = 0;  // for approval

  storage::v1::EntryItem& Note(const LoadedRecord& record, uint64_t version) {
    storage::v1::EntryItem& item = *body.add_items();
    item.set_subject_ref(record.subject.row.subject_ref());
    item.set_record_ref(record.header().record_ref());
    item.set_version(version);
    return item;
  }
};

absl::StatusOr<bool> RetentionSweeper::Step() {
  const uint64_t as_of = parts_.engine.AppliedSequence();
  const std::shared_ptr<const StateSnapshot> state = parts_.store.snapshot();
  const auto next = state->tenants().lower_bound(tenant_);
  if (next == state->tenants().end()) {
    tenant_.clear();
    passed_over_.clear();
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
    // One that is never at rest keeps no other waiting.
    shrink_ = std::min(shrink_ + 1, kMaxShrink);
    if (++conflicts_ <= kMaxConflicts) return true;
    conflicts_ = 0;
    if (first_ == 0 || !passed_over_.insert(first_).second) EndTenant();
    return true;
  }
  conflicts_ = 0;
  if (shrink_ > 0) --shrink_;
  if (!done.ok()) {
    EndTenant();
    return done;
  }
  return true;
}

void RetentionSweeper::EndTenant() {
  if (!tenant_.empty()) tenant_.push_back('\0');
  at_records_ = false;
  person_.clear();
  left_ = false;
  after_.reset();
  conflicts_ = 0;
}

absl::Status RetentionSweeper::StepOf(const std::shared_ptr<const StateSnapshot>& state,
                                      const TenantState& tenant, uint64_t as_of) {
  const authz::Policy* const policy = tenant.policy_in_force();
  if (policy == nullptr || (at_records_ && policy->retention().empty())) {
    EndTenant();
    return absl::OkStatus();
  }
  const absl::StatusOr<TenantScope> scope = TenantScope::Create(*state, tenant);
  if (!scope.ok()) return scope.status();
  first_ = 0;
  StepWork work;
  work.now = parts_.now();
  work.at_records = at_records_;
  work.person = person_;
  work.left = left_;
  work.after = after_;
  Destroyer destroyer({parts_.engine, parts_.rules, parts_.unique, parts_.random}, *scope, *policy,
                      work.now, &work.changes);
  if (!at_records_) {
    const absl::Status planned = PlanPerson(*scope, *policy, &destroyer, &work);
    if (!planned.ok()) return planned;
  } else {
    const size_t limit = std::max<size_t>(1, parts_.step_records >> shrink_);
    const auto locators = RecordFinder(parts_.engine, *scope, &work.changes)
                              .FindAll(after_.has_value() ? &*after_ : nullptr, limit);
    if (!locators.ok()) return locators.status();
    work.at_end = locators->size() < limit;
    const absl::Status planned = PlanRecords(*scope, *policy, *locators, &destroyer, &work);
    if (!planned.ok()) return planned;
  }
  if (absl::Status told = destroyer.Finish(); !told.ok()) return told;
  return Commit(tenant, as_of, &work);
}

absl::Status RetentionSweeper::PlanRecords(const TenantScope& scope, const authz::Policy& policy,
                                           absl::Span<const storage::RecordLocator> locators,
                                           Destroyer* destroyer, StepWork* work) {
  size_t bytes = 0;
  for (size_t begin = 0; begin < locators.size(); begin += kSlice) {
    const auto slice = locators.subspan(begin, kSlice);
    auto loaded = LoadRecords(parts_.engine, scope, slice, &work->changes);
    if (!loaded.ok()) return loaded.status();
    for (size_t i = 0; i < slice.size(); ++i) {
      LoadResult result = std::move((*loaded)[i]);
      const storage::Key key = storage::RecordKey(scope.id(), slice[i].subject, slice[i].record);
      const uint64_t cell = storage::CellFingerprint(key);
      bool passed = passed_over_.contains(cell);
      if (first_ == 0) first_ = cell;
      if (result.reason == authz::Reason::kDataLoss && !passed) {
        // Rows that a new epoch has sealed meanwhile do not open with the keys of before, and
        // between two look-ups somebody may have written it.
        const bool new_epoch =
            parts_.store.snapshot()->keys().active().id != scope.keys().active().id;
        if (new_epoch) return absl::AbortedError("another epoch");
        auto again = LoadRecord(parts_.engine, scope, slice[i], &work->changes);
        if (!again.ok()) return again.status();
        result = *std::move(again);
        if (result.reason == authz::Reason::kDataLoss) {
          PassOver(key);
          passed = true;
        }
      }
      work->left = work->left || passed;
      if (result.ok() && !passed) {
        bytes += result.record->row.size();
        const absl::Status planned = PlanRecord(policy, result.record.get(), destroyer, work);
        if (absl::IsDataLoss(planned)) {
          // Something of it is planned already: the step begins anew, without this record.
          PassOver(key);
          return absl::AbortedError("a record does not open");
        }
        if (!planned.ok()) return planned;
      }
      work->after = slice[i];
      if (bytes >= kStepBytes || work->changes.writes.size() >= kStepMutations) {
        work->at_end = false;
        return absl::OkStatus();
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RetentionSweeper::PlanRecord(const authz::Policy& policy, LoadedRecord* record,
                                          Destroyer* destroyer, StepWork* work) const {
  if (record->subject.row.use().erase_micros() != 0) {
    if (work->at_records) return absl::OkStatus();  // looked at with its person
    const absl::StatusOr<Destroyer::Rest> rest = destroyer->DestroyAllButHeld(record);
    if (!rest.ok()) return rest.status();
    work->left = work->left || !rest->held.empty();
    if (rest->destroyed.empty()) return absl::OkStatus();
    storage::v1::EntryItem& item = work->Note(*record, rest->version);
    for (const std::string_view name : rest->destroyed) {
      item.add_fields(Concat({record->type(), ".", name}));
    }
    work->fields += rest->destroyed.size();
    return absl::OkStatus();
  }
  std::vector<RetainedField> due = RetainedFields(policy, *record);
  std::erase_if(due, [&](const RetainedField& field) { return !field.times.DueAt(work->now); });
  const size_t all = due.size();
  std::erase_if(due, [&](const RetainedField& field) {
    return !authz::ApprovalOf(policy, field.times.rule).empty();
  });
  work->waiting += all - due.size();
  if (due.empty()) return absl::OkStatus();
  std::vector<std::string_view> names;
  for (const RetainedField& field : due) names.push_back(field.field->name);
  const absl::StatusOr<uint64_t> version = destroyer->Destroy(record, names);
  if (!version.ok()) return version.status();
  storage::v1::EntryItem& item = work->Note(*record, *version);
  for (const RetainedField& field : due) item.add_fields(field.field->full_name);
  work->fields += due.size();
  return absl::OkStatus();
}

absl::Status RetentionSweeper::PlanPerson(const TenantScope& scope, const authz::Policy& policy,
                                          Destroyer* destroyer, StepWork* work) {
  const storage::Key prefix = storage::HeldErasurePrefix(scope.id());
  // Within a person, the same note again.
  const std::string& start = person_.empty() ? prefix.bytes : person_;
  storage::Key note{prefix.table, {}};
  std::string value;
  const absl::Status scanned =
      parts_.engine.Scan(prefix, start, 1, [&](std::string_view key, std::string_view row) {
        note.bytes = key;
        value = row;
        return false;
      });
  if (!scanned.ok()) return scanned;
  if (note.bytes.empty()) {
    work->at_records = true;
    work->person.clear();
    work->after.reset();
    return absl::OkStatus();
  }
  work->changes.Read(note);
  // Who asked is only said; where it does not open, it is not.
  const auto request = OpenRow<storage::v1::ErasureRow>(scope.keys(), note, value);
  if (request.ok()) {
    work->principal = request->message.principal();
    work->certificate_sha256 = request->message.certificate_sha256();
  }
  const storage::Id128 id = storage::HeldErasureSubject(note.bytes);
  const storage::Id128* after =
      work->after.has_value() && work->after->subject == id ? &work->after->record : nullptr;
  const size_t limit = std::max<size_t>(1, parts_.step_records >> shrink_);
  auto locators = RecordFinder(parts_.engine, scope, &work->changes).FindSubject(id, after, limit);
  if (!locators.ok()) return locators.status();
  if (after != nullptr || !locators->empty()) {
    work->person = note.bytes;
    const absl::Status planned = PlanRecords(scope, policy, *locators, destroyer, work);
    const bool all = locators->size() < limit &&
                     (locators->empty() || work->after->record == locators->back().record);
    if (!planned.ok() || !all) return planned;
    work->after.reset();
    // Who has nothing left is looked at once more, and erased.
    if (work->left) work->person.push_back('\0');
    work->left = false;
    return absl::OkStatus();
  }
  work->person = note.bytes + '\0';
  work->after.reset();
  first_ = storage::CellFingerprint(note);
  if (passed_over_.contains(first_)) return absl::OkStatus();
  const auto person = LoadSubject(parts_.engine, scope, id, &work->changes);
  if (absl::IsDataLoss(person.status())) {
    PassOver(storage::SubjectKey(scope.id(), id));
    return absl::OkStatus();
  }
  if (!person.ok()) return person.status();
  if (!person->has_value() || (*person)->erased() || (*person)->row.use().erase_micros() == 0) {
    work->changes.Delete(note);
    return absl::OkStatus();
  }
  work->body.add_items()->set_subject_ref((*person)->row.subject_ref());
  return PlanErasure({parts_.engine, parts_.rules, parts_.unique, parts_.random}, scope, policy,
                     {work->principal, work->certificate_sha256, {}}, **person, work->now,
                     &work->changes)
      .status();
}

void RetentionSweeper::PassOver(const storage::Key& key) {
  const uint64_t cell = storage::CellFingerprint(key);
  passed_over_.insert(cell);
  if (reported_.insert(cell).second && parts_.damaged) parts_.damaged(key);
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
                                                .principal = work->principal,
                                                .certificate_sha256 = work->certificate_sha256,
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
  }
  waiting_now_ += work->waiting;
  at_records_ = work->at_records;
  person_ = work->person;
  left_ = work->left;
  after_ = work->after;
  if (work->at_end) EndTenant();
  return absl::OkStatus();
}

}  // namespace piivault::vault
