// The service under the Combzmail policy as it ships: clauses of the operator's text, by number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "piivault/v1/admin_service.pb.h"
#include "storage/commit_and_wait.h"
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

  Result SearchReaders(std::string_view caller, std::string_view value,
                       const std::string& tenant = "tenants/default") {
    v1::SearchRecordsRequest search;
    search.set_parent(tenant);
    search.set_type("reader");
    search.set_field("email");
    search.set_value(std::string(value));
    *search.mutable_usage() = UsageFor("publisher");
    return vault_.Call(caller, "SearchRecords", search);
  }
  // Commits what `change` makes of the state.
  void Put(const std::function<void(StateChange&)>& change) {
    StateChange made = vault_.store().NewChange(vault_.store().snapshot());
    change(made);
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now;
    made.MoveTo(commit.get());
    ASSERT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }
  // Whether any row of any table, entries among them, holds the text.
  bool AnywhereInBytes(const std::string& text) const {
    for (const std::string& bytes : vault_.AllBytes()) {
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  }
  size_t Records() { return vault_.engine().Dump(storage::Table::kRecord).size(); }

  VaultFixture vault_;
};

// 000-01: what is of no kind and no field of it is not stored.
TEST_F(VaultCombzmailTest, UnknownKindsAndFieldsLeaveNothing) {
  EXPECT_EQ(vault_
                .Call("intake", "CreateRecord",
                      New("intake", "reader", {{"email", "n@example.jp"}, {"shoe_size", "26"}}))
                .name(),
            "FIELD_UNKNOWN");
  EXPECT_EQ(
      vault_.Call("intake", "CreateRecord", New("intake", "member", {{"email", "n@e.jp"}})).name(),
      "TYPE_UNKNOWN");
  EXPECT_EQ(Records(), 0u);
}

// 000-03: what was erased is out of everybody's reach, also where its rows come back from a backup.
TEST_F(VaultCombzmailTest, ErasedReadersStayGoneWithTheirRowsPutBack) {
  const Result made = vault_.Call("intake", "CreateRecord",
                                  New("intake", "reader", {{"email", "gone@example.jp"}}));
  ASSERT_TRUE(made.ok()) << made.name();
  const auto& created = made.As<v1::CreateRecordResponse>();
  const std::string name = created.record().name();
  const auto rows = vault_.engine().Dump(storage::Table::kRecord);
  ASSERT_TRUE(vault_.Reveal("publisher", name, {"email"}).ok());
  v1::DeleteSubjectRequest erase;
  erase.set_name(name.substr(0, name.find("/records")));
  *erase.mutable_usage() = UsageFor("publisher");
  ASSERT_TRUE(vault_.Call("publisher", "DeleteSubject", erase).ok());
  EXPECT_TRUE(vault_.engine().Dump(storage::Table::kWrap).empty()) << "a key is left";
  for (const bool put_back : {false, true}) {
    if (put_back) {
      for (const auto& [key, value] : rows) {
        vault_.engine().Tamper({storage::Table::kRecord, key}, value);
      }
    }
    for (const char* caller : {"publisher", "intake", "mailer", "engineer"}) {
      EXPECT_FALSE(vault_.Reveal(caller, name, {"email"}).ok()) << caller;
    }
    const Result hits = SearchReaders("publisher", "gone@example.jp");
    ASSERT_TRUE(hits.ok()) << hits.name();
    EXPECT_EQ(hits.As<v1::SearchRecordsResponse>().records_size(), 0);
    const Result behind = vault_.Detokenize("intake", {created.tokens().at("email")});
    ASSERT_TRUE(behind.ok()) << behind.name();
    EXPECT_FALSE(behind.As<v1::DetokenizeResponse>().results(0).has_value());
  }
}

// 000-06: when an issue went out is as secret as what it says: nothing of it in any row or entry.
TEST_F(VaultCombzmailTest, TheTimeOfIssueIsNowhereInTheClear) {
  const std::string at = "2031-07-08T09:10:11Z";
  const std::string issue =
      Create("publisher", "campaign", {{"body", "Dear canary reader"}, {"issued_at", at}});
  ASSERT_TRUE(vault_.Reveal("publisher", issue, {"issued_at"}).ok());
  for (const char* caller : {"engineer", "mailer", "intake"}) {
    EXPECT_FALSE(vault_.Reveal(caller, issue, {"issued_at"}).ok()) << caller;
  }
  for (const std::string& text :
       {at, std::string("2031-07-08"), std::string("Dear canary reader"), std::string("canary")}) {
    EXPECT_FALSE(AnywhereInBytes(text)) << text;
  }
}

