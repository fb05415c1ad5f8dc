#include "authz/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

constexpr absl::Duration kSecond = absl::Seconds(1);

class DecisionTest : public ::testing::Test {
 protected:
  Call As(std::string_view role) const {
    Call call(policy_, role);
    if (role != "engineer") call.purpose = role == "app" || role == "reader" ? "send" : "idle";
    if (role == "trained" || role == "owner" || role == "visitor") call.purpose = "send";
    if (role != "engineer" && call.purpose == "idle") call.fields = {"name"};
    if (role == "trained") call.fields = {"phone"};
    if (role == "reader" || role == "visitor") call.on_behalf_of = call.subject_name;
    return call;
  }

  std::shared_ptr<const Policy> policy_ = LoadTestPolicy();
};

TEST_F(DecisionTest, GrantsAndSaysByWhat) {
  const Call call = As("engineer");
  const Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.role->name, "engineer");
  EXPECT_EQ(decision.purpose->name, "work");
  EXPECT_EQ(decision.attestation->id, "nda_contract");
  ASSERT_EQ(decision.fields.size(), 1u);
  EXPECT_EQ(decision.fields[0].view, View::kPlain);
  EXPECT_EQ(decision.fields[0].grant->id, "eng");
  EXPECT_EQ(decision.grant->id, "eng");
}

TEST_F(DecisionTest, EveryRoleWorksWhenAllIsInOrder) {
  for (const char* role :
       {"engineer", "trained", "boss", "legal", "temp", "app", "owner", "reader"}) {
    EXPECT_EQ(As(role).reason(), Reason::kOk) << role;
  }
}

TEST_F(DecisionTest, PrincipalUnknownOrDisabled) {
  Call call = As("engineer");
  DecisionInput input = call.Input();
  input.principal = nullptr;
  EXPECT_EQ(DecideWithoutSubject(*policy_, input).reason, Reason::kPrincipalUnknown);
  call.principal.disabled = true;
  EXPECT_EQ(call.reason(), Reason::kPrincipalDisabled);
}

