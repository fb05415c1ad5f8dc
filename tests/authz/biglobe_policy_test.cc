// BIGLOBE's policy: what its cases cannot say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kStem[] = "ops/policies/biglobe";

// Names of the cases that do not hold with another value of one parameter.
std::vector<std::string> FailingWith(const std::string& from, const std::string& to) {
  PolicyText text = ReadPolicy(kStem);
  const size_t at = text.values_yaml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.values_yaml.replace(at, from.size(), to);
  Diagnostics diagnostics;
  const auto policy = Policy::Load(text, &diagnostics);
  EXPECT_NE(policy, nullptr) << diagnostics.ToString();
  std::vector<std::string> names;
  if (policy == nullptr) return names;
  for (const CaseFailure& failure : RunPolicyCases(*policy).failures) names.push_back(failure.name);
  return names;
}

// 003-03: who sees a department's data has the role from its manager; managers are of a department.
TEST(BiglobePolicyTest, Clause003_03LetsManagersApprove) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kStem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  for (const char* role : {"operations", "billing", "support", "marketing", "finance"}) {
    EXPECT_THAT(policy->FindRole(role)->needs, ElementsAre("approval_by_department_manager"));
    EXPECT_TRUE(policy->FindRole(role)->per_department) << role;
  }
  EXPECT_TRUE(policy->FindRole("dept_manager")->per_department);
}

// 003-10: one officer. 003-36, 003-54: what contractors and agents need besides.
TEST(BiglobePolicyTest, AsksWhatCasesCannotTell) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kStem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_EQ(policy->FindRole("pi_executive")->holders, 1u);
  EXPECT_THAT(policy->FindRole("contractor")->needs, ElementsAre("contract", "supervision"));
  EXPECT_TRUE(policy->FindRole("contractor")->needs_fields);
  EXPECT_THAT(policy->FindRole("agent")->needs, ElementsAre("mandate", "own_identity"));
}

// 003-13: the entry for members is missing, and it shows.
TEST(BiglobePolicyTest, Clause003_13TellsOfTheMissingEntry) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kStem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_EQ(policy->missing_documents(), 4u);
  std::vector<std::string> names;
  for (const DocumentSpec& document : policy->header().documents) names.push_back(document.name);
  EXPECT_THAT(names, Contains("c1_member_entry"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("4 binding documents are missing"));
}

// 003-19: whom agency may give data to, once somebody gives any: partners and nobody else.
TEST(BiglobePolicyTest, Clause003_19BrokersToPartnersAlone) {
  Diagnostics diagnostics;
  const auto policy = LoadFile(kStem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const PurposeId broker = policy->FindPurpose("C1.broker")->id;
  std::vector<std::string> kinds;
  for (const RecipientSpec& recipient : policy->recipients()) {
    for (PurposeId purpose : recipient.purposes) {
      if (purpose == broker) kinds.push_back(recipient.kind);
    }
  }
  EXPECT_THAT(kinds, ElementsAre("partner"));
}

std::string LoadWithRule(const std::string& rule) {
  PolicyText text = ReadPolicy(kStem);
  const size_t at = text.yaml.find('\n', text.yaml.find("\nrecipients:") + 1) + 1;
  text.yaml.insert(at, "  - {id: more, " + rule + "}\n");
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << rule;
  return diagnostics.ToString();
}

// 003-28, 003-32: nor is it in the power of a later rule to give it to others.
TEST(BiglobePolicyTest, Clause003_28WhatIsEntrustedGoesToNobodyElse) {
  for (const std::string kind : {"affiliate", "dealer", "partner"}) {
    EXPECT_THAT(LoadWithRule("kind: " + kind +
                             ", fields: [c3.entrusted], purposes: [C3.perform], "
                             "basis: joint_use"),
                HasSubstr("may never have 'c3.entrusted'"));
  }
  for (const std::string kind : {"dealer", "partner"}) {
    EXPECT_THAT(LoadWithRule("kind: " + kind +
                             ", fields: [c5.content], purposes: [C5.answer], "
                             "basis: joint_use"),
                HasSubstr("may never have 'c5.content'"));
  }
}

// 003-33: whether a recording needs anything is the operator's to say.
TEST(BiglobePolicyTest, Clause003_33AsksForWhatTheOperatorSays) {
  EXPECT_THAT(FailingWith("recording_asks_for: [announced]", "recording_asks_for: []"),
              ElementsAre("one that was not"));
}

// 003-57: so is the day on which somebody turns 16, and what holds where the age is not known.
TEST(BiglobePolicyTest, Clause003_57CountsAsTheOperatorSays) {
  EXPECT_THAT(FailingWith("birthday_rule: on_birthday", "birthday_rule: day_before"),
              ElementsAre("one day short of 16", "born on a leap day", "in a year without"));
  EXPECT_THAT(FailingWith("unknown_age: refuse", "unknown_age: allow"), ElementsAre("age unknown"));
}

// What the text leaves open has no default: without its value the policy does not load.
TEST(BiglobePolicyTest, DoesNotLoadWithoutWhatTheTextLeavesOpen) {
  PolicyText text = ReadPolicy(kStem);
  text.values_yaml = "policy: biglobe\n";
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  for (const char* name :
       {"fields_c1",          "fields_c2",           "fields_c3",    "fields_c4",
        "for_auth",           "for_operate",         "for_bill",     "for_credit",
        "for_promo",          "for_support",         "for_contract", "for_broker",
        "for_prize_tax",      "for_c2_contract",     "for_c2_tax",   "for_c4_event",
        "for_c4_notice",      "for_c4_commissioned", "for_noticed",  "collection_notices",
        "recording_asks_for", "birthday_rule",       "unknown_age",  "supervision_interval",
        "retention_all",      "group_basis"}) {
    EXPECT_THAT(diagnostics.ToString(), HasSubstr("'" + std::string(name) + "' is not set"));
  }
}

}  // namespace
}  // namespace piivault::authz
