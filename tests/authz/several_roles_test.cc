// Principals with several roles: each role is tried for itself, however much of the call has been
// looked at for another one, and none is left out that could be better.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/authz/compare_decisions.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kPolicy = R"yaml(policy: several
timezone: Asia/Tokyo
matters: {order: {}, claim: {}}
types:
  user: {fields: {name: person_name, email: email_address}}
purposes: {look: {}, part: {}, ask: {}, teach: {}}
roles:
  first: {kind: service}
  later: {kind: service}
  ordering: {kind: service, matter: [order]}
  claiming: {kind: service, matter: [claim]}
  signed: {kind: staff, nda: [pledge]}
  trained: {kind: staff, nda: none, attested: [pledge]}
grants:
  - {id: first-mask, role: first, may: [reveal], fields: [user.*], for: [look], view: masked}
  - {id: later-plain, role: later, may: [reveal], fields: [user.*], for: [look]}
  - {id: first-name, role: first, may: [reveal], fields: [user.name], for: [part], when: [subscribed]}
  - {id: later-all, role: later, may: [reveal], fields: [user.*], for: [part], when: [contract_active]}
  - {id: ordering, role: ordering, may: [reveal], fields: [user.name], for: [ask]}
  - {id: claiming, role: claiming, may: [reveal], fields: [user.*], for: [ask]}
  - {id: signed, role: signed, may: [reveal], fields: [user.*], for: [look]}
  - {id: trained, role: trained, may: [reveal], fields: [user.*], for: [teach]}
)yaml";

class SeveralRolesTest : public ::testing::Test {
 protected:
  SeveralRolesTest() {
    PolicyText text;
    text.yaml = std::string(kPolicy);
    Diagnostics diagnostics;
    policy_ = Policy::Load(text, &diagnostics);
    EXPECT_NE(policy_, nullptr) << diagnostics.ToString();
  }

  Call With(std::string_view purpose, std::string_view role, std::string_view other) const {
    Call call(policy_, role);
    call.principal.bindings.push_back(call.principal.bindings[0]);
    call.principal.bindings[1].role = std::string(other);
    call.purpose = std::string(purpose);
    call.ticket.clear();
    call.fields = {"name", "email"};
    return call;
  }
  static std::string RoleOf(const Decision& decision) {
    return decision.role == nullptr ? "" : decision.role->name;
  }

  std::shared_ptr<const Policy> policy_;
};

TEST_F(SeveralRolesTest, PlainFieldsAreBetterThanMasks) {
  Call call = With("look", "first", "later");
  EXPECT_EQ(RoleOf(call.Decide()), "later");
  // Where masks are asked for, both give as much.
  call.wanted = View::kMasked;
  EXPECT_EQ(RoleOf(call.Decide()), "first");
}

TEST_F(SeveralRolesTest, EachGrantHasItsOwnConditions) {
  Call call = With("part", "first", "later");
  EXPECT_EQ(RoleOf(call.Decide()), "later");
  call.facts.contract_active = false;
  Decision decision = call.Decide();
  EXPECT_EQ(RoleOf(decision), "first");
  EXPECT_EQ(decision.reason, Reason::kFieldNotGranted);
  EXPECT_TRUE(decision.partial());
  call.facts.contract_active = true;
  call.facts.unsubscribed = true;
  EXPECT_EQ(RoleOf(call.Decide()), "later");
  EXPECT_TRUE(call.Decide().granted());
}

TEST_F(SeveralRolesTest, EachRoleRestsOnItsOwnMatter) {
  Call call = With("ask", "ordering", "claiming");
  call.arguments = {{"order", "M-1"}, {"claim", "M-1"}};
  std::vector<MatterFact> matters = {{.kind = "order", .id = "M-1", .state = "open"},
                                     {.kind = "claim", .id = "M-2", .state = "open"}};
  call.facts.matters = matters;
  Decision decision = call.Decide();
  EXPECT_EQ(RoleOf(decision), "ordering");
  EXPECT_FALSE(decision.granted());
  EXPECT_EQ(decision.matter, policy_->FindMatter("order"));
  matters[1].id = "M-1";
  decision = call.Decide();
  EXPECT_EQ(RoleOf(decision), "claiming");
  EXPECT_TRUE(decision.granted());
  EXPECT_EQ(decision.matter, policy_->FindMatter("claim"));
  matters[1].state = "closed";
  EXPECT_EQ(RoleOf(call.Decide()), "ordering");
}

