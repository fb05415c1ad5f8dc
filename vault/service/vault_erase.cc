#include "vault/service/vault_erase.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "authz/retention.h"
#include "vault/records/record_finder.h"
#include "vault/retention/destroyer.h"
#include "vault/service/admin_convert.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::SubjectUse;

// Records of one person that are looked at, and of one of whom something is kept.
constexpr size_t kMaxLookedAt = 10'000;
constexpr size_t kMaxKeptOf = 100;

// Of all records of a person, a slice at a time. An error, or kOk.
absl::Status ForEachRecord(VaultCall& call, absl::Span<const storage::RecordLocator> locators,
                           absl::FunctionRef<absl::Status(LoadResult*)> use) {
  for (size_t begin = 0; begin < locators.size(); begin += kLoadSlice) {
    const size_t count = std::min(kLoadSlice, locators.size() - begin);
    absl::StatusOr<std::vector<LoadResult>> loaded = LoadRecords(
        call.deps().engine, call.scope(), locators.subspan(begin, count), &call.changes());
    if (!loaded.ok()) return loaded.status();
    for (LoadResult& result : *loaded) {
      if (absl::Status used = use(&result); !used.ok()) return used;
    }
    call.Yield();
  }
  return absl::OkStatus();
}

// What periods of storage are counted from stays; what the person has said goes.
void KeepTimes(int64_t now_micros, SubjectUse* use) {
  SubjectUse kept;
  kept.set_contract_ended(use->contract_ended());
  kept.set_contract_end_micros(use->contract_end_micros());
  kept.mutable_matters()->Swap(use->mutable_matters());
  kept.mutable_events()->Swap(use->mutable_events());
  kept.set_erase_micros(use->erase_micros() != 0 ? use->erase_micros() : now_micros);
  *use = std::move(kept);
}

// Destroys what is not held, and puts both into entry and answer.
absl::Status EraseOthers(VaultCall& call, LoadedRecord* record, Destroyer* destroyer,
                         v1::DeleteSubjectResponse* response) {
  const std::vector<RetainedField> held = HeldFields(call.policy(), *record, call.now());
  std::vector<std::string_view> names;
  for (const storage::v1::FieldHeader& field : record->header().fields()) {
    const bool keep = std::any_of(held.begin(), held.end(), [&field](const RetainedField& one) {
      return one.field->name == field.name();
    });
    if (!field.absent() && !keep) names.push_back(field.name());
  }
  storage::v1::EntryItem& item = *call.AddItem(record);
  for (const std::string_view name : names) {
    item.add_fields(Concat({record->type(), ".", name}));
  }
  if (!held.empty()) {
    item.set_reason(std::string(authz::ReasonName(authz::Reason::kRetentionHold)));
  }
  // By law and end: one entry of the answer each.
  std::map<std::pair<std::string, absl::Time>, v1::HeldFields*> by_law;
  for (const RetainedField& one : held) {
    item.add_denied_fields(one.field->full_name);
    v1::HeldFields*& fields = by_law[{one.times.hold->hold, one.times.held_until}];
    if (fields == nullptr) {
      fields = response->add_held();
      fields->set_record(
          MakeRecordName(call.tenant_id(), record->identity.subject, record->identity.record));
      fields->set_law(one.times.hold->hold);
      if (one.times.held_until != absl::InfiniteFuture()) {
        FillTime(absl::ToUnixMicros(one.times.held_until), fields->mutable_until());
      }
    }
    fields->add_fields(one.field->name);
  }
  if (names.empty() && !held.empty()) return absl::OkStatus();
  return destroyer->Destroy(record, names).status();
}

}  // namespace

Plan RefuseHeld(VaultCall& call, const LoadedRecord& record,
                const std::vector<RetainedField>& held) {
  storage::v1::EntryItem& item = *call.AddItem(&record);
  std::vector<std::string> names = NamesOf(held);
  for (const std::string& name : names) item.add_denied_fields(name);
  return call.Refuse(authz::Reason::kRetentionHold, std::move(names));
}

std::optional<Plan> EraseButHeld(VaultCall& call, const SubjectState& person, bool keep_held,
                                 v1::DeleteSubjectResponse* response, bool* kept) {
  *kept = false;
  if (!authz::HasHolds(call.policy())) return std::nullopt;
  absl::StatusOr<std::vector<storage::RecordLocator>> locators =
      RecordFinder(call.deps().engine, call.scope(), &call.changes())
          .FindSubject(person.id, nullptr, kMaxLookedAt + 1);
  if (!locators.ok()) return call.Refuse(locators.status());
  if (locators->size() > kMaxLookedAt) return call.Refuse(authz::Reason::kBatchTooLarge);
  std::set<std::string> held;
  absl::Status status = ForEachRecord(call, *locators, [&](LoadResult* result) {
    // What does not open is nobody's to keep.
    if (!result->ok()) return absl::OkStatus();
    for (std::string& name : NamesOf(HeldFields(call.policy(), *result->record, call.now()))) {
      held.insert(std::move(name));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return call.Refuse(status);
  if (held.empty()) return std::nullopt;
  if (!keep_held) {
    storage::v1::EntryItem& item = *call.entry().mutable_items(0);
    item.mutable_denied_fields()->Assign(held.begin(), held.end());
    return call.Refuse(authz::Reason::kRetentionHold, {held.begin(), held.end()});
  }
  if (locators->size() > kMaxKeptOf) return call.Refuse(authz::Reason::kBatchTooLarge);

  Destroyer destroyer(call.writer_deps(), call.scope(), call.policy(), call.now(), &call.changes());
  std::unique_ptr<LoadedRecord> any;
  status = ForEachRecord(call, *locators, [&](LoadResult* result) {
    if (!result->ok()) return authz::ReasonStatus(result->reason);
    absl::Status erased = EraseOthers(call, result->record.get(), &destroyer, response);
    any = std::move(result->record);
    return erased;
  });
  if (!status.ok()) return call.Refuse(status);
  KeepTimes(absl::ToUnixMicros(call.now()), &destroyer.writer().ChangeUse(*any));
  if (status = destroyer.Finish(); !status.ok()) return call.Refuse(status);
  call.MarkPartial(authz::Reason::kRetentionHold);
  response->set_records(static_cast<int32_t>(locators->size()));
  *kept = true;
  return std::nullopt;
}

}  // namespace piivault::vault
