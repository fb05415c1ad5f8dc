#include "authz/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "authz/case_reader.h"
#include "authz/policy_cases.h"
#include "tests/authz/named_calls.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct Told {
  Explanation explanation;
  std::string text;
};

Told Tell(const Call& call) {
  SubjectFacts facts = call.facts;
  facts.subject = call.subject_name;
  const DecisionInput input = call.Input();
  Told told{Explain(*call.policy, input, &facts), ""};
  told.text = ExplanationText(*call.policy, input, told.explanation);
  return told;
}

TEST(ExplainTest, NamesTheGrantThatGives) {
  const Told told = Tell(Call(LoadTestPolicy()));
  EXPECT_EQ(told.explanation.decision.reason, Reason::kOk);
  ASSERT_EQ(told.explanation.roles.size(), 1u);
  EXPECT_TRUE(told.explanation.roles[0].admitted);
  ASSERT_EQ(told.explanation.roles[0].objects.size(), 1u);
  EXPECT_EQ(told.explanation.roles[0].objects[0].grant->id, "eng");
  EXPECT_THAT(told.text, HasSubstr("user.email: plain by grant eng"));
  EXPECT_THAT(told.text, HasSubstr("nda nda_contract or pledge"));
}

TEST(ExplainTest, SaysWhyARoleIsNotAdmitted) {
  Call call(LoadTestPolicy());
  call.attestations.clear();
  const Told told = Tell(call);
  EXPECT_FALSE(told.explanation.roles[0].admitted);
  EXPECT_EQ(told.explanation.roles[0].reason, Reason::kNdaMissing);
  EXPECT_THAT(told.text, HasSubstr("role engineer: not admitted: NDA_MISSING"));
  EXPECT_THAT(told.text, HasSubstr("what to do: have it signed and recorded"));
}

TEST(ExplainTest, NearestGrantsLackLeastFirst) {
  Call call(LoadTestPolicy());
  call.purpose = "idle";
  call.ticket = "";
  call.fields = {"name"};
  const Told told = Tell(call);
  const ObjectExplanation& object = told.explanation.roles[0].objects[0];
  ASSERT_EQ(object.nearest.size(), 3u);
  EXPECT_EQ(object.nearest[0].grant->id, "eng-stats");
  EXPECT_THAT(object.nearest[0].missing, ElementsAre("purpose stats"));
  EXPECT_EQ(object.nearest[1].grant->id, "eng");
  EXPECT_THAT(object.nearest[1].missing, ElementsAre("purpose work", "ticket"));
  EXPECT_EQ(object.nearest[2].grant->id, "boss");
  EXPECT_THAT(object.nearest[2].missing, ElementsAre("role boss"));
}

TEST(ExplainTest, ConditionsAndNeedsThatFailAreNamed) {
  Call call(LoadTestPolicy(), "app");
  call.purpose = "send";
  call.fields = {"name"};
  call.facts.unsubscribed = true;
  EXPECT_THAT(Tell(call).text, HasSubstr("missing: condition subscribed"));

  call = Call(LoadTestPolicy());
  call.ticket = "";
  EXPECT_THAT(Tell(call).text, HasSubstr("missing: ticket"));

  call = Call(LoadTestPolicy(), "app");
  call.verb = Verb::kSearch;
  call.purpose = "option";
  EXPECT_THAT(Tell(call).text, HasSubstr("missing: argument option_id"));
}

TEST(ExplainTest, SomeoneWithoutARoleIsShownWhoHasOne) {
  Call call(LoadTestPolicy());
  call.principal.bindings.clear();
  const Told told = Tell(call);
  EXPECT_TRUE(told.explanation.roles.empty());
  EXPECT_THAT(told.text, HasSubstr("no role in this tenant"));
  EXPECT_THAT(told.text, HasSubstr("grant eng of role engineer; missing: role engineer"));
}

TEST(ExplainTest, WhatNobodyMaySeeHasNoNearestGrant) {
  Call call(LoadTestPolicy());
  call.fields = {"secret"};
  const Told told = Tell(call);
  EXPECT_THAT(told.text, AllOf(HasSubstr("READ_NEVER"), HasSubstr("no grant of the policy")));
}

