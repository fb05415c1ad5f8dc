// A vault that shares: recipients of several categories, and those who issue and approve.
#ifndef PIIVAULT_TESTS_VAULT_DISCLOSURES_DISCLOSURE_TESTING_H_
#define PIIVAULT_TESTS_VAULT_DISCLOSURES_DISCLOSURE_TESTING_H_

#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "piivault/v1/admin_service.pb.h"
#include "piivault/v1/sharing_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/text.h"

namespace piivault::vault {

inline constexpr std::string_view kSharingPolicy = R"(policy: sharing
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: person_name
      address: postal_address
      phone: phone_number
      email: email_address
      birth_date: birth_date
      note: free_text
  other: {fields: {text: free_text}}
groups:
  all: [customer.*, other.*]
  addressee: [customer.name, customer.address, customer.phone]
matters:
  shipment: {label: {en: A parcel}}
  told: {label: {en: Told of the transfer}, states: [sent]}
collection_notices:
  terms: {label: {en: Terms}, purposes: [delivery, support, legal, transfer, research]}
purposes:
  delivery: {label: {en: Delivery, ja: 配送}}
  support: {label: {en: Support}}
  legal: {label: {en: By law}, despite_notice: true}
  transfer: {label: {en: Transfer of the business}}
  research: {label: {en: Research}}
roles:
  shop: {kind: service}
  sender: {kind: service}
  clerk: {kind: staff, nda: [nda_contract]}
  boss: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
grants:
  - {id: shop-write, role: shop, may: [create, update], fields: [all], for: [support]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, read_subject, record_consent, manage_matters], types: [customer, other]}
  - {id: shop-stop, role: shop, may: [stop_use, rights_request], fields: [all], for: [support]}
  - {id: sends, role: sender, may: [export], fields: [addressee], for: [delivery]}
  - {id: clerk-exports, role: clerk, may: [export], fields: [all], for: [support, legal, transfer, research]}
  - {id: boss-approves, role: boss, may: [approve_exception, read_disclosures], for: [legal]}
  - {id: person-asks, role: person, may: [read_disclosures], for: [legal]}
consent:
  - {id: third, event: third_party, when: before_provision, scope: this_case}
recipients:
  - {id: carrier, kind: carrier, fields: [addressee], purposes: [delivery], basis: published_clause, matter: shipment, single_use: true}
  - {id: partner, kind: partner, fields: [customer.name, customer.email, customer.phone], purposes: [support], basis: nda, needs: [valid_nda]}
  - {id: consented, kind: third_party, fields: consented_items, purposes: consented, basis: prior_consent, needs: [consent_for_this_case]}
  - {id: by_law, kind: government, fields: requested_items, purposes: [legal], basis: law, needs: [document_hash, item_list, approver]}
  - {id: public, kind: government, fields: minimal, purposes: [legal], basis: public_welfare_or_safety, needs: [written_ground, two_approvers]}
  - {id: successor, kind: successor, fields: [all], purposes: [transfer], basis: business_transfer, needs: [deed, notice_to_all_users], notice: told, notice_lead: 2mo}
recipient_rules: {home: [JP]}
rights:
  - {id: correct, who: [subject], kind: correct, fields: [all], notify_past_recipients: without_delay, track_until_acknowledged: true}
  - {id: freezing, who: [subject], kind: correct, fields: [all], mode: freeze, freeze: [use, provide], identity: none_stated}
)";

inline const std::string kDocument(64, 'd');

class SharingVault : public VaultFixture {
 public:
  SharingVault() {
    SetPolicy("default", kSharingPolicy);
    Put([this](StateChange& change) {
      for (const char* name : {"clerk", "boss", "chief"}) {
        storage::v1::PersonRow person;
        person.set_name(name);
        person.set_employment(v1::EMPLOYMENT_FULL_TIME);
        storage::v1::AttestationRow& nda = *person.add_attestations();
        nda.set_id(SystemRandom().Id128().ToText());
        nda.set_kind("nda_contract");
        nda.set_document_sha256(std::string(32, 'd'));
        nda.set_signatory(name);
        nda.set_signed_micros(absl::ToUnixMicros(now - absl::Hours(24)));
        change.PutPerson(person);
      }
      AddPrincipal(change, "sender", v1::PRINCIPAL_KIND_SERVICE, "", "sender");
      AddPrincipal(change, "menu", v1::PRINCIPAL_KIND_SERVICE, "", "person");
      AddPrincipal(change, "clerk", v1::PRINCIPAL_KIND_STAFF, "clerk", "clerk");
      AddPrincipal(change, "boss", v1::PRINCIPAL_KIND_STAFF, "boss", "boss");
      AddPrincipal(change, "chief", v1::PRINCIPAL_KIND_STAFF, "chief", "boss");
      AddPrincipal(change, "officer", v1::PRINCIPAL_KIND_STAFF, "", "privacy_officer", "");
    });
    Register("yamato", "carrier");
    Register("sagawa", "carrier");
    Register("mailer-co", "partner");
    Register("bureau", "third_party");
    Register("police", "government");
    Register("heir", "successor");
    Attest("mailer-co", "partner_nda");
  }

