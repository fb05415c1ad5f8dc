// What becomes of a record: made, found, revealed, changed, deleted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/service/vault_fixture.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using authz::Reason;
using testing::ElementsAre;

const std::map<std::string, std::string> kHanako = {{"name", "山田 花子"},
                                                    {"email", "Hanako.Yamada@Example.jp"},
                                                    {"phone", "０９０-1234-5678"},
                                                    {"birth_date", "1990-02-03"},
                                                    {"note", "likes tea"}};

std::string ValueOf(const Result& result, const std::string& field) {
  const auto& fields = result.As<v1::RevealRecordResponse>().record().fields();
  const auto found = fields.find(field);
  return found == fields.end() ? "(absent)" : found->second.value();
}

TEST(VaultCreateTest, ComesBackExactlyAsGiven) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = vault.Create(kHanako, "17");
  EXPECT_EQ(created.record().version(), 1u);
  EXPECT_EQ(created.record().type(), "customer");
  EXPECT_EQ(created.record().fields_size(), 5);
  EXPECT_EQ(created.tokens_size(), 5);
  const Result revealed = vault.Reveal("shop", created.record().name(),
                                       {"name", "email", "phone", "birth_date", "note"});
  ASSERT_TRUE(revealed.ok()) << revealed.name();
  for (const auto& [field, value] : kHanako) EXPECT_EQ(ValueOf(revealed, field), value);
  EXPECT_EQ(revealed.entry.decision(), storage::v1::DECISION_GRANTED);
  EXPECT_EQ(revealed.entry.principal(), "principals/shop");
  EXPECT_EQ(revealed.entry.purpose(), "order");
  ASSERT_EQ(revealed.entry.items_size(), 1);
  EXPECT_THAT(revealed.entry.items(0).grants(), ElementsAre("shop-read"));
  EXPECT_EQ(revealed.entry.items(0).fields_size(), 5);
  EXPECT_EQ(revealed.entry.items(0).subject_ref().size(), 16u);
  EXPECT_EQ(revealed.entry.items(0).record_ref().size(), 16u);
  EXPECT_EQ(revealed.entry.items(0).version(), 1u);
  EXPECT_EQ(vault.Reveal("shop", "tenants/default/records/ref:customer:17", {"name"}).name(), "OK");
}

TEST(VaultCreateTest, RetainsTheChainOfDigests) {
  VaultFixture vault;
  const Result made = vault.Call("shop", "CreateRecord", VaultFixture::NewCustomer(kHanako));
  ASSERT_TRUE(made.ok()) << made.name();
  ASSERT_EQ(made.retained.items_size(), 1);
  EXPECT_EQ(made.retained.items(0).digest().size(), 32u);
  EXPECT_EQ(made.retained.items(0).previous_digest(), "");
  v1::UpdateRecordRequest update;
  update.set_name(made.As<v1::CreateRecordResponse>().record().name());
  (*update.mutable_fields())["note"] = "likes coffee";
  *update.mutable_usage() = UsageFor("shop");
  const Result changed = vault.Call("shop", "UpdateRecord", update);
  ASSERT_TRUE(changed.ok()) << changed.name();
  EXPECT_EQ(changed.retained.items(0).version(), 2u);
  EXPECT_EQ(changed.retained.items(0).previous_digest(), made.retained.items(0).digest());
  v1::DeleteRecordRequest remove;
  remove.set_name(update.name());
  *remove.mutable_usage() = UsageFor("shop");
  const Result removed = vault.Call("shop", "DeleteRecord", remove);
  ASSERT_TRUE(removed.ok()) << removed.name();
  EXPECT_EQ(removed.retained.items(0).version(), 0u);
  EXPECT_EQ(removed.retained.items(0).digest(), "");
  EXPECT_EQ(removed.retained.items(0).previous_digest(), changed.retained.items(0).digest());
}

