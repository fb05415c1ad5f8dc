// Roles that are taken in an emergency.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "authz/explain.h"
#include "authz/policy_cases.h"
#include "authz/policy_diff.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using testing::Contains;

std::string PolicyWith(const std::string& role, const std::string& cases = "") {
  return "policy: emergencies\n"
         "types: {user: {fields: {name: person_name, phone: phone_number}}}\n"
         "purposes: {work: {}}\n"
         "roles:\n"
         "  rescuer: {" +
         role +
         "}\n"
         "  clerk: {kind: staff, nda: none}\n"
         "grants:\n"
         "  - {id: rescue, role: rescuer, may: [reveal], fields: [user.*], for: [work]}\n"
         "  - {id: clerk, role: clerk, may: [reveal], fields: [user.name], for: [work]}\n" +
         cases;
}

std::shared_ptr<const Policy> Load(const std::string& yaml, Diagnostics* diagnostics) {
  PolicyText text;
  text.yaml = yaml;
  return Policy::Load(text, diagnostics);
}

constexpr char kRescuer[] = "kind: staff, nda: none, break_glass: 90m";

class BreakGlassTest : public testing::Test {
 protected:
  BreakGlassTest() {
    Diagnostics diagnostics;
    policy_ = Load(PolicyWith(kRescuer), &diagnostics);
    EXPECT_NE(policy_, nullptr);
    principal_.name = "principals/p";
    principal_.kind = PrincipalKind::kStaff;
    principal_.person = person_.name = "persons/p";
    person_.employment = Employment::kFullTime;
    binding_.role = "rescuer";
    binding_.tenant = "tenants/a";
    binding_.justification = "J-1";
  }
  Decision Decide(const std::string& field = "user.phone") {
    const std::vector<FieldId> fields = {policy_->FindField(field)};
    principal_.bindings = {binding_};
    if (clerk_) {
      RoleBinding clerk;
      clerk.role = "clerk";
      clerk.tenant = "tenants/a";
      principal_.bindings.push_back(clerk);
    }
    DecisionInput input;
    input.principal = &principal_;
    input.person = &person_;
    input.tenant = "tenants/a";
    input.verb = Verb::kReveal;
    input.type = policy_->FindType("user");
    input.fields = fields;
    input.purpose = "work";
    input.now = now_;
    return DecideWithoutSubject(*policy_, input);
  }

  std::shared_ptr<const Policy> policy_;
  const absl::Time now_ = absl::FromUnixSeconds(1'750'000'000);
  Principal principal_;
  Person person_;
  RoleBinding binding_;
  bool clerk_ = false;
};

TEST_F(BreakGlassTest, DoesNothingUntilItIsTakenNorAfterwards) {
  EXPECT_EQ(Decide().reason, Reason::kRoleNotGranted);
  binding_.active_until = now_ + absl::Nanoseconds(1);
  const Decision decision = Decide();
  EXPECT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.role->name, "rescuer");
  EXPECT_EQ(decision.good_until, now_ + absl::Nanoseconds(1));
  binding_.active_until = now_;
  EXPECT_EQ(Decide().reason, Reason::kRoleNotGranted);
}

TEST_F(BreakGlassTest, EndsWithTheBindingToo) {
  binding_.active_until = now_ + absl::Hours(1);
  binding_.not_after = now_ + absl::Minutes(1);
  EXPECT_EQ(Decide().good_until, now_ + absl::Minutes(1) + absl::Nanoseconds(1));
  binding_.not_after = now_ - absl::Nanoseconds(1);
  EXPECT_EQ(Decide().reason, Reason::kRoleExpired);
  binding_.not_after = absl::InfiniteFuture();
  binding_.not_before = now_ + absl::Nanoseconds(1);
  EXPECT_EQ(Decide().reason, Reason::kRoleNotGranted);
}

TEST_F(BreakGlassTest, EndsWhereItIsForSomeFieldsToo) {
  binding_.active_until = now_ + absl::Hours(1);
  for (const char* fields : {"user.name", "user.*"}) {
    binding_.fields = {fields};
    EXPECT_EQ(Decide("user.name").reason, Reason::kOk) << fields;
    EXPECT_EQ(Decide("user.name").good_until, now_ + absl::Hours(1)) << fields;
  }
}

TEST_F(BreakGlassTest, LeavesOtherRolesAsTheyAre) {
  clerk_ = true;
  EXPECT_EQ(Decide("user.phone").reason, Reason::kFieldNotGranted);
  EXPECT_EQ(Decide("user.name").role->name, "clerk");
  binding_.active_until = now_ + absl::Hours(1);
  EXPECT_EQ(Decide("user.phone").reason, Reason::kOk);
}

TEST_F(BreakGlassTest, AnOrdinaryRoleIsNotTaken) {
  Diagnostics diagnostics;
  policy_ = Load(PolicyWith("kind: staff, nda: none"), &diagnostics);
  EXPECT_EQ(Decide().reason, Reason::kOk);
  EXPECT_EQ(Decide().good_until, absl::InfiniteFuture());
}

