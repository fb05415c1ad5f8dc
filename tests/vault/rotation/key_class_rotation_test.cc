// Important fields through a whole vault: rotation, rows that were damaged, erasure.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/data_key_wrap.h"
#include "vault/records/erasure.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kPolicy = R"(policy: payees
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      account: {type: bank_account_number, index: true, key_class: important}
      note: free_text
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
grants:
  - {id: write, role: shop, may: [create, update, reveal, detokenize, lookup, search], fields: [customer.*], for: [order]}
  - {id: tidy, role: shop, may: [delete, delete_subject], types: [customer]}
)";
constexpr size_t kTwoKeysSize = 149;

using Result = VaultFixture::Result;

class KeyClassRotationTest : public testing::Test {
 protected:
  KeyClassRotationTest() {
    vault_.SetPolicy("default", kPolicy);
    vault_.BuildIndexes();
  }

  storage::TenantId Tenant() { return vault_.TenantNumber("default"); }
  storage::Key WrapOf(const std::string& record, uint64_t version = 1) {
    const RecordName name = *ParseRecordName(record);
    return storage::WrapKey(Tenant(), name.subject, name.record, version);
  }
  std::string ValueOf(const std::string& record, const std::string& field) {
    const Result result = vault_.Reveal("shop", record, {field});
    if (!result.ok()) return std::string(result.name());
    const auto& fields = result.As<v1::RevealRecordResponse>().record().fields();
    const auto found = fields.find(field);
    return found == fields.end() ? "absent" : found->second.value();
  }
  Result Update(const std::string& record, std::map<std::string, std::string> fields) {
    v1::UpdateRecordRequest update;
    update.set_name(record);
    for (const auto& [field, value] : fields) (*update.mutable_fields())[field] = value;
    *update.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "UpdateRecord", update);
  }
  std::string Find(const std::string& account) {
    return std::string(vault_.Lookup("shop", "account", account, {"name"}).name());
  }
  Result Erase(const std::string& record) {
    v1::DeleteSubjectRequest request;
    request.set_name(record.substr(0, record.find("/records/")));
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "DeleteSubject", request);
  }

  VaultFixture vault_;
};

TEST_F(KeyClassRotationTest, ValuesAndIndexesOfBothClassesMove) {
  const std::string both =
      vault_.Create({{"name", "Hanako"}, {"account", "0123456"}}).record().name();
  const std::string plain = vault_.Create({{"name", "Taro"}}).record().name();
  ASSERT_EQ(vault_.engine().Get(WrapOf(both))->size(), kTwoKeysSize);
  for (uint32_t epoch = 2; epoch < 4; ++epoch) {
    vault_.Rotate();
    vault_.ReWrapAll();
    EXPECT_TRUE(vault_.damaged.empty());
    for (const std::string& name : {both, plain}) {
      EXPECT_EQ(WrapEpoch(*vault_.engine().Get(WrapOf(name))).value(), epoch);
    }
    ASSERT_TRUE(vault_.rotation().Destroy(epoch - 1).ok());
    EXPECT_EQ(ValueOf(both, "account"), "0123456");
    EXPECT_EQ(ValueOf(both, "name"), "Hanako");
    EXPECT_EQ(ValueOf(plain, "name"), "Taro");
    EXPECT_EQ(Find("0123456"), "OK");
  }
}

TEST_F(KeyClassRotationTest, AWrapWhoseSecondKeyIsDamagedStaysAndKeepsItsEpoch) {
  const std::string name =
      vault_.Create({{"name", "Hanako"}, {"account", "0123456"}}).record().name();
  const storage::Key wrap = WrapOf(name);
  const std::string whole = *vault_.engine().Get(wrap);
  std::string damaged = whole;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  // The second one taken away, and the row passed off as one that never had it.
  std::string cut = whole.substr(0, 77);
  cut[0] = 1;
  EXPECT_EQ(ValueOf(name, "account"), "0123456");
  for (const std::string& row : {damaged, cut}) {
    vault_.engine().Tamper(wrap, row);
    EXPECT_EQ(ValueOf(name, "account"), "DATA_LOSS");
  }
  vault_.engine().Tamper(wrap, damaged);
  EXPECT_EQ(ValueOf(name, "name"), "Hanako");
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_FALSE(vault_.damaged.empty());
  EXPECT_TRUE(absl::IsFailedPrecondition(vault_.rotation().Destroy(1)));
  vault_.engine().Tamper(wrap, whole);
  EXPECT_EQ(ValueOf(name, "account"), "0123456");
}

