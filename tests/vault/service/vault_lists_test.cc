// Many at a time: tokens, batches, pages, streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/tokens.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;

const std::map<std::string, std::string> kHanako = {{"name", "山田 花子"},
                                                    {"email", "Hanako.Yamada@Example.jp"},
                                                    {"phone", "０９０-1234-5678"},
                                                    {"note", "likes tea"}};

std::string SubjectOf(const std::string& record) {
  return record.substr(0, record.find("/records/"));
}

TEST(VaultTokenizeTest, StoresSingleValuesAndGivesThemBack) {
  VaultFixture vault;
  v1::TokenizeRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  request.set_field("phone");
  request.add_items()->set_value("090-1111-2222");
  request.add_items()->set_value("not a number");
  request.add_items()->set_value("090 1111 2222");
  *request.mutable_usage() = UsageFor("shop");
  const Result made = vault.Call("shop", "Tokenize", request);
  ASSERT_TRUE(made.ok()) << made.name();
  const auto& results = made.As<v1::TokenizeResponse>().results();
  EXPECT_EQ(results[1].failure().reason(), "VALUE_INVALID");
  // Deterministic: equal values, equal tokens, for a set of records.
  EXPECT_EQ(results[0].token(), results[2].token());
  EXPECT_NE(results[0].name(), results[2].name());
  EXPECT_TRUE(ParseToken(results[0].token()).has_value());
  EXPECT_EQ(made.entry.decision(), storage::v1::DECISION_PARTIAL);

  // The set shrinks with its records, and the token lives as long as one is there.
  v1::DeleteRecordRequest remove;
  remove.set_name(results[0].name());
  *remove.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault.Call("shop", "DeleteRecord", remove).ok());
  Result token = vault.Detokenize("shop", {results[0].token()});
  EXPECT_EQ(token.As<v1::DetokenizeResponse>().results(0).value().value(), "090 1111 2222");
  remove.set_name(results[2].name());
  ASSERT_TRUE(vault.Call("shop", "DeleteRecord", remove).ok());
  token = vault.Detokenize("shop", {results[0].token()});
  EXPECT_EQ(token.As<v1::DetokenizeResponse>().results(0).failure().reason(), "TOKEN_INVALID");
}

TEST(VaultTokenTest, OfAnotherTenantIsAnUnknownOne) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = vault.Create(kHanako, "17");
  const Result result =
      vault.Detokenize("other-shop", {created.tokens().at("email"), created.tokens().at("phone"),
                                      FormatToken(IdOf(9)), "tok_nonsense"});
  ASSERT_TRUE(result.ok()) << result.name();
  for (const auto& item : result.As<v1::DetokenizeResponse>().results()) {
    EXPECT_EQ(item.failure().reason(), "TOKEN_INVALID");
  }
  // A name of one tenant, put under the other.
  std::string name = created.record().name();
  name.replace(0, std::string("tenants/default").size(), "tenants/other");
  EXPECT_EQ(vault.Reveal("other-shop", name, {"email"}).name(), "NOT_FOUND");
  EXPECT_EQ(vault.Reveal("other-shop", "tenants/other/records/ref:customer:17", {"email"}).name(),
            "NOT_FOUND");
  // A tenant's own principal hears the same of tenants that are there and that are not.
  EXPECT_EQ(vault.Reveal("other-owner", created.record().name(), {"email"}).name(),
            "TENANT_MISMATCH");
  EXPECT_EQ(
      vault.Reveal("other-owner", MakeRecordName("unheard-of", IdOf(1), IdOf(2)), {"email"}).name(),
      "TENANT_MISMATCH");
}

