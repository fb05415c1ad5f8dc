// What of a record goes onto the wire: metadata, failures, released fields.
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vault/keys/tokens.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

std::vector<int> FirstPlaces(const google::protobuf::RepeatedPtrField<std::string>& list) {
  std::unordered_map<std::string_view, int> seen;
  std::vector<int> places;
  places.reserve(static_cast<size_t>(list.size()));
  for (int i = 0; i < list.size(); ++i) {
    places.push_back(seen.emplace(list.Get(i), i).first->second);
  }
  return places;
}

void SetFailure(authz::Reason reason, const authz::FieldSpec* field, v1::Failure* failure) {
  const std::string_view name = authz::ReasonName(reason);
  failure->set_reason(name.data(), name.size());
  failure->set_code(static_cast<int>(authz::ReasonCode(reason)));
  if (field != nullptr) failure->add_fields(field->name);
}

std::string EtagOf(const Sha256Digest& row_digest) {
  storage::Id128 id;
  std::memcpy(id.bytes.data(), row_digest.data(), id.bytes.size());
  return id.ToText();
}

namespace {

void SetTime(int64_t micros, google::protobuf::Timestamp* time) {
  const absl::Time t = absl::FromUnixMicros(micros);
  const int64_t seconds = absl::ToUnixSeconds(t);
  time->set_seconds(seconds);
  time->set_nanos(static_cast<int32_t>(micros - seconds * 1'000'000) * 1000);
}

v1::FrontHop FrontHopOf(storage::v1::FrontHopTls tls) {
  switch (tls) {
    case storage::v1::FRONT_HOP_TLS_YES:
      return v1::FRONT_HOP_TLS;
    case storage::v1::FRONT_HOP_TLS_NO:
      return v1::FRONT_HOP_PLAIN;
    default:
      return v1::FRONT_HOP_UNSPECIFIED;
  }
}

}  // namespace

void FillRecord(std::string_view tenant, const RecordIdentity& identity,
                const storage::v1::RecordHeader& header, const Sha256Digest& row_digest,
                v1::Record* record) {
  record->set_name(MakeRecordName(tenant, identity.subject, identity.record));
  record->set_type(header.type());
  record->set_version(header.version());
  record->set_etag(EtagOf(row_digest));
  for (const storage::v1::FieldHeader& field : header.fields()) {
    if (field.absent()) continue;
    record->add_fields(field.name());
    if (field.flagged()) record->add_flagged_fields(field.name());
  }
  const storage::v1::Provenance& from = header.provenance();
  v1::Provenance& provenance = *record->mutable_provenance();
  provenance.set_channel(from.channel());
  if (from.collected_micros() != 0) {
    SetTime(from.collected_micros(), provenance.mutable_collected_at());
  }
  provenance.set_front_hop(FrontHopOf(from.front_hop_tls()));
  provenance.set_notice(header.notice());
  SetTime(header.created_micros(), record->mutable_create_time());
  SetTime(header.updated_micros(), record->mutable_update_time());
}

void FillRecord(std::string_view tenant, const LoadedRecord& record, v1::Record* wire) {
  FillRecord(tenant, record.identity, record.header(), RecordDigest(record.row), wire);
}

void AddFailure(authz::Reason reason, absl::Span<const std::string_view> fields, int field,
                WireWriter* out) {
  const size_t failure = out->Open(field);
  out->AddBytes(v1::Failure::kReasonFieldNumber, authz::ReasonName(reason));
  out->AddVarint(v1::Failure::kCodeFieldNumber, static_cast<uint64_t>(authz::ReasonCode(reason)));
  for (std::string_view name : fields) out->AddBytes(v1::Failure::kFieldsFieldNumber, name);
  out->Close(failure);
}

namespace {

void AddFieldValue(std::string_view value, v1::View view, int field, WireWriter* out) {
  const size_t begin = out->Open(field);
  out->AddBytes(v1::FieldValue::kValueFieldNumber, value);
  out->AddVarint(v1::FieldValue::kViewFieldNumber, static_cast<uint64_t>(view));
  out->Close(begin);
}

}  // namespace

