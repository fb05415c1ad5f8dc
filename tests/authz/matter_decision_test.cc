// Uses that rest on a case, an order, an instruction; purposes that follow from others.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

class MatterDecisionTest : public ::testing::Test {
 protected:
  Call For(std::string_view purpose, std::vector<Argument> arguments,
           std::string_view role = "app") const {
    Call call = MakeGroundsCall(policy_, role);
    call.purpose = std::string(purpose);
    call.arguments = std::move(arguments);
    return call;
  }
  const std::shared_ptr<const Policy> policy_ = LoadGroundsPolicy();
  std::vector<MatterFact> facts_;
};

TEST_F(MatterDecisionTest, TheCallNamesACaseThatIsOpen) {
  Call call = For("consult", {});
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kArgumentMissing);
  call.arguments = {{"consultation", "C-1"}};
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  EXPECT_TRUE(call.DecideFirst().granted());
  facts_ = {{.kind = "consultation", .id = "C-1", .state = "open"}};
  call.facts.matters = facts_;
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kOk);
  ASSERT_NE(decision.matter, nullptr);
  EXPECT_EQ(decision.matter->name, "consultation");
  facts_[0].state = "closed";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
}

TEST_F(MatterDecisionTest, EachPartOfAMatterCounts) {
  const MatterFact good{.kind = "consultation", .id = "C-1", .state = "open"};
  const auto reason = [&](auto change) {
    Call call = For("consult", {{"consultation", "C-1"}});
    facts_ = {good};
    change(facts_[0]);
    call.facts.matters = facts_;
    return call.reason();
  };
  static constexpr std::string_view kOther[] = {"plain", "duty"};
  static constexpr std::string_view kThis[] = {"plain", "consult"};
  EXPECT_EQ(reason([](MatterFact&) {}), Reason::kOk);
  EXPECT_EQ(reason([](MatterFact& m) { m.kind = "order"; }), Reason::kMatterUnknown);
  EXPECT_EQ(reason([](MatterFact& m) { m.id = "C-2"; }), Reason::kMatterUnknown);
  EXPECT_EQ(reason([](MatterFact& m) { m.state = "closed"; }), Reason::kMatterUnknown);
  EXPECT_EQ(reason([](MatterFact& m) { m.purposes = kOther; }), Reason::kMatterUnknown);
  EXPECT_EQ(reason([](MatterFact& m) { m.purposes = kThis; }), Reason::kOk);
  const absl::Time now = For("consult", {}).now;
  EXPECT_EQ(reason([&](MatterFact& m) { m.not_after = now; }), Reason::kOk);
  EXPECT_EQ(reason([&](MatterFact& m) { m.not_after = now - absl::Nanoseconds(1); }),
            Reason::kMatterUnknown);
}

TEST_F(MatterDecisionTest, OneOfSeveralKindsInOneOfSeveralStates) {
  Call call = For("refund", {{"order", "O-1"}});
  for (const auto& [state, reason] :
       {std::pair("open", Reason::kMatterUnknown), std::pair("cancelled", Reason::kOk),
        std::pair("completed", Reason::kOk)}) {
    facts_ = {{.kind = "order", .id = "O-1", .state = state}};
    call.facts.matters = facts_;
    EXPECT_EQ(call.reason(), reason) << state;
  }
  // The order is another one, but there is the project as well.
  call.arguments = {{"order", "O-2"}, {"project", "P-1"}};
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.matters = {{.kind = "project", .id = "P-1", .state = "open"}};
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(call.Decide().matter->name, "project");
}

TEST_F(MatterDecisionTest, MattersOfTheTenantNeedNoSubject) {
  Call call = For("move", {{"project", "P-1"}});
  EXPECT_EQ(call.DecideFirst().reason, Reason::kMatterUnknown);
  facts_ = {{.kind = "project", .id = "P-1", .state = "open"}};
  call.facts.matters = facts_;  // Whatever a subject's matters say.
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.matters = facts_;
  EXPECT_TRUE(call.DecideFirst().granted());
  EXPECT_EQ(call.DecideFirst().matter->name, "project");
  EXPECT_TRUE(call.Decide().granted());
}

TEST_F(MatterDecisionTest, MattersOfASubjectAreNotTheTenants) {
  Call call = For("consult", {{"consultation", "C-1"}});
  call.matters = {{.kind = "consultation", .id = "C-1", .state = "open"}};
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
}

TEST_F(MatterDecisionTest, AnInstructionIsOfTheControllerOfTheRecord) {
  Call call = For("entrusted", {{"instruction", "I-1"}});
  call.matters = {{.kind = "instruction", .id = "I-1", .state = "open", .party = "acme"}};
  EXPECT_TRUE(call.DecideFirst().granted());
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.facts.controller = "acme";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.controller = "other";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.matters[0].party = call.facts.controller = "";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
}

