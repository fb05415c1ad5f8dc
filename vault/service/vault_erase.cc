#include "vault/service/vault_erase.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "authz/retention.h"
#include "piivault/storage/v1/erasure.pb.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/record_finder.h"
#include "vault/retention/destroyer.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/person_records.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::SubjectUse;

// Records that go with the call itself; the others are closed at once, and go in the background.
constexpr size_t kMaxAtOnce = 100;

// What periods of storage are counted from stays, and what limits the use of what is left; what
// else the person has said goes.
void KeepTimes(int64_t now_micros, SubjectUse* use) {
  SubjectUse kept;
  kept.set_contract_ended(use->contract_ended());
  kept.set_contract_end_micros(use->contract_end_micros());
  for (storage::v1::MatterRow& matter : *use->mutable_matters()) {
    const bool counts = matter.records_size() > 0 || authz::IsDisputed(matter.type());
    if (counts) kept.add_matters()->Swap(&matter);
  }
  kept.mutable_events()->Swap(use->mutable_events());
  kept.mutable_stops()->Swap(use->mutable_stops());
  kept.set_holder(use->holder());
  kept.set_erase_micros(use->erase_micros() != 0 ? use->erase_micros() : now_micros);
  *use = std::move(kept);
}

// What of the record a law keeps, for the answer: by law and end.
void AddHeld(VaultCall& call, const LoadedRecord& record, const std::vector<RetainedField>& held,
             v1::DeleteSubjectResponse* response) {
  std::map<std::pair<std::string, absl::Time>, v1::HeldFields*> by_law;
  for (const RetainedField& one : held) {
    v1::HeldFields*& fields = by_law[{one.times.hold->hold, one.times.held_until}];
    if (fields == nullptr) {
      fields = response->add_held();
      fields->set_record(
          MakeRecordName(call.tenant_id(), record.identity.subject, record.identity.record));
      fields->set_law(one.times.hold->hold);
      if (one.times.held_until != absl::InfiniteFuture()) {
        FillTime(absl::ToUnixMicros(one.times.held_until), fields->mutable_until());
      }
    }
    fields->add_fields(one.field->name);
  }
}

// Destroys what is not held, and puts both into the entry.
absl::Status EraseOthers(VaultCall& call, LoadedRecord* record, Destroyer* destroyer) {
  const absl::StatusOr<Destroyer::Rest> rest = destroyer->DestroyAllButHeld(record);
  if (!rest.ok()) return rest.status();
  storage::v1::EntryItem& item = *call.AddItem(record);
  item.set_version(rest->version);
  for (const std::string_view name : rest->destroyed) {
    item.add_fields(Concat({record->type(), ".", name}));
  }
  for (const RetainedField& one : rest->held) item.add_denied_fields(one.field->full_name);
  if (!rest->held.empty()) {
    item.set_reason(std::string(authz::ReasonName(authz::Reason::kRetentionHold)));
  }
  return absl::OkStatus();
}

// Who asked, for what follows.
void PutNote(VaultCall& call, const CallerIdentity& caller, const storage::Id128& person) {
  storage::v1::ErasureRow note;
  note.set_principal(std::string(call.session().principal_name()));
  note.set_certificate_sha256(caller.certificate_sha256);
  note.set_tenant(call.tenant_id());
  note.set_time_micros(absl::ToUnixMicros(call.now()));
  storage::Key key = storage::HeldErasureKey(call.scope().id(), person);
  std::string value = SealRow(call.scope().keys(), call.deps().random, key, 1, note);
  call.changes().Put(std::move(key), std::move(value));
}

}  // namespace

Plan RefuseHeld(VaultCall& call, const LoadedRecord& record,
                const std::vector<RetainedField>& held) {
  storage::v1::EntryItem& item = *call.AddItem(&record);
  std::vector<std::string> names = NamesOf(held);
  for (const std::string& name : names) item.add_denied_fields(name);
  return call.Refuse(authz::Reason::kRetentionHold, std::move(names));
}

std::optional<Plan> EraseButHeld(VaultCall& call, const CallerIdentity& caller,
                                 const SubjectState& person, bool keep_held,
                                 v1::DeleteSubjectResponse* response, ErasureLeft* left) {
  *left = ErasureLeft::kNothing;
  const bool marked = person.row.use().erase_micros() != 0;
  if (!marked && !authz::HasHolds(call.policy())) return std::nullopt;
  absl::StatusOr<std::vector<storage::RecordLocator>> locators =
      RecordFinder(call.deps().engine, call.scope(), &call.changes())
          .FindSubject(person.id, nullptr, kMaxRecordsOfPerson + 1);
  if (!locators.ok()) return call.Refuse(locators.status());
  const bool too_many = locators->size() > kMaxRecordsOfPerson;
  if (too_many && !keep_held) return call.Refuse(authz::Reason::kBatchTooLarge);
  std::set<std::string> held;
  absl::Status status = ForEachRecord(call, *locators, [&](LoadResult& result) {
    // What does not open is nobody's to keep.
    if (!result.ok()) return absl::OkStatus();
    const std::vector<RetainedField> fields =
        HeldFields(call.policy(), *result.record, call.vouched());
    AddHeld(call, *result.record, fields, response);
    for (std::string& name : NamesOf(fields)) held.insert(std::move(name));
    return absl::OkStatus();
  });
  if (!status.ok()) return call.Refuse(status);
  if (held.empty() && !too_many) return std::nullopt;
  if (!keep_held) {
    storage::v1::EntryItem& item = *call.entry().mutable_items(0);
    item.mutable_denied_fields()->Assign(held.begin(), held.end());
    return call.Refuse(authz::Reason::kRetentionHold, {held.begin(), held.end()});
  }
  Destroyer destroyer(call.writer_deps(), call.scope(), call.policy(), call.vouched(),
                      &call.changes());
  std::unique_ptr<LoadedRecord> any;
  const size_t at_once = std::min(locators->size(), kMaxAtOnce);
  const auto first = absl::MakeConstSpan(*locators).subspan(0, at_once);
  status = ForEachRecord(call, first, [&](LoadResult& result) {
    if (!result.ok()) return authz::ReasonStatus(result.reason);
    absl::Status erased = EraseOthers(call, result.record.get(), &destroyer);
    any = std::move(result.record);
    return erased;
  });
  if (!status.ok()) return call.RefuseAll(ReasonOf(status));
  KeepTimes(absl::ToUnixMicros(call.now()), &destroyer.writer().ChangeUse(*any));
  if (status = destroyer.Finish(); !status.ok()) return call.RefuseAll(ReasonOf(status));
  PutNote(call, caller, person.id);
  call.MarkPartial(authz::Reason::kRetentionHold);
  response->set_records(static_cast<int32_t>(locators->size()));
  *left = at_once < locators->size() ? ErasureLeft::kMore : ErasureLeft::kHeld;
  return std::nullopt;
}

}  // namespace piivault::vault
