// RevealRecordHistory: what fields held before, as the policy grants it, until it is erased.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/vault/service/people_testing.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kPolicy = R"(policy: history
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, history: all}
      email: {type: email_address, history: 2, token: deterministic, index: true}
      title: {type: job_title, history: all}
      note: free_text
purposes:
  order: {label: {en: Orders}}
  support: {label: {en: Support}}
  own_list: {label: {en: The tenant's own}}
roles:
  shop: {kind: service}
  helper: {kind: staff, nda: none}
  intake: {kind: service}
  owner: {kind: tenant}
grants:
  - {id: shop-write, role: shop, may: [create, update], fields: [customer.*], for: [order]}
  - {id: shop-read, role: shop, may: [reveal, detokenize, stop_use], fields: [customer.*], for: [order]}
  - {id: shop-before, role: shop, may: [reveal_history], fields: [customer.*], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject], types: [customer]}
  - {id: helper-hint, role: helper, may: [reveal_history], fields: [customer.email], for: [support], view: masked}
  - {id: owner-before, role: owner, may: [reveal_history], fields: [customer.name], for: [own_list]}
  - {id: intake, role: intake, may: [create, reveal], fields: [customer.*], for: [order]}
)";

class HistoryTest : public testing::Test {
 protected:
  HistoryTest() {
    vault_.SetPolicy("default", kPolicy);
    record_ = vault_
                  .Create({{"name", "山田 花子"},
                           {"email", "a@example.jp"},
                           {"title", "部長"},
                           {"note", "x"}})
                  .record()
                  .name();
  }

  Result Update(const std::map<std::string, std::string>& fields,
                const std::vector<std::string>& clear = {}) {
    vault_.now += absl::Minutes(1);
    v1::UpdateRecordRequest request;
    request.set_name(record_);
    request.mutable_fields()->insert(fields.begin(), fields.end());
    request.mutable_clear_fields()->Assign(clear.begin(), clear.end());
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "UpdateRecord", request);
  }
  Result History(std::string_view principal, const std::vector<std::string>& fields,
                 bool allow_partial = false) {
    v1::RevealRecordHistoryRequest request;
    request.set_name(record_);
    request.mutable_fields()->Assign(fields.begin(), fields.end());
    *request.mutable_usage() = UsageFor(principal);
    request.set_allow_partial(allow_partial);
    return vault_.Call(principal, "RevealRecordHistory", request);
  }
  // "field=value", in the answer's order.
  static std::vector<std::string> Values(const Result& result) {
    std::vector<std::string> values;
    if (!result.ok()) return {std::string(result.name())};
    for (const auto& earlier : result.As<v1::RevealRecordHistoryResponse>().values()) {
      values.push_back(earlier.field() + "=" + earlier.value().value());
    }
    return values;
  }

  PeopleVault vault_;
  std::string record_;
};

TEST_F(HistoryTest, HasAllThatWasReplacedAndNotWhatIs) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  ASSERT_TRUE(Update({{"name", "佐藤 花子"}, {"title", "課長"}}).ok());
  const Result result = History("shop", {"title", "name"});
  EXPECT_THAT(Values(result), ElementsAre("title=部長", "name=山田 花子", "name=鈴木 花子"));
  const auto& response = result.As<v1::RevealRecordHistoryResponse>();
  EXPECT_EQ(response.name(), record_);
  EXPECT_EQ(response.type(), "customer");
  EXPECT_EQ(response.version(), 3u);
  const v1::EarlierValue& second = response.values(2);
  EXPECT_EQ(second.first_version(), 2u);
  EXPECT_EQ(second.last_version(), 2u);
  EXPECT_EQ(second.set_time().seconds(), absl::ToUnixSeconds(vault_.now - absl::Minutes(1)));
  EXPECT_EQ(second.replace_time().seconds(), absl::ToUnixSeconds(vault_.now));
  EXPECT_EQ(second.replaced_by(), "principals/shop");
  EXPECT_EQ(second.value().view(), v1::VIEW_PLAIN);
}

TEST_F(HistoryTest, WhoOfTheStaffItWasIsNotForThoseWhoseDataItIs) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  const Result result = History("owner", {"name"});
  ASSERT_THAT(Values(result), ElementsAre("name=山田 花子"));
  EXPECT_EQ(result.As<v1::RevealRecordHistoryResponse>().values(0).replaced_by(), "");
}

TEST_F(HistoryTest, TheEntrySaysHowManyOfEachFieldAndNoValue) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  ASSERT_TRUE(Update({{"name", "佐藤 花子"}}).ok());
  const Result result = History("shop", {"title", "name"});
  ASSERT_EQ(result.entry.items_size(), 1);
  const storage::v1::EntryItem& item = result.entry.items(0);
  EXPECT_THAT(item.fields(), ElementsAre("customer.title", "customer.name"));
  EXPECT_THAT(item.earlier_values(), ElementsAre(0u, 2u));
  EXPECT_THAT(item.grants(), ElementsAre("shop-before"));
  EXPECT_EQ(item.version(), 3u);
  EXPECT_EQ(result.entry.purpose(), "order");
  for (const std::string& bytes : vault_.AllBytes()) {
    EXPECT_THAT(bytes, Not(HasSubstr("山田")));
    EXPECT_THAT(bytes, Not(HasSubstr("鈴木")));
  }
}