TEST(VaultFindTest, EverySpellingThatNormalisesAlikeFinds) {
  VaultFixture vault;
  const std::string name = vault.Create(kHanako).record().name();
  for (const char* spelling : {"hanako.yamada@example.jp", "ＨＡＮＡＫＯ.yamada@example.jp"}) {
    const Result found = vault.Lookup("shop", "email", spelling, {"name"});
    ASSERT_TRUE(found.ok()) << found.name();
    const auto& record = found.As<v1::LookupRecordResponse>().record();
    EXPECT_EQ(record.name(), name);
    EXPECT_EQ(record.fields().at("name").value(), "山田 花子");
  }
  for (const char* spelling : {"09012345678", "+81 90 1234 5678"}) {
    const Result hits = vault.Search("shop", "phone", spelling);
    ASSERT_TRUE(hits.ok()) << hits.name();
    ASSERT_EQ(hits.As<v1::SearchRecordsResponse>().records_size(), 1);
  }
  EXPECT_EQ(
      vault.Search("shop", "email", "@example.jp").As<v1::SearchRecordsResponse>().records_size(),
      1);
  EXPECT_EQ(vault.Lookup("shop", "email", "other@example.jp", {"name"}).name(), "NOT_FOUND");
}

TEST(VaultFindTest, SeveralHitsAreAmbiguous) {
  VaultFixture vault;
  vault.Create({{"name", "佐藤"}, {"email", "a@example.jp"}});
  vault.Create({{"name", "佐藤"}, {"email", "b@example.jp"}});
  EXPECT_EQ(vault.Lookup("shop", "name", "佐藤", {"email"}).name(), "AMBIGUOUS");
  EXPECT_EQ(vault.Search("shop", "name", "佐藤").As<v1::SearchRecordsResponse>().records_size(), 2);
}

TEST(VaultRevealTest, ViewsAreAsTheGrantSays) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = vault.Create(kHanako);
  const Result seen =
      vault.Reveal("helper", created.record().name(), {"name", "phone", "birth_date", "email"});
  ASSERT_TRUE(seen.ok()) << seen.name();
  const auto& fields = seen.As<v1::RevealRecordResponse>().record().fields();
  EXPECT_EQ(fields.at("name").view(), v1::VIEW_PLAIN);
  EXPECT_EQ(fields.at("phone").view(), v1::VIEW_MASKED);
  EXPECT_NE(fields.at("phone").value(), kHanako.at("phone"));
  EXPECT_EQ(fields.at("birth_date").value(), "35");
  EXPECT_EQ(fields.at("email").view(), v1::VIEW_TOKEN);
  EXPECT_EQ(fields.at("email").value(), created.tokens().at("email"));
}

TEST(VaultRevealTest, DenialNamesFieldsAndPartialAnswersForEach) {
  VaultFixture vault;
  const std::string name = vault.Create(kHanako).record().name();
  const Result refused = vault.Reveal("helper", name, {"name", "note"});
  EXPECT_EQ(refused.name(), "FIELD_NOT_GRANTED");
  EXPECT_THAT(refused.denied_fields, ElementsAre("customer.note"));
  EXPECT_EQ(refused.entry.decision(), storage::v1::DECISION_DENIED);
  EXPECT_THAT(refused.entry.items(0).denied_fields(), ElementsAre("customer.note"));

  const Result partial = vault.Reveal("helper", name, {"name", "note"}, true);
  ASSERT_TRUE(partial.ok()) << partial.name();
  const auto& record = partial.As<v1::RevealRecordResponse>().record();
  EXPECT_EQ(record.fields().at("name").value(), "山田 花子");
  ASSERT_EQ(record.denied_size(), 1);
  EXPECT_EQ(record.denied(0).reason(), "FIELD_NOT_GRANTED");
  EXPECT_THAT(record.denied(0).fields(), ElementsAre("note"));
  EXPECT_EQ(partial.entry.decision(), storage::v1::DECISION_PARTIAL);
}

TEST(VaultRevealTest, NdaDecides) {
  VaultFixture vault;
  const std::string name = vault.Create(kHanako).record().name();
  const Result served = vault.Reveal("engineer", name, {"email"});
  EXPECT_TRUE(served.ok()) << served.name();
  EXPECT_NE(served.entry.attestation(), "");
  EXPECT_EQ(served.entry.role(), "engineer");
  EXPECT_EQ(vault.Reveal("late", name, {"email"}).name(), "NDA_EXPIRED");
  EXPECT_EQ(vault.Reveal("outsider", name, {"email"}).name(), "OUTSOURCING_FORBIDDEN");
  EXPECT_EQ(vault.Reveal("stranger", name, {"email"}).name(), "PRINCIPAL_UNKNOWN");
  // An instant after its last the NDA does not count.
  vault.now += absl::Hours(24 * 61);
  EXPECT_EQ(vault.Reveal("engineer", name, {"email"}).name(), "NDA_EXPIRED");
}

