// Roles that the manager of a department approves.
#include <string>

#include "authz/decision.h"
#include "tests/vault/service/admin_testing.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;

constexpr char kTenant[] = "tenants/default";
constexpr char kPolicy[] = R"(policy: department
timezone: UTC
types:
  customer:
    fields:
      email: email_address
purposes:
  work: {label: {en: Work}}
roles:
  manager: {kind: staff, nda: [nda_contract]}
  staffer: {kind: staff, nda: none, needs: [approval_by_department_manager]}
  reader: {kind: staff, nda: none}
  vendor: {kind: processor, needs: [contract, supervision]}
  agent: {kind: subject, scope: represented, needs: [mandate, own_identity]}
  self: {kind: subject, scope: own_record, needs: [mandate]}
recipient_rules: {processors: allowed}
grants:
  - {id: manage, role: manager, may: [approve_grant]}
  - {id: work, role: staffer, may: [reveal], fields: [customer.email], for: [work]}
  - {id: read, role: reader, may: [reveal], fields: [customer.email], for: [work]}
  - {id: act, role: agent, may: [reveal], fields: [customer.email], for: [work]}
  - {id: own, role: self, may: [reveal], fields: [customer.email], for: [work]}
  - {id: vend, role: vendor, may: [reveal], fields: [customer.email], for: [work]}
)";

// `sen` manages the department of `cho`, `ume` that of `dan`; `yui` is in none.
class DepartmentTest : public AdminTest {
 protected:
  explicit DepartmentTest(bool single_operator = false) : AdminTest(single_operator) {
    if (single_operator) return;
    Prepare();
    Grant("sen", "manager", kTenant);
    Grant("ume", "manager", kTenant);
  }
  void Prepare() {
    Activate(kPolicy);
    for (const char* name : {"cho", "dan", "sen", "ume", "yui"}) MakeStaff(name);
    for (const char* name : {"cho", "sen"}) Place(name, "east");
    for (const char* name : {"dan", "ume"}) Place(name, "west");
    for (const char* name : {"sen", "ume"}) {
      EXPECT_TRUE(
          Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest(name)).ok());
    }
  }
  void Place(const std::string& person, const std::string& department) {
    UpdatePersonRequest update;
    update.mutable_person()->set_name("persons/" + person);
    update.mutable_person()->set_employment(EMPLOYMENT_FULL_TIME);
    update.mutable_person()->set_department(department);
    EXPECT_TRUE(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).ok());
  }
  Proposal ProposeStaffer(const std::string& principal) {
    auto answer = Propose("aoki", GrantRequest(principal, "staffer", kTenant));
    EXPECT_TRUE(answer.ok()) << authz::ReasonName(answer.reason);
    return answer.response.proposal();
  }
  Reason Get(const std::string& caller, const Proposal& proposal) {
    GetProposalRequest request;
    request.set_name(proposal.name());
    return Call<GetProposalResponse>(caller, "GetProposal", request).reason;
  }
  int Roles(const std::string& principal) {
    return vault_.state()->FindPrincipal(principal)->row.bindings_size();
  }
};

// 003-03: the department's manager approves,
TEST_F(DepartmentTest, ItsManagerSeesAndApproves) {
  const Proposal proposal = ProposeStaffer("cho");
  EXPECT_EQ(proposal.state(), PROPOSAL_STATE_OPEN);
  EXPECT_EQ(Get("sen", proposal), Reason::kOk);
  const auto approved = Approve("sen", proposal);
  ASSERT_TRUE(approved.ok()) << authz::ReasonName(approved.reason);
  EXPECT_EQ(approved.entry.role(), "manager");
  EXPECT_EQ(approved.entry.principal(), "principals/sen");
  EXPECT_EQ(approved.response.proposal().decider(), "principals/sen");
  EXPECT_EQ(Roles("cho"), 1);
}

