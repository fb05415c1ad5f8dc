// What gives rights takes two persons; enough administrators remain.
#include <string>

#include "absl/time/clock.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

class TwoPersonsTest : public DevVaultFixture {
 protected:
  void SetUp() override { Start(); }

  v1::Proposal ProposeGrant(const std::string& who) {
    v1::CreateProposalRequest request;
    *request.mutable_proposal() = GrantRole("principals/support", "support", kTenant);
    return Must<v1::CreateProposalResponse>(who, request).proposal();
  }
  Outcome Approve(const std::string& who, const v1::Proposal& proposal) {
    v1::ApproveProposalRequest request;
    request.set_name(proposal.name());
    request.set_sha256(proposal.sha256());
    return As(who).Call(request);
  }
  v1::ProposalState StateOf(const v1::Proposal& proposal) {
    v1::GetProposalRequest request;
    request.set_name(proposal.name());
    return Must<v1::GetProposalResponse>("auditor", request).proposal().state();
  }
};

TEST_F(TwoPersonsTest, NobodyApprovesAnOwnProposal) {
  const v1::Proposal proposal = ProposeGrant("admin-1");
  const Outcome outcome = Approve("admin-1", proposal);
  EXPECT_EQ(outcome.ToString(), "PERMISSION_DENIED PROPOSAL_SELF_APPROVAL");
  EXPECT_TRUE(outcome.metadata.count("index"));
  EXPECT_EQ(StateOf(proposal), v1::PROPOSAL_STATE_OPEN);
  EXPECT_TRUE(Approve("admin-2", proposal).ok());
  EXPECT_EQ(StateOf(proposal), v1::PROPOSAL_STATE_APPROVED);
}

TEST_F(TwoPersonsTest, NotByAnotherPrincipalOrCertificateOfTheSamePerson) {
  // A second principal of the first administrator, with a certificate of its own.
  AddCredential("admin-1-laptop", absl::Now() - absl::Minutes(1), absl::Now() + absl::Hours(24));
  v1::CreatePrincipalRequest request;
  request.mutable_principal()->set_name("principals/admin-1-laptop");
  request.mutable_principal()->set_kind(v1::PRINCIPAL_KIND_STAFF);
  request.mutable_principal()->set_person("persons/admin-1");
  request.mutable_principal()->add_identities()->set_uri("spiffe://vault.example/admin-1-laptop");
  Must<v1::CreatePrincipalResponse>("admin-2", request);
  Agree(GrantRole("principals/admin-1-laptop", "vault_admin", ""));
  // A second certificate of the first administrator's principal.
  AddCredential("admin-1-phone", absl::Now() - absl::Minutes(1), absl::Now() + absl::Hours(24));
  v1::Proposal identity;
  identity.mutable_add_identity()->set_principal("principals/admin-1");
  identity.mutable_add_identity()->mutable_identity()->set_uri(
      "spiffe://vault.example/admin-1-phone");
  Agree(identity);

  const v1::Proposal proposal = ProposeGrant("admin-1");
  for (const char* who : {"admin-1", "admin-1-laptop", "admin-1-phone"}) {
    EXPECT_EQ(Approve(who, proposal).ToString(), "PERMISSION_DENIED PROPOSAL_SELF_APPROVAL") << who;
  }
  const v1::Proposal of_laptop = ProposeGrant("admin-1-laptop");
  EXPECT_EQ(Approve("admin-1", of_laptop).ToString(), "PERMISSION_DENIED PROPOSAL_SELF_APPROVAL");
  EXPECT_TRUE(Approve("admin-2", proposal).ok());
}

TEST_F(TwoPersonsTest, AnApprovalIsOverTheHash) {
  v1::Proposal proposal = ProposeGrant("admin-1");
  const v1::Proposal other = ProposeGrant("admin-1");
  const std::string hash = proposal.sha256();
  proposal.set_sha256(other.sha256());
  EXPECT_EQ(Approve("admin-2", proposal).ToString(), "FAILED_PRECONDITION PROPOSAL_STALE");
  proposal.set_sha256(hash);
  EXPECT_TRUE(Approve("admin-2", proposal).ok());
  EXPECT_EQ(Approve("admin-2", proposal).ToString(), "FAILED_PRECONDITION PROPOSAL_STALE");
}

TEST_F(TwoPersonsTest, TheSecondLastAdministratorStays) {
  v1::DisablePrincipalRequest disable;
  disable.set_name("principals/admin-2");
  v1::OffboardPrincipalRequest offboard;
  offboard.set_name("principals/admin-2");
  v1::RevokeRoleRequest revoke;
  revoke.set_principal("principals/admin-2");
  revoke.set_role("vault_admin");
  v1::RemoveIdentityRequest remove;
  remove.set_principal("principals/admin-2");
  remove.set_uri("spiffe://vault.example/admin-2");
  for (const google::protobuf::Message* request :
       std::initializer_list<const google::protobuf::Message*>{&disable, &offboard, &revoke,
                                                               &remove}) {
    EXPECT_EQ(As("admin-1").Call(*request).ToString(), "FAILED_PRECONDITION LAST_ADMINISTRATORS")
        << PathOf(*request);
  }
  EXPECT_TRUE(As("admin-2").Call(v1::ListTenantsRequest()).ok());
  // With a third one the second may go.
  Register("admin-3", v1::PRINCIPAL_KIND_STAFF, "vault_admin", "");
  EXPECT_TRUE(As("admin-1").Call(disable).ok());
  EXPECT_EQ(As("admin-2").Call(v1::ListTenantsRequest()).ToString(),
            "UNAUTHENTICATED PRINCIPAL_DISABLED");
  disable.set_name("principals/admin-3");
  EXPECT_EQ(As("admin-1").Call(disable).ToString(), "FAILED_PRECONDITION LAST_ADMINISTRATORS");
}

}  // namespace
}  // namespace piivault::integration
