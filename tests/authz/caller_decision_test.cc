// Who asks: principals, their roles, and what the person behind them is and has signed.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

class CallerDecisionTest : public ::testing::Test {
 protected:
  Call As(std::string_view role) const { return MakeTestCall(policy_, role); }

  const std::shared_ptr<const Policy> policy_ = LoadTestPolicy();
};

TEST_F(CallerDecisionTest, PrincipalUnknownOrDisabled) {
  Call call = As("engineer");
  DecisionInput input = call.Input();
  input.principal = nullptr;
  EXPECT_EQ(DecideWithoutSubject(*policy_, input).reason, Reason::kPrincipalUnknown);
  call.principal.disabled = true;
  EXPECT_EQ(call.reason(), Reason::kPrincipalDisabled);
}

TEST_F(CallerDecisionTest, TenantsAreApart) {
  Call call = As("engineer");
  call.tenant = "tenants/b";
  EXPECT_EQ(call.reason(), Reason::kTenantMismatch);
  call.tenant = "";
  EXPECT_EQ(call.reason(), Reason::kTenantUnknown);

  Call owner = As("owner");
  owner.tenant = "tenants/b";
  EXPECT_EQ(owner.reason(), Reason::kTenantMismatch);
  // Not even with a binding there by mistake.
  owner.principal.bindings[0].tenant = "tenants/b";
  EXPECT_EQ(owner.reason(), Reason::kTenantMismatch);
}

TEST_F(CallerDecisionTest, RoleBindingHasABeginningAndAnEnd) {
  Call call = As("engineer");
  RoleBinding& binding = call.principal.bindings[0];
  binding.not_after = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  binding.not_after = call.now - absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kRoleExpired);
  binding.not_after = absl::InfiniteFuture();
  binding.not_before = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  binding.not_before = call.now + absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
  call.principal.bindings.clear();
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
}

TEST_F(CallerDecisionTest, RoleOfAnotherPolicyIsNoRole) {
  Call call = As("engineer");
  call.principal.bindings[0].role = "superuser";
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
  call.principal.bindings[0].role = "vault_admin";
  call.principal.bindings[0].tenant = "";
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
}

TEST_F(CallerDecisionTest, Clause000_14NdaReasons) {
  Call call = As("engineer");
  Attestation& nda = call.attestations[0];
  const Attestation good = nda;

  call.attestations.erase(call.attestations.begin());
  EXPECT_EQ(call.reason(), Reason::kNdaMissing);
  call.attestations.insert(call.attestations.begin(), good);

  nda = good;
  nda.signatory = "persons/q";
  EXPECT_EQ(call.reason(), Reason::kNdaWrongSignatory);
  nda.signatory = "";
  EXPECT_EQ(call.reason(), Reason::kNdaWrongSignatory);

  nda = good;
  nda.valid_until = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaExpired);
  nda.valid_until = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  nda.valid_until = call.now + kSecond;
  EXPECT_EQ(call.reason(), Reason::kOk);

  nda = good;
  nda.revoked_at = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaRevoked);
  nda.revoked_at = call.now;
  EXPECT_EQ(call.reason(), Reason::kNdaRevoked);
  nda.revoked_at = call.now + kSecond;
  EXPECT_EQ(call.reason(), Reason::kOk);

  nda = good;
  nda.signed_at = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  nda.signed_at = call.now + kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaMissing);

  nda = good;
  nda.kind = AttestationKind::kPledge;
  EXPECT_EQ(call.reason(), Reason::kOk);
  nda.kind = AttestationKind::kWorkRules;
  EXPECT_EQ(call.reason(), Reason::kNdaMissing);
}

TEST_F(CallerDecisionTest, OfSeveralNdasAnyValidOneSuffices) {
  Call call = As("engineer");
  Attestation old = call.attestations[0];
  old.id = "old";
  old.signed_at = call.now - absl::Hours(1000);
  old.revoked_at = call.now - absl::Hours(500);
  call.attestations.push_back(old);
  EXPECT_EQ(call.reason(), Reason::kOk);
  // The newest failing one speaks, whatever the order in which they stand.
  call.attestations[0].valid_until = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaExpired);
  std::swap(call.attestations[0], call.attestations[2]);
  EXPECT_EQ(call.reason(), Reason::kNdaExpired);
  // Revoked weighs more than expired within one.
  call.attestations[2].revoked_at = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaRevoked);
}

TEST_F(CallerDecisionTest, Clause000_15EquivalentNeedsAJustificationThatHolds) {
  Call call = As("engineer");
  call.person.employment = Employment::kEquivalent;
  EXPECT_EQ(call.reason(), Reason::kJustificationMissing);
  call.person.justification = "J-1";
  EXPECT_EQ(call.reason(), Reason::kJustificationExpired);
  call.person.justification_until = call.now;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.person.justification_until = call.now - absl::Nanoseconds(1);
  EXPECT_EQ(call.reason(), Reason::kJustificationExpired);
}

