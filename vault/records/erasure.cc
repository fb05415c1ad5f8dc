#include "vault/records/erasure.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "piivault/storage/v1/entry.pb.h"
#include "piivault/storage/v1/erasure.pb.h"
#include "storage/commit_and_wait.h"
#include "vault/audit/entry_builder.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/record_loader.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kMethod = "piivault.v1.VaultService/DeleteSubject";

// Takes away what would make the record readable, where it cannot be read itself.
absl::Status DeleteDamaged(const storage::Engine& engine, const TenantScope& tenant,
                           const storage::RecordLocator& locator, ChangeSet* changes) {
  changes->Delete(storage::RecordKey(tenant.id(), locator.subject, locator.record));
  const storage::Key wraps = storage::WrapPrefix(tenant.id(), locator.subject, locator.record);
  return engine.Scan(wraps, wraps.bytes, kErasureBatch,
                     [&](std::string_view key, std::string_view) {
                       changes->Delete({storage::Table::kWrap, std::string(key)});
                       return true;
                     });
}

absl::Status RemoveRecords(const RecordWriter::Deps& deps, const TenantScope& tenant,
                           const std::vector<storage::RecordLocator>& locators, Persons persons,
                           std::string_view subject_ref, RecordWriter* writer, ChangeSet* changes,
                           std::vector<ErasurePlan::Removed>* removed) {
  absl::StatusOr<std::vector<LoadResult>> loaded =
      LoadRecords(deps.engine, tenant, locators, changes, persons);
  if (!loaded.ok()) return loaded.status();
  for (size_t i = 0; i < locators.size(); ++i) {
    LoadResult& result = (*loaded)[i];
    if (result.ok()) {
      result.record->subject.row.set_subject_ref(subject_ref.data(), subject_ref.size());
      removed->push_back({result.record->header().record_ref(), result.record->reader->version()});
      if (writer->Delete(result.record.get()).ok()) continue;
    }
    absl::Status status = DeleteDamaged(deps.engine, tenant, locators[i], changes);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ErasurePlan> PlanErasure(const RecordWriter::Deps& deps, const TenantScope& tenant,
                                        const authz::Policy& policy, const ErasureRequest& request,
                                        SubjectState subject, absl::Time now, ChangeSet* changes) {
  ErasurePlan plan;
  RecordFinder finder(deps.engine, tenant, changes);
  std::vector<storage::RecordLocator> batch;
  const storage::Id128* after = nullptr;
  storage::Id128 last;
  for (;;) {
    absl::StatusOr<std::vector<storage::RecordLocator>> page =
        finder.FindSubject(subject.id, after, kErasureBatch + 1);
    if (!page.ok()) return page.status();
    plan.records += static_cast<int>(page->size());
    if (page->empty()) break;
    last = page->back().record;
    after = &last;
    if (batch.empty()) batch = *std::move(page);
  }

  const std::string subject_ref = subject.row.subject_ref();
  if (batch.size() <= kErasureBatch) {
    RecordWriter writer(deps, tenant, policy, now, changes);
    absl::Status status = RemoveRecords(deps, tenant, batch, Persons::kLiving, subject_ref, &writer,
                                        changes, &plan.removed);
    if (!status.ok()) return status;
  } else {
    storage::v1::ErasureRow note;
    note.set_subject_ref(subject_ref);
    note.set_principal(request.principal.data(), request.principal.size());
    note.set_certificate_sha256(request.certificate_sha256.data(),
                                request.certificate_sha256.size());
    note.set_tenant(request.tenant.data(), request.tenant.size());
    note.set_time_micros(absl::ToUnixMicros(now));
    storage::Key key = storage::ErasureKey(tenant.id(), subject.id);
    std::string value = SealRow(tenant.keys(), deps.random, key, 1, note);
    changes->Put(std::move(key), std::move(value));
  }
  if (subject.row.use().erase_micros() != 0) {
    changes->Delete(storage::HeldErasureKey(tenant.id(), subject.id));
  }
  const uint64_t version = subject.row.version() + 1;
  subject.row.clear_subject_ref();
  subject.row.clear_use();
  subject.row.set_erased(true);
  subject.row.set_version(version);
  subject.row.set_time_micros(absl::ToUnixMicros(now));
  PutSubject(tenant, deps.random, subject, changes);
  changes->reads.push_back(EpochCell());
  changes->Retain(subject_ref, {}, 0, nullptr, nullptr);
  return plan;
}

ErasureWorker::ErasureWorker(storage::Engine& engine, const StateStore& store,
                             const ValueRules& rules, const UniqueCells& unique,
                             RandomSource& random, std::function<absl::Time()> now, Report report)
    : engine_(engine),
      store_(store),
      deps_{engine, rules, unique, random},
      now_(std::move(now)),
      report_(std::move(report)) {}

absl::StatusOr<bool> ErasureWorker::Step() {
  const storage::Key prefix = storage::ErasurePrefix();
  const absl::Time now = now_();
  storage::Key key = prefix;
  std::string note;
  absl::Status scanned = engine_.Scan(prefix, start_.empty() ? prefix.bytes : start_,
                                      std::numeric_limits<size_t>::max(),
                                      [&](std::string_view row_key, std::string_view value) {
                                        const auto failure = failures_.find(std::string(row_key));
                                        if (failure != failures_.end() && now < failure->second.due)
                                          return true;
                                        key.bytes = row_key;
                                        note = value;
                                        return false;
                                      });
  if (!scanned.ok()) return scanned;
  if (key == prefix) {
    start_.clear();
    std::erase_if(failures_, [this](const auto& failure) {
      return absl::IsNotFound(engine_.Get({storage::Table::kState, failure.first}).status());
    });
    failing_.store(failures_.size(), std::memory_order_relaxed);
    return false;
  }
  auto commit = std::make_unique<storage::Commit>();
  commit->as_of = engine_.AppliedSequence();
  const absl::Status planned = Plan(key, note, commit.get());
  if (absl::IsUnavailable(planned)) return planned;
  if (!planned.ok()) {
    Fail(key, planned);
    return true;
  }
  const absl::Status done = storage::CommitOrError(engine_, std::move(commit)).status();
  if (!done.ok()) return done;
  failures_.erase(key.bytes);
  failing_.store(failures_.size(), std::memory_order_relaxed);
  start_ = key.bytes;
  return true;
}

void ErasureWorker::Fail(const storage::Key& key, const absl::Status& cause) {
  Failure& failure = failures_[key.bytes];
  failure.pause = std::clamp(2 * failure.pause, kFirstRetry, kLastRetry);
  failure.due = now_() + failure.pause;
  failing_.store(failures_.size(), std::memory_order_relaxed);
  start_ = key.bytes + '\0';
  if (report_) report_(key, cause);
}

absl::Status ErasureWorker::Plan(const storage::Key& key, std::string_view note,
                                 storage::Commit* commit) const {
  const absl::Time now = now_();
  commit->decided_at = now;
  const std::shared_ptr<const StateSnapshot> state = store_.snapshot();
  const storage::ErasureName name = storage::ParseErasureKey(key.bytes);
  const TenantState* tenant_state = nullptr;
  for (const auto& [unused, candidate] : state->tenants()) {
    if (candidate->id == name.tenant) tenant_state = candidate.get();
  }
  if (tenant_state == nullptr) {
    return absl::DataLossError("a note of an erasure that belongs to no tenant");
  }
  const authz::Policy* policy = tenant_state->policy_in_force();
  if (policy == nullptr) return absl::FailedPreconditionError("tenant without policy");
  absl::StatusOr<TenantScope> tenant = TenantScope::Create(*state, *tenant_state);
  if (!tenant.ok()) return absl::FailedPreconditionError("tenant without keys");

  ChangeSet changes;
  changes.Read(key);
  absl::StatusOr<std::optional<SubjectState>> subject =
      LoadSubject(engine_, *tenant, name.subject, &changes);
  if (!subject.ok()) return subject.status();
  if (!subject->has_value() || !(*subject)->erased()) {
    return absl::DataLossError("a note of an erasure without tombstone");
  }
  // Where the note does not open, the entries lack who asked for the erasure; its own entry has it.
  storage::v1::ErasureRow request;
  absl::StatusOr<OpenedRow<storage::v1::ErasureRow>> row =
      OpenRow<storage::v1::ErasureRow>(state->keys(), key, note);
  if (row.ok()) {
    request = std::move(row->message);
  } else if (report_) {
    report_(key, row.status());
  }
  absl::StatusOr<std::vector<storage::RecordLocator>> records =
      RecordFinder(engine_, *tenant, &changes).FindSubject(name.subject, nullptr, kErasureBatch);
  if (!records.ok()) return records.status();
  std::vector<ErasurePlan::Removed> removed;
  RecordWriter writer(deps_, *tenant, *policy, now, &changes);
  absl::Status status = RemoveRecords(deps_, *tenant, *records, Persons::kErased,
                                      request.subject_ref(), &writer, &changes, &removed);
  if (!status.ok()) return status;
  if (records->size() < kErasureBatch) {
    // Wraps whose record is gone would keep their epoch from ever being destroyed.
    size_t wraps = 0;
    const storage::Key prefix = storage::WrapPrefix(name.tenant, name.subject);
    status = engine_.Scan(prefix, prefix.bytes, 2 * kErasureBatch,
                          [&](std::string_view wrap, std::string_view) {
                            ++wraps;
                            changes.Delete({storage::Table::kWrap, std::string(wrap)});
                            return true;
                          });
    if (!status.ok()) return status;
    if (wraps < 2 * kErasureBatch) changes.Delete(key);
  }

  storage::v1::EntryBody body = NewEntryBody({.time = now,
                                              .principal = request.principal(),
                                              .certificate_sha256 = request.certificate_sha256(),
                                              .method = kMethod,
                                              .tenant = tenant_state->name,
                                              .policy_sha256 = policy->hash(),
                                              .peer = {}},
                                             authz::Reason::kOk);
  for (const ErasurePlan::Removed& item : removed) {
    storage::v1::EntryItem& entry_item = *body.add_items();
    entry_item.set_subject_ref(request.subject_ref());
    entry_item.set_record_ref(item.record_ref);
    entry_item.set_version(item.version);
  }
  commit->entry = DraftEntry(changes.retained, body, deps_.random);
  commit->reads = std::move(changes.reads);
  commit->touches = std::move(changes.touches);
  commit->writes = std::move(changes.writes);
  return absl::OkStatus();
}

}  // namespace piivault::vault
