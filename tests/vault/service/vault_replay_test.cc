// A request id that comes again is judged as a new call would be, and tells nothing of those who
// are gone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;

std::string SubjectOf(const std::string& record) {
  return record.substr(0, record.find("/records/"));
}

Result Erase(VaultFixture& vault, const std::string& record, std::string_view request_id = "") {
  v1::DeleteSubjectRequest request;
  request.set_name(SubjectOf(record));
  request.set_request_id(std::string(request_id));
  *request.mutable_usage() = UsageFor("shop");
  return vault.Call("shop", "DeleteSubject", request);
}

Result Delete(VaultFixture& vault, const std::string& record) {
  v1::DeleteRecordRequest request;
  request.set_name(record);
  *request.mutable_usage() = UsageFor("shop");
  return vault.Call("shop", "DeleteRecord", request);
}

v1::CreateRecordRequest CreateOnce() {
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"email", "n@example.jp"}}, "1");
  request.set_request_id("once");
  return request;
}

TEST(VaultReplayTest, TheEntryHasTheRecordAgain) {
  VaultFixture vault;
  const Result first = vault.Call("shop", "CreateRecord", CreateOnce());
  ASSERT_TRUE(first.ok()) << first.name();
  const Result again = vault.Call("shop", "CreateRecord", CreateOnce());
  ASSERT_TRUE(again.ok()) << again.name();
  ASSERT_EQ(again.entry.items_size(), 1);
  EXPECT_EQ(again.entry.items(0).SerializeAsString(), first.entry.items(0).SerializeAsString());
  EXPECT_EQ(again.entry.role(), first.entry.role());

  v1::UpdateRecordRequest update;
  update.set_name(first.As<v1::CreateRecordResponse>().record().name());
  (*update.mutable_fields())["email"] = "m@example.jp";
  update.set_request_id("update");
  *update.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault.Call("shop", "UpdateRecord", update).ok());
  const Result updated = vault.Call("shop", "UpdateRecord", update);
  ASSERT_TRUE(updated.ok()) << updated.name();
  ASSERT_EQ(updated.entry.items_size(), 1);
  EXPECT_EQ(updated.entry.items(0).record_ref(), first.entry.items(0).record_ref());
  EXPECT_THAT(updated.entry.items(0).fields(), ElementsAre("customer.email"));
}

TEST(VaultReplayTest, TellsNothingOfARecordThatIsGone) {
  for (const bool erased : {true, false}) {
    VaultFixture vault;
    const Result first = vault.Call("shop", "CreateRecord", CreateOnce());
    ASSERT_TRUE(first.ok()) << first.name();
    const std::string name = first.As<v1::CreateRecordResponse>().record().name();
    ASSERT_TRUE((erased ? Erase(vault, name) : Delete(vault, name)).ok());
    const Result again = vault.Call("shop", "CreateRecord", CreateOnce());
    EXPECT_EQ(again.name(), "NOT_FOUND");
    EXPECT_EQ(again.response, nullptr);
    EXPECT_EQ(again.entry.decision(), storage::v1::DECISION_FAILED);
    EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 0u);
  }
}

TEST(VaultReplayTest, LosesToAnErasureOfTheSameMoment) {
  VaultFixture vault;
  const Result first = vault.Call("shop", "CreateRecord", CreateOnce());
  ASSERT_TRUE(first.ok()) << first.name();
  VaultFixture::Open again(vault, "shop", "CreateRecord", CreateOnce());
  again.Next();
  ASSERT_TRUE(Erase(vault, first.As<v1::CreateRecordResponse>().record().name()).ok());
  EXPECT_TRUE(again.Commit().conflict);
  again.Next();
  EXPECT_EQ(again.Commit().name(), "NOT_FOUND");
}

TEST(VaultReplayTest, UpsertsOfAnErasedPersonAreNotToldAgain) {
  VaultFixture vault;
  v1::UpsertRecordRequest request;
  request.set_parent("tenants/default");
  *request.mutable_record() = CreateOnce().record();
  request.set_request_id("once");
  *request.mutable_usage() = UsageFor("shop");
  const Result first = vault.Call("shop", "UpsertRecord", request);
  ASSERT_TRUE(first.ok()) << first.name();
  const Result again = vault.Call("shop", "UpsertRecord", request);
  ASSERT_TRUE(again.ok()) << again.name();
  ASSERT_EQ(again.entry.items_size(), 1);
  ASSERT_TRUE(Erase(vault, first.As<v1::UpsertRecordResponse>().record().name()).ok());
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", request).name(), "NOT_FOUND");
}

