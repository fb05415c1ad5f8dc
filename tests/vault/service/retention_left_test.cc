// What is left of erased people, entries of destructions, and who approves what.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "piivault/v1/credential_service.pb.h"
#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/retention/destruction_list.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kHead = R"(policy: left
timezone: Asia/Tokyo
laws: [Tax, Trade]
types:
  pay:
    fields:
      paid: free_text
      booked: {type: free_text, history: all}
      mail: {type: email_address, index: true}
      memo: free_text
      other: free_text
      talk: free_text
  account:
    fields:
      name: person_name
      password: {type: password_credential, store: one_way}
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
  - {id: shop-all, role: shop, may: [create, update, reveal, verify], fields: [pay.*, account.*], for: [order, law]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, manage_matters], types: [pay, account]}
  - {id: desk-selects, role: desk, may: [select_destruction], for: [law]}
  - {id: chief-approves, role: chief, may: [approve_destruction], for: [law]}
  - {id: officer-approves, role: officer, may: [approve_destruction], for: [law]}
)";
constexpr std::string_view kAccounts = R"(retention:
  - {id: accounts, hold: Trade, fields: [account.name], trigger: record_made, keep: 30d, then: destroy}
)";
constexpr std::string_view kPayments =
    R"(  - {id: tax, hold: Tax, fields: [pay.paid], trigger: cancelled, keep: 1y, then: destroy}
  - {id: books, hold: Trade, fields: [pay.booked], trigger: record_made, keep: 30d, then: destroy}
  - {id: mails, fields: [pay.mail], trigger: purpose_complete, keep: 0, then: destroy}
  - {id: memos, fields: [pay.memo], trigger: purpose_complete, keep: 0, then: destroy, approval: chief}
  - {id: others, fields: [pay.other], trigger: purpose_complete, keep: 0, then: destroy, approval: officer}
  - {id: talks, hold: Trade, fields: [pay.talk], trigger: case_closed, keep: 30d, then: destroy}
retention_rules: {open_purposes: [law]}
)";

class RetentionLeftTest : public RightsTestBase {
 protected:
  RetentionLeftTest() {
    vault_.SetPolicy("default", Text(true, true));
    vault_.BuildIndexes();
    PutPapers({});
    PutPrincipal("desk", v1::PRINCIPAL_KIND_STAFF);
    vault_.Put([](StateChange& change) {
      for (const char* name : {"chief", "officer"}) {
        storage::v1::PersonRow person;
        person.set_name(std::string("a-") + name);
        person.set_employment(v1::EMPLOYMENT_FULL_TIME);
        change.PutPerson(person);
        storage::v1::PrincipalRow row;
        row.set_name(name);
        row.set_kind(v1::PRINCIPAL_KIND_STAFF);
        row.set_person(person.name());
        row.add_identities()->set_uri(std::string("spiffe://test/") + name);
        row.add_bindings()->set_role(name);
        row.mutable_bindings(0)->set_tenant("default");
        change.PutPrincipal(row);
      }
    });
  }