TEST(VaultRevealTest, SecretsAndCommunicationsStayIn) {
  VaultFixture vault;
  const std::string name =
      vault.Create({{"email", "s@example.jp"}, {"secret", "s3cr3t@example.jp"}}).record().name();
  EXPECT_EQ(vault.Reveal("owner", name, {"secret"}).name(), "READ_NEVER");
  v1::CreateRecordRequest mail = VaultFixture::NewCustomer({{"body", "Dear reader"}});
  mail.mutable_record()->set_type("mail");
  const Result made = vault.Call("shop", "CreateRecord", mail);
  ASSERT_TRUE(made.ok()) << made.name();
  const std::string body = made.As<v1::CreateRecordResponse>().record().name();
  EXPECT_TRUE(vault.Reveal("owner", body, {"body"}).ok());
  EXPECT_EQ(vault.Reveal("engineer", body, {"body"}).name(), "COMM_SECRET");
}

TEST(VaultRevealTest, AbsenceTellsAStrangerNothing) {
  VaultFixture vault;
  const std::string name = vault.Create(kHanako).record().name();
  const std::string absent = MakeRecordName("default", IdOf(1), IdOf(2));
  for (const char* caller : {"late", "outsider", "nobody", "other-owner", "other-shop"}) {
    const Result real = vault.Reveal(caller, name, {"email"});
    const Result none = vault.Reveal(caller, absent, {"email"});
    EXPECT_FALSE(real.ok()) << caller;
    EXPECT_EQ(real.reason, none.reason) << caller;
    EXPECT_NE(none.reason, Reason::kNotFound) << caller;
  }
  EXPECT_EQ(vault.Reveal("shop", absent, {"email"}).name(), "NOT_FOUND");
}

TEST(VaultUpdateTest, KeepsTokensDropsTheOldWrapAndOldIndex) {
  VaultFixture vault;
  const v1::CreateRecordResponse created = vault.Create(kHanako);
  const std::string name = created.record().name();
  ASSERT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 1u);
  const auto old_wrap = vault.engine().Dump(storage::Table::kWrap).front();

  v1::UpdateRecordRequest request;
  request.set_name(name);
  (*request.mutable_fields())["email"] = "new@example.jp";
  (*request.mutable_fields())["phone"] = "03-1234-5678";
  request.add_clear_fields("note");
  *request.mutable_usage() = UsageFor("shop");
  request.set_etag(created.record().etag());
  const Result updated = vault.Call("shop", "UpdateRecord", request);
  ASSERT_TRUE(updated.ok()) << updated.name();
  const auto& response = updated.As<v1::UpdateRecordResponse>();
  EXPECT_EQ(response.record().version(), 2u);
  EXPECT_EQ(response.record().fields_size(), 4);
  EXPECT_NE(response.record().etag(), created.record().etag());

  const auto wraps = vault.engine().Dump(storage::Table::kWrap);
  ASSERT_EQ(wraps.size(), 1u);
  EXPECT_NE(wraps.front().first, old_wrap.first);

  // The random token survives, the deterministic one changed with the value, the cleared one died.
  EXPECT_EQ(response.tokens().at("email"), created.tokens().at("email"));
  EXPECT_NE(response.tokens().at("phone"), created.tokens().at("phone"));
  const Result tokens =
      vault.Detokenize("shop", {created.tokens().at("email"), created.tokens().at("phone"),
                                created.tokens().at("note"), response.tokens().at("phone")});
  ASSERT_TRUE(tokens.ok()) << tokens.name();
  const auto& results = tokens.As<v1::DetokenizeResponse>().results();
  EXPECT_EQ(results[0].value().value(), "new@example.jp");
  EXPECT_EQ(results[1].failure().reason(), "TOKEN_INVALID");
  EXPECT_EQ(results[2].failure().reason(), "TOKEN_INVALID");
  EXPECT_EQ(results[3].value().value(), "03-1234-5678");
  EXPECT_EQ(results[3].field(), "customer.phone");

  EXPECT_EQ(vault.Lookup("shop", "email", kHanako.at("email"), {}).name(), "NOT_FOUND");
  EXPECT_EQ(vault.Lookup("shop", "email", "NEW@example.jp", {}).name(), "OK");
  EXPECT_EQ(vault.Search("shop", "name", "山田花子").As<v1::SearchRecordsResponse>().records_size(),
            1);
  const Result revealed = vault.Reveal("shop", name, {"name", "note", "email"});
  EXPECT_EQ(ValueOf(revealed, "name"), "山田 花子");
  EXPECT_EQ(ValueOf(revealed, "note"), "(absent)");

  // The same etag again is stale.
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", request).name(), "ETAG_MISMATCH");
}

