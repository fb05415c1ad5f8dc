// DeleteRecord, DeleteSubject.
#include <memory>
#include <optional>
#include <utility>

#include "piivault/v1/vault_service.pb.h"
#include "vault/ledger/corrections.h"
#include "vault/records/erasure.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_erase.h"
#include "vault/service/vault_handlers.h"

namespace piivault::vault {
namespace {

Corrections CorrectionsOf(VaultCall& call) {
  return Corrections(call.deps().engine, call.scope(), call.deps().random, call.policy(),
                     call.now(), &call.changes());
}

storage::Id128 SubjectRefOf(const SubjectState& subject) {
  return RefOf(subject.row.subject_ref());
}

class DeleteRecordHandler : public Handler {
 public:
  explicit DeleteRecordHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::DeleteRecordRequest>(context);
    VaultCall call(context, deps_);
    RecordName name;
    if (auto refused = call.OpenRecord(request.name(), &request.usage(), &name)) {
      return *std::move(refused);
    }
    if (auto refused = call.DecideAnyType(authz::Verb::kDelete, {}, false, TypeIn(name))) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::DeleteRecordResponse>(context);
    // Before the record is looked for: it is gone when the call comes again.
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    if (call.replayed()) return call.Finish(response);
    absl::StatusOr<LoadResult> loaded = call.Resolve(name);
    if (!loaded.ok()) return call.Refuse(loaded.status());
    if (!loaded->ok()) return call.Refuse(loaded->reason);
    LoadedRecord& record = *loaded->record;
    const PersonDecision decision = call.Decide(
        authz::Verb::kDelete, call.policy().FindType(record.header().type()), {}, record);
    if (!decision.granted()) return call.Refuse(decision, &record);
    if (!request.etag().empty() && request.etag() != EtagOf(RecordDigest(record.row))) {
      return call.Refuse(authz::Reason::kEtagMismatch);
    }
    const std::vector<RetainedField> held = HeldFields(call.policy(), record, call.vouched());
    if (!held.empty()) return RefuseHeld(call, record, held);
    // What is left of this one goes by itself, and the person with the last of it.
    if (record.subject.row.use().erase_micros() != 0) {
      return call.Refuse(authz::Reason::kSubjectErased);
    }
    RecordWriter writer(call.writer_deps(), call.scope(), call.policy(), call.now(),
                        &call.changes());
    absl::Status deleted = writer.Delete(&record);
    if (deleted.ok()) {
      deleted = CorrectionsOf(call).Record(
          SubjectRefOf(record.subject),
          {record.reader->record_ref(), 0, [](std::string_view, uint64_t) { return true; },
           [](std::string_view) { return true; }});
    }
    if (!deleted.ok()) return call.Refuse(deleted);
    writer.Finish();
    call.Describe(decision);
    call.AddFields(decision, call.AddItem(&record));
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

class DeleteSubjectHandler : public Handler {
 public:
  explicit DeleteSubjectHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::DeleteSubjectRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.name());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = call.DecideTenant(authz::Verb::kDeleteSubject)) return *std::move(refused);
    auto* response = NewResponse<v1::DeleteSubjectResponse>(context);
    if (auto refused = call.FindRequest(request.request_id(), response)) {
      return *std::move(refused);
    }
    absl::StatusOr<std::optional<SubjectState>> subject =
        LoadSubject(deps_.engine, call.scope(), name->subject, &call.changes());
    if (!subject.ok()) return call.Refuse(subject.status());
    if (!subject->has_value()) return call.Refuse(authz::Reason::kNotFound);
    // A call that comes again finds the person erased, by itself.
    if ((*subject)->erased() && !call.replayed()) {
      return call.Refuse(authz::Reason::kSubjectErased);
    }
    // A call that comes again is decided as it was before the person was erased.
    SubjectState person_before = **subject;
    person_before.row.set_erased(false);
    const PersonDecision decision =
        call.Decide(authz::Verb::kDeleteSubject, authz::kNoType, {}, person_before);
    if (!decision.granted()) return call.Refuse(decision);
    call.Describe(decision);

    const std::string subject_ref = (*subject)->row.subject_ref();
    storage::v1::EntryItem& person = *call.entry().add_items();
    person.set_subject_ref(subject_ref);
    if (decision.grant != nullptr) person.add_grants(decision.grant->id);
    if (call.replayed()) return call.Finish(response);
    ErasureLeft left;
    if (auto refused =
            EraseButHeld(call, *context.caller, **subject, request.keep_held(), response, &left)) {
      return *std::move(refused);
    }
    if (left != ErasureLeft::kNothing) {
      Plan plan = call.Finish(response);
      if (left == ErasureLeft::kMore) Wake(&plan);
      return plan;
    }
    if (absl::Status told = CorrectionsOf(call).Erase(SubjectRefOf(**subject)); !told.ok()) {
      return call.Refuse(told);
    }
    absl::StatusOr<ErasurePlan> erasure = PlanErasure(
        call.writer_deps(), call.scope(), call.policy(),
        {call.session().principal_name(), context.caller->certificate_sha256, call.tenant_id()},
        **std::move(subject), call.now(), &call.changes());
    if (!erasure.ok()) return call.Refuse(erasure.status());
    for (const ErasurePlan::Removed& removed : erasure->removed) {
      storage::v1::EntryItem& item = *call.entry().add_items();
      item.set_subject_ref(subject_ref);
      item.set_record_ref(removed.record_ref);
      item.set_version(removed.version);
    }
    response->set_records(erasure->records);
    const bool pending = erasure->records > static_cast<int>(kErasureBatch);
    Plan plan = call.Finish(response);
    if (pending) Wake(&plan);
    return plan;
  }

 private:
  // What is left for the background, as soon as this is durable.
  void Wake(Plan* plan) const {
    if (!deps_.erasure_pending) return;
    plan->applied = [notify = deps_.erasure_pending](const storage::LogPosition&) { notify(); };
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewDeleteRecord(const VaultDependencies& dependencies) {
  return std::make_unique<DeleteRecordHandler>(dependencies);
}
std::unique_ptr<Handler> NewDeleteSubject(const VaultDependencies& dependencies) {
  return std::make_unique<DeleteSubjectHandler>(dependencies);
}

}  // namespace piivault::vault