TEST(VaultBatchTest, CreatesEachWhollyOrNotAtAll) {
  VaultFixture vault;
  v1::BatchCreateRecordsRequest request;
  request.set_parent("tenants/default");
  *request.mutable_usage() = UsageFor("shop");
  const auto add = [&](std::map<std::string, std::string> fields, const char* ref) {
    *request.add_records() = VaultFixture::NewCustomer(std::move(fields), ref).record();
  };
  add({{"email", "a@example.jp"}, {"name", "A"}}, "1");
  add({{"email", "A@EXAMPLE.jp"}, {"name", "twice"}}, "2");
  add({{"email", "b@example.jp"}, {"name", "same ref"}}, "1");
  add({{"email", "c@example.jp"}, {"shoe_size", "40"}}, "3");
  add({{"email", "a..b.@docomo.example"}, {"name", "flagged"}}, "4");
  add({{"email", "d@example.jp"}, {"note", "card 4111 1111 1111 1111"}}, "5");
  const Result made = vault.Call("shop", "BatchCreateRecords", request);
  ASSERT_TRUE(made.ok()) << made.name();
  const auto& results = made.As<v1::BatchCreateRecordsResponse>().results();
  ASSERT_EQ(results.size(), 6);
  EXPECT_NE(results[0].name(), "");
  EXPECT_EQ(results[0].ref(), "1");
  EXPECT_EQ(results[0].tokens_size(), 2);
  EXPECT_EQ(results[1].failure().reason(), "ALREADY_EXISTS");
  EXPECT_THAT(results[1].failure().fields(), ElementsAre("email"));
  EXPECT_EQ(results[2].failure().reason(), "ALREADY_EXISTS");
  EXPECT_EQ(results[3].failure().reason(), "FIELD_UNKNOWN");
  EXPECT_THAT(results[4].flagged_fields(), ElementsAre("email"));
  EXPECT_EQ(results[5].failure().reason(), "PROHIBITED_TYPE");
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 2u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 2u);
  EXPECT_EQ(made.entry.decision(), storage::v1::DECISION_PARTIAL);
  EXPECT_EQ(made.entry.items_size(), 6);
  EXPECT_EQ(made.retained.items_size(), 2);

  v1::BatchRevealRecordsRequest reveal;
  reveal.set_parent("tenants/default");
  *reveal.mutable_usage() = UsageFor("shop");
  reveal.add_names(results[0].name());
  reveal.add_names("tenants/default/records/ref:customer:4");
  reveal.add_names(MakeRecordName("default", IdOf(1), IdOf(2)));
  reveal.add_names(MakeRecordName("other", IdOf(1), IdOf(2)));
  reveal.add_names("nonsense");
  reveal.add_fields("email");
  const Result revealed = vault.Call("shop", "BatchRevealRecords", reveal);
  ASSERT_TRUE(revealed.ok()) << revealed.name();
  const auto& items = revealed.As<v1::BatchRevealRecordsResponse>().results();
  EXPECT_EQ(items[0].record().fields().at("email").value(), "a@example.jp");
  EXPECT_EQ(items[1].record().fields().at("email").value(), "a..b.@docomo.example");
  EXPECT_EQ(items[2].failure().reason(), "NOT_FOUND");
  EXPECT_EQ(items[3].failure().reason(), "NOT_FOUND");
  EXPECT_EQ(items[4].failure().reason(), "MALFORMED_REQUEST");
}

TEST(VaultBatchTest, SeveralRecordsOfOnePersonCountItsVersions) {
  VaultFixture vault;
  const std::string first = vault.Create({{"email", "x@example.jp"}}).record().name();
  v1::BatchCreateRecordsRequest request;
  request.set_parent("tenants/default");
  *request.mutable_usage() = UsageFor("shop");
  for (const char* email : {"y@example.jp", "z@example.jp"}) {
    *request.add_records() = VaultFixture::NewCustomer({{"email", email}}).record();
    request.mutable_records(request.records_size() - 1)->set_subject(SubjectOf(first));
  }
  *request.add_records() = VaultFixture::NewCustomer({{"email", "w@example.jp"}}).record();
  request.mutable_records(2)->set_subject(MakeSubjectName("default", IdOf(7)));
  const Result made = vault.Call("shop", "BatchCreateRecords", request);
  ASSERT_TRUE(made.ok()) << made.name();
  EXPECT_EQ(made.As<v1::BatchCreateRecordsResponse>().results(2).failure().reason(), "NOT_FOUND");
  v1::GetSubjectRequest get;
  get.set_name(SubjectOf(first));
  const Result subject = vault.Call("shop", "GetSubject", get);
  ASSERT_TRUE(subject.ok()) << subject.name();
  EXPECT_EQ(subject.As<v1::GetSubjectResponse>().records_size(), 3);
}

