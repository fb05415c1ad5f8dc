// What is decided besides calls for data: who may be given a role, system roles, tickets.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

class AssignmentTest : public ::testing::Test {
 protected:
  Call As(std::string_view role) const { return MakeTestCall(policy_, role); }

  const std::shared_ptr<const Policy> policy_ = LoadTestPolicy();
};

TEST_F(AssignmentTest, AdmissionAtAssignment) {
  Call call = As("temp");
  RoleBinding& binding = call.principal.bindings[0];
  const auto admit = [&](uint32_t others) {
    return AdmitBinding(*policy_, binding, call.principal, &call.person, call.attestations,
                        call.now, others)
        .reason;
  };
  EXPECT_EQ(admit(0), Reason::kJustificationMissing);
  binding.justification = "J-1";
  EXPECT_EQ(admit(0), Reason::kEndDateMissing);
  binding.not_after = call.now + absl::Hours(1);
  EXPECT_EQ(admit(1), Reason::kOk);
  EXPECT_EQ(admit(2), Reason::kHoldersExceeded);
  // Evidence may come later: the calls ask for it.
  const auto evidence = std::move(call.attestations);
  call.attestations.clear();
  EXPECT_EQ(admit(0), Reason::kOk);
  call.attestations = evidence;
  call.attestations.clear();
  EXPECT_EQ(admit(1), Reason::kOk);
  binding.role = "nobody";
  EXPECT_EQ(admit(0), Reason::kRoleUnknown);
  binding.role = "boss";
  EXPECT_EQ(admit(0), Reason::kEmploymentNotAdmitted);
}

TEST_F(AssignmentTest, ARoleMayWaitForItsNda) {
  Call call = As("engineer");
  const auto admit = [&] {
    return AdmitBinding(*policy_, call.principal.bindings[0], call.principal, &call.person,
                        call.attestations, call.now);
  };
  EXPECT_EQ(admit().evidence, Reason::kOk);
  call.attestations.clear();
  EXPECT_EQ(admit().reason, Reason::kOk);
  EXPECT_EQ(admit().evidence, Reason::kNdaMissing);
  EXPECT_EQ(call.reason(), Reason::kNdaMissing);
}

TEST_F(AssignmentTest, SystemRolesHaveNoDataAndNoTenant) {
  Principal principal;
  principal.kind = PrincipalKind::kStaff;
  RoleBinding binding;
  binding.role = "vault_auditor";
  principal.bindings.push_back(binding);
  const absl::Time now = absl::UnixEpoch();
  EXPECT_EQ(DecideSystemRole(&principal, {SystemRole::kVaultAuditor}, now), Reason::kOk);
  EXPECT_EQ(DecideSystemRole(&principal, {SystemRole::kVaultAdmin}, now),
            Reason::kSystemRoleRequired);
  EXPECT_EQ(DecideSystemRole(nullptr, {SystemRole::kVaultAdmin}, now), Reason::kPrincipalUnknown);
  EXPECT_EQ(DecideSystemRole(&principal, {}, now), Reason::kSystemRoleRequired);
  principal.bindings[0].tenant = "tenants/a";
  EXPECT_EQ(DecideSystemRole(&principal, {SystemRole::kVaultAuditor}, now),
            Reason::kSystemRoleRequired);
  principal.bindings[0].tenant = "";
  principal.bindings[0].not_after = now - kSecond;
  EXPECT_EQ(DecideSystemRole(&principal, {SystemRole::kVaultAuditor}, now),
            Reason::kSystemRoleRequired);
  principal.disabled = true;
  EXPECT_EQ(DecideSystemRole(&principal, {SystemRole::kVaultAuditor}, now),
            Reason::kPrincipalDisabled);
}

TEST(TicketTest, RestrictedCharacters) {
  EXPECT_TRUE(IsValidTicket("JIRA-12/3_4.5:#6"));
  EXPECT_TRUE(IsValidTicket(std::string(64, 'a')));
  EXPECT_FALSE(IsValidTicket(std::string(65, 'a')));
  EXPECT_FALSE(IsValidTicket(""));
  EXPECT_FALSE(IsValidTicket("a b"));
  EXPECT_FALSE(IsValidTicket("a@example.jp"));
  EXPECT_FALSE(IsValidTicket("チケット"));
}

}  // namespace
}  // namespace piivault::authz
