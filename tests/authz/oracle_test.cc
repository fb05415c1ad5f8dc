// The compiled decision against a naive one, over random policies' callers and calls.

#include "tests/authz/oracle.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(engine_); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename List>
  const auto& Pick(const List& list) {
    return list[Below(list.size())];
  }

 private:
  std::mt19937 engine_;
};

// A second before, at, after `now`; or far away.
absl::Time Near(Dice& dice, absl::Time now) {
  const std::array<absl::Time, 6> times = {now - absl::Seconds(1),  now,
                                           now + absl::Seconds(1),  now - absl::Hours(9999),
                                           now + absl::Hours(9999), absl::InfiniteFuture()};
  return dice.Pick(times);
}

struct RandomCall {
  RandomCall(const Policy& policy, Dice& dice);

  Principal principal;
  Person person;
  std::vector<Attestation> attestations;
  std::vector<FieldId> fields;
  std::vector<Argument> arguments;
  std::vector<ConsentFact> consents;
  std::vector<UseStop> stops;
  DecisionInput input;
  SubjectFacts facts;

 private:
  void MakeCaller(const Policy& policy, Dice& dice, absl::Time now);
  void MakeRequest(const Policy& policy, Dice& dice);
  void MakeFacts(const Policy& policy, Dice& dice);
};

RandomCall::RandomCall(const Policy& policy, Dice& dice) {
  input.now = absl::FromUnixSeconds(1748750400);
  MakeCaller(policy, dice, input.now);
  MakeRequest(policy, dice);
  MakeFacts(policy, dice);
}

void RandomCall::MakeCaller(const Policy& policy, Dice& dice, absl::Time now) {
  static const std::array<std::string, 2> kPeople = {"persons/p", "persons/q"};
  static const std::array<std::string, 3> kDepartments = {"", "sales", "legal"};
  person.name = kPeople[0];
  person.employment = static_cast<Employment>(dice.Below(dice.OneIn(8) ? 7 : 5));
  person.department = dice.Pick(kDepartments);
  if (dice.OneIn(2)) person.justification = "J-1";
  person.justification_until = Near(dice, now);
  principal.name = "principals/p";
  principal.kind = static_cast<PrincipalKind>(dice.Below(5));
  principal.disabled = dice.OneIn(50);
  principal.tenant = dice.OneIn(10) ? "tenants/b" : "tenants/a";
  for (size_t i = dice.Below(4); i > 0; --i) {
    RoleBinding binding;
    const RoleSpec& role = dice.Pick(policy.roles());
    binding.role = dice.OneIn(20) ? "stranger" : role.name;
    binding.tenant = dice.OneIn(20) ? "tenants/b" : "tenants/a";
    if (dice.OneIn(6)) binding.not_before = Near(dice, now);
    if (dice.OneIn(6)) binding.not_after = Near(dice, now);
    principal.bindings.push_back(binding);
    if (!dice.OneIn(3)) person.duties = role.duties;
    if (!dice.OneIn(4)) {
      const std::map<RoleKind, PrincipalKind> kinds = {
          {RoleKind::kStaff, PrincipalKind::kStaff},
          {RoleKind::kService, PrincipalKind::kService},
          {RoleKind::kTenant, PrincipalKind::kTenant},
          {RoleKind::kSubject, PrincipalKind::kService},
          {RoleKind::kRecipient, PrincipalKind::kRecipient},
          {RoleKind::kProcessor, PrincipalKind::kStaff}};
      principal.kind = kinds.at(role.kind);
    }
  }
  for (size_t i = dice.Below(4); i > 0; --i) {
    Attestation a;
    a.id = "a" + std::to_string(i);
    a.kind = static_cast<AttestationKind>(dice.Below(7));
    a.signatory = kPeople[dice.OneIn(6) ? 1 : 0];
    a.signed_at = dice.OneIn(4) ? Near(dice, now) : now - absl::Hours(9000);
    a.valid_until = Near(dice, now);
    if (dice.OneIn(4)) a.revoked_at = Near(dice, now);
    attestations.push_back(a);
  }
  input.principal = dice.OneIn(100) ? nullptr : &principal;
  input.person = dice.OneIn(10) ? nullptr : &person;
  input.attestations = attestations;
  input.tenant = dice.OneIn(50) ? "" : dice.OneIn(20) ? "tenants/b" : "tenants/a";
}

