// What an open request freezes: nobody uses it, and who it concerns sees it.
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

constexpr std::string_view kPolicy = R"yaml(policy: frozen
types:
  user:
    history: all
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, index: true}
      memo: {type: free_text, token: none}
  other: {fields: {name: person_name}}
groups: {contact: [user.name, user.email]}
purposes: {work: {}, ask: {}, extra: {consent: required}}
roles:
  desk: {kind: service}
  late: {kind: service}
  corrector: {kind: service}
  asker: {kind: service}
  person: {kind: subject}
  agent: {kind: subject, scope: represented}
  buyer: {kind: recipient}
grants:
  - {id: desk, role: desk, may: [reveal, reveal_history], fields: [user.*, other.*], for: [work, ask, extra]}
  - {id: late, role: late, may: [reveal], fields: [user.*], for: [ask], view: masked}
  - {id: late-requests, role: late, may: [rights_request], fields: [user.name], for: [ask]}
  - {id: corrector, role: corrector, may: [create, reveal, reveal_history, lookup, search, update, tokenize,
     detokenize, download, verify, send_list, aggregate, pseudonymize, bulk_move, stop_use, export],
     fields: [contact], for: [work, ask]}
  - {id: corrector-types, role: corrector, may: [list, delete, unsubscribe], types: [user], for: [ask]}
  - {id: corrector-tenant, role: corrector, may: [read_subject, delete_subject, read_disclosures], for: [ask]}
  - {id: corrector-requests, role: corrector, may: [rights_request], fields: [user.name], for: [ask],
     when: [subscribed, contract_active]}
  - {id: asker, role: asker, may: [rights_request], fields: [user.*], for: [ask]}
  - {id: person, role: person, may: [reveal, reveal_history, lookup, download, verify, resume_use, update],
     fields: [user.name, user.email], for: [work]}
  - {id: agent, role: agent, may: [reveal], fields: [user.name], for: [work]}
  - {id: buyer, role: buyer, may: [redeem], fields: [user.name], for: [ask]}
  - {id: buyer-requests, role: buyer, may: [rights_request], fields: [user.name], for: [ask]}
consent:
  - {id: wider, event: purpose_extension, when: before_use}
)yaml";

class FrozenDecisionTest : public ::testing::Test {
 protected:
  FrozenDecisionTest() {
    std::string problems;
    policy_ = LoadPolicy(std::string(kPolicy), &problems);
    EXPECT_NE(policy_, nullptr) << problems;
  }

  // Reveals user.name, which is frozen.
  Call As(std::string_view role, std::string_view purpose) const {
    Call call(policy_, role);
    call.fields = {"name"};
    call.purpose = std::string(purpose);
    call.ticket.clear();
    call.facts.frozen = frozen_;
    return call;
  }
  Call Own(std::string_view role) const {
    Call call = As(role, "work");
    call.on_behalf_of = "subjects/s";
    return call;
  }
  static std::string RoleOf(const Decision& decision) {
    return decision.role == nullptr ? "" : decision.role->name;
  }

  std::shared_ptr<const Policy> policy_;
  std::vector<std::string_view> frozen_ = {"user.memo", "user.name"};
};

