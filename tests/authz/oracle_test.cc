// The compiled decision against a naive one made from the policy's text, over made-up calls.

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/authz/call_coverage.h"
#include "tests/authz/call_generator.h"
#include "tests/authz/compare_decisions.h"
#include "tests/authz/naive_decision.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

// How often calls came upon what.
struct Counts {
  int granted = 0;
  std::map<std::string, int> grants;
  std::map<std::string, int> reasons;
  std::map<std::string, int> closed_seen;
  std::map<std::string, int> edges;
  std::map<std::string, int> edges_granted;
  std::map<std::string, int> edges_refused;

  void Add(const naive::Text& text, const GeneratedCall& call, const naive::Answer& answer) {
    const bool ok = answer.reason == Reason::kOk;
    granted += ok ? 1 : 0;
    ++reasons[std::string(ReasonName(answer.reason))];
    if (!answer.grant.empty()) ++grants[answer.grant];
    for (const naive::Shown& shown : answer.fields) {
      if (!shown.grant.empty()) ++grants[shown.grant];
    }
    AddClosed(text, call, answer);
    for (const std::string& edge : call.edges) {
      ++edges[edge];
      ++(ok ? edges_granted : edges_refused)[edge];
    }
  }

  void AddClosed(const naive::Text& text, const GeneratedCall& call, const naive::Answer& answer) {
    if (!naive::Verbs().at(call.asked.verb).uses) return;
    const naive::Names frozen(call.frozen.begin(), call.frozen.end());
    const naive::Names kept(call.kept_by_law.begin(), call.kept_by_law.end());
    for (size_t i = 0; i < answer.fields.size(); ++i) {
      if (answer.fields[i].view == View::kDenied) continue;
      const std::string& field = call.asked.fields[i];
      const bool person = text.FindRole(answer.role)->kind == "subject";
      if (naive::Has(frozen, field)) ++closed_seen[person ? kSeenByPerson : kSeenByCorrector];
      if (!naive::Has(kept, field)) continue;
      const bool open = naive::Has(text.open_purposes, std::string(call.input.purpose));
      ++closed_seen[open ? kKeptSeenForLaw : kKeptSeenByPerson];
    }
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

// Of each edge, calls on one side are granted and on the other refused: else it is none.
void ExpectEdgesCut(const std::vector<Expected>& expected, Counts& counts) {
  std::map<std::string, int> granted;
  std::map<std::string, int> refused;
  for (const Expected& edge : expected) {
    granted[edge.of] += counts.edges_granted[edge.name];
    refused[edge.of] += counts.edges_refused[edge.name];
  }
  for (const Expected& edge : expected) {
    if (!edge.absent_because.empty()) continue;
    EXPECT_GT(granted[edge.of], 0) << edge.name;
    EXPECT_GT(refused[edge.of], 0) << edge.name;
  }
}

class OracleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OracleTest, CompiledAndNaiveDecisionsAreTheSame) {
  const int calls = IsLongRun() ? 1'000'000 : 50'000;
  const PolicyText source = ComparedText(GetParam());
  Diagnostics diagnostics;
  const auto policy = Policy::Load(source, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const naive::Text text = naive::Read(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  CallGenerator generator(text, OracleSeed());
  Counts counts;
  for (int i = 0; i < calls; ++i) {
    const auto call = generator.Next();
    const Answers answers(text, *call);
    ASSERT_EQ(Difference(*policy, *call, answers), "") << "call " << i << Describe(*call);
    counts.Add(text, *call, answers.whole);
  }
  EXPECT_GE(counts.granted, calls * 3 / 10);
  const int at_least = IsLongRun() ? 100 : 1;
  ExpectReached(GrantsOf(text), counts.grants, at_least);
  ExpectReached(ReasonsOf(text), counts.reasons, at_least);
  ExpectReached(ClosedSeenOf(text), counts.closed_seen, at_least);
  ExpectReached(EdgesOf(text), counts.edges, at_least);
  ExpectEdgesCut(EdgesOf(text), counts);
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& stem) {
  return TestName(stem.param);
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleTest, ::testing::ValuesIn(ComparedPolicies()), LastPart);

}  // namespace
}  // namespace piivault::authz
