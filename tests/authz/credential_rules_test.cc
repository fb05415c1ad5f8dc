// What a policy says of credentials, and how long they hold by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "authz/credential_rule.h"
#include "authz/policy.h"
#include "authz/policy_diff.h"

namespace piivault::authz {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// `FIELDS` is replaced by the options of user.login, `RULES` by the list of rules.
constexpr std::string_view kText = R"yaml(policy: good
timezone: Asia/Tokyo
types:
  user:
    fields:
      email: {type: email_address, index: true}
      login: {type: password_credential, FIELD}
      cookie: {type: login_cookie, store: one_way}
purposes:
  work: {label: {en: Work}}
roles:
  app: {kind: service}
grants:
  - {id: app, role: app, may: [MAY], fields: [user.login], for: [work]}
credentials: [RULES]
)yaml";

std::string Text(std::string_view field, std::string_view rules, std::string_view may = "verify") {
  std::string text(kText);
  text.replace(text.find("FIELD"), 5, std::string(field));
  text.replace(text.find("MAY"), 3, std::string(may));
  text.replace(text.find("RULES"), 5, std::string(rules));
  return text;
}

std::shared_ptr<const Policy> Load(const std::string& yaml, Diagnostics* diagnostics) {
  PolicyText text;
  text.yaml = yaml;
  return Policy::Load(text, diagnostics);
}

std::shared_ptr<const Policy> Good(std::string_view rules,
                                   std::string_view field = "store: one_way") {
  Diagnostics diagnostics;
  auto policy = Load(Text(field, rules), &diagnostics);
  EXPECT_NE(policy, nullptr) << diagnostics.ToString();
  return policy;
}

std::string Problem(const std::string& yaml) {
  Diagnostics diagnostics;
  EXPECT_EQ(Load(yaml, &diagnostics), nullptr) << yaml;
  return diagnostics.ToString();
}

std::string RuleProblem(std::string_view rule) { return Problem(Text("store: one_way", rule)); }

TEST(CredentialRulesTest, OneWayMeansNeverReadAndNoToken) {
  const auto policy = Good("");
  const FieldSpec& login = policy->field(policy->FindField("user.login"));
  EXPECT_TRUE(login.one_way);
  EXPECT_TRUE(login.read_never);
  EXPECT_EQ(login.token, TokenMode::kNone);
  const CredentialRule& rule = policy->CredentialRuleOf(login.id);
  EXPECT_THAT(rule.classes, IsEmpty());
  EXPECT_EQ(rule.min_length, 8u);
  EXPECT_EQ(rule.attempts, 10u);
  EXPECT_EQ(rule.lock, absl::Minutes(15));
  EXPECT_FALSE(rule.one_time);
  EXPECT_EQ(rule.max_age, absl::InfiniteDuration());
}

TEST(CredentialRulesTest, ARuleIsItsFieldsOwn) {
  const auto policy = Good(
      "{fields: [user.login], classes: [upper, lower, digit], min_length: 12, max_age: 90d, "
      "attempts: 5, lock: 1h}, {fields: [user.cookie], one_time: true}");
  const CredentialRule& login = policy->CredentialRuleOf(policy->FindField("user.login"));
  EXPECT_THAT(login.classes, ElementsAre("upper", "lower", "digit"));
  EXPECT_EQ(login.min_length, 12u);
  EXPECT_EQ(login.max_age, absl::Hours(90 * 24));
  EXPECT_EQ(login.attempts, 5u);
  EXPECT_EQ(login.lock, absl::Hours(1));
  EXPECT_FALSE(login.one_time);
  EXPECT_TRUE(policy->CredentialRuleOf(policy->FindField("user.cookie")).one_time);
  EXPECT_TRUE(Good("{fields: [user.login], max_age: one_time}")
                  ->CredentialRuleOf(policy->FindField("user.login"))
                  .one_time);
}

TEST(CredentialRulesTest, WhatAOneWayFieldCannotBe) {
  EXPECT_THAT(Problem(Text("store: one_way, index: true", "")), HasSubstr("index"));
  EXPECT_THAT(Problem(Text("store: one_way, unique: true", "")), HasSubstr("unique"));
  EXPECT_THAT(Problem(Text("store: one_way, required: true", "")),
              HasSubstr("neither required nor"));
  EXPECT_THAT(Problem(Text("store: one_way, token: random", "")), HasSubstr("no tokens"));
  std::string text = Text("store: one_way", "");
  text.replace(text.find("index: true"), 11, "store: one_way");
  EXPECT_THAT(Problem(text), HasSubstr("cannot be stored one way"));
  for (const char* verb : {"create", "reveal", "lookup", "search", "tokenize", "detokenize",
                           "download", "export", "aggregate", "pseudonymize", "reveal_history"}) {
    EXPECT_THAT(Problem(Text("store: one_way", "", verb)), HasSubstr("cannot be granted")) << verb;
  }
  for (const char* verb : {"update", "verify"}) {
    Diagnostics diagnostics;
    EXPECT_NE(Load(Text("store: one_way", "", verb), &diagnostics), nullptr) << verb;
  }
}

