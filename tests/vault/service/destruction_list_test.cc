// Lists of what is to be destroyed: what comes on them, who approves them, and records that do not
// open; what an erasure says that it keeps.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kHead = R"(policy: lists
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
constexpr std::string_view kAccounts = R"(retention:
  - {id: accounts, hold: Trade, fields: [account.name], trigger: record_made, keep: 30d, then: destroy}
)";
constexpr std::string_view kPayments =
    R"(  - {id: tax, hold: Tax, fields: [pay.paid], trigger: cancelled, keep: 1y, then: destroy}
  - {id: books, hold: Trade, fields: [pay.booked], trigger: record_made, keep: 30d, then: destroy}
  - {id: mails, fields: [pay.mail], trigger: purpose_complete, keep: 0, then: destroy}
  - {id: memos, fields: [pay.memo], trigger: purpose_complete, keep: 0, then: destroy, approval: chief}
  - {id: lates, fields: [pay.late], trigger: purpose_complete, keep: 1d, then: destroy, approval: chief}
  - {id: others, fields: [pay.other], trigger: purpose_complete, keep: 0, then: destroy, approval: officer}
  - {id: talks, hold: Trade, fields: [pay.talk], trigger: case_closed, keep: 30d, then: destroy}
retention_rules: {open_purposes: [law]}
)";

class DestructionListTest : public RightsTestBase {
 protected:
  DestructionListTest() {
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
TEST_F(DestructionListTest, OfWhatDoesNotOpenNothingIsHeld) {
  const std::string record = Add({{"booked", "7"}});
  DamageWholly(Add({{"booked", "8"}}, PersonOf(record)));
  EXPECT_EQ(Select().items_size(), 0);
  EXPECT_EQ(damaged_, 1);
  vault_.Sweep();
  EXPECT_EQ(vault_.damaged.size(), 1u);
  EXPECT_EQ(Erase(record).name(), "DATA_LOSS");
  EXPECT_EQ(Get(record, "booked", "order"), "7");
  EXPECT_EQ(Erase(record, false).name(), "RETENTION_HOLD");
  Wait(30);
  EXPECT_EQ(Erase(record, false).name(), "OK");
}

// The whole ones of a list go, and the entry says of each once what came of it.
TEST_F(DestructionListTest, NothingIsTakenOfARecordThatDoesNotOpen) {
  const std::string damaged = Add({{"memo", "鈴木 花子"}, {"paid", "1"}});
  ChangePerson(damaged, true, {"purpose_complete"});
  const size_t index_rows = vault_.engine().Dump(storage::Table::kIndex).size();
  for (int i = 0; i < 6; ++i) {
    const std::string whole = Add({{"memo", "山田 花子"}});
    ChangePerson(whole, true, {"purpose_complete"});
  }
  const v1::Destruction list = Select();
  ASSERT_EQ(list.items_size(), 7);
  Damage(damaged);
  const Result approved = Approve("chief", list);
  ASSERT_EQ(approved.name(), "OK");
  EXPECT_EQ(approved.entry.items_size(), 7);
  int kept = 0;
  for (const auto& item : approved.As<v1::ApproveDestructionResponse>().destruction().items()) {
    if (item.kept() == "DATA_LOSS") ++kept;
  }
  EXPECT_EQ(kept, 1);
  EXPECT_EQ(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows);
}

// Whose principal the one who selected was, or is by now.
TEST_F(DestructionListTest, NobodyApprovesWhatTheOwnPrincipalSelected) {
  const std::string record = Add({{"memo", "m"}});
  ChangePerson(record, true, {"purpose_complete"});
  const v1::Destruction list = Select();
  const auto give = [&](const std::string& person) {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row = vault_.store().snapshot()->FindPrincipal("desk")->row;
      row.set_person(person);
      change.PutPrincipal(row);
    });
  };
  give("a-chief");
  EXPECT_EQ(Approve("chief", list).name(), "PROPOSAL_SELF_APPROVAL");
  give("a-officer");
  v1::ApproveDestructionRequest request;
  request.set_name(list.name());
  request.set_sha256(list.sha256());
  request.mutable_usage()->set_purpose("law");
  VaultFixture::Open early(vault_, "chief", "ApproveDestruction", request);
  early.Next();
  give("a-chief");
  EXPECT_TRUE(early.Commit().conflict);
  give("a-officer");
  EXPECT_EQ(Approve("chief", list).name(), "OK");
}

