#include "tests/ops/cli/fake_vault.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>

#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "ops/cli/cli.h"

namespace piivault::ops {

grpc::Status Refusal(grpc::StatusCode code, const std::string& reason, const std::string& fields) {
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  info.set_domain("piivault");
  auto& metadata = *info.mutable_metadata();
  metadata["log"] = "0";
  metadata["generation"] = "1";
  metadata["index"] = "7";
  if (!fields.empty()) metadata["fields"] = fields;
  google::rpc::Status status;
  status.set_code(code);
  status.set_message("refused");
  status.add_details()->PackFrom(info);
  return grpc::Status(code, "refused", status.SerializeAsString());
}

class FakeVault::Admin : public v1::AdminService::Service {
 public:
  explicit Admin(FakeVault& fake) : fake_(fake) {}

  grpc::Status GetVaultStatus(grpc::ServerContext*, const v1::GetVaultStatusRequest*,
                              v1::GetVaultStatusResponse* response) override {
    response->set_version("9.9");
    response->mutable_receipt()->set_generation(1);
    response->mutable_receipt()->set_index(42);
    return grpc::Status::OK;
  }

  // Pages of at most 1,000; the token is the index to go on from.
  grpc::Status ListTenants(grpc::ServerContext*, const v1::ListTenantsRequest* request,
                           v1::ListTenantsResponse* response) override {
    int at = request->page_token().empty() ? 0 : std::stoi(request->page_token());
    const int end = std::min(kTenants, at + std::min(1000, request->page_size()));
    absl::MutexLock lock(&fake_.mutex_);
    for (; at < end; ++at) {
      v1::Tenant* tenant = response->add_tenants();
      tenant->set_name(absl::StrCat("tenants/t", at));
      if (at == 1) {
        tenant->add_jobs()->set_id("job1");
        tenant->mutable_jobs(0)->set_principal("principals/mailer");
      }
      if (at == 2) {
        tenant->mutable_index_rebuild()->add_fields("reader.email");
        tenant->mutable_index_rebuild()->set_percent(62);
      }
      if (at == 7 && !fake_.policies_.empty()) {
        tenant->set_policy_sha256(fake_.policies_[0].first);
      }
    }
    if (at < kTenants) response->set_next_page_token(absl::StrCat(at));
    return grpc::Status::OK;
  }

  grpc::Status GetPerson(grpc::ServerContext*, const v1::GetPersonRequest*,
                         v1::GetPersonResponse*) override {
    return Refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND");
  }

  grpc::Status GetPolicy(grpc::ServerContext*, const v1::GetPolicyRequest* request,
                         v1::GetPolicyResponse* response) override {
    absl::MutexLock lock(&fake_.mutex_);
    for (const auto& [hash, yaml] : fake_.policies_) {
      if (request->name() != "policies/" + hash) continue;
      response->set_yaml(yaml);
      return grpc::Status::OK;
    }
    return Refusal(grpc::StatusCode::NOT_FOUND, "NOT_FOUND");
  }

  grpc::Status CreateProposal(grpc::ServerContext*, const v1::CreateProposalRequest* request,
                              v1::CreateProposalResponse* response) override {
    Note(*request);
    *response->mutable_proposal() = request->proposal();
    response->mutable_proposal()->set_name("proposals/p1");
    return grpc::Status::OK;
  }

