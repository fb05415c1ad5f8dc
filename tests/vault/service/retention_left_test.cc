// What is left of erased people, entries of destructions, and who approves what.
#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/vault/service/destruction_testing.h"
#include "vault/retention/destruction_list.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using RetentionLeftTest = DestructionTestBase;

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