TEST(CredentialRulesTest, WhatARuleCannotSay) {
  EXPECT_THAT(RuleProblem("{min_length: 9}"), HasSubstr("fields"));
  EXPECT_THAT(RuleProblem("{fields: [user.email]}"), HasSubstr("not a credential"));
  EXPECT_THAT(RuleProblem("{fields: [user.login]}, {fields: [user.*]}"),
              HasSubstr("has a rule already"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], classes: [letters]}"), HasSubstr("letter"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], min_length: 0}"), HasSubstr("min_length"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], attempts: 0}"), HasSubstr("attempts"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], attempts: 101}"), HasSubstr("attempts"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], lock: 0}"), HasSubstr("lock"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], lock: 1mo}"), HasSubstr("lock"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], max_age: 0}"), HasSubstr("too old at once"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], max_age: weekly}"), HasSubstr("not a duration"));
  EXPECT_THAT(RuleProblem("{fields: [user.login], advised_classes: [letter]}"),
              HasSubstr("advised_classes"));
}

TEST(CredentialRulesTest, EachPartIsOfThePolicysMeaning) {
  const std::string base = "{fields: [user.login], classes: [letter]}";
  const auto before = Good(base);
  for (const char* other : {"", "{fields: [user.cookie], classes: [letter]}",
                            "{fields: [user.login], classes: [digit]}",
                            "{fields: [user.login], classes: [letter], min_length: 9}",
                            "{fields: [user.login], classes: [letter], max_age: 30d}",
                            "{fields: [user.login], classes: [letter], max_age: 1mo}",
                            "{fields: [user.login], classes: [letter], one_time: true}",
                            "{fields: [user.login], classes: [letter], attempts: 9}",
                            "{fields: [user.login], classes: [letter], lock: 16m}"}) {
    EXPECT_NE(SemanticHash(*Good(other)), SemanticHash(*before)) << other;
  }
  EXPECT_NE(SemanticHash(*Good("", "read: never")), SemanticHash(*Good("")));
}

TEST(CredentialRulesTest, AgesAreDurationsOrMonthsOfTheCalendar) {
  const absl::TimeZone tokyo = absl::FixedTimeZone(9 * 3600);
  const auto at = [&](int year, int month, int day, int hour) {
    return absl::FromCivil(absl::CivilSecond(year, month, day, hour, 0, 0), tokyo);
  };
  const auto rule = [](std::string_view age) {
    const auto policy = Good("{fields: [user.login], max_age: " + std::string(age) + "}");
    return policy->CredentialRuleOf(policy->FindField("user.login"));
  };
  EXPECT_EQ(CredentialHoldsUntil(rule("7d"), at(2025, 1, 31, 10), tokyo), at(2025, 2, 7, 10));
  EXPECT_EQ(CredentialHoldsUntil(rule("2w"), at(2025, 1, 1, 10), tokyo), at(2025, 1, 15, 10));
  EXPECT_EQ(CredentialHoldsUntil(rule("36h"), at(2025, 1, 1, 10), tokyo), at(2025, 1, 2, 22));
  EXPECT_EQ(CredentialHoldsUntil(rule("1mo"), at(2025, 1, 15, 10), tokyo), at(2025, 2, 15, 10));
  // The month's last day where it is shorter, never the next month.
  EXPECT_EQ(CredentialHoldsUntil(rule("1mo"), at(2025, 1, 31, 10), tokyo), at(2025, 2, 28, 10));
  EXPECT_EQ(CredentialHoldsUntil(rule("1y"), at(2024, 2, 29, 10), tokyo), at(2025, 2, 28, 10));
  EXPECT_EQ(CredentialHoldsUntil(rule("13mo"), at(2025, 12, 1, 10), tokyo), at(2027, 1, 1, 10));
  // The zone decides which day it is.
  EXPECT_EQ(CredentialHoldsUntil(rule("1mo"), at(2025, 2, 1, 8), tokyo), at(2025, 3, 1, 8));
  EXPECT_EQ(CredentialHoldsUntil(rule("none"), at(2025, 2, 1, 8), tokyo), absl::InfiniteFuture());
  EXPECT_EQ(CredentialHoldsUntil(rule("one_time"), at(2025, 2, 1, 8), tokyo),
            absl::InfiniteFuture());
}

}  // namespace
}  // namespace piivault::authz
