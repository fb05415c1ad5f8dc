// The compiled decision against a naive one made from the policy's text, over made-up calls.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "tests/authz/call_coverage.h"
#include "tests/authz/call_generator.h"
#include "tests/authz/compare_decisions.h"
#include "tests/authz/naive_decision.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

bool LongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

uint32_t Seed() {
  const char* text = std::getenv("PIIVAULT_ORACLE_SEED");
  return text == nullptr ? 20250601u : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

PolicyText TextOf(const std::string& stem) {
  if (stem != "test") return ReadPolicy(stem);
  PolicyText text;
  text.yaml = std::string(kTestPolicy);
  return text;
}

// How often calls came upon what.
struct Counts {
  int granted = 0;
  std::map<std::string, int> grants;
  std::map<std::string, int> reasons;
  std::map<std::string, int> edges;

  void Add(const GeneratedCall& call, const naive::Answer& answer) {
    const bool ok = answer.reason == Reason::kOk;
    granted += ok ? 1 : 0;
    ++reasons[std::string(ReasonName(answer.reason))];
    if (!answer.grant.empty()) ++grants[answer.grant];
    for (const naive::Shown& shown : answer.fields) {
      if (!shown.grant.empty()) ++grants[shown.grant];
    }
    for (const std::string& edge : call.edges) ++edges[edge];
  }
};

void ExpectReached(const std::vector<Expected>& expected, std::map<std::string, int> reached,
                   int at_least) {
  for (const Expected& each : expected) {
    if (each.absent_because.empty()) {
      EXPECT_GE(reached[each.name], at_least) << each.name;
    } else {
      EXPECT_EQ(reached[each.name], 0) << each.name << ": " << each.absent_because;
    }
  }
}

class OracleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OracleTest, CompiledAndNaiveDecisionsAreTheSame) {
  const int calls = LongRun() ? 1'000'000 : 20'000;
  const PolicyText source = TextOf(GetParam());
  Diagnostics diagnostics;
  const auto policy = Policy::Load(source, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const naive::Text text = naive::Read(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(Seed()));
  CallGenerator generator(text, Seed());
  Counts counts;
  for (int i = 0; i < calls; ++i) {
    const auto call = generator.Next();
    const Answers answers(text, *call);
    ASSERT_EQ(Difference(*policy, *call, answers), "") << "call " << i << Describe(*call);
    counts.Add(*call, answers.whole);
  }
  EXPECT_GE(counts.granted, calls * 3 / 10);
  const int at_least = LongRun() ? 100 : 1;
  ExpectReached(GrantsOf(text), counts.grants, at_least);
  ExpectReached(ReasonsOf(text), counts.reasons, at_least);
  ExpectReached(EdgesOf(text), counts.edges, at_least);
}

std::vector<std::string> Stems() {
  std::vector<std::string> stems = ShippedPolicies();
  stems.push_back("test");
  stems.push_back("tests/authz/data/language");
  return stems;
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& stem) {
  return stem.param.substr(stem.param.rfind('/') + 1);
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleTest, ::testing::ValuesIn(Stems()), LastPart);

}  // namespace
}  // namespace piivault::authz
