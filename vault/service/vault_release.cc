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

absl::StatusOr<bool> ReleaseField(const VaultCall& call, const authz::FieldDecision& field,
                                  LoadedRecord* record, v1::FieldValue* value) {
  const authz::FieldSpec& spec = call.policy().field(field.field);
  const storage::v1::FieldHeader* header = record->reader->FindField(spec.name);
  if (header == nullptr || header->absent()) return false;
  if (field.view == authz::View::kToken) {
    const std::optional<storage::Id128> token = storage::Id128::FromBytes(header->token());
    if (!token.has_value()) return false;
    value->set_value(FormatToken(*token));
    value->set_view(v1::VIEW_TOKEN);
    return true;
  }
  absl::StatusOr<SecretBytes> plain = record->reader->DecryptField(*header);
  if (!plain.ok()) return plain.status();
  if (field.view == authz::View::kPlain) {
    value->set_value(plain->view().data(), plain->view().size());
    value->set_view(v1::VIEW_PLAIN);
    return true;
  }
  absl::StatusOr<std::string> masked =
      MaskValue(spec.semantic, field.mask, plain->view(), {call.now(), call.policy().timezone()});
  if (!masked.ok()) return masked.status();
  value->set_value(*std::move(masked));
  value->set_view(v1::VIEW_MASKED);
  return true;
}

absl::Status ReleaseFields(const VaultCall& call, const authz::Decision& decision,
                           LoadedRecord* record, v1::RevealedRecord* revealed) {
  const RecordIdentity& id = record->identity;
  revealed->set_name(MakeRecordName(call.tenant_id(), id.subject, id.record));
  revealed->set_type(record->header().type());
  revealed->set_version(record->reader->version());
  for (const authz::FieldDecision& field : decision.fields) {
    if (field.view == authz::View::kDenied) {
      SetFailure(field.reason,
                 field.field == authz::kNoField ? nullptr : &call.policy().field(field.field),
                 revealed->add_denied());
      continue;
    }
    const std::string& name = call.policy().field(field.field).name;
    absl::StatusOr<bool> released =
        ReleaseField(call, field, record, &(*revealed->mutable_fields())[name]);
    if (!released.ok()) return released.status();
    if (!*released) revealed->mutable_fields()->erase(name);
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
