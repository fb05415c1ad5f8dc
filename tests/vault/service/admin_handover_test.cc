// A role goes from one to another in one commit, and fields limit a role.
#include <functional>
#include <string>

#include "authz/decision.h"
#include "tests/vault/service/admin_testing.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr char kTenant[] = "tenants/default";

class AdminHandoverTest : public AdminTest {
 protected:
  AdminHandoverTest() {
    for (const char* name : {"cho", "dan", "eri"}) MakeStaff(name);
    Activate(R"(policy: handover
timezone: UTC
types:
  customer:
    fields:
      email: email_address
      name: person_name
purposes:
  work: {label: {en: Work}}
roles:
  keeper: {kind: staff, nda: none, employment: [full_time], holders: 1, needs: [justification]}
  reader: {kind: staff, nda: none}
  limited: {kind: staff, nda: none, needs: [fields]}
grants:
  - {id: limit, role: limited, may: [reveal], fields: [customer.*], for: [work]}
  - {id: keep, role: keeper, may: [reveal], fields: [customer.*], for: [work]}
  - {id: read, role: reader, may: [reveal], fields: [customer.*], for: [work]}
)");
  }

  static CreateProposalRequest KeeperRequest(const std::string& principal) {
    CreateProposalRequest request = GrantRequest(principal, "keeper", kTenant);
    RoleBinding& binding = *request.mutable_proposal()->mutable_grant_role()->mutable_binding();
    binding.set_justification("CASE-1");
    binding.add_fields("customer.email");
    return request;
  }
  Reason GrantAs(const CreateProposalRequest& request) {
    auto proposed = Propose("aoki", request);
    if (!proposed.ok()) return proposed.reason;
    return Approve("baba", proposed.response.proposal()).reason;
  }
  static CreateProposalRequest HandOverRequest(const std::string& from, const std::string& to,
                                               const std::string& role = "keeper") {
    CreateProposalRequest request;
    Proposal::HandOver& over = *request.mutable_proposal()->mutable_hand_over();
    over.set_principal("principals/" + from);
    over.set_successor("principals/" + to);
    over.set_role(role);
    over.set_tenant(kTenant);
    over.set_justification("CASE-2");
    return request;
  }
  const google::protobuf::RepeatedPtrField<storage::v1::RoleBindingRow>& Bindings(
      const std::string& principal) {
    row_ = vault_.state()->FindPrincipal(principal)->row;
    return row_.bindings();
  }
  int Keepers() {
    int keepers = 0;
    for (const char* name : {"cho", "dan", "eri"}) {
      for (const auto& binding : Bindings(name)) keepers += binding.role() == "keeper" ? 1 : 0;
    }
    return keepers;
  }
  void Employ(const std::string& person, Employment employment) {
    UpdatePersonRequest update;
    update.mutable_person()->set_name("persons/" + person);
    update.mutable_person()->set_employment(employment);
    EXPECT_TRUE(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).ok());
  }
  void Revoke(const std::string& principal, const std::string& role) {
    RevokeRoleRequest revoke;
    revoke.set_principal("principals/" + principal);
    revoke.set_role(role);
    revoke.set_tenant(kTenant);
    EXPECT_TRUE(Call<RevokeRoleResponse>("aoki", "RevokeRole", revoke).ok());
  }

  storage::v1::PrincipalRow row_;
};

// 001-63: from one commit on the successor has the role and the predecessor does not; there is no
// moment at which both do.
TEST_F(AdminHandoverTest, ThePredecessorLosesWhatTheSuccessorGetsInOneCommit) {
  CreateProposalRequest grant = KeeperRequest("cho");
  grant.mutable_proposal()
      ->mutable_grant_role()
      ->mutable_binding()
      ->mutable_not_after()
      ->set_seconds(absl::ToUnixSeconds(vault_.now()) + 3600);
  ASSERT_EQ(GrantAs(grant), Reason::kOk);
  Grant("cho", "reader", kTenant);
  Grant("dan", "reader", kTenant);
  const storage::v1::RoleBindingRow before = Bindings("cho").Get(0);
  // Nobody else can have it while the one has it.
  EXPECT_EQ(GrantAs(KeeperRequest("dan")), Reason::kHoldersExceeded);

  const auto proposed = Propose("aoki", HandOverRequest("cho", "dan"));
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  EXPECT_EQ(Keepers(), 1);
  EXPECT_EQ(Bindings("cho").Get(0).role(), "keeper");
  const uint64_t entries = vault_.engine().LogEnd().index;
  const auto approved = Approve("baba", proposed.response.proposal());
  ASSERT_TRUE(approved.ok()) << authz::ReasonName(approved.reason);
  EXPECT_EQ(vault_.engine().LogEnd().index, entries + 1);
  EXPECT_EQ(approved.entry.resource(), "principals/dan");
  ASSERT_EQ(Bindings("cho").size(), 1);
  EXPECT_EQ(Bindings("cho").Get(0).role(), "reader");
  ASSERT_EQ(Bindings("dan").size(), 2);
  const storage::v1::RoleBindingRow after = Bindings("dan").Get(1);
  EXPECT_EQ(after.role(), "keeper");
  EXPECT_EQ(after.not_after_micros(), before.not_after_micros());
  EXPECT_THAT(after.fields(), ElementsAre("customer.email"));
  EXPECT_EQ(after.justification(), "CASE-2");
  ASSERT_TRUE(vault_.Open().ok());
  EXPECT_EQ(Keepers(), 1);
}

