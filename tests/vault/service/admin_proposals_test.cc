// Two persons for what gives rights (I7), and a stale proposal for nobody.

#include "authz/decision.h"
#include "tests/vault/service/admin_testing.h"
#include "vault/service/session_check.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class AdminProposalsTest : public AdminTest {
 protected:
  AdminProposalsTest() {
    MakeStaff("cho");
    MakeStaff("dan");
  }

  bool Has(const std::string& principal, authz::SystemRole role) {
    return authz::DecideSystemRole(&vault_.state()->FindPrincipal(principal)->principal, {role},
                                   vault_.now()) == Reason::kOk;
  }
  Reason Reject(const std::string& caller, const Proposal& proposal) {
    RejectProposalRequest request;
    request.set_name(proposal.name());
    return Call<RejectProposalResponse>(caller, "RejectProposal", request).reason;
  }
  Proposal ProposeAuditor() {
    auto answer = Propose("aoki", GrantRequest("cho", "vault_auditor"));
    EXPECT_TRUE(answer.ok());
    return answer.response.proposal();
  }
  // One kind of record, and engineers who read it; `more` goes on with what an engineer needs.
  static std::string SmallPolicy(const std::string& more) {
    return "policy: small\n"
           "timezone: UTC\n"
           "types:\n"
           "  customer:\n"
           "    fields:\n"
           "      email: {type: email_address, index: true}\n"
           "purposes:\n"
           "  work: {label: {en: Work}}\n"
           "roles:\n"
           "  engineer: {kind: staff, employment: [full_time], nda: [nda_contract]" +
           more +
           "}\n"
           "grants:\n"
           "  - {id: read, role: engineer, may: [reveal], fields: [customer.email], for: [work]}\n";
  }
  void Disable(const std::string& principal) {
    DisablePrincipalRequest disable;
    disable.set_name("principals/" + principal);
    EXPECT_TRUE(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).ok());
  }
  static CreateProposalRequest EnableRequest(const std::string& principal) {
    CreateProposalRequest request;
    request.mutable_proposal()->mutable_enable_principal()->set_principal("principals/" +
                                                                          principal);
    return request;
  }
  Reason AddIdentity(const std::string& principal, const std::string& uri) {
    CreateProposalRequest request;
    auto* add = request.mutable_proposal()->mutable_add_identity();
    add->set_principal("principals/" + principal);
    add->mutable_identity()->set_uri(uri);
    auto proposed = Propose("aoki", request);
    if (!proposed.ok()) return proposed.reason;
    return Approve("baba", proposed.response.proposal()).reason;
  }
};

TEST_F(AdminProposalsTest, ASecondPersonApproves) {
  const Proposal proposal = ProposeAuditor();
  EXPECT_EQ(proposal.state(), PROPOSAL_STATE_OPEN);
  EXPECT_FALSE(Has("cho", authz::SystemRole::kVaultAuditor));
  const auto approved = Approve("baba", proposal);
  ASSERT_TRUE(approved.ok());
  EXPECT_EQ(approved.response.proposal().state(), PROPOSAL_STATE_APPROVED);
  EXPECT_EQ(approved.response.proposal().decider(), "principals/baba");
  EXPECT_EQ(approved.entry.resource(), "principals/cho");
  EXPECT_THAT(approved.entry.proposal_sha256(), SizeIs(32));
  EXPECT_FALSE(approved.entry.single_operator());
  EXPECT_TRUE(Has("cho", authz::SystemRole::kVaultAuditor));
}

TEST_F(AdminProposalsTest, NobodyApprovesAnOwnProposal) {
  const Proposal proposal = ProposeAuditor();
  const auto answer = Approve("aoki", proposal);
  EXPECT_EQ(answer.reason, Reason::kProposalSelfApproval);
  EXPECT_EQ(answer.entry.decision(), storage::v1::DECISION_DENIED);
  EXPECT_FALSE(Has("cho", authz::SystemRole::kVaultAuditor));
}

