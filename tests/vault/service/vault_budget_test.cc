// What one message may take: records are loaded once and a few at a time, answers have a size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

// A record that is this many bytes and a few more on the wire.
v1::CreateRecordResponse CreateNote(VaultFixture& vault, size_t size) {
  return vault.Create({{"note", std::string(size, 'x')}});
}

v1::BatchRevealRecordsRequest RevealNotes(const std::string& name, int times) {
  v1::BatchRevealRecordsRequest request;
  request.set_parent("tenants/default");
  request.add_fields("note");
  *request.mutable_usage() = UsageFor("shop");
  for (int i = 0; i < times; ++i) request.add_names(name);
  return request;
}

v1::DetokenizeRequest DetokenizeAll(const std::vector<std::string>& tokens) {
  v1::DetokenizeRequest request;
  request.set_parent("tenants/default");
  *request.mutable_usage() = UsageFor("shop");
  for (const std::string& token : tokens) request.add_tokens(token);
  return request;
}

TEST(VaultBudgetTest, ARecordNamedOftenIsLoadedOnce) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = vault.Create({{"note", "N"}}, "1");
  v1::BatchRevealRecordsRequest reveal = RevealNotes(created.record().name(), 500);
  for (int i = 0; i < 500; ++i) reveal.add_names("tenants/default/records/ref:customer:1");
  VaultFixture::Open batch(vault, "shop", "BatchRevealRecords", reveal);
  EXPECT_LT(batch.Next().reads.size(), 30u);
  const Result revealed = batch.Commit();
  ASSERT_TRUE(revealed.ok()) << revealed.name();
  const auto& records = revealed.As<v1::BatchRevealRecordsResponse>().results();
  ASSERT_EQ(records.size(), 1000);
  for (int i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].name(), reveal.names(i));
    EXPECT_EQ(records[i].record().fields().at("note").value(), "N");
  }
  // The entry says how often each was shown.
  EXPECT_EQ(revealed.entry.items_size(), 1000);

  const std::string token = created.tokens().at("note");
  VaultFixture::Open tokens(vault, "shop", "Detokenize",
                            DetokenizeAll(std::vector<std::string>(1000, token)));
  EXPECT_LT(tokens.Next().reads.size(), 30u);
  const Result values = tokens.Commit();
  ASSERT_TRUE(values.ok()) << values.name();
  ASSERT_EQ(values.As<v1::DetokenizeResponse>().results_size(), 1000);
  for (const auto& result : values.As<v1::DetokenizeResponse>().results()) {
    EXPECT_EQ(result.token(), token);
    EXPECT_EQ(result.value().value(), "N");
  }
  EXPECT_EQ(values.entry.items_size(), 1000);
}

TEST(VaultBudgetTest, AnAnswerThatWouldBeTooLargeTellsNothing) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = CreateNote(vault, 16 << 10);
  const std::string& name = created.record().name();
  const std::string& token = created.tokens().at("note");
  EXPECT_EQ(vault.Call("shop", "BatchRevealRecords", RevealNotes(name, 500)).name(), "OK");
  EXPECT_EQ(vault.Detokenize("shop", std::vector<std::string>(500, token)).name(), "OK");
  const Result reveal = vault.Call("shop", "BatchRevealRecords", RevealNotes(name, 520));
  const Result detokenize = vault.Detokenize("shop", std::vector<std::string>(520, token));
  for (const Result* refused : {&reveal, &detokenize}) {
    EXPECT_EQ(refused->name(), "BATCH_TOO_LARGE");
    EXPECT_EQ(refused->response, nullptr);
    EXPECT_NE(refused->entry.decision(), storage::v1::DECISION_GRANTED);
    // Nothing was shown, and the entry does not say otherwise.
    EXPECT_EQ(refused->entry.items_size(), 0);
  }
}