TEST_F(AdminHandoverTest, TheSuccessorHasToBeAdmitted) {
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  Employ("dan", EMPLOYMENT_PART_TIME);
  EXPECT_EQ(Propose("aoki", HandOverRequest("cho", "dan")).reason, Reason::kEmploymentNotAdmitted);
  Employ("dan", EMPLOYMENT_FULL_TIME);
  CreateProposalRequest unjustified = HandOverRequest("cho", "dan");
  unjustified.mutable_proposal()->mutable_hand_over()->clear_justification();
  EXPECT_EQ(Propose("aoki", unjustified).reason, Reason::kJustificationMissing);

  const auto proposed = Propose("aoki", HandOverRequest("cho", "dan"));
  ASSERT_TRUE(proposed.ok());
  // Between the approver's decision and its commit.
  const auto refused =
      Approve("baba", proposed.response.proposal(), [&] { Employ("dan", EMPLOYMENT_PART_TIME); });
  EXPECT_EQ(refused.reason, Reason::kEmploymentNotAdmitted);
  EXPECT_EQ(Bindings("cho").size(), 1);
  EXPECT_EQ(Bindings("dan").size(), 0);
  DisablePrincipalRequest disable;
  disable.set_name("principals/eri");
  ASSERT_TRUE(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).ok());
  EXPECT_EQ(Propose("aoki", HandOverRequest("cho", "eri")).reason, Reason::kPrincipalDisabled);
}

TEST_F(AdminHandoverTest, WhatCannotBeIsNotHandedOver) {
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  const auto with = [&](const std::function<void(Proposal::HandOver&)>& change) {
    CreateProposalRequest request = HandOverRequest("cho", "dan");
    change(*request.mutable_proposal()->mutable_hand_over());
    return Propose("aoki", request).reason;
  };
  EXPECT_EQ(with([](auto& a) { a.set_role("reader"); }), Reason::kNotFound);
  EXPECT_EQ(with([](auto& a) { a.set_principal("principals/none"); }), Reason::kNotFound);
  EXPECT_EQ(with([](auto& a) { a.set_successor("principals/none"); }), Reason::kNotFound);
  EXPECT_EQ(with([](auto& a) { a.set_successor(a.principal()); }), Reason::kMalformedRequest);
  EXPECT_EQ(with([](auto& a) { a.set_justification("two words"); }), Reason::kMalformedRequest);
  EXPECT_EQ(with([](auto& a) { a.clear_tenant(); }), Reason::kMalformedRequest);
  EXPECT_EQ(with([](auto& a) { a.set_tenant("tenants/none"); }), Reason::kNotFound);
  // System roles are not a tenant's.
  CreateProposalRequest admin = HandOverRequest("aoki", "dan", "vault_admin");
  EXPECT_EQ(Propose("aoki", admin).reason, Reason::kNotFound);
}

TEST_F(AdminHandoverTest, ARoleThatIsOverIsNotHandedOver) {
  CreateProposalRequest grant = KeeperRequest("cho");
  grant.mutable_proposal()
      ->mutable_grant_role()
      ->mutable_binding()
      ->mutable_not_after()
      ->set_seconds(absl::ToUnixSeconds(vault_.now()) + 10);
  ASSERT_EQ(GrantAs(grant), Reason::kOk);
  const auto proposed = Propose("aoki", HandOverRequest("cho", "dan"));
  ASSERT_TRUE(proposed.ok());
  vault_.Pass(absl::Seconds(11));
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kRoleExpired);
}

TEST_F(AdminHandoverTest, AWiderRoleThanWasApprovedIsNotHandedOver) {
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  const auto proposed = Propose("aoki", HandOverRequest("cho", "dan"));
  ASSERT_TRUE(proposed.ok());
  CreateProposalRequest wider = KeeperRequest("cho");
  wider.mutable_proposal()->mutable_grant_role()->mutable_binding()->clear_fields();
  ASSERT_EQ(GrantAs(wider), Reason::kOk);
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kProposalStale);
  Revoke("cho", "keeper");
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kNotFound);
  EXPECT_EQ(Keepers(), 0);
}

