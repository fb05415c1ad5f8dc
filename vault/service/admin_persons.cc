#include <algorithm>

#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::v1::AttestationRow;
using storage::v1::PersonRow;

constexpr int kMaxAttestations = 1000;

// Who is concerned may not say so: employment and attestations give rights. With a single operator
// there is nobody else.
bool IsAboutOneself(AdminCall& call, std::string_view person) {
  if (call.caller_person() != person) return false;
  if (!call.state().single_operator()) return true;
  call.set_by_single_operator();
  return false;
}

absl::Status FillAttestationRow(AdminCall& call,
                                const piivault::v1::RecordAttestationRequest& request,
                                AttestationRow* row) {
  const piivault::v1::Attestation& from = request.attestation();
  const auto kind = authz::FindAttestationKind(from.kind());
  if (!kind.has_value() || authz::IsOfRecipientsOnly(*kind)) {
    return BadArgument("attestation.kind");
  }
  row->set_kind(from.kind());
  if (!IsSha256Hex(from.document_sha256())) return BadArgument("attestation.document_sha256");
  row->set_document_sha256(FromHex(from.document_sha256()));
  auto signatory = ParsePersonName(from.signatory());
  if (!signatory.has_value()) return BadArgument("attestation.signatory");
  if (call.state().FindPerson(*signatory) == nullptr) {
    return MakeError(authz::Reason::kPersonUnknown, "attestation.signatory");
  }
  row->set_signatory(std::string(*signatory));
  if (!from.has_signed_at()) return BadArgument("attestation.signed_at");
  auto signed_at = MicrosOf(from.signed_at());
  if (!signed_at.has_value() || *signed_at > call.now_micros()) {
    return BadArgument("attestation.signed_at");
  }
  row->set_signed_micros(*signed_at);
  auto until = ValidUntil(call, from.has_valid_until() ? &from.valid_until() : nullptr,
                          {request.valid_until_date(), "valid_until_date",
                           request.tenant().empty() ? "tenants/default" : request.tenant()});
  if (!until.ok()) return until.status();
  if (*until != 0 && *until < *signed_at) return BadArgument("attestation.valid_until");
  row->set_valid_until_micros(*until);
  return absl::OkStatus();
}

Plan AnswerWithAttestation(AdminCall& call, std::string_view person, const AttestationRow& row) {
  auto* response = call.response<piivault::v1::RecordAttestationResponse>();
  FillAttestation(person, row, response->mutable_attestation());
  return call.Answer(response);
}

const AttestationRow* FindAttestation(const PersonRow& person, std::string_view id) {
  for (const AttestationRow& row : person.attestations()) {
    if (row.id() == id) return &row;
  }
  return nullptr;
}

Plan AnswerWithPerson(AdminCall& call, const PersonRow& row) {
  auto* response = call.response<piivault::v1::CreatePersonResponse>();
  FillPersonMessage(row, response->mutable_person());
  return call.Answer(response);
}

}  // namespace

Plan AdminCreatePerson(AdminCall& call) {
  const auto& request = call.request<piivault::v1::CreatePersonRequest>();
  auto name = ParsePersonName(request.person().name());
  if (!name.has_value()) return call.Refuse(BadArgument("person.name"));
  call.set_resource(request.person().name());
  PersonRow row;
  row.set_name(std::string(*name));
  if (absl::Status status = FillPerson(request.person(), &row); !status.ok()) {
    return call.Refuse(status);
  }
  if (request.person().attestations_size() > 0) {
    return call.Refuse(BadArgument("person.attestations"));
  }
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  const PersonState* there = call.state().FindPerson(*name);
  if (record->has_value() && (*record)->response.has_value() && there != nullptr) {
    return AnswerWithPerson(call, there->row);
  }
  if (there != nullptr) return call.Refuse(authz::Reason::kAlreadyExists);
  call.change().PutPerson(row);
  if (record->has_value()) call.Remember(**record, piivault::v1::CreatePersonResponse());
  return AnswerWithPerson(call, row);
}

Plan AdminGetPerson(AdminCall& call) {
  auto name = ParsePersonName(call.request<piivault::v1::GetPersonRequest>().name());
  if (!name.has_value()) return call.Refuse(BadArgument("name"));
  call.set_resource(PersonName(*name));
  const PersonState* person = call.state().FindPerson(*name);
  if (person == nullptr) return call.Refuse(authz::Reason::kNotFound);
  auto* response = call.response<piivault::v1::GetPersonResponse>();
  FillPersonMessage(person->row, response->mutable_person());
  return call.Answer(response);
}