TEST(VaultUpdateTest, UnchangedUniqueValueIsNotInItsOwnWay) {
  VaultFixture vault;
  const std::string name = vault.Create(kHanako).record().name();
  v1::UpdateRecordRequest request;
  request.set_name(name);
  (*request.mutable_fields())["email"] = "HANAKO.yamada@example.jp";
  *request.mutable_usage() = UsageFor("shop");
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", request).name(), "OK");
  EXPECT_EQ(vault.Lookup("shop", "email", "hanako.yamada@example.jp", {}).name(), "OK");
  vault.Create({{"email", "taken@example.jp"}});
  (*request.mutable_fields())["email"] = "taken@example.jp";
  const Result taken = vault.Call("shop", "UpdateRecord", request);
  EXPECT_EQ(taken.name(), "ALREADY_EXISTS");
  EXPECT_THAT(taken.denied_fields, ElementsAre("customer.email"));
}

TEST(VaultUpsertTest, MakesThenReplaces) {
  VaultFixture vault;
  v1::UpsertRecordRequest request;
  request.set_parent("tenants/default");
  *request.mutable_record() = VaultFixture::NewCustomer(kHanako, "key-1").record();
  *request.mutable_usage() = UsageFor("shop");
  const Result first = vault.Call("shop", "UpsertRecord", request);
  ASSERT_TRUE(first.ok()) << first.name();
  EXPECT_TRUE(first.As<v1::UpsertRecordResponse>().created());
  request.mutable_record()->mutable_fields()->erase("note");
  (*request.mutable_record()->mutable_fields())["name"] = "山田 華子";
  const Result second = vault.Call("shop", "UpsertRecord", request);
  ASSERT_TRUE(second.ok()) << second.name();
  const auto& response = second.As<v1::UpsertRecordResponse>();
  EXPECT_FALSE(response.created());
  EXPECT_EQ(response.record().version(), 2u);
  EXPECT_EQ(response.record().name(), first.As<v1::UpsertRecordResponse>().record().name());
  const Result revealed = vault.Reveal("shop", response.record().name(), {"name", "note"});
  EXPECT_EQ(ValueOf(revealed, "name"), "山田 華子");
  EXPECT_EQ(ValueOf(revealed, "note"), "(absent)");
  request.mutable_record()->clear_ref();
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", request).name(), "MALFORMED_REQUEST");
}

TEST(VaultDeleteTest, LeavesNoRowBehind) {
  VaultFixture vault;
  const v1::CreateRecordResponse kept = vault.Create({{"email", "kept@example.jp"}});
  const size_t index_rows = vault.engine().Dump(storage::Table::kIndex).size();
  const v1::CreateRecordResponse created = vault.Create(kHanako, "17");
  v1::DeleteRecordRequest request;
  request.set_name(created.record().name());
  *request.mutable_usage() = UsageFor("shop");
  request.set_etag("stale");
  EXPECT_EQ(vault.Call("shop", "DeleteRecord", request).name(), "ETAG_MISMATCH");
  request.set_etag(created.record().etag());
  const Result deleted = vault.Call("shop", "DeleteRecord", request);
  ASSERT_TRUE(deleted.ok()) << deleted.name();
  EXPECT_EQ(vault.engine().Dump(storage::Table::kRecord).size(), 1u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kWrap).size(), 1u);
  EXPECT_EQ(vault.engine().Dump(storage::Table::kIndex).size(), index_rows);
  EXPECT_EQ(vault.Reveal("shop", created.record().name(), {"name"}).name(), "NOT_FOUND");
  EXPECT_EQ(vault.Reveal("shop", "tenants/default/records/ref:customer:17", {"name"}).name(),
            "NOT_FOUND");
  const Result token = vault.Detokenize("shop", {created.tokens().at("email")});
  EXPECT_EQ(token.As<v1::DetokenizeResponse>().results(0).failure().reason(), "TOKEN_INVALID");
  // Value and ref are free again.
  vault.Create(kHanako, "17");
}

}  // namespace
}  // namespace piivault::vault