TEST_F(AdminHandoverTest, OfTwoSuccessorsAtOnceOneGetsIt) {
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  const auto to_dan = Propose("aoki", HandOverRequest("cho", "dan"));
  const auto to_eri = Propose("aoki", HandOverRequest("cho", "eri"));
  ASSERT_TRUE(to_dan.ok() && to_eri.ok());
  const auto late = Approve("baba", to_dan.response.proposal(),
                            [&] { EXPECT_TRUE(Approve("baba", to_eri.response.proposal()).ok()); });
  EXPECT_EQ(late.reason, Reason::kNotFound);
  EXPECT_EQ(Keepers(), 1);
  EXPECT_EQ(Bindings("eri").size(), 1);
}

TEST_F(AdminHandoverTest, AnotherPrincipalOfThePredecessorsPersonStillCounts) {
  MakePrincipal("cho-2", "cho");
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  ASSERT_EQ(GrantAs(KeeperRequest("cho-2")), Reason::kOk);  // one person
  EXPECT_EQ(Propose("aoki", HandOverRequest("cho", "dan")).reason, Reason::kHoldersExceeded);
}

TEST_F(AdminHandoverTest, TheProposerDoesNotApprove) {
  ASSERT_EQ(GrantAs(KeeperRequest("cho")), Reason::kOk);
  const auto proposed = Propose("aoki", HandOverRequest("cho", "dan"));
  ASSERT_TRUE(proposed.ok());
  EXPECT_EQ(Approve("aoki", proposed.response.proposal()).reason, Reason::kProposalSelfApproval);
  EXPECT_EQ(Bindings("dan").size(), 0);
}

class BindingFieldsTest : public AdminHandoverTest {
 protected:
  Answer<CreateProposalResponse> ProposeWith(const std::vector<std::string>& fields,
                                             const std::string& role = "reader",
                                             const std::string& tenant = kTenant) {
    CreateProposalRequest request = GrantRequest("cho", role, tenant);
    for (const std::string& field : fields) {
      request.mutable_proposal()->mutable_grant_role()->mutable_binding()->add_fields(field);
    }
    return Propose("aoki", request);
  }
};

TEST_F(BindingFieldsTest, AreKeptAndShown) {
  const auto proposed = ProposeWith({"customer.email", "customer.*"});
  ASSERT_TRUE(proposed.ok()) << authz::ReasonName(proposed.reason);
  EXPECT_THAT(proposed.response.proposal().grant_role().binding().fields(),
              ElementsAre("customer.email", "customer.*"));
  ASSERT_TRUE(Approve("baba", proposed.response.proposal()).ok());
  GetPrincipalRequest get;
  get.set_name("principals/cho");
  const auto shown = Call<GetPrincipalResponse>("aoki", "GetPrincipal", get);
  ASSERT_EQ(shown.response.principal().bindings_size(), 1);
  EXPECT_THAT(shown.response.principal().bindings(0).fields(),
              ElementsAre("customer.email", "customer.*"));
  EXPECT_THAT(vault_.state()->FindPrincipal("cho")->principal.bindings.front().fields,
              ElementsAre("customer.email", "customer.*"));
}

TEST_F(BindingFieldsTest, AreToBeSaidWhereTheRoleAsksForThem) {
  EXPECT_EQ(ProposeWith({}, "limited").reason, Reason::kFieldMissing);
  EXPECT_TRUE(ProposeWith({"customer.email"}, "limited").ok());
}

TEST_F(BindingFieldsTest, AreThePolicys) {
  for (const char* field : {"customer.phone", "dealer.*", "customer", "email", "*.*"}) {
    const auto answer = ProposeWith({field});
    EXPECT_FALSE(answer.ok()) << field;
    EXPECT_TRUE(answer.reason == Reason::kFieldUnknown ||
                answer.reason == Reason::kMalformedRequest)
        << authz::ReasonName(answer.reason);
  }
  EXPECT_EQ(ProposeWith({"customer.phone"}).reason, Reason::kFieldUnknown);
  EXPECT_EQ(ProposeWith({"dealer.*"}).reason, Reason::kFieldUnknown);
  EXPECT_EQ(ProposeWith({"two words"}).reason, Reason::kMalformedRequest);
  EXPECT_EQ(ProposeWith({"customer.email", "customer.email"}).reason, Reason::kMalformedRequest);
  EXPECT_EQ(ProposeWith(std::vector<std::string>(257, "customer.email")).reason,
            Reason::kMalformedRequest);
  EXPECT_EQ(ProposeWith({"customer.email"}, "vault_auditor", "").reason, Reason::kMalformedRequest);
}

TEST_F(BindingFieldsTest, AreCheckedAgainAtTheApproval) {
  const auto proposed = ProposeWith({"customer.email"});
  ASSERT_TRUE(proposed.ok());
  Activate(R"(policy: smaller
timezone: UTC
types:
  customer:
    fields:
      name: person_name
purposes:
  work: {label: {en: Work}}
roles:
  reader: {kind: staff, nda: none}
grants:
  - {id: read, role: reader, may: [reveal], fields: [customer.*], for: [work]}
)");
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kFieldUnknown);
  EXPECT_THAT(Bindings("cho"), IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