TEST(ExplainTest, NothingOfTheCallersOwnIsRepeated) {
  Call call(LoadTestPolicy());
  call.ticket = "T-secret-7";
  call.purpose = "nonsense-purpose";
  call.on_behalf_of = "subjects/secret";
  call.arguments = {{"option_id", "O-secret"}};
  EXPECT_THAT(Tell(call).text, Not(HasSubstr("secret-7")));
  EXPECT_THAT(Tell(call).text, AllOf(Not(HasSubstr("O-secret")), Not(HasSubstr("subjects/")),
                                     Not(HasSubstr("nonsense")), Not(HasSubstr("persons/"))));
}

// The verdict follows from what is told of the roles, and each field's from the decision's.
void ExpectFits(const Policy& policy, const DecisionInput& input, const SubjectFacts* facts) {
  const Explanation told = Explain(policy, input, facts);
  const Decision decision = facts == nullptr ? DecideWithoutSubject(policy, input)
                                             : DecideWithSubject(policy, input, *facts);
  ASSERT_EQ(told.decision.reason, decision.reason);
  bool any = false;
  bool some = false;
  for (const RoleExplanation& role : told.roles) {
    any = any || role.reason == Reason::kOk;
    some = some || role.partial;
    EXPECT_TRUE(role.admitted || !role.partial) << role.role;
    if (decision.role == nullptr || role.role != decision.role->name) continue;
    EXPECT_EQ(role.reason, decision.reason) << role.role;
    for (size_t i = 0; i < decision.fields.size(); ++i) {
      EXPECT_EQ(role.objects[i].view, decision.fields[i].view);
      EXPECT_EQ(role.objects[i].reason, decision.fields[i].reason);
      EXPECT_EQ(role.objects[i].grant, decision.fields[i].grant);
      EXPECT_TRUE(role.objects[i].view == View::kDenied || role.objects[i].nearest.empty());
    }
  }
  EXPECT_EQ(any, decision.granted());
  EXPECT_EQ(some, decision.partial());
  const std::string text = ExplanationText(policy, input, told);
  EXPECT_EQ(text.starts_with("granted\n"), decision.granted());
  if (!decision.granted()) {
    EXPECT_THAT(text, HasSubstr(std::string(ReasonName(decision.reason))));
  }
}

TEST(ExplainTest, VerdictsAreTheDecisions) {
  std::mt19937 engine(7);
  Diagnostics diagnostics;
  for (const auto& policy : {LoadTestPolicy(), LoadFile("ops/policies/combzmail", &diagnostics),
                             LoadFile("ops/policies/corezo", &diagnostics)}) {
    std::set<Reason> reasons;
    for (int i = 0; i < 700; ++i) {
      RandomNamedCall(*policy, engine)
          .With(*policy, [&](const DecisionInput& input, const SubjectFacts& facts) {
            ExpectFits(*policy, input, &facts);
            ExpectFits(*policy, input, nullptr);
            reasons.insert(DecideWithSubject(*policy, input, facts).reason);
          });
      if (HasFailure()) return;
    }
    EXPECT_GT(reasons.size(), 12u) << "the calls are too much alike";
    EXPECT_THAT(reasons, Contains(Reason::kOk));
  }
}

TEST(CaseReaderTest, ReadsACaseThatIsNotInThePolicy) {
  PolicyText text;
  text.yaml = std::string(kTestPolicy);
  Diagnostics diagnostics;
  const auto policy = LoadWithCase(
      text, "{as: engineer, does: reveal, fields: [user.email], for: work, ticket: T-1}",
      &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_EQ(policy->hash(), LoadTestPolicy()->hash());
  ASSERT_EQ(policy->cases().size(), 1u);
  EXPECT_TRUE(RunPolicyCases(*policy).ok());

  Diagnostics wrong;
  EXPECT_EQ(LoadWithCase(text, "{as: nobody-known, does: reveal}", &wrong), nullptr);
  EXPECT_THAT(wrong.ToString(), HasSubstr("nobody-known"));
  for (const char* bad : {"", "[]", "{as: engineer", "- 1", "as: engineer"}) {
    Diagnostics more;
    EXPECT_EQ(LoadWithCase(text, bad, &more), nullptr) << bad;
    EXPECT_TRUE(more.has_errors()) << bad;
  }
}

}  // namespace
}  // namespace piivault::authz
