// Stops of use and of mailing: on every path, at once, and taken back by the person alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/id.h"
#include "tests/vault/service/people_testing.h"
#include "vault/service/entry_view.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class StopTest : public testing::Test {
 protected:
  StopTest() : made_(vault_.Create({{"name", "山田 花子"}, {"email", std::string(kHanakosMail)}})) {
    record_ = made_.record().name();
    hanako_ = PeopleVault::PersonOf(record_);
    other_ = PeopleVault::PersonOf(vault_.Create({{"name", "鈴木 一郎"}}).record().name());
  }

  std::string Batch() {
    v1::BatchRevealRecordsRequest request;
    request.set_parent("tenants/default");
    request.add_names(record_);
    request.add_fields("email");
    *request.mutable_usage() = PeopleVault::Use("order");
    const Result result = vault_.Call("shop", "BatchRevealRecords", request);
    if (!result.ok()) return std::string(result.name());
    const auto& item = result.As<v1::BatchRevealRecordsResponse>().results(0);
    return item.has_failure() ? item.failure().reason() : "OK";
  }
  std::string Detokenize() {
    v1::DetokenizeRequest request;
    request.set_parent("tenants/default");
    request.add_tokens(made_.tokens().at("email"));
    *request.mutable_usage() = PeopleVault::Use("order");
    const Result result = vault_.Call("shop", "Detokenize", request);
    if (!result.ok()) return std::string(result.name());
    const auto& item = result.As<v1::DetokenizeResponse>().results(0);
    return item.has_failure() ? item.failure().reason() : "OK";
  }
  int Found() {
    v1::SearchRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    request.set_field("email");
    request.set_value(std::string(kHanakosMail));
    *request.mutable_usage() = PeopleVault::Use("order");
    const Result result = vault_.Call("shop", "SearchRecords", request);
    return result.ok() ? result.As<v1::SearchRecordsResponse>().records_size() : -1;
  }
  std::string Lookup() {
    return std::string(vault_.Lookup("shop", "email", kHanakosMail, {"name"}).name());
  }
  // Values of `email` that a stream or a download hands out.
  template <typename Response, typename Request>
  int Mails(std::string_view method, const Request& request) {
    int mails = 0;
    for (const Result& message : vault_.Stream("shop", method, request)) {
      if (!message.ok()) return -1;
      for (const v1::RevealedRecord& record : message.As<Response>().records()) {
        mails += static_cast<int>(record.fields().count("email"));
      }
    }
    return mails;
  }
  int Downloaded() {
    v1::DownloadRecordsRequest request;
    request.set_parent("tenants/default");
    request.set_type("customer");
    *request.mutable_usage() = PeopleVault::Use("order");
    return Mails<v1::DownloadRecordsResponse>("DownloadRecords", request);
  }
  static v1::StreamRevealRecordsRequest Streaming(std::string_view purpose) {
    v1::StreamRevealRecordsRequest request;
    request.set_parent("tenants/default");
    request.add_fields("email");
    *request.mutable_usage() = PeopleVault::Use(purpose);
    return request;
  }
  int Streamed() {
    v1::StreamRevealRecordsRequest by_name = Streaming("order");
    by_name.mutable_names()->add_names(record_);
    v1::StreamRevealRecordsRequest by_token = Streaming("order");
    by_token.mutable_tokens()->add_tokens(made_.tokens().at("email"));
    return Mails<v1::StreamRevealRecordsResponse>("StreamRevealRecords", by_name) +
           Mails<v1::StreamRevealRecordsResponse>("StreamRevealRecords", by_token);
  }
  int Mailed() {
    v1::StreamRevealRecordsRequest request = Streaming("mailing");
    request.mutable_selector()->set_type("customer");
    return Mails<v1::StreamRevealRecordsResponse>("StreamRevealRecords", request);
  }
  std::string Unsubscribe(std::string_view principal, bool by_token, bool resume = false,
                          const std::string& on_behalf_of = "") {
    v1::UnsubscribeRequest request;
    if (by_token) {
      request.set_parent("tenants/default");
      request.set_token(made_.tokens().at("email"));
    } else {
      request.set_name(record_);
    }
    *request.mutable_usage() = PeopleVault::Use("", on_behalf_of);
    request.set_resume(resume);
    return std::string(vault_.Call(principal, "Unsubscribe", request).name());
  }

  PeopleVault vault_;
  v1::CreateRecordResponse made_;
  std::string record_;
  std::string hanako_;
  std::string other_;
};

