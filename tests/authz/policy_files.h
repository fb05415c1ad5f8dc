// Policies in the source tree, for tests.
#ifndef PIIVAULT_TESTS_AUTHZ_POLICY_FILES_H_
#define PIIVAULT_TESTS_AUTHZ_POLICY_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "authz/policy.h"

namespace piivault::authz {

// The file's content; empty where there is none. `path` from the root of the repository.
std::string ReadFile(const std::string& path);
// STEM.yaml, with STEM.values.yaml where there is one.
PolicyText ReadPolicy(const std::string& stem);
// Stems of the policies that are shipped: all of ops/policies.
std::vector<std::string> ShippedPolicies();
// "sns_helper" of "ops/policies/sns-helper", for the names of tests.
std::string TestName(const std::string& stem);
std::shared_ptr<const Policy> LoadFile(const std::string& stem, Diagnostics* diagnostics);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_POLICY_FILES_H_
