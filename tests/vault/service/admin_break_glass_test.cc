// Roles that are taken in an emergency: by the holder alone, for a while, and never again before
// somebody else has looked at it.
#include "authz/decision.h"
#include "tests/vault/service/admin_testing.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPolicy[] = R"yaml(
policy: emergencies
timezone: UTC
types:
  customer: {fields: {email: email_address, phone: phone_number}}
purposes: {work: {}, law: {}}
roles:
  rescuer: {kind: staff, nda: [nda_contract], break_glass: 4h}
  medic: {kind: staff, nda: none, break_glass: 30m}
  clerk: {kind: staff, nda: none}
  officer: {kind: staff, nda: none, needs: [ticket]}
grants:
  - {id: rescue, role: rescuer, may: [reveal], fields: [customer.*], for: [work]}
  - {id: heal, role: medic, may: [reveal], fields: [customer.phone], for: [work]}
  - {id: clerk, role: clerk, may: [reveal], fields: [customer.phone], for: [work]}
  - {id: exceptions, role: officer, may: [approve_exception], for: [law]}
)yaml";

constexpr char kTenant[] = "tenants/default";

class AdminBreakGlassTest : public AdminTest {
 protected:
  AdminBreakGlassTest() {
    policy_ = Activate(kPolicy);
    for (const char* name : {"cho", "dan", "eri", "fuji"}) MakeStaff(name);
    EXPECT_TRUE(
        Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest("cho")).ok());
    Give("cho", "rescuer");
    Give("eri", "officer");
    Grant("dan", "vault_auditor");
  }

  void Give(const std::string& principal, const std::string& role) {
    CreateProposalRequest request = GrantRequest(principal, role, kTenant);
    request.mutable_proposal()->mutable_grant_role()->mutable_binding()->set_justification("J-1");
    const auto proposed = Propose("aoki", request);
    ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
    ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  }
  static BreakGlassRequest StartRequest(const std::string& role = "rescuer") {
    BreakGlassRequest request;
    request.set_tenant(kTenant);
    request.set_role(role);
    request.set_reason("the gateway is down");
    request.set_ticket("INC-7");
    return request;
  }
  auto Start(const std::string& caller, const BreakGlassRequest& request = StartRequest()) {
    return Call<BreakGlassResponse>(caller, "BreakGlass", request);
  }
  auto Review(const std::string& caller, const std::string& name, bool justified = true) {
    ReviewBreakGlassRequest request;
    request.set_name(name);
    request.set_findings("two records, both of the fault");
    request.set_justified(justified);
    return Call<ReviewBreakGlassResponse>(caller, "ReviewBreakGlass", request);
  }
  std::vector<BreakGlassUse> List(BreakGlassState state = BREAK_GLASS_STATE_UNSPECIFIED) {
    ListBreakGlassRequest request;
    request.set_state(state);
    const auto answer = Call<ListBreakGlassResponse>("dan", "ListBreakGlass", request);
    EXPECT_TRUE(answer.ok());
    return {answer.response.uses().begin(), answer.response.uses().end()};
  }
  // What a reveal by the principal would come to.
  Reason Reveals(const std::string& principal, const std::string& role = "") {
    const auto state = vault_.state();
    const PrincipalState& caller = *state->FindPrincipal(principal);
    const authz::Policy& policy = *state->FindTenant("default")->policy_in_force();
    const PersonState& person = *state->FindPerson(caller.row.person());
    const std::vector<authz::FieldId> fields = {policy.FindField("customer.phone")};
    authz::DecisionInput input;
    input.principal = &caller.principal;
    input.person = &person.person;
    input.attestations = person.attestations;
    input.tenant = kTenant;
    input.verb = authz::Verb::kReveal;
    input.type = policy.FindType("customer");
    input.fields = fields;
    input.purpose = "work";
    input.role = role;
    input.now = vault_.now();
    return authz::DecideWithoutSubject(policy, input).reason;
  }

  std::string policy_;
};

