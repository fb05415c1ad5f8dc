// Policies that are refused: wrong in one place, odd, or made to cost time and memory.
#ifndef PIIVAULT_TESTS_AUTHZ_HOSTILE_POLICIES_H_
#define PIIVAULT_TESTS_AUTHZ_HOSTILE_POLICIES_H_

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "authz/policy.h"

namespace piivault::authz {

struct HostilePolicy {
  std::string name;  // Letters and digits; no two the same.
  PolicyText text;
  int line;             // Where it says why; 0: of the whole file.
  std::string message;  // Part of the diagnostic there, or of its hint.
};

void PrintTo(const HostilePolicy& policy, std::ostream* out);

// A good policy in lines that are easy to count, and its values. Line 1 is "policy: good".
extern const std::string_view kGoodPolicy;
extern const std::string_view kGoodValues;

// All of them, the same ones each time.
std::vector<HostilePolicy> HostilePolicies();

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_HOSTILE_POLICIES_H_