// 001-39: it is neither used nor handed out until the correction is complete.
TEST_F(FrozenDecisionTest, FreezesItsFieldsAndNoOther) {
  Call call = As("desk", "work");
  call.fields = {"name", "email", "memo"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kSubjectRestricted);
  ASSERT_THAT(decision.fields, SizeIs(3));
  EXPECT_EQ(decision.fields[0].reason, Reason::kSubjectRestricted);
  EXPECT_EQ(decision.fields[0].view, View::kDenied);
  EXPECT_EQ(decision.fields[0].grant, nullptr);
  EXPECT_EQ(decision.fields[1].view, View::kPlain);
  EXPECT_EQ(decision.fields[2].reason, Reason::kSubjectRestricted);
  EXPECT_TRUE(call.DecideFirst().granted());
  call.fields = {"name"};
  call.type = "other";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(FrozenDecisionTest, NamesAreWhole) {
  Call call = As("desk", "work");
  for (std::string_view name : {"user.*", "", "*", "name", "xser.name", "user.nam", "user.names"}) {
    frozen_ = {name};
    call.facts.frozen = frozen_;
    EXPECT_EQ(call.reason(), Reason::kOk) << name;
  }
}

TEST_F(FrozenDecisionTest, WhoCorrectsSeesItAndUsesItForNothing) {
  int tried = 0;
  for (const VerbInfo& verb : kVerbs) {
    Call call = As("corrector", "ask");
    call.verb = verb.id;
    call.channel = "web";
    call.front_hop = FrontHop::kTls;
    if (verb.target != VerbTarget::kFields) call.fields.clear();
    if (call.DecideFirst().reason == Reason::kOperationNotGranted) continue;
    ++tried;
    const bool sees = verb.id == Verb::kReveal || verb.id == Verb::kRevealHistory;
    const bool uses = verb.uses_data && verb.target == VerbTarget::kFields;
    EXPECT_EQ(call.reason(), uses && !sees ? Reason::kSubjectRestricted : Reason::kOk) << verb.name;
  }
  EXPECT_GE(tried, 23);
  Call call = As("buyer", "ask");
  call.principal.kind = PrincipalKind::kRecipient;
  call.verb = Verb::kRedeem;
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  call.facts.frozen = {};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(FrozenDecisionTest, WhoCorrectsOtherFieldsOrForOtherPurposesDoesNot) {
  EXPECT_EQ(As("corrector", "ask").reason(), Reason::kOk);
  EXPECT_EQ(As("corrector", "work").reason(), Reason::kSubjectRestricted);
  frozen_ = {"user.email"};
  Call call = As("corrector", "ask");
  call.fields = {"email"};
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
}

TEST_F(FrozenDecisionTest, ConditionsOfTheGrantOfRequestsAreNotAsked) {
  Call call = As("corrector", "ask");
  call.facts.unsubscribed = true;
  call.facts.contract_active = false;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.verb = Verb::kRightsRequest;
  EXPECT_NE(call.reason(), Reason::kOk);
}

TEST_F(FrozenDecisionTest, ThePersonSeesIt) {
  Call call = Own("person");
  EXPECT_EQ(call.reason(), Reason::kOk);
  for (Verb verb : {Verb::kRevealHistory, Verb::kResumeUse, Verb::kUpdate}) {
    call.verb = verb;
    call.channel = "web";
    call.front_hop = FrontHop::kTls;
    EXPECT_EQ(call.reason(), Reason::kOk) << VerbName(verb);
  }
  for (Verb verb : {Verb::kLookup, Verb::kDownload, Verb::kVerify}) {
    call.verb = verb;
    EXPECT_EQ(call.reason(), Reason::kSubjectRestricted) << VerbName(verb);
  }
  call = Own("agent");
  call.on_behalf_of = "subjects/a";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  const RepresentativeFact agent{.subject = "subjects/a"};
  call.facts.representatives = absl::MakeConstSpan(&agent, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(FrozenDecisionTest, ComesAfterStopsAndBeforeViews) {
  Call call = As("desk", "work");
  const UseStop stop{"user.name", "work"};
  call.facts.stops = absl::MakeConstSpan(&stop, 1);
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  call = As("corrector", "ask");
  const UseStop asked{"user.*", ""};
  call.facts.stops = absl::MakeConstSpan(&asked, 1);
  EXPECT_EQ(call.reason(), Reason::kUseStopped);
  call = As("desk", "work");
  call.fields = {"memo"};
  call.wanted = View::kToken;
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  call.facts.frozen = {};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);
  call = As("corrector", "ask");
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
  call = As("desk", "extra");
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
}

class FrozenForSeveralRolesTest : public FrozenDecisionTest {
 protected:
  Call With(std::vector<std::string> roles) const {
    Call call = As(roles[0], "ask");
    for (size_t i = 1; i < roles.size(); ++i) {
      call.principal.bindings.push_back(call.principal.bindings[0]);
      call.principal.bindings[i].role = roles[i];
    }
    return call;
  }
};

TEST_F(FrozenForSeveralRolesTest, TheRoleThatMaySeeItDoes) {
  for (Call call : {With({"desk", "corrector"}), With({"corrector", "desk"})}) {
    for (std::vector<std::string> fields : {std::vector<std::string>{"name"}, {"email", "name"}}) {
      call.fields = fields;
      const Decision decision = call.Decide();
      EXPECT_TRUE(decision.granted());
      EXPECT_EQ(RoleOf(decision), "corrector");
    }
    call.role = "desk";
    EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  }
  // Though it shows less of it.
  EXPECT_EQ(RoleOf(With({"desk", "late"}).Decide()), "late");
}

// Rights of several roles are never mixed.
TEST_F(FrozenForSeveralRolesTest, OneRolesRequestsAreNotAnothersToSee) {
  Call call = With({"desk", "asker"});
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  EXPECT_EQ(RoleOf(call.Decide()), "desk");
}

TEST_F(FrozenForSeveralRolesTest, MoreFieldsAreBetterThanTheFrozenOne) {
  frozen_ = {"user.name"};
  Call call = With({"desk", "corrector"});
  call.fields = {"name", "email", "memo"};
  // Two fields each: the first in the policy speaks.
  EXPECT_EQ(RoleOf(call.Decide()), "desk");
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  EXPECT_TRUE(call.Decide().partial());
}

constexpr std::string_view kCases = R"yaml(cases:
  - {name: group, as: desk, does: reveal, fields: [user.email], for: work, subject: {frozen: [contact]}, expect: SUBJECT_RESTRICTED}
  - {name: type, as: desk, does: reveal, fields: [user.memo], for: work, subject: {frozen: user.*}, expect: SUBJECT_RESTRICTED}
  - {name: field, as: desk, does: reveal, fields: [user.memo], for: work, subject: {frozen: [user.memo]}, expect: SUBJECT_RESTRICTED}
  - {name: not it, as: desk, does: reveal, fields: [user.memo], for: work, subject: {frozen: [contact, other.name]}, expect: granted}
  - {name: seen, as: corrector, does: reveal, fields: [user.name], for: ask, subject: {frozen: [contact]}, expect: granted}
)yaml";

TEST(FrozenCasesTest, SayWhatIsFrozen) {
  std::string problems;
  const auto policy = LoadPolicy(std::string(kPolicy) + std::string(kCases), &problems);
  ASSERT_NE(policy, nullptr) << problems;
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_EQ(report.run, 5u);
  EXPECT_THAT(report.failures, IsEmpty());
}

// One that names nothing would be a case of nothing.
TEST(FrozenCasesTest, NameFieldsOfThePolicy) {
  for (const char* wrong : {"user.shoe", "users.name", "nobody", "true"}) {
    std::string problems;
    const std::string one = absl::StrCat(
        "cases:\n  - {name: a, as: desk, does: reveal, fields: [user.email], for: work, ",
        "subject: {frozen: [", wrong, "]}, expect: granted}\n");
    EXPECT_EQ(LoadPolicy(std::string(kPolicy) + one, &problems), nullptr) << wrong;
    EXPECT_THAT(problems, HasSubstr(wrong));
  }
}

}  // namespace
}  // namespace piivault::authz