  grpc::Status GetProposal(grpc::ServerContext*, const v1::GetProposalRequest* request,
                           v1::GetProposalResponse* response) override {
    response->mutable_proposal()->set_name(request->name());
    response->mutable_proposal()->set_sha256("abc123");
    if (request->name() == "proposals/activate") {
      absl::MutexLock lock(&fake_.mutex_);
      v1::Proposal::ActivatePolicy* act = response->mutable_proposal()->mutable_activate_policy();
      act->set_tenant("tenants/t7");
      act->set_policy_sha256(fake_.policies_.back().first);
      act->mutable_change()->mutable_notice()->set_where("the top page");
      v1::PolicyChange::Content* part = act->mutable_change()->add_content();
      part->set_kind("reason");
      part->set_text("a new\nservice");
      act->mutable_approvable_time()->set_seconds(1'800'000'000);
      return grpc::Status::OK;
    }
    response->mutable_proposal()->mutable_grant_role()->set_principal("principals/tanaka");
    return grpc::Status::OK;
  }

  // Two, the first of which nobody said anything of.
  grpc::Status ListPolicyActivations(grpc::ServerContext*,
                                     const v1::ListPolicyActivationsRequest* request,
                                     v1::ListPolicyActivationsResponse* response) override {
    Note(*request);
    v1::PolicyActivation* second = response->add_activations();
    second->set_number(2);
    second->set_policy_id("combzmail");
    second->set_policy_sha256(std::string(64, 'b'));
    second->mutable_start_time()->set_seconds(1'700'000'000);
    second->set_approver("principals/suzuki");
    second->set_reason("more mail");
    second->mutable_change()->mutable_notice()->set_where("https://example.jp/_privacy_");
    v1::PolicyChange::Content* part = second->mutable_change()->add_content();
    part->set_kind("reason");
    part->set_text("a *new*\n<b>service</b>\x1b[2J");
    v1::PolicyActivation* first = response->add_activations();
    first->set_number(1);
    first->set_policy_id("combzmail");
    first->set_policy_sha256(std::string(64, 'a'));
    first->mutable_start_time()->set_seconds(1'600'000'000);
    first->mutable_end_time()->set_seconds(1'700'000'000);
    return grpc::Status::OK;
  }

  grpc::Status BreakGlass(grpc::ServerContext*, const v1::BreakGlassRequest* request,
                          v1::BreakGlassResponse* response) override {
    Note(*request);
    response->mutable_use()->set_name("breakGlassUses/u1");
    response->mutable_use()->mutable_end_time()->set_seconds(1'700'000'000);
    return grpc::Status::OK;
  }
  grpc::Status ReviewBreakGlass(grpc::ServerContext*, const v1::ReviewBreakGlassRequest* request,
                                v1::ReviewBreakGlassResponse* response) override {
    Note(*request);
    response->mutable_use()->set_name(request->name());
    return grpc::Status::OK;
  }
  grpc::Status ListBreakGlass(grpc::ServerContext*, const v1::ListBreakGlassRequest* request,
                              v1::ListBreakGlassResponse* response) override {
    Note(*request);
    v1::BreakGlassUse* use = response->add_uses();
    use->set_name("breakGlassUses/u1");
    use->set_state(v1::BREAK_GLASS_STATE_UNREVIEWED);
    use->set_principal("principals/cho");
    return grpc::Status::OK;
  }

  grpc::Status ApproveProposal(grpc::ServerContext*, const v1::ApproveProposalRequest* request,
                               v1::ApproveProposalResponse*) override {
    absl::MutexLock lock(&fake_.mutex_);
    fake_.approvals_.push_back(*request);
    return grpc::Status::OK;
  }

 private:
  void Note(const google::protobuf::Message& request) {
    absl::MutexLock lock(&fake_.mutex_);
    fake_.administered_.push_back(
        absl::StrCat(request.GetDescriptor()->name(), " ", request.ShortDebugString()));
  }

  FakeVault& fake_;
};

class FakeVault::Vault : public v1::VaultService::Service {
 public:
  explicit Vault(FakeVault& fake) : fake_(fake) {}

  grpc::Status BatchCreateRecords(grpc::ServerContext*,
                                  const v1::BatchCreateRecordsRequest* request,
                                  v1::BatchCreateRecordsResponse* response) override {
    return fake_.CreateBatch(*request, response);
  }

  // Gives back what was asked for: each field's value is its name; `phone` is denied.
  grpc::Status RevealRecord(grpc::ServerContext*, const v1::RevealRecordRequest* request,
                            v1::RevealRecordResponse* response) override {
    response->mutable_record()->set_name(request->name());
    for (const std::string& field : request->fields()) {
      if (field != "phone") {
        (*response->mutable_record()->mutable_fields())[field].set_value("\x1b[31m" + field);
        continue;
      }
      if (!request->allow_partial()) {
        return Refusal(grpc::StatusCode::PERMISSION_DENIED, "NDA_EXPIRED", "phone");
      }
      v1::Failure* denied = response->mutable_record()->add_denied();
      denied->set_reason("NDA_EXPIRED");
      denied->add_fields("phone");
    }
    return grpc::Status::OK;
  }

  // Each field was called otherwise before; `phone` is denied.
  grpc::Status RevealRecordHistory(grpc::ServerContext*,
                                   const v1::RevealRecordHistoryRequest* request,
                                   v1::RevealRecordHistoryResponse* response) override {
    response->set_name(request->name());
    for (const std::string& field : request->fields()) {
      if (field == "phone") {
        v1::Failure* denied = response->add_denied();
        denied->set_reason("FIELD_WITHOUT_HISTORY");
        denied->add_fields("phone");
        continue;
      }
      v1::EarlierValue* earlier = response->add_values();
      earlier->set_field(field);
      earlier->mutable_value()->set_value("\x1b[31mold " + field);
      earlier->set_last_version(3);
      earlier->mutable_replace_time()->set_seconds(1'700'000'000);
      earlier->set_replaced_by("principals/sato");
    }
    return grpc::Status::OK;
  }

  // A message on the way, then 20 people for each field, and ten others.
  grpc::Status CountRecords(grpc::ServerContext*, const v1::CountRecordsRequest* request,
                            grpc::ServerWriter<v1::CountRecordsResponse>* writer) override {
    if (request->parent().empty()) {
      return Refusal(grpc::StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST");
    }
    v1::CountRecordsResponse response;
    response.set_examined_records(10'000);
    writer->Write(response);
    response.Clear();
    response.set_complete(true);
    v1::CountRecordsResponse::Group* group = response.add_groups();
    for (const std::string& field : request->group_by()) group->add_values("a " + field);
    group->set_persons(20);
    response.set_other_persons(10);
    writer->Write(response);
    return grpc::Status::OK;
  }

  // The same for each name, in messages of two.
  grpc::Status StreamRevealRecords(
      grpc::ServerContext*, const v1::StreamRevealRecordsRequest* request,
      grpc::ServerWriter<v1::StreamRevealRecordsResponse>* writer) override {
    v1::StreamRevealRecordsResponse response;
    for (const std::string& name : request->names().names()) {
      if (request->fields(0) == "phone") {
        return Refusal(grpc::StatusCode::PERMISSION_DENIED, "NDA_EXPIRED", "phone");
      }
      response.add_records()->set_name(name);
      if (response.records_size() < 2) continue;
      writer->Write(response);
      response.Clear();
    }
    if (response.records_size() > 0) writer->Write(response);
    return grpc::Status::OK;
  }

  grpc::Status CreateRecord(grpc::ServerContext*, const v1::CreateRecordRequest* request,
                            v1::CreateRecordResponse* response) override {
    response->mutable_record()->set_name(request->parent());
    for (const auto& [field, value] : request->record().fields()) {
      (*response->mutable_tokens())[field] = "tok_" + value;
    }
    return fake_.Hear(*request);
  }

  // Of s2 a law keeps some: of one record until then, of another with no end yet.
  grpc::Status DeleteSubject(grpc::ServerContext*, const v1::DeleteSubjectRequest* request,
                             v1::DeleteSubjectResponse* response) override {
    response->set_records(3);
    response->mutable_receipt()->set_index(42);
    if (!request->name().ends_with("/s2")) return fake_.Hear(*request);
    if (!request->keep_held()) {
      return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "RETENTION_HOLD", "pay.record");
    }
    v1::HeldFields* held = response->add_held();
    held->set_record(request->name() + "/records/r1");
    held->add_fields("record");
    held->add_fields("bill");
    held->set_law("JP-tax");
    held->mutable_until()->set_seconds(1'900'000'000);
    held = response->add_held();
    held->set_record(request->name() + "/records/r2");
    held->add_fields("record");
    held->set_law("JP-tax");
    return fake_.Hear(*request);
  }

 private:
  FakeVault& fake_;
};

// Takes what it is told.
class FakeVault::Subject : public v1::SubjectService::Service {
 public:
  explicit Subject(FakeVault& fake) : fake_(fake) {}

  static void Settle(v1::Event* event) {
    event->set_event("settled");
    event->mutable_time()->set_seconds(1'893'456'000);
  }

  grpc::Status OpenMatter(grpc::ServerContext*, const v1::OpenMatterRequest* request,
                          v1::OpenMatterResponse* response) override {
    absl::MutexLock lock(&fake_.mutex_);
    fake_.opened_.push_back(*request);
    *response->mutable_matter() = request->matter();
    return grpc::Status::OK;
  }

  // The parent as the one matter's id, to be seen.
  grpc::Status ListMatters(grpc::ServerContext*, const v1::ListMattersRequest* request,
                           v1::ListMattersResponse* response) override {
    v1::Matter& matter = *response->add_matters();
    matter.set_id(request->parent());
    matter.set_type("dispute");
    matter.add_records(request->parent() + "/records/r1");
    Settle(matter.add_events());
    return grpc::Status::OK;
  }

  grpc::Status UpdateMatter(grpc::ServerContext*, const v1::UpdateMatterRequest* request,
                            v1::UpdateMatterResponse* response) override {
    response->mutable_matter()->set_kind(request->kind());
    response->mutable_matter()->set_id(request->id());
    response->mutable_matter()->set_state(request->state());
    response->mutable_matter()->set_type(request->type());
    *response->mutable_matter()->mutable_records() = request->add_records();
    if (!request->events().empty()) Settle(response->mutable_matter()->add_events());
    return Hear(*request);
  }

  grpc::Status UpdateSubject(grpc::ServerContext*, const v1::UpdateSubjectRequest* request,
                             v1::UpdateSubjectResponse* response) override {
    if (!request->events().empty()) Settle(response->add_events());
    absl::MutexLock lock(&fake_.mutex_);
    fake_.updated_.push_back(*request);
    return grpc::Status::OK;
  }

  grpc::Status RecordConsent(grpc::ServerContext*, const v1::RecordConsentRequest* request,
                             v1::RecordConsentResponse* response) override {
    response->set_subject("tenants/default/subjects/new");
    return Hear(*request);
  }
  grpc::Status WithdrawConsent(grpc::ServerContext*, const v1::WithdrawConsentRequest* request,
                               v1::WithdrawConsentResponse*) override {
    return Hear(*request);
  }
  grpc::Status ListConsents(grpc::ServerContext*, const v1::ListConsentsRequest* request,
                            v1::ListConsentsResponse* response) override {
    v1::Consent& consent = *response->add_consents();
    consent.set_consent("young");
    consent.mutable_guardian()->set_relation("mother");
    response->mutable_receipt()->set_index(42);
    return Hear(*request);
  }
  grpc::Status StopUse(grpc::ServerContext*, const v1::StopUseRequest* request,
                       v1::StopUseResponse*) override {
    return Hear(*request);
  }
  grpc::Status ResumeUse(grpc::ServerContext*, const v1::ResumeUseRequest* request,
                         v1::ResumeUseResponse*) override {
    return Hear(*request);
  }
  grpc::Status Unsubscribe(grpc::ServerContext*, const v1::UnsubscribeRequest* request,
                           v1::UnsubscribeResponse*) override {
    return Hear(*request);
  }

 private:
  grpc::Status Hear(const google::protobuf::Message& request) { return fake_.Hear(request); }

  FakeVault& fake_;
};

// Knows the requests r1, about two fields, and r2, which was closed.
class FakeVault::Rights : public v1::SubjectRightsService::Service {
 public:
  explicit Rights(FakeVault& fake) : fake_(fake) {}

 private:
  grpc::Status OpenRequest(grpc::ServerContext*, const v1::OpenRequestRequest* request,
                           v1::OpenRequestResponse* response) override {
    *response->mutable_request() = request->request();
    response->mutable_request()->set_name(request->subject() + "/requests/r1");
    response->mutable_request()->set_state(v1::SUBJECT_REQUEST_STATE_OPEN);
    response->mutable_receipt()->set_index(42);
    return Hear(*request);
  }
  grpc::Status ConfirmIdentity(grpc::ServerContext*, const v1::ConfirmIdentityRequest* request,
                               v1::ConfirmIdentityResponse* response) override {
    response->mutable_request()->set_name(request->name());
    *response->mutable_request()->mutable_identity() = request->evidence();
    return Hear(*request);
  }
  grpc::Status RefuseRequest(grpc::ServerContext*, const v1::RefuseRequestRequest* request,
                             v1::RefuseRequestResponse* response) override {
    response->mutable_request()->set_state(v1::SUBJECT_REQUEST_STATE_PARTLY_REFUSED);
    *response->mutable_request()->add_refusals() = request->refusal();
    return Hear(*request);
  }
  grpc::Status WithdrawRequest(grpc::ServerContext*, const v1::WithdrawRequestRequest* request,
                               v1::WithdrawRequestResponse* response) override {
    response->mutable_request()->set_state(v1::SUBJECT_REQUEST_STATE_WITHDRAWN);
    return Hear(*request);
  }
  // r1 alone was carried out.
  grpc::Status CompleteRequest(grpc::ServerContext*, const v1::CompleteRequestRequest* request,
                               v1::CompleteRequestResponse* response) override {
    if (!request->name().ends_with("/r1")) {
      return Refusal(grpc::StatusCode::FAILED_PRECONDITION, "REQUEST_NOT_CARRIED_OUT", "svc.phone");
    }
    response->mutable_request()->set_state(v1::SUBJECT_REQUEST_STATE_COMPLETED);
    return Hear(*request);
  }
  // Of r1 fields were refused on two grounds that hold, twice on the first, and on one that does
  // not.
  grpc::Status ListRequests(grpc::ServerContext*, const v1::ListRequestsRequest* request,
                            v1::ListRequestsResponse* response) override {
    v1::SubjectRequest* open = Add(*request, "r1", v1::SUBJECT_REQUEST_STATE_OPEN, response);
    open->add_open_fields("svc.phone");
    open->add_open_fields("svc.email");
    AddRefusal("no_legal_duty", true, open);
    AddRefusal("contract_active_without_termination", false, open);
    AddRefusal("no_legal_duty", true, open);
    AddRefusal("harm_to_others", true, open);
    open->mutable_identity()->set_method("passport");
    open->mutable_open_time()->set_seconds(1'800'000'000);
    if (!request->open_only()) {
      Add(*request, "r2", v1::SUBJECT_REQUEST_STATE_COMPLETED, response);
    }
    response->mutable_receipt()->set_index(42);
    return Hear(*request);
  }

  static v1::SubjectRequest* Add(const v1::ListRequestsRequest& asked, const std::string& id,
                                 v1::SubjectRequestState state,
                                 v1::ListRequestsResponse* response) {
    v1::SubjectRequest* request = response->add_requests();
    request->set_name(absl::StrCat(asked.subject(), "/requests/", id));
    request->set_kind("erase");
    request->set_state(state);
    return request;
  }
  static void AddRefusal(const std::string& ground, bool holds, v1::SubjectRequest* request) {
    v1::RequestRefusal* refusal = request->add_refusals();
    refusal->set_ground(ground);
    refusal->set_lapsed(!holds);
  }

  grpc::Status Hear(const google::protobuf::Message& request) { return fake_.Hear(request); }

  FakeVault& fake_;
};

// Takes "right" for every credential.
class FakeVault::Credential : public v1::CredentialService::Service {
 public:
  explicit Credential(FakeVault& fake) : fake_(fake) {}

 private:
  grpc::Status SetCredential(grpc::ServerContext*, const v1::SetCredentialRequest* request,
                             v1::SetCredentialResponse*) override {
    return Hear(*request);
  }
  grpc::Status VerifyCredential(grpc::ServerContext*, const v1::VerifyCredentialRequest* request,
                                v1::VerifyCredentialResponse* response) override {
    response->set_verified(request->value() == "right");
    return Hear(*request);
  }
  grpc::Status RevokeCredential(grpc::ServerContext*, const v1::RevokeCredentialRequest* request,
                                v1::RevokeCredentialResponse*) override {
    return Hear(*request);
  }

  grpc::Status Hear(const google::protobuf::Message& request) { return fake_.Hear(request); }

  FakeVault& fake_;
};

// One ordinary entry, and one that stands for 37 calls.
class FakeVault::Audit : public v1::AuditService::Service {
 public:
  explicit Audit(FakeVault& fake) : fake_(fake) {}

 private:
  grpc::Status ListEntries(grpc::ServerContext*, const v1::ListEntriesRequest*,
                           v1::ListEntriesResponse* response) override {
    for (int i = 0; i < 2; ++i) *response->add_entries() = Refused(i);
    return grpc::Status::OK;
  }
  grpc::Status TailEntries(grpc::ServerContext*, const v1::TailEntriesRequest* request,
                           grpc::ServerWriter<v1::TailEntriesResponse>* writer) override {
    v1::TailEntriesResponse response;
    // The opening is an entry itself, the third.
    response.mutable_receipt()->set_index(2);
    for (int i = static_cast<int>(request->start_index()); i < 2; ++i) {
      *response.add_entries() = Refused(i);
    }
    writer->Write(response);
    return grpc::Status::OK;
  }

  v1::Entry Refused(int index) {
    v1::Entry entry;
    entry.mutable_position()->set_index(static_cast<uint64_t>(index));
    entry.set_principal("principals/tanaka");
    entry.set_decision(v1::ENTRY_DECISION_DENIED);
    entry.set_reason("NDA_EXPIRED");
    entry.set_count(index == 0 ? 0 : 37);
    absl::MutexLock lock(&fake_.mutex_);
    if (fake_.policies_.empty()) return entry;
    entry.set_policy_sha256(fake_.policies_[0].first);
    entry.set_role("engineer");
    entry.set_purpose("technical_work");
    entry.add_items()->add_grants("engineer-work");
    return entry;
  }

  FakeVault& fake_;
};

grpc::Status FakeVault::Hear(const google::protobuf::Message& request) {
  absl::MutexLock lock(&mutex_);
  said_.push_back(absl::StrCat(request.GetDescriptor()->name(), " ", request.ShortDebugString()));
  return grpc::Status::OK;
}

FakeVault::FakeVault()
    : admin_(std::make_unique<Admin>(*this)),
      audit_(std::make_unique<Audit>(*this)),
      credential_(std::make_unique<Credential>(*this)),
      rights_(std::make_unique<Rights>(*this)),
      retention_(std::make_unique<FakeRetention>(
          [this](const google::protobuf::Message& request) { return Hear(request); })),
      sharing_(std::make_unique<FakeSharing>(
          [this](const google::protobuf::Message& request) { return Hear(request); })),
      subject_(std::make_unique<Subject>(*this)),
      vault_(std::make_unique<Vault>(*this)) {
  const fakes::TestCertificate server = authority_.IssueServer();
  const fakes::TestCertificate caller = authority_.IssueForUri("spiffe://vault.example/x");
  folder_.Write("ca.crt", authority_.certificate_pem());
  folder_.Write("x.crt", caller.certificate_pem);
  folder_.Write("x.key", caller.key_pem);
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = authority_.certificate_pem();
  options.pem_key_cert_pairs = {{server.key_pem, server.certificate_pem}};
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port_);
  builder.RegisterService(admin_.get());
  builder.RegisterService(audit_.get());
  builder.RegisterService(credential_.get());
  builder.RegisterService(rights_.get());
  builder.RegisterService(retention_.get());
  builder.RegisterService(sharing_.get());
  builder.RegisterService(subject_.get());
  builder.RegisterService(vault_.get());
  server_ = builder.BuildAndStart();
}

FakeVault::~FakeVault() { server_->Shutdown(); }

std::string FakeVault::address() const { return absl::StrCat("127.0.0.1:", port_); }

std::vector<std::string> FakeVault::Flags() const {
  return {"--address", address(),
          "--ca",      folder_.File("ca.crt"),
          "--cert",    folder_.File("x.crt"),
          "--key",     folder_.File("x.key")};
}

void FakeVault::KnowPolicies(std::vector<std::pair<std::string, std::string>> yaml_by_hash) {
  absl::MutexLock lock(&mutex_);
  policies_ = std::move(yaml_by_hash);
}

void FakeVault::OnBatch(BatchHook hook) {
  absl::MutexLock lock(&mutex_);
  hook_ = std::move(hook);
}

void FakeVault::LoseAnswers(int times) {
  absl::MutexLock lock(&mutex_);
  lost_answers_ = times;
}

void FakeVault::RefuseRefs(std::set<std::string> refs) {
  absl::MutexLock lock(&mutex_);
  refused_refs_ = std::move(refs);
}

std::map<std::string, int> FakeVault::stored() const {
  absl::MutexLock lock(&mutex_);
  return stored_;
}

std::vector<v1::BatchCreateRecordsRequest> FakeVault::batches() const {
  absl::MutexLock lock(&mutex_);
  return batches_;
}

std::vector<std::string> FakeVault::administered() const {
  absl::MutexLock lock(&mutex_);
  return administered_;
}

std::vector<v1::ApproveProposalRequest> FakeVault::approvals() const {
  absl::MutexLock lock(&mutex_);
  return approvals_;
}

std::vector<v1::OpenMatterRequest> FakeVault::opened() const {
  absl::MutexLock lock(&mutex_);
  return opened_;
}

std::vector<v1::UpdateSubjectRequest> FakeVault::updated() const {
  absl::MutexLock lock(&mutex_);
  return updated_;
}

std::vector<std::string> FakeVault::said() const {
  absl::MutexLock lock(&mutex_);
  return said_;
}

grpc::Status FakeVault::CreateBatch(const v1::BatchCreateRecordsRequest& request,
                                    v1::BatchCreateRecordsResponse* response) {
  absl::MutexLock lock(&mutex_);
  batches_.push_back(request);
  if (hook_ != nullptr) {
    if (grpc::Status status = hook_(request); !status.ok()) return status;
  }
  if (const auto seen = by_request_id_.find(request.request_id()); seen != by_request_id_.end()) {
    *response = seen->second;
    return grpc::Status::OK;
  }
  for (const v1::NewRecord& record : request.records()) {
    auto* result = response->add_results();
    result->set_ref(record.ref());
    if (refused_refs_.contains(record.ref())) {
      result->mutable_failure()->set_reason("VALUE_INVALID");
      result->mutable_failure()->add_fields("email");
      continue;
    }
    ++stored_[record.ref()];
    result->set_name(absl::StrCat("tenants/default/subjects/s/records/", record.ref()));
    for (const auto& [field, value] : record.fields()) {
      (*result->mutable_tokens())[field] = absl::StrCat("tok_", record.ref(), field);
    }
  }
  by_request_id_[request.request_id()] = *response;
  if (lost_answers_ > 0) {
    --lost_answers_;
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the answer was lost");
  }
  return grpc::Status::OK;
}

CliResult RunPiivault(std::vector<std::string> arguments, const std::string& input,
                      const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), "piivault");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  CliResult result;
  result.code =
      RunCli(static_cast<int>(argv.size()), argv.data(),
             {.in = in,
              .out = out,
              .err = err,
              .err_is_terminal = false,
              .environment = [&environment](const std::string& name) -> std::optional<std::string> {
                const auto it = environment.find(name);
                if (it == environment.end()) return std::nullopt;
                return it->second;
              },
              .now = [] { return absl::FromUnixSeconds(1'900'000'000); }});
  result.out = out.str();
  result.err = err.str();
  return result;
}

}  // namespace piivault::ops
