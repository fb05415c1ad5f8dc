// RevealRecordHistory.
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "piivault/v1/vault_service.pb.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_handlers.h"
#include "vault/service/vault_named_record.h"
#include "vault/state/resource_id.h"

namespace piivault::vault {
namespace {

using Response = v1::RevealRecordHistoryResponse;
using storage::v1::EarlierValue;

constexpr int64_t kMicros = 1'000'000;

// A google.protobuf.Timestamp; nothing for 0.
void AddTime(int64_t micros, int field, WireWriter* out) {
  if (micros == 0) return;
  const size_t begin = out->Open(field);
  out->AddVarint(1, static_cast<uint64_t>(micros / kMicros));
  out->AddVarint(2, static_cast<uint64_t>(micros % kMicros * 1000));
  out->Close(begin);
}

absl::Status AddEarlier(const VaultCall& call, const authz::FieldDecision& decision,
                        bool with_author, const EarlierValue& earlier, LoadedRecord* record,
                        WireWriter* out) {
  const absl::StatusOr<SecretBytes> plain = record->reader->DecryptEarlier(earlier);
  if (!plain.ok()) return plain.status();
  const size_t begin = out->Open(Response::kValuesFieldNumber);
  out->AddBytes(v1::EarlierValue::kFieldFieldNumber, earlier.name());
  absl::Status shown =
      ShowValue(call, decision, plain->view(), v1::EarlierValue::kValueFieldNumber, out);
  if (!shown.ok()) return shown;
  out->AddVarint(v1::EarlierValue::kFirstVersionFieldNumber, earlier.first_version());
  out->AddVarint(v1::EarlierValue::kLastVersionFieldNumber, earlier.last_version());
  AddTime(earlier.set_micros(), v1::EarlierValue::kSetTimeFieldNumber, out);
  AddTime(earlier.replaced_micros(), v1::EarlierValue::kReplaceTimeFieldNumber, out);
  if (with_author) {
    out->AddBytes(v1::EarlierValue::kReplacedByFieldNumber, PrincipalName(earlier.replaced_by()));
  }
  out->Close(begin);
  return absl::OkStatus();
}

// What the decision grants of the record's earlier values; says in the entry how many.
absl::Status AddValues(const VaultCall& call, const authz::Decision& decision, LoadedRecord* record,
                       storage::v1::EntryItem* item, WireWriter* out) {
  // Who of the staff it was is not for those whose data it is.
  const bool with_author = decision.role->kind == authz::RoleKind::kStaff ||
                           decision.role->kind == authz::RoleKind::kService;
  for (const authz::FieldDecision& field : decision.fields) {
    if (field.view == authz::View::kDenied) continue;
    const std::string& name = call.policy().field(field.field).name;
    uint32_t count = 0;
    for (const EarlierValue& earlier : record->header().earlier()) {
      if (earlier.name() != name) continue;
      absl::Status added = AddEarlier(call, field, with_author, earlier, record, out);
      if (!added.ok()) return added;
      ++count;
      call.Yield();
    }
    item->add_earlier_values(count);
  }
  return absl::OkStatus();
}

class RevealRecordHistoryHandler : public Handler {
 public:
  explicit RevealRecordHistoryHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RevealRecordHistoryRequest>(context);
    VaultCall call(context, deps_);
    NamedRecord named;
    if (auto refused = OpenNamedRecord(call, authz::Verb::kRevealHistory, request, &named)) {
      return *std::move(refused);
    }
    return Release(call, named.decision, named.record.get());
  }

 private:
  static Plan Release(VaultCall& call, const PersonDecision& decision, LoadedRecord* record) {
    WireWriter response;
    const RecordIdentity& id = record->identity;
    response.AddBytes(Response::kNameFieldNumber,
                      MakeRecordName(call.tenant_id(), id.subject, id.record));
    response.AddBytes(Response::kTypeFieldNumber, record->type());
    response.AddVarint(Response::kVersionFieldNumber, record->reader->version());
    storage::v1::EntryItem* const item = call.AddItem(record);
    absl::Status added = AddValues(call, decision, record, item, &response);
    if (!added.ok()) {
      call.entry().clear_items();
      return call.Refuse(added);
    }
    AddDenied(call, decision, Response::kDeniedFieldNumber, &response);
    call.Describe(decision);
    call.AddFields(decision, item);
    if (!decision.granted()) call.MarkPartial(decision.reason);
    return call.Finish(std::move(response));
  }

  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewRevealRecordHistory(const VaultDependencies& dependencies) {
  return std::make_unique<RevealRecordHistoryHandler>(dependencies);
}

}  // namespace piivault::vault
