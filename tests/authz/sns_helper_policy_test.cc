// SNS Helper's policy: what its cases cannot say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "authz/decision.h"
#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;

constexpr char kStem[] = "ops/policies/sns-helper";
constexpr char kTenant[] = "tenants/default";

class SnsHelperPolicyTest : public ::testing::Test {
 protected:
  void SetUp() override { Load(ReadPolicy(kStem)); }
  void Load(const PolicyText& text) {
    Diagnostics diagnostics;
    policy_ = Policy::Load(text, &diagnostics);
    ASSERT_NE(policy_, nullptr) << diagnostics.ToString();
  }

  static RoleBinding Binding(std::string_view role) {
    RoleBinding binding;
    binding.role = role;
    binding.tenant = kTenant;
    binding.justification = "J-1";
    binding.not_after = kNow + absl::Hours(24);
    binding.fields = {"svc.name"};
    return binding;
  }
  Reason Admit(const RoleBinding& binding, uint32_t other_holders = 0) const {
    Principal principal;
    principal.name = "principals/p";
    principal.kind = PrincipalKind::kStaff;
    principal.person = "persons/p";
    Person person;
    person.name = principal.person;
    person.employment = Employment::kFullTime;
    return AdmitBinding(*policy_, binding, principal, &person, {}, kNow, other_holders).reason;
  }

  static inline const absl::Time kNow = absl::FromUnixSeconds(1748750400);
  std::shared_ptr<const Policy> policy_;
};

// 001-34: one officer and no second one.
TEST_F(SnsHelperPolicyTest, Clause001_34HasOneOfficer) {
  EXPECT_EQ(Admit(Binding("chief_privacy_officer"), 0), Reason::kOk);
  EXPECT_EQ(Admit(Binding("chief_privacy_officer"), 1), Reason::kHoldersExceeded);
}

// 001-56: no more holders of a role than the operator says.
TEST_F(SnsHelperPolicyTest, Clause001_56CapsEveryClassOfStaff) {
  PolicyText text = ReadPolicy(kStem);
  const std::string cap = "role_member_cap: 5";
  text.values_yaml.replace(text.values_yaml.find(cap), cap.size(), "role_member_cap: 3");
  Load(text);
  for (const char* role : {"privacy_staff", "marketing_cs", "necessary_other", "auditor"}) {
    EXPECT_EQ(Admit(Binding(role), 2), Reason::kOk) << role;
    EXPECT_EQ(Admit(Binding(role), 3), Reason::kHoldersExceeded) << role;
  }
  for (const RoleSpec& role : policy_->roles()) {
    if (role.kind != RoleKind::kStaff) continue;
    EXPECT_GT(role.holders, 0u) << role.name;
  }
}

// 001-59: others get the role with a justification, an end and the fields it is for.
TEST_F(SnsHelperPolicyTest, Clause001_59AsksWhyAndUntilWhenAndForWhat) {
  EXPECT_EQ(Admit(Binding("necessary_other")), Reason::kOk);
  RoleBinding binding = Binding("necessary_other");
  binding.justification.clear();
  EXPECT_EQ(Admit(binding), Reason::kJustificationMissing);
  binding = Binding("necessary_other");
  binding.not_after = absl::InfiniteFuture();
  EXPECT_EQ(Admit(binding), Reason::kEndDateMissing);
  binding = Binding("necessary_other");
  binding.fields.clear();
  EXPECT_EQ(Admit(binding), Reason::kFieldMissing);
}

// What the text leaves open has no default: without its value the policy does not load.
TEST_F(SnsHelperPolicyTest, DoesNotLoadWithoutWhatTheTextLeavesOpen) {
  PolicyText text = ReadPolicy(kStem);
  text.values_yaml = "policy: sns_helper\n";
  Diagnostics diagnostics;
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
  for (const char* name : {"immediate_means", "without_delay_means", "hold_start_event",
                           "role_member_cap", "training_interval"}) {
    EXPECT_THAT(diagnostics.ToString(), HasSubstr("'" + std::string(name) + "' is not set"));
  }
}

// Couriers among them: no statute sends anybody a parcel.
TEST(SnsHelperTest, Clause001_32NoCourierLoads) {
  const std::string anchor = "\nrecipients:\n";
  for (const std::string basis :
       {"published_clause", "joint_use", "prior_consent", "entrustment"}) {
    PolicyText text = ReadPolicy(kStem);
    text.yaml.insert(text.yaml.find(anchor) + anchor.size(),
                     "  - {id: courier, kind: carrier, fields: [consignee.name], purposes: [S3], "
                     "basis: " +
                         basis + "}\n");
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << basis;
    EXPECT_THAT(diagnostics.ToString(), HasSubstr("nothing is given on the basis '" + basis + "'"));
  }
}

// Three grounds for the requests that have them, none for a correction, and no other word.
TEST(SnsHelperRightsTest, GroundsOfRefusalAreAClosedList) {
  PolicyText text = ReadPolicy(kStem);
  Diagnostics diagnostics;
  const auto policy = Policy::Load(text, &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  for (const RightSpec& right : policy->rights()) {
    EXPECT_EQ(right.refusal.size(), right.id == "own" ? 3u : 0u) << right.id;
    EXPECT_EQ(right.refusal_closed, right.id == "own") << right.id;
  }
  const std::string word = "harm_to_others";
  text.yaml.replace(text.yaml.find(word), word.size(), "inconvenient");
  EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr);
}

}  // namespace
}  // namespace piivault::authz