  static std::string Text(bool accounts, bool payments) {
    return std::string(kHead) + std::string(accounts ? kAccounts : "") +
           std::string(payments ? kPayments : "");
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
  void Wait(int days) { vault_.now += absl::Hours(24 * days); }
  v1::Destruction Select() {
    v1::SelectDestructionRequest request;
    request.set_parent("tenants/default");
    request.mutable_usage()->set_purpose("law");
    const Result selected = vault_.Call("desk", "SelectDestruction", request);
    EXPECT_EQ(selected.name(), "OK");
    return selected.As<v1::SelectDestructionResponse>().destruction();
  }
  Result Approve(const std::string& caller, const v1::Destruction& list) {
    v1::ApproveDestructionRequest request;
    request.set_name(list.name());
    request.set_sha256(list.sha256());
    request.mutable_usage()->set_purpose("law");
    return vault_.Call(caller, "ApproveDestruction", request);
  }
  // Of the last entry.
  storage::v1::EntryBody LastEntry() {
    const auto entries = vault_.engine().ReadEntries(0, 1'000'000);
    storage::v1::EntryBody body;
    EXPECT_TRUE(entries.ok() && body.ParseFromString(entries->back().entry.body));
    return body;
  }
};

TEST_F(RetentionLeftTest, WhatOneLawReleasesGoesBeforeWhatAnotherKeeps) {
  const std::string both = Add({{"paid", "100"}, {"booked", "7"}});
  const std::string booked = Add({{"booked", "8"}}, PersonOf(both));
  ASSERT_EQ(Erase(both).name(), "OK");
  Wait(30);
  EXPECT_EQ(vault_.Sweep(), 2u);
  EXPECT_EQ(Get(both, "booked", "law"), "");
  EXPECT_EQ(Get(booked, "booked", "law"), "(NOT_FOUND)");
  EXPECT_EQ(Get(both, "paid", "law"), "100");
  EXPECT_EQ(vault_.Sweep(), 0u);
  ChangePerson(both, false);
  Wait(367);
  vault_.Sweep();
  EXPECT_EQ(Erase(both).name(), "SUBJECT_ERASED");
}

// A matter that can be in one state alone is not over, nor is one of a kind that there is no more:
// nobody knows.
TEST_F(RetentionLeftTest, WhatCannotBeClosedIsOpenAndSoIsWhatAPolicyHasGivenUp) {
  const std::string record = Add({{"talk", "by phone"}, {"memo", "m"}});
  v1::OpenMatterRequest open;
  open.set_parent(PersonOf(record));
  open.mutable_matter()->set_kind("remark");
  open.mutable_matter()->set_id("R-1");
  ASSERT_EQ(vault_.Call("shop", "OpenMatter", open).name(), "OK");
  Wait(1000);
  EXPECT_EQ(vault_.Sweep(), 0u);
  EXPECT_EQ(Delete(record), "RETENTION_HOLD");
  std::string without = Text(true, true);
  const size_t kind = without.find("  remark:");
  without.erase(kind, without.find('\n', kind) + 1 - kind);
  vault_.SetPolicy("default", without);
  EXPECT_EQ(vault_.Sweep(), 0u);
  EXPECT_EQ(Get(record, "talk", "order"), "by phone");
}

// The law kept it, for what the law asks: by another policy nobody may use it for anything else.
TEST_F(RetentionLeftTest, APolicyThatGivesUpTheLawOpensNothing) {
  const std::string record = Add({{"paid", "100"}, {"booked", "7"}});
  ASSERT_EQ(Erase(record).name(), "OK");
  EXPECT_EQ(Get(record, "paid", "order"), "(KEPT_BY_LAW)");
  vault_.SetPolicy("default", Text(true, false));
  EXPECT_EQ(Get(record, "paid", "order"), "(RETENTION_OVER)");
  EXPECT_EQ(Get(record, "paid", "law"), "(RETENTION_OVER)");
  vault_.Sweep();
  EXPECT_EQ(Get(record, "paid", "order"), "(NOT_FOUND)");
  EXPECT_EQ(Erase(record).name(), "SUBJECT_ERASED");
}

TEST_F(RetentionLeftTest, APolicyWithoutAnyPeriodOpensNothingAndWhatIsLeftMayBeErased) {
  const std::string record = Add({{"paid", "100"}});
  ASSERT_EQ(Erase(record).name(), "OK");
  vault_.SetPolicy("default", Text(false, false));
  EXPECT_EQ(Get(record, "paid", "order"), "(RETENTION_OVER)");
  EXPECT_EQ(Erase(record, false).name(), "OK");
  EXPECT_EQ(Erase(record, false).name(), "SUBJECT_ERASED");
}

// Else the person would be left without a record, and no pass would come upon them.
TEST_F(RetentionLeftTest, WhatIsLeftGoesWithThePersonAndByNoOtherWay) {
  const std::string record = Add({{"paid", "100"}});
  ASSERT_EQ(Erase(record).name(), "OK");
  EXPECT_EQ(Delete(record), "RETENTION_HOLD");
  ChangePerson(record, false);
  Wait(367);
  EXPECT_EQ(Delete(record), "SUBJECT_ERASED");
  vault_.Sweep();
  EXPECT_EQ(Delete(record), "NOT_FOUND");
  EXPECT_EQ(Erase(record).name(), "SUBJECT_ERASED");
}

// All of it is due, but which index rows it has is not known.
TEST_F(RetentionLeftTest, ARecordThatDoesNotOpenIsNotDestroyedInPart) {
  const std::string record = Add({{"mail", "hanako@example.jp"}});
  const std::string whole = Add({{"mail", "taro@example.jp"}});
  ChangePerson(record, true, {"purpose_complete"});
  ChangePerson(whole, true, {"purpose_complete"});
  const RecordName name = *ParseRecordName(record);
  const storage::Key row =
      storage::RecordKey(vault_.TenantNumber("default"), name.subject, name.record);
  std::string value = *vault_.engine().Get(row);
  value.back() = static_cast<char>(value.back() ^ 1);
  vault_.engine().Tamper(row, value);
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_THAT(vault_.damaged, ElementsAre(row));
  EXPECT_TRUE(vault_.engine().Get(row).ok());
  EXPECT_EQ(Get(whole, "mail", "order"), "(NOT_FOUND)");
}

TEST_F(RetentionLeftTest, EntriesNameWhatWentAndWhatVersionIsLeft) {
  const std::string record = Add({{"mail", "hanako@example.jp"}, {"memo", "m"}, {"paid", "1"}});
  ChangePerson(record, true, {"purpose_complete"});
  EXPECT_EQ(vault_.Sweep(), 1u);
  storage::v1::EntryBody entry = LastEntry();
  EXPECT_EQ(entry.method(), "piivaultd/DestroyExpired");
  ASSERT_EQ(entry.items_size(), 1);
  EXPECT_EQ(entry.items(0).version(), 2u);
  EXPECT_THAT(entry.items(0).fields(), ElementsAre("pay.mail"));
  const v1::Destruction list = Select();
  EXPECT_EQ(LastEntry().arguments().at("sha256"), list.sha256());
  ASSERT_EQ(Approve("chief", list).name(), "OK");
  entry = LastEntry();
  ASSERT_EQ(entry.items_size(), 1);
  EXPECT_EQ(entry.items(0).version(), 3u);
  EXPECT_THAT(entry.items(0).fields(), ElementsAre("pay.memo"));
  EXPECT_EQ(entry.arguments().at("sha256"), list.sha256());
}

TEST_F(RetentionLeftTest, TheNewestListComesFirst) {
  const std::string record = Add({{"memo", "m"}});
  ChangePerson(record, true, {"purpose_complete"});
  std::vector<std::string> names;
  for (int i = 0; i < 3; ++i) {
    names.insert(names.begin(), Select().name());
    Wait(1);
  }
  v1::ListDestructionsRequest request;
  request.set_parent("tenants/default");
  request.mutable_usage()->set_purpose("law");
  const Result listed = vault_.Call("chief", "ListDestructions", request);
  ASSERT_EQ(listed.name(), "OK");
  std::vector<std::string> shown;
  for (const auto& list : listed.As<v1::ListDestructionsResponse>().destructions()) {
    shown.push_back(list.name());
  }
  EXPECT_EQ(shown, names);
}

// Names of people and records, and what came of the items, are not what is approved.
TEST(DestructionHashTest, IsOfAllThatIsApproved) {
  DestructionRow row;
  row.add_items();
  const Sha256Digest first = DestructionHash("default", row);
  const auto changes = [&](const std::function<void(DestructionRow&)>& change) {
    DestructionRow changed = row;
    change(changed);
    return DestructionHash("default", changed) != first;
  };
  EXPECT_NE(DestructionHash("other", row), first);
  EXPECT_TRUE(changes([](auto& r) { r.set_id("i"); }));
  EXPECT_TRUE(changes([](auto& r) { r.set_policy_sha256("p"); }));
  EXPECT_TRUE(changes([](auto& r) { r.set_selector("s"); }));
  EXPECT_TRUE(changes([](auto& r) { r.set_selector_person("s"); }));
  EXPECT_TRUE(changes([](auto& r) { r.set_select_micros(1); }));
  EXPECT_TRUE(changes([](auto& r) { r.add_items(); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->set_subject_ref("s"); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->set_record_ref("r"); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->set_type("t"); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->add_fields("f"); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->add_rules("r"); }));
  EXPECT_TRUE(changes([](auto& r) { r.mutable_items(0)->set_due_micros(1); }));
  EXPECT_FALSE(changes([](auto& r) { r.mutable_items(0)->set_subject("s"); }));
  EXPECT_FALSE(changes([](auto& r) { r.mutable_items(0)->set_record("r"); }));
  EXPECT_FALSE(changes([](auto& r) { r.mutable_items(0)->set_kept("NOT_FOUND"); }));
  EXPECT_FALSE(changes([](auto& r) { r.set_decide_micros(1); }));
}

TEST_F(RetentionLeftTest, WhoApprovesByOneRuleDoesNotByAnother) {
  const std::string record = Add({{"other", "o"}});
  ChangePerson(record, true, {"purpose_complete"});
  v1::Destruction list = Select();
  EXPECT_THAT(list.items(0).rules(), ElementsAre("others"));
  EXPECT_EQ(Approve("desk", list).name(), "OPERATION_NOT_GRANTED");
  // Of a list of several the others are left, for those whose they are.
  const Result left = Approve("chief", list);
  ASSERT_EQ(left.name(), "OK");
  EXPECT_EQ(left.As<v1::ApproveDestructionResponse>().destruction().items(0).kept(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Get(record, "other", "law"), "(RETENTION_OVER)");
  list = Select();
  const Result gone = Approve("officer", list);
  ASSERT_EQ(gone.name(), "OK");
  EXPECT_EQ(gone.As<v1::ApproveDestructionResponse>().destruction().items(0).kept(), "");
  EXPECT_EQ(Approve("officer", list).name(), "PROPOSAL_STALE");
}

}  // namespace
}  // namespace piivault::vault