  static void AddPrincipal(StateChange& change, const std::string& name, int kind,
                           const std::string& person, const std::string& role,
                           const std::string& tenant = "default") {
    storage::v1::PrincipalRow row;
    row.set_name(name);
    row.set_kind(kind);
    row.set_person(person);
    row.add_identities()->set_uri("spiffe://test/" + name);
    row.add_bindings()->set_role(role);
    row.mutable_bindings(0)->set_tenant(tenant);
    change.PutPrincipal(row);
  }

  // A recipient whose principal has its name.
  void Register(const std::string& name, const std::string& category) {
    Put([&](StateChange& change) {
      storage::v1::RecipientRow row;
      row.set_tenant("default");
      row.set_name(name);
      row.set_ref(std::string(SystemRandom().Id128().view()));
      row.set_category(category);
      row.set_country("JP");
      row.set_display_name("Recipient " + name);
      row.set_principal(name);
      row.set_registered_by("officer");
      row.set_registered_by_person("somebody");
      row.set_create_time_micros(absl::ToUnixMicros(now));
      change.PutRecipient(row);
      storage::v1::PrincipalRow principal;
      principal.set_name(name);
      principal.set_kind(v1::PRINCIPAL_KIND_RECIPIENT);
      principal.set_recipient("default/" + name);
      principal.add_identities()->set_uri("spiffe://test/" + name);
      change.PutPrincipal(principal);
    });
  }
  storage::v1::RecipientRow RecipientRowOf(const std::string& name) {
    return store().snapshot()->FindRecipient("default", name)->row;
  }
  void PutRecipient(const storage::v1::RecipientRow& row) {
    Put([&](StateChange& change) { change.PutRecipient(row); });
  }
  void GiveMatter(const std::string& name, const std::string& kind, const std::string& id) {
    storage::v1::RecipientRow row = RecipientRowOf(name);
    row.clear_matters();
    row.add_matters()->set_kind(kind);
    row.mutable_matters(0)->set_id(id);
    PutRecipient(row);
  }
  // Valid for 100 days.
  void Attest(const std::string& name, const std::string& kind,
              const std::vector<std::string>& fields = {}) {
    storage::v1::RecipientRow row = RecipientRowOf(name);
    storage::v1::RecipientRow::Attestation& attestation = *row.add_attestations();
    attestation.set_id(SystemRandom().Id128().ToText());
    attestation.set_kind(kind);
    attestation.set_document_sha256(std::string(32, 'a'));
    attestation.set_signed_micros(absl::ToUnixMicros(now - absl::Hours(1)));
    attestation.set_valid_until_micros(absl::ToUnixMicros(now + absl::Hours(24 * 100)));
    for (const std::string& field : fields) attestation.add_fields(field);
    attestation.set_recorded_by("officer");
    attestation.set_recorded_by_person("somebody");
    PutRecipient(row);
  }