TEST_F(AdminBreakGlassTest, TheHolderTakesTheRoleForAWhile) {
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted) << "given, but not taken";
  const auto started = Start("cho");
  ASSERT_TRUE(started.ok()) << authz::ReasonName(started.reason);
  const BreakGlassUse& use = started.response.use();
  EXPECT_EQ(use.principal(), "principals/cho");
  EXPECT_EQ(use.tenant(), kTenant);
  EXPECT_EQ(use.role(), "rescuer");
  EXPECT_EQ(use.reason(), "the gateway is down");
  EXPECT_EQ(use.ticket(), "INC-7");
  EXPECT_EQ(use.state(), BREAK_GLASS_STATE_ACTIVE);
  EXPECT_EQ(use.start_time().seconds(), absl::ToUnixSeconds(vault_.now()));
  EXPECT_EQ(use.end_time().seconds(), absl::ToUnixSeconds(vault_.now() + absl::Hours(4)));
  EXPECT_FALSE(use.has_end_position());
  EXPECT_EQ(Reveals("cho"), Reason::kOk);
  vault_.Pass(absl::Hours(4) - absl::Microseconds(1));
  EXPECT_EQ(Reveals("cho"), Reason::kOk);
  vault_.Pass(absl::Microseconds(1));
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
}

TEST_F(AdminBreakGlassTest, TheEntrySaysWhatWasTakenButNotWhy) {
  const auto started = Start("cho");
  const storage::v1::EntryBody& entry = started.entry;
  EXPECT_EQ(entry.break_glass(), started.response.use().name());
  EXPECT_EQ(entry.resource(), started.response.use().name());
  EXPECT_EQ(entry.ticket(), "INC-7");
  EXPECT_EQ(entry.role(), "rescuer");
  EXPECT_EQ(entry.tenant(), kTenant);
  EXPECT_EQ(ToHex(entry.policy_sha256()), policy_);
  EXPECT_EQ(entry.SerializeAsString().find("gateway"), std::string::npos);
}

TEST_F(AdminBreakGlassTest, ForLessThanThePolicyLetsButNotForMore) {
  BreakGlassRequest request = StartRequest();
  request.set_seconds(4 * 3600 + 1);
  const auto longer = Start("cho", request);
  EXPECT_EQ(longer.reason, Reason::kMalformedRequest);
  EXPECT_THAT(longer.fields, ElementsAre("seconds"));
  request.set_seconds(-1);
  EXPECT_EQ(Start("cho", request).reason, Reason::kMalformedRequest);
  request.set_seconds(60);
  ASSERT_TRUE(Start("cho", request).ok());
  vault_.Pass(absl::Minutes(1));
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
}

TEST_F(AdminBreakGlassTest, OnlyTheHolderTakesIt) {
  // Whoever administers, audits, holds another role or none.
  for (const char* caller : {"aoki", "dan", "eri", "fuji"}) {
    const auto answer = Start(caller);
    EXPECT_EQ(answer.reason, Reason::kRoleNotGranted) << caller;
    EXPECT_THAT(answer.entry.break_glass(), IsEmpty());
  }
  BreakGlassRequest request = StartRequest();
  for (const char* tenant : {"", "tenants/", "tenants/other", "default"}) {
    request.set_tenant(tenant);
    EXPECT_EQ(Start("cho", request).reason, Reason::kRoleNotGranted) << tenant;
  }
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AdminBreakGlassTest, OnlyARoleOfThatKindIsTaken) {
  EXPECT_EQ(Start("eri", StartRequest("officer")).reason, Reason::kRoleUnknown);
}

TEST_F(AdminBreakGlassTest, OnlyWithWhatTheRoleAsksFor) {
  Give("fuji", "rescuer");
  EXPECT_EQ(Start("fuji").reason, Reason::kNdaMissing);
  UpdatePersonRequest update;
  update.mutable_person()->set_name("persons/cho");
  update.mutable_person()->set_employment(EMPLOYMENT_EQUIVALENT);
  update.mutable_person()->set_justification("J-2");
  update.mutable_person()->mutable_justification_end_time()->set_seconds(
      absl::ToUnixSeconds(vault_.now()) - 1);
  ASSERT_TRUE(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).ok());
  EXPECT_EQ(Start("cho").reason, Reason::kJustificationExpired);
}

TEST_F(AdminBreakGlassTest, OnlyWithinTheBindingsTime) {
  CreateProposalRequest request = GrantRequest("fuji", "medic", kTenant);
  RoleBinding* binding = request.mutable_proposal()->mutable_grant_role()->mutable_binding();
  binding->set_justification("J-1");
  binding->mutable_not_before()->set_seconds(absl::ToUnixSeconds(vault_.now()) + 60);
  binding->mutable_not_after()->set_seconds(absl::ToUnixSeconds(vault_.now()) + 120);
  ASSERT_TRUE(Approve("baba", Propose("aoki", request).response.proposal()).ok());
  EXPECT_EQ(Start("fuji", StartRequest("medic")).reason, Reason::kRoleNotGranted);
  vault_.Pass(absl::Seconds(121));
  EXPECT_EQ(Start("fuji", StartRequest("medic")).reason, Reason::kRoleExpired);
}

