// Sessions and budgets as the loader takes them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "authz/policy.h"
#include "authz/policy_diff.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;

constexpr char kPolicy[] = R"(policy: house
types:
  user:
    fields: {email: email_address}
purposes:
  help: {label: Help}
roles:
  clerk: {kind: staff, nda: none}
grants:
  - {id: read, role: clerk, may: [reveal], fields: [user.email], for: [help]}
)";

std::shared_ptr<const Policy> Load(const std::string& more, std::string* problem = nullptr) {
  PolicyText text;
  text.yaml = absl::StrCat(kPolicy, more);
  Diagnostics diagnostics;
  std::shared_ptr<const Policy> policy = Policy::Load(text, &diagnostics);
  if (problem != nullptr) {
    for (const Diagnostic& item : diagnostics.items()) {
      absl::StrAppend(problem, item.line, ": ", item.message, " (", item.hint, ")\n");
    }
  }
  return policy;
}

std::string ProblemOf(const std::string& more) {
  std::string problem;
  EXPECT_EQ(Load(more, &problem), nullptr) << more;
  return problem;
}

TEST(HouseRulesTest, SessionsAreInfiniteUnlessTheTextSaysMore) {
  const auto silent = Load("");
  ASSERT_NE(silent, nullptr);
  EXPECT_EQ(silent->session().idle, absl::InfiniteDuration());
  const auto said = Load("session: {idle: 15m, absolute: 2w}\n");
  ASSERT_NE(said, nullptr);
  EXPECT_EQ(said->session().idle, absl::Minutes(15));
  EXPECT_EQ(said->session().absolute, absl::Hours(14 * 24));
}

TEST(HouseRulesTest, ASessionHasALengthThatIsTheSameAtAnyTime) {
  for (const char* time : {"0", "0s", "3mo", "1y"}) {
    EXPECT_THAT(ProblemOf(absl::StrCat("session: {idle: ", time, "}\n")),
                HasSubstr("11: a time of one second or more"))
        << time;
  }
  EXPECT_THAT(ProblemOf("session: {absolute: long}\n"), HasSubstr("not a duration"));
}

TEST(HouseRulesTest, BudgetsAreReadWithRolesAndPurposes) {
  const auto policy = Load(
      "budgets: [{id: a, role: clerk, for: [help], records: 7, per: 1d},\n"
      "          {id: b, records: 8, per: 1m}]\n");
  ASSERT_NE(policy, nullptr);
  ASSERT_EQ(policy->budgets().size(), 2U);
  EXPECT_EQ(policy->budgets()[0].roles.size(), 1U);
  EXPECT_EQ(policy->budgets()[0].purposes.size(), 1U);
  EXPECT_EQ(policy->budgets()[0].records, 7U);
  EXPECT_EQ(policy->budgets()[0].per, absl::Hours(24));
  EXPECT_TRUE(policy->budgets()[1].roles.empty());
}

TEST(HouseRulesTest, BudgetsThatAreNoneAreRefused) {
  const auto with = [](const std::string& budget) {
    return ProblemOf(absl::StrCat("budgets: [{", budget, "}]\n"));
  };
  EXPECT_THAT(with("id: a, records: 1, per: 59s"), HasSubstr("a minute to a day"));
  EXPECT_THAT(with("id: a, records: 1, per: 25h"), HasSubstr("a minute to a day"));
  EXPECT_THAT(with("id: a, records: 1, per: 1mo"), HasSubstr("a minute to a day"));
  EXPECT_THAT(with("id: a, records: 0, per: 1h"), HasSubstr("records"));
  EXPECT_THAT(with("id: a, records: 1"), HasSubstr("per"));
  EXPECT_THAT(with("records: 1, per: 1h"), HasSubstr("id"));
  EXPECT_THAT(with("id: a, records: 1, per: 1h, role: boss"), HasSubstr("no role 'boss'"));
  EXPECT_THAT(with("id: a, records: 1, per: 1h, for: fun"), HasSubstr("fun"));
  EXPECT_THAT(with("id: a, records: 1, per: 1h}, {id: A, records: 1, per: 1h"), HasSubstr("A"));
}

TEST(HouseRulesTest, WhereANoticeIsRequiredThereIsOne) {
  EXPECT_THAT(ProblemOf("notice_required: true\n"), HasSubstr("11: the policy has no coll"));
  EXPECT_THAT(ProblemOf("collection_notices: {}\nnotice_required: true\n"),
              HasSubstr("12: the policy has no coll"));
}

TEST(HouseRulesTest, WhoeverComparesPoliciesSeesThem) {
  const auto plain = Load("");
  for (const char* more : {"session: {idle: 15m}\n", "budgets: [{id: a, records: 7, per: 1d}]\n"}) {
    const auto other = Load(more);
    ASSERT_NE(other, nullptr);
    EXPECT_FALSE(DiffPolicies(*plain, *other).empty()) << more;
  }
}

}  // namespace
}  // namespace piivault::authz
