// Who acts for whom: what a service may not do by naming a person.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/vault/service/people_testing.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

class SubjectActorTest : public testing::Test {
 protected:
  SubjectActorTest()
      : hanako_(PeopleVault::PersonOf(vault_.Hanako())),
        jiro_(PeopleVault::PersonOf(vault_.Create({{"name", "佐藤 次郎"}}).record().name())) {}

  Result Update(std::string_view principal, const std::string& actor,
                const std::function<void(v1::UpdateSubjectRequest&)>& change) {
    v1::UpdateSubjectRequest request;
    request.set_subject(hanako_);
    *request.mutable_usage() = PeopleVault::Use("", actor);
    change(request);
    return vault_.Call(principal, "UpdateSubject", request);
  }
  void GiveJiroAMandate() {
    const Result given = Update("menu", hanako_, [&](auto& r) {
      r.add_mandates()->set_agent(jiro_);
      r.mutable_mandates(0)->set_document_sha256(std::string(64, 'a'));
    });
    ASSERT_TRUE(given.ok()) << given.name();
  }

  PeopleVault vault_;
  const std::string hanako_;
  const std::string jiro_;
};

TEST_F(SubjectActorTest, TheTenantsMattersAreNoPersonsOwn) {
  v1::OpenMatterRequest open;
  open.set_parent("tenants/default");
  open.mutable_matter()->set_kind("migration");
  open.mutable_matter()->set_id("M-1");
  *open.mutable_usage() = PeopleVault::Use("", hanako_);
  EXPECT_EQ(vault_.Call("menu", "OpenMatter", open).name(), "NOT_OWN_RECORD");
  v1::ListMattersRequest list;
  list.set_parent("tenants/default");
  *list.mutable_usage() = PeopleVault::Use("", hanako_);
  EXPECT_EQ(vault_.Call("menu", "ListMatters", list).name(), "NOT_OWN_RECORD");
  open.set_parent(hanako_);
  open.mutable_matter()->set_kind("consultation");
  EXPECT_EQ(vault_.Call("menu", "OpenMatter", open).name(), "OK");
}

// 003-54: an agent's mandate is the person's to give.
TEST_F(SubjectActorTest, AnAgentDoesNotSayWhoActsForThePerson) {
  GiveJiroAMandate();
  const auto department = [](auto& r) { r.set_department("sales"); };
  EXPECT_EQ(Update("proxy", jiro_, department).name(), "OK");
  EXPECT_EQ(Update("proxy", jiro_,
                   [&](auto& r) {
                     r.add_mandates()->set_agent(jiro_);
                     r.mutable_mandates(0)->set_document_sha256(std::string(64, 'b'));
                   })
                .name(),
            "NOT_OWN_RECORD");
  EXPECT_EQ(Update("proxy", jiro_, [&](auto& r) { r.set_holder(jiro_); }).name(), "NOT_OWN_RECORD");
}

// 004-41: a member is reached through the holder, and acts for nobody.
TEST_F(SubjectActorTest, AMemberActsForNobodyElse) {
  GiveJiroAMandate();
  const auto department = [](auto& r) { r.set_department("legal"); };
  ASSERT_EQ(Update("proxy", jiro_, department).name(), "OK");
  v1::UpdateSubjectRequest holder;
  holder.set_subject(jiro_);
  holder.set_holder(hanako_);
  *holder.mutable_usage() = PeopleVault::Use("", jiro_);
  ASSERT_EQ(vault_.Call("menu", "UpdateSubject", holder).name(), "OK");
  const Result refused = Update("proxy", jiro_, department);
  EXPECT_EQ(refused.name(), "MEMBER_WITHOUT_ID");
  EXPECT_EQ(refused.entry.on_behalf_of_ref(), vault_.RowOf(jiro_).subject_ref());
  EXPECT_EQ(refused.entry.role(), "agent");
}

// Who acts for nobody cannot find out about people by saying that it acts for them.
TEST_F(SubjectActorTest, WhoActsForNobodyLearnsNothingOfWhomItNames) {
  const std::string record = vault_.Hanako();
  const std::string member =
      PeopleVault::PersonOf(vault_.Create({{"name", "成員"}}).record().name());
  vault_.ChangeRow(member, [&](storage::v1::SubjectUse& use) {
    const auto holder = storage::Id128::FromText(hanako_.substr(hanako_.rfind('/') + 1));
    use.set_holder(std::string(holder->view()));
  });
  const std::string erased =
      PeopleVault::PersonOf(vault_.Create({{"name", "消去"}}).record().name());
  v1::DeleteSubjectRequest erase;
  erase.set_name(erased);
  *erase.mutable_usage() = PeopleVault::Use("order");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  const std::string unknown = "tenants/default/subjects/aaaaaaaaaaaaaaaaaaaaaaaaaa";
  for (const std::string& named : {jiro_, member, erased, unknown}) {
    const Result shown = vault_.Read(record, {"name"}, "order", "shop", named);
    EXPECT_EQ(shown.name(), "OK") << named;
    EXPECT_EQ(shown.entry.on_behalf_of_ref(), "") << named;
    const Result denied = vault_.Read(record, {"name"}, "order", "helper", named);
    EXPECT_EQ(denied.name(), "OPERATION_NOT_GRANTED") << named;
    v1::SearchRecordsRequest search;
    search.set_parent("tenants/default");
    search.set_type("customer");
    search.set_field("name");
    search.set_value("誰でもない");
    *search.mutable_usage() = PeopleVault::Use("order", named);
    EXPECT_EQ(vault_.Call("shop", "SearchRecords", search).name(), "OK") << named;
    if (named == jiro_) continue;
    EXPECT_NE(vault_.Read(record, {"name"}, "order", "proxy", named).name(), "OK") << named;
  }
}

// 003-57: nobody is made older by a record that says so.
TEST_F(SubjectActorTest, AFurtherRecordMakesNobodyOlder) {
  ASSERT_TRUE(vault_.AddRecord("customer", {{"birth_date", "2012-05-01"}}, hanako_).ok());
  const int32_t day = vault_.RowOf(hanako_).use().birth_day();
  ASSERT_TRUE(vault_.AddRecord("customer", {{"birth_date", "1970-01-01"}}, hanako_).ok());
  EXPECT_EQ(vault_.RowOf(hanako_).use().birth_day(), day);
  ASSERT_TRUE(vault_.AddRecord("customer", {{"birth_date", "2014-05-01"}}, hanako_).ok());
  EXPECT_GT(vault_.RowOf(hanako_).use().birth_day(), day);
}

}  // namespace
}  // namespace piivault::vault
