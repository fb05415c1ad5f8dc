// What only a law keeps, and what is due: who may still do what with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "authz/policy_cases.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kPolicy = R"yaml(policy: retained
types:
  user:
    history: all
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, index: true}
      memo: {type: free_text, token: none}
  other: {fields: {name: person_name}}
groups: {contact: [user.name, user.email]}
purposes: {work: {}, ask: {}, law: {}, later: {follows: [law]}}
roles:
  desk: {kind: service}
  officer: {kind: service}
  person: {kind: subject}
  agent: {kind: subject, scope: represented}
  buyer: {kind: recipient}
grants:
  - {id: desk, role: desk, may: [create, reveal, reveal_history, lookup, search, update, tokenize,
     detokenize, download, verify, send_list, aggregate, pseudonymize, bulk_move, stop_use, export],
     fields: [user.*, other.*], for: [work, ask, later]}
  - {id: desk-requests, role: desk, may: [rights_request], fields: [user.*], for: [ask]}
  - {id: desk-types, role: desk, may: [list, delete, unsubscribe], types: [user], for: [ask]}
  - {id: desk-tenant, role: desk, may: [read_subject, delete_subject, read_disclosures], for: [ask]}
  - {id: officer, role: officer, may: [reveal, reveal_history, lookup, download, export],
     fields: [contact], for: [law, later, work]}
  - {id: person, role: person, may: [reveal, reveal_history, lookup, download, update],
     fields: [contact], for: [work]}
  - {id: agent, role: agent, may: [reveal], fields: [user.name], for: [work]}
  - {id: buyer, role: buyer, may: [redeem], fields: [user.name], for: [ask, law]}
retention_rules: {open_purposes: [law]}
)yaml";

class RetainedDecisionTest : public ::testing::Test {
 protected:
  RetainedDecisionTest() {
    std::string problems;
    policy_ = LoadPolicy(std::string(kPolicy), &problems);
    EXPECT_NE(policy_, nullptr) << problems;
  }

  // Reveals user.name, which a law keeps.
  Call As(std::string_view role, std::string_view purpose) const {
    Call call(policy_, role);
    call.fields = {"name"};
    call.purpose = std::string(purpose);
    call.ticket.clear();
    call.facts.kept_by_law = kept_;
    call.facts.expired = expired_;
    return call;
  }
  Call Own(std::string_view role) const {
    Call call = As(role, "work");
    call.on_behalf_of = "subjects/s";
    return call;
  }
  // Each verb that the role may use for the purpose, without facts of retention and with.
  void ExpectUsesAreRefused(std::string_view role, std::string_view purpose, int at_least,
                            Reason reason) const {
    int uses = 0;
    for (const VerbInfo& verb : kVerbs) {
      Call call = As(role, purpose);
      call.verb = verb.id;
      call.channel = "web";
      call.front_hop = FrontHop::kTls;
      if (verb.target != VerbTarget::kFields) call.fields.clear();
      Call without = call;
      without.facts.kept_by_law = {};
      without.facts.expired = {};
      if (without.reason() != Reason::kOk) continue;
      const bool use = verb.uses_data && verb.target == VerbTarget::kFields;
      uses += use ? 1 : 0;
      EXPECT_EQ(call.reason(), use ? reason : Reason::kOk) << verb.name;
      EXPECT_TRUE(call.DecideFirst().granted()) << verb.name;
    }
    EXPECT_GE(uses, at_least);
  }

  std::shared_ptr<const Policy> policy_;
  std::vector<std::string_view> kept_ = {"user.memo", "user.name"};
  std::vector<std::string_view> expired_;
};