void RandomCall::MakeRequest(const Policy& policy, Dice& dice) {
  static const std::array<std::string_view, 4> kTickets = {"T-1", "T-1", "", "not good"};
  static const std::array<std::string_view, 3> kSubjects = {"", "subjects/s", "subjects/t"};
  static const std::array<View, 5> kViews = {View::kPlain, View::kPlain, View::kPlain,
                                             View::kMasked, View::kToken};
  // Mostly what some grant of one of the roles speaks of, so that grants happen.
  const GrantSpec* grant = nullptr;
  for (int tries = 0; tries < 20 && grant == nullptr && !principal.bindings.empty(); ++tries) {
    const GrantSpec& candidate = dice.Pick(policy.grants());
    for (const RoleBinding& binding : principal.bindings) {
      if (policy.roles()[candidate.role].name == binding.role) grant = &candidate;
    }
  }
  if (grant == nullptr) grant = &dice.Pick(policy.grants());
  input.verb = dice.OneIn(4) ? static_cast<Verb>(dice.Below(kVerbCount)) : dice.Pick(grant->may);
  if (dice.OneIn(6)) input.verb = GetVerb(input.verb).implies[0];
  input.type = dice.OneIn(30)         ? kNoType
               : grant->types.empty() ? static_cast<TypeId>(dice.Below(policy.type_count()))
                                      : dice.Pick(grant->types);
  for (size_t i = dice.OneIn(20) ? 0 : 1 + dice.Below(3); i > 0; --i) {
    FieldId id = static_cast<FieldId>(dice.Below(policy.field_count()));
    if (!dice.OneIn(15) && input.type != kNoType) id = dice.Pick(policy.type(input.type).fields);
    if (!dice.OneIn(3) && !grant->fields.empty()) id = dice.Pick(grant->fields);
    fields.push_back(dice.OneIn(40) ? kNoField : id);
  }
  input.fields = fields;
  if (!dice.OneIn(15)) {
    input.purpose = dice.OneIn(5) || grant->purposes.empty()
                        ? dice.Pick(policy.purposes()).name
                        : policy.purposes()[dice.Pick(grant->purposes)].name;
  }
  if (dice.OneIn(40)) input.purpose = "no_such_purpose";
  input.ticket = dice.Pick(kTickets);
  if (!dice.OneIn(3)) {
    for (std::string_view name :
         {"option_id", "instruction", "commission_id", "reason", "parent", "approver"}) {
      arguments.push_back({name, "X-1"});
    }
  }
  input.arguments = arguments;
  if (dice.OneIn(10)) input.role = dice.Pick(policy.roles()).name;
  input.on_behalf_of = dice.Pick(kSubjects);
  input.channel = policy.channels().empty() ? "" : std::string_view(policy.channels()[0]);
  input.front_hop = FrontHop::kTls;
  input.wanted = dice.Pick(kViews);
  facts.subject = dice.OneIn(4) ? dice.Pick(kSubjects) : input.on_behalf_of;
}

void RandomCall::MakeFacts(const Policy& policy, Dice& dice) {
  facts.erased = dice.OneIn(30);
  facts.restricted = dice.OneIn(20);
  facts.unsubscribed = dice.OneIn(3);
  facts.contract_active = !dice.OneIn(4);
  if (dice.OneIn(2)) consents.push_back({.purpose = input.purpose, .given = absl::InfinitePast()});
  facts.consents = consents;
  facts.department = dice.OneIn(3) ? "legal" : std::string_view(person.department);
  if (dice.OneIn(4)) {
    UseStop stop;
    static const std::array<std::string_view, 4> kFamilies = {"user.*", "pi.*", "reader.*", ""};
    stop.fields = dice.OneIn(2) ? std::string_view(dice.Pick(policy.fields()).full_name)
                                : dice.Pick(kFamilies);
    if (dice.OneIn(2)) stop.purpose = dice.Pick(policy.purposes()).name;
    stops.push_back(stop);
  }
  facts.stops = stops;
}

void ExpectSame(const Decision& got, const OracleDecision& want) {
  ASSERT_EQ(got.reason, want.reason);
  ASSERT_EQ(got.role == nullptr ? "" : got.role->name, want.role);
  ASSERT_EQ(got.fields.size(), want.fields.size());
  for (size_t i = 0; i < want.fields.size(); ++i) {
    ASSERT_EQ(got.fields[i].view != View::kDenied, want.fields[i].granted);
    ASSERT_EQ(got.fields[i].view, want.fields[i].view);
    ASSERT_EQ(got.fields[i].reason, want.fields[i].reason);
    ASSERT_EQ(got.fields[i].grant == nullptr ? "" : got.fields[i].grant->id, want.fields[i].grant);
  }
}

// Whatever the second phase grants the first must have granted.
void ExpectPhasesAgree(const Decision& first, const Decision& whole) {
  if (whole.granted()) {
    ASSERT_TRUE(first.granted());
  }
  for (size_t i = 0; i < whole.fields.size() && i < first.fields.size(); ++i) {
    if (whole.fields[i].view != View::kDenied && whole.role == first.role) {
      ASSERT_NE(first.fields[i].view, View::kDenied);
    }
  }
}

class OracleTest : public ::testing::TestWithParam<const char*> {};

TEST_P(OracleTest, CompiledAndNaiveDecisionsAreTheSame) {
  const std::string stem = GetParam();
  Diagnostics diagnostics;
  const auto policy = stem == "test" ? LoadTestPolicy() : LoadFile(stem, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  const char* seed_text = std::getenv("PIIVAULT_ORACLE_SEED");
  Dice dice(seed_text == nullptr ? 20250601u
                                 : static_cast<uint32_t>(std::strtoul(seed_text, nullptr, 10)));
  constexpr int kCalls = 20000;
  std::map<Reason, int> reasons;
  for (int i = 0; i < kCalls; ++i) {
    const RandomCall call(*policy, dice);
    SCOPED_TRACE(i);
    const Decision first = DecideWithoutSubject(*policy, call.input);
    const Decision whole = DecideWithSubject(*policy, call.input, call.facts);
    ASSERT_NO_FATAL_FAILURE(ExpectSame(first, OracleDecide(*policy, call.input, nullptr)));
    ASSERT_NO_FATAL_FAILURE(ExpectSame(whole, OracleDecide(*policy, call.input, &call.facts)));
    ASSERT_NO_FATAL_FAILURE(ExpectPhasesAgree(first, whole));
    ++reasons[whole.reason];
  }
  // The dice must reach both sides of what matters, else the comparison says nothing.
  EXPECT_GT(reasons[Reason::kOk], kCalls / 100);
  for (Reason reason : {Reason::kRoleNotGranted, Reason::kFieldNotGranted, Reason::kPurposeMissing,
                        Reason::kSubjectErased, Reason::kUseStopped}) {
    EXPECT_GT(reasons[reason], 0) << ReasonName(reason);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, OracleTest,
                         ::testing::Values("test", "ops/policies/starter", "ops/policies/combzmail",
                                           "tests/authz/data/priuspro",
                                           "tests/authz/data/biglobe"));

}  // namespace
}  // namespace piivault::authz