TEST_F(AdminProposalsTest, NotByASecondPrincipalEither) {
  MakePrincipal("aoki-2", "aoki");
  Grant("aoki-2", "vault_admin");
  EXPECT_EQ(Approve("aoki-2", ProposeAuditor()).reason, Reason::kProposalSelfApproval);
  // And the other way round.
  auto proposed = Propose("aoki-2", GrantRequest("cho", "vault_auditor"));
  ASSERT_TRUE(proposed.ok());
  EXPECT_EQ(Approve("aoki", proposed.response.proposal()).reason, Reason::kProposalSelfApproval);
}

TEST_F(AdminProposalsTest, NotByASecondCertificateEither) {
  ASSERT_EQ(AddIdentity("aoki", "spiffe://example.test/aoki-laptop"), Reason::kOk);
  EXPECT_EQ(Approve("aoki-laptop", ProposeAuditor()).reason, Reason::kProposalSelfApproval);
}

TEST_F(AdminProposalsTest, OnlyOverItsHash) {
  Proposal proposal = ProposeAuditor();
  const std::string hash = proposal.sha256();
  proposal.set_sha256(std::string(64, '0'));
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
  proposal.set_sha256("");
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kMalformedRequest);
  // The same act, proposed again, is another proposal.
  const Proposal second = ProposeAuditor();
  EXPECT_NE(second.sha256(), hash);
  proposal.set_sha256(second.sha256());
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
  EXPECT_FALSE(Has("cho", authz::SystemRole::kVaultAuditor));
}

TEST_F(AdminProposalsTest, AnotherActUnderTheSameNameHasAnotherHash) {
  const Proposal proposal = ProposeAuditor();
  // As if somebody with the keys had rewritten the row after the approver read it.
  storage::v1::ProposalRow row = vault_.state()->FindProposal(proposal.name().substr(10))->row;
  Proposal act;
  *act.mutable_grant_role() = GrantRequest("dan", "vault_admin").proposal().grant_role();
  row.set_act(act.SerializeAsString());
  StateChange change = vault_.NewChange();
  change.PutProposal(row);
  ASSERT_TRUE(vault_.Commit(std::move(change)).ok());
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
  EXPECT_FALSE(Has("dan", authz::SystemRole::kVaultAdmin));
}

TEST_F(AdminProposalsTest, AnApprovalCannotBeReplayed) {
  const Proposal proposal = ProposeAuditor();
  ASSERT_TRUE(Approve("baba", proposal).ok());
  RevokeRoleRequest revoke;
  revoke.set_principal("principals/cho");
  revoke.set_role("vault_auditor");
  ASSERT_TRUE(Call<RevokeRoleResponse>("aoki", "RevokeRole", revoke).ok());
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
  EXPECT_FALSE(Has("cho", authz::SystemRole::kVaultAuditor));
}

TEST_F(AdminProposalsTest, OfTwoApprovalsAtOnceOneTakesEffect) {
  MakeStaff("eri");
  Grant("eri", "vault_admin");
  const Proposal proposal = ProposeAuditor();
  const auto late = Approve("baba", proposal, [&] { EXPECT_TRUE(Approve("eri", proposal).ok()); });
  EXPECT_EQ(late.reason, Reason::kProposalStale);
}

TEST_F(AdminProposalsTest, AnIdentityGainedMeanwhileMakesAGrantStale) {
  const Proposal proposal = ProposeAuditor();
  ASSERT_EQ(AddIdentity("cho", "spiffe://example.test/mallory"), Reason::kOk);
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kProposalStale);
}

TEST_F(AdminProposalsTest, OtherRolesGainedMeanwhileDoNot) {
  const Proposal proposal = ProposeAuditor();
  Grant("cho", "vault_operator");
  EXPECT_TRUE(Approve("baba", proposal).ok());
}

TEST_F(AdminProposalsTest, AnApproverWhoLosesTheRoleInBetweenIsRefused) {
  Grant("dan", "vault_admin");
  const Proposal proposal = ProposeAuditor();
  const auto answer = Approve("dan", proposal, [&] {
    RevokeRoleRequest revoke;
    revoke.set_principal("principals/dan");
    revoke.set_role("vault_admin");
    EXPECT_TRUE(Call<RevokeRoleResponse>("aoki", "RevokeRole", revoke).ok());
  });
  EXPECT_EQ(answer.reason, Reason::kSystemRoleRequired);
  EXPECT_FALSE(Has("cho", authz::SystemRole::kVaultAuditor));
}

