// People's requests: who may ask for what, and on which grounds it may be refused.
#include "authz/right_rules.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace piivault::authz {
namespace {

constexpr std::string_view kPolicy = R"(policy: rights
timezone: Asia/Tokyo
laws: [JP-APPI, JP-tax]
types:
  a: {fields: {x: free_text, y: free_text, z: free_text}}
purposes: {R0: {label: {en: Rights}}}
roles:
  desk: {kind: staff, nda: none}
  shop: {kind: service}
  owner: {kind: tenant}
  person: {kind: subject, scope: own_record}
  member: {kind: subject, scope: own_record}
  proxy: {kind: subject, scope: represented}
grants:
  - {id: g, role: desk, may: [rights_request], fields: [a.*], for: [R0]}
rights:
  - {id: named, who: member, kind: [erase, disclose], fields: [a.x, a.y], identity: required_before_execution,
     refusal: [statute_or_legal_duty, harm_to_others, contract_active_without_termination, no_legal_duty, category_not_covered]}
  - {id: anybody, who: [subject, agent], kind: [purpose_notice, erase], exceptions: [APPI-18-4-1], refusal: [no_legal_duty]}
  - {id: tenants, who: tenant, kind: download, fields: [a.*], identity: none_stated}
  - {id: seen, who: subject, kind: access, evidence: [passport]}
  - {id: login, who: subject, kind: access, identity: login}
  - {id: stepped, who: subject, kind: access, identity: none_stated, steps: [identity, decide]}
  - {id: grounded, who: subject, kind: correct, grounds: [untrue, no_longer_needed]}
  - {id: gone, who: subject, kind: disclose, answer: not_held}
  - {id: formal, who: subject, kind: disclose, answer: formal_notice}
)";

class RightRulesTest : public testing::Test {
 protected:
  RightRulesTest() {
    Diagnostics diagnostics;
    policy_ = Policy::Load({std::string(kPolicy), ""}, &diagnostics);
    EXPECT_NE(policy_, nullptr) << diagnostics.ToString();
  }
  const RightSpec& Right(std::string_view id) const { return *FindRight(*policy_, id); }
  std::string_view Ask(std::string_view right, std::string_view kind, std::string_view role,
                       const std::vector<std::string_view>& fields = {"a.x"},
                       bool by_the_person = true, std::string_view ground = "") const {
    std::vector<FieldId> ids;
    for (std::string_view field : fields) ids.push_back(policy_->FindField(field));
    std::string_view argument;
    return ReasonName(CheckRequest(
        Right(right), {kind, ground, ids, policy_->FindRole(role), by_the_person}, &argument));
  }
  std::string Refuse(std::string_view right, const RefusalTerms& terms) const {
    std::string_view argument;
    const Reason reason = CheckRefusal(*policy_, Right(right), terms, &argument);
    return reason == Reason::kOk ? "OK"
                                 : std::string(ReasonName(reason)) + " " + std::string(argument);
  }

  std::shared_ptr<const Policy> policy_;
};

TEST_F(RightRulesTest, ARightIsThatOfKindFieldsAndPeopleNamed) {
  EXPECT_EQ(FindRight(*policy_, "other"), nullptr);
  EXPECT_EQ(Ask("named", "erase", "member"), "OK");
  EXPECT_EQ(Ask("named", "erase", "member", {"a.x", "a.y"}), "OK");
  EXPECT_EQ(Ask("named", "erase", "member", {"a.x", "a.z"}), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("named", "correct", "member"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("named", "erase", "person"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("named", "erase", "owner"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("named", "erase", "nobody"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("anybody", "erase", "person", {"a.z"}), "OK");
  EXPECT_EQ(Ask("anybody", "erase", "proxy", {"a.z"}, false), "OK");
  EXPECT_EQ(Ask("login", "access", "proxy", {"a.z"}, false), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("tenants", "download", "owner"), "OK");
  EXPECT_EQ(Ask("tenants", "download", "person"), "RIGHT_NOT_GIVEN");
}

TEST_F(RightRulesTest, StaffAndServicesWriteDownWhatTheyWereTold) {
  for (const char* role : {"desk", "shop"}) {
    EXPECT_EQ(Ask("named", "erase", role, {"a.x"}, false), "OK") << role;
    EXPECT_EQ(Ask("named", "erase", role, {"a.z"}, false), "RIGHT_NOT_GIVEN") << role;
  }
}

TEST_F(RightRulesTest, WhatIsNotHeldIsNotAskedFor) {
  EXPECT_EQ(Ask("gone", "disclose", "person"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("gone", "disclose", "desk"), "RIGHT_NOT_GIVEN");
  EXPECT_EQ(Ask("formal", "disclose", "person"), "OK");
}

TEST_F(RightRulesTest, AGroundOfTheRightIsStatedWhereItNamesAny) {
  EXPECT_EQ(Ask("grounded", "correct", "person", {"a.x"}, true, "untrue"), "OK");
  EXPECT_EQ(Ask("grounded", "correct", "person", {"a.x"}, true, ""), "MALFORMED_REQUEST");
  EXPECT_EQ(Ask("grounded", "correct", "person", {"a.x"}, true, "wrongful_acquisition"),
            "MALFORMED_REQUEST");
  EXPECT_EQ(Ask("named", "erase", "member", {"a.x"}, true, "untrue"), "MALFORMED_REQUEST");
}

TEST_F(RightRulesTest, IdentityIsAskedForUnlessThePolicySaysOtherwise) {
  for (const bool person : {false, true}) {
    EXPECT_TRUE(AsksForIdentity(Right("named"), person));
    EXPECT_TRUE(AsksForIdentity(Right("anybody"), person)) << "silence";
    EXPECT_TRUE(AsksForIdentity(Right("stepped"), person)) << "a step of its own";
    EXPECT_FALSE(AsksForIdentity(Right("tenants"), person));
    EXPECT_EQ(AsksForIdentity(Right("login"), person), !person);
  }
}

TEST_F(RightRulesTest, ARefusalRestsOnAGroundOfTheRight) {
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ""}), "MALFORMED_REQUEST ground");
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "inconvenient"}),
            "GROUND_NOT_ADMITTED ground");
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "category_not_covered"}), "OK");
  EXPECT_EQ(Refuse("grounded", {.kind = "correct", .ground = "category_not_covered"}),
            "GROUND_NOT_ADMITTED ground");
}

