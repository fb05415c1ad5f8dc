// What a caller may not see tells nothing, not even whether it is there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;

// A record of a type that `shop` may make and nothing else, under the caller's key 17.
void CreateMail(VaultFixture& vault) {
  v1::CreateRecordRequest mail = VaultFixture::NewCustomer({{"body", "Dear reader"}}, "17");
  mail.mutable_record()->set_type("mail");
  const Result made = vault.Call("shop", "CreateRecord", mail);
  ASSERT_TRUE(made.ok()) << made.name();
}

constexpr const char* kThere = "tenants/default/records/ref:mail:17";
constexpr const char* kAbsent = "tenants/default/records/ref:mail:18";

template <typename Request>
Result CallWithName(VaultFixture& vault, std::string_view method, Request request,
                    const char* name) {
  request.set_name(name);
  return vault.Call("shop", method, request);
}

// The same answer for both keys, and it is not about the record.
void ExpectSame(const Result& there, const Result& absent) {
  EXPECT_FALSE(there.ok());
  EXPECT_EQ(there.name(), absent.name());
  EXPECT_EQ(there.denied_fields, absent.denied_fields);
  EXPECT_NE(absent.name(), "NOT_FOUND");
  // Nor is the record in the entry: nobody looked.
  for (const auto& item : there.entry.items()) EXPECT_EQ(item.record_ref(), "");
}

TEST(VaultSilenceTest, KeysOfTypesThatAreNotGrantedAreNotLookedUp) {
  VaultFixture vault;
  CreateMail(vault);
  v1::RevealRecordRequest reveal;
  reveal.add_fields("name");
  *reveal.mutable_usage() = UsageFor("shop");
  ExpectSame(CallWithName(vault, "RevealRecord", reveal, kThere),
             CallWithName(vault, "RevealRecord", reveal, kAbsent));
  reveal.set_allow_partial(true);
  ExpectSame(CallWithName(vault, "RevealRecord", reveal, kThere),
             CallWithName(vault, "RevealRecord", reveal, kAbsent));
  const v1::GetRecordRequest get;
  ExpectSame(CallWithName(vault, "GetRecord", get, kThere),
             CallWithName(vault, "GetRecord", get, kAbsent));
  v1::UpdateRecordRequest update;
  (*update.mutable_fields())["name"] = "N";
  *update.mutable_usage() = UsageFor("shop");
  ExpectSame(CallWithName(vault, "UpdateRecord", update, kThere),
             CallWithName(vault, "UpdateRecord", update, kAbsent));
  v1::DeleteRecordRequest remove;
  *remove.mutable_usage() = UsageFor("shop");
  ExpectSame(CallWithName(vault, "DeleteRecord", remove, kThere),
             CallWithName(vault, "DeleteRecord", remove, kAbsent));
  // A type that the policy does not know is no record's.
  reveal.set_name("tenants/default/records/ref:letter:17");
  EXPECT_EQ(vault.Call("shop", "RevealRecord", reveal).name(), "TYPE_UNKNOWN");
}

TEST(VaultSilenceTest, BatchesSayTheSameOfEachSuchKey) {
  VaultFixture vault;
  CreateMail(vault);
  const std::string customer = vault.Create({{"name", "N"}}, "17").record().name();
  v1::BatchRevealRecordsRequest batch;
  batch.set_parent("tenants/default");
  batch.add_fields("name");
  *batch.mutable_usage() = UsageFor("shop");
  for (const char* name : {kThere, kAbsent}) batch.add_names(name);
  batch.add_names("tenants/default/records/ref:customer:17");
  batch.add_names("tenants/default/records/ref:customer:18");
  const Result revealed = vault.Call("shop", "BatchRevealRecords", batch);
  ASSERT_TRUE(revealed.ok()) << revealed.name();
  const auto& items = revealed.As<v1::BatchRevealRecordsResponse>().results();
  ASSERT_EQ(items.size(), 4);
  EXPECT_EQ(items[0].failure().SerializeAsString(), items[1].failure().SerializeAsString());
  EXPECT_NE(items[0].failure().reason(), "NOT_FOUND");
  EXPECT_EQ(items[2].record().name(), customer);
  EXPECT_EQ(items[3].failure().reason(), "NOT_FOUND");
  EXPECT_EQ(revealed.entry.decision(), storage::v1::DECISION_PARTIAL);
  ASSERT_EQ(revealed.entry.items_size(), 4);
  EXPECT_EQ(revealed.entry.items(0).SerializeAsString(),
            revealed.entry.items(1).SerializeAsString());

  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("name");
  *stream.mutable_usage() = UsageFor("shop");
  for (const std::string& name : batch.names()) stream.mutable_names()->add_names(name);
  const std::vector<Result> messages = vault.Stream("shop", "StreamRevealRecords", stream);
  ASSERT_EQ(messages.size(), 1u);
  ASSERT_TRUE(messages[0].ok()) << messages[0].name();
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().omitted(), 3);
  EXPECT_EQ(messages[0].As<v1::StreamRevealRecordsResponse>().records_size(), 1);
  ASSERT_EQ(messages[0].entry.items_size(), 4);
  EXPECT_EQ(messages[0].entry.items(0).SerializeAsString(),
            messages[0].entry.items(1).SerializeAsString());
}

TEST(VaultSilenceTest, AWriteTellsTheTokensOfWhatItWroteOnly) {
  VaultFixture vault;
  const v1::CreateRecordResponse created =
      vault.Create({{"name", "N"}, {"email", "n@example.jp"}, {"phone", "03-1234-5678"}}, "17");
  ASSERT_EQ(created.tokens_size(), 3);
  v1::UpdateRecordRequest update;
  update.set_name(created.record().name());
  (*update.mutable_fields())["email"] = "m@example.jp";
  update.add_clear_fields("name");
  *update.mutable_usage() = UsageFor("shop");
  const Result updated = vault.Call("shop", "UpdateRecord", update);
  ASSERT_TRUE(updated.ok()) << updated.name();
  const auto& tokens = updated.As<v1::UpdateRecordResponse>().tokens();
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens.at("email"), created.tokens().at("email"));

  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  *upsert.mutable_record() = VaultFixture::NewCustomer({{"phone", "03-1234-5679"}}, "17").record();
  *upsert.mutable_usage() = UsageFor("shop");
  const Result replaced = vault.Call("shop", "UpsertRecord", upsert);
  ASSERT_TRUE(replaced.ok()) << replaced.name();
  EXPECT_FALSE(replaced.As<v1::UpsertRecordResponse>().created());
  ASSERT_EQ(replaced.As<v1::UpsertRecordResponse>().tokens_size(), 1);
  EXPECT_EQ(replaced.As<v1::UpsertRecordResponse>().tokens().count("phone"), 1u);
}

}  // namespace
}  // namespace piivault::vault
