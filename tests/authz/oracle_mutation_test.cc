// Each rule of a policy decides something: with the rule changed, the compiled decision differs
// from the naive one of the text as it was. Shows that the comparison would see a rule that is
// compiled wrongly.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/authz/compare_decisions.h"
#include "tests/authz/equivalent_mutations.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/policy_mutator.h"

namespace piivault::authz {
namespace {

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
  constexpr size_t calls = 1'000'000;  // At most: most changes show in the first thousand.
  const PolicyText source = ComparedText(GetParam());
  const PolicyMutator mutator(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  Calls made(source);
  const EquivalentMutations equivalents(source);
  Diagnostics diagnostics;
  const auto unchanged = Policy::Load(mutator.Unchanged(), &diagnostics);
  ASSERT_NE(unchanged, nullptr) << diagnostics.ToString();
  ASSERT_EQ(made.FirstDifference(*unchanged, 10'000), "");
  size_t loaded = 0;
  for (const Mutation& mutation : Sample(mutator.mutations(), mutations)) {
    Diagnostics problems;
    const auto policy = Policy::Load(mutator.Apply(mutation), &problems);
    if (policy == nullptr) continue;  // Nothing is decided by it.
    ++loaded;
    const std::string because = equivalents.OfCalls(mutation.name);
    const std::string difference = made.FirstDifference(*policy, because.empty() ? calls : 10'000);
    EXPECT_EQ(difference.empty(), !because.empty()) << mutation.name << ": " << difference;
  }
  EXPECT_GT(loaded, 10u);
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& policy) {
  return TestName(policy.param);
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleMutationTest, ::testing::ValuesIn(ComparedPolicies()),
                         LastPart);

}  // namespace
}  // namespace piivault::authz
