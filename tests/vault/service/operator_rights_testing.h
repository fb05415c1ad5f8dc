// Calls by people and staff under the operators' policies as they ship.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_OPERATOR_RIGHTS_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_OPERATOR_RIGHTS_TESTING_H_

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/vault/service/rights_testing.h"

namespace piivault::vault {

inline std::string ReadPolicy(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class OperatorRightsTest : public RightsTestBase {
 protected:
  void UsePolicy(const std::string& stem) {
    vault_.SetPolicy("default", ReadPolicy(stem + ".yaml"), ReadPolicy(stem + ".values.yaml"));
    vault_.BuildIndexes();
  }
  // A record with these values, of a person whom it is about or of a new one; its name.
  std::string Create(std::string_view caller, std::string_view purpose, std::string_view type,
                     std::string_view channel, std::map<std::string, std::string> fields,
                     const std::string& person = "") {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields));
    request.mutable_record()->set_type(std::string(type));
    request.mutable_record()->set_subject(person);
    request.mutable_record()->mutable_provenance()->set_channel(std::string(channel));
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    *request.mutable_usage() = Use(caller, person);
    request.mutable_usage()->set_purpose(std::string(purpose));
    const Result made = vault_.Call(caller, "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK") << type;
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  std::string Clear(std::string_view caller, const std::string& record,
                    const std::vector<std::string>& fields) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    for (const std::string& field : fields) request.add_clear_fields(field);
    *request.mutable_usage() = Use(caller, PersonOf(record));
    request.mutable_provenance()->set_channel("web");
    request.mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    return std::string(vault_.Call(caller, "UpdateRecord", request).name());
  }
  Result Read(std::string_view caller, const std::string& record, const std::string& field,
              const std::string& purpose) {
    v1::RevealRecordRequest request;
    request.set_name(record);
    request.add_fields(field);
    *request.mutable_usage() = Use(caller, PersonOf(record));
    request.mutable_usage()->set_purpose(purpose);
    return vault_.Call(caller, "RevealRecord", request);
  }
  std::string Reveal(std::string_view caller, const std::string& record, const std::string& field,
                     const std::string& purpose = "R0") {
    return std::string(Read(caller, record, field, purpose).name());
  }
  // Empty where there is none.
  std::string Value(std::string_view caller, const std::string& record, const std::string& field,
                    const std::string& purpose = "R0") {
    const Result result = Read(caller, record, field, purpose);
    EXPECT_EQ(result.name(), "OK");
    const auto& fields = result.As<v1::RevealRecordResponse>().record().fields();
    return fields.contains(field) ? fields.at(field).value() : "";
  }
  std::string Stop(std::string_view caller, const std::string& person, const std::string& fields) {
    v1::StopUseRequest request;
    request.set_subject(person);
    request.mutable_stop()->set_fields(fields);
    *request.mutable_usage() = Use(caller, person);
    return std::string(vault_.Call(caller, "StopUse", request).name());
  }
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_OPERATOR_RIGHTS_TESTING_H_
