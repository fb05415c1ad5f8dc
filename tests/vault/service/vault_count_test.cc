// CountRecords: people by groups, none of them small, and only those whom the purpose reaches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/vault/service/people_testing.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view kPolicy = R"(policy: counts
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      title: job_title
      plan: {type: choice, choices: [free, paid]}
      letter: {type: mail_body, class: comm_secret}
      secret: {type: submission_credential, read: never}
  other: {fields: {name: person_name}}
purposes:
  order: {label: {en: Orders}}
  count: {label: {en: Counts}, output: aggregate_only}
collection_notices:
  general: {label: {en: General}, purposes: [order, count]}
  narrow: {label: {en: Narrow}, purposes: [order]}
roles:
  shop: {kind: service}
  helper: {kind: staff, nda: none}
grants:
  - {id: shop-write, role: shop, may: [create, update, stop_use], fields: [customer.name, customer.title, customer.plan, customer.letter, customer.secret], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete_subject], types: [customer]}
  - {id: helper-count, role: helper, may: [aggregate], fields: [customer.*], for: [count]}
aggregates: {min_group: 3, round_to: 1}
)";

class CountTest : public testing::Test {
 protected:
  CountTest() { SetRules(""); }

  void SetRules(std::string_view rules) {
    std::string yaml(kPolicy);
    if (!rules.empty()) yaml.replace(yaml.find("aggregates:"), std::string::npos, rules);
    vault_.SetPolicy("default", yaml);
  }
  // Another person, or another record of one.
  std::string Add(const std::string& title, const std::string& plan = "",
                  const std::string& subject = "", std::string_view notice = "general") {
    std::map<std::string, std::string> fields;
    if (!title.empty()) fields["title"] = title;
    if (!plan.empty()) fields["plan"] = plan;
    if (fields.empty()) fields["name"] = "山田";
    const Result made = vault_.AddRecord("customer", std::move(fields), subject, notice);
    EXPECT_TRUE(made.ok()) << made.name();
    return PeopleVault::PersonOf(made.As<v1::CreateRecordResponse>().record().name());
  }
  static v1::CountRecordsRequest Request(const std::vector<std::string>& fields) {
    v1::CountRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    request.mutable_group_by()->Assign(fields.begin(), fields.end());
    *request.mutable_usage() = PeopleVault::Use("count");
    return request;
  }
  Result Count(const std::vector<std::string>& fields) {
    std::vector<Result> messages = vault_.Stream("helper", "CountRecords", Request(fields));
    return std::move(messages.back());
  }
  // "a/b: 3" for each group, then "other: 4" where there are any.
  static std::vector<std::string> Groups(const Result& result) {
    if (!result.ok()) return {std::string(result.name())};
    const auto& response = result.As<v1::CountRecordsResponse>();
    EXPECT_TRUE(response.complete());
    std::vector<std::string> lines;
    for (const auto& group : response.groups()) {
      const std::string values = absl::StrJoin(group.values(), "/");
      lines.push_back(absl::StrCat(values, ": ", group.persons()));
    }
    if (response.other_persons() > 0) {
      lines.push_back(absl::StrCat("other: ", response.other_persons()));
    }
    return lines;
  }

  PeopleVault vault_;
};

TEST_F(CountTest, CountsPeopleByNormalisedValues) {
  for (const char* title : {"Manager", "manager", "ＭＡＮＡＧＥＲ", "clerk", "clerk", "clerk"}) {
    Add(title);
  }
  const std::string taro = Add("clerk");
  Add("clerk", "", taro);
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 4", "manager: 3"));
}

TEST_F(CountTest, ByTwoFieldsAndWithoutAValue) {
  for (int i = 0; i < 3; ++i) {
    Add("clerk", "free");
    Add("clerk", "paid");
    Add("", "paid");
    Add("clerk");
  }
  const Result result = Count({"title", "plan"});
  EXPECT_THAT(Groups(result),
              ElementsAre("/paid: 3", "clerk/: 3", "clerk/free: 3", "clerk/paid: 3"));
  EXPECT_EQ(result.As<v1::CountRecordsResponse>().examined_records(), 0);
}

TEST_F(CountTest, SmallGroupsDoNotShow) {
  for (int i = 0; i < 5; ++i) Add("clerk");
  for (int i = 0; i < 2; ++i) Add("manager");
  for (int i = 0; i < 2; ++i) Add("officer");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 5", "other: 4"));
  SetRules("aggregates: {min_group: 5, round_to: 2}");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 4"));
}

TEST_F(CountTest, ByDefaultTenPeopleAreTheFewest) {
  SetRules("groups: {}");
  for (int i = 0; i < 9; ++i) Add("clerk");
  EXPECT_THAT(Groups(Count({"title"})), IsEmpty());
  Add("clerk");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 10"));
  for (int i = 0; i < 4; ++i) Add("clerk");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 10"));
}

TEST_F(CountTest, WhoseUseIsStoppedIsNotCounted) {
  std::string last;
  for (int i = 0; i < 4; ++i) last = Add("clerk", "paid");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 4"));
  ASSERT_TRUE(vault_.Stop("shop", last, "customer.title").ok());
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 3"));
  EXPECT_THAT(Groups(Count({"title", "plan"})), ElementsAre("clerk/paid: 3"));
  EXPECT_THAT(Groups(Count({"plan"})), ElementsAre("paid: 4"));
}

