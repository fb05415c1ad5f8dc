// UpdateRecord, UpsertRecord.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/ledger/corrections.h"
#include "vault/records/record_finder.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_erase.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_intake.h"
#include "vault/service/vault_replay.h"

namespace piivault::vault {
namespace {

std::vector<std::string> FieldOf(const authz::FieldSpec* field) {
  return field == nullptr ? std::vector<std::string>{} : std::vector<std::string>{field->full_name};
}

// What follows for those who were given the values that the change replaces or removes.
absl::Status Correct(VaultCall& call, LoadedRecord& record, const RecordChange& change,
                     uint64_t version) {
  const auto ref = storage::Id128::FromBytes(record.subject.row.subject_ref());
  if (!ref.has_value()) return authz::ReasonStatus(authz::Reason::kDataLoss);
  const auto name_of = [&record](std::string_view field) {
    field.remove_prefix(std::min(field.size(), record.type().size() + 1));
    return field;
  };
  Corrections corrections(call.deps().engine, call.scope(), call.deps().random, call.policy(),
                          call.now(), &call.changes());
  return corrections.Record(
      *ref, {record.reader->record_ref(), version,
             [&](std::string_view field, uint64_t) -> absl::StatusOr<bool> {
               const std::optional<RecordField> old = record.reader->Field(name_of(field));
               if (!old.has_value() || old->absent) return false;
               const FieldWrite* write = change.WriteOf(name_of(field));
               if (write == nullptr) return change.Clears(name_of(field), old->one_way);
               const absl::StatusOr<SecretBytes> before = record.reader->DecryptField(*old);
               if (!before.ok()) return before.status();
               return before->view() != write->value;
             },
             [&](std::string_view field) { return change.WriteOf(name_of(field)) == nullptr; }});
}

// Plans the change of a loaded record and puts it into the entry. A refusal, or nothing.
std::optional<Plan> Change(VaultCall& call, LoadedRecord* record, RecordChange change,
                           const PersonDecision& decision, WriteResult* result) {
  change.author = call.session().principal_name();
  if (record->subject.row.use().erase_micros() != 0 && !change.set.empty()) {
    return call.Refuse(authz::Reason::kSubjectErased);
  }
  for (const RetainedField& one : RetainedFields(call.policy(), *record)) {
    // What is over is not written either: it would be lost, or pass for what the law keeps.
    const bool over = one.times.DueAt(call.now());
    if (change.WriteOf(one.field->name) == nullptr) continue;
    if (over || one.times.KeptByLawAt(call.now())) {
      return call.Refuse(over ? authz::Reason::kRetentionOver : authz::Reason::kKeptByLaw,
                         FieldOf(one.field));
    }
  }
  const std::vector<RetainedField> held =
      ApplyHolds(call.policy(), *record, call.vouched(), &change);
  if (!held.empty()) return RefuseHeld(call, *record, held);
  RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(), &call.changes());
  absl::StatusOr<WriteResult> written = writer.Update(record, change);
  if (!written.ok()) return call.Refuse(written.status());
  if (!written->ok()) return call.Refuse(written->reason, FieldOf(written->field));
  if (absl::Status corrected = Correct(call, *record, change, written->header.version());
      !corrected.ok()) {
    return call.Refuse(corrected);
  }
  writer.Finish();
  *result = *std::move(written);
  call.Describe(decision);
  call.AddFields(decision, call.AddItem(*result));
  return std::nullopt;
}

class UpdateRecordHandler : public Handler {
 public:
  explicit UpdateRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::UpdateRecordRequest>(context);
    VaultCall call(context, deps_);
    RecordName name;
    if (auto refused = call.OpenRecord(request.name(), &request.usage(), &name)) {
      return *std::move(refused);
    }
    const NamedValues values = ValuesOf(request.fields());
    FieldNames names;
    for (const auto& [field, value] : values) names.push_back(field);
    names.insert(names.end(), request.clear_fields().begin(), request.clear_fields().end());
    if (auto refused = call.CheckFieldNames(names, true)) return *std::move(refused);
    if (auto refused = DecideBeforeLookUp(call, request, name, names)) return *std::move(refused);

    absl::StatusOr<LoadResult> loaded = call.Resolve(name);
    if (!loaded.ok()) return call.Refuse(loaded.status());
    if (!loaded->ok()) return call.Refuse(loaded->reason);
    return Apply(context, call, request, values, names, loaded->record.get());
  }

 private:
  // The fields to clear stand behind those to set.
  static absl::Span<const authz::FieldId> Cleared(const v1::UpdateRecordRequest& request,
                                                  absl::Span<const authz::FieldId> fields) {
    return fields.last(static_cast<size_t>(request.clear_fields_size()));
  }