TEST_F(AdminProposalsTest, AProposerWhoIsDisabledProposesNothing) {
  Grant("dan", "vault_admin");
  auto proposed = Propose("dan", GrantRequest("cho", "vault_auditor"));
  ASSERT_TRUE(proposed.ok());
  DisablePrincipalRequest disable;
  disable.set_name("principals/dan");
  ASSERT_TRUE(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).ok());
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kProposalStale);
}

TEST_F(AdminProposalsTest, ExpiresAfterSevenDays) {
  const Proposal in_time = ProposeAuditor();
  const Proposal late = ProposeAuditor();
  vault_.Pass(kProposalLifetime - absl::Microseconds(1));
  EXPECT_TRUE(Approve("baba", in_time).ok());
  vault_.Pass(absl::Microseconds(1));
  EXPECT_EQ(Approve("baba", late).reason, Reason::kProposalExpired);
  EXPECT_EQ(Reject("baba", late), Reason::kProposalExpired);
  ListProposalsRequest list;
  list.set_state(PROPOSAL_STATE_EXPIRED);
  const auto expired = Call<ListProposalsResponse>("aoki", "ListProposals", list);
  ASSERT_EQ(expired.response.proposals_size(), 1);
  EXPECT_EQ(expired.response.proposals(0).name(), late.name());
  EXPECT_EQ(expired.response.proposals(0).state(), PROPOSAL_STATE_EXPIRED);
}

TEST_F(AdminProposalsTest, ARejectedOrWithdrawnProposalIsOver) {
  const Proposal rejected = ProposeAuditor();
  EXPECT_EQ(Reject("baba", rejected), Reason::kOk);
  EXPECT_EQ(Approve("baba", rejected).reason, Reason::kProposalStale);
  const Proposal withdrawn = ProposeAuditor();
  EXPECT_EQ(Reject("aoki", withdrawn), Reason::kOk);
  EXPECT_EQ(Approve("baba", withdrawn).reason, Reason::kProposalStale);
}

TEST_F(AdminProposalsTest, WhatCannotBeIsNotProposed) {
  EXPECT_EQ(Propose("aoki", CreateProposalRequest()).reason, Reason::kMalformedRequest);
  EXPECT_EQ(Propose("aoki", GrantRequest("none", "vault_auditor")).reason, Reason::kNotFound);
  EXPECT_EQ(Propose("aoki", GrantRequest("cho", "engineer")).reason, Reason::kRoleUnknown);
  EXPECT_EQ(Propose("aoki", GrantRequest("cho", "engineer", "tenants/default")).reason,
            Reason::kNoPolicy);
  EXPECT_EQ(Propose("aoki", GrantRequest("cho", "engineer", "tenants/none")).reason,
            Reason::kTenantUnknown);
  MakePrincipal("api", "cho", PRINCIPAL_KIND_SERVICE);
  EXPECT_EQ(Propose("aoki", GrantRequest("api", "vault_admin")).reason,
            Reason::kPrincipalKindNotAdmitted);
  EXPECT_TRUE(Propose("aoki", GrantRequest("api", "vault_auditor")).ok());
}