TEST_F(KeyClassRotationTest, AnUpdateMakesBothKeysAnewAndDropsTheOldOnes) {
  const std::string name =
      vault_.Create({{"name", "Hanako"}, {"account", "0123456"}}).record().name();
  ASSERT_TRUE(Update(name, {{"note", "moved"}}).ok());
  EXPECT_FALSE(vault_.engine().Get(WrapOf(name, 1)).ok());
  EXPECT_EQ(vault_.engine().Get(WrapOf(name, 2))->size(), kTwoKeysSize);
  EXPECT_EQ(ValueOf(name, "account"), "0123456") << "carried over";
  ASSERT_TRUE(Update(name, {{"account", "7654321"}}).ok());
  EXPECT_EQ(ValueOf(name, "account"), "7654321");
  EXPECT_EQ(Find("7654321"), "OK");
  EXPECT_EQ(Find("0123456"), "NOT_FOUND");
}

TEST_F(KeyClassRotationTest, AnErasureLeavesNoKeyAndNoIndexOfEitherClass) {
  const size_t index_rows = vault_.engine().Dump(storage::Table::kIndex).size();
  const std::string name =
      vault_.Create({{"name", "Hanako"}, {"account", "0123456"}}).record().name();
  ASSERT_GT(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows);
  ASSERT_TRUE(Erase(name).ok());
  EXPECT_EQ(ValueOf(name, "account"), "NOT_FOUND");
  EXPECT_EQ(Find("0123456"), "NOT_FOUND");
  ErasureWorker worker = vault_.NewErasureWorker();
  while (true) {
    const auto more = worker.Step();
    ASSERT_TRUE(more.ok());
    if (!*more) break;
  }
  EXPECT_TRUE(vault_.engine().Dump(storage::Table::kWrap).empty());
  EXPECT_EQ(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows);
}

// A change of class takes hold value by value.
TEST_F(KeyClassRotationTest, AValueHasTheClassOfTheDayItWasWritten) {
  std::string normal_policy(kPolicy);
  const std::string important = ", key_class: important";
  normal_policy.erase(normal_policy.find(important), important.size());
  vault_.SetPolicy("default", normal_policy);
  const std::string name = vault_.Create({{"account", "0123456"}}).record().name();
  EXPECT_FALSE(HasImportantKey(*vault_.engine().Get(WrapOf(name))));

  vault_.SetPolicy("default", kPolicy);
  EXPECT_EQ(ValueOf(name, "account"), "0123456");
  EXPECT_EQ(Find("0123456"), "OK") << "under the index that it was written to";
  vault_.Rotate();
  vault_.ReWrapAll();
  EXPECT_EQ(Find("0123456"), "OK") << "and to which it was moved";
  ASSERT_TRUE(Update(name, {{"note", "moved"}}).ok());
  EXPECT_FALSE(HasImportantKey(*vault_.engine().Get(WrapOf(name, 2)))) << "carried over as it was";
  EXPECT_EQ(Find("0123456"), "OK");

  const size_t index_rows = vault_.engine().Dump(storage::Table::kIndex).size();
  ASSERT_TRUE(Update(name, {{"account", "0123456"}}).ok());
  EXPECT_TRUE(HasImportantKey(*vault_.engine().Get(WrapOf(name, 3))));
  EXPECT_EQ(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows)
      << "one row in the other's place";
  EXPECT_EQ(ValueOf(name, "account"), "0123456");
  EXPECT_EQ(Find("0123456"), "OK");

  vault_.SetPolicy("default", normal_policy);
  EXPECT_EQ(ValueOf(name, "account"), "0123456");
  ASSERT_TRUE(Update(name, {{"account", "7654321"}}).ok());
  EXPECT_FALSE(HasImportantKey(*vault_.engine().Get(WrapOf(name, 4))));
  EXPECT_EQ(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows);
  EXPECT_EQ(Find("7654321"), "OK");
  EXPECT_EQ(Find("0123456"), "NOT_FOUND");
}

}  // namespace
}  // namespace piivault::vault