TEST_F(AdminBreakGlassTest, AReasonIsGivenAndNoCardNumber) {
  BreakGlassRequest request = StartRequest();
  const auto refused = [&](const std::string& reason) {
    request.set_reason(reason);
    return Start("cho", request).reason;
  };
  EXPECT_EQ(refused(""), Reason::kMalformedRequest);
  EXPECT_EQ(refused("too short"), Reason::kMalformedRequest);
  EXPECT_EQ(refused(std::string(501, 'x')), Reason::kMalformedRequest);
  EXPECT_EQ(refused("the card 4111 1111 1111 1111 is refused"), Reason::kProhibitedType);
  request = StartRequest();
  request.set_ticket("no ticket");
  EXPECT_EQ(Start("cho", request).reason, Reason::kTicketInvalid);
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
}

TEST_F(AdminBreakGlassTest, NotAgainBeforeSomebodyElseHasReviewedIt) {
  const std::string use = Start("cho").response.use().name();
  // Neither while it lasts nor afterwards, whichever role it is.
  Give("cho", "medic");
  EXPECT_EQ(Start("cho", StartRequest("medic")).reason, Reason::kReviewPending);
  EXPECT_EQ(Review("dan", use).reason, Reason::kBreakGlassActive);
  vault_.Pass(absl::Hours(5));
  const auto again = Start("cho");
  EXPECT_EQ(again.reason, Reason::kReviewPending);
  EXPECT_EQ(again.entry.break_glass(), use);
  ASSERT_TRUE(Review("dan", use, false).ok());
  EXPECT_TRUE(Start("cho").ok());
}

TEST_F(AdminBreakGlassTest, NorByAnotherPrincipalOfTheSamePerson) {
  MakePrincipal("cho-2", "cho");
  Give("cho-2", "medic");
  ASSERT_TRUE(Start("cho").ok());
  EXPECT_EQ(Start("cho-2", StartRequest("medic")).reason, Reason::kReviewPending);
}

TEST_F(AdminBreakGlassTest, OfTwoAtOnceOneIsTaken) {
  MakePrincipal("cho-2", "cho");
  Give("cho-2", "medic");
  const auto late = Call<BreakGlassResponse>("cho", "BreakGlass", StartRequest(), [&] {
    EXPECT_TRUE(Start("cho-2", StartRequest("medic")).ok());
  });
  EXPECT_EQ(late.reason, Reason::kReviewPending);
  EXPECT_THAT(List(), SizeIs(1));
}

TEST_F(AdminBreakGlassTest, OthersAreNotHeldUp) {
  ASSERT_TRUE(Start("cho").ok());
  Give("fuji", "medic");
  EXPECT_TRUE(Start("fuji", StartRequest("medic")).ok());
}

TEST_F(AdminBreakGlassTest, TheReviewIsKept) {
  const std::string use = Start("cho").response.use().name();
  vault_.Pass(absl::Hours(4));
  EXPECT_THAT(List(BREAK_GLASS_STATE_ACTIVE), IsEmpty());
  EXPECT_THAT(List(BREAK_GLASS_STATE_UNREVIEWED), SizeIs(1));
  const auto reviewed = Review("dan", use, false);
  ASSERT_TRUE(reviewed.ok()) << authz::ReasonName(reviewed.reason);
  EXPECT_EQ(reviewed.entry.break_glass(), use);
  EXPECT_EQ(reviewed.entry.role(), "vault_auditor");
  EXPECT_EQ(reviewed.entry.arguments().at("justified"), "no");
  const std::vector<BreakGlassUse> list = List(BREAK_GLASS_STATE_REVIEWED);
  ASSERT_THAT(list, SizeIs(1));
  EXPECT_EQ(list[0].reviewer(), "principals/dan");
  EXPECT_EQ(list[0].review_time().seconds(), absl::ToUnixSeconds(vault_.now()));
  EXPECT_EQ(list[0].findings(), "two records, both of the fault");
  EXPECT_FALSE(list[0].justified());
  EXPECT_LT(list[0].start_position().index(), list[0].end_position().index());
  EXPECT_EQ(Review("dan", use).reason, Reason::kAlreadyExists) << "and is not rewritten";
  // After a restart too.
  const std::string row = vault_.state()->FindBreakGlass(use.substr(15))->row.SerializeAsString();
  ASSERT_TRUE(vault_.Open().ok());
  EXPECT_EQ(vault_.state()->FindBreakGlass(use.substr(15))->row.SerializeAsString(), row);
}