  // The type where the name says none, and the channel where the request says none, are the
  // record's: one that would do is enough here.
  static std::optional<Plan> DecideBeforeLookUp(VaultCall& call,
                                                const v1::UpdateRecordRequest& request,
                                                const RecordName& name, const FieldNames& names) {
    const IntakeChannel channel = ChannelBeforeLookUp(call.policy(), request.provenance());
    return call.DecideAnyType(authz::Verb::kUpdate, names, false, TypeIn(name),
                              [&](authz::DecisionInput* input) {
                                input->cleared = Cleared(request, input->fields);
                                input->channel = channel.name;
                                input->front_hop = channel.front_hop;
                              });
  }

  static Plan Apply(CallContext& context, VaultCall& call, const v1::UpdateRecordRequest& request,
                    const NamedValues& values, const FieldNames& names, LoadedRecord* record) {
    const authz::TypeId type = call.policy().FindType(record->header().type());
    FieldIds ids;
    call.ResolveFields(type, names, &ids);
    const bool stated = HasProvenance(request.provenance());
    const IntakeChannel channel = ChannelOf(request.provenance(), record->header());
    authz::DecisionInput input = call.Input(authz::Verb::kUpdate);
    input.type = type;
    input.fields = ids;
    input.cleared = Cleared(request, ids);
    input.channel = channel.name;
    input.front_hop = channel.front_hop;
    input.collected_at = CollectedAt(request.provenance());
    input.born = BornIn(call.policy(), values, ids);
    const PersonDecision decision =
        call.Decide(input, PersonFacts(call.tenant_id(), *record, call.policy(), call.now()));
    if (!decision.granted()) return call.Refuse(decision, record);
    auto* response = NewResponse<v1::UpdateRecordResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) {
      call.Describe(decision);
      call.AddFields(decision, call.AddItem(record));
      return call.Finish(response);
    }
    if (!request.etag().empty() && request.etag() != EtagOf(RecordDigest(record->row))) {
      return call.Refuse(authz::Reason::kEtagMismatch);
    }

    RecordChange change;
    change.born = input.born;
    change.clear.assign(request.clear_fields().begin(), request.clear_fields().end());
    for (std::string_view cleared : change.clear) {
      const authz::FieldSpec& field = call.policy().field(call.policy().FindField(type, cleared));
      if (field.required) return call.Refuse(authz::Reason::kFieldMissing, FieldOf(&field));
      if (field.one_way) return call.Refuse(authz::Reason::kFieldOneWay, FieldOf(&field));
    }
    const authz::FieldSpec* failed = nullptr;
    authz::Reason reason = CheckValues(
        call, values, absl::MakeConstSpan(ids).subspan(0, values.size()), &change.set, &failed);
    if (reason == authz::Reason::kOk && stated) {
      change.new_provenance = true;
      change.notice = request.provenance().notice();
      reason = CheckProvenance(call, request.provenance(), &change.provenance);
      if (!SaysChannel(request.provenance())) {
        const storage::v1::Provenance& before = record->header().provenance();
        change.provenance.set_channel(before.channel());
        change.provenance.set_front_hop_tls(before.front_hop_tls());
      }
      if (reason == authz::Reason::kOk) {
        reason = CheckNoticeChange(call.policy(), record->header().notice(), change.notice);
      }
    }
    if (reason != authz::Reason::kOk) return call.Refuse(reason, FieldOf(failed));
    WriteResult result;
    if (auto refused = Change(call, record, change, decision, &result)) return *std::move(refused);
    FillRecord(call.tenant_id(), result.identity, result.header, result.digest,
               response->mutable_record());
    FillTokens(result.header, values, response->mutable_tokens());
    return call.Finish(response);
  }

  const VaultDependencies& deps_;
};

