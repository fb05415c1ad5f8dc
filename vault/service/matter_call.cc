#include "vault/service/matter_call.h"

#include <algorithm>
#include <utility>

#include "vault/records/record_loader.h"
#include "vault/service/admin_convert.h"
#include "vault/service/told_events.h"
#include "vault/state/resource_id.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::MatterRow;

constexpr int kMaxRecords = 100;
constexpr int kMaxRecordsOfPerson = 500;  // each as often as matters are about it

bool IsOneOf(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsAbout(const MatterRow& row, const storage::Id128& record) {
  return std::any_of(row.records().begin(), row.records().end(),
                     [&record](const std::string& id) { return id == record.view(); });
}

}  // namespace

std::optional<Plan> MatterCall::Open(std::string_view parent, const v1::Usage& usage,
                                     absl::Span<const authz::Verb> verbs) {
  std::string_view tenant;
  if (const auto subject = ParseSubjectName(parent); subject.has_value()) {
    tenant = subject->tenant;
    person_id_ = subject->subject;
  } else {
    tenant = ParseTenantName(parent).value_or(std::string_view());
  }
  if (auto refused = call_.OpenTenant(tenant, &usage)) return refused;
  return DecideOneOf(call_, verbs);
}

std::optional<Plan> MatterCall::Name(std::string_view kind, std::string_view id) {
  spec_ = call_.policy().FindMatter(kind);
  if (spec_ == nullptr) return Bad(Reason::kMatterUnknown, "kind");
  if ((spec_->about == authz::MatterAbout::kSubject) != person_id_.has_value()) {
    return call_.Refuse(Reason::kMalformedRequest, {"parent"});
  }
  if (!authz::IsValidTicket(id)) return Bad(Reason::kMalformedRequest, "id");
  if (DetectProhibited(id).any()) return Bad(Reason::kProhibitedType, "id");
  call_.entry().set_resource(Concat({kind, "/", id}));
  return std::nullopt;
}

std::optional<Plan> MatterCall::CheckState(const std::string& state) {
  if (state.empty()) return std::nullopt;
  if (!IsOneOf(spec_->states, state)) return Bad(Reason::kMalformedRequest, "state");
  (*call_.entry().mutable_arguments())["matter.state"] = state;
  return std::nullopt;
}

std::optional<Plan> MatterCall::CheckType(const std::string& type) {
  if (type.empty()) return std::nullopt;
  if (!IsOneOf(spec_->types, type)) return Bad(Reason::kMalformedRequest, "type");
  (*call_.entry().mutable_arguments())["matter.type"] = type;
  return std::nullopt;
}

std::optional<Plan> MatterCall::NameRecords(const RecordNames& names, std::string_view argument) {
  if (names.empty()) return std::nullopt;
  if (!person_id_.has_value()) return Bad(Reason::kMalformedRequest, argument);
  if (names.size() > kMaxRecords) return Bad(Reason::kBatchTooLarge, argument);
  records_argument_ = argument;
  for (const std::string& name : names) {
    const std::optional<RecordName> record = ParseRecordName(name);
    if (!record.has_value() || record->by_ref) return Bad(Reason::kMalformedRequest, argument);
    records_.push_back(*record);
  }
  return std::nullopt;
}

std::optional<Plan> MatterCall::Load(absl::Span<const authz::Verb> verbs) {
  if (person_id_.has_value()) return LoadPerson(call_, *person_id_, verbs, &person_);
  PersonDecision decision;
  return DecideOneOf(call_, verbs, PersonFacts(), &decision);
}

const MatterState* MatterCall::FindOfTenant(std::string_view kind, std::string_view id) {
  call_.changes().Read(storage::MatterKey(call_.scope().id(), kind, id));
  return of_tenant().Find(kind, id);
}

std::optional<Plan> MatterCall::LinkRecords(MatterRow* row) {
  std::vector<storage::Id128> ids;
  for (const RecordName& name : records_) {
    if (name.tenant != call_.tenant_id() || name.subject != *person_id_) {
      return Bad(Reason::kNotFound, records_argument_);
    }
    const bool repeated = std::find(ids.begin(), ids.end(), name.record) != ids.end();
    if (!repeated && !IsAbout(*row, name.record)) ids.push_back(name.record);
  }
  if (ids.empty()) return std::nullopt;
  const int count = static_cast<int>(ids.size());
  int of_person = 0;
  for (const MatterRow& other : person_.row.use().matters()) of_person += other.records_size();
  if (row->records_size() + count > kMaxRecords || of_person + count > kMaxRecordsOfPerson) {
    return Bad(Reason::kBatchTooLarge, records_argument_);
  }
  std::vector<storage::RecordLocator> locators;
  for (const storage::Id128& id : ids) locators.push_back({*person_id_, id});
  const auto loaded = LoadRecords(call_.deps().engine, call_.scope(), locators, &call_.changes());
  if (!loaded.ok()) return call_.Refuse(loaded.status());
  for (const LoadResult& result : *loaded) {
    if (!result.ok()) return Bad(result.reason, records_argument_);
  }
  for (const LoadResult& result : *loaded) {
    call_.AddItem(result.record.get());
    row->add_records(std::string(result.record->identity.record.view()));
  }
  return std::nullopt;
}

Plan MatterCall::Bad(Reason reason, std::string_view argument) {
  return call_.Refuse(reason, {Concat({path_, argument})});
}

void MatterCall::FillMatter(const MatterRow& row, v1::Matter* matter) const {
  matter->set_kind(row.kind());
  matter->set_id(row.id());
  matter->set_state(row.state());
  matter->set_party(row.party());
  *matter->mutable_purposes() = row.purposes();
  if (row.not_after_micros() != 0) FillTime(row.not_after_micros(), matter->mutable_not_after());
  FillTime(row.open_micros(), matter->mutable_open_time());
  FillTime(row.update_micros(), matter->mutable_update_time());
  matter->set_type(row.type());
  for (const std::string& id : row.records()) {
    const std::optional<storage::Id128> record = storage::Id128::FromBytes(id);
    if (!record.has_value() || !person_id_.has_value()) continue;
    matter->add_records(MakeRecordName(call_.tenant_id(), *person_id_, *record));
  }
  FillEvents(row.events(), matter->mutable_events());
}

Plan MatterCall::FinishOfTenant(google::protobuf::Message* response, const MatterRow& row,
                                absl::Span<const MatterRow> removed) {
  const storage::TenantId tenant = call_.scope().id();
  StateChange change = call_.deps().store.NewChange(call_.session().shared_state());
  for (const MatterRow& old : removed) change.RemoveMatter(tenant, old.kind(), old.id());
  change.PutMatter(tenant, row);
  Plan plan = call_.Finish(response);
  if (plan.reason == Reason::kOk) change.MoveTo(&plan);
  return plan;
}

}  // namespace piivault::vault