TEST_F(AdminBreakGlassTest, NobodyReviewsTheOwn) {
  const std::string use = Start("cho").response.use().name();
  vault_.Pass(absl::Hours(4));
  Grant("cho", "vault_auditor");
  EXPECT_EQ(Review("cho", use).reason, Reason::kProposalSelfApproval);
  MakePrincipal("cho-2", "cho");
  Grant("cho-2", "vault_auditor");
  EXPECT_EQ(Review("cho-2", use).reason, Reason::kProposalSelfApproval);
  EXPECT_THAT(List(BREAK_GLASS_STATE_UNREVIEWED), SizeIs(1));
}

TEST_F(AdminBreakGlassTest, ProgramsReviewNothing) {
  const std::string use = Start("cho").response.use().name();
  vault_.Pass(absl::Hours(4));
  MakePrincipal("watcher", "dan", PRINCIPAL_KIND_SERVICE);
  Grant("watcher", "vault_auditor");
  EXPECT_EQ(Review("watcher", use).reason, Reason::kPrincipalKindNotAdmitted);
}

TEST_F(AdminBreakGlassTest, WhoApprovesExceptionsReviewsToo) {
  const std::string use = Start("cho").response.use().name();
  vault_.Pass(absl::Hours(4));
  EXPECT_EQ(Review("aoki", use).reason, Reason::kSystemRoleRequired)
      << "administering is not enough";
  EXPECT_EQ(Review("fuji", use).reason, Reason::kSystemRoleRequired);
  ReviewBreakGlassRequest nothing;
  nothing.set_name("breakGlassUses/" + std::string(26, 'a'));
  EXPECT_EQ(Call<ReviewBreakGlassResponse>("eri", "ReviewBreakGlass", nothing).reason,
            Reason::kSystemRoleRequired);
  const auto reviewed = Review("eri", use);
  ASSERT_TRUE(reviewed.ok()) << authz::ReasonName(reviewed.reason);
  EXPECT_EQ(reviewed.entry.role(), "officer");
  // And sees those of the tenant.
  ListBreakGlassRequest list;
  EXPECT_EQ(Call<ListBreakGlassResponse>("eri", "ListBreakGlass", list).reason,
            Reason::kSystemRoleRequired);
  list.set_tenant(kTenant);
  EXPECT_THAT(Call<ListBreakGlassResponse>("eri", "ListBreakGlass", list).response.uses(),
              SizeIs(1));
  EXPECT_EQ(Call<ListBreakGlassResponse>("fuji", "ListBreakGlass", list).reason,
            Reason::kSystemRoleRequired);
}

TEST_F(AdminBreakGlassTest, IsListedByPrincipalAndTenant) {
  Give("fuji", "medic");
  ASSERT_TRUE(Start("cho").ok());
  vault_.Pass(absl::Seconds(1));
  ASSERT_TRUE(Start("fuji", StartRequest("medic")).ok());
  EXPECT_EQ(List()[0].principal(), "principals/fuji") << "newest first";
  ListBreakGlassRequest request;
  request.set_principal("principals/cho");
  const auto of_cho = Call<ListBreakGlassResponse>("aoki", "ListBreakGlass", request);
  ASSERT_THAT(of_cho.response.uses(), SizeIs(1));
  request.Clear();
  request.set_tenant("tenants/other");
  EXPECT_THAT(Call<ListBreakGlassResponse>("aoki", "ListBreakGlass", request).response.uses(),
              IsEmpty());
  request.set_tenant("other");
  EXPECT_EQ(Call<ListBreakGlassResponse>("aoki", "ListBreakGlass", request).reason,
            Reason::kMalformedRequest);
}

TEST_F(AdminBreakGlassTest, ARetryIsTheSameUse) {
  BreakGlassRequest request = StartRequest();
  request.set_request_id("once");
  const auto first = Start("cho", request);
  ASSERT_TRUE(first.ok());
  const auto second = Start("cho", request);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second.response.use().name(), first.response.use().name());
  EXPECT_THAT(List(), SizeIs(1));
}

