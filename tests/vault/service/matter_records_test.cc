// OpenMatter and UpdateMatter: the records that a matter is about.
#include <string>
#include <vector>

#include "tests/vault/service/told_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class MatterRecordsTest : public ToldTestBase {};

TEST_F(MatterRecordsTest, RecordsAreLinkedOnceAndTheEntryNamesThem) {
  const std::string one = NewRecord();
  const std::string person = PersonOf(one);
  const std::string two = NewRecord(person);
  const Result opened = Open(person, "consultation", "C-1", "", {one, one});
  ASSERT_EQ(opened.name(), "OK");
  EXPECT_THAT(opened.As<v1::OpenMatterResponse>().matter().records(), ElementsAre(one));
  ASSERT_THAT(opened.entry.items(), SizeIs(2));
  EXPECT_EQ(opened.entry.items(0).subject_ref(), vault_.RowOf(person).subject_ref());
  EXPECT_EQ(opened.entry.items(1).subject_ref(), vault_.RowOf(person).subject_ref());
  EXPECT_EQ(opened.entry.items(1).record_ref(), RefOf(one));
  EXPECT_EQ(opened.entry.items(1).version(), 1u);

  const Result linked = Update(person, "consultation", "C-1", Records({one, two}));
  ASSERT_EQ(linked.name(), "OK");
  EXPECT_THAT(MatterOf(linked).records(), ElementsAre(one, two));
  ASSERT_THAT(linked.entry.items(), SizeIs(2));
  EXPECT_EQ(linked.entry.items(1).record_ref(), RefOf(two));
  ASSERT_THAT(linked.retained.items(), SizeIs(1));
  EXPECT_EQ(linked.retained.items(0).version(), vault_.RowOf(person).version());
  const uint64_t version = vault_.RowOf(person).version();
  ASSERT_EQ(Update(person, "consultation", "C-1", Records({two})).name(), "OK");
  EXPECT_EQ(vault_.RowOf(person).version(), version);

  v1::ListMattersRequest list;
  list.set_parent(person);
  const Result listed = vault_.Call("shop", "ListMatters", list);
  ASSERT_THAT(listed.As<v1::ListMattersResponse>().matters(), SizeIs(1));
  EXPECT_THAT(listed.As<v1::ListMattersResponse>().matters(0).records(), ElementsAre(one, two));
}

// I14
TEST_F(MatterRecordsTest, ARecordOfSomebodyElseIsLikeOneThatIsNotThere) {
  const std::string record = NewRecord();
  const std::string person = PersonOf(record);
  const std::string others = NewRecord();
  const auto id_in = [](const std::string& name) { return name.substr(name.rfind('/')); };
  const std::string own_by_id = person + "/records" + id_in(others);
  const std::string others_by_id = PersonOf(others) + "/records" + id_in(record);
  v1::CreateRecordRequest elsewhere = VaultFixture::NewCustomer({{"name", "佐藤 一郎"}});
  elsewhere.set_parent("tenants/other");
  const std::string of_other_tenant = vault_.Call("other-shop", "CreateRecord", elsewhere)
                                          .As<v1::CreateRecordResponse>()
                                          .record()
                                          .name();
  std::string own_elsewhere = record;
  own_elsewhere.replace(0, kTenant.size(), "tenants/other");
  const std::string gone = NewRecord(person);
  Delete(gone);
  ASSERT_EQ(Open(person, "consultation", "C-1").name(), "OK");
  const std::string nobody = MakeRecordName("default", SystemRandom().Id128(), {});
  for (const std::string& name :
       {others, own_by_id, others_by_id, of_other_tenant, own_elsewhere, gone, nobody}) {
    const Result opened = Open(person, "consultation", "C-2", "", {record, name});
    EXPECT_EQ(Refusal(opened), "NOT_FOUND matter.records") << name;
    const Result linked = Update(person, "consultation", "C-1", Records({record, name}));
    EXPECT_EQ(Refusal(linked), "NOT_FOUND add_records") << name;
    // No entry speaks of a record that was not linked.
    for (const Result* result : {&opened, &linked}) EXPECT_THAT(result->entry.items(), SizeIs(1));
  }
  ASSERT_THAT(UseOf(person).matters(), SizeIs(1));
  EXPECT_THAT(UseOf(person).matters(0).records(), IsEmpty());
}