TEST_F(CallerDecisionTest, Clause000_17OutsourcedIsRefusedWithAValidNda) {
  Call call = As("engineer");
  call.person.employment = Employment::kOutsourced;
  EXPECT_EQ(call.reason(), Reason::kOutsourcingForbidden);
  const Admission admission = AdmitBinding(*policy_, call.principal.bindings[0], call.principal,
                                           &call.person, call.attestations, call.now);
  EXPECT_EQ(admission.reason, Reason::kOutsourcingForbidden);
  EXPECT_EQ(admission.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(CallerDecisionTest, PersonsThatARoleAsksFor) {
  Call call = As("engineer");
  call.has_person = false;
  EXPECT_EQ(call.reason(), Reason::kPersonUnknown);
  call = As("engineer");
  call.person.employment = Employment::kPartTime;
  EXPECT_EQ(call.reason(), Reason::kEmploymentNotAdmitted);
  call = As("engineer");
  call.principal.kind = PrincipalKind::kService;
  EXPECT_EQ(call.reason(), Reason::kPrincipalKindNotAdmitted);
  call = As("boss");
  call.person.duties = {"other"};
  EXPECT_EQ(call.reason(), Reason::kDutyMissing);
  call = As("legal");
  call.person.department = "sales";
  EXPECT_EQ(call.reason(), Reason::kDepartmentMismatch);
  call = As("app");
  call.has_person = false;  // Services need none.
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(CallerDecisionTest, FurtherAttestationsAreAskedEachForItself) {
  Call call = As("trained");
  call.attestations[1].valid_until = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kAttestationExpired);
  call.attestations[1].revoked_at = call.now;
  EXPECT_EQ(call.reason(), Reason::kAttestationRevoked);
  call.attestations[1].signatory = "persons/q";
  EXPECT_EQ(call.reason(), Reason::kAttestationWrongSignatory);
  call.attestations.clear();
  EXPECT_EQ(call.reason(), Reason::kAttestationMissing);
}

TEST_F(CallerDecisionTest, OneRoleAnswersAndRightsAreNotMixed) {
  Call call = As("engineer");
  RoleBinding second = call.principal.bindings[0];
  second.role = "trained";
  call.principal.bindings.push_back(second);
  EXPECT_EQ(call.Decide().role->name, "engineer");
  call.purpose = "send";
  call.fields = {"phone"};
  EXPECT_EQ(call.Decide().role->name, "trained");
  call.fields = {"phone", "name"};  // No single role has both for this purpose.
  EXPECT_EQ(call.reason(), Reason::kFieldNotGranted);
  call.role = "engineer";
  EXPECT_EQ(call.reason(), Reason::kPurposeNotGranted);
  call.role = "boss";
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
}

TEST_F(CallerDecisionTest, TheRoleThatWouldGrantExplainsTheRefusal) {
  Call call = As("engineer");
  RoleBinding second = call.principal.bindings[0];
  second.role = "temp";
  call.principal.bindings.insert(call.principal.bindings.begin(), second);
  call.attestations[0].valid_until = call.now - kSecond;
  EXPECT_EQ(call.reason(), Reason::kNdaExpired);
  EXPECT_EQ(call.Decide().role->name, "engineer");
  // Where the other role serves, nothing is refused.
  call.purpose = "idle";
  call.fields = {"name"};
  EXPECT_EQ(call.reason(), Reason::kOk);
  // Where neither would grant, the admitted one speaks.
  call.verb = Verb::kExport;
  EXPECT_EQ(call.reason(), Reason::kOperationNotGranted);
}

// Of several papers that hold, the one that holds longest; of those, the first by name.
TEST_F(CallerDecisionTest, TheLongestEvidenceAdmits) {
  Call call = As("engineer");
  const Attestation nda = call.attestations[0];
  Attestation shorter = nda;
  shorter.id = "a-shorter-one";
  shorter.valid_until = call.now + absl::Hours(1);
  Attestation same = nda;
  same.id = nda.id + "-too";
  call.attestations = {shorter, nda, same};
  const auto by_name = [](const Attestation& a, const Attestation& b) { return a.id < b.id; };
  ASSERT_TRUE(std::is_sorted(call.attestations.begin(), call.attestations.end(), by_name));
  do {
    const Decision decision = call.Decide();
    ASSERT_TRUE(decision.granted());
    EXPECT_EQ(decision.attestation->id, nda.id);
    EXPECT_EQ(decision.good_until, nda.valid_until + absl::Nanoseconds(1));
  } while (std::next_permutation(call.attestations.begin(), call.attestations.end(), by_name));
}

}  // namespace
}  // namespace piivault::authz