// `rescuer` is an ordinary role now, and may do what two persons should.
constexpr char kLaterPolicy[] = R"yaml(
policy: emergencies
timezone: UTC
types:
  customer: {fields: {email: email_address, phone: phone_number}}
purposes: {work: {}, law: {}}
roles:
  rescuer: {kind: staff, nda: none}
  medic: {kind: staff, nda: none, break_glass: 30m}
  clerk: {kind: staff, nda: none, needs: [approval_by_department_manager]}
grants:
  - {id: rescue, role: rescuer, may: [reveal], fields: [customer.*], for: [work]}
  - {id: exceptions, role: rescuer, may: [approve_exception], for: [law]}
  - {id: manage, role: rescuer, may: [approve_grant]}
  - {id: heal, role: medic, may: [reveal], fields: [customer.phone], for: [work]}
  - {id: clerk, role: clerk, may: [reveal], fields: [customer.phone], for: [work]}
)yaml";

TEST_F(AdminBreakGlassTest, StaysForEmergenciesWhateverALaterPolicySays) {
  EXPECT_TRUE(vault_.state()->FindPrincipal("cho")->row.bindings(0).given_for_emergencies());
  EXPECT_FALSE(vault_.state()->FindPrincipal("eri")->row.bindings(0).given_for_emergencies());
  Activate(kLaterPolicy);
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
  EXPECT_EQ(Start("cho").reason, Reason::kRoleUnknown) << "nor is it one to be taken";
  GetPrincipalRequest get;
  get.set_name("principals/cho");
  EXPECT_TRUE(Call<GetPrincipalResponse>("aoki", "GetPrincipal", get)
                  .response.principal()
                  .bindings(0)
                  .break_glass());
  // Given under the new policy it is an ordinary one.
  Give("dan", "rescuer");
  EXPECT_EQ(Reveals("dan"), Reason::kOk);
  // After a restart too.
  ASSERT_TRUE(vault_.Open().ok());
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
  EXPECT_EQ(Reveals("dan"), Reason::kOk);
}

TEST_F(AdminBreakGlassTest, WhatWasTakenBeforeALaterPolicyEndsAsWasSaid) {
  ASSERT_TRUE(Start("cho").ok());
  Activate(kLaterPolicy);
  EXPECT_EQ(Reveals("cho"), Reason::kOk);
  vault_.Pass(absl::Hours(4));
  EXPECT_EQ(Reveals("cho"), Reason::kRoleNotGranted);
}

TEST_F(AdminBreakGlassTest, IsHandedOverAsAnEmergencyRole) {
  Activate(kLaterPolicy);
  CreateProposalRequest request;
  auto* act = request.mutable_proposal()->mutable_hand_over();
  act->set_principal("principals/cho");
  act->set_successor("principals/fuji");
  act->set_role("rescuer");
  act->set_tenant(kTenant);
  act->set_justification("J-1");
  ASSERT_TRUE(Approve("baba", Propose("aoki", request).response.proposal()).ok());
  EXPECT_EQ(Reveals("fuji"), Reason::kRoleNotGranted);
}

TEST_F(AdminBreakGlassTest, NoEmergencyReviewsAnother) {
  Give("fuji", "medic");
  const std::string of_fuji = Start("fuji", StartRequest("medic")).response.use().name();
  vault_.Pass(absl::Minutes(30));
  ASSERT_TRUE(Start("cho").ok());
  Activate(kLaterPolicy);
  EXPECT_EQ(Reveals("cho"), Reason::kOk);
  EXPECT_EQ(Review("cho", of_fuji).reason, Reason::kSystemRoleRequired);
  ListBreakGlassRequest list;
  list.set_tenant(kTenant);
  EXPECT_EQ(Call<ListBreakGlassResponse>("cho", "ListBreakGlass", list).reason,
            Reason::kSystemRoleRequired);
  // Who has the role at any time does.
  Give("eri", "rescuer");
  EXPECT_TRUE(Review("eri", of_fuji).ok());
}

TEST_F(AdminBreakGlassTest, NoEmergencyApprovesRightsThatOutliveIt) {
  for (const char* name : {"cho", "eri", "fuji"}) {
    UpdatePersonRequest update;
    update.mutable_person()->set_name(std::string("persons/") + name);
    update.mutable_person()->set_employment(EMPLOYMENT_FULL_TIME);
    update.mutable_person()->set_department("east");
    ASSERT_TRUE(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).ok());
  }
  ASSERT_TRUE(Start("cho").ok());
  Activate(kLaterPolicy);
  const auto proposed = Propose("aoki", GrantRequest("fuji", "clerk", kTenant));
  ASSERT_TRUE(proposed.ok());
  EXPECT_EQ(Approve("cho", proposed.response.proposal()).reason, Reason::kSystemRoleRequired);
  Give("eri", "rescuer");
  EXPECT_TRUE(Approve("eri", proposed.response.proposal()).ok());
}