absl::StatusOr<bool> ReleaseField(const VaultCall& call, const authz::FieldDecision& decision,
                                  LoadedRecord* record, int field, WireWriter* out) {
  const authz::FieldSpec& spec = call.policy().field(decision.field);
  const std::optional<RecordField> stored = record->reader->Field(spec.name);
  // A credential is shown to nobody, also under a policy that no longer knows it for one.
  if (!stored.has_value() || stored->absent || stored->one_way) return false;
  if (decision.view == authz::View::kToken) {
    const std::optional<storage::Id128> token = storage::Id128::FromBytes(stored->token);
    if (!token.has_value()) return false;
    AddFieldValue(FormatToken(*token), v1::VIEW_TOKEN, field, out);
    return true;
  }
  absl::StatusOr<SecretBytes> plain = record->reader->DecryptField(*stored);
  if (!plain.ok()) return plain.status();
  const absl::Status shown = ShowValue(call, decision, plain->view(), field, out);
  if (!shown.ok()) return shown;
  return true;
}

absl::Status ShowValue(const VaultCall& call, const authz::FieldDecision& decision,
                       std::string_view plain, int field, WireWriter* out) {
  if (decision.view == authz::View::kPlain) {
    AddFieldValue(plain, v1::VIEW_PLAIN, field, out);
    return absl::OkStatus();
  }
  const authz::FieldSpec& spec = call.policy().field(decision.field);
  absl::StatusOr<std::string> masked =
      MaskValue(spec.semantic, decision.mask, plain, {call.now(), call.policy().timezone()});
  if (!masked.ok()) return masked.status();
  AddFieldValue(*masked, v1::VIEW_MASKED, field, out);
  Wipe(&*masked);
  return absl::OkStatus();
}

namespace {

// An entry of a map has its key as field 1 and its value as field 2.
constexpr int kMapKey = 1;
constexpr int kMapValue = 2;

absl::Status AddValues(const VaultCall& call, const authz::Decision& decision, LoadedRecord* record,
                       WireWriter* out) {
  for (const authz::FieldDecision& field : decision.fields) {
    if (field.view == authz::View::kDenied) continue;
    const size_t before = out->size();
    const size_t entry = out->Open(v1::RevealedRecord::kFieldsFieldNumber);
    out->AddBytes(kMapKey, call.policy().field(field.field).name);
    const absl::StatusOr<bool> released = ReleaseField(call, field, record, kMapValue, out);
    if (!released.ok()) return released.status();
    if (*released) {
      out->Close(entry);
    } else {
      out->Truncate(before);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReleaseRecord(const VaultCall& call, const authz::Decision& decision,
                           LoadedRecord* record, Denied denied, int field, WireWriter* out) {
  const size_t before = out->size();
  const RecordIdentity& id = record->identity;
  const size_t revealed = out->Open(field);
  out->AddBytes(v1::RevealedRecord::kNameFieldNumber,
                MakeRecordName(call.tenant_id(), id.subject, id.record));
  out->AddBytes(v1::RevealedRecord::kTypeFieldNumber, record->reader->type());
  out->AddVarint(v1::RevealedRecord::kVersionFieldNumber, record->reader->version());
  if (absl::Status added = AddValues(call, decision, record, out); !added.ok()) {
    out->Truncate(before);
    return added;
  }
  if (denied == Denied::kNamed) {
    AddDenied(call, decision, v1::RevealedRecord::kDeniedFieldNumber, out);
  }
  out->Close(revealed);
  return absl::OkStatus();
}

void AddDenied(const VaultCall& call, const authz::Decision& decision, int field, WireWriter* out) {
  for (const authz::FieldDecision& refused : decision.fields) {
    if (refused.view != authz::View::kDenied) continue;
    std::string_view name;
    if (refused.field != authz::kNoField) name = call.policy().field(refused.field).name;
    AddFailure(refused.reason, {&name, name.empty() ? size_t{0} : size_t{1}}, field, out);
  }
}

}  // namespace piivault::vault
