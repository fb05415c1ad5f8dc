// The service under the Combzmail policy as it ships: clauses of the operator's text, by number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

std::string ReadPolicy(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class VaultCombzmailTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_.SetPolicy("default", ReadPolicy("combzmail.yaml"), ReadPolicy("combzmail.values.yaml"));
  }

  v1::CreateRecordRequest New(std::string_view principal, std::string_view type,
                              std::map<std::string, std::string> fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type(std::string(type));
    request.mutable_record()->mutable_provenance()->set_channel("form");
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    *request.mutable_usage() = UsageFor(principal);
    return request;
  }
  std::string Create(std::string_view principal, std::string_view type,
                     std::map<std::string, std::string> fields) {
    const Result made =
        vault_.Call(principal, "CreateRecord", New(principal, type, std::move(fields)));
    EXPECT_TRUE(made.ok()) << made.name();
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }

  VaultFixture vault_;
};

// 000-22, 000-25: how data comes in; 000-23: addresses of old carriers are real.
TEST_F(VaultCombzmailTest, ReadersComeInOverTls) {
  v1::CreateRecordRequest request =
      New("intake", "reader", {{"email", "a..b.@docomo.example"}, {"gender", "F"}});
  request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_PLAIN);
  EXPECT_EQ(vault_.Call("intake", "CreateRecord", request).name(), "CHANNEL_NOT_ALLOWED");
  request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
  const Result made = vault_.Call("intake", "CreateRecord", request);
  ASSERT_TRUE(made.ok()) << made.name();
  const auto& record = made.As<v1::CreateRecordResponse>().record();
  EXPECT_THAT(record.flagged_fields(), testing::ElementsAre("email"));
  EXPECT_EQ(record.provenance().front_hop(), v1::FRONT_HOP_TLS);
  EXPECT_EQ(record.provenance().channel(), "form");
}

// 000-18, 000-19: the publisher's own list, at any time.
TEST_F(VaultCombzmailTest, PublisherDownloadsAndSearchesItsOwnList) {
  Create("intake", "reader", {{"email", "one@example.jp"}, {"name", "一"}});
  Create("intake", "reader", {{"email", "two@example.jp"}, {"name", "二"}});
  v1::DownloadRecordsRequest download;
  download.set_parent("tenants/default");
  download.set_type("reader");
  *download.mutable_usage() = UsageFor("publisher");
  const std::vector<Result> messages = vault_.Stream("publisher", "DownloadRecords", download);
  ASSERT_EQ(messages.size(), 1u);
  ASSERT_TRUE(messages[0].ok()) << messages[0].name();
  EXPECT_EQ(messages[0].As<v1::DownloadRecordsResponse>().records_size(), 2);
  v1::SearchRecordsRequest search;
  search.set_parent("tenants/default");
  search.set_type("reader");
  search.set_field("email");
  search.set_value("@example.jp");
  *search.mutable_usage() = UsageFor("publisher");
  const Result hits = vault_.Call("publisher", "SearchRecords", search);
  ASSERT_TRUE(hits.ok()) << hits.name();
  EXPECT_EQ(hits.As<v1::SearchRecordsResponse>().records_size(), 2);
  // 000-12: engineers take no lists out.
  *download.mutable_usage() = UsageFor("engineer");
  EXPECT_EQ(vault_.Stream("engineer", "DownloadRecords", download)[0].name(),
            "OPERATION_NOT_GRANTED");
}

// 000-23: who sends gets the list for sending, and what it names alone.
TEST_F(VaultCombzmailTest, MailerStreamsTheListForSending) {
  Create("intake", "reader", {{"email", "one@example.jp"}, {"attr", "x"}});
  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.mutable_selector()->set_type("reader");
  stream.add_fields("email");
  *stream.mutable_usage() = UsageFor("mailer");
  const std::vector<Result> messages = vault_.Stream("mailer", "StreamRevealRecords", stream);
  const Result& message = messages.front();
  ASSERT_TRUE(message.ok()) << message.name();
  EXPECT_EQ(message.As<v1::StreamRevealRecordsResponse>().records_size(), 1);
  stream.add_fields("attr");
  EXPECT_FALSE(vault_.Stream("mailer", "StreamRevealRecords", stream)[0].ok());
}

// 000-05: secrecy of communications; 000-31: the submission address leaves never; 000-11, 000-14:
// user information for technical staff with NDA.
TEST_F(VaultCombzmailTest, WhatWhoMaySee) {
  const std::string issue = Create("publisher", "campaign", {{"body", "Dear reader"}});
  EXPECT_TRUE(vault_.Reveal("publisher", issue, {"body"}).ok());
  EXPECT_EQ(vault_.Reveal("engineer", issue, {"body"}).name(), "COMM_SECRET");
  const std::string access =
      Create("publisher", "publisher", {{"submission_address", "in-9x7@example.jp"}});
  EXPECT_EQ(vault_.Reveal("publisher", access, {"submission_address"}).name(), "READ_NEVER");
  v1::CreateRecordRequest request = New("intake", "user", {{"name", "利用 太郎"}});
  request.mutable_usage()->set_purpose("service_admin");
  const Result user = vault_.Call("intake", "CreateRecord", request);
  ASSERT_TRUE(user.ok()) << user.name();
  const std::string name = user.As<v1::CreateRecordResponse>().record().name();
  EXPECT_TRUE(vault_.Reveal("engineer", name, {"name"}).ok());
  EXPECT_EQ(vault_.Reveal("late", name, {"name"}).name(), "NDA_EXPIRED");
  EXPECT_EQ(vault_.Reveal("outsider", name, {"name"}).name(), "OUTSOURCING_FORBIDDEN");
  EXPECT_EQ(vault_.Reveal("publisher", name, {"name"}).name(), "FIELD_NOT_GRANTED");
}

}  // namespace
}  // namespace piivault::vault