TEST_F(MatterRecordsTest, RecordsAreNamedInFullAndOnlyWithMattersOfPersons) {
  const std::string record = NewRecord();
  const std::string person = PersonOf(record);
  ASSERT_EQ(Open(person, "consultation", "C-1").name(), "OK");
  for (const std::string& name :
       {std::string(), std::string("r1"), person, std::string(kTenant) + "/records/ref:customer:1",
        record + "/x"}) {
    EXPECT_EQ(Refusal(Open(person, "consultation", "C-2", "", {name})),
              "MALFORMED_REQUEST matter.records")
        << name;
    EXPECT_EQ(Refusal(Update(person, "consultation", "C-1", Records({name}))),
              "MALFORMED_REQUEST add_records")
        << name;
  }
  EXPECT_EQ(Refusal(Open(kTenant, "commission", "K-1", "", {record})),
            "MALFORMED_REQUEST matter.records");
  ASSERT_EQ(Open(kTenant, "commission", "K-1").name(), "OK");
  EXPECT_EQ(Refusal(Update(kTenant, "commission", "K-1", Records({record}))),
            "MALFORMED_REQUEST add_records");
}

TEST_F(MatterRecordsTest, AMatterIsAboutAHundredRecordsAndAPersonsAboutFiveHundred) {
  std::vector<std::string> records = {NewRecord()};
  const std::string person = PersonOf(records[0]);
  while (records.size() < 101) records.push_back(NewRecord(person));
  const std::string last = records.back();
  EXPECT_EQ(Refusal(Open(person, "order", "O-0", "", records)), "BATCH_TOO_LARGE matter.records");
  EXPECT_EQ(Refusal(Open(person, "order", "O-0", "", std::vector<std::string>(101, last))),
            "BATCH_TOO_LARGE matter.records");
  records.pop_back();
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(Open(person, "order", "O-" + std::to_string(i), "", records).name(), "OK");
  }
  EXPECT_EQ(Refusal(Update(person, "order", "O-0", Records({last}))),
            "BATCH_TOO_LARGE add_records");
  EXPECT_EQ(Update(person, "order", "O-0", Records(records)).name(), "OK");
  const std::string first = records[0];
  records.erase(records.begin());
  ASSERT_EQ(Open(person, "order", "O-4", "", records).name(), "OK");
  ASSERT_EQ(Open(person, "order", "O-5", "", {last}).name(), "OK");
  EXPECT_EQ(Refusal(Update(person, "order", "O-5", Records({first}))),
            "BATCH_TOO_LARGE add_records");
  EXPECT_EQ(Refusal(Open(person, "order", "O-6", "", {first})), "BATCH_TOO_LARGE matter.records");
}

TEST_F(MatterRecordsTest, ARecordThatIsDeletedLeavesItsMatters) {
  const std::string one = NewRecord();
  const std::string person = PersonOf(one);
  const std::string two = NewRecord(person);
  ASSERT_EQ(Open(person, "order", "O-1", "", {one, two}).name(), "OK");
  ASSERT_EQ(Open(person, "consultation", "C-1", "", {one}).name(), "OK");
  Delete(one);
  const storage::v1::SubjectUse use = UseOf(person);
  ASSERT_THAT(use.matters(), SizeIs(2));
  EXPECT_THAT(use.matters(0).records(), ElementsAre(ParseRecordName(two)->record.view()));
  EXPECT_THAT(use.matters(1).records(), IsEmpty());
  // A person with whom nothing goes on gets no row of what does.
  const std::string other = NewRecord();
  Delete(other);
  EXPECT_FALSE(vault_.RowOf(PersonOf(other)).has_use());
}

