// The operators' policies as they ship, loaded as an administrator loads them.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "tests/vault/service/admin_testing.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using AdminOperatorsTest = AdminTest;

std::string ReadPolicy(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// None promises what the vault does not keep: such a policy would be refused.
TEST_F(AdminOperatorsTest, PoliciesAreAccepted) {
  for (const char* name : {"biglobe", "combzmail", "sns-helper"}) {
    piivault::v1::CreatePolicyRequest request;
    request.set_yaml(ReadPolicy(std::string(name) + ".yaml"));
    request.set_values_yaml(ReadPolicy(std::string(name) + ".values.yaml"));
    const auto loaded = Call<piivault::v1::CreatePolicyResponse>("aoki", "CreatePolicy", request);
    EXPECT_EQ(loaded.reason, Reason::kOk) << name;
    request.clear_values_yaml();
    EXPECT_EQ(Call<piivault::v1::CreatePolicyResponse>("aoki", "CreatePolicy", request).reason,
              Reason::kPolicyInvalid)
        << name << " without what its text leaves open";
  }
}

}  // namespace
}  // namespace piivault::vault