TEST_F(BreakGlassTest, WhatWasGivenForEmergenciesIsTakenWhateverThePolicySaysNow) {
  Diagnostics diagnostics;
  policy_ = Load(PolicyWith("kind: staff, nda: none"), &diagnostics);
  binding_.for_emergencies = true;
  EXPECT_EQ(Decide().reason, Reason::kRoleNotGranted);
  binding_.active_until = now_ + absl::Nanoseconds(1);
  EXPECT_EQ(Decide().reason, Reason::kOk);
  EXPECT_EQ(Decide().good_until, now_ + absl::Nanoseconds(1));
  binding_.active_until = now_;
  EXPECT_EQ(Decide().reason, Reason::kRoleNotGranted);
}

TEST_F(BreakGlassTest, IsGivenForAReason) {
  EXPECT_TRUE(policy_->FindRole("rescuer")->needs_justification);
  binding_.justification.clear();
  EXPECT_EQ(AdmitBinding(*policy_, binding_, principal_, &person_, {}, now_).reason,
            Reason::kJustificationMissing);
  binding_.justification = "J-1";
  EXPECT_EQ(AdmitBinding(*policy_, binding_, principal_, &person_, {}, now_).reason, Reason::kOk);
}

TEST_F(BreakGlassTest, IsSaidOfTheRole) {
  EXPECT_THAT(RoleAsks(*policy_, *policy_->FindRole("rescuer")),
              Contains("to be taken in an emergency, for at most 1h30m, and reviewed"));
  Diagnostics diagnostics;
  const auto ordinary = Load(PolicyWith("kind: staff, nda: none"), &diagnostics);
  const PolicyDiff diff = DiffPolicies(*policy_, *ordinary);
  std::vector<std::string> changes;
  for (const SettingChange& change : diff.settings) changes.push_back(DescribeChange(change));
  EXPECT_THAT(changes, Contains("role rescuer: break glass: 1h30m -> -"));
}

TEST(BreakGlassLoaderTest, TakesUpToFourHoursOfStaff) {
  const auto loads = [](const std::string& role) {
    Diagnostics diagnostics;
    return Load(PolicyWith(role), &diagnostics) != nullptr;
  };
  EXPECT_TRUE(loads("kind: staff, nda: none, break_glass: 4h"));
  EXPECT_TRUE(loads("kind: staff, nda: none, break_glass: 240m"));
  EXPECT_TRUE(loads("kind: staff, nda: none, break_glass: 1s"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: 14401s"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: 1d"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: 1mo"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: 0"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: 0h"));
  EXPECT_FALSE(loads("kind: staff, nda: none, break_glass: true"));
  EXPECT_FALSE(loads("kind: service, break_glass: 1h"));
  EXPECT_FALSE(loads("kind: tenant, break_glass: 1h"));
  EXPECT_FALSE(loads("kind: processor, nda: none, break_glass: 1h"));
  EXPECT_FALSE(loads("kind: staff, nda: none, access: in_person, break_glass: 1h"));
}

// Two could renew each other's emergencies, and rights given in one would outlive it.
TEST(BreakGlassLoaderTest, DecidesNothingThatOutlivesIt) {
  const auto loads = [](const std::string& role, const std::string& verb) {
    std::string yaml = PolicyWith(role);
    yaml += "  - {id: more, role: rescuer, may: [" + verb + "], fields: [user.*], for: [work]}\n";
    Diagnostics diagnostics;
    return Load(yaml, &diagnostics) != nullptr;
  };
  for (const char* verb : {"approve_grant", "approve_exception", "approve_purpose",
                           "approve_destruction", "read_audit"}) {
    EXPECT_FALSE(loads(kRescuer, verb)) << verb;
    EXPECT_TRUE(loads("kind: staff, nda: none", verb)) << verb;
  }
  EXPECT_TRUE(loads(kRescuer, "update"));
}

TEST(BreakGlassCasesTest, SayWhetherItIsTaken) {
  const std::string cases =
      "cases:\n"
      "  - {name: taken, as: rescuer, does: reveal, fields: [user.phone], for: work, expect: "
      "granted}\n"
      "  - {name: active, as: {role: rescuer, break_glass: active}, does: reveal,\n"
      "     fields: [user.phone], for: work, expect: granted}\n"
      "  - {name: idle, as: {role: rescuer, break_glass: idle}, does: reveal,\n"
      "     fields: [user.phone], for: work, expect: ROLE_NOT_GRANTED}\n"
      "  - {name: over, as: {role: rescuer, break_glass: over}, does: reveal,\n"
      "     fields: [user.phone], for: work, expect: ROLE_NOT_GRANTED}\n";
  Diagnostics diagnostics;
  const auto policy = Load(PolicyWith(kRescuer, cases), &diagnostics);
  ASSERT_NE(policy, nullptr);
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_EQ(report.run, 4u);
  for (const CaseFailure& failure : report.failures) ADD_FAILURE() << failure.ToString();
  // Of an ordinary role there is nothing to say.
  EXPECT_EQ(Load(PolicyWith("kind: staff, nda: none", cases), &diagnostics), nullptr);
}

}  // namespace
}  // namespace piivault::authz
