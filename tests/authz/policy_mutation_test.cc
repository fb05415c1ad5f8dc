// Each rule of a shipped policy is held by one of the policy's own cases: without the rule, or with
// a wider one in its place, a case fails or the policy does not load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "authz/policy_cases.h"
#include "tests/authz/equivalent_mutations.h"
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

std::vector<Unnoticed> Each(const std::vector<std::string>& mutations, const std::string& because) {
  std::vector<Unnoticed> unnoticed;
  for (const std::string& mutation : mutations) unnoticed.push_back({mutation, because});
  return unnoticed;
}

std::vector<Unnoticed> OfBiglobe() {
  std::vector<Unnoticed> unnoticed =
      Each({"role operations needs", "role billing needs", "role support needs",
            "role marketing needs", "role finance needs"},
           "asked of whoever approves; BiglobePolicyTest.Clause003_03LetsManagersApprove");
  for (Unnoticed& each :
       Each({"role agent needs", "role agent needs without mandate",
             "role agent needs without own_identity"},
            "each call asks for the mandate; BiglobePolicyTest.AsksWhatCasesCannotTell")) {
    unnoticed.push_back(std::move(each));
  }
  for (Unnoticed& each :
       Each({"role contractor needs without contract", "role contractor needs without supervision",
             "role contractor needs without fields"},
            "the role is not given as long as it needs any of the others")) {
    unnoticed.push_back(std::move(each));
  }
  for (Unnoticed& each :
       Each({"sharing affiliate with what is asked for", "sharing dealer with what is asked for",
             "sharing partner with what is asked for",
             "sharing nonpayer_operators with what is asked for",
             "sharing entrusting_partner with what is asked for"},
            "the grants say what leaves for each purpose")) {
    unnoticed.push_back(std::move(each));
  }
  unnoticed.push_back({"sharing nonpayer_operators without matters", "the purpose asks as well"});
  for (Unnoticed& each :
       Each({"recipients: never 0", "recipients: never 0 but for affiliate",
             "recipients: never 0 but for dealer", "recipients: never 0 but for partner",
             "recipients: never 1", "recipients: never 1 but for dealer",
             "recipients: never 1 but for partner"},
            "no rule gives it; BiglobePolicyTest.Clause003_28WhatIsEntrustedGoesToNobodyElse")) {
    unnoticed.push_back(std::move(each));
  }
  return unnoticed;
}

// Policies whose cases are meant to hold every rule; the starter is meant to be changed. Listed are
// changes that no case notices although they are not among EquivalentMutations.
std::vector<Held> Policies() {
  return {
      {"ops/policies/combzmail",
       130,
       {{"grant publisher-tidy may without list", "whoever downloads lists"},
        {"sharing zeus of any kind", "nobody hands anything out"},
        {"sharing zeus of kind dealer", "nobody hands anything out"},
        {"recipients: processors allowed", "PolicyFilesTest.Clause000_17RefusesAProcessor"}}},
      {"ops/policies/priuspro", 130, {}},
      {"ops/policies/corezo", 300,
       Each({"acknowledgement of another document", "acknowledgement sooner"},
            "values of the operator's; "
            "CorezoTest.AcknowledgementIsAskedForFromTheDayAfterThePeriod")},
      {"ops/policies/sns-helper",
       200,
       {{"recipients: processors allowed", "SnsHelperTest.Clause001_32NoCourierLoads"}}},
      {"ops/policies/biglobe", 400, OfBiglobe()},
  };
}

std::shared_ptr<const Policy> Load(const PolicyText& text) {
  Diagnostics diagnostics;
  return Policy::Load(text, &diagnostics);
}

constexpr size_t kShort = 200;

bool LongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

std::vector<std::string> NamesOf(const std::vector<Mutation>& mutations,
                                 const std::vector<Mutation>& more) {
  std::vector<std::string> names;
  for (const Mutation& mutation : mutations) names.push_back(mutation.name);
  for (const Mutation& mutation : more) names.push_back(mutation.name);
  return names;
}

class PolicyMutationTest : public ::testing::TestWithParam<Held> {};

TEST_P(PolicyMutationTest, EachRuleIsHeldByACase) {
  const PolicyText text = ReadPolicy(GetParam().stem);
  const PolicyMutator mutator(text);
  const EquivalentMutations equivalents(text);
  const auto unchanged = Load(mutator.Unchanged());
  ASSERT_TRUE(unchanged != nullptr && RunPolicyCases(*unchanged).ok());
  EXPECT_GT(mutator.mutations().size(), GetParam().mutations);
  std::map<std::string, std::string> known;
  for (const Unnoticed& each : GetParam().unnoticed) {
    known[each.mutation] = each.because;
    EXPECT_EQ(equivalents.OfCallsAndRoles(each.mutation), "") << each.mutation << ": why twice";
  }
  const size_t most = LongRun() ? SIZE_MAX : kShort;
  std::vector<Mutation> sample = Sample(mutator.mutations(), most);
  for (const Mutation& each : Sample(mutator.share_mutations(), most)) sample.push_back(each);
  for (const Mutation& mutation : sample) {
    const auto policy = Load(mutator.Apply(mutation));
    const bool noticed = policy == nullptr || !RunPolicyCases(*policy).ok();
    std::string because = known[mutation.name];
    // What does not load is noticed, whatever it would decide.
    if (policy != nullptr && because.empty() && !mutation.name.starts_with("sharing ")) {
      because = equivalents.OfCallsAndRoles(mutation.name);
    }
    EXPECT_EQ(noticed, because.empty()) << mutation.name << ": " << because;
  }
  for (const Unnoticed& each : GetParam().unnoticed) {
    EXPECT_THAT(NamesOf(mutator.mutations(), mutator.share_mutations()),
                testing::Contains(each.mutation));
  }
}

std::string LastPart(const ::testing::TestParamInfo<Held>& held) {
  return TestName(held.param.stem);
}

INSTANTIATE_TEST_SUITE_P(Policies, PolicyMutationTest, ::testing::ValuesIn(Policies()), LastPart);

}  // namespace
}  // namespace piivault::authz