TEST_F(MatterDecisionTest, ARoleMayActInACaseOnly) {
  Call call = For("plain", {}, "caller");
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
  call.arguments = {{"project", "P-1"}};
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.matters = {{.kind = "project", .id = "P-1", .state = "open"}};
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.arguments = {{"consultation", "C-1"}};
  EXPECT_TRUE(call.DecideFirst().granted());
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  facts_ = {{.kind = "consultation", .id = "C-1", .state = "open"}};
  call.facts.matters = facts_;
  EXPECT_EQ(call.reason(), Reason::kOk);
  // Verbs without a purpose are not asked, those where it is optional are.
  call.arguments = {};
  call.purpose.clear();
  call.verb = Verb::kDeleteSubject;
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
  call.verb = Verb::kReadSubject;
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(MatterDecisionTest, ArgumentsComeBeforeTheMattersThemselves) {
  const auto policy = LoadGroundsPolicy();
  Call call = For("move", {{"project", "P-1"}}, "caller");
  call.purpose = "plain";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
  call.arguments = {{"order", "O-1"}};
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
}

TEST_F(MatterDecisionTest, GoodUntilTheMatterEnds) {
  Call call = For("move", {{"project", "P-1"}});
  const absl::Time end = call.now + absl::Hours(1);
  call.matters = {{.kind = "project", .id = "P-1", .state = "open", .not_after = end}};
  EXPECT_EQ(call.Decide().good_until, end + absl::Nanoseconds(1));
  EXPECT_EQ(call.DecideFirst().good_until, end + absl::Nanoseconds(1));
  call.matters.push_back(call.matters[0]);
  call.matters[1].not_after = end + absl::Hours(1);
  EXPECT_EQ(call.Decide().good_until, end + absl::Hours(1) + absl::Nanoseconds(1));
}

TEST_F(MatterDecisionTest, ADerivedPurposeNamesItsParent) {
  Call call = For("close", {{"reason", "R"}});
  EXPECT_EQ(call.reason(), Reason::kPurposeParentUnknown);
  call.arguments = {{"parent", "plain"}};
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);  // The reason.
  for (const auto& [parent, reason] :
       {std::pair("plain", Reason::kOk), std::pair("known", Reason::kOk),
        std::pair("duty", Reason::kPurposeParentUnknown),
        std::pair("close", Reason::kPurposeParentUnknown),
        std::pair("nothing", Reason::kPurposeParentUnknown)}) {
    call.arguments = {{"reason", "R"}, {"parent", parent}};
    EXPECT_EQ(call.reason(), reason) << parent;
    EXPECT_EQ(call.DecideFirst().reason, reason) << parent;
  }
  // The first of two counts.
  call.arguments = {{"reason", "R"}, {"parent", "duty"}, {"parent", "plain"}};
  EXPECT_EQ(call.reason(), Reason::kPurposeParentUnknown);
}

TEST_F(MatterDecisionTest, ADerivedPurposeHasTheFieldsOfItsParent) {
  Call call = For("close", {{"reason", "R"}, {"parent", "known"}});
  call.fields = {"email", "name"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kFieldNotGranted);
  EXPECT_EQ(decision.fields[0].view, View::kPlain);
  EXPECT_EQ(decision.fields[1].reason, Reason::kFieldNotGranted);
  EXPECT_EQ(call.DecideFirst().reason, Reason::kFieldNotGranted);
  call.arguments[1].value = "plain";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(MatterDecisionTest, WhatTheParentNeverUsesDoesNotFollow) {
  // `known` reveals user.email; that user.hidden is named with it does not make it used.
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy);
  const std::string named = "fields: [user.email], for: [known]";
  ASSERT_NE(text.yaml.find(named), std::string::npos);
  text.yaml.replace(text.yaml.find(named), named.size(), "fields: [user.*], for: [known]");
  const auto policy = Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  Call call = MakeGroundsCall(*policy);
  call.purpose = "close";
  call.verb = Verb::kUpdate;
  call.arguments = {{"reason", "R"}, {"parent", "known"}};
  call.channel = "web";
  call.fields = {"email"};
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.fields = {"hidden"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
}

TEST_F(MatterDecisionTest, AStopOfTheParentStopsWhatFollows) {
  Call call = For("close", {{"reason", "R"}, {"parent", "plain"}});
  UseStop stop{.fields = "", .purpose = "plain"};
  call.facts.stops = absl::MakeConstSpan(&stop, 1);
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  stop.purpose = "close";
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  stop.purpose = "known";
  EXPECT_EQ(call.reason(), Reason::kOk);
  stop.purpose = "plain";
  call.verb = Verb::kList;
  call.fields.clear();
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
}

TEST_F(MatterDecisionTest, AMatterForTheParentIsForWhatFollows) {
  const auto policy = LoadGroundsPolicy();
  static constexpr std::string_view kKnown[] = {"known"};
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy);
  const std::string close = "close: {follows: [plain, known], needs: [reason]}";
  text.yaml.replace(text.yaml.find(close), close.size(),
                    "close: {follows: [plain, known], matter: project}");
  const auto changed = Policy::Load(text);
  ASSERT_TRUE(changed.ok()) << changed.status();
  Call call = MakeGroundsCall(*changed);
  call.purpose = "close";
  call.arguments = {{"parent", "known"}, {"project", "P-1"}};
  call.matters = {{.kind = "project", .id = "P-1", .state = "open", .purposes = kKnown}};
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.arguments[0].value = "plain";
  EXPECT_EQ(call.reason(), Reason::kMatterUnknown);
}

TEST_F(MatterDecisionTest, LeavingThePurposeOutLeavesNothingOut) {
  const auto policy = LoadGroundsPolicy();
  Call call = MakeGroundsCall(policy);
  call.verb = Verb::kList;
  call.fields.clear();
  call.purpose.clear();
  EXPECT_EQ(call.reason(), Reason::kOk);  // `plain` asks for nothing.
  for (const char* left : {"extra", "close"}) {
    PolicyText text;
    text.yaml = std::string(kGroundsPolicy);
    const std::string all = "types: [user], for: [plain, extra, close]";
    text.yaml.replace(text.yaml.find(all), all.size(),
                      std::string("types: [user], for: [") + left + "]");
    const auto changed = Policy::Load(text);
    ASSERT_TRUE(changed.ok()) << changed.status();
    call.policy = *changed;
    EXPECT_EQ(call.reason(), Reason::kPurposeMissing) << left;
  }
}

}  // namespace
}  // namespace piivault::authz
