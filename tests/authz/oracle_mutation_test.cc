// Each rule of a policy decides something: with the rule changed, the compiled decision differs from
// the naive one of the text as it was. Shows that the comparison would see a rule that is compiled
// wrongly.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/authz/compare_decisions.h"
#include "tests/authz/policy_mutator.h"

namespace piivault::authz {
namespace {

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// Why a change decides nothing about calls; empty: it must.
std::string EquivalentBecause(const std::string& policy, const std::string& mutation) {
  struct Known {
    std::string policy;    // Empty: all.
    std::string mutation;  // The end of its name.
    std::string because;
  };
  static const auto* const known = new std::vector<Known>{
      {"", " holders", "asked when a role is given, not at calls"},
      {"", " needs without justification", "asked when a role is given, not at calls"},
      {"", " needs without end_date", "asked when a role is given, not at calls"},
      {"", " needs without fields", "asked when a role is given, not at calls"},
  };
  for (const Known& each : *known) {
    if (each.policy.empty() || EndsWith(policy, each.policy)) {
      if (EndsWith(mutation, each.mutation)) return each.because;
    }
  }
  return "";
}

// Calls under a policy with their naive answers; made once, asked of every mutation.
class Calls {
 public:
  explicit Calls(const PolicyText& source)
      : text_(naive::Read(source)), generator_(text_, OracleSeed()) {}

  // The first of `count` calls on which the compiled policy differs, described; empty: none.
  std::string FirstDifference(const Policy& policy, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (i == calls_.size() && i < kKept) calls_.push_back(Made(generator_, text_));
      std::unique_ptr<Made> passing;
      if (i >= kKept) passing = std::make_unique<Made>(generator_, text_);
      Made& made = i < kKept ? calls_[i] : *passing;
      const std::string difference = Difference(policy, *made.call, made.answers);
      if (!difference.empty()) return difference + Describe(*made.call);
    }
    return "";
  }

 private:
  static constexpr size_t kKept = 10'000;

  struct Made {
    Made(CallGenerator& generator, const naive::Text& text)
        : call(generator.Next()), answers(text, *call) {}
    std::unique_ptr<GeneratedCall> call;
    Answers answers;
  };

  naive::Text text_;
  CallGenerator generator_;
  std::vector<Made> calls_;
};

class OracleMutationTest : public ::testing::TestWithParam<std::string> {};

TEST_P(OracleMutationTest, EachRuleDecidesSomething) {
  const size_t mutations = IsLongRun() ? SIZE_MAX : 60;
  const size_t calls = IsLongRun() ? 1'000'000 : 50'000;
  const PolicyText source = ComparedText(GetParam());
  const PolicyMutator mutator(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  Calls made(source);
  Diagnostics diagnostics;
  const auto unchanged = Policy::Load(mutator.Unchanged(), &diagnostics);
  ASSERT_NE(unchanged, nullptr) << diagnostics.ToString();
  ASSERT_EQ(made.FirstDifference(*unchanged, 10'000), "");
  size_t loaded = 0;
  for (const Mutation& mutation : Sample(mutator.mutations(), mutations)) {
    const auto policy = Policy::Load(mutator.Apply(mutation), &diagnostics);
    if (policy == nullptr) continue;  // Nothing is decided by it.
    ++loaded;
    const std::string because = EquivalentBecause(GetParam(), mutation.name);
    const std::string difference = made.FirstDifference(*policy, because.empty() ? calls : 10'000);
    EXPECT_EQ(difference.empty(), !because.empty()) << mutation.name << ": " << difference;
  }
  EXPECT_GT(loaded, 10u);
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& policy) {
  return policy.param.substr(policy.param.rfind('/') + 1);
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleMutationTest, ::testing::ValuesIn(ComparedPolicies()),
                         LastPart);

}  // namespace
}  // namespace piivault::authz