TEST_F(SeveralRolesTest, WhatIsRefusedToAllHidesNoRoleThatIsGrantedMore) {
  Call call = With("part", "first", "later");
  std::vector<UseStop> stops = {{.fields = "user.name", .purpose = "part"}};
  call.facts.stops = stops;
  Decision decision = call.Decide();
  EXPECT_EQ(RoleOf(decision), "later");
  EXPECT_EQ(decision.reason, Reason::kUseStopped);
  EXPECT_EQ(decision.fields[1].view, View::kPlain);
  // All of it: the first role that got as far as its fields speaks.
  stops[0].fields = "user.*";
  decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kUseStopped);
  EXPECT_EQ(RoleOf(decision), "first");
}

TEST_F(SeveralRolesTest, ABindingToSomeFieldsHidesNoOtherRole) {
  Call call = With("part", "first", "later");
  call.principal.bindings[0].fields = {"user.email"};
  EXPECT_EQ(RoleOf(call.Decide()), "later");
  EXPECT_TRUE(call.Decide().granted());
}

// The same paper is missed as an NDA by the one role and as an attestation by the other.
TEST_F(SeveralRolesTest, EachRoleSaysWhatItMisses) {
  Call call = With("teach", "signed", "trained");
  EXPECT_EQ(call.reason(), Reason::kAttestationMissing);
  EXPECT_EQ(RoleOf(call.Decide()), "trained");
  call.purpose = "look";
  EXPECT_EQ(call.reason(), Reason::kNdaMissing);
  EXPECT_EQ(RoleOf(call.Decide()), "signed");
}

// Adds roles to made-up calls: those that may do what is asked and others, for all fields, for some
// and for none of them; and asks for more fields.
class Crowd {
 public:
  Crowd(const naive::Text& text, uint32_t seed) : text_(text), dice_(seed) {}

  void Join(GeneratedCall& call) {
    AddFields(call);
    std::vector<RoleBinding>& bindings = call.principal.bindings;
    for (size_t more = dice_.Below(4); more > 0 && !bindings.empty(); --more) {
      RoleBinding binding = dice_.Pick(bindings);
      binding.role = ChooseRole(call);
      binding.fields.clear();
      if (dice_.OneIn(2)) binding.fields = SomeOf(call.asked);
      binding.active_until = call.input.now + absl::Hours(dice_.OneIn(8) ? 0 : 24);
      Sign(*text_.FindRole(binding.role), call);
      bindings.push_back(binding);
      std::swap(bindings[dice_.Below(bindings.size())], bindings.back());
    }
    if (dice_.OneIn(2)) call.input.role = {};
    if (dice_.OneIn(4)) AddStop(call);
    if (dice_.OneIn(4)) NameSome(call, &call.frozen);
    if (dice_.OneIn(4)) NameSome(call, &call.kept_by_law);
    if (dice_.OneIn(8)) NameSome(call, &call.expired);
    call.Close();
  }

 private:
  // One of half of the fields of the type, so that roles differ in what they give.
  void AddFields(GeneratedCall& call) {
    naive::Names& asked = call.asked.fields;
    if (asked.empty() || dice_.OneIn(3)) return;
    for (const auto& [name, field] : text_.fields) {
      const bool fits = field.type == call.asked.type && !naive::Has(asked, name);
      if (fits && dice_.OneIn(2)) asked.push_back(name);
    }
    if (dice_.OneIn(20)) asked.push_back("no.such");
    std::swap(asked[0], asked[dice_.Below(asked.size())]);
  }

