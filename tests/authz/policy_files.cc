#include "tests/authz/policy_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace piivault::authz {

std::string ReadFile(const std::string& path) {
  std::ifstream in(std::string(PIIVAULT_SOURCE_DIR) + "/" + path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

PolicyText ReadPolicy(const std::string& stem) {
  PolicyText text;
  text.name = stem + ".yaml";
  text.values_name = stem + ".values.yaml";
  text.yaml = ReadFile(text.name);
  text.values_yaml = ReadFile(text.values_name);
  return text;
}

std::vector<std::string> ShippedPolicies() {
  return {"ops/policies/biglobe",  "ops/policies/combzmail",  "ops/policies/corezo",
          "ops/policies/priuspro", "ops/policies/sns-helper", "ops/policies/starter"};
}

std::string TestName(const std::string& stem) {
  std::string name = stem.substr(stem.rfind('/') + 1);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::shared_ptr<const Policy> LoadFile(const std::string& stem, Diagnostics* diagnostics) {
  return Policy::Load(ReadPolicy(stem), diagnostics);
}

}  // namespace piivault::authz