  // A customer; the record's name.
  std::string Customer(std::map<std::string, std::string> fields = {},
                       const std::string& subject = "", const std::string& type = "customer") {
    if (type == "customer") {
      fields.insert({"name", "山田 花子"});
      fields.insert({"address", "東京都千代田区丸の内1-1"});
      fields.insert({"phone", "090-1234-5678"});
      fields.insert({"email", "hanako@example.jp"});
    }
    v1::CreateRecordRequest request;
    request.set_parent("tenants/default");
    request.mutable_record()->set_type(type);
    request.mutable_record()->set_subject(subject);
    for (const auto& [name, value] : fields)
      (*request.mutable_record()->mutable_fields())[name] = value;
    request.mutable_usage()->set_purpose("support");
    const Result result = Call("shop", "CreateRecord", request);
    if (!result.ok()) std::abort();
    return result.As<v1::CreateRecordResponse>().record().name();
  }
  static std::string PersonOf(const std::string& record) {
    return record.substr(0, record.find("/records/"));
  }
  Result OpenMatter(const std::string& person, const std::string& kind, const std::string& id) {
    v1::OpenMatterRequest request;
    request.set_parent(person);
    request.mutable_matter()->set_kind(kind);
    request.mutable_matter()->set_id(id);
    return Call("shop", "OpenMatter", request);
  }
  Result Update(const std::string& record, std::map<std::string, std::string> fields,
                const std::vector<std::string>& clear = {}) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    for (const auto& [name, value] : fields) (*request.mutable_fields())[name] = value;
    for (const std::string& field : clear) request.add_clear_fields(field);
    request.mutable_usage()->set_purpose("support");
    return Call("shop", "UpdateRecord", request);
  }

  // A carrier's share of one parcel, P-1.
  v1::IssueExportTokenRequest ForCarrier(const std::string& person,
                                         const std::string& recipient = "yamato") {
    v1::IssueExportTokenRequest request;
    request.set_parent("tenants/default");
    request.set_recipient("tenants/default/recipients/" + recipient);
    request.set_rule("carrier");
    request.mutable_usage()->set_purpose("delivery");
    (*request.mutable_usage()->mutable_arguments())["shipment"] = "P-1";
    for (const char* field : {"customer.name", "customer.address", "customer.phone"}) {
      request.add_fields(field);
    }
    request.add_subjects(person);
    return request;
  }
  v1::IssueExportTokenRequest ForPartner(const std::vector<std::string>& people) {
    v1::IssueExportTokenRequest request;
    request.set_parent("tenants/default");
    request.set_recipient("tenants/default/recipients/mailer-co");
    request.set_rule("partner");
    request.mutable_usage()->set_purpose("support");
    request.add_fields("customer.email");
    for (const std::string& person : people) request.add_subjects(person);
    return request;
  }
  // What an authority asks for, that somebody else has to approve.
  static v1::IssueExportTokenRequest ByLaw(const std::string& person) {
    v1::IssueExportTokenRequest request;
    request.set_parent("tenants/default");
    request.set_recipient("tenants/default/recipients/police");
    request.set_rule("by_law");
    request.mutable_usage()->set_purpose("legal");
    request.add_fields("customer.name");
    request.add_requested("customer.name");
    request.add_requested("customer.phone");
    (*request.mutable_assertions())["document_hash"] = kDocument;
    request.add_subjects(person);
    return request;
  }
  // The last message.
  Result Issue(std::string_view principal, const v1::IssueExportTokenRequest& request) {
    std::vector<Result> results = Stream(principal, "IssueExportToken", request);
    return std::move(results.back());
  }
  // Its token; aborts where there is none.
  std::string Token(std::string_view principal, const v1::IssueExportTokenRequest& request) {
    const Result result = Issue(principal, request);
    if (!result.ok() || result.As<v1::IssueExportTokenResponse>().token().empty()) std::abort();
    return result.As<v1::IssueExportTokenResponse>().token();
  }
  // A person with a parcel, and a carrier's token for it.
  struct Parcel {
    std::string record;
    std::string person;
    std::string token;
  };
  Parcel NewParcel(const std::string& recipient = "yamato") {
    Parcel parcel;
    parcel.record = Customer();
    parcel.person = PersonOf(parcel.record);
    if (!OpenMatter(parcel.person, "shipment", "P-1").ok()) std::abort();
    parcel.token = Token("sender", ForCarrier(parcel.person, recipient));
    return parcel;
  }

  static v1::RedeemExportTokenRequest ForRedemption(const std::string& token,
                                                    const std::string& request_id,
                                                    uint32_t from = 0) {
    v1::RedeemExportTokenRequest request;
    request.set_token(token);
    request.set_request_id(request_id);
    request.set_resume_from(from);
    return request;
  }
  std::vector<Result> RedeemAll(std::string_view principal, const std::string& token,
                                const std::string& request_id = "r-1", uint32_t from = 0) {
    return Stream(principal, "RedeemExportToken", ForRedemption(token, request_id, from));
  }
  // The only message, or the refusal.
  Result Redeem(std::string_view principal, const std::string& token,
                const std::string& request_id = "r-1") {
    std::vector<Result> results = RedeemAll(principal, token, request_id);
    return std::move(results.back());
  }
  // Why nothing is given, which only the entry says; empty where something is, or it is told.
  std::string Withheld(std::string_view principal, const std::string& token) {
    const Result result = Redeem(principal, token);
    if (result.name() != "EXPORT_WITHHELD" || !result.denied_fields.empty()) return {};
    return result.entry.items_size() == 1 ? result.entry.items(0).reason() : std::string();
  }
  static const v1::RedeemExportTokenResponse& Given(const Result& result) {
    return result.As<v1::RedeemExportTokenResponse>();
  }

  Result Disclosures(std::string_view principal, const std::string& person,
                     const std::string& recipient = "") {
    v1::ListDisclosuresRequest request;
    request.set_parent("tenants/default");
    request.set_subject(person);
    if (!recipient.empty()) request.set_recipient("tenants/default/recipients/" + recipient);
    return Call(principal, "ListDisclosures", request);
  }
  static const v1::ListDisclosuresResponse& Listed(const Result& result) {
    return result.As<v1::ListDisclosuresResponse>();
  }
  Result Notices(std::string_view principal, bool all = false, bool overdue = false) {
    v1::ListCorrectionNoticesRequest request;
    request.set_parent("tenants/default");
    request.set_show_acknowledged(all);
    request.set_overdue(overdue);
    return Call(principal, "ListCorrectionNotices", request);
  }
  static const v1::ListCorrectionNoticesResponse& Noticed(const Result& result) {
    return result.As<v1::ListCorrectionNoticesResponse>();
  }
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_DISCLOSURES_DISCLOSURE_TESTING_H_