// 002-55: a policy that ends sessions is in force only where the server ends them as soon.
TEST_F(AdminProposalsTest, AServerThatKeepsSessionsLongerDoesNotTakeThePolicy) {
  const std::string policy = SmallPolicy("") + "session: {idle: 15m, absolute: 12h}\n";
  CreatePolicyRequest load;
  load.set_yaml(policy);
  const auto loaded = Call<CreatePolicyResponse>("aoki", "CreatePolicy", load);
  ASSERT_TRUE(loaded.ok()) << authz::ReasonName(loaded.reason);
  CreateProposalRequest request;
  auto* activate = request.mutable_proposal()->mutable_activate_policy();
  activate->set_tenant("tenants/default");
  activate->set_policy_sha256(loaded.response.policy().name().substr(9));

  auto refused = Propose("aoki", request);
  EXPECT_EQ(refused.reason, Reason::kSessionLimits);
  EXPECT_THAT(refused.fields, ElementsAre("session.idle", "session.absolute"));
  dependencies_.sessions = {absl::Minutes(15), absl::Hours(12) + absl::Seconds(1)};
  refused = Propose("aoki", request);
  EXPECT_THAT(refused.fields, ElementsAre("session.absolute"));
  dependencies_.sessions = {absl::Minutes(15), absl::Hours(12)};
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());

  // Nor does it start with another configuration.
  const auto state = vault_.store().snapshot();
  EXPECT_TRUE(CheckSessions(*state, dependencies_.sessions).ok());
  const absl::Status longer = CheckSessions(*state, {absl::Minutes(16), absl::Hours(12)});
  EXPECT_TRUE(absl::IsFailedPrecondition(longer)) << longer;
  EXPECT_THAT(std::string(longer.message()), HasSubstr("tenants/default: session.idle"));
}

TEST_F(AdminProposalsTest, AdmissionIsAskedAtProposalAndAtApproval) {
  Activate(SmallPolicy(""));
  UpdatePersonRequest update;
  update.mutable_person()->set_name("persons/cho");
  const auto employ = [&](Employment employment) {
    update.mutable_person()->set_employment(employment);
    EXPECT_TRUE(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).ok());
  };
  const auto request = GrantRequest("cho", "engineer", "tenants/default");
  employ(EMPLOYMENT_PART_TIME);
  EXPECT_EQ(Propose("aoki", request).reason, Reason::kEmploymentNotAdmitted);
  employ(EMPLOYMENT_FULL_TIME);
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  // Between the approver's decision and its commit: decided again.
  const auto answer =
      Approve("baba", proposed.response.proposal(), [&] { employ(EMPLOYMENT_PART_TIME); });
  EXPECT_EQ(answer.reason, Reason::kEmploymentNotAdmitted);
  EXPECT_EQ(vault_.state()->FindPrincipal("cho")->row.bindings_size(), 0);
  employ(EMPLOYMENT_FULL_TIME);
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  EXPECT_EQ(vault_.state()->FindPrincipal("cho")->row.bindings_size(), 1);
}

TEST_F(AdminProposalsTest, APolicyShowsWhatItWouldNewlyGrant) {
  const auto load = [&](const std::string& yaml) {
    CreatePolicyRequest request;
    request.set_yaml(yaml);
    return Call<CreatePolicyResponse>("aoki", "CreatePolicy", request)
        .response.policy()
        .name()
        .substr(9);
  };
  const auto propose = [&](const std::string& sha256) {
    CreateProposalRequest request;
    auto* act = request.mutable_proposal()->mutable_activate_policy();
    act->set_tenant("tenants/default");
    act->set_policy_sha256(sha256);
    act->set_reason("test");
    // What is answered only changes nothing that is approved.
    act->add_newly_granted("nothing at all");
    act->set_newly_granted_count(77);
    act->add_settings_changed("none");
    return Propose("aoki", request).response.proposal();
  };
  const auto get = [&](const Proposal& proposal) {
    GetProposalRequest request;
    request.set_name(proposal.name());
    return Call<GetProposalResponse>("baba", "GetProposal", request).response.proposal();
  };
  const Proposal first = propose(load(SmallPolicy("")));
  EXPECT_EQ(first.activate_policy().newly_granted_size(), 0);
  EXPECT_EQ(first.activate_policy().newly_granted_count(), 0);
  const Proposal shown = get(first);
  EXPECT_THAT(shown.activate_policy().newly_granted(),
              testing::Contains("+ engineer may reveal customer.email for work: plain by grant "
                                "read"));
  EXPECT_EQ(shown.activate_policy().newly_granted_size(),
            shown.activate_policy().newly_granted_count());
  EXPECT_FALSE(shown.activate_policy().newly_granted_incomplete());
  EXPECT_EQ(shown.sha256(), first.sha256());
  EXPECT_TRUE(Approve("baba", shown).ok());
  EXPECT_EQ(get(first).activate_policy().newly_granted_size(), 0) << "it is decided";

  // Against the one in force: nothing new for anybody, but the role asks for more.
  const Proposal second = get(propose(load(SmallPolicy(", holders: 3"))));
  EXPECT_EQ(second.activate_policy().newly_granted_count(), 0);
  EXPECT_THAT(second.activate_policy().settings_changed(),
              testing::ElementsAre("role engineer: holders: - -> 3"));
}

