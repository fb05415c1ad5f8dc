// Where a compiled decision differs from the naive one.
#ifndef PIIVAULT_TESTS_AUTHZ_COMPARE_DECISIONS_H_
#define PIIVAULT_TESTS_AUTHZ_COMPARE_DECISIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/authz/call_generator.h"
#include "tests/authz/naive_decision.h"

namespace piivault::authz {

// The naive answers to one call, in both phases.
struct Answers {
  Answers(const naive::Text& text, const GeneratedCall& call)
      : first(naive::Decide(text, call.asked, nullptr)),
        whole(naive::Decide(text, call.asked, &call.facts)) {}

  naive::Answer first;
  naive::Answer whole;
};

// In reason, role, or grant, view, mask or reason of a field, in either phase; or where the first
// phase refuses what the second grants. Empty: nowhere.
std::string Difference(const Policy& policy, GeneratedCall& call, const Answers& answers);

// What is compared: the policies that are shipped, the one of test_policy.h ("test"), and one that
// has every rule of the language.
std::vector<std::string> ComparedPolicies();
PolicyText ComparedText(const std::string& policy);

// PIIVAULT_LONG is set.
bool IsLongRun();
// PIIVAULT_ORACLE_SEED, or always the same.
uint32_t OracleSeed();

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_COMPARE_DECISIONS_H_
