// Every method of every service as every kind of caller.
#include <google/protobuf/descriptor.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "authz/reason.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/dev_vault_fixture.h"
#include "vault/sharing/enrolment.h"

namespace piivault::integration {
namespace {

using authz::Reason;
using google::protobuf::Message;

// Of the starter policy nothing is due: visits are, at once. Support selects, engineers approve.
std::string PolicyWithVisits() {
  return absl::StrReplaceAll(
      ops::kStarterPolicy,
      {{"\n  account:", "\n  visit: {fields: {note: free_text}}\n  account:"}, {"\nrecipients:", R"(
  - {id: shop-visits, role: shop, may: [create], fields: [visit.note], for: [order]}
  - {id: support-selects, role: support, may: [select_destruction], for: [support]}
  - {id: engineer-approves, role: engineer, may: [approve_destruction], for: [technical_work]}
retention: [{id: visits, fields: [visit.note], trigger: record_made, keep: 0, then: destroy,
             approval: engineer}]
recipients:)"}});
}

constexpr char kCarrier[] = "tenants/default/recipients/carrier";

struct Caller {
  const char* name;
  const char* purpose;
};

// The columns of the table below, in this order.
constexpr auto kCallers = std::to_array<Caller>({
    {"admin-1", "order"},
    {"auditor", "order"},
    {"operator", "order"},
    {"officer", "order"},  // system role privacy_officer
    {"shop", "order"},
    {"tenant", "own_list"},
    {"support", "support"},
    {"engineer", "technical_work"},
    {"engineer-no-nda", "technical_work"},
    {"engineer-expired-nda", "technical_work"},
    {"engineer-outsourced", "technical_work"},
    {"other-tenant", "own_list"},  // tenants/other's own
    {"other-shop", "order"},       // a service with a role in tenants/other only
    {"leaver", "order"},           // once a shop, now disabled
    {"stranger", "order"},         // a good certificate that nobody registered
    {"carrier", "order"},          // a recipient outside
});

// What the letters of the table stand for.
const std::map<char, Reason> kLetters = {
    {'+', Reason::kOk},
    {'r', Reason::kRoleNotGranted},
    {'o', Reason::kOperationNotGranted},
    {'f', Reason::kFieldNotGranted},
    {'N', Reason::kNdaMissing},
    {'E', Reason::kNdaExpired},
    {'X', Reason::kOutsourcingForbidden},
    {'S', Reason::kSystemRoleRequired},
    {'T', Reason::kTenantMismatch},
    {'D', Reason::kPrincipalDisabled},
    {'U', Reason::kPrincipalUnknown},
    {'n', Reason::kNotFound},
    {'u', Reason::kRoleUnknown},
    {'a', Reason::kAlreadyExists},
    {'K', Reason::kPrincipalKindNotAdmitted},
    {'O', Reason::kOwnRecipient},
};

// One row for each method, one column for each caller in the order of kCallers:
// admin, auditor, operator, officer | shop, tenant | support | engineers: with NDA, without, with
// an expired one, outsourced | of another tenant: its own access, a service | disabled, unknown |
// recipient.
// kLetters says what the letters stand for.
constexpr char kTable[] = R"(
VaultService/CreateRecord                   r r r r  + +  o  o N E X  T T  D U  r
VaultService/BatchCreateRecords             r r r r  + +  o  o N E X  T T  D U  r
VaultService/UpsertRecord                   r r r r  + +  o  + N E X  T T  D U  r
VaultService/UpdateRecord                   r r r r  + +  o  + N E X  T T  D U  r
VaultService/GetRecord                      r r r r  + +  +  + N E X  T T  D U  r
VaultService/ListRecords                    r r r r  + +  o  o N E X  T T  D U  r
VaultService/LookupRecord                   r r r r  + o  +  o N E X  T T  D U  r
VaultService/SearchRecords                  r r r r  o +  +  o N E X  T T  D U  r
VaultService/RevealRecord                   r r r r  + +  +  + N E X  T T  D U  r
VaultService/RevealRecordHistory            r r r r  + o  o  o N E X  T T  D U  r
VaultService/BatchRevealRecords             r r r r  + +  +  + N E X  T T  D U  r
VaultService/StreamRevealRecords            r r r r  + +  +  + N E X  T T  D U  r
VaultService/Detokenize                     r r r r  + o  o  o N E X  T T  D U  r
VaultService/Tokenize                       r r r r  + o  o  o N E X  T T  D U  r
VaultService/DownloadRecords                r r r r  o +  o  o N E X  T T  D U  r
VaultService/CountRecords                   r r r r  + o  o  o N E X  T T  D U  r
VaultService/DeleteRecord                   r r r r  + o  o  o N E X  T T  D U  r
VaultService/GetSubject                     r r r r  + o  o  o N E X  T T  D U  r
VaultService/DeleteSubject                  r r r r  + o  o  o N E X  T T  D U  r
SubjectService/RecordConsent                r r r r  o o  o  o N E X  T T  D U  r
SubjectService/WithdrawConsent              r r r r  o o  o  o N E X  T T  D U  r
SubjectService/ListConsents                 r r r r  + o  o  o N E X  T T  D U  r
SubjectService/StopUse                      r r r r  o o  o  o N E X  T T  D U  r
SubjectService/ResumeUse                    r r r r  o o  o  o N E X  T T  D U  r
SubjectService/Unsubscribe                  r r r r  o o  o  o N E X  T T  D U  r
SubjectService/UpdateSubject                r r r r  o o  o  o N E X  T T  D U  r
SubjectService/OpenMatter                   r r r r  o o  o  o N E X  T T  D U  r
SubjectService/UpdateMatter                 r r r r  o o  o  o N E X  T T  D U  r
SubjectService/ListMatters                  r r r r  + o  o  o N E X  T T  D U  r
SubjectRightsService/OpenRequest            r r r r  o o  o  o N E X  T T  D U  r
SubjectRightsService/ConfirmIdentity        r r r r  o o  o  o N E X  T T  D U  r
SubjectRightsService/RefuseRequest          r r r r  o o  o  o N E X  T T  D U  r
SubjectRightsService/WithdrawRequest        r r r r  o o  o  o N E X  T T  D U  r
SubjectRightsService/CompleteRequest        r r r r  o o  o  o N E X  T T  D U  r
SubjectRightsService/ListRequests           r r r r  o o  o  o N E X  T T  D U  r
RetentionService/GetRetention               r r r r  o o  +  + N E X  T T  D U  r
RetentionService/SelectDestruction          r r r r  o o  +  o N E X  T T  D U  r
RetentionService/ListDestructions           r r r r  o o  +  + N E X  T T  D U  r
RetentionService/ApproveDestruction         r r r r  o o  o  + N E X  T T  D U  r
RetentionService/RejectDestruction          r r r r  o o  o  + N E X  T T  D U  r
CredentialService/SetCredential             r r r r  + f  o  f N E X  T T  D U  r
CredentialService/VerifyCredential          r r r r  + o  o  o N E X  T T  D U  r
CredentialService/RevokeCredential          r r r r  + f  o  f N E X  T T  D U  r
SharingService/RegisterRecipient            + S S a  S S  S  S S S S  S S  D U  S
SharingService/GetRecipient                 + + S +  S S  S  S S S S  S S  D U  +
SharingService/ListRecipients               + + S +  S S  S  S S S S  S S  D U  S
SharingService/UpdateRecipient              + S S +  S S  S  S S S S  S S  D U  S
SharingService/DisableRecipient             + S S +  S S  S  S S S S  S S  D U  S
SharingService/RecordRecipientAttestation   + S S +  S S  S  S S S S  S S  D U  S
SharingService/RevokeRecipientAttestation   + S S +  S S  S  S S S S  S S  D U  S
SharingService/EnrolCertificate             K K K K  K K  K  K K K K  K K  D U  +
SharingService/IssueExportToken             O r r r  + o  o  o N E X  T T  D U  r
SharingService/GetExportToken               + + n +  + n  n  n n n n  T n  D U  n
SharingService/ApproveExportToken           r r r r  o o  o  o N E X  T T  D U  r
SharingService/RejectExportToken            r r r r  o o  o  o N E X  T T  D U  r
SharingService/RevokeExportTokens           + S S +  S S  S  S S S S  T S  D U  K
SharingService/ListExportTokens             + + + +  + +  +  + + + +  T +  D U  +
SharingService/RedeemExportToken            K K K K  K K  K  K K K K  K K  D U  +
SharingService/ListSigningKeys              + + + +  + +  +  + + + +  + +  D U  +
SharingService/RotateSigningKey             + S + S  S S  S  S S S S  S S  D U  S
SharingService/ListDisclosures              r + r +  + o  o  o N E X  T T  D U  r
SharingService/StreamDisclosedRecords       r + r +  + o  o  o N E X  T T  D U  r
SharingService/ListCorrectionNotices        r + r +  + o  o  o N E X  T T  D U  +
SharingService/AcknowledgeCorrectionNotices K K K K  K K  K  K K K K  K K  D U  n
AuditService/ListEntries                    + + S S  S S  S  S S S S  S S  D U  S
AuditService/TailEntries                    + + S S  S S  S  S S S S  S S  D U  S
AuditService/ExplainAccess                  + + S +  S S  S  S S S S  S S  D U  S
AdminService/CreateTenant                   + S S S  S S  S  S S S S  S S  D U  S
AdminService/ListTenants                    + + + +  S S  S  S S S S  S S  D U  S
AdminService/UpdateTenant                   + S S S  S S  S  S S S S  S S  D U  S
AdminService/EndJob                         n S S S  S S  S  S S S S  S S  D U  S
AdminService/CreatePerson                   + S S S  S S  S  S S S S  S S  D U  S
AdminService/GetPerson                      + + S S  S S  S  S S S S  S S  D U  S
AdminService/ListPersons                    + + S S  S S  S  S S S S  S S  D U  S
AdminService/UpdatePerson                   + S S S  S S  S  S S S S  S S  D U  S
AdminService/RecordAttestation              + S S S  S S  S  S S S S  S S  D U  S
AdminService/RevokeAttestation              + S S S  S S  S  S S S S  S S  D U  S
AdminService/CreatePrincipal                + S S S  S S  S  S S S S  S S  D U  S
AdminService/GetPrincipal                   + + S S  S S  S  S S S S  S S  D U  S
AdminService/ListPrincipals                 + + S S  S S  S  S S S S  S S  D U  S
AdminService/DisablePrincipal               + S S S  S S  S  S S S S  S S  D U  S
AdminService/RemoveIdentity                 + S S S  S S  S  S S S S  S S  D U  S
AdminService/RevokeRole                     + S S S  S S  S  S S S S  S S  D U  S
AdminService/OffboardPrincipal              + S S S  S S  S  S S S S  S S  D U  S
AdminService/DenyCertificate                + S S S  S S  S  S S S S  S S  D U  S
AdminService/CreatePolicy                   + S S S  S S  S  S S S S  S S  D U  S
AdminService/GetPolicy                      + + S +  S S  S  S S S S  S S  D U  S
AdminService/ListPolicies                   + + S +  S S  S  S S S S  S S  D U  S
AdminService/ListPolicyActivations          + + S +  S S  S  S S S S  S S  D U  S
AdminService/CreateProposal                 + S S S  S S  S  S S S S  S S  D U  S
AdminService/GetProposal                    + + S S  S S  S  S S S S  S S  D U  S
AdminService/ListProposals                  + + S S  S S  S  S S S S  S S  D U  S
AdminService/ApproveProposal                + S S S  S S  S  S S S S  S S  D U  S
AdminService/RejectProposal                 + S S S  S S  S  S S S S  S S  D U  S
AdminService/BreakGlass                     r r r r  r r  r  u u u u  r r  D U  r
AdminService/ReviewBreakGlass               S n S S  S S  S  S S S S  S S  D U  S
AdminService/ListBreakGlass                 + + S S  S S  S  S S S S  S S  D U  S
AdminService/ListKeyringSlots               + S + S  S S  S  S S S S  S S  D U  S
AdminService/ListEpochs                     + S + S  S S  S  S S S S  S S  D U  S
AdminService/RotateEpoch                    + S + S  S S  S  S S S S  S S  D U  S
AdminService/GetVaultStatus                 + + + +  S S  S  S S S S  S S  D U  S
)";

// The letters of each row, by method.
std::map<std::string, std::string> ReadTable() {
  std::map<std::string, std::string> rows;
  for (const std::string& line :
       std::vector<std::string>(absl::StrSplit(kTable, "\n", absl::SkipEmpty()))) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    std::string& letters = rows[words.front()];
    for (size_t i = 1; i < words.size(); ++i) letters += words[i];
  }
  return rows;
}

class MatrixTest : public DevVaultFixture {
 protected:
  // Each is asked once, for a request that those who may call can carry out; the purpose is set for
  // each caller. Of break-glass roles nobody was given one, so there is nothing to review.
  using Makers = std::map<std::string, std::function<std::unique_ptr<Message>()>>;