TEST_F(AdminProposalsTest, ADisabledPrincipalComesBackByTwo) {
  Disable("cho");
  const auto proposed = Propose("aoki", EnableRequest("cho"));
  ASSERT_TRUE(proposed.ok());
  EXPECT_TRUE(vault_.state()->FindPrincipal("cho")->row.disabled());
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  EXPECT_FALSE(vault_.state()->FindPrincipal("cho")->row.disabled());
}

TEST_F(AdminProposalsTest, WhoComesBackFindsTheOnlyPlaceTaken) {
  Activate(SmallPolicy(", holders: 1"));
  Grant("cho", "engineer", "tenants/default");
  Disable("cho");
  const auto proposed = Propose("aoki", EnableRequest("cho"));
  ASSERT_TRUE(proposed.ok());
  // Between the approver's decision and its commit.
  const auto answer = Approve("baba", proposed.response.proposal(),
                              [&] { Grant("dan", "engineer", "tenants/default"); });
  EXPECT_EQ(answer.reason, Reason::kHoldersExceeded);
  EXPECT_TRUE(vault_.state()->FindPrincipal("cho")->row.disabled());
}

TEST_F(AdminProposalsTest, AnIdentityOfSomebodyElseCannotBeAdded) {
  EXPECT_EQ(AddIdentity("cho", "spiffe://example.test/dan"), Reason::kAlreadyExists);
}

TEST_F(AdminProposalsTest, AnEpochIsDestroyedEarlyByTwo) {
  CreateProposalRequest request;
  auto* act = request.mutable_proposal()->mutable_destroy_epoch();
  act->set_epoch(1);
  act->set_no_backups(true);
  EXPECT_EQ(Propose("aoki", request).reason, Reason::kProposalStale);
  // That there are no backups is said, not left out, and not said beside some.
  act->set_epoch(2);
  act->add_backups("monday");
  EXPECT_EQ(Propose("aoki", request).reason, Reason::kMalformedRequest);
  act->clear_backups();
  act->clear_no_backups();
  EXPECT_EQ(Propose("aoki", request).reason, Reason::kMalformedRequest);
  act->add_backups("monday");
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok());
  EXPECT_THAT(rotator_.destroyed, testing::IsEmpty());
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  EXPECT_THAT(rotator_.destroyed, testing::ElementsAre(2u));
}

TEST_F(AdminProposalsTest, ARepeatedRequestIdProposesOnce) {
  CreateProposalRequest request = GrantRequest("cho", "vault_auditor");
  request.set_request_id("once");
  const auto first = Propose("aoki", request);
  const auto again = Propose("aoki", request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first.response.proposal().name(), again.response.proposal().name());
  EXPECT_THAT(vault_.state()->proposals(), SizeIs(1));
}

class SingleOperatorTest : public AdminTest {
 protected:
  SingleOperatorTest() : AdminTest(/*single_operator=*/true) {}
};

TEST_F(SingleOperatorTest, IsApprovedAtOnceAndSaysSo) {
  MakeStaff("cho");
  const auto proposed = Propose("aoki", GrantRequest("cho", "vault_auditor"));
  ASSERT_TRUE(proposed.ok());
  EXPECT_EQ(proposed.response.proposal().state(), PROPOSAL_STATE_APPROVED);
  EXPECT_TRUE(proposed.entry.single_operator());
  EXPECT_EQ(vault_.state()->FindPrincipal("cho")->row.bindings_size(), 1);
}

TEST_F(SingleOperatorTest, KeepsItsOneAdministrator) {
  DisablePrincipalRequest disable;
  disable.set_name("principals/aoki");
  EXPECT_EQ(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).reason,
            Reason::kLastAdministrators);
}

}  // namespace
}  // namespace piivault::vault