TEST(VaultReplayTest, BatchesBlankTheItemsOfErasedPersons) {
  VaultFixture vault;
  v1::BatchCreateRecordsRequest request;
  request.set_parent("tenants/default");
  *request.mutable_usage() = UsageFor("shop");
  request.set_request_id("batch");
  for (const char* email : {"a@example.jp", "b@example.jp", "a@example.jp"}) {
    *request.add_records() = VaultFixture::NewCustomer({{"email", email}}).record();
    request.mutable_records(request.records_size() - 1)
        ->set_ref("ref-" + std::to_string(request.records_size()));
  }
  const Result first = vault.Call("shop", "BatchCreateRecords", request);
  ASSERT_TRUE(first.ok()) << first.name();
  const auto& before = first.As<v1::BatchCreateRecordsResponse>();
  ASSERT_EQ(before.results(2).failure().reason(), "ALREADY_EXISTS");
  ASSERT_TRUE(Erase(vault, before.results(0).name()).ok());

  const Result again = vault.Call("shop", "BatchCreateRecords", request);
  ASSERT_TRUE(again.ok()) << again.name();
  const auto& after = again.As<v1::BatchCreateRecordsResponse>();
  ASSERT_EQ(after.results_size(), 3);
  EXPECT_EQ(after.results(0).ref(), "ref-1");
  EXPECT_EQ(after.results(0).name(), "");
  EXPECT_EQ(after.results(0).tokens_size(), 0);
  EXPECT_EQ(after.results(0).failure().reason(), "NOT_FOUND");
  for (int i : {1, 2}) {
    EXPECT_EQ(after.results(i).SerializeAsString(), before.results(i).SerializeAsString()) << i;
  }
  ASSERT_EQ(again.entry.items_size(), 3);
  EXPECT_EQ(again.entry.items(0).reason(), "NOT_FOUND");
  EXPECT_EQ(again.entry.items(1).SerializeAsString(), first.entry.items(1).SerializeAsString());
  EXPECT_EQ(again.entry.items(2).reason(), "ALREADY_EXISTS");
  EXPECT_EQ(again.entry.decision(), storage::v1::DECISION_PARTIAL);
}

TEST(VaultReplayTest, TokensOfErasedPersonsAreNotHandedOutAgain) {
  VaultFixture vault;
  v1::TokenizeRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  request.set_field("phone");
  request.add_items()->set_value("03-1234-5678");
  request.add_items()->set_value("03-1234-5679");
  request.set_request_id("tokens");
  *request.mutable_usage() = UsageFor("shop");
  const Result first = vault.Call("shop", "Tokenize", request);
  ASSERT_TRUE(first.ok()) << first.name();
  ASSERT_TRUE(Erase(vault, first.As<v1::TokenizeResponse>().results(1).name()).ok());
  const Result again = vault.Call("shop", "Tokenize", request);
  ASSERT_TRUE(again.ok()) << again.name();
  const auto& results = again.As<v1::TokenizeResponse>().results();
  EXPECT_EQ(results[0].token(), first.As<v1::TokenizeResponse>().results(0).token());
  EXPECT_EQ(results[1].token(), "");
  EXPECT_EQ(results[1].name(), "");
  EXPECT_EQ(results[1].failure().reason(), "NOT_FOUND");
  EXPECT_EQ(again.entry.items_size(), 2);
}

TEST(VaultReplayTest, AnErasureMayComeAgain) {
  VaultFixture vault;
  const std::string name = vault.Create({{"email", "n@example.jp"}}).record().name();
  const Result first = Erase(vault, name, "erase");
  ASSERT_TRUE(first.ok()) << first.name();
  const Result again = Erase(vault, name, "erase");
  ASSERT_TRUE(again.ok()) << again.name();
  EXPECT_EQ(again.As<v1::DeleteSubjectResponse>().records(), 1);
  ASSERT_EQ(again.entry.items_size(), 1);
  EXPECT_EQ(again.entry.items(0).grants_size(), 1);
  EXPECT_EQ(Erase(vault, name, "other").name(), "SUBJECT_ERASED");
}

}  // namespace
}  // namespace piivault::vault