TEST_F(MatterRecordsTest, AMatterGivesWayWhenNoneOfItsRecordsIsLeft) {
  const std::string record = NewRecord();
  const std::string person = PersonOf(record);
  const std::string other = NewRecord(person);
  for (int i = 0; i < 100; ++i) {
    const std::string id = "O-" + std::to_string(i);
    ASSERT_EQ(Open(person, "order", id, "", {i == 7 ? record : other}).name(), "OK");
    ASSERT_EQ(Update(person, "order", id, State("completed")).name(), "OK");
  }
  EXPECT_EQ(Open(person, "order", "new").name(), "BATCH_TOO_LARGE");
  Delete(record);
  ASSERT_EQ(Open(person, "order", "new", "", {other}).name(), "OK");
  EXPECT_EQ(Update(person, "order", "O-7", State("open")).name(), "NOT_FOUND");
  EXPECT_EQ(Open(person, "order", "newer").name(), "BATCH_TOO_LARGE");
  EXPECT_THAT(UseOf(person).matters(), SizeIs(100));
}

TEST_F(MatterRecordsTest, ADisputeWithoutRecordsGivesWayToADisputeAlone) {
  const std::string person = PersonOf(NewRecord());
  ASSERT_EQ(Open(person, "consultation", "C-0", "dispute").name(), "OK");
  ASSERT_EQ(Update(person, "consultation", "C-0", State("closed")).name(), "OK");
  for (int i = 1; i < 100; ++i) {
    ASSERT_EQ(Open(person, "consultation", "C-" + std::to_string(i)).name(), "OK");
  }
  EXPECT_EQ(Open(person, "consultation", "new").name(), "BATCH_TOO_LARGE");
  EXPECT_EQ(Open(person, "order", "new").name(), "BATCH_TOO_LARGE");
  // For these there are 50 places more; then they give way to each other.
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(Open(person, "consultation", "D-" + std::to_string(i), "complaint").name(), "OK");
  }
  EXPECT_EQ(Update(person, "consultation", "C-0", State("open")).name(), "OK");
  EXPECT_EQ(Open(person, "consultation", "new", "complaint").name(), "BATCH_TOO_LARGE");
  ASSERT_EQ(Update(person, "consultation", "C-0", State("closed")).name(), "OK");
  EXPECT_EQ(Open(person, "consultation", "new", "complaint").name(), "OK");
  EXPECT_EQ(Update(person, "consultation", "C-0", State("open")).name(), "NOT_FOUND");
}

TEST_F(MatterRecordsTest, OfLinkingAndDeletingARecordAtOnceOneIsPlannedAnew) {
  const std::string record = NewRecord();
  const std::string person = PersonOf(record);
  NewRecord(person);
  ASSERT_EQ(Open(person, "order", "O-1").name(), "OK");
  const v1::UpdateMatterRequest request = UpdateRequest(person, "order", "O-1", Records({record}));
  {
    VaultFixture::Open deletion(vault_, "shop", "DeleteRecord", DeleteRequest(record));
    deletion.Next();
    ASSERT_EQ(vault_.Call("shop", "UpdateMatter", request).name(), "OK");
    EXPECT_TRUE(deletion.Commit().conflict);
  }
  VaultFixture::Open linking(vault_, "shop", "UpdateMatter", request);
  VaultFixture::Open closing(vault_, "shop", "UpdateMatter",
                             UpdateRequest(person, "order", "O-1", State("completed")));
  linking.Next();
  closing.Next();
  Delete(record);
  EXPECT_TRUE(linking.Commit().conflict);
  EXPECT_TRUE(closing.Commit().conflict);
  linking.Next();
  EXPECT_EQ(linking.Commit().name(), "NOT_FOUND");
  closing.Next();
  EXPECT_EQ(closing.Commit().name(), "OK");
  EXPECT_THAT(UseOf(person).matters(0).records(), IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