TEST_F(DestructionListTest, ASelectionLooksAtItsOwnTenantAlone) {
  v1::CreateRecordRequest other = VaultFixture::NewCustomer({{"name", "山田 花子"}});
  other.set_parent("tenants/other");
  ASSERT_EQ(vault_.Call("other-shop", "CreateRecord", other).name(), "OK");
  Add({{"paid", "1"}});
  Select();
  EXPECT_EQ(looked_at_, 1);
}

TEST_F(DestructionListTest, AnErasureSaysWhichLawKeepsWhatUntilWhen) {
  const std::string record = Add({{"booked", "7"}, {"talk", "by phone"}, {"paid", "1"}});
  std::vector<std::string> held;
  const Result erased = Erase(record);
  ASSERT_EQ(erased.name(), "OK");
  for (const v1::HeldFields& one : erased.As<v1::DeleteSubjectResponse>().held()) {
    ASSERT_EQ(one.fields_size(), 1);
    held.push_back(one.law() + " " + one.fields(0) + (one.has_until() ? " ends" : ""));
  }
  EXPECT_THAT(held, testing::UnorderedElementsAre("Tax paid", "Trade booked ends", "Trade talk"));
  // Of what is held alone nothing is written again.
  const std::string row = *vault_.engine().Get(RowOf(record));
  EXPECT_EQ(Erase(record).name(), "OK");
  EXPECT_EQ(*vault_.engine().Get(RowOf(record)), row);
}

TEST_F(DestructionListTest, AnItemIsDueWithTheLastOfItsFields) {
  const std::string record = Add({{"memo", "m"}, {"late", "l"}});
  ChangePerson(record, true, {"purpose_complete"});
  Wait(2);
  const v1::Destruction list = Select();
  ASSERT_EQ(list.items_size(), 1);
  EXPECT_THAT(list.items(0).rules(), ElementsAre("lates", "memos"));
  EXPECT_EQ(list.items(0).due_time().seconds(), absl::ToUnixSeconds(vault_.now - absl::Hours(24)));
}

// What two roles have to approve of one record is on two lists, one after the other.
TEST_F(DestructionListTest, EachApproverDestroysWhatIsForThatRole) {
  const std::string record = Add({{"memo", "m"}, {"other", "o"}, {"paid", "1"}});
  ChangePerson(record, true, {"purpose_complete"});
  const v1::Destruction first = Select();
  ASSERT_EQ(first.items_size(), 1);
  EXPECT_THAT(first.items(0).fields(), ElementsAre("pay.memo"));
  const Result chief = Approve("chief", first);
  ASSERT_EQ(chief.name(), "OK");
  EXPECT_EQ(chief.As<v1::ApproveDestructionResponse>().destruction().items(0).kept(), "");
  EXPECT_EQ(Get(record, "memo", "order"), "");
  EXPECT_EQ(Get(record, "other", "order"), "(RETENTION_OVER)");
  const v1::Destruction second = Select();
  ASSERT_EQ(second.items_size(), 1);
  EXPECT_THAT(second.items(0).fields(), ElementsAre("pay.other"));
  EXPECT_EQ(Approve("officer", second).name(), "OK");
  EXPECT_EQ(Get(record, "other", "order"), "");
  EXPECT_EQ(Get(record, "paid", "order"), "1");
}

TEST_F(DestructionListTest, AListThatWasApprovedWaitsNoMore) {
  const std::string record = Add({{"memo", "m"}, {"other", "o"}});
  ChangePerson(record, true, {"purpose_complete"});
  ASSERT_EQ(Approve("chief", Select()).name(), "OK");
  const v1::Destruction waits = Select();
  v1::ListDestructionsRequest request;
  request.set_parent("tenants/default");
  request.mutable_usage()->set_purpose("law");
  const auto listed = [&] {
    const Result result = vault_.Call("officer", "ListDestructions", request);
    EXPECT_EQ(result.name(), "OK");
    std::vector<std::string> names;
    for (const auto& list : result.As<v1::ListDestructionsResponse>().destructions()) {
      names.push_back(list.name());
    }
    return names;
  };
  EXPECT_THAT(listed(), testing::SizeIs(2));
  request.set_selected_only(true);
  EXPECT_THAT(listed(), ElementsAre(waits.name()));
}

}  // namespace
}  // namespace piivault::vault