TEST_F(DepartmentTest, NoAdministratorApprovesInTheManagersPlace) {
  const Proposal proposal = ProposeStaffer("cho");
  EXPECT_EQ(Get("baba", proposal), Reason::kOk);
  EXPECT_EQ(Approve("baba", proposal).reason, Reason::kOperationNotGranted);
  EXPECT_EQ(Roles("cho"), 0);
}

// 003-03: another department's manager does not,
TEST_F(DepartmentTest, NorAnotherDepartmentsManager) {
  const Proposal proposal = ProposeStaffer("cho");
  EXPECT_EQ(Get("ume", proposal), Reason::kDepartmentMismatch);
  EXPECT_EQ(Approve("ume", proposal).reason, Reason::kDepartmentMismatch);
  EXPECT_EQ(Roles("cho"), 0);
}

TEST_F(DepartmentTest, NorSomebodyWhoManagesNothing) {
  const Proposal proposal = ProposeStaffer("cho");
  Grant("yui", "reader", kTenant);
  Place("yui", "east");
  for (const char* caller : {"yui", "cho", "dan"}) {
    EXPECT_EQ(Get(caller, proposal), Reason::kSystemRoleRequired) << caller;
    EXPECT_EQ(Approve(caller, proposal).reason, Reason::kSystemRoleRequired) << caller;
  }
}

// 003-03: and where there is no manager nobody gets the role.
TEST_F(DepartmentTest, WhoIsInNoDepartmentHasNoManager) {
  const Proposal proposal = ProposeStaffer("yui");
  EXPECT_EQ(Approve("sen", proposal).reason, Reason::kDepartmentMismatch);
  // Two without a department are not in the same one.
  Place("sen", "");
  EXPECT_EQ(Approve("sen", proposal).reason, Reason::kDepartmentMismatch);
  EXPECT_EQ(Roles("yui"), 0);
}

TEST_F(DepartmentTest, AManagerHasToBeAdmittedAtThatTime) {
  const Proposal proposal = ProposeStaffer("cho");
  RevokeAttestationRequest revoke;
  const auto& nda = vault_.state()->FindPerson("sen")->row.attestations(0);
  revoke.set_name("persons/sen/attestations/" + nda.id());
  // Between decision and commit.
  const auto refused = Approve("sen", proposal, [&] {
    EXPECT_TRUE(Call<RevokeAttestationResponse>("aoki", "RevokeAttestation", revoke).ok());
  });
  EXPECT_EQ(refused.reason, Reason::kNdaRevoked);
  EXPECT_EQ(Roles("cho"), 0);
}

TEST_F(DepartmentTest, WhoMovesAwayInBetweenIsNotApproved) {
  const Proposal proposal = ProposeStaffer("cho");
  const auto refused = Approve("sen", proposal, [&] { Place("cho", "west"); });
  EXPECT_EQ(refused.reason, Reason::kDepartmentMismatch);
  EXPECT_EQ(Roles("cho"), 0);
}

TEST_F(DepartmentTest, NobodyApprovesTheOwnRole) {
  EXPECT_EQ(Approve("sen", ProposeStaffer("sen")).reason, Reason::kProposalSelfApproval);
}