  void SetUp() override {
    Start();
    Activate(LoadPolicy(PolicyWithVisits()), kTenant);
    Register("officer", v1::PRINCIPAL_KIND_STAFF, "privacy_officer", "");
    v1::CreateTenantRequest other;
    other.mutable_tenant()->set_name("tenants/other");
    Must<v1::CreateTenantResponse>("admin-1", other);
    Activate(LoadPolicy(ops::kStarterPolicy), "tenants/other");
    Register("other-tenant", v1::PRINCIPAL_KIND_TENANT, "tenant", "tenants/other");
    Register("other-shop", v1::PRINCIPAL_KIND_SERVICE, "shop", "tenants/other");
    Register("leaver", v1::PRINCIPAL_KIND_SERVICE, "shop");
    v1::DisablePrincipalRequest disable;
    disable.set_name("principals/leaver");
    Must<v1::DisablePrincipalResponse>("admin-1", disable);
    record_ = NewCustomer({{"email", "taro@example.jp"}, {"note", "likes tea"}});
    v1::CreateRecordRequest account = CreateRequest({{"login", "taro"}});
    account.mutable_record()->set_type("account");
    account_ = Must<v1::CreateRecordResponse>("shop", account).record().name();
  }

  Makers Requests();
  template <typename Request>
  static std::function<std::unique_ptr<Message>()> Make(std::function<void(Request&)> fill) {
    return [fill] {
      auto request = std::make_unique<Request>();
      fill(*request);
      return request;
    };
  }
  Outcome Try(const Caller& caller, const Message& request, bool streaming);
  // A proposal of admin-2's, for admin-1 to decide.
  v1::Proposal Proposed();
  // A list of a visit, and of those before it that still are there.
  v1::Destruction Selected();