TEST(VaultBatchTest, WhoeverMayStoreNothingIsRefusedAsAWhole) {
  VaultFixture vault;
  v1::BatchCreateRecordsRequest request;
  request.set_parent("tenants/default");
  *request.add_records() = VaultFixture::NewCustomer(kHanako).record();
  *request.mutable_usage() = UsageFor("helper");
  const Result refused = vault.Call("helper", "BatchCreateRecords", request);
  EXPECT_EQ(refused.name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(refused.entry.decision(), storage::v1::DECISION_DENIED);
}

TEST(VaultListTest, PagesOfATypeForTheCallerAlone) {
  VaultFixture vault;
  std::set<std::string> made;
  for (int i = 0; i < 7; ++i) {
    made.insert(vault.Create({{"email", "p" + std::to_string(i) + "@example.jp"}}).record().name());
  }
  v1::ListRecordsRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  request.set_page_size(3);
  std::set<std::string> seen;
  std::string token;
  int pages = 0;
  do {
    request.set_page_token(token);
    const Result page = vault.Call("shop", "ListRecords", request);
    ASSERT_TRUE(page.ok()) << page.name();
    for (const auto& record : page.As<v1::ListRecordsResponse>().records()) {
      EXPECT_TRUE(seen.insert(record.name()).second);
      EXPECT_EQ(record.type(), "customer");
    }
    token = page.As<v1::ListRecordsResponse>().next_page_token();
    if (++pages == 1) {
      // Somebody else's token, another tenant's, another query's, an altered one.
      v1::ListRecordsRequest stolen = request;
      stolen.set_page_token(token);
      stolen.set_parent("tenants/other");
      EXPECT_EQ(vault.Call("other-shop", "ListRecords", stolen).name(), "PAGE_TOKEN_INVALID");
      stolen.set_parent("tenants/default");
      stolen.set_page_token(token.substr(0, token.size() - 2) + "xx");
      EXPECT_EQ(vault.Call("shop", "ListRecords", stolen).name(), "PAGE_TOKEN_INVALID");
    }
  } while (!token.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(seen, made);
  // A full last page has no next one.
  request.set_page_token("");
  request.set_page_size(7);
  EXPECT_EQ(
      vault.Call("shop", "ListRecords", request).As<v1::ListRecordsResponse>().next_page_token(),
      "");
  request.set_page_size(1001);
  EXPECT_EQ(vault.Call("shop", "ListRecords", request).name(), "BATCH_TOO_LARGE");
  request.set_type("nothing");
  EXPECT_EQ(vault.Call("shop", "ListRecords", request).name(), "TYPE_UNKNOWN");
}

TEST(VaultStreamTest, LeavesOutWhatMayNotBeUsed) {
  VaultFixture vault;
  const v1::CreateRecordResponse first = vault.Create({{"email", "1@example.jp"}});
  const v1::CreateRecordResponse second = vault.Create({{"email", "2@example.jp"}});
  v1::StreamRevealRecordsRequest request;
  request.set_parent("tenants/default");
  request.add_fields("email");
  *request.mutable_usage() = UsageFor("shop");
  request.mutable_names()->add_names(first.record().name());
  request.mutable_names()->add_names(MakeRecordName("default", IdOf(1), IdOf(2)));
  request.mutable_names()->add_names(second.record().name());
  std::vector<Result> messages = vault.Stream("shop", "StreamRevealRecords", request);
  ASSERT_EQ(messages.size(), 1u);
  ASSERT_TRUE(messages[0].ok()) << messages[0].name();
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().records_size(), 2);
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().omitted(), 1);

  request.mutable_tokens()->add_tokens(second.tokens().at("email"));
  request.mutable_tokens()->add_tokens("tok_nonsense");
  messages = vault.Stream("shop", "StreamRevealRecords", request);
  ASSERT_TRUE(messages[0].ok()) << messages[0].name();
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().records(0).name(),
            second.record().name());
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().omitted(), 1);

  request.mutable_selector()->set_type("customer");
  messages = vault.Stream("shop", "StreamRevealRecords", request);
  ASSERT_TRUE(messages[0].ok()) << messages[0].name();
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().records_size(), 2);
  // A reveal alone does not open the whole type.
  *request.mutable_usage() = UsageFor("engineer");
  messages = vault.Stream("engineer", "StreamRevealRecords", request);
  EXPECT_EQ(messages[0].name(), "OPERATION_NOT_GRANTED");
}