TEST_F(StopTest, HoldsOnEveryPath) {
  EXPECT_EQ(vault_.Read(record_, {"email"}, "order").name(), "OK");
  EXPECT_EQ(Batch(), "OK");
  EXPECT_EQ(Detokenize(), "OK");
  EXPECT_EQ(Lookup(), "OK");
  EXPECT_EQ(Found(), 1);
  EXPECT_EQ(Streamed(), 2);
  EXPECT_EQ(Downloaded(), 1);

  const Result stopped = vault_.Stop("shop", hanako_, "customer.email");
  ASSERT_TRUE(stopped.ok()) << stopped.name();
  EXPECT_THAT(stopped.As<v1::StopUseResponse>().stops(), SizeIs(1));
  EXPECT_EQ(vault_.Read(record_, {"email"}, "order").name(), "USE_STOPPED");
  EXPECT_EQ(vault_.Read(record_, {"name"}, "order").name(), "OK");
  EXPECT_EQ(Batch(), "USE_STOPPED");
  EXPECT_EQ(Detokenize(), "USE_STOPPED");
  EXPECT_EQ(Lookup(), "NOT_FOUND");
  EXPECT_EQ(Found(), 0);
  EXPECT_EQ(Streamed(), 0);
  EXPECT_EQ(Downloaded(), 0);
}

TEST_F(StopTest, IsForItsPurposeAndFields) {
  ASSERT_TRUE(vault_.Stop("shop", hanako_, "customer.email", "mailing").ok());
  EXPECT_EQ(vault_.Read(record_, {"email"}, "mailing").name(), "USE_STOPPED");
  EXPECT_EQ(vault_.Read(record_, {"email"}, "order").name(), "OK");
  vault_.ChangeRow(hanako_, [](storage::v1::SubjectUse& use) { use.set_contract_ended(true); });
  ASSERT_TRUE(vault_.Stop("shop", hanako_, "customer.*", "mailing").ok());
  EXPECT_EQ(vault_.Read(record_, {"name"}, "mailing").name(), "USE_STOPPED");
  ASSERT_TRUE(vault_.Stop("shop", hanako_, "").ok());
  EXPECT_EQ(vault_.Read(record_, {"name"}, "order").name(), "USE_STOPPED");
}

TEST_F(StopTest, SaysInTheEntryWhomAndWhat) {
  const uint64_t version = vault_.RowOf(hanako_).version();
  const Result result = vault_.Stop("shop", hanako_, "customer.email", "mailing");
  ASSERT_EQ(result.entry.items_size(), 1);
  EXPECT_EQ(result.entry.items(0).subject_ref(), vault_.RowOf(hanako_).subject_ref());
  EXPECT_THAT(result.entry.items(0).fields(), ElementsAre("customer.email"));
  EXPECT_THAT(result.entry.items(0).grants(), ElementsAre("shop-stop"));
  ASSERT_EQ(result.retained.items_size(), 1);
  EXPECT_EQ(result.retained.items(0).version(), version + 1);
  EXPECT_EQ(vault_.RowOf(hanako_).version(), version + 1);
  const Result again = vault_.Stop("shop", hanako_, "customer.email", "mailing");
  EXPECT_THAT(again.As<v1::StopUseResponse>().stops(), SizeIs(1));
  EXPECT_EQ(vault_.RowOf(hanako_).version(), version + 1) << "it is stopped already";
}