TEST_F(RightRulesTest, GroundsOfLawCiteIt) {
  for (const char* ground : {"statute_or_legal_duty", "no_legal_duty"}) {
    EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground}), "MALFORMED_REQUEST law");
    EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground, .law = "JP-tax"}),
              "MALFORMED_REQUEST article");
    EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground, .article = "7"}),
              "MALFORMED_REQUEST law");
    EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground, .law = "JP-tax", .article = "7"}),
              "OK");
    EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground, .law = "Moon", .article = "7"}),
              "GROUND_NOT_ADMITTED law");
  }
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "category_not_covered", .law = "JP-tax"}),
            "MALFORMED_REQUEST law");
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "category_not_covered", .article = "7"}),
            "MALFORMED_REQUEST article");
}

TEST_F(RightRulesTest, AnArticleIsNoText) {
  for (const char* good : {"7", "85-3", "art.126", "33-2-1", "J27/1"}) EXPECT_TRUE(IsArticle(good));
  for (const char* bad : {"", "Hanako", "see note", "7 bis", "1234567890123456789012345"}) {
    EXPECT_FALSE(IsArticle(bad)) << bad;
    EXPECT_EQ(Refuse("named",
                     {.kind = "erase", .ground = "no_legal_duty", .law = "JP-tax", .article = bad}),
              "MALFORMED_REQUEST article");
  }
}

TEST_F(RightRulesTest, IdentityIsSeenInAWayThatTheRightOrTheVaultKnows) {
  EXPECT_TRUE(IsIdentityMethod(Right("seen"), "passport"));
  EXPECT_FALSE(IsIdentityMethod(Right("seen"), "login"));
  EXPECT_TRUE(IsIdentityMethod(Right("named"), "login"));
  for (const char* none : {"", "good_friends"}) {
    EXPECT_FALSE(IsIdentityMethod(Right("named"), none));
    EXPECT_FALSE(IsIdentityMethod(Right("seen"), none));
  }
}

TEST_F(RightRulesTest, WhatPeopleMayHaveCorrectedIsDated) {
  EXPECT_TRUE(policy_->field(policy_->FindField("a.x")).dated) << "a right over any field";
  std::string narrow(kPolicy);
  narrow.replace(narrow.find("kind: correct, grounds"), 13, "kind: correct, fields: [a.y]");
  Diagnostics diagnostics;
  const auto policy = Policy::Load({narrow, ""}, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_FALSE(policy->field(policy->FindField("a.x")).dated);
  EXPECT_TRUE(policy->field(policy->FindField("a.y")).dated);
}

TEST_F(RightRulesTest, HarmToOthersIsWeighedInADocument) {
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "harm_to_others"}),
            "MALFORMED_REQUEST document_sha256");
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = "harm_to_others", .has_document = true}),
            "OK");
  EXPECT_TRUE(IsException(Right("named"), "harm_to_others"));
  EXPECT_TRUE(IsException(Right("anybody"), "APPI-18-4-1"));
  EXPECT_FALSE(IsException(Right("named"), "APPI-18-4-1"));
  EXPECT_FALSE(IsException(Right("named"), "no_legal_duty"));
}

TEST_F(RightRulesTest, TheContractIsAGroundAsLongAsItStands) {
  const char* ground = "contract_active_without_termination";
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground, .contract_stands = true}), "OK");
  EXPECT_EQ(Refuse("named", {.kind = "erase", .ground = ground}), "GROUND_NOT_ADMITTED ground");
  EXPECT_TRUE(RestsOnContract(ground));
  EXPECT_FALSE(RestsOnContract("no_legal_duty"));
}

TEST_F(RightRulesTest, ExceptionsAreThoseOfTellingPurposesAlone) {
  EXPECT_EQ(Refuse("anybody", {.kind = "purpose_notice", .ground = "APPI-18-4-1"}), "OK");
  EXPECT_EQ(Refuse("anybody", {.kind = "purpose_notice", .ground = "APPI-18-4-2"}),
            "GROUND_NOT_ADMITTED ground");
  EXPECT_EQ(Refuse("anybody", {.kind = "erase", .ground = "APPI-18-4-1"}),
            "GROUND_NOT_ADMITTED ground");
}

}  // namespace
}  // namespace piivault::authz