// 64 records for each of so many phone numbers; their tokens.
std::vector<std::string> CreateShared(VaultFixture& vault, int numbers) {
  std::vector<std::string> tokens;
  for (int first = 0; first < numbers; first += 15) {
    v1::BatchCreateRecordsRequest batch;
    batch.set_parent("tenants/default");
    *batch.mutable_usage() = UsageFor("shop");
    for (int i = first; i < std::min(first + 15, numbers); ++i) {
      const std::string phone = "03-1234-" + std::to_string(5000 + i);
      for (int j = 0; j < 64; ++j) {
        *batch.add_records() = VaultFixture::NewCustomer({{"phone", phone}}).record();
      }
    }
    const Result made = vault.Call("shop", "BatchCreateRecords", batch);
    EXPECT_TRUE(made.ok()) << made.name();
    const auto& results = made.As<v1::BatchCreateRecordsResponse>().results();
    for (int i = 0; i < results.size(); i += 64) tokens.push_back(results[i].tokens().at("phone"));
  }
  return tokens;
}

TEST(VaultBudgetTest, TokensOfManyRecordsAreLimitedTogether) {
  VaultFixture vault;
  std::vector<std::string> tokens = CreateShared(vault, 63);
  ASSERT_EQ(std::set<std::string>(tokens.begin(), tokens.end()).size(), 63u);
  const Result refused = vault.Detokenize("shop", tokens);
  EXPECT_EQ(refused.name(), "BATCH_TOO_LARGE");
  // A stream takes fewer at a time, and comes to the end.
  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("phone");
  *stream.mutable_usage() = UsageFor("shop");
  for (const std::string& token : tokens) stream.mutable_tokens()->add_tokens(token);
  VaultFixture::Open call(vault, "shop", "StreamRevealRecords", stream);
  std::vector<std::string> phones;
  do {
    EXPECT_LT(call.Next().reads.size(), 3u * 4000);
    const Result message = call.Commit();
    ASSERT_TRUE(message.ok()) << message.name();
    for (const auto& record : message.As<v1::StreamRevealRecordsResponse>().records()) {
      phones.push_back(record.fields().at("phone").value());
    }
  } while (call.HasMore());
  ASSERT_EQ(phones.size(), 63u);
  for (int i = 0; i < 63; ++i) {
    EXPECT_EQ(phones[static_cast<size_t>(i)], "03-1234-" + std::to_string(5000 + i));
  }
  tokens.resize(62);
  EXPECT_EQ(vault.Detokenize("shop", tokens).name(), "OK");
}

TEST(VaultBudgetTest, StreamsLoadLittleMoreThanTheySend) {
  VaultFixture vault;
  std::set<std::string> names;
  v1::StreamRevealRecordsRequest by_name;
  by_name.set_parent("tenants/default");
  by_name.add_fields("note");
  *by_name.mutable_usage() = UsageFor("shop");
  v1::StreamRevealRecordsRequest by_token = by_name;
  v1::StreamRevealRecordsRequest by_type = by_name;
  by_type.mutable_selector()->set_type("customer");
  for (int i = 0; i < 300; ++i) {
    const v1::CreateRecordResponse created = CreateNote(vault, 16 << 10);
    names.insert(created.record().name());
    by_name.mutable_names()->add_names(created.record().name());
    by_token.mutable_tokens()->add_tokens(created.tokens().at("note"));
  }
  for (const v1::StreamRevealRecordsRequest& request : {by_name, by_token, by_type}) {
    VaultFixture::Open call(vault, "shop", "StreamRevealRecords", request);
    std::multiset<std::string> streamed;
    do {
      // A megabyte is 64 of them; three or four cells each.
      EXPECT_LT(call.Next().reads.size(), 4u * 150) << request.source_case();
      const Result message = call.Commit();
      ASSERT_TRUE(message.ok()) << message.name();
      EXPECT_LT(message.response->ByteSizeLong(), (size_t{1} << 20) + (32 << 10));
      for (const auto& record : message.As<v1::StreamRevealRecordsResponse>().records()) {
        streamed.insert(record.name());
      }
    } while (call.HasMore());
    EXPECT_EQ(streamed, std::multiset<std::string>(names.begin(), names.end()))
        << request.source_case();
  }
}

}  // namespace
}  // namespace piivault::vault
