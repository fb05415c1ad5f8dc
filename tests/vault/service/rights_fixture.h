// A vault whose policy gives people rights, with a desk, an officer and people who ask.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_FIXTURE_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_FIXTURE_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "tests/vault/service/rights_testing.h"

namespace piivault::vault {

inline constexpr std::string_view kRightsPolicy = R"(policy: requests
timezone: Asia/Tokyo
laws: [JP-APPI, JP-tax]
types:
  customer:
    fields:
      name: person_name
      email: {type: email_address, index: true, history: 3}
      note: free_text
  pay: {fields: {account: free_text, amount: free_text, note: free_text}}
purposes:
  order: {label: {en: Orders}}
  R0: {label: {en: Rights}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
  clerk: {kind: staff, nda: none}
  robot: {kind: service}
  owner: {kind: tenant}
  payer: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
  proxy: {kind: subject, scope: represented}
groups:
  all: [customer.*, pay.*]
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal, search], fields: [all], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, record_consent], types: [customer, pay]}
  - {id: desk-works, role: desk, may: [rights_request, reveal, update, stop_use], fields: [all], for: [R0]}
  - {id: desk-ends, role: desk, may: [update_subject], for: [R0]}
  - {id: robot-works, role: robot, may: [rights_request], fields: [all], for: [R0]}
  - {id: clerk-works, role: clerk, may: [rights_request], fields: [all], for: [R0]}
  - {id: owner-asks, role: owner, may: [rights_request], fields: [all], for: [R0]}
  - {id: chief-works, role: chief, may: [rights_request], fields: [all], for: [R0]}
  - {id: chief-approves, role: chief, may: [approve_exception], for: [R0]}
  - {id: payer-works, role: payer, may: [rights_request], fields: [pay.*], for: [R0]}
  - {id: person-asks, role: person, may: [rights_request, reveal, stop_use, resume_use], fields: [customer.*], for: [R0]}
  - {id: proxy-asks, role: proxy, may: [rights_request], fields: [customer.*], for: [R0]}
consent:
  - {id: other, event: purpose_extension, when: before_use}
rights:
  - {id: own, who: [person, agent], kind: [access, erase, stop_use], fields: [all], identity: required_before_execution,
     refusal: [statute_or_legal_duty, harm_to_others, contract_active_without_termination]}
  - {id: correct, who: person, kind: correct, fields: [all], mode: freeze, freeze: [use, provide], identity: login}
  - {id: end, who: person, kind: terminate, fields: [customer.*], identity: login}
  - {id: told, who: tenant, kind: access, identity: none_stated}
  - {id: shown, who: person, kind: access, identity: required_before_execution, evidence: [passport]}
)";

class RightsTest : public RightsTestBase {
 protected:
  RightsTest() {
    vault_.SetPolicy("default", kRightsPolicy);
    vault_.BuildIndexes();
    PutPapers({});
    for (const char* staff : {"desk", "chief", "payer", "clerk"}) {
      PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    }
    for (const char* service : {"person", "proxy"}) {
      PutPrincipal(service, v1::PRINCIPAL_KIND_SERVICE);
    }
    speak_for_ = {"person"};
    customer_ =
        vault_.Create({{"name", "山田 花子"}, {"email", "hanako@example.jp"}, {"note", "vip"}})
            .record()
            .name();
    hanako_ = PersonOf(customer_);
    pay_ = AddRecord("pay", {{"account", "7654321"}, {"amount", "100"}});
  }

  std::string AddRecord(const std::string& type, std::map<std::string, std::string> fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type(type);
    request.mutable_record()->set_subject(hanako_);
    const Result made = vault_.Call("shop", "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK");
    return made.As<v1::CreateRecordResponse>().record().name();
  }
  // Sets a field of one of her records, or clears it.
  std::string Change(const std::string& record, const std::string& field,
                     const std::string& value) {
    vault_.now += absl::Seconds(1);
    v1::UpdateRecordRequest request;
    request.set_name(record);
    if (value.empty()) {
      request.add_clear_fields(field);
    } else {
      (*request.mutable_fields())[field] = value;
    }
    request.mutable_usage()->set_purpose("order");
    return std::string(vault_.Call("shop", "UpdateRecord", request).name());
  }
  std::string Reveal(std::string_view caller, const std::string& field) {
    v1::RevealRecordRequest request;
    request.set_name(customer_);
    request.add_fields(field);
    *request.mutable_usage() = Use(caller, hanako_);
    if (caller == "shop") request.mutable_usage()->set_purpose("order");
    return std::string(vault_.Call(caller, "RevealRecord", request).name());
  }
  std::string Stop(const std::string& fields, const std::string& purpose = "") {
    v1::StopUseRequest request;
    request.set_subject(hanako_);
    request.mutable_stop()->set_fields(fields);
    request.mutable_stop()->set_purpose(purpose);
    *request.mutable_usage() = Use("desk", hanako_);
    return std::string(vault_.Call("desk", "StopUse", request).name());
  }
  std::string SetContract(bool active) {
    v1::UpdateSubjectRequest request;
    request.set_subject(hanako_);
    request.set_contract_active(active);
    *request.mutable_usage() = Use("desk", hanako_);
    const Result result = vault_.Call("desk", "UpdateSubject", request);
    EXPECT_EQ(result.entry.arguments().at("contract"), active ? "active" : "ended");
    return std::string(result.name());
  }

  std::string customer_, pay_, hanako_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_RIGHTS_FIXTURE_H_
