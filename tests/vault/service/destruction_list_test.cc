// Lists of what is to be destroyed: what comes on them, who approves them, and records that do not
// open; what an erasure says that it keeps.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/vault/service/destruction_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using DestructionListTest = DestructionTestBase;

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

// What the grants of those two ask of the person counts for each person of a list.
TEST_F(DestructionListTest, AGrantWithAConditionIsForThePeopleWhoMeetIt) {
  const auto only_contracts = [this](const std::string& verb) {
    std::string text = Text(true, true);
    const std::string grant = "may: [" + verb + "], for: [law]";
    text.insert(text.find(grant) + grant.size(), ", when: [contract_active]");
    vault_.SetPolicy("default", text);
  };
  const std::string customer = Add({{"memo", "m"}});
  const std::string former = Add({{"memo", "m"}});
  ChangePerson(customer, true, {"purpose_complete"});
  ChangePerson(former, false, {"purpose_complete"});

  only_contracts("select_destruction");
  v1::Destruction list = Select();
  ASSERT_EQ(list.items_size(), 1);
  EXPECT_EQ(list.items(0).record(), customer);

  only_contracts("approve_destruction");
  list = Select();
  ASSERT_EQ(list.items_size(), 2);
  const Result approved = Approve("chief", list);
  ASSERT_EQ(approved.name(), "OK");
  EXPECT_EQ(Get(customer, "memo", "order"), "(NOT_FOUND)");
  EXPECT_EQ(Get(former, "memo", "order"), "(RETENTION_OVER)");
  std::vector<std::string> kept;
  for (const auto& item : approved.As<v1::ApproveDestructionResponse>().destruction().items()) {
    kept.push_back(item.kept());
  }
  EXPECT_THAT(kept, testing::UnorderedElementsAre("", "CONTRACT_ENDED"));
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