TEST_F(StopTest, NeedsEveryFieldThatIsMeant) {
  EXPECT_EQ(vault_.Stop("helper", hanako_, "customer.email").name(), "OK");
  EXPECT_EQ(vault_.Stop("helper", hanako_, "customer.name").name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(vault_.Stop("helper", hanako_, "customer.*").name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(vault_.Stop("helper", hanako_, "").name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(vault_.Stop("shop", hanako_, "customer.none").name(), "FIELD_UNKNOWN");
  EXPECT_EQ(vault_.Stop("shop", hanako_, "none.*").name(), "TYPE_UNKNOWN");
  EXPECT_EQ(vault_.Stop("shop", hanako_, "customer").name(), "FIELD_UNKNOWN");
  EXPECT_EQ(vault_.Stop("shop", hanako_, "customer.email", "none").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(vault_.Stop("shop", "hanako", "customer.email").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(vault_.Stop("nobody", hanako_, "customer.email").name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(vault_.Stop("nobody", hanako_, "customer.none").name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(vault_.RowOf(hanako_).use().stops_size(), 1);
}

TEST_F(StopTest, WhatTheContractNeedsStaysWhileItLasts) {
  for (const char* fields : {"customer.phone", "customer.*", ""}) {
    const Result result = vault_.Stop("shop", hanako_, fields);
    EXPECT_EQ(result.name(), "ESSENTIAL") << fields;
    EXPECT_THAT(result.denied_fields, ElementsAre("customer.phone")) << fields;
  }
  EXPECT_EQ(vault_.Stop("shop", hanako_, "dev.*").name(), "OK");
  vault_.ChangeRow(hanako_, [](storage::v1::SubjectUse& use) { use.set_contract_ended(true); });
  EXPECT_EQ(vault_.Stop("shop", hanako_, "customer.phone").name(), "OK");
}

TEST_F(StopTest, IsTakenBackByThePersonAlone) {
  ASSERT_TRUE(vault_.Stop("menu", hanako_, "customer.email", "order", hanako_).ok());
  EXPECT_EQ(vault_.Resume("shop", hanako_, "customer.email", "order", hanako_).name(),
            "OPERATION_NOT_GRANTED");
  EXPECT_EQ(vault_.Resume("menu", hanako_, "customer.email", "order", other_).name(),
            "NOT_OWN_RECORD");
  EXPECT_EQ(vault_.Resume("menu", hanako_, "customer.email", "order", "").name(),
            "SUBJECT_REQUIRED");
  EXPECT_EQ(vault_.Resume("menu", hanako_, "customer.email", "", hanako_).name(), "NOT_FOUND")
      << "another stop";
  const Result resumed = vault_.Resume("menu", hanako_, "customer.email", "order", hanako_);
  ASSERT_TRUE(resumed.ok()) << resumed.name();
  EXPECT_THAT(resumed.As<v1::ResumeUseResponse>().stops(), IsEmpty());
  EXPECT_EQ(resumed.entry.on_behalf_of_ref(), vault_.RowOf(hanako_).subject_ref());
  v1::Entry shown;
  FillEntry({}, resumed.entry, &shown);
  EXPECT_EQ(shown.on_behalf_of_ref(),
            storage::Id128::FromBytes(vault_.RowOf(hanako_).subject_ref())->ToText());
  EXPECT_EQ(resumed.retained.items_size(), 1);
  EXPECT_EQ(vault_.Read(record_, {"email"}, "order").name(), "OK");
  EXPECT_EQ(vault_.Resume("menu", hanako_, "customer.email", "order", hanako_).name(), "NOT_FOUND");
}

TEST_F(StopTest, ARepresentativeStopsAndDoesNotResume) {
  const storage::Id128 agent = *storage::Id128::FromText(other_.substr(other_.rfind('/') + 1));
  EXPECT_EQ(vault_.Stop("proxy", hanako_, "customer.email", "", other_).name(), "NOT_OWN_RECORD");
  vault_.ChangeRow(hanako_, [&](storage::v1::SubjectUse& use) {
    use.add_mandates()->set_agent(std::string(agent.view()));
  });
  EXPECT_EQ(vault_.Stop("proxy", hanako_, "customer.email", "", other_).name(), "OK");
  EXPECT_EQ(vault_.Resume("proxy", hanako_, "customer.email", "", other_).name(), "NOT_OWN_RECORD");
  EXPECT_EQ(Unsubscribe("proxy", false, false, other_), "OK");
  EXPECT_EQ(Unsubscribe("proxy", false, true, other_), "NOT_OWN_RECORD");
  EXPECT_EQ(vault_.RowOf(hanako_).use().stops_size(), 1);
  EXPECT_TRUE(vault_.RowOf(hanako_).use().unsubscribed());
}

TEST_F(StopTest, HoldsFromTheNextMessageOfARunningDownload) {
  // Enough for a second message.
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(vault_.AddRecord("customer", {{"email", std::string(kHanakosMail)}}, hanako_).ok());
  }
  v1::DownloadRecordsRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  *request.mutable_usage() = PeopleVault::Use("order");
  VaultFixture::Open call(vault_, "shop", "DownloadRecords", request);
  call.Next();
  const Result first = call.Commit();
  ASSERT_TRUE(first.ok()) << first.name();
  EXPECT_THAT(first.As<v1::DownloadRecordsResponse>().records(), SizeIs(1000));
  ASSERT_TRUE(call.HasMore());
  call.Next();
  ASSERT_TRUE(vault_.Stop("shop", hanako_, "customer.email").ok());
  EXPECT_EQ(call.Commit().name(), "CONFLICT");
  call.Next();
  const Result second = call.Commit();
  ASSERT_TRUE(second.ok()) << second.name();
  for (const auto& record : second.As<v1::DownloadRecordsResponse>().records()) {
    EXPECT_EQ(record.fields().count("email"), 0u);
  }
}

TEST_F(StopTest, ABatchThatIsPlannedObeys) {
  v1::BatchRevealRecordsRequest request;
  request.set_parent("tenants/default");
  request.add_names(record_);
  request.add_fields("email");
  *request.mutable_usage() = PeopleVault::Use("order");
  VaultFixture::Open call(vault_, "shop", "BatchRevealRecords", request);
  call.Next();
  ASSERT_TRUE(vault_.Stop("shop", hanako_, "customer.email").ok());
  EXPECT_EQ(call.Commit().name(), "CONFLICT");
  call.Next();
  EXPECT_EQ(call.Commit().As<v1::BatchRevealRecordsResponse>().results(0).failure().reason(),
            "USE_STOPPED");
}

TEST_F(StopTest, AHundredAndNoMore) {
  vault_.ChangeRow(hanako_, [](storage::v1::SubjectUse& use) {
    for (int i = 0; i < 100; ++i) use.add_stops()->set_purpose("p" + std::to_string(i));
  });
  EXPECT_EQ(vault_.Stop("shop", hanako_, "customer.email").name(), "BATCH_TOO_LARGE");
}

TEST_F(StopTest, UnsubscribingEndsTheMailAtOnce) {
  for (const bool by_token : {false, true}) {
    EXPECT_EQ(Mailed(), 1);
    EXPECT_EQ(Unsubscribe("shop", by_token), "OK");
    EXPECT_EQ(Mailed(), 0);
    EXPECT_EQ(vault_.Read(record_, {"email"}, "order").name(), "OK");
    EXPECT_EQ(Unsubscribe("shop", by_token), "OK") << "again";
    EXPECT_EQ(Unsubscribe("menu", by_token, true, hanako_), "OK");
  }
  EXPECT_EQ(Mailed(), 1);
}

TEST_F(StopTest, SubscribingAgainIsForThePersonAlone) {
  ASSERT_EQ(Unsubscribe("shop", false), "OK");
  EXPECT_EQ(Unsubscribe("shop", false, true), "SUBJECT_REQUIRED");
  EXPECT_EQ(Unsubscribe("shop", false, true, hanako_), "NOT_OWN_RECORD");
  EXPECT_EQ(Unsubscribe("menu", false, true, other_), "NOT_OWN_RECORD");
  EXPECT_EQ(Unsubscribe("menu", true, true, other_), "NOT_OWN_RECORD");
  EXPECT_TRUE(vault_.RowOf(hanako_).use().unsubscribed());
}

TEST_F(StopTest, UnsubscribesEverybodyWithTheValueOfAToken) {
  const std::string second =
      PeopleVault::PersonOf(vault_.Create({{"email", std::string(kHanakosMail)}}).record().name());
  EXPECT_EQ(Unsubscribe("shop", true), "OK");
  EXPECT_TRUE(vault_.RowOf(hanako_).use().unsubscribed());
  EXPECT_TRUE(vault_.RowOf(second).use().unsubscribed());
  EXPECT_EQ(Unsubscribe("menu", true, true, hanako_), "OK");
  EXPECT_FALSE(vault_.RowOf(hanako_).use().unsubscribed());
  EXPECT_TRUE(vault_.RowOf(second).use().unsubscribed()) << "somebody else's";
}

TEST_F(StopTest, UnsubscribeTellsNobodyWhoMayNot) {
  EXPECT_EQ(Unsubscribe("helper", false), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(Unsubscribe("nobody", true), "ROLE_NOT_GRANTED");
  v1::UnsubscribeRequest request;
  EXPECT_EQ(vault_.Call("shop", "Unsubscribe", request).name(), "MALFORMED_REQUEST");
  request.set_parent("tenants/default");
  request.set_token("tok_" + std::string(26, 'a'));
  EXPECT_EQ(vault_.Call("shop", "Unsubscribe", request).name(), "TOKEN_INVALID");
  request.set_token("none");
  EXPECT_EQ(vault_.Call("shop", "Unsubscribe", request).name(), "TOKEN_INVALID");
  v1::DeleteSubjectRequest erase;
  erase.set_name(hanako_);
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(Unsubscribe("shop", false), "NOT_FOUND");
  EXPECT_EQ(Unsubscribe("shop", true), "TOKEN_INVALID");
}

}  // namespace
}  // namespace piivault::vault