TEST_F(CountTest, WhomThePurposeDoesNotReachIsNotCounted) {
  std::string last;
  for (int i = 0; i < 4; ++i) last = Add("clerk");
  Add("clerk", "", "", "narrow");  // Collected for something else.
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 4"));
  vault_.ChangeRow(last, [](storage::v1::SubjectUse& use) { use.add_stops()->set_fields(""); });
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 3"));
  const std::string erased = Add("clerk");
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 4"));
  v1::DeleteSubjectRequest erase;
  erase.set_name(erased);
  *erase.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_THAT(Groups(Count({"title"})), ElementsAre("clerk: 3"));
}

TEST_F(CountTest, IsRefusedLikeEveryUse) {
  EXPECT_EQ(Count({}).name(), "FIELD_MISSING");
  EXPECT_EQ(Count({"title", "title"}).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Count({"title", "plan", "name"}).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(Count({"what"}).name(), "FIELD_UNKNOWN");
  EXPECT_EQ(Count({"letter"}).name(), "COMM_SECRET");
  EXPECT_EQ(Count({"secret"}).name(), "READ_NEVER");
  EXPECT_EQ(Count({"title", "secret"}).name(), "READ_NEVER");
  v1::CountRecordsRequest request = Request({"title"});
  EXPECT_EQ(vault_.Stream("shop", "CountRecords", request).back().name(), "OPERATION_NOT_GRANTED");
  request.mutable_usage()->set_purpose("order");
  EXPECT_EQ(vault_.Stream("helper", "CountRecords", request).back().name(), "PURPOSE_NOT_GRANTED");
  request.clear_usage();
  EXPECT_EQ(vault_.Stream("helper", "CountRecords", request).back().name(), "PURPOSE_MISSING");
  request = Request({"name"});
  request.set_type("other");
  EXPECT_EQ(vault_.Stream("helper", "CountRecords", request).back().name(), "FIELD_NOT_GRANTED");
}

TEST_F(CountTest, TheEntryHasFieldsPurposeAndNumberAlone) {
  for (int i = 0; i < 3; ++i) Add("clerk", "paid");
  Add("clerk", "paid", "", "narrow");
  const Result result = Count({"title", "plan"});
  ASSERT_EQ(result.entry.items_size(), 1);
  const storage::v1::EntryItem& item = result.entry.items(0);
  EXPECT_THAT(item.fields(), ElementsAre("customer.title", "customer.plan"));
  EXPECT_THAT(item.grants(), ElementsAre("helper-count"));
  EXPECT_EQ(item.counted_records(), 3u);
  EXPECT_TRUE(item.subject_ref().empty());
  EXPECT_TRUE(item.record_ref().empty());
  EXPECT_EQ(result.entry.purpose(), "count");
  EXPECT_EQ(result.entry.role(), "helper");
}

// Where others write in between, smaller steps are taken; each is one message.
TEST_F(CountTest, GoesOnInSmallerStepsWhereOthersWrite) {
  std::string last;
  for (int i = 0; i < 450; ++i) last = Add(i % 2 == 0 ? "clerk" : "manager");
  VaultFixture::Open call(vault_, "helper", "CountRecords", Request({"title"}));
  for (int conflict = 0; conflict < 2; ++conflict) {
    call.Next();
    // Everybody was looked at.
    vault_.ChangeRow(last, [](storage::v1::SubjectUse& use) { use.set_department("sales"); });
    EXPECT_EQ(call.Commit().name(), "CONFLICT");
  }
  call.Next();
  const Result first = call.Commit();
  ASSERT_TRUE(first.ok()) << first.name();
  const auto& progress = first.As<v1::CountRecordsResponse>();
  EXPECT_FALSE(progress.complete());
  EXPECT_EQ(progress.examined_records(), 200);
  EXPECT_THAT(progress.groups(), IsEmpty());
  ASSERT_TRUE(call.HasMore());
  call.Next();
  EXPECT_EQ(call.Commit().As<v1::CountRecordsResponse>().examined_records(), 400);
  call.Next();
  const Result done = call.Commit();
  EXPECT_THAT(Groups(done), ElementsAre("clerk: 225", "manager: 225"));
  EXPECT_EQ(done.entry.items(0).counted_records(), 50u);
  EXPECT_FALSE(call.HasMore());
}

TEST_F(CountTest, NobodyIsCountedUnderTwoPolicies) {
  for (int i = 0; i < 450; ++i) Add("clerk");
  VaultFixture::Open call(vault_, "helper", "CountRecords", Request({"title"}));
  call.Next();
  call.Next();
  call.Next();  // the third attempt goes over 200
  ASSERT_TRUE(call.Commit().ok());
  ASSERT_TRUE(call.HasMore());
  SetRules("aggregates: {min_group: 3, round_to: 10}\n");
  EXPECT_EQ(call.Next().reason, authz::Reason::kConflict);
}

TEST_F(CountTest, AStopInBetweenHoldsInWhatIsToldThen) {
  std::vector<std::string> people;
  for (int i = 0; i < 4; ++i) people.push_back(Add("clerk"));
  VaultFixture::Open call(vault_, "helper", "CountRecords", Request({"title"}));
  call.Next();
  ASSERT_TRUE(vault_.Stop("shop", people[2], "customer.title").ok());
  EXPECT_EQ(call.Commit().name(), "CONFLICT");
  call.Next();
  EXPECT_THAT(Groups(call.Commit()), ElementsAre("clerk: 3"));
}

}  // namespace
}  // namespace piivault::vault