// 000-19, 000-20: two publishers hold the same address. Each finds its own record and no other,
// nothing of the two index rows is alike, and neither tokens nor names of one serve the other.
TEST_F(VaultCombzmailTest, TheSameAddressInTwoListsIsTwoSecrets) {
  vault_.SetPolicy("other", ReadPolicy("combzmail.yaml"), ReadPolicy("combzmail.values.yaml"));
  Put([](StateChange& change) {
    storage::v1::PrincipalRow row;
    row.set_name("rival");
    row.set_kind(v1::PRINCIPAL_KIND_TENANT);
    row.set_tenant("other");
    row.add_identities()->set_uri("spiffe://test/rival");
    row.add_bindings()->set_role("publisher");
    row.mutable_bindings(0)->set_tenant("other");
    change.PutPrincipal(row);
  });
  std::map<std::string, v1::CreateRecordResponse> records;
  for (const auto& [caller, tenant] :
       {std::pair("publisher", "tenants/default"), std::pair("rival", "tenants/other")}) {
    v1::CreateRecordRequest request = New("publisher", "reader", {{"email", "x@example.jp"}});
    request.set_parent(tenant);
    const Result made = vault_.Call(caller, "CreateRecord", request);
    ASSERT_TRUE(made.ok()) << made.name();
    records[caller] = made.As<v1::CreateRecordResponse>();
  }
  for (const auto& [caller, record] : records) {
    const bool rival = caller == "rival";
    const Result hits =
        SearchReaders(caller, "x@example.jp", rival ? "tenants/other" : "tenants/default");
    ASSERT_TRUE(hits.ok()) << hits.name();
    ASSERT_EQ(hits.As<v1::SearchRecordsResponse>().records_size(), 1);
    EXPECT_EQ(hits.As<v1::SearchRecordsResponse>().records(0).name(), record.record().name());
    EXPECT_EQ(
        SearchReaders(caller, "x@example.jp", rival ? "tenants/default" : "tenants/other").name(),
        "TENANT_MISMATCH");
  }
  EXPECT_EQ(vault_.Reveal("rival", records["publisher"].record().name(), {"email"}).name(),
            "TENANT_MISMATCH");
  const auto index_digests = [this](const std::string& tenant) {
    const storage::Key prefix = storage::BlindIndexPrefix(vault_.TenantNumber(tenant), 1);
    std::set<std::string> digests;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
      if (!key.starts_with(prefix.bytes)) continue;
      digests.insert(key.substr(prefix.bytes.size(), sizeof(storage::IndexDigest)));
    }
    return digests;
  };
  const std::set<std::string> rival = index_digests("other");
  EXPECT_EQ(rival.size(), 2u) << "address and domain";
  for (const std::string& digest : index_digests("default")) EXPECT_EQ(rival.count(digest), 0u);
  EXPECT_FALSE(AnywhereInBytes("x@example.jp")) << "an entry or a row holds what was looked for";
}

// 000-28: no card is taken down anywhere, in whatever disguise, and no trace of it stays.
TEST_F(VaultCombzmailTest, CardsAreRefusedInEveryFieldAndLeaveNoTrace) {
  const std::vector<std::string> cards = {"4111111111111111", "4111 1111 1111 1111",
                                          "4111-1111-1111-1111",
                                          "４１１１　１１１１　１１１１　１１１１",
                                          "カードは４１１１－１１１１－１１１１－１１１１です"};
  for (const std::string& card : cards) {
    for (const char* field : {"email", "name", "phone", "postal_code", "address", "attr"}) {
      // Too long for these two, which is refused before anybody looks for cards.
      if (card.size() > 32 && std::string_view(field).starts_with('p')) continue;
      EXPECT_EQ(
          vault_.Call("intake", "CreateRecord", New("intake", "reader", {{field, card}})).name(),
          "PROHIBITED_TYPE")
          << field << ": " << card;
    }
    EXPECT_EQ(
        vault_.Call("publisher", "CreateRecord", New("publisher", "campaign", {{"body", card}}))
            .name(),
        "PROHIBITED_TYPE");
    EXPECT_FALSE(AnywhereInBytes(card));
  }
  for (const char* labelled : {"有効期限 12/29", "CVV 123"}) {
    EXPECT_EQ(
        vault_.Call("intake", "CreateRecord", New("intake", "reader", {{"attr", labelled}})).name(),
        "PROHIBITED_TYPE")
        << labelled;
  }
  EXPECT_EQ(Records(), 0u);
}

// 000-30: nothing that could be a file goes in: neither its size nor its bytes.
TEST_F(VaultCombzmailTest, AttachmentsAreRefused) {
  const std::string image("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  const std::vector<std::pair<std::string, std::string>> files = {
      {"VALUE_TOO_LARGE", std::string(5'000'000, 'a')},
      {"VALUE_NOT_UTF8", image},
      {"VALUE_NOT_UTF8", std::string("a\0b", 3)}};
  for (const auto& [reason, file] : files) {
    const Result attr =
        vault_.Call("intake", "CreateRecord", New("intake", "reader", {{"attr", file}}));
    EXPECT_EQ(attr.name(), reason);
    const Result body =
        vault_.Call("publisher", "CreateRecord", New("publisher", "campaign", {{"body", file}}));
    EXPECT_EQ(body.name(), reason);
  }
  EXPECT_EQ(Records(), 0u);
}

// 000-25: a form without TLS where the publisher chose so, and where it shows.
TEST_F(VaultCombzmailTest, PlainFormsWhereThePublisherChoseSo) {
  v1::CreateRecordRequest request = New("intake", "reader", {{"email", "n@example.jp"}});
  request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_PLAIN);
  EXPECT_EQ(vault_.Call("intake", "CreateRecord", request).name(), "CHANNEL_NOT_ALLOWED");
  storage::v1::TenantRow tenant = vault_.store().snapshot()->FindTenant("default")->row;
  tenant.set_intake_plain_allowed(true);
  Put([&](StateChange& change) { change.PutTenant(tenant); });
  const Result made = vault_.Call("intake", "CreateRecord", request);
  ASSERT_TRUE(made.ok()) << made.name();
  EXPECT_EQ(made.As<v1::CreateRecordResponse>().record().provenance().front_hop(),
            v1::FRONT_HOP_PLAIN);
}

// 000-22: how data comes in; 000-23: addresses of old carriers are real.
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
  const Result hits = SearchReaders("publisher", "@example.jp");
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
