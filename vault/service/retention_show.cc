// GetRetention, ListDestructions.
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "vault/retention/retained_fields.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/person_records.h"
#include "vault/service/retention_handlers.h"
#include "vault/service/subject_change.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr authz::Verb kSelectOrApprove[] = {authz::Verb::kSelectDestruction,
                                            authz::Verb::kApproveDestruction};
constexpr int kMaxFields = 10'000;

void FillInstant(absl::Time time,
                 google::protobuf::Timestamp* (v1::FieldRetention::*mutable_time)(),
                 v1::FieldRetention* field) {
  if (time == absl::InfiniteFuture() || time == absl::InfinitePast()) return;
  FillTime(absl::ToUnixMicros(time), (field->*mutable_time)());
}

// As entries of the log are shown.
std::string RefText(std::string_view bytes) {
  const std::optional<storage::Id128> ref = storage::Id128::FromBytes(bytes);
  return ref.has_value() ? ref->ToText() : std::string();
}

class GetRetentionHandler : public Handler {
 public:
  explicit GetRetentionHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::GetRetentionRequest>(context);
    VaultCall call(context, deps_);
    const std::optional<SubjectName> name = ParseSubjectName(request.subject());
    if (auto refused = call.OpenTenant(name.has_value() ? name->tenant : std::string_view(),
                                       &request.usage())) {
      return *std::move(refused);
    }
    if (auto refused = DecideOneOf(call, kSelectOrApprove)) return *std::move(refused);
    SubjectState person;
    if (auto refused = LoadPerson(call, name->subject, kSelectOrApprove, &person)) {
      return *std::move(refused);
    }
    auto* response = NewResponse<v1::GetRetentionResponse>(context);
    const absl::Status shown = ForEachRecordOf(call, name->subject, [&](const LoadResult& result) {
      if (result.ok()) Show(call, *result.record, response);
      return response->fields_size() > kMaxFields ? MakeError(authz::Reason::kBatchTooLarge)
                                                  : absl::OkStatus();
    });
    if (!shown.ok()) return call.Refuse(shown);
    return call.Finish(response);
  }

 private:
  static void Show(VaultCall& call, const LoadedRecord& record,
                   v1::GetRetentionResponse* response) {
    for (const RetainedField& one : RetainedFields(call.policy(), record)) {
      v1::FieldRetention& field = *response->add_fields();
      field.set_record(
          MakeRecordName(call.tenant_id(), record.identity.subject, record.identity.record));
      field.set_field(one.field->full_name);
      if (one.times.HeldAt(call.now())) {
        field.set_law(one.times.hold->hold);
        FillInstant(one.times.held_until, &v1::FieldRetention::mutable_held_until, &field);
      }
      FillInstant(one.times.due, &v1::FieldRetention::mutable_due_time, &field);
      if (one.times.rule != nullptr) field.set_rule(one.times.rule->id);
      field.set_kept_by_law(one.times.KeptByLawAt(call.now()));
    }
  }

  const VaultDependencies& deps_;
};

class ListDestructionsHandler : public Handler {
 public:
  explicit ListDestructionsHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListDestructionsRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), &request.usage())) return *std::move(refused);
    if (auto refused = DecideOneOf(call, kSelectOrApprove)) return *std::move(refused);
    const absl::StatusOr<std::vector<DestructionRow>> rows = ListDestructions(
        deps_.engine, call.scope().keys(), call.tenant_id(), request.selected_only());
    if (!rows.ok()) return call.Refuse(rows.status());
    auto* response = NewResponse<v1::ListDestructionsResponse>(context);
    for (const DestructionRow& row : *rows) {
      FillDestruction(call.tenant_id(), row, response->add_destructions());
    }
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

void FillDestruction(std::string_view tenant, const DestructionRow& row, v1::Destruction* list) {
  list->set_name(
      MakeDestructionName(tenant, storage::Id128::FromBytes(row.id()).value_or(storage::Id128())));
  list->set_state(row.decide_micros() == 0 ? v1::DESTRUCTION_STATE_SELECTED
                  : row.rejected()         ? v1::DESTRUCTION_STATE_REJECTED
                                           : v1::DESTRUCTION_STATE_DESTROYED);
  for (const DestructionRow::Item& item : row.items()) {
    v1::DestructionItem& shown = *list->add_items();
    const auto subject = storage::Id128::FromBytes(item.subject());
    const auto record = storage::Id128::FromBytes(item.record());
    if (subject.has_value() && record.has_value()) {
      shown.set_record(MakeRecordName(tenant, *subject, *record));
    }
    shown.set_subject_ref(RefText(item.subject_ref()));
    shown.set_record_ref(RefText(item.record_ref()));
    for (const std::string& field : item.fields()) {
      shown.add_fields(Concat({item.type(), ".", field}));
    }
    *shown.mutable_rules() = item.rules();
    FillTime(item.due_micros(), shown.mutable_due_time());
    shown.set_kept(item.kept());
  }
  list->set_sha256(ToHex(AsView(DestructionHash(tenant, row))));
  list->set_policy_sha256(ToHex(row.policy_sha256()));
  list->set_selector(PrincipalName(row.selector()));
  FillTime(row.select_micros(), list->mutable_select_time());
  if (row.decide_micros() == 0) return;
  list->set_decider(PrincipalName(row.decider()));
  FillTime(row.decide_micros(), list->mutable_decide_time());
}

std::unique_ptr<Handler> NewGetRetention(const VaultDependencies& dependencies) {
  return std::make_unique<GetRetentionHandler>(dependencies);
}
std::unique_ptr<Handler> NewListDestructions(const VaultDependencies& dependencies) {
  return std::make_unique<ListDestructionsHandler>(dependencies);
}

}  // namespace piivault::vault