// 001-21: while only the law keeps it, ordinary purposes are closed.
TEST_F(RetainedDecisionTest, KeepsItsFieldsAndNoOthersFromOrdinaryPurposes) {
  Call call = As("desk", "work");
  call.fields = {"name", "email", "memo"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kKeptByLaw);
  ASSERT_THAT(decision.fields, SizeIs(3));
  EXPECT_EQ(decision.fields[0].reason, Reason::kKeptByLaw);
  EXPECT_EQ(decision.fields[0].view, View::kDenied);
  EXPECT_EQ(decision.fields[0].grant, nullptr);
  EXPECT_EQ(decision.fields[1].view, View::kPlain);
  EXPECT_EQ(decision.fields[2].reason, Reason::kKeptByLaw);
  call.fields = {"name"};
  call.type = "other";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(RetainedDecisionTest, NamesAreWhole) {
  for (std::string_view name : {"user.*", "", "*", "name", "xser.name", "user.nam", "user.names"}) {
    kept_ = {name};
    expired_ = {name};
    EXPECT_EQ(As("desk", "work").reason(), Reason::kOk) << name;
  }
}

TEST_F(RetainedDecisionTest, EveryUseIsClosedAndNothingElse) {
  ExpectUsesAreRefused("desk", "ask", 11, Reason::kKeptByLaw);
  expired_ = {"user.name"};
  ExpectUsesAreRefused("desk", "ask", 11, Reason::kRetentionOver);
  // There is nothing to keep it for any more, whatever the purpose.
  ExpectUsesAreRefused("officer", "law", 4, Reason::kRetentionOver);
}

// 001-21: for what the law asks it is there.
TEST_F(RetainedDecisionTest, OpenPurposesHaveIt) {
  for (Verb verb :
       {Verb::kReveal, Verb::kRevealHistory, Verb::kLookup, Verb::kDownload, Verb::kExport}) {
    Call call = As("officer", "law");
    call.verb = verb;
    EXPECT_EQ(call.reason(), Reason::kOk) << VerbName(verb);
    call = As("officer", "work");
    call.verb = verb;
    EXPECT_EQ(call.reason(), Reason::kKeptByLaw) << VerbName(verb);
  }
  Call call = As("buyer", "law");
  call.principal.kind = PrincipalKind::kRecipient;
  call.verb = Verb::kRedeem;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.purpose = "ask";
  EXPECT_EQ(call.reason(), Reason::kKeptByLaw);
}

TEST_F(RetainedDecisionTest, WhatFollowsFromAnOpenPurposeIsNotOpen) {
  Call call = As("officer", "later");
  call.arguments = {{"parent", "law"}};
  EXPECT_EQ(call.reason(), Reason::kKeptByLaw);
  call.facts.kept_by_law = {};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(RetainedDecisionTest, ThePersonSeesItAndUsesItForNothing) {
  Call call = Own("person");
  for (Verb verb : {Verb::kReveal, Verb::kRevealHistory}) {
    call.verb = verb;
    EXPECT_EQ(call.reason(), Reason::kOk) << VerbName(verb);
  }
  for (Verb verb : {Verb::kLookup, Verb::kDownload}) {
    call.verb = verb;
    EXPECT_EQ(call.reason(), Reason::kKeptByLaw) << VerbName(verb);
  }
  const std::string_view name = "user.name";
  call.facts.expired = absl::MakeConstSpan(&name, 1);
  call.verb = Verb::kReveal;
  EXPECT_EQ(call.reason(), Reason::kRetentionOver);
  call = Own("agent");
  call.on_behalf_of = "subjects/a";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  const RepresentativeFact agent{.subject = "subjects/a"};
  call.facts.representatives = absl::MakeConstSpan(&agent, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
}

// Stopped, due, kept by law, frozen, then the view.
TEST_F(RetainedDecisionTest, TheReasonsComeInTheirOrder) {
  Call call = As("desk", "work");
  const UseStop stop{"user.memo", "work"};
  const std::string_view memo = "user.memo";
  call.fields = {"memo"};
  call.wanted = View::kToken;
  call.facts.stops = absl::MakeConstSpan(&stop, 1);
  call.facts.expired = absl::MakeConstSpan(&memo, 1);
  call.facts.frozen = absl::MakeConstSpan(&memo, 1);
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  call.facts.stops = {};
  EXPECT_EQ(call.reason(), Reason::kRetentionOver);
  call.facts.expired = {};
  EXPECT_EQ(call.reason(), Reason::kKeptByLaw);
  call.facts.kept_by_law = {};
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  call.facts.frozen = {};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);
  call = As("officer", "work");
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
}

// The role that may see it does, though another is named first.
TEST_F(RetainedDecisionTest, OneOfSeveralRolesIsEnough) {
  Call call = As("desk", "work");
  call.on_behalf_of = "subjects/s";
  call.principal.bindings.push_back(call.principal.bindings[0]);
  call.principal.bindings[1].role = "person";
  const Decision decision = call.Decide();
  EXPECT_TRUE(decision.granted());
  EXPECT_EQ(decision.role->name, "person");
  call.role = "desk";
  EXPECT_EQ(call.reason(), Reason::kKeptByLaw);
}

constexpr std::string_view kCases = R"yaml(cases:
  - {name: group, as: desk, does: reveal, fields: [user.email], for: work, subject: {kept_by_law: [contact]}, expect: KEPT_BY_LAW}
  - {name: type, as: desk, does: reveal, fields: [user.memo], for: work, subject: {kept_by_law: user.*}, expect: KEPT_BY_LAW}
  - {name: not it, as: desk, does: reveal, fields: [user.memo], for: work, subject: {kept_by_law: [contact, other.name]}, expect: granted}
  - {name: open, as: officer, does: reveal, fields: [user.name], for: law, subject: {kept_by_law: [contact]}, expect: granted}
  - {name: due, as: officer, does: reveal, fields: [user.name], for: law, subject: {expired: [contact]}, expect: RETENTION_OVER}
  - {name: not due, as: officer, does: reveal, fields: [user.name], for: law, subject: {expired: [user.email]}, expect: granted}
)yaml";

TEST(RetainedCasesTest, SayWhatTheLawKeepsAndWhatIsDue) {
  std::string problems;
  const auto policy = LoadPolicy(std::string(kPolicy) + std::string(kCases), &problems);
  ASSERT_NE(policy, nullptr) << problems;
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_EQ(report.run, 6u);
  EXPECT_THAT(report.failures, IsEmpty());
}

TEST(RetainedCasesTest, NameFieldsOfThePolicy) {
  for (const char* key : {"kept_by_law", "expired"}) {
    for (const char* wrong : {"user.shoe", "users.name", "nobody", "true"}) {
      std::string problems;
      const std::string one = absl::StrCat(
          "cases:\n  - {name: a, as: desk, does: reveal, fields: [user.email], for: work, ",
          "subject: {", key, ": [", wrong, "]}, expect: granted}\n");
      EXPECT_EQ(LoadPolicy(std::string(kPolicy) + one, &problems), nullptr) << wrong;
      EXPECT_THAT(problems, HasSubstr(wrong));
    }
  }
}

}  // namespace
}  // namespace piivault::authz