TEST_F(HistoryTest, IsRefusedAsARevealIs) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}, {"email", "b@example.jp"}}).ok());
  EXPECT_EQ(History("shop", {"note"}).name(), "FIELD_WITHOUT_HISTORY");
  EXPECT_EQ(History("shop", {"name", "note"}).name(), "FIELD_WITHOUT_HISTORY");
  EXPECT_EQ(History("shop", {"other"}).name(), "FIELD_UNKNOWN");
  EXPECT_EQ(History("shop", {}).name(), "FIELD_MISSING");
  EXPECT_EQ(History("intake", {"name"}).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(History("helper", {"name"}).name(), "FIELD_NOT_GRANTED");
  EXPECT_EQ(History("nobody", {"name"}).name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(History("other-shop", {"name"}).name(), "TENANT_MISMATCH");
}

TEST_F(HistoryTest, PartOfItWhereTheCallerSaysSo) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  const Result result = History("shop", {"note", "name"}, true);
  EXPECT_THAT(Values(result), ElementsAre("name=山田 花子"));
  const auto& response = result.As<v1::RevealRecordHistoryResponse>();
  ASSERT_EQ(response.denied_size(), 1);
  EXPECT_EQ(response.denied(0).reason(), "FIELD_WITHOUT_HISTORY");
  EXPECT_THAT(response.denied(0).fields(), ElementsAre("note"));
  EXPECT_EQ(result.entry.decision(), storage::v1::DECISION_PARTIAL);
  EXPECT_THAT(result.entry.items(0).denied_fields(), ElementsAre("customer.note"));
}

TEST_F(HistoryTest, MasksAsTheGrantSays) {
  ASSERT_TRUE(Update({{"email", "bcd@example.jp"}}).ok());
  const Result result = History("helper", {"email"});
  EXPECT_THAT(Values(result), ElementsAre("email=***@example.jp"));
  EXPECT_EQ(result.As<v1::RevealRecordHistoryResponse>().values(0).value().view(), v1::VIEW_MASKED);
}

TEST_F(HistoryTest, AStopReachesWhatWas) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  ASSERT_TRUE(vault_.Stop("shop", PeopleVault::PersonOf(record_), "customer.name").ok());
  EXPECT_EQ(History("shop", {"name"}).name(), "USE_STOPPED");
  EXPECT_TRUE(History("shop", {"title"}).ok());
}

TEST_F(HistoryTest, TokensOfEarlierValuesAreDead) {
  v1::DetokenizeRequest own;
  own.set_parent("tenants/default");
  *own.mutable_usage() = UsageFor("shop");
  const Result updated = Update({{"email", "d@example.jp"}});
  own.add_tokens(updated.As<v1::UpdateRecordResponse>().tokens().at("email"));
  EXPECT_EQ(vault_.Call("shop", "Detokenize", own)
                .As<v1::DetokenizeResponse>()
                .results(0)
                .value()
                .value(),
            "d@example.jp");
  ASSERT_TRUE(Update({{"email", "e@example.jp"}}).ok());
  EXPECT_THAT(Values(History("shop", {"email"})),
              ElementsAre("email=a@example.jp", "email=d@example.jp"));
  const Result dead = vault_.Call("shop", "Detokenize", own);
  EXPECT_EQ(dead.As<v1::DetokenizeResponse>().results(0).failure().reason(), "TOKEN_INVALID");
}

TEST_F(HistoryTest, AClearedItemHasNone) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  ASSERT_TRUE(Update({}, {"name"}).ok());
  EXPECT_THAT(Values(History("shop", {"name"})), IsEmpty());
}

TEST_F(HistoryTest, ComesAlongToANewEpoch) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}, {"email", "b@example.jp"}}).ok());
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_THAT(vault_.damaged, IsEmpty());
  EXPECT_THAT(Values(History("shop", {"name", "email"})),
              ElementsAre("name=山田 花子", "email=a@example.jp"));
}

TEST_F(HistoryTest, NoneDecryptsAfterAnErasure) {
  ASSERT_TRUE(Update({{"name", "鈴木 花子"}}).ok());
  v1::DeleteSubjectRequest erase;
  erase.set_name(PeopleVault::PersonOf(record_));
  *erase.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(History("shop", {"name"}).name(), "NOT_FOUND");
  ErasureWorker worker = vault_.NewErasureWorker();
  while (worker.Step().value()) {
  }
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kWrap), IsEmpty());
  EXPECT_THAT(vault_.engine().Dump(storage::Table::kRecord), IsEmpty());
}

TEST_F(HistoryTest, ARefusedWriteSaysWhichFieldIsFull) {
  const std::string large(60'000, 'x');
  // A name is short; many of them fill the record all the same.
  vault_.SetPolicy("default", [] {
    std::string yaml(kPolicy);
    const size_t at = yaml.find("note: free_text");
    return yaml.replace(at, 15, "note: {type: free_text, max: 65536, history: all}");
  }());
  int written = 0;
  Result result;
  while ((result = Update({{"note", large + std::to_string(written)}})).ok()) ++written;
  EXPECT_EQ(result.name(), "HISTORY_FULL");
  EXPECT_THAT(result.denied_fields, ElementsAre("customer.note"));
  EXPECT_EQ(written, 1 + (1 << 20) / 60'002);
}

}  // namespace
}  // namespace piivault::vault