class UpsertRecordHandler : public Handler {
 public:
  explicit UpsertRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::UpsertRecordRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    const IntakeRequest intake_request = IntakeOf(request.record());
    // Whoever may neither make nor change such a record does not learn whether it is there.
    Intake intake = JudgeIntake(call, authz::Verb::kCreate, intake_request);
    if (intake.denied()) {
      Intake update = JudgeIntake(call, authz::Verb::kUpdate, intake_request);
      if (update.denied()) return call.Refuse(intake.decision);
      intake = std::move(update);
    }
    if (intake.reason != authz::Reason::kOk) {
      return call.Refuse(intake.reason, FieldOf(intake.field));
    }
    if (request.record().ref().empty()) return call.Refuse(authz::Reason::kMalformedRequest);
    auto* response = NewResponse<v1::UpsertRecordResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) return Replay(call, intake_request, intake, response);

    absl::StatusOr<LoadResult> found =
        RecordFinder(deps_.engine, call.scope(), &call.changes())
            .FindRef(intake.draft.type->name, request.record().ref());
    if (!found.ok()) return call.Refuse(found.status());
    if (!found->ok() && found->reason != authz::Reason::kNotFound) {
      return call.Refuse(found->reason);
    }
    WriteResult result;
    std::optional<Plan> refused =
        found->ok() ? Replace(call, intake_request, intake, found->record.get(), &result)
                    : Create(call, intake_request, intake, &result);
    if (refused.has_value()) return *std::move(refused);
    response->set_created(!found->ok());
    FillRecord(call.tenant_id(), result.identity, result.header, result.digest,
               response->mutable_record());
    FillTokens(result.header, intake_request.fields, response->mutable_tokens());
    return call.Finish(response);
  }

 private:
  static Plan Replay(VaultCall& call, const IntakeRequest& request, const Intake& intake,
                     v1::UpsertRecordResponse* response) {
    const ReplayItem item{&response->record().name(), nullptr, &request, &intake};
    absl::StatusOr<std::vector<authz::Reason>> reasons = JudgeReplay(
        call, response->created() ? authz::Verb::kCreate : authz::Verb::kUpdate, {&item, 1});
    if (!reasons.ok()) return call.Refuse(reasons.status());
    if (reasons->front() != authz::Reason::kOk) return call.Refuse(reasons->front());
    return call.Finish(response);
  }

  static std::optional<Plan> Create(VaultCall& call, const IntakeRequest& request,
                                    const Intake& intake, WriteResult* result) {
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    const absl::StatusOr<PersonDecision> decided =
        DecideIntake(call, authz::Verb::kCreate, request, intake, &writer);
    if (!decided.ok()) return call.Refuse(decided.status());
    const PersonDecision& decision = *decided;
    if (!decision.granted()) return call.Refuse(decision);
    absl::StatusOr<WriteResult> written = writer.Create(intake.draft);
    if (!written.ok()) return call.Refuse(written.status());
    if (!written->ok()) return call.Refuse(written->reason, FieldOf(written->field));
    writer.Finish();
    *result = *std::move(written);
    call.Describe(decision);
    call.AddFields(decision, call.AddItem(*result));
    return std::nullopt;
  }

  static std::optional<Plan> Replace(VaultCall& call, const IntakeRequest& request,
                                     const Intake& intake, LoadedRecord* record,
                                     WriteResult* result) {
    // The record stays with its person and its controller.
    const bool moves =
        (intake.draft.subject.has_value() && *intake.draft.subject != record->identity.subject) ||
        (!request.controller.empty() && request.controller != record->header().controller());
    if (moves) return call.Refuse(authz::Reason::kAlreadyExists);
    FieldIds ids = intake.ids;
    for (const storage::v1::FieldHeader& field : record->header().fields()) {
      const authz::FieldId id = call.policy().FindField(intake.draft.type->id, field.name());
      // A credential stays: it is not the record's to bring.
      const bool cleared =
          !field.absent() && !field.one_way() && std::find(ids.begin(), ids.end(), id) == ids.end();
      if (cleared && id != authz::kNoField) ids.push_back(id);
    }
    authz::DecisionInput input = IntakeInput(call, authz::Verb::kUpdate, request, intake);
    input.fields = ids;
    input.cleared = absl::MakeConstSpan(ids).subspan(intake.ids.size());
    const PersonDecision decision =
        call.Decide(input, PersonFacts(call.tenant_id(), *record, call.policy(), call.now()));
    if (!decision.granted()) return call.Refuse(decision, record);
    const authz::Reason notice =
        CheckNoticeChange(call.policy(), record->header().notice(), intake.draft.notice);
    if (notice != authz::Reason::kOk) return call.Refuse(notice);
    RecordChange change;
    change.born = intake.draft.born;
    change.set = intake.draft.fields;
    change.clear_others = true;
    change.new_provenance = true;
    change.notice = intake.draft.notice;
    change.provenance = intake.draft.provenance;
    return Change(call, record, change, decision, result);
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewUpdateRecord(const VaultDependencies& dependencies) {
  return std::make_unique<UpdateRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewUpsertRecord(const VaultDependencies& dependencies) {
  return std::make_unique<UpsertRecordHandler>(dependencies);
}

}  // namespace piivault::vault
