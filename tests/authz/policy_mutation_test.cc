// Each rule of a shipped policy is held by one of the policy's own cases: without the rule, or with
// a wider one in its place, a case fails or the policy does not load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/policy_mutator.h"

namespace piivault::authz {
namespace {

struct Unnoticed {
  std::string mutation;
  std::string because;
};

struct Held {
  std::string stem;
  size_t mutations;  // At least so many, so that the mutator does not fall silent.
  std::vector<Unnoticed> unnoticed;
};

void PrintTo(const Held& held, std::ostream* out) { *out << held.stem; }

// Policies whose cases are meant to hold every rule; the starter is meant to be changed.
std::vector<Held> Policies() {
  return {
      {"ops/policies/combzmail",
       130,
       {{"grant publisher-tidy may without list", "whoever downloads lists"},
        {"grant publisher-tidy may without read_subject", "whoever erases reads"}}},
      {"ops/policies/priuspro",
       130,
       {{"consent third-party", "asked where data is handed over, not by cases"},
        {"consent third-party scope", "asked where data is handed over, not by cases"}}},
  };
}

// Whether it loads and all its cases hold.
bool Holds(const PolicyText& text) {
  Diagnostics diagnostics;
  const auto policy = Policy::Load(text, &diagnostics);
  return policy != nullptr && RunPolicyCases(*policy).ok();
}

constexpr size_t kShort = 200;

bool LongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

std::vector<std::string> NamesOf(const std::vector<Mutation>& mutations) {
  std::vector<std::string> names;
  for (const Mutation& mutation : mutations) names.push_back(mutation.name);
  return names;
}

class PolicyMutationTest : public ::testing::TestWithParam<Held> {};

TEST_P(PolicyMutationTest, EachRuleIsHeldByACase) {
  const PolicyMutator mutator(ReadPolicy(GetParam().stem));
  ASSERT_TRUE(Holds(mutator.Unchanged()));
  EXPECT_GT(mutator.mutations().size(), GetParam().mutations);
  std::vector<std::string> known;
  for (const Unnoticed& each : GetParam().unnoticed) known.push_back(each.mutation);
  for (const Mutation& mutation : Sample(mutator.mutations(), LongRun() ? SIZE_MAX : kShort)) {
    const bool expected = std::find(known.begin(), known.end(), mutation.name) != known.end();
    EXPECT_EQ(Holds(mutator.Apply(mutation)), expected) << mutation.name;
  }
  EXPECT_THAT(known, testing::IsSubsetOf(NamesOf(mutator.mutations())));
}

std::string LastPart(const ::testing::TestParamInfo<Held>& held) {
  return TestName(held.param.stem);
}

INSTANTIATE_TEST_SUITE_P(Policies, PolicyMutationTest, ::testing::ValuesIn(Policies()), LastPart);

}  // namespace
}  // namespace piivault::authz