  std::string ChooseRole(const GeneratedCall& call) {
    if (dice_.OneIn(4)) return dice_.Pick(text_.roles).name;
    naive::Names roles = {call.role->name};
    for (const naive::Grant& grant : text_.grants) {
      const bool fits = naive::Has(grant.verbs, call.asked.verb) &&
                        naive::Has(grant.purposes, std::string(call.input.purpose));
      if (fits && text_.FindRole(grant.role)->kind == call.role->kind) roles.push_back(grant.role);
    }
    return dice_.Pick(roles);
  }

  naive::Names SomeOf(const naive::Asked& asked) {
    naive::Names some = {asked.type + "." + (dice_.OneIn(6) ? "*" : "none")};
    for (const std::string& name : asked.fields) {
      if (dice_.OneIn(2)) some.push_back(name);
    }
    return some;
  }

  void Sign(const naive::Role& role, GeneratedCall& call) {
    for (const naive::Names* kinds : {&role.nda, &role.attested}) {
      for (const std::string& kind : *kinds) {
        if (call.attestations.empty() || dice_.OneIn(3)) continue;
        Attestation a = dice_.Pick(call.attestations);
        a.id = "b" + std::to_string(call.attestations.size());
        a.kind = *FindAttestationKind(kind);
        a.valid_until = call.input.now + absl::Hours(dice_.OneIn(4) ? -1 : 1);
        call.attestations.push_back(a);
      }
    }
  }

  void AddStop(GeneratedCall& call) {
    const naive::Names& fields = call.asked.fields;
    call.words.push_back(fields.empty() || dice_.OneIn(6) ? call.asked.type + ".*"
                                                          : dice_.Pick(fields));
    call.stops.push_back({call.words.back(), dice_.OneIn(2) ? "" : call.input.purpose});
  }

  void NameSome(GeneratedCall& call, std::vector<std::string_view>* names) {
    for (const std::string& name : call.asked.fields) {
      call.words.push_back(name);
      if (dice_.OneIn(2)) names->push_back(call.words.back());
    }
  }

  const naive::Text& text_;
  Dice dice_;
};

class SeveralRolesOracleTest : public ::testing::TestWithParam<std::string> {};

TEST_P(SeveralRolesOracleTest, CompiledAndNaiveDecisionsAreTheSame) {
  const int calls = IsLongRun() ? 300'000 : 20'000;
  const PolicyText source = ComparedText(GetParam());
  Diagnostics diagnostics;
  const auto policy = Policy::Load(source, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const naive::Text text = naive::Read(source);
  SCOPED_TRACE("PIIVAULT_ORACLE_SEED=" + std::to_string(OracleSeed()));
  CallGenerator generator(text, OracleSeed());
  Crowd crowd(text, OracleSeed());
  int granted = 0;
  int in_part = 0;
  int others = 0;  // Answered by a role around which the call was not made.
  for (int i = 0; i < calls; ++i) {
    const auto call = generator.Next();
    crowd.Join(*call);
    const Answers answers(text, *call);
    ASSERT_EQ(Difference(*policy, *call, answers), "") << "call " << i << Describe(*call);
    const naive::Answer& answer = answers.whole;
    const bool some = std::any_of(answer.fields.begin(), answer.fields.end(),
                                  [](const auto& f) { return f.view != View::kDenied; });
    granted += answer.reason == Reason::kOk ? 1 : 0;
    in_part += some && answer.reason != Reason::kOk ? 1 : 0;
    others += some && answer.role != call->role->name ? 1 : 0;
  }
  EXPECT_GT(granted, calls / 10);
  EXPECT_GT(in_part, calls / 20);
  EXPECT_GT(others, 0);
}

std::string LastPart(const ::testing::TestParamInfo<std::string>& stem) {
  return TestName(stem.param);
}

INSTANTIATE_TEST_SUITE_P(Policies, SeveralRolesOracleTest, ::testing::ValuesIn(ComparedPolicies()),
                         LastPart);

}  // namespace
}  // namespace piivault::authz
