// The rules of share_decision.h written down a second time, from the policy's text: see
// naive_decision.h.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_SHARE_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_SHARE_H_

#include <yaml-cpp/yaml.h>

#include <map>
#include <string>
#include <vector>

#include "authz/share_decision.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz::naive {

// A disclosure in names. Of `input`, fields, requested and the issuer's numbers are not read.
struct AskedShare {
  const ShareInput* input = nullptr;
  std::string type;
  Names fields;      // Of that type.
  Names all_fields;  // Of the token.
  Names requested;
  Names held;
};

// `facts` null: the first phase, of one type.
Reason DecideShare(const Text& text, const YAML::Node& policy, const AskedShare& asked,
                   const SubjectFacts* facts);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_SHARE_H_
