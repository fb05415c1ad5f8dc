// Test cases of policies that speak of matters, notices, consent.

#include <gtest/gtest.h>

#include <string>

#include "authz/policy_cases.h"
#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

// Each fact of the cases has one case where it decides.
TEST(GroundsCasesTest, SayEverythingThatADecisionLooksAt) {
  const auto policy = LoadGroundsPolicy(kGroundsCases);
  ASSERT_NE(policy, nullptr);
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_EQ(report.run, policy->cases().size());
  EXPECT_GT(report.run, 35u);
  for (const CaseFailure& failure : report.failures) ADD_FAILURE() << failure.ToString();
}

TEST(GroundsCasesTest, TypingErrorsInFactsAreReported) {
  for (const auto& [find, replace] :
       {std::pair("{kind: consultation, id: C-1}", "{kind: consultaton, id: C-1}"),
        std::pair("state: closed", "state: close"), std::pair("until: 2024-12-30", "until: soon"),
        std::pair("born: 2015-01-01", "born: 2015"), std::pair("for: [plain, extra]}", "for: [x]}"),
        std::pair("guardian: true, fields: [user.*]", "guardian: true, fields: [usr.*]"),
        std::pair("acknowledged: expired", "acknowledged: revoked"),
        std::pair("fields: [ext.*]}, does: reveal", "fields: [et.*]}, does: reveal"),
        std::pair("with: {consultation: C-1}", "with: {consultation: [C-1]}")}) {
    PolicyText text;
    text.yaml = std::string(kGroundsPolicy) + std::string(kGroundsCases);
    const size_t at = text.yaml.find(find);
    ASSERT_NE(at, std::string::npos) << find;
    text.yaml.replace(at, std::string_view(find).size(), replace);
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << replace;
    EXPECT_EQ(diagnostics.error_count(), 1u) << replace << "\n" << diagnostics.ToString();
  }
}

}  // namespace
}  // namespace piivault::authz