// What ends a use at once; that it is to be reviewed stays.
class BreakGlassEndTest : public AdminBreakGlassTest {
 protected:
  BreakGlassEndTest() {
    EXPECT_TRUE(Start("cho").ok());
    vault_.Pass(absl::Minutes(1));
  }
  void ExpectOver() {
    EXPECT_NE(Reveals("cho"), Reason::kOk);
    const std::vector<BreakGlassUse> open = List(BREAK_GLASS_STATE_UNREVIEWED);
    ASSERT_THAT(open, SizeIs(1));
    EXPECT_EQ(open[0].end_time().seconds(), absl::ToUnixSeconds(vault_.now()));
    EXPECT_FALSE(open[0].has_end_position());
  }
};

TEST_F(BreakGlassEndTest, TakingTheRoleAway) {
  RevokeRoleRequest revoke;
  revoke.set_principal("principals/cho");
  revoke.set_role("rescuer");
  revoke.set_tenant(kTenant);
  ASSERT_TRUE(Call<RevokeRoleResponse>("aoki", "RevokeRole", revoke).ok());
  ExpectOver();
  // What was on its way to the log then is before the end that the review says.
  const uint64_t revoked = vault_.engine().LogEnd().index;
  ASSERT_TRUE(Review("dan", List()[0].name()).ok());
  EXPECT_GT(List()[0].end_position().index(), revoked);
}

TEST_F(BreakGlassEndTest, DisablingAndComingBack) {
  DisablePrincipalRequest disable;
  disable.set_name("principals/cho");
  ASSERT_TRUE(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).ok());
  ExpectOver();
  CreateProposalRequest enable;
  enable.mutable_proposal()->mutable_enable_principal()->set_principal("principals/cho");
  ASSERT_TRUE(Approve("baba", Propose("aoki", enable).response.proposal()).ok());
  ExpectOver();
  EXPECT_EQ(Start("cho").reason, Reason::kReviewPending);
}

TEST_F(BreakGlassEndTest, Offboarding) {
  OffboardPrincipalRequest offboard;
  offboard.set_name("principals/cho");
  ASSERT_TRUE(Call<OffboardPrincipalResponse>("aoki", "OffboardPrincipal", offboard).ok());
  ExpectOver();
}

TEST_F(BreakGlassEndTest, GivingTheRoleAnew) {
  Give("cho", "rescuer");
  ExpectOver();
}

TEST_F(BreakGlassEndTest, HandingTheRoleOverAndNotTheEmergency) {
  ASSERT_TRUE(
      Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest("fuji")).ok());
  CreateProposalRequest request;
  auto* act = request.mutable_proposal()->mutable_hand_over();
  act->set_principal("principals/cho");
  act->set_successor("principals/fuji");
  act->set_role("rescuer");
  act->set_tenant(kTenant);
  act->set_justification("J-1");
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  ExpectOver();
  EXPECT_EQ(Reveals("fuji"), Reason::kRoleNotGranted);
}

TEST_F(BreakGlassEndTest, NotWhatIsAboutSomethingElse) {
  Give("cho", "clerk");
  EXPECT_EQ(Reveals("cho", "rescuer"), Reason::kOk);
  RevokeRoleRequest revoke;
  revoke.set_principal("principals/cho");
  revoke.set_role("clerk");
  revoke.set_tenant(kTenant);
  ASSERT_TRUE(Call<RevokeRoleResponse>("aoki", "RevokeRole", revoke).ok());
  EXPECT_EQ(Reveals("cho"), Reason::kOk);
  EXPECT_THAT(List(BREAK_GLASS_STATE_ACTIVE), SizeIs(1));
}

TEST_F(BreakGlassEndTest, ShowsWithTheRole) {
  GetPrincipalRequest request;
  request.set_name("principals/cho");
  const auto shown = Call<GetPrincipalResponse>("aoki", "GetPrincipal", request);
  EXPECT_EQ(shown.response.principal().bindings(0).active_until_time().seconds(),
            List()[0].end_time().seconds());
}

}  // namespace
}  // namespace piivault::vault