TEST_F(DepartmentTest, AManagerSeesAndApprovesNothingElse) {
  auto reader = Propose("aoki", GrantRequest("cho", "reader", kTenant));
  auto auditor = Propose("aoki", GrantRequest("cho", "vault_auditor"));
  CreateProposalRequest enable;
  enable.mutable_proposal()->mutable_add_identity()->set_principal("principals/cho");
  enable.mutable_proposal()->mutable_add_identity()->mutable_identity()->set_uri("dns:x.test");
  auto identity = Propose("aoki", enable);
  for (const auto* answer : {&reader, &auditor, &identity}) {
    ASSERT_TRUE(answer->ok());
    EXPECT_EQ(Get("sen", answer->response.proposal()), Reason::kSystemRoleRequired);
    EXPECT_EQ(Approve("sen", answer->response.proposal()).reason, Reason::kSystemRoleRequired);
  }
  Proposal none;
  none.set_name("proposals/" + std::string(26, 'a'));
  EXPECT_EQ(Get("sen", none), Reason::kSystemRoleRequired);
  EXPECT_EQ(Get("sen", Proposal()), Reason::kSystemRoleRequired);
  const Proposal proposal = ProposeStaffer("cho");
  RejectProposalRequest reject;
  reject.set_name(proposal.name());
  EXPECT_EQ(Call<RejectProposalResponse>("sen", "RejectProposal", reject).reason,
            Reason::kSystemRoleRequired);
  EXPECT_EQ(Call<ListProposalsResponse>("sen", "ListProposals", ListProposalsRequest()).reason,
            Reason::kSystemRoleRequired);
}

TEST_F(DepartmentTest, AHandoverIsApprovedByTheSuccessorsManager) {
  ASSERT_TRUE(Approve("sen", ProposeStaffer("cho")).ok());
  CreateProposalRequest request;
  Proposal::HandOver& over = *request.mutable_proposal()->mutable_hand_over();
  over.set_principal("principals/cho");
  over.set_successor("principals/dan");
  over.set_role("staffer");
  over.set_tenant(kTenant);
  const auto proposed = Propose("aoki", request);
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kOperationNotGranted);
  EXPECT_EQ(Approve("sen", proposed.response.proposal()).reason, Reason::kDepartmentMismatch);
  ASSERT_TRUE(Approve("ume", proposed.response.proposal()).ok());
  EXPECT_EQ(Roles("cho"), 0);
  EXPECT_EQ(Roles("dan"), 1);
}

TEST_F(DepartmentTest, WhatNobodyAsksForYetKeepsARoleFromBeingGiven) {
  EXPECT_EQ(Propose("aoki", GrantRequest("cho", "vendor", kTenant)).reason,
            Reason::kRoleNotAssignable);
  MakePrincipal("desk", "cho", PRINCIPAL_KIND_SERVICE);
  EXPECT_EQ(Propose("aoki", GrantRequest("desk", "self", kTenant)).reason,
            Reason::kRoleNotAssignable);
  // A mandate is asked for with each person that the agent acts for.
  Grant("desk", "agent", kTenant);
  EXPECT_EQ(Roles("desk"), 1);
}

class LoneOperatorTest : public DepartmentTest {
 protected:
  LoneOperatorTest() : DepartmentTest(/*single_operator=*/true) {}
};

TEST_F(LoneOperatorTest, IsNoDepartmentsManager) {
  CreatePolicyRequest load;
  load.set_yaml(kPolicy);
  const auto loaded = Call<CreatePolicyResponse>("aoki", "CreatePolicy", load);
  ASSERT_TRUE(loaded.ok());
  CreateProposalRequest activate;
  activate.mutable_proposal()->mutable_activate_policy()->set_tenant(kTenant);
  activate.mutable_proposal()->mutable_activate_policy()->set_policy_sha256(
      loaded.response.policy().name().substr(9));
  ASSERT_TRUE(Propose("aoki", activate).ok());
  MakeStaff("cho");
  MakeStaff("sen");
  for (const char* name : {"cho", "sen"}) Place(name, "east");
  ASSERT_TRUE(Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest("sen")).ok());
  ASSERT_TRUE(Propose("aoki", GrantRequest("sen", "manager", kTenant)).ok());
  EXPECT_EQ(Roles("sen"), 1);
  const Proposal proposal = ProposeStaffer("cho");
  EXPECT_EQ(proposal.state(), PROPOSAL_STATE_OPEN);
  EXPECT_EQ(Roles("cho"), 0);
  ASSERT_TRUE(Approve("sen", proposal).ok());
  EXPECT_EQ(Roles("cho"), 1);
}

}  // namespace
}  // namespace piivault::vault
