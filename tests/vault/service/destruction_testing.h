// A vault whose policy keeps and destroys fields of payments, and calls about it.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_DESTRUCTION_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_DESTRUCTION_TESTING_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {

inline constexpr std::string_view kDestructionHead = R"(policy: destruction
timezone: Asia/Tokyo
laws: [Tax, Trade]
types:
  pay:
    fields:
      paid: free_text
      booked: {type: free_text, history: all}
      mail: {type: email_address, index: true}
      late: free_text
      memo: {type: person_name, index: true}
      other: free_text
      talk: free_text
  account:
    fields:
      name: person_name
matters:
  consultation: {states: [open, closed]}
  remark: {states: [made]}
purposes:
  order: {label: {en: Orders}}
  law: {label: {en: What the law asks}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
  officer: {kind: staff, nda: none}
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal], fields: [pay.*, account.*], for: [order, law]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, manage_matters], types: [pay, account]}
  - {id: desk-selects, role: desk, may: [select_destruction], for: [law]}
  - {id: chief-approves, role: chief, may: [approve_destruction], for: [law]}
  - {id: officer-approves, role: officer, may: [approve_destruction], for: [law]}
)";
inline constexpr std::string_view kDestructionAccounts = R"(retention:
  - {id: accounts, hold: Trade, fields: [account.name], trigger: record_made, keep: 30d, then: destroy}
)";
inline constexpr std::string_view kDestructionPayments =
    R"(  - {id: tax, hold: Tax, fields: [pay.paid], trigger: cancelled, keep: 1y, then: destroy}
  - {id: books, hold: Trade, fields: [pay.booked], trigger: record_made, keep: 30d, then: destroy}
  - {id: mails, fields: [pay.mail], trigger: purpose_complete, keep: 0, then: destroy}
  - {id: memos, fields: [pay.memo], trigger: purpose_complete, keep: 0, then: destroy, approval: chief}
  - {id: lates, fields: [pay.late], trigger: purpose_complete, keep: 1d, then: destroy, approval: chief}
  - {id: others, fields: [pay.other], trigger: purpose_complete, keep: 0, then: destroy, approval: officer}
  - {id: talks, hold: Trade, fields: [pay.talk], trigger: case_closed, keep: 30d, then: destroy}
retention_rules: {open_purposes: [law]}
)";

// Two laws, two roles that approve, and what goes by itself.
class DestructionTestBase : public RightsTestBase {
 protected:
  DestructionTestBase() {
    vault_.SetPolicy("default", Text(true, true));
    vault_.BuildIndexes();
    PutPapers({});
    PutPrincipal("desk", v1::PRINCIPAL_KIND_STAFF);
    for (const std::string name : {"chief", "officer"}) PutOfficer(name, "a-" + name);
  }

  static std::string Text(bool accounts, bool payments) {
    return std::string(kDestructionHead) + std::string(accounts ? kDestructionAccounts : "") +
           std::string(payments ? kDestructionPayments : "");
  }
  std::string Add(const std::map<std::string, std::string>& fields, const std::string& person = "",
                  const std::string& type = "pay", const std::string& ref = "") {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(fields, ref);
    request.mutable_record()->set_type(type);
    request.mutable_record()->set_subject(person);
    const Result made = vault_.Call("shop", "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK");
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  Result Erase(const std::string& record, bool keep_held = true) {
    v1::DeleteSubjectRequest request;
    request.set_name(PersonOf(record));
    request.set_keep_held(keep_held);
    return vault_.Call("shop", "DeleteSubject", request);
  }
  std::string Delete(const std::string& record) {
    v1::DeleteRecordRequest request;
    request.set_name(record);
    return std::string(vault_.Call("shop", "DeleteRecord", request).name());
  }
  void ChangePerson(const std::string& record, bool contract_active,
                    const std::vector<std::string>& events = {}) {
    v1::UpdateSubjectRequest request;
    request.set_subject(PersonOf(record));
    request.set_contract_active(contract_active);
    request.mutable_events()->Assign(events.begin(), events.end());
    ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
  }
  // The refusal's name in brackets.
  std::string Get(const std::string& record, const std::string& field, const std::string& purpose) {
    v1::RevealRecordRequest request;
    request.set_name(record);
    request.add_fields(field);
    request.mutable_usage()->set_purpose(purpose);
    const Result result = vault_.Call("shop", "RevealRecord", request);
    if (!result.ok()) return "(" + std::string(result.name()) + ")";
    const auto& fields = result.As<v1::RevealRecordResponse>().record().fields();
    return fields.contains(field) ? fields.at(field).value() : "";
  }
  storage::Key RowOf(const std::string& record) {
    const RecordName name = *ParseRecordName(record);
    return storage::RecordKey(vault_.TenantNumber("default"), name.subject, name.record);
  }
  // The last field's value opens no more; the header does.
  void Damage(const std::string& record) {
    std::string value = *vault_.engine().Get(RowOf(record));
    value.back() = static_cast<char>(value.back() ^ 1);
    vault_.engine().Tamper(RowOf(record), value);
  }
  // Nothing of it opens.
  void DamageWholly(const std::string& record) {
    std::string value = *vault_.engine().Get(RowOf(record));
    for (char& byte : value) byte = static_cast<char>(byte ^ 1);
    vault_.engine().Tamper(RowOf(record), value);
  }
  void Wait(int days) { vault_.now += absl::Hours(24 * days); }
  v1::Destruction Select() {
    v1::SelectDestructionRequest request;
    request.set_parent("tenants/default");
    request.mutable_usage()->set_purpose("law");
    const Result selected = vault_.Call("desk", "SelectDestruction", request);
    EXPECT_EQ(selected.name(), "OK");
    looked_at_ = selected.As<v1::SelectDestructionResponse>().looked_at();
    damaged_ = selected.As<v1::SelectDestructionResponse>().damaged();
    return selected.As<v1::SelectDestructionResponse>().destruction();
  }
  Result Approve(const std::string& caller, const v1::Destruction& list) {
    v1::ApproveDestructionRequest request;
    request.set_name(list.name());
    request.set_sha256(list.sha256());
    request.mutable_usage()->set_purpose("law");
    return vault_.Call(caller, "ApproveDestruction", request);
  }
  // The last entry.
  storage::v1::EntryBody LastEntry() {
    const auto entries = vault_.engine().ReadEntries(0, 1'000'000);
    storage::v1::EntryBody body;
    EXPECT_TRUE(entries.ok() && body.ParseFromString(entries->back().entry.body));
    return body;
  }

  // Records that the last selection came upon.
  int looked_at_ = 0;
  int damaged_ = 0;
};

// What does not open is nobody's to keep, and stops no erasure but one that has to look into it.

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_DESTRUCTION_TESTING_H_
