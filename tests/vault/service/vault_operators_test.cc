// The service under the policies of SNS Helper and BIGLOBE as they ship: clauses of the operators'
// texts about what is on disk, by number.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "tests/vault/service/vault_damage_fixture.h"
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

class VaultOperatorsTest : public VaultDamageTest {
 protected:
  Result Create(std::string_view principal, std::string_view purpose, std::string_view type,
                std::string_view channel, std::map<std::string, std::string> fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type(std::string(type));
    request.mutable_record()->mutable_provenance()->set_channel(std::string(channel));
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    request.mutable_usage()->set_purpose(std::string(purpose));
    return vault_.Call(principal, "CreateRecord", request);
  }
  Result Reveal(std::string_view principal, std::string_view purpose, const std::string& name,
                const std::string& field) {
    v1::RevealRecordRequest request;
    request.set_name(name);
    request.add_fields(field);
    request.mutable_usage()->set_purpose(std::string(purpose));
    return vault_.Call(principal, "RevealRecord", request);
  }
  // Whether any row of any table, entries among them, holds the text.
  bool AnywhereInBytes(const std::string& text) const {
    for (const std::string& bytes : vault_.AllBytes()) {
      if (bytes.find(text) != std::string::npos) return true;
    }
    return false;
  }
  void UseSnsHelper() {
    vault_.SetPolicy("default", ReadPolicy("sns-helper.yaml"),
                     ReadPolicy("sns-helper.values.yaml"));
  }
};

// 001-07: what is collected on its own is personal data: no address of a connection is in the
// clear.
TEST_F(VaultOperatorsTest, AddressesOfConnectionsAreNowhereInTheClear) {
  UseSnsHelper();
  const std::map<std::string, std::string> fields = {{"ip", "198.51.100.217"},
                                                     {"used_at", "2031-07-08T09:10:11Z"},
                                                     {"usage_record", "viewed-goods-4711"}};
  const Result made = Create("shop", "M2", "auto", "auto", fields);
  ASSERT_TRUE(made.ok()) << made.name();
  for (const auto& [field, value] : fields) EXPECT_FALSE(AnywhereInBytes(value)) << field;
}

// 003-43: a page is kept encrypted, and what its address asks for is in no entry either.
TEST_F(VaultOperatorsTest, PagesVisitedAreNowhereInTheClear) {
  std::string values = ReadPolicy("biglobe.values.yaml");
  const std::string refuse = "unknown_age: refuse";
  values.replace(values.find(refuse), refuse.size(), "unknown_age: allow");
  vault_.SetPolicy("default", ReadPolicy("biglobe.yaml"), values);
  const Result made =
      Create("intake", "B1", "browse", "cookie",
             {{"page", "https://www.example.jp/find?word=himitsu-no-kotoba&member=7f3a9c21"}});
  ASSERT_TRUE(made.ok()) << made.name();
  for (const char* part : {"himitsu-no-kotoba", "7f3a9c21", "www.example.jp"}) {
    EXPECT_FALSE(AnywhereInBytes(part)) << part;
  }
}

// 001-50, 003-07: one altered bit of anything that a value rests on is noticed, never answered with
// a value, and what was there, put back, is whole again.
TEST_F(VaultOperatorsTest, EveryAlteredBitIsNoticed) {
  UseSnsHelper();
  const Result made = Create("shop", "M1", "member", "web", {{"email", "member@example.jp"}});
  ASSERT_TRUE(made.ok()) << made.name();
  const std::string name = made.As<v1::CreateRecordResponse>().record().name();
  for (const storage::Key& key : {RowOf(name), WrapOf(name), SubjectRowOf(name)}) {
    const std::string whole = *vault_.engine().Get(key);
    for (size_t i = 0; i < whole.size(); ++i) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      vault_.engine().Tamper(key, damaged);
      const Result shown = Reveal("shop", "M3", name, "email");
      ASSERT_EQ(shown.name(), "DATA_LOSS") << i;
      ASSERT_EQ(shown.response, nullptr);
    }
    vault_.engine().Tamper(key, whole);
    const Result shown = Reveal("shop", "M3", name, "email");
    ASSERT_TRUE(shown.ok()) << shown.name();
    EXPECT_EQ(shown.As<v1::RevealRecordResponse>().record().fields().at("email").value(),
              "member@example.jp");
  }
}

// 001-50: nor does one person's value come out where its rows were put in another's place.
TEST_F(VaultOperatorsTest, SwappedRowsAreNoticed) {
  UseSnsHelper();
  const Result a = Create("shop", "M1", "member", "web", {{"email", "a@example.jp"}});
  const Result b = Create("shop", "M1", "member", "web", {{"email", "b@example.jp"}});
  ASSERT_TRUE(a.ok() && b.ok());
  const std::string name_a = a.As<v1::CreateRecordResponse>().record().name();
  const std::string name_b = b.As<v1::CreateRecordResponse>().record().name();
  for (const bool with_wrap : {false, true}) {
    const std::string row = *vault_.engine().Get(RowOf(name_a));
    vault_.engine().Tamper(RowOf(name_a), *vault_.engine().Get(RowOf(name_b)));
    vault_.engine().Tamper(RowOf(name_b), row);
    if (with_wrap) {
      vault_.engine().Tamper(WrapOf(name_a), *vault_.engine().Get(WrapOf(name_b)));
    }
    for (const std::string& name : {name_a, name_b}) {
      EXPECT_EQ(Reveal("shop", "M3", name, "email").name(), "DATA_LOSS");
    }
    vault_.engine().Tamper(RowOf(name_b), *vault_.engine().Get(RowOf(name_a)));
    vault_.engine().Tamper(RowOf(name_a), row);
  }
}

}  // namespace
}  // namespace piivault::vault