TEST(VaultStreamTest, EachMessageIsDecidedAnewWithItsOwnEntry) {
  VaultFixture vault;
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent("tenants/default");
  *batch.mutable_usage() = UsageFor("shop");
  for (int i = 0; i < 600; ++i) {
    *batch.add_records() =
        VaultFixture::NewCustomer({{"email", std::to_string(i) + "@example.jp"}}).record();
  }
  ASSERT_TRUE(vault.Call("shop", "BatchCreateRecords", batch).ok());
  for (int i = 0; i < 600; ++i) {
    batch.mutable_records(i)->mutable_fields()->at("email") = std::to_string(i) + "@2.example.jp";
  }
  ASSERT_TRUE(vault.Call("shop", "BatchCreateRecords", batch).ok());
  v1::DownloadRecordsRequest request;
  request.set_parent("tenants/default");
  request.set_type("customer");
  *request.mutable_usage() = UsageFor("owner");
  const uint64_t before = vault.engine().LogEnd().index;
  const std::vector<Result> messages = vault.Stream("owner", "DownloadRecords", request);
  ASSERT_EQ(messages.size(), 2u);
  int records = 0;
  for (const Result& message : messages) {
    ASSERT_TRUE(message.ok()) << message.name();
    records += message.As<v1::DownloadRecordsResponse>().records_size();
    EXPECT_LE(message.entry.items_size(), 1000);
  }
  EXPECT_EQ(records, 1200);
  EXPECT_EQ(vault.engine().LogEnd().index, before + 2);

  // A change of what the first message rested on does not reach the second one's decision; time
  // that passes does.
  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("email");
  *stream.mutable_usage() = UsageFor("engineer");
  v1::ListRecordsRequest list;
  list.set_parent("tenants/default");
  list.set_type("customer");
  list.set_page_size(1000);
  const Result page = vault.Call("shop", "ListRecords", list);
  for (const auto& record : page.As<v1::ListRecordsResponse>().records()) {
    stream.mutable_names()->add_names(record.name());
    stream.mutable_names()->add_names(record.name());
  }
  // The whole list, each item once, in the order of the request.
  std::vector<std::string> streamed;
  for (const Result& message : vault.Stream("engineer", "StreamRevealRecords", stream)) {
    ASSERT_TRUE(message.ok()) << message.name();
    for (const auto& record : message.As<v1::StreamRevealRecordsResponse>().records()) {
      streamed.push_back(record.name());
    }
  }
  EXPECT_TRUE(std::equal(streamed.begin(), streamed.end(), stream.names().names().begin(),
                         stream.names().names().end()));
  VaultFixture::Open call(vault, "engineer", "StreamRevealRecords", stream);
  call.Next();
  EXPECT_TRUE(call.Commit().ok());
  ASSERT_TRUE(call.HasMore());
  vault.now += absl::Hours(24 * 61);
  call.Next();
  EXPECT_EQ(call.Commit().name(), "NDA_EXPIRED");
}

}  // namespace
}  // namespace piivault::vault
