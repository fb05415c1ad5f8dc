#include "tests/ops/cli/fake_sharing.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace piivault::ops {
namespace {

// About one person: three records, two of them of one type and two by one consent.
void AddRecords(const std::string& ref,
                google::protobuf::RepeatedPtrField<v1::DisclosedRecord>* to) {
  for (const char* type : {"customer", "customer", "account"}) {
    v1::DisclosedRecord* record = to->Add();
    record->set_subject_ref(ref);
    record->set_record_ref(absl::StrCat(type, "-", ref));
    record->set_type(type);
    record->set_version(2);
    record->add_fields("name");
    record->mutable_time()->set_seconds(1'900'000'000);
  }
  to->rbegin()[0].set_consent("c1");
  to->rbegin()[1].set_consent("c1");
  to->rbegin()->add_fields("login");
}

v1::Disclosure Given(const std::string& id) {
  v1::Disclosure disclosure;
  disclosure.set_name("tenants/default/disclosures/" + id);
  disclosure.set_recipient("tenants/default/recipients/yamato");
  disclosure.set_recipient_display_name("Example, \"Logistics\"");
  disclosure.set_recipient_address("1-1 Example");
  disclosure.set_recipient_representative("A. Head");
  disclosure.set_recipient_country("JP");
  disclosure.set_rule("carrier");
  disclosure.set_basis("consent");
  disclosure.set_purpose("order");
  disclosure.set_token("tenants/default/exportTokens/e1");
  disclosure.set_issuer("principals/shop");
  (*disclosure.mutable_assertions())["case"] = "C-1";
  disclosure.set_subjects(2);
  return disclosure;
}

}  // namespace

void FakeSharing::Wait() {
  absl::MutexLock lock(&mutex_);
  waits_ = true;
}

void FakeSharing::BeNew() {
  absl::MutexLock lock(&mutex_);
  new_ = true;
}

bool FakeSharing::IsNew() const {
  absl::MutexLock lock(&mutex_);
  return new_;
}

void FakeSharing::BreakRedemptions(int calls, int messages, grpc::Status status) {
  absl::MutexLock lock(&mutex_);
  breaks_ = calls;
  messages_ = messages;
  broken_ = std::move(status);
}

v1::ExportToken FakeSharing::Described(const std::string& name) const {
  absl::MutexLock lock(&mutex_);
  v1::ExportToken token;
  token.set_name(name);
  token.set_state(waits_ ? v1::EXPORT_TOKEN_STATE_WAITING : v1::EXPORT_TOKEN_STATE_ACTIVE);
  token.set_sha256(kSha256);
  token.set_approvals_needed(waits_ ? 2 : 0);
  token.set_subjects(kPeople);
  return token;
}

bool FakeSharing::Breaks(int* messages, Status* status) {
  absl::MutexLock lock(&mutex_);
  if (breaks_ == 0) return false;
  --breaks_;
  *messages = messages_;
  *status = broken_;
  return true;
}

grpc::Status FakeSharing::RegisterRecipient(Context*, const v1::RegisterRecipientRequest* request,
                                            v1::RegisterRecipientResponse* response) {
  *response->mutable_recipient() = request->recipient();
  return hear_(*request);
}

grpc::Status FakeSharing::GetRecipient(Context*, const v1::GetRecipientRequest* request,
                                       v1::GetRecipientResponse* response) {
  v1::Recipient* recipient = response->mutable_recipient();
  recipient->set_name(request->name());
  recipient->set_display_name("Example Logistics");
  recipient->set_category("carrier");
  recipient->set_country("JP");
  recipient->add_matters()->set_kind("option");
  recipient->mutable_matters(0)->set_id("O-1");
  recipient->add_attestations()->set_kind("contract");
  return hear_(*request);
}

grpc::Status FakeSharing::ListRecipients(Context*, const v1::ListRecipientsRequest* request,
                                         v1::ListRecipientsResponse* response) {
  v1::Recipient* recipient = response->add_recipients();
  recipient->set_name(request->parent() + "/recipients/yamato");
  recipient->set_category("carrier");
  return hear_(*request);
}

grpc::Status FakeSharing::UpdateRecipient(Context*, const v1::UpdateRecipientRequest* request,
                                          v1::UpdateRecipientResponse*) {
  return hear_(*request);
}

grpc::Status FakeSharing::DisableRecipient(Context*, const v1::DisableRecipientRequest* request,
                                           v1::DisableRecipientResponse*) {
  return hear_(*request);
}

grpc::Status FakeSharing::RecordRecipientAttestation(
    Context*, const v1::RecordRecipientAttestationRequest* request,
    v1::RecordRecipientAttestationResponse*) {
  return hear_(*request);
}

grpc::Status FakeSharing::RevokeRecipientAttestation(
    Context*, const v1::RevokeRecipientAttestationRequest* request,
    v1::RevokeRecipientAttestationResponse*) {
  return hear_(*request);
}

grpc::Status FakeSharing::EnrolCertificate(Context*, const v1::EnrolCertificateRequest* request,
                                           v1::EnrolCertificateResponse* response) {
  response->set_identity("spiffe://partners.example/new");
  return hear_(*request);
}

grpc::Status FakeSharing::GetExportToken(Context*, const v1::GetExportTokenRequest* request,
                                         v1::GetExportTokenResponse* response) {
  *response->mutable_description() = Described(request->name());
  response->add_subjects("tenants/default/subjects/p1");
  if (response->description().state() == v1::EXPORT_TOKEN_STATE_ACTIVE) response->set_token(kToken);
  return hear_(*request);
}

grpc::Status FakeSharing::ApproveExportToken(Context*, const v1::ApproveExportTokenRequest* request,
                                             v1::ApproveExportTokenResponse* response) {
  *response->mutable_description() = Described(request->name());
  return hear_(*request);
}

grpc::Status FakeSharing::RejectExportToken(Context*, const v1::RejectExportTokenRequest* request,
                                            v1::RejectExportTokenResponse* response) {
  *response->mutable_description() = Described(request->name());
  return hear_(*request);
}

grpc::Status FakeSharing::RevokeExportTokens(Context*, const v1::RevokeExportTokensRequest* request,
                                             v1::RevokeExportTokensResponse* response) {
  response->set_revoked(IsNew() ? 0 : 3);
  return hear_(*request);
}

grpc::Status FakeSharing::ListExportTokens(Context*, const v1::ListExportTokensRequest* request,
                                           v1::ListExportTokensResponse* response) {
  *response->add_tokens() = Described("tenants/default/exportTokens/e1");
  return hear_(*request);
}

grpc::Status FakeSharing::ListSigningKeys(Context*, const v1::ListSigningKeysRequest* request,
                                          v1::ListSigningKeysResponse* response) {
  if (IsNew()) return hear_(*request);
  response->add_keys()->set_public_key_pem("-----BEGIN PUBLIC KEY-----\nnew\n");
  response->add_keys()->set_public_key_pem("-----BEGIN PUBLIC KEY-----\nold\n");
  return hear_(*request);
}

grpc::Status FakeSharing::RotateSigningKey(Context*, const v1::RotateSigningKeyRequest* request,
                                           v1::RotateSigningKeyResponse* response) {
  response->mutable_key()->set_kid("thenewone");
  return hear_(*request);
}

grpc::Status FakeSharing::ListDisclosures(Context*, const v1::ListDisclosuresRequest* request,
                                          v1::ListDisclosuresResponse* response) {
  for (const char* id : {"d1", "d2"}) {
    v1::Disclosure* disclosure = response->add_disclosures();
    *disclosure = Given(id);
    if (!request->subject().empty()) AddRecords("aa", disclosure->mutable_records());
    if (request->page_size() > 1) continue;
    response->set_next_page_token("more");
    break;
  }
  return hear_(*request);
}

grpc::Status FakeSharing::ListCorrectionNotices(Context*,
                                                const v1::ListCorrectionNoticesRequest* request,
                                                v1::ListCorrectionNoticesResponse* response) {
  const int at = request->page_token().empty() ? 0 : std::stoi(request->page_token());
  const int end = std::min(kNotices, at + request->page_size());
  for (int i = at; i < end; ++i) {
    v1::CorrectionNotice* notice = response->add_notices();
    notice->set_name(absl::StrCat(request->parent(), "/correctionNotices/n", i));
    notice->set_kind(v1::CORRECTION_KIND_WITHDRAWN);
    notice->add_fields("customer.address");
    if (i == 1) notice->set_export_token("tenants/default/exportTokens/e7");
  }
  if (end < kNotices) response->set_next_page_token(absl::StrCat(end));
  return hear_(*request);
}

grpc::Status FakeSharing::AcknowledgeCorrectionNotices(
    Context*, const v1::AcknowledgeCorrectionNoticesRequest* request,
    v1::AcknowledgeCorrectionNoticesResponse* response) {
  for (const std::string& name : request->names()) response->add_notices()->set_name(name);
  v1::AcknowledgeCorrectionNoticesRequest heard = *request;
  // The first is enough, and how many.
  if (heard.names_size() > 2) heard.mutable_names()->DeleteSubrange(1, heard.names_size() - 1);
  heard.add_names(absl::StrCat(request->names_size()));
  return hear_(heard);
}

// Two messages, the first of which says how far it is. Persons called `denied` are left out.
grpc::Status FakeSharing::IssueExportToken(
    Context*, const v1::IssueExportTokenRequest* request,
    grpc::ServerWriter<v1::IssueExportTokenResponse>* writer) {
  v1::IssueExportTokenResponse response;
  response.set_decided(1);
  writer->Write(response);
  response.set_decided(static_cast<uint32_t>(request->subjects_size()));
  for (const std::string& subject : request->subjects()) {
    if (!subject.ends_with("denied")) continue;
    if (!request->skip_denied())
      return Refusal(grpc::StatusCode::PERMISSION_DENIED, "CONSENT_MISSING");
    response.set_skipped(response.skipped() + 1);
  }
  *response.mutable_description() = Described("tenants/default/exportTokens/e1");
  if (response.description().approvals_needed() == 0) response.set_token(kToken);
  response.add_warnings("BASIS_PUBLISHED_PURPOSE");
  writer->Write(response);
  return hear_(*request);
}

// kPeople people, two in a message, the last of whom is left out; by resume_from as the vault has
// it.
grpc::Status FakeSharing::RedeemExportToken(
    Context*, const v1::RedeemExportTokenRequest* request,
    grpc::ServerWriter<v1::RedeemExportTokenResponse>* writer) {
  hear_(*request);
  if (request->token() != kToken) {
    return Refusal(grpc::StatusCode::PERMISSION_DENIED, "EXPORT_TOKEN_INVALID");
  }
  int left = kPeople;
  Status status;
  Breaks(&left, &status);
  uint32_t at = request->resume_from();
  for (bool first = true; at < kPeople && left > 0; first = false, --left) {
    v1::RedeemExportTokenResponse message;
    if (first) {
      message.mutable_tag()->set_purpose("order");
      message.mutable_tag()->add_terms("PURPOSE_ONLY");
    }
    for (const uint32_t end = at + 2; at < end; ++at) {
      if (at + 1 == kPeople) {
        message.set_omitted(1);
        continue;
      }
      v1::DisclosedSubject* subject = message.add_subjects();
      subject->set_handle(absl::StrCat("h", at));
      v1::RevealedRecord* record = subject->add_records();
      record->set_type("customer");
      (*record->mutable_fields())["name"].set_value(absl::StrCat("\x1b[31mHanako \"", at, "\""));
    }
    message.set_position(at);
    message.set_complete(at == kPeople);
    writer->Write(message);
  }
  return status;
}

// Two people, in messages that cut between them.
grpc::Status FakeSharing::StreamDisclosedRecords(
    Context*, const v1::StreamDisclosedRecordsRequest* request,
    grpc::ServerWriter<v1::StreamDisclosedRecordsResponse>* writer) {
  v1::StreamDisclosedRecordsResponse response;
  const std::string& name = request->disclosure();
  *response.mutable_disclosure() = Given(name.substr(name.rfind('/') + 1));
  AddRecords("aa", response.mutable_records());
  writer->Write(response);
  response.clear_disclosure();
  response.clear_records();
  AddRecords("bb", response.mutable_records());
  writer->Write(response);
  return hear_(*request);
}

}  // namespace piivault::ops
