// The service under the PriusPro policy as it ships: clauses of the operator's text, by number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/admin_service.pb.h"
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

class VaultPriusproTest : public testing::Test {
 protected:
  void SetUp() override {
    vault_.SetPolicy("default", ReadPolicy("priuspro.yaml"), ReadPolicy("priuspro.values.yaml"));
    for (const char* role : {"sales_office", "tech_support", "network_maintenance",
                             "customer_info_desk", "approver", "auditor"}) {
      PutStaff(role);
    }
  }

  // Somebody in a role, with what it asks for.
  void PutStaff(const std::string& role) {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row;
      row.set_name(role);
      row.set_kind(v1::PRINCIPAL_KIND_STAFF);
      row.set_person("ito");
      row.add_identities()->set_uri("spiffe://test/" + role);
      row.add_bindings()->set_role(role);
      row.mutable_bindings(0)->set_tenant("default");
      change.PutPrincipal(row);
    });
  }
  std::string Create(const std::string& purpose, std::map<std::string, std::string> fields) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type("pi");
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    request.mutable_usage()->set_purpose(purpose);
    const Result made = vault_.Call("sales_office", "CreateRecord", request);
    EXPECT_TRUE(made.ok()) << made.name();
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  Result Reveal(const std::string& caller, const std::string& purpose, const std::string& name,
                const std::string& field) {
    v1::RevealRecordRequest request;
    request.set_name(name);
    request.add_fields(field);
    request.mutable_usage()->set_purpose(purpose);
    request.mutable_usage()->set_ticket("T-1");
    return vault_.Call(caller, "RevealRecord", request);
  }

  VaultFixture vault_;
};

// 004-01: who is granted nothing gets nothing, and nothing of the eight types is anywhere in the
// clear.
TEST_F(VaultPriusproTest, AllEightTypesAreSealedAndNobodyWithoutAGrantHasThem) {
  const std::map<std::string, std::string> contact = {
      {"name", "Canary Hanako"},         {"birth_date", "1987-06-05"},
      {"address", "7-77-777 Canarycho"}, {"phone", "090-8765-4321"},
      {"fax", "03-8765-4399"},           {"email", "canary@kanariya.example.jp"},
  };
  const std::map<std::string, std::string> account = {{"bank_account_number", "7654321"},
                                                      {"bank_account_holder", "CANARY JIRO"}};
  const std::string customer = Create("A", contact);
  const std::string payer = Create("E", account);
  for (const auto& [fields, record, purpose] :
       {std::tuple(contact, customer, "A"), std::tuple(account, payer, "E")}) {
    for (const auto& [field, value] : fields) {
      const Result shown = Reveal("sales_office", purpose, record, field);
      ASSERT_TRUE(shown.ok()) << field << ": " << shown.name();
      EXPECT_EQ(shown.As<v1::RevealRecordResponse>().record().fields().at(field).value(), value);
      for (const char* nobody : {"approver", "auditor", "nobody", "stranger", "engineer"}) {
        for (const char* any : {"A", "B", "C", "D", "E", "F", "G", "H", "U", "R0", "A0"}) {
          EXPECT_FALSE(Reveal(nobody, any, record, field).ok()) << nobody << " " << field;
        }
      }
      for (const std::string& bytes : vault_.AllBytes()) {
        EXPECT_EQ(bytes.find(value), std::string::npos) << field;
      }
    }
  }
}

// 004-06: one altered bit of what is stored, and there is no answer but that it is damaged.
TEST_F(VaultPriusproTest, AnAlteredBitIsDataLossAndNeverAnotherValue) {
  const std::string customer = Create("A", {{"email", "canary@kanariya.example.jp"}});
  ASSERT_TRUE(Reveal("sales_office", "A", customer, "email").ok());
  for (const storage::Table table : {storage::Table::kRecord, storage::Table::kWrap}) {
    const auto rows = vault_.engine().Dump(table);
    ASSERT_EQ(rows.size(), 1u);
    const auto& [key, value] = rows.front();
    for (size_t i = 0; i < value.size(); ++i) {
      std::string altered = value;
      altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
      vault_.engine().Tamper({table, key}, altered);
      EXPECT_EQ(Reveal("sales_office", "A", customer, "email").name(), "DATA_LOSS") << i;
    }
    vault_.engine().Tamper({table, key}, value);
  }
  EXPECT_TRUE(Reveal("sales_office", "A", customer, "email").ok());
}

}  // namespace
}  // namespace piivault::vault