  static v1::RegisterRecipientRequest RecipientRequest(const std::string& name) {
    v1::RegisterRecipientRequest request;
    request.mutable_recipient()->set_name(absl::StrCat(kTenant, "/recipients/", name));
    request.mutable_recipient()->set_category("carrier");
    request.mutable_recipient()->set_country("JP");
    request.add_identities(absl::StrCat("spiffe://partners.example/", name));
    return request;
  }
  // Of the record's person, to the carrier.
  v1::IssueExportTokenRequest ExportRequest() const {
    const std::string& name = record_.record().name();
    v1::IssueExportTokenRequest request;
    request.set_parent(kTenant);
    request.set_recipient(kCarrier);
    request.set_rule("carrier");
    *request.mutable_usage() = UsageFor("order");
    request.add_fields("customer.name");
    request.add_subjects(name.substr(0, name.find("/records/")));
    return request;
  }
  v1::IssueExportTokenResponse Issued() {
    return Must<v1::IssueExportTokenResponse>("shop", ExportRequest());
  }
  static v1::RecordRecipientAttestationRequest ContractRequest() {
    v1::RecordRecipientAttestationRequest request;
    request.set_recipient(kCarrier);
    request.mutable_attestation()->set_kind("contract");
    request.mutable_attestation()->set_document_sha256(std::string(64, '3'));
    request.mutable_attestation()->mutable_signed_at()->set_seconds(1'700'000'000);
    return request;
  }
  static std::string SubjectOf(const std::string& record) {
    return record.substr(0, record.find("/records/"));
  }

  v1::CreateRecordResponse record_;
  std::string account_;
  int serial_ = 0;
};

v1::Proposal MatrixTest::Proposed() {
  v1::CreateProposalRequest request;
  *request.mutable_proposal() = GrantRole("principals/support", "support", kTenant);
  return Must<v1::CreateProposalResponse>("admin-2", request).proposal();
}

v1::Destruction MatrixTest::Selected() {
  v1::CreateRecordRequest visit = CreateRequest({{"note", "came by"}});
  visit.mutable_record()->set_type("visit");
  Must<v1::CreateRecordResponse>("shop", visit);
  v1::SelectDestructionRequest request;
  request.set_parent(kTenant);
  *request.mutable_usage() = UsageFor("support", "T-1");
  return Must<v1::SelectDestructionResponse>("support", request).destruction();
}

MatrixTest::Makers MatrixTest::Requests() {
  const std::string record = record_.record().name();
  const std::string subject = SubjectOf(record);
  const std::string rights_request = subject + "/requests/" + std::string(26, 'a');
  const auto principal = [this] {
    const std::string name = absl::StrCat("prey-", ++serial_);
    RegisterWithoutRole(name, v1::PRINCIPAL_KIND_STAFF, "");
    return name;
  };
  return {
      {"VaultService/CreateRecord", Make<v1::CreateRecordRequest>([](auto& r) {
         r = CreateRequest({{"name", "鈴木 一郎"}});
       })},
      {"VaultService/BatchCreateRecords", Make<v1::BatchCreateRecordsRequest>([](auto& r) {
         r.set_parent(kTenant);
         *r.add_records() = CreateRequest({{"name", "鈴木 一郎"}}).record();
       })},
      {"VaultService/UpsertRecord", Make<v1::UpsertRecordRequest>([](auto& r) {
         r.set_parent(kTenant);
         *r.mutable_record() = CreateRequest({{"name", "鈴木 一郎"}}).record();
         r.mutable_record()->set_ref("17");
       })},
      {"VaultService/UpdateRecord", Make<v1::UpdateRecordRequest>([=](auto& r) {
         r.set_name(record);
         (*r.mutable_fields())["note"] = "likes coffee";
       })},
      {"VaultService/GetRecord", Make<v1::GetRecordRequest>([=](auto& r) { r.set_name(record); })},
      {"VaultService/ListRecords", Make<v1::ListRecordsRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
       })},
      {"VaultService/LookupRecord", Make<v1::LookupRecordRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
         r.set_field("email");
         r.set_value("taro@example.jp");
         r.add_fields("email");
       })},
      {"VaultService/SearchRecords", Make<v1::SearchRecordsRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
         r.set_field("email");
         r.set_value("taro@example.jp");
       })},
      {"VaultService/RevealRecord", Make<v1::RevealRecordRequest>([=](auto& r) {
         r.set_name(record);
         r.add_fields("email");
       })},
      {"VaultService/RevealRecordHistory", Make<v1::RevealRecordHistoryRequest>([=](auto& r) {
         r.set_name(record);
         r.add_fields("address");
       })},
      {"VaultService/BatchRevealRecords", Make<v1::BatchRevealRecordsRequest>([=](auto& r) {
         r.set_parent(kTenant);
         r.add_names(record);
         r.add_fields("email");
       })},
      {"VaultService/StreamRevealRecords", Make<v1::StreamRevealRecordsRequest>([=](auto& r) {
         r.set_parent(kTenant);
         r.mutable_names()->add_names(record);
         r.add_fields("email");
       })},
      {"VaultService/Detokenize", Make<v1::DetokenizeRequest>([=, this](auto& r) {
         r.set_parent(kTenant);
         r.add_tokens(record_.tokens().at("note"));
       })},
      {"VaultService/Tokenize", Make<v1::TokenizeRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
         r.set_field("phone");
         r.add_items()->set_value("090-1234-5678");
       })},
      {"VaultService/DownloadRecords", Make<v1::DownloadRecordsRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
       })},
      {"VaultService/CountRecords", Make<v1::CountRecordsRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_type("customer");
         r.add_group_by("address");
       })},
      {"VaultService/DeleteRecord", Make<v1::DeleteRecordRequest>([=, this](auto& r) {
         r.set_name(NewCustomer().record().name());
       })},
      {"VaultService/GetSubject",
       Make<v1::GetSubjectRequest>([=](auto& r) { r.set_name(subject); })},
      {"VaultService/DeleteSubject", Make<v1::DeleteSubjectRequest>([=, this](auto& r) {
         r.set_name(SubjectOf(NewCustomer().record().name()));
       })},

      {"SubjectService/RecordConsent", Make<v1::RecordConsentRequest>([=](auto& r) {
         r.set_parent(kTenant);
         r.set_subject(subject);
         r.mutable_consent()->set_consent("other-purpose");
         r.mutable_consent()->set_wording("2026-1");
       })},
      {"SubjectService/WithdrawConsent", Make<v1::WithdrawConsentRequest>([=](auto& r) {
         r.set_subject(subject);
         r.set_consent("other-purpose");
       })},
      {"SubjectService/ListConsents",
       Make<v1::ListConsentsRequest>([=](auto& r) { r.set_subject(subject); })},
      {"SubjectService/StopUse", Make<v1::StopUseRequest>([=](auto& r) {
         r.set_subject(subject);
         r.mutable_stop()->set_fields("customer.email");
       })},
      {"SubjectService/ResumeUse", Make<v1::ResumeUseRequest>([=](auto& r) {
         r.set_subject(subject);
         r.mutable_stop()->set_fields("customer.email");
       })},
      {"SubjectService/Unsubscribe",
       Make<v1::UnsubscribeRequest>([=](auto& r) { r.set_name(record); })},
      {"SubjectService/UpdateSubject", Make<v1::UpdateSubjectRequest>([=](auto& r) {
         r.set_subject(subject);
         r.set_contract_active(false);
       })},
      {"SubjectService/OpenMatter", Make<v1::OpenMatterRequest>([=](auto& r) {
         r.set_parent(subject);
         r.mutable_matter()->set_kind("consultation");
         r.mutable_matter()->set_id("C-1");
       })},
      {"SubjectService/UpdateMatter", Make<v1::UpdateMatterRequest>([=](auto& r) {
         r.set_parent(kTenant);
         r.set_kind("migration");
         r.set_id("M-1");
         r.set_state("done");
       })},
      {"CredentialService/SetCredential", Make<v1::SetCredentialRequest>([this](auto& r) {
         r.set_name(account_);
         r.set_field("password");
         r.set_value("correct horse battery");
       })},
      {"CredentialService/VerifyCredential", Make<v1::VerifyCredentialRequest>([this](auto& r) {
         r.set_name(account_);
         r.set_field("password");
         r.set_value("correct horse battery");
       })},
      {"CredentialService/RevokeCredential", Make<v1::RevokeCredentialRequest>([this](auto& r) {
         r.set_name(account_);
         r.set_field("password");
       })},
      {"SubjectService/ListMatters",
       Make<v1::ListMattersRequest>([=](auto& r) { r.set_parent(subject); })},

      {"SubjectRightsService/OpenRequest", Make<v1::OpenRequestRequest>([=](auto& r) {
         r.set_subject(subject);
         r.mutable_request()->set_right("own");
         r.mutable_request()->set_kind("erase");
         r.mutable_request()->add_fields("customer.email");
       })},
      {"SubjectRightsService/ConfirmIdentity", Make<v1::ConfirmIdentityRequest>([=](auto& r) {
         r.set_name(rights_request);
         r.mutable_evidence()->set_method("passport");
       })},
      {"SubjectRightsService/RefuseRequest", Make<v1::RefuseRequestRequest>([=](auto& r) {
         r.set_name(rights_request);
         r.mutable_refusal()->set_ground("harm_to_others");
       })},
      {"SubjectRightsService/CompleteRequest",
       Make<v1::CompleteRequestRequest>([=](auto& r) { r.set_name(rights_request); })},
      {"SubjectRightsService/WithdrawRequest",
       Make<v1::WithdrawRequestRequest>([=](auto& r) { r.set_name(rights_request); })},
      {"SubjectRightsService/ListRequests",
       Make<v1::ListRequestsRequest>([=](auto& r) { r.set_subject(subject); })},

      {"RetentionService/GetRetention",
       Make<v1::GetRetentionRequest>([=](auto& r) { r.set_subject(subject); })},
      {"RetentionService/SelectDestruction",
       Make<v1::SelectDestructionRequest>([](auto& r) { r.set_parent(kTenant); })},
      {"RetentionService/ListDestructions",
       Make<v1::ListDestructionsRequest>([](auto& r) { r.set_parent(kTenant); })},
      {"RetentionService/ApproveDestruction", Make<v1::ApproveDestructionRequest>([this](auto& r) {
         const v1::Destruction list = Selected();
         r.set_name(list.name());
         r.set_sha256(list.sha256());
       })},
      {"RetentionService/RejectDestruction",
       Make<v1::RejectDestructionRequest>([this](auto& r) { r.set_name(Selected().name()); })},

      {"SharingService/RegisterRecipient",
       Make<v1::RegisterRecipientRequest>([](auto& r) { r = RecipientRequest("matrix"); })},
      {"SharingService/GetRecipient",
       Make<v1::GetRecipientRequest>([](auto& r) { r.set_name(kCarrier); })},
      {"SharingService/ListRecipients",
       Make<v1::ListRecipientsRequest>([](auto& r) { r.set_parent(kTenant); })},
      {"SharingService/UpdateRecipient", Make<v1::UpdateRecipientRequest>([](auto& r) {
         r.mutable_recipient()->set_name(kCarrier);
         r.mutable_recipient()->set_country("JP");
       })},
      {"SharingService/DisableRecipient", Make<v1::DisableRecipientRequest>([this](auto& r) {
         const v1::RegisterRecipientRequest prey = RecipientRequest("prey");
         Must<v1::RegisterRecipientResponse>("admin-1", prey);
         r.set_name(prey.recipient().name());
       })},
      {"SharingService/RecordRecipientAttestation",
       Make<v1::RecordRecipientAttestationRequest>([](auto& r) { r = ContractRequest(); })},
      {"SharingService/RevokeRecipientAttestation",
       Make<v1::RevokeRecipientAttestationRequest>([this](auto& r) {
         r.set_name(Must<v1::RecordRecipientAttestationResponse>("admin-1", ContractRequest())
                        .attestation()
                        .name());
       })},
      // The certificate that it calls with.
      {"SharingService/EnrolCertificate", Make<v1::EnrolCertificateRequest>([this](auto& r) {
         const auto text = [](const std::string& path) {
           std::ifstream file(path);
           std::stringstream bytes;
           bytes << file.rdbuf();
           return bytes.str();
         };
         const auto& own = vault().credentials().at("carrier");
         const std::string pem = text(own.certificate);
         const std::string digest = *vault::FirstCertificateSha256(pem);
         r.set_certificate_chain_pem(pem);
         r.set_proof(*vault::SignEnrolment(text(own.key), vault::EnrolmentText(digest, digest)));
       })},
      {"SharingService/IssueExportToken",
       Make<v1::IssueExportTokenRequest>([this](auto& r) { r = ExportRequest(); })},
      {"SharingService/GetExportToken", Make<v1::GetExportTokenRequest>([this](auto& r) {
         r.set_name(Issued().description().name());
       })},
      {"SharingService/ApproveExportToken", Make<v1::ApproveExportTokenRequest>([this](auto& r) {
         r.set_name(Issued().description().name());
       })},
      {"SharingService/RejectExportToken", Make<v1::RejectExportTokenRequest>([this](auto& r) {
         r.set_name(Issued().description().name());
       })},
      // None that somebody needs.
      {"SharingService/RevokeExportTokens", Make<v1::RevokeExportTokensRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_purpose("support");
       })},
      {"SharingService/ListExportTokens",
       Make<v1::ListExportTokensRequest>([](auto& r) { r.set_parent(kTenant); })},
      {"SharingService/RedeemExportToken", Make<v1::RedeemExportTokenRequest>([this](auto& r) {
         r.set_token(Issued().token());
         r.set_request_id("matrix");
       })},
      {"SharingService/ListSigningKeys", Make<v1::ListSigningKeysRequest>([](auto&) {})},
      {"SharingService/RotateSigningKey", Make<v1::RotateSigningKeyRequest>([](auto&) {})},
      {"SharingService/ListDisclosures", Make<v1::ListDisclosuresRequest>([](auto& r) {
         r.set_parent(kTenant);
         r.set_recipient(kCarrier);
       })},
      {"SharingService/StreamDisclosedRecords",
       Make<v1::StreamDisclosedRecordsRequest>([this](auto& r) {
         v1::ListDisclosuresRequest request;
         request.set_parent(kTenant);
         request.set_recipient(kCarrier);
         r.set_disclosure(
             Must<v1::ListDisclosuresResponse>("officer", request).disclosures(0).name());
       })},
      {"SharingService/ListCorrectionNotices",
       Make<v1::ListCorrectionNoticesRequest>([](auto& r) { r.set_parent(kTenant); })},
      {"SharingService/AcknowledgeCorrectionNotices",
       Make<v1::AcknowledgeCorrectionNoticesRequest>([](auto& r) {
         r.add_names(absl::StrCat(kTenant, "/correctionNotices/", std::string(26, 'a')));
       })},

      {"AuditService/ListEntries",
       Make<v1::ListEntriesRequest>([](auto& r) { r.set_page_size(1); })},
      {"AuditService/TailEntries",
       Make<v1::TailEntriesRequest>([](auto& r) { r.set_start_index(0); })},
      {"AuditService/ExplainAccess", Make<v1::ExplainAccessRequest>([](auto& r) {
         r.set_principal("principals/engineer");
         r.set_tenant(kTenant);
         r.set_verb("reveal");
         r.add_fields("customer.email");
         r.set_purpose("technical_work");
       })},

      {"AdminService/CreateTenant", Make<v1::CreateTenantRequest>([](auto& r) {
         r.mutable_tenant()->set_name("tenants/matrix");
       })},
      {"AdminService/ListTenants", Make<v1::ListTenantsRequest>([](auto&) {})},
      {"AdminService/UpdateTenant", Make<v1::UpdateTenantRequest>([](auto& r) {
         r.mutable_tenant()->set_name("tenants/other");
         r.mutable_tenant()->set_display_name("Another");
       })},
      {"AdminService/EndJob", Make<v1::EndJobRequest>([](auto& r) {
         r.set_tenant(kTenant);
         r.set_job("none");
       })},
      {"AdminService/CreatePerson", Make<v1::CreatePersonRequest>([](auto& r) {
         r.mutable_person()->set_name("persons/matrix");
         r.mutable_person()->set_display_name("Made Up");
         r.mutable_person()->set_employment(v1::EMPLOYMENT_OFFICER);
       })},
      {"AdminService/GetPerson",
       Make<v1::GetPersonRequest>([](auto& r) { r.set_name("persons/engineer"); })},
      {"AdminService/ListPersons", Make<v1::ListPersonsRequest>([](auto&) {})},
      {"AdminService/UpdatePerson", Make<v1::UpdatePersonRequest>([=](auto& r) {
         r.mutable_person()->set_name("persons/" + principal());
         r.mutable_person()->set_employment(v1::EMPLOYMENT_PART_TIME);
       })},
      {"AdminService/RecordAttestation", Make<v1::RecordAttestationRequest>([=](auto& r) {
         r.set_person("persons/" + principal());
         r.mutable_attestation()->set_kind("nda_contract");
         r.mutable_attestation()->set_document_sha256(std::string(64, '2'));
         r.mutable_attestation()->set_signatory(r.person());
         r.mutable_attestation()->mutable_signed_at()->set_seconds(1'700'000'000);
         r.set_valid_until_date("2099-12-31");
       })},
      {"AdminService/RevokeAttestation", Make<v1::RevokeAttestationRequest>([=, this](auto& r) {
         const std::string person = "persons/" + principal();
         r.set_name(RecordNda(person, absl::FromUnixSeconds(4'000'000'000)).attestation().name());
       })},
      {"AdminService/CreatePrincipal", Make<v1::CreatePrincipalRequest>([](auto& r) {
         r.mutable_principal()->set_name("principals/matrix");
         r.mutable_principal()->set_kind(v1::PRINCIPAL_KIND_STAFF);
         r.mutable_principal()->set_person("persons/support");
         r.mutable_principal()->add_identities()->set_uri("spiffe://vault.example/matrix");
       })},
      {"AdminService/GetPrincipal",
       Make<v1::GetPrincipalRequest>([](auto& r) { r.set_name("principals/engineer"); })},
      {"AdminService/ListPrincipals", Make<v1::ListPrincipalsRequest>([](auto&) {})},
      {"AdminService/DisablePrincipal", Make<v1::DisablePrincipalRequest>([=](auto& r) {
         r.set_name("principals/" + principal());
       })},
      {"AdminService/RemoveIdentity", Make<v1::RemoveIdentityRequest>([=](auto& r) {
         const std::string name = principal();
         r.set_principal("principals/" + name);
         r.set_uri("spiffe://vault.example/" + name);
       })},
      {"AdminService/RevokeRole", Make<v1::RevokeRoleRequest>([=, this](auto& r) {
         r.set_principal("principals/" + principal());
         r.set_role("support");
         r.set_tenant(kTenant);
         Agree(GrantRole(r.principal(), r.role(), r.tenant()));
       })},
      {"AdminService/OffboardPrincipal", Make<v1::OffboardPrincipalRequest>([=](auto& r) {
         r.set_name("principals/" + principal());
       })},
      {"AdminService/DenyCertificate", Make<v1::DenyCertificateRequest>([](auto& r) {
         r.set_certificate_sha256(std::string(64, 'a'));
       })},
      {"AdminService/CreatePolicy", Make<v1::CreatePolicyRequest>([](auto& r) {
         r.set_yaml(absl::StrCat(ops::kStarterPolicy, "\n# another\n"));
       })},
      {"AdminService/GetPolicy", Make<v1::GetPolicyRequest>([=, this](auto& r) {
         r.set_name("policies/" + LoadPolicy(ops::kStarterPolicy));
       })},
      {"AdminService/ListPolicies", Make<v1::ListPoliciesRequest>([](auto&) {})},
      {"AdminService/ListPolicyActivations",
       Make<v1::ListPolicyActivationsRequest>([](auto& r) { r.set_tenant(kTenant); })},
      {"AdminService/CreateProposal", Make<v1::CreateProposalRequest>([](auto& r) {
         *r.mutable_proposal() = GrantRole("principals/support", "support", kTenant);
       })},
      {"AdminService/GetProposal",
       Make<v1::GetProposalRequest>([=, this](auto& r) { r.set_name(Proposed().name()); })},
      {"AdminService/ListProposals", Make<v1::ListProposalsRequest>([](auto&) {})},
      {"AdminService/ApproveProposal", Make<v1::ApproveProposalRequest>([=, this](auto& r) {
         const v1::Proposal proposal = Proposed();
         r.set_name(proposal.name());
         r.set_sha256(proposal.sha256());
       })},
      {"AdminService/RejectProposal",
       Make<v1::RejectProposalRequest>([=, this](auto& r) { r.set_name(Proposed().name()); })},
      {"AdminService/BreakGlass", Make<v1::BreakGlassRequest>([](auto& r) {
         r.set_tenant(kTenant);
         r.set_role("engineer");
         r.set_reason("the gateway is down");
       })},
      {"AdminService/ReviewBreakGlass", Make<v1::ReviewBreakGlassRequest>([](auto& r) {
         r.set_name("breakGlassUses/" + std::string(26, 'a'));
         r.set_findings("nothing was found");
       })},
      {"AdminService/ListBreakGlass",
       Make<v1::ListBreakGlassRequest>([](auto& r) { r.set_tenant(kTenant); })},
      {"AdminService/ListKeyringSlots", Make<v1::ListKeyringSlotsRequest>([](auto&) {})},
      {"AdminService/ListEpochs", Make<v1::ListEpochsRequest>([](auto&) {})},
      {"AdminService/RotateEpoch", Make<v1::RotateEpochRequest>([](auto&) {})},
      {"AdminService/GetVaultStatus", Make<v1::GetVaultStatusRequest>([](auto&) {})},
  };
}

Outcome MatrixTest::Try(const Caller& caller, const Message& request, bool streaming) {
  std::unique_ptr<Message> mine(request.New());
  mine->CopyFrom(request);
  if (const auto* usage = mine->GetDescriptor()->FindFieldByName("usage"); usage != nullptr) {
    mine->GetReflection()
        ->MutableMessage(mine.get(), usage)
        ->CopyFrom(UsageFor(caller.purpose, "T-1"));
  }
  if (!streaming) {
    // A rotation waits for the one before to be done with.
    const absl::Time end = absl::Now() + kPatience;
    Outcome outcome;
    do {
      outcome = As(caller.name).Call(*mine);
    } while (outcome.reason == "ROTATION_RUNNING" && absl::Now() < end);
    return outcome;
  }
  // Some streams do not end by themselves: the first message says that the caller may.
  v1::TailEntriesResponse message;  // what is unknown in it does not matter
  const std::unique_ptr<Stream> stream = As(caller.name).Open(*mine);
  if (stream->Read(&message)) return Outcome();
  return stream->Finish();
}

// Every service that the wire has, by the files that say so: none is forgotten here (I3).
std::vector<const google::protobuf::ServiceDescriptor*> Services() {
  const std::string root = absl::StrCat(PIIVAULT_SOURCE_DIR, "/proto/");
  std::vector<const google::protobuf::ServiceDescriptor*> services;
  for (const auto& found : std::filesystem::directory_iterator(root + "piivault/v1")) {
    const std::string name = found.path().filename().string();
    const google::protobuf::FileDescriptor* file =
        google::protobuf::DescriptorPool::generated_pool()->FindFileByName(
            absl::StrCat("piivault/v1/", name));
    EXPECT_NE(file, nullptr) << name << " is not in the program";
    for (int i = 0; file != nullptr && i < file->service_count(); ++i) {
      services.push_back(file->service(i));
    }
  }
  EXPECT_GE(services.size(), 7u);
  return services;
}

// 004-14: who has a certificate and is not known gets nothing from any method either.
TEST_F(MatrixTest, EveryMethodAsEveryCaller) {
  std::map<std::string, std::string> table = ReadTable();
  const Makers requests = Requests();
  // Index of the entry of each refusal, and whose it was.
  std::map<uint64_t, std::string> refusals;

  for (const google::protobuf::ServiceDescriptor* service : Services()) {
    for (int i = 0; i < service->method_count(); ++i) {
      const google::protobuf::MethodDescriptor* method = service->method(i);
      const std::string name = absl::StrCat(service->name(), "/", method->name());
      SCOPED_TRACE(name);
      const auto found = table.find(name);
      ASSERT_NE(found, table.end()) << "the table has no row for this method";
      const std::string letters = found->second;
      table.erase(found);
      ASSERT_EQ(letters.size(), kCallers.size());
      ASSERT_TRUE(requests.count(name)) << "nobody knows how to call this method";
      const std::unique_ptr<Message> request = requests.at(name)();
      ASSERT_EQ(request->GetDescriptor(), method->input_type());

      for (size_t c = 0; c < kCallers.size(); ++c) {
        const authz::ReasonInfo& want = authz::GetReason(kLetters.at(letters[c]));
        const Outcome got = Try(kCallers[c], *request, method->server_streaming());
        EXPECT_EQ(got.code, static_cast<grpc::StatusCode>(want.code))
            << kCallers[c].name << " " << got;
        if (want.id == Reason::kOk) continue;
        EXPECT_EQ(got.reason, want.name) << kCallers[c].name;
        EXPECT_EQ(got.domain, "piivault");
        if (got.metadata.count("index") == 0) {
          ADD_FAILURE() << kCallers[c].name << ": no receipt";
          continue;
        }
        const uint64_t index = std::stoull(got.metadata.at("index"));
        EXPECT_TRUE(refusals
                        .emplace(index, absl::StrCat(service->full_name(), "/", method->name(), " ",
                                                     kCallers[c].name, " ", std::string(want.name)))
                        .second)
            << "two refusals with one entry";
      }
    }
  }
  EXPECT_TRUE(table.empty()) << "rows without a method";

  for (const v1::Entry& entry : ReadLog()) {
    const auto refusal = refusals.find(entry.position().index());
    if (refusal == refusals.end()) continue;
    std::string who = entry.principal().empty() ? "stranger" : entry.principal();
    if (who.rfind("principals/", 0) == 0) who = who.substr(strlen("principals/"));
    if (who == "default.carrier") who = "carrier";
    EXPECT_EQ(absl::StrCat(entry.method(), " ", who, " ", entry.reason()), refusal->second);
    const bool allowed = entry.reason() == "NOT_FOUND" || entry.reason() == "ALREADY_EXISTS";
    EXPECT_EQ(entry.decision(), allowed ? v1::ENTRY_DECISION_FAILED : v1::ENTRY_DECISION_DENIED);
    EXPECT_EQ(entry.certificate_sha256().size(), 64U);
    refusals.erase(refusal);
  }
  EXPECT_TRUE(refusals.empty()) << refusals.size() << " refusals have no entry";
}

TEST_F(MatrixTest, UnknownMethodsAreRefusedWithAnEntry) {
  for (const char* path : {"/piivault.v1.VaultService/NoSuchMethod", "/no.such.Service/Method"}) {
    const Outcome known = As("shop").CallRaw(path, "");
    EXPECT_EQ(known.ToString(), "UNIMPLEMENTED UNKNOWN_METHOD");
    EXPECT_TRUE(known.metadata.count("index"));
    EXPECT_EQ(As("stranger").CallRaw(path, "").ToString(), "UNAUTHENTICATED PRINCIPAL_UNKNOWN");
  }
}

// 004-14: without credentials nothing is answered, whatever is called.
TEST_F(MatrixTest, WithoutCertificateTheHandshakeFails) {
  const size_t before = ReadLog().size();
  Client nobody(vault().address(), vault().ca_file(), {});
  for (const auto& [method, letters] : ReadTable()) {
    const Outcome outcome = nobody.CallRaw(absl::StrCat("/piivault.v1.", method), "");
    EXPECT_EQ(outcome.code, grpc::StatusCode::UNAVAILABLE) << method;
    EXPECT_EQ(outcome.reason, "") << method;
  }
  EXPECT_EQ(ReadLog().size(), before + 1) << "only the reading itself";
}

TEST_F(MatrixTest, NothingAnswersAStrangerWhetherAThingExists) {
  const std::string missing =
      "tenants/default/subjects/" + std::string(26, 'a') + "/records/" + std::string(26, 'a');
  for (const char* who : {"admin-1", "engineer-no-nda", "other-tenant", "other-shop", "stranger"}) {
    const Outcome there = As(who).Call(RevealRequest(record_.record().name()));
    const Outcome absent = As(who).Call(RevealRequest(missing));
    EXPECT_FALSE(there.ok());
    EXPECT_EQ(there.ToString(), absent.ToString()) << who;
  }
}

}  // namespace
}  // namespace piivault::integration
