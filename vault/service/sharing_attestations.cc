// RecordRecipientAttestation, RevokeRecipientAttestation.
#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "authz/policy.h"
#include "piivault/v1/sharing_service.pb.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_administration.h"
#include "vault/service/sharing_convert.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::AttestationKind;
using authz::Reason;
using storage::v1::RecipientRow;

constexpr int kMaxAttestations = 200;
constexpr int kMaxFields = 256;
constexpr int kMaxPurposes = 100;

bool IsOfRecipients(const std::string& kind) {
  switch (authz::FindAttestationKind(kind).value_or(AttestationKind::kUnspecified)) {
    case AttestationKind::kContract:
    case AttestationKind::kPartnerNda:
    case AttestationKind::kSupervision:
    case AttestationKind::kMembership:
      return true;
    default:
      return false;
  }
}

// Fields and purposes of the policy in force; what a contract names that the policy does not know
// is of no use to any rule.
absl::Status FillScope(AdminCall& call, std::string_view tenant,
                       const v1::RecipientAttestation& from, RecipientRow::Attestation* row) {
  if (from.fields().empty() && from.purposes().empty()) return absl::OkStatus();
  const TenantState* state = call.session().UseTenantId(tenant);
  const authz::Policy* policy = state == nullptr ? nullptr : state->policy_in_force();
  if (policy == nullptr) return MakeError(Reason::kNoPolicy);
  if (from.fields_size() > kMaxFields) return BadArgument("attestation.fields");
  if (from.purposes_size() > kMaxPurposes) return BadArgument("attestation.purposes");
  for (const std::string& field : from.fields()) {
    const std::string_view name = field;
    const bool known = name.ends_with(".*")
                           ? policy->FindType(name.substr(0, name.size() - 2)) != authz::kNoType
                           : policy->FindField(name) != authz::kNoField;
    if (!known) return MakeError(Reason::kFieldUnknown, "attestation.fields");
  }
  for (const std::string& purpose : from.purposes()) {
    if (policy->FindPurpose(purpose) == nullptr) {
      return MakeError(Reason::kPurposeUnknown, "attestation.purposes");
    }
  }
  *row->mutable_fields() = from.fields();
  *row->mutable_purposes() = from.purposes();
  return absl::OkStatus();
}

absl::Status FillRow(AdminCall& call, std::string_view tenant, const v1::RecipientAttestation& from,
                     RecipientRow::Attestation* row) {
  if (!IsOfRecipients(from.kind())) return BadArgument("attestation.kind");
  row->set_kind(from.kind());
  if (!IsSha256Hex(from.document_sha256())) return BadArgument("attestation.document_sha256");
  row->set_document_sha256(FromHex(from.document_sha256()));
  const auto signed_at = from.has_signed_at() ? MicrosOf(from.signed_at()) : std::nullopt;
  if (!signed_at.has_value() || *signed_at > call.now_micros()) {
    return BadArgument("attestation.signed_at");
  }
  row->set_signed_micros(*signed_at);
  const auto until =
      ValidUntil(call, from.has_valid_until() ? &from.valid_until() : nullptr,
                 {from.valid_until_date(), "attestation.valid_until_date", TenantName(tenant)});
  if (!until.ok()) return until.status();
  if (*until != 0 && *until < *signed_at) return BadArgument("attestation.valid_until");
  row->set_valid_until_micros(*until);
  return FillScope(call, tenant, from, row);
}

template <typename Response>
Plan AnswerWith(AdminCall& call, const RecipientRow& recipient,
                const RecipientRow::Attestation& row) {
  auto* response = call.response<Response>();
  FillRecipientAttestation(recipient, row, response->mutable_attestation());
  return call.Answer(response);
}

// What was recorded by the same request before.
Plan AnswerAgain(AdminCall& call, const RecipientRow& recipient, const std::string& response) {
  v1::RecordRecipientAttestationResponse before;
  if (before.ParseFromString(response)) {
    const auto name = ParseRecipientAttestationName(before.attestation().name());
    for (const RecipientRow::Attestation& row : recipient.attestations()) {
      if (name.has_value() && row.id() == name->attestation) {
        return AnswerWith<v1::RecordRecipientAttestationResponse>(call, recipient, row);
      }
    }
  }
  return call.Refuse(Reason::kDataLoss);
}

}  // namespace

Plan SharingRecordAttestation(AdminCall& call) {
  const auto& request = call.request<v1::RecordRecipientAttestationRequest>();
  auto there = NamedRecipient(call, request.recipient(), "recipient");
  if (!there.ok()) return call.Refuse(there.status());
  RecipientRow& recipient = *there;
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  if (record->has_value() && (*record)->response.has_value()) {
    return AnswerAgain(call, recipient, *(*record)->response);
  }
  if (recipient.disable_time_micros() != 0) return call.Refuse(Reason::kRecipientDisabled);
  if (recipient.attestations_size() >= kMaxAttestations) {
    return call.Refuse(Reason::kBatchTooLarge);
  }
  RecipientRow::Attestation* row = recipient.add_attestations();
  absl::Status status = FillRow(call, recipient.tenant(), request.attestation(), row);
  if (!status.ok()) return call.Refuse(status);
  row->set_id(call.session().random().Id128().ToText());
  row->set_recorded_by(call.caller());
  row->set_recorded_by_person(call.caller_person());
  call.change().PutRecipient(recipient);
  if (record->has_value()) {
    v1::RecordRecipientAttestationResponse answer;
    answer.mutable_attestation()->set_name(
        MakeRecipientAttestationName(recipient.tenant(), recipient.name(), row->id()));
    call.Remember(**record, answer);
  }
  return AnswerWith<v1::RecordRecipientAttestationResponse>(call, recipient, *row);
}

Plan SharingRevokeAttestation(AdminCall& call) {
  const auto& request = call.request<v1::RevokeRecipientAttestationRequest>();
  const auto name = ParseRecipientAttestationName(request.name());
  if (!name.has_value()) return call.Refuse(BadArgument("name"));
  auto recipient = NamedRecipient(
      call, RecipientResource(name->recipient.tenant, name->recipient.recipient), "name");
  if (!recipient.ok()) return call.Refuse(recipient.status());
  call.set_resource(request.name());
  for (RecipientRow::Attestation& row : *recipient->mutable_attestations()) {
    if (row.id() != name->attestation) continue;
    if (row.revoked_micros() == 0) {
      row.set_revoked_micros(call.now_micros());
      call.change().PutRecipient(*recipient);
    }
    return AnswerWith<v1::RevokeRecipientAttestationResponse>(call, *recipient, row);
  }
  return call.Refuse(Reason::kNotFound);
}

}  // namespace piivault::vault