TEST_F(DecisionTest, TenantsAreApart) {
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

TEST_F(DecisionTest, RoleBindingHasABeginningAndAnEnd) {
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

TEST_F(DecisionTest, RoleOfAnotherPolicyIsNoRole) {
  Call call = As("engineer");
  call.principal.bindings[0].role = "superuser";
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
  call.principal.bindings[0].role = "vault_admin";
  call.principal.bindings[0].tenant = "";
  EXPECT_EQ(call.reason(), Reason::kRoleNotGranted);
}

TEST_F(DecisionTest, Clause000_14NdaReasons) {
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

TEST_F(DecisionTest, OfSeveralNdasAnyValidOneSuffices) {
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

TEST_F(DecisionTest, Clause000_15EquivalentNeedsAJustificationThatHolds) {
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

TEST_F(DecisionTest, Clause000_17OutsourcedIsRefusedWithAValidNda) {
  Call call = As("engineer");
  call.person.employment = Employment::kOutsourced;
  EXPECT_EQ(call.reason(), Reason::kOutsourcingForbidden);
  const Admission admission = AdmitBinding(*policy_, call.principal.bindings[0], call.principal,
                                           &call.person, call.attestations, call.now);
  EXPECT_EQ(admission.reason, Reason::kOutsourcingForbidden);
  EXPECT_EQ(admission.status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(DecisionTest, PersonsThatARoleAsksFor) {
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

TEST_F(DecisionTest, FurtherAttestationsAreAskedEachForItself) {
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

TEST_F(DecisionTest, Clause000_16PurposesAndTickets) {
  Call call = As("engineer");
  call.purpose = "";
  EXPECT_EQ(call.reason(), Reason::kPurposeMissing);
  call.purpose = "marketing";
  EXPECT_EQ(call.reason(), Reason::kPurposeUnknown);
  call.purpose = "send";
  EXPECT_EQ(call.reason(), Reason::kPurposeNotGranted);
  call.purpose = "work";
  call.ticket = "";
  EXPECT_EQ(call.reason(), Reason::kTicketMissing);
  call.ticket = "two words";
  EXPECT_EQ(call.reason(), Reason::kTicketInvalid);
}

TEST_F(DecisionTest, PurposesNeedTheirArguments) {
  Call call = As("app");
  call.verb = Verb::kLookup;
  call.purpose = "option";
  EXPECT_EQ(call.reason(), Reason::kArgumentMissing);
  call.arguments = {{"option_id", "O-1"}};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, WhatAPurposeNeedsIsNotAvoidedByStatingNone) {
  Call call = As("app");
  call.verb = Verb::kDelete;
  call.type = "mail";
  call.fields = {};
  call.purpose = "";
  EXPECT_EQ(call.reason(), Reason::kPurposeMissing);
  call.type = "user";  // `send` needs nothing.
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, OperationsTypesAndFields) {
  Call call = As("engineer");
  call.verb = Verb::kExport;
  EXPECT_EQ(call.reason(), Reason::kOperationNotGranted);
  call = As("engineer");
  call.type = "nothing";
  EXPECT_EQ(call.reason(), Reason::kTypeUnknown);
  call = As("engineer");
  call.fields = {};
  EXPECT_EQ(call.reason(), Reason::kFieldMissing);
  call.fields = {"secret", "shoe_size"};
  EXPECT_EQ(call.reason(), Reason::kFieldUnknown);
  call.fields = {"secret"};
  EXPECT_EQ(call.reason(), Reason::kReadNever);
  call.type = "mail";
  call.fields = {"body"};
  EXPECT_EQ(call.reason(), Reason::kCommSecret);
  call.fields = {"topic"};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, FieldOfAnotherTypeIsUnknown) {
  const Call call = As("engineer");
  DecisionInput input = call.Input();
  const FieldId other = policy_->FindField("mail.topic");
  input.fields = absl::MakeConstSpan(&other, 1);
  EXPECT_EQ(DecideWithoutSubject(*policy_, input).reason, Reason::kFieldUnknown);
}

TEST_F(DecisionTest, Clause000_05OnlyTheTenantReadsItsMail) {
  Call call = As("owner");
  call.type = "mail";
  call.fields = {"body"};
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, PartlyGrantedNamesBoth) {
  Call call = As("engineer");
  call.fields = {"email", "secret", "name"};
  const Decision decision = call.Decide();
  EXPECT_EQ(decision.reason, Reason::kReadNever);
  EXPECT_TRUE(decision.partial());
  ASSERT_EQ(decision.fields.size(), 3u);
  EXPECT_EQ(decision.fields[0].view, View::kPlain);
  EXPECT_EQ(decision.fields[1].view, View::kDenied);
  EXPECT_EQ(decision.fields[1].grant, nullptr);
  EXPECT_EQ(decision.fields[2].view, View::kPlain);
}

TEST_F(DecisionTest, ViewsOfGrantsAndOfCallers) {
  Call call = As("trained");
  call.fields = {"phone", "birth"};
  Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  EXPECT_EQ(decision.fields[0].mask, Mask::kLast4);
  EXPECT_EQ(decision.fields[1].mask, Mask::kAge);

  call = As("engineer");
  call.wanted = View::kMasked;
  decision = call.Decide();
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  EXPECT_EQ(decision.fields[0].mask, Mask::kEmailLocal);
  call.wanted = View::kToken;
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);

  call = As("engineer");
  call.purpose = "stats";
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
  call.wanted = View::kMasked;  // A mask shows what a token does not.
  EXPECT_EQ(call.Decide().fields[0].view, View::kToken);
}

TEST_F(DecisionTest, StrongestGrantWhoseConditionsHold) {
  Call call = As("app");
  EXPECT_EQ(call.Decide().fields[0].grant->id, "app-reveal");
  call.facts.unsubscribed = true;
  const Decision decision = call.Decide();
  ASSERT_EQ(decision.reason, Reason::kOk);
  EXPECT_EQ(decision.fields[0].view, View::kMasked);
  call.fields = {"name"};
  EXPECT_EQ(call.reason(), Reason::kUnsubscribed);
}

TEST_F(DecisionTest, ConditionsAreAllAsked) {
  Call call = As("app");
  call.fields = {"phone"};
  EXPECT_EQ(call.reason(), Reason::kConsentMissing);
  const ConsentFact consent{.id = "extension", .purpose = "send", .given = absl::InfinitePast()};
  call.facts.consents = absl::MakeConstSpan(&consent, 1);
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.facts.contract_active = false;
  EXPECT_EQ(call.reason(), Reason::kContractEnded);

  call = As("clerk");
  EXPECT_EQ(call.reason(), Reason::kDepartmentMismatch);
  call.facts.department = "sales";
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.person.department = call.facts.department = "";
  EXPECT_EQ(call.reason(), Reason::kDepartmentMismatch);
}

TEST_F(DecisionTest, SubjectStates) {
  Call call = As("engineer");
  call.facts.erased = true;
  EXPECT_EQ(call.reason(), Reason::kSubjectErased);
  call = As("engineer");
  call.facts.restricted = true;
  EXPECT_EQ(call.reason(), Reason::kSubjectRestricted);
  call.verb = Verb::kUpdate;  // A correction must be possible.
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, UseStopsByFieldFamilyAndPurpose) {
  Call call = As("engineer");
  const auto reason = [&](UseStop stop) {
    call.facts.stops = absl::MakeConstSpan(&stop, 1);
    return call.reason();
  };
  EXPECT_EQ(reason({"", ""}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.*", ""}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.email", "work"}), Reason::kUseStopped);
  EXPECT_EQ(reason({"user.name", ""}), Reason::kOk);
  EXPECT_EQ(reason({"use.*", ""}), Reason::kOk);
  EXPECT_EQ(reason({"mail.*", ""}), Reason::kOk);
  EXPECT_EQ(reason({"", "send"}), Reason::kOk);
  call.verb = Verb::kUpdate;
  EXPECT_EQ(reason({"", ""}), Reason::kOk);
}

TEST_F(DecisionTest, Clause000_23OwnRecordOnly) {
  Call call = As("reader");
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.on_behalf_of = "subjects/t";
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.on_behalf_of = "";
  EXPECT_EQ(call.reason(), Reason::kSubjectRequired);
  call.verb = Verb::kCreate;  // Into somebody else's record without saying whose.
  EXPECT_EQ(call.reason(), Reason::kNotOwnRecord);
  call.subject_name = "";
  EXPECT_EQ(call.reason(), Reason::kOk);
  EXPECT_EQ(As("visitor").reason(), Reason::kRoleNotAssignable);
}

TEST_F(DecisionTest, VerbsOnTypesAndTenants) {
  Call call = As("app");
  call.fields = {};
  for (Verb verb : {Verb::kList, Verb::kDelete, Verb::kReadMetadata, Verb::kDeleteSubject,
                    Verb::kReadSubject}) {
    call.verb = verb;
    const Decision decision = call.Decide();
    EXPECT_EQ(decision.reason, Reason::kOk) << VerbName(verb);
    EXPECT_NE(decision.grant, nullptr);
  }
  call.verb = Verb::kList;
  call.type = "mail";
  EXPECT_EQ(call.reason(), Reason::kOperationNotGranted);
  call.verb = Verb::kReadSubject;
  call.type = "";
  EXPECT_EQ(call.reason(), Reason::kOk);
}

TEST_F(DecisionTest, SearchNeedsAnIndexAndTokensATokenField) {
  Call call = As("app");
  call.verb = Verb::kSearch;
  call.fields = {"phone"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotSearchable);
  call.verb = Verb::kTokenize;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.fields = {"memo"};
  EXPECT_EQ(call.reason(), Reason::kFieldNotTokenized);
}

TEST_F(DecisionTest, OneRoleAnswersAndRightsAreNotMixed) {
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

TEST_F(DecisionTest, TheRoleThatWouldGrantExplainsTheRefusal) {
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
TEST_F(DecisionTest, TheLongestEvidenceAdmits) {
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

TEST_F(DecisionTest, GoodUntilIsTheFirstEnd) {
  Call call = As("engineer");
  const absl::Time nda_end = call.attestations[0].valid_until + absl::Nanoseconds(1);
  EXPECT_EQ(call.Decide().good_until, nda_end);
  call.attestations[0].revoked_at = call.now + absl::Hours(1);
  EXPECT_EQ(call.Decide().good_until, call.now + absl::Hours(1));
  call.principal.bindings[0].not_after = call.now;
  const absl::Time until = call.Decide().good_until;
  EXPECT_EQ(until, call.now + absl::Nanoseconds(1));
  call.now = until;
  EXPECT_EQ(call.reason(), Reason::kRoleExpired);
}

TEST_F(DecisionTest, IntakeRules) {
  const auto strict = LoadTestPolicy(
      "channels: [form, import]\n"
      "transport: {intake: {allow_plain: per_tenant_choice, record_channel: true}}\n");
  ASSERT_NE(strict, nullptr);
  Call call(strict, "app");
  call.purpose = "send";
  call.verb = Verb::kCreate;
  EXPECT_EQ(call.reason(), Reason::kChannelMissing);
  call.channel = "fax";
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.channel = "form";
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.front_hop = FrontHop::kPlain;
  EXPECT_EQ(call.reason(), Reason::kChannelNotAllowed);
  call.tenant_allows_plain = true;
  EXPECT_EQ(call.reason(), Reason::kOk);
  call.tenant_allows_plain = false;
  call.front_hop = FrontHop::kTls;
  EXPECT_EQ(call.reason(), Reason::kOk);
  // Staff that corrects a value came in by no form.
  Call staff(strict, "engineer");
  staff.verb = Verb::kUpdate;
  EXPECT_EQ(staff.reason(), Reason::kOk);
}

TEST_F(DecisionTest, AdmissionAtAssignment) {
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

TEST_F(DecisionTest, ARoleMayWaitForItsNda) {
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

TEST_F(DecisionTest, SystemRolesHaveNoDataAndNoTenant) {
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

TEST(ReasonTest, NamesAreUniqueAndFound) {
  for (size_t i = 0; i < ReasonCount(); ++i) {
    const Reason reason = static_cast<Reason>(i);
    EXPECT_EQ(FindReason(ReasonName(reason)), reason);
    EXPECT_FALSE(GetReason(reason).meaning.empty());
    EXPECT_FALSE(GetReason(reason).remedy.empty());
    EXPECT_EQ(ReasonCode(reason) == absl::StatusCode::kOk, reason == Reason::kOk);
  }
  EXPECT_EQ(FindReason("NO_SUCH_REASON"), std::nullopt);
}

}  // namespace
}  // namespace piivault::authz