Plan AdminListPersons(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListPersonsRequest>();
  std::vector<std::pair<std::string, const PersonState*>> items;
  for (const auto& [name, person] : call.state().persons()) items.emplace_back(name, person.get());
  auto page = PageOf(call, request, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListPersonsResponse>();
  for (const PersonState* person : page->items) {
    FillPersonMessage(person->row, response->add_persons());
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

Plan AdminUpdatePerson(AdminCall& call) {
  const auto& request = call.request<piivault::v1::UpdatePersonRequest>();
  auto name = ParsePersonName(request.person().name());
  if (!name.has_value()) return call.Refuse(BadArgument("person.name"));
  call.set_resource(request.person().name());
  const PersonState* there = call.state().FindPerson(*name);
  if (there == nullptr) return call.Refuse(authz::Reason::kNotFound);
  if (IsAboutOneself(call, *name)) return call.Refuse(authz::Reason::kProposalSelfApproval);
  PersonRow row = there->row;
  if (absl::Status status = FillPerson(request.person(), &row); !status.ok()) {
    return call.Refuse(status);
  }
  call.change().PutPerson(row);
  auto* response = call.response<piivault::v1::UpdatePersonResponse>();
  FillPersonMessage(row, response->mutable_person());
  return call.Answer(response);
}

Plan AdminRecordAttestation(AdminCall& call) {
  const auto& request = call.request<piivault::v1::RecordAttestationRequest>();
  auto name = ParsePersonName(request.person());
  if (!name.has_value()) return call.Refuse(BadArgument("person"));
  call.set_resource(request.person());
  const PersonState* there = call.state().FindPerson(*name);
  if (there == nullptr) return call.Refuse(authz::Reason::kNotFound);
  if (IsAboutOneself(call, *name)) return call.Refuse(authz::Reason::kProposalSelfApproval);
  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  if (record->has_value() && (*record)->response.has_value()) {
    piivault::v1::RecordAttestationResponse before;
    if (!before.ParseFromString(*(*record)->response)) return call.Refuse(authz::Reason::kDataLoss);
    auto parsed = ParseAttestationName(before.attestation().name());
    const AttestationRow* row =
        parsed.has_value() ? FindAttestation(there->row, parsed->attestation) : nullptr;
    if (row == nullptr) return call.Refuse(authz::Reason::kDataLoss);
    return AnswerWithAttestation(call, *name, *row);
  }
  if (there->row.attestations_size() >= kMaxAttestations) {
    return call.Refuse(authz::Reason::kBatchTooLarge);
  }
  PersonRow person = there->row;
  AttestationRow* row = person.add_attestations();
  if (absl::Status status = FillAttestationRow(call, request, row); !status.ok()) {
    return call.Refuse(status);
  }
  row->set_id(call.session().random().Id128().ToText());
  row->set_recorded_by(call.caller());
  call.change().PutPerson(person);
  if (record->has_value()) {
    piivault::v1::RecordAttestationResponse answer;
    answer.mutable_attestation()->set_name(MakeAttestationName(*name, row->id()));
    call.Remember(**record, answer);
  }
  return AnswerWithAttestation(call, *name, *row);
}

Plan AdminRevokeAttestation(AdminCall& call) {
  const auto& request = call.request<piivault::v1::RevokeAttestationRequest>();
  auto name = ParseAttestationName(request.name());
  if (!name.has_value()) return call.Refuse(BadArgument("name"));
  call.set_resource(request.name());
  const PersonState* there = call.state().FindPerson(name->person);
  if (there == nullptr) return call.Refuse(authz::Reason::kNotFound);
  PersonRow person = there->row;
  for (AttestationRow& row : *person.mutable_attestations()) {
    if (row.id() != name->attestation) continue;
    if (row.revoked_micros() == 0) {
      row.set_revoked_micros(call.now_micros());
      call.change().PutPerson(person);
    }
    auto* response = call.response<piivault::v1::RevokeAttestationResponse>();
    FillAttestation(name->person, row, response->mutable_attestation());
    return call.Answer(response);
  }
  return call.Refuse(authz::Reason::kNotFound);
}

}  // namespace piivault::vault
