#include "vault/service/admin_service.h"

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "absl/strings/escaping.h"
#include "tests/vault/service/admin_testing.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::string StarterPolicy() {
  std::ifstream in(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/starter.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class AdminServiceTest : public AdminTest {
 protected:
  Reason Disable(const std::string& caller, const std::string& name) {
    DisablePrincipalRequest request;
    request.set_name("principals/" + name);
    return Call<DisablePrincipalResponse>(caller, "DisablePrincipal", request).reason;
  }
  Reason RevokeRole(const std::string& name, const std::string& role) {
    RevokeRoleRequest request;
    request.set_principal("principals/" + name);
    request.set_role(role);
    return Call<RevokeRoleResponse>("aoki", "RevokeRole", request).reason;
  }
  Reason RemoveIdentity(const std::string& name, const std::string& uri) {
    RemoveIdentityRequest request;
    request.set_principal("principals/" + name);
    request.set_uri(uri);
    return Call<RemoveIdentityResponse>("aoki", "RemoveIdentity", request).reason;
  }
};

// Who may call what: every method of the service, every system role, somebody without a role. A
// method that is not in this table makes the test fail.
TEST_F(AdminServiceTest, WhoMayCallWhat) {
  const std::map<std::string, std::set<std::string>> kMay = {
      {"CreateTenant", {}},
      {"ListTenants", {"auditor", "operator", "officer"}},
      {"UpdateTenant", {}},
      {"EndJob", {}},
      {"CreatePerson", {}},
      {"GetPerson", {"auditor"}},
      {"ListPersons", {"auditor"}},
      {"UpdatePerson", {}},
      {"RecordAttestation", {}},
      {"RevokeAttestation", {}},
      {"CreatePrincipal", {}},
      {"GetPrincipal", {"auditor"}},
      {"ListPrincipals", {"auditor"}},
      {"DisablePrincipal", {}},
      {"RemoveIdentity", {}},
      {"RevokeRole", {}},
      {"OffboardPrincipal", {}},
      {"DenyCertificate", {}},
      {"CreatePolicy", {}},
      {"GetPolicy", {"auditor", "officer"}},
      {"ListPolicies", {"auditor", "officer"}},
      {"ListPolicyActivations", {"auditor", "officer"}},
      {"BreakGlass",
       {"auditor", "operator", "officer", "nobody"}},  // whoever was given such a role
      {"ReviewBreakGlass", {"auditor"}},
      {"ListBreakGlass", {"auditor"}},
      {"CreateProposal", {}},
      {"GetProposal", {"auditor"}},
      {"ListProposals", {"auditor"}},
      {"ApproveProposal", {}},
      {"RejectProposal", {}},
      {"ListKeyringSlots", {"operator"}},
      {"ListEpochs", {"operator"}},
      {"RotateEpoch", {"operator"}},
      {"GetVaultStatus", {"auditor", "operator", "officer"}},
  };
  for (const char* name : {"auditor", "operator", "officer", "nobody", "gone"}) MakeStaff(name);
  Grant("auditor", "vault_auditor");
  Grant("operator", "vault_operator");
  Grant("officer", "privacy_officer");
  Grant("gone", "vault_admin");
  ASSERT_EQ(Disable("aoki", "gone"), Reason::kOk);

  ASSERT_THAT(methods_.methods(), SizeIs(kMay.size()));
  for (const MethodInfo& method : methods_.methods()) {
    const std::string name = method.name.substr(method.name.find('/') + 1);
    ASSERT_TRUE(kMay.contains(name)) << name;
    // An empty request: let through, it fails for another reason or does nothing bad.
    std::unique_ptr<google::protobuf::Message> request(method.request_prototype->New());
    const auto reason = [&](const std::string& caller) {
      std::unique_ptr<Handler> handler = method.factory();
      google::protobuf::Arena arena;
      CallContext context{.method = method,
                          .caller = Certificate(caller),
                          .peer = "",
                          .deadline = absl::InfiniteFuture()};
      context.arena = &arena;
      context.request = request.get();
      context.now = vault_.now();
      context.as_of = vault_.engine().AppliedSequence();
      const Plan plan = handler->Next(context);
      EXPECT_TRUE(plan.entry.has_value()) << name << " by " << caller;
      return plan.reason;
    };
    for (const char* caller : {"auditor", "operator", "officer", "nobody"}) {
      if (kMay.at(name).contains(caller)) {
        EXPECT_NE(reason(caller), Reason::kSystemRoleRequired) << name << " by " << caller;
      } else {
        EXPECT_EQ(reason(caller), Reason::kSystemRoleRequired) << name << " by " << caller;
      }
    }
    // Who gives break-glass roles does not review what comes of them.
    const bool administrators_too = name != "ReviewBreakGlass";
    EXPECT_EQ(reason("aoki") != Reason::kSystemRoleRequired, administrators_too) << name;
    EXPECT_EQ(reason("gone"), Reason::kPrincipalDisabled) << name;
    EXPECT_EQ(reason("stranger"), Reason::kPrincipalUnknown) << name;
  }
}

TEST_F(AdminServiceTest, EntriesSayWhoDidWhatToWhat) {
  MakePerson("sato");
  GetPersonRequest request;
  request.set_name("persons/sato");
  const auto answer = Call<GetPersonResponse>("aoki", "GetPerson", request);
  EXPECT_EQ(answer.entry.principal(), "principals/aoki");
  EXPECT_EQ(answer.entry.method(), "piivault.v1.AdminService/GetPerson");
  EXPECT_EQ(answer.entry.resource(), "persons/sato");
  EXPECT_EQ(answer.entry.role(), "vault_admin");
  EXPECT_EQ(answer.entry.peer(), "192.0.2.0/24");
  EXPECT_EQ(answer.entry.decision(), storage::v1::DECISION_GRANTED);
  EXPECT_EQ(answer.entry.certificate_sha256(), AsView(Sha256("aoki")));
}

TEST_F(AdminServiceTest, StrangersGetAnEntryWithoutAName) {
  const auto answer = Call<ListPersonsResponse>("stranger", "ListPersons", ListPersonsRequest());
  EXPECT_EQ(answer.reason, Reason::kPrincipalUnknown);
  EXPECT_EQ(answer.entry.principal(), "");
  EXPECT_EQ(answer.entry.decision(), storage::v1::DECISION_DENIED);
  EXPECT_EQ(answer.entry.reason(), "PRINCIPAL_UNKNOWN");
}

TEST_F(AdminServiceTest, TenantsHaveKeysOfTheirOwn) {
  CreateTenantRequest request;
  request.mutable_tenant()->set_name("tenants/second");
  request.mutable_tenant()->set_display_name("Second");
  ASSERT_TRUE(Call<CreateTenantResponse>("aoki", "CreateTenant", request).ok());
  const TenantState* tenant = vault_.state()->FindTenant("second");
  ASSERT_NE(tenant, nullptr);
  EXPECT_NE(vault_.state()->keys().ActiveTenant(tenant->id), nullptr);
  ASSERT_TRUE(vault_.store().Reload().ok());
  EXPECT_NE(vault_.state()->keys().ActiveTenant(vault_.state()->FindTenant("second")->id), nullptr);

  EXPECT_EQ(Call<CreateTenantResponse>("aoki", "CreateTenant", request).reason,
            Reason::kAlreadyExists);
  UpdateTenantRequest update;
  update.mutable_tenant()->set_name("tenants/second");
  update.mutable_tenant()->set_intake_plain_allowed(true);
  ASSERT_TRUE(Call<UpdateTenantResponse>("aoki", "UpdateTenant", update).ok());
  EXPECT_TRUE(vault_.state()->FindTenant("second")->row.intake_plain_allowed());
}

TEST_F(AdminServiceTest, MalformedNamesAreRefused) {
  for (const char* name : {"", "second", "tenants/", "tenants/Second", "tenants/a/b", "tenants/-a",
                           "tenants/a ", "tenants/\xe3\x81\x82"}) {
    CreateTenantRequest request;
    request.mutable_tenant()->set_name(name);
    const auto answer = Call<CreateTenantResponse>("aoki", "CreateTenant", request);
    EXPECT_EQ(answer.reason, Reason::kMalformedRequest) << name;
    EXPECT_THAT(answer.fields, ElementsAre("tenant.name"));
  }
}

TEST_F(AdminServiceTest, ARequestIdTakesEffectOnce) {
  CreatePersonRequest request;
  request.mutable_person()->set_name("persons/sato");
  request.mutable_person()->set_employment(EMPLOYMENT_FULL_TIME);
  request.set_request_id("once");
  ASSERT_TRUE(Call<CreatePersonResponse>("aoki", "CreatePerson", request).ok());
  const auto again = Call<CreatePersonResponse>("aoki", "CreatePerson", request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again.response.person().name(), "persons/sato");

  request.mutable_person()->set_department("sales");
  EXPECT_EQ(Call<CreatePersonResponse>("aoki", "CreatePerson", request).reason,
            Reason::kRequestIdReused);
  // Somebody else's request ids are somebody else's.
  EXPECT_EQ(Call<CreatePersonResponse>("baba", "CreatePerson", request).reason,
            Reason::kAlreadyExists);
}

TEST_F(AdminServiceTest, ARequestIdOfAnAttestationTakesEffectOnce) {
  MakePerson("sato");
  RecordAttestationRequest request = NdaRequest("sato");
  request.set_request_id("once");
  const auto first = Call<RecordAttestationResponse>("aoki", "RecordAttestation", request);
  const auto again = Call<RecordAttestationResponse>("aoki", "RecordAttestation", request);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(first.response.attestation().name(), again.response.attestation().name());
  EXPECT_THAT(vault_.state()->FindPerson("sato")->attestations, SizeIs(1));
}

TEST_F(AdminServiceTest, NoPersonSignsWhatRecipientsSign) {
  MakePerson("sato");
  for (const char* kind : {"contract", "membership"}) {
    RecordAttestationRequest request = NdaRequest("sato");
    request.mutable_attestation()->set_kind(kind);
    EXPECT_EQ(Call<RecordAttestationResponse>("aoki", "RecordAttestation", request).reason,
              Reason::kMalformedRequest)
        << kind;
  }
  EXPECT_THAT(vault_.state()->FindPerson("sato")->attestations, SizeIs(0));
}

TEST_F(AdminServiceTest, AReplayIsDecidedAnew) {
  MakeStaff("cho");
  Grant("cho", "vault_admin");
  CreatePersonRequest request;
  request.mutable_person()->set_name("persons/sato");
  request.mutable_person()->set_employment(EMPLOYMENT_FULL_TIME);
  request.set_request_id("once");
  ASSERT_TRUE(Call<CreatePersonResponse>("cho", "CreatePerson", request).ok());
  ASSERT_EQ(RevokeRole("cho", "vault_admin"), Reason::kOk);
  EXPECT_EQ(Call<CreatePersonResponse>("cho", "CreatePerson", request).reason,
            Reason::kSystemRoleRequired);
}

TEST_F(AdminServiceTest, AttestationsAreRecordedListedAndRevoked) {
  MakePerson("sato");
  const auto recorded =
      Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest("sato"));
  ASSERT_TRUE(recorded.ok()) << authz::ReasonName(recorded.reason);
  EXPECT_EQ(recorded.response.attestation().recorded_by(), "principals/aoki");

  RevokeAttestationRequest revoke;
  revoke.set_name(recorded.response.attestation().name());
  const auto revoked = Call<RevokeAttestationResponse>("baba", "RevokeAttestation", revoke);
  ASSERT_TRUE(revoked.ok());
  EXPECT_TRUE(revoked.response.attestation().has_revoked_at());
  EXPECT_EQ(vault_.state()->FindPerson("sato")->attestations[0].revoked_at, vault_.now());
  // Once more changes nothing, the time neither.
  vault_.Pass(absl::Hours(1));
  ASSERT_TRUE(Call<RevokeAttestationResponse>("baba", "RevokeAttestation", revoke).ok());
  EXPECT_EQ(vault_.state()->FindPerson("sato")->attestations[0].revoked_at,
            vault_.now() - absl::Hours(1));
}

TEST_F(AdminServiceTest, NobodyRecordsOrChangesForThemselves) {
  EXPECT_EQ(Call<RecordAttestationResponse>("aoki", "RecordAttestation", NdaRequest("aoki")).reason,
            Reason::kProposalSelfApproval);
  UpdatePersonRequest update;
  update.mutable_person()->set_name("persons/aoki");
  update.mutable_person()->set_employment(EMPLOYMENT_OFFICER);
  EXPECT_EQ(Call<UpdatePersonResponse>("aoki", "UpdatePerson", update).reason,
            Reason::kProposalSelfApproval);
  EXPECT_TRUE(Call<UpdatePersonResponse>("baba", "UpdatePerson", update).ok());
}

TEST_F(AdminServiceTest, AttestationsNeedEveryPart) {
  MakePerson("sato");
  const auto reason = [&](const std::function<void(RecordAttestationRequest*)>& spoil) {
    RecordAttestationRequest request = NdaRequest("sato");
    spoil(&request);
    return Call<RecordAttestationResponse>("aoki", "RecordAttestation", request).reason;
  };
  using R = RecordAttestationRequest;
  EXPECT_EQ(reason([](R* r) { r->mutable_attestation()->set_kind("promise"); }),
            Reason::kMalformedRequest);
  EXPECT_EQ(reason([](R* r) { r->mutable_attestation()->set_document_sha256("00"); }),
            Reason::kMalformedRequest);
  EXPECT_EQ(reason([](R* r) { r->mutable_attestation()->set_signatory("persons/none"); }),
            Reason::kPersonUnknown);
  EXPECT_EQ(reason([](R* r) { r->mutable_attestation()->clear_signed_at(); }),
            Reason::kMalformedRequest);
  EXPECT_EQ(reason([](R* r) {
              r->mutable_attestation()->mutable_signed_at()->set_seconds(4'000'000'000);
            }),
            Reason::kMalformedRequest);
  EXPECT_EQ(reason([](R* r) { r->set_valid_until_date("2027-02-30"); }), Reason::kMalformedRequest);
  EXPECT_EQ(reason([](R* r) { r->set_valid_until_date("2027-12-31"); }), Reason::kNoPolicy);
  EXPECT_EQ(reason([](R* r) { r->set_person("persons/none"); }), Reason::kNotFound);
}

TEST_F(AdminServiceTest, ADateIsValidToTheEndOfThatDayInThePolicysZone) {
  Activate(StarterPolicy());
  MakePerson("sato");
  RecordAttestationRequest request = NdaRequest("sato");
  request.set_valid_until_date("2027-12-31");
  ASSERT_TRUE(Call<RecordAttestationResponse>("aoki", "RecordAttestation", request).ok());
  const absl::Time until = vault_.state()->FindPerson("sato")->attestations[0].valid_until;
  // 2028-01-01T00:00 in Tokyo is 15:00 the day before in UTC.
  EXPECT_EQ(until, absl::FromUnixSeconds(1830265200) - absl::Microseconds(1));
}

TEST_F(AdminServiceTest, PrincipalsComeWithoutRoles) {
  MakePerson("sato");
  CreatePrincipalRequest request;
  Principal* principal = request.mutable_principal();
  principal->set_name("principals/sato");
  principal->set_kind(PRINCIPAL_KIND_STAFF);
  principal->set_person("persons/sato");
  principal->add_identities()->set_uri("spiffe://example.test/sato");
  principal->add_bindings()->set_role("vault_admin");
  EXPECT_EQ(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).reason,
            Reason::kProposalRequired);
  principal->clear_bindings();
  ASSERT_TRUE(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).ok());
  // Neither the name nor the identity is had twice.
  EXPECT_EQ(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).reason,
            Reason::kAlreadyExists);
  principal->set_name("principals/sato-2");
  EXPECT_EQ(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).reason,
            Reason::kAlreadyExists);
  principal->mutable_identities(0)->set_uri("http://example.test");
  EXPECT_EQ(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).reason,
            Reason::kMalformedRequest);
  principal->mutable_identities(0)->set_uri("dns:sato.example.test");
  principal->set_person("persons/none");
  EXPECT_EQ(Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).reason,
            Reason::kPersonUnknown);
}

TEST_F(AdminServiceTest, TwoAdministratorsRemain) {
  EXPECT_EQ(Disable("aoki", "baba"), Reason::kLastAdministrators);
  EXPECT_EQ(RevokeRole("baba", "vault_admin"), Reason::kLastAdministrators);
  EXPECT_EQ(RemoveIdentity("baba", "spiffe://example.test/baba"), Reason::kLastAdministrators);
  OffboardPrincipalRequest offboard;
  offboard.set_name("principals/baba");
  EXPECT_EQ(Call<OffboardPrincipalResponse>("aoki", "OffboardPrincipal", offboard).reason,
            Reason::kLastAdministrators);
  // A second principal of a person who administers already does not count.
  MakePrincipal("aoki-2", "aoki");
  Grant("aoki-2", "vault_admin");
  EXPECT_EQ(Disable("aoki", "baba"), Reason::kLastAdministrators);
  EXPECT_EQ(Disable("baba", "aoki-2"), Reason::kOk);

  MakeStaff("cho");
  Grant("cho", "vault_admin");
  EXPECT_EQ(Disable("aoki", "baba"), Reason::kOk);
  EXPECT_EQ(Disable("aoki", "cho"), Reason::kLastAdministrators);
}

TEST_F(AdminServiceTest, OneOfTwoDisablingEachOtherFails) {
  MakeStaff("cho");
  Grant("cho", "vault_admin");
  // Baba disables cho between aoki's decision to disable baba and its commit.
  DisablePrincipalRequest request;
  request.set_name("principals/baba");
  const auto answer = Call<DisablePrincipalResponse>(
      "aoki", "DisablePrincipal", request, [&] { EXPECT_EQ(Disable("baba", "cho"), Reason::kOk); });
  EXPECT_EQ(answer.reason, Reason::kLastAdministrators);
}

TEST_F(AdminServiceTest, OffboardingDisablesWithdrawsAndCuts) {
  MakeStaff("cho");
  Grant("cho", "vault_admin");
  MakeStaff("dan");
  const auto proposed = Propose("cho", GrantRequest("dan", "vault_auditor"));
  ASSERT_TRUE(proposed.ok());
  streams_ = {"cho", "cho", "aoki"};
  OffboardPrincipalRequest request;
  request.set_name("principals/cho");
  const auto answer = Call<OffboardPrincipalResponse>("aoki", "OffboardPrincipal", request);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer.response.principal().disabled());
  EXPECT_EQ(answer.response.cut_streams(), 2);
  EXPECT_THAT(answer.response.proposals(), ElementsAre(proposed.response.proposal().name()));
  EXPECT_EQ(Approve("baba", proposed.response.proposal()).reason, Reason::kProposalStale);
  EXPECT_EQ(Propose("cho", GrantRequest("dan", "vault_auditor")).reason,
            Reason::kPrincipalDisabled);
}

TEST_F(AdminServiceTest, ADeniedCertificateIsRefusedAtOnce) {
  DenyCertificateRequest request;
  request.set_certificate_sha256("xyz");
  EXPECT_EQ(Call<DenyCertificateResponse>("aoki", "DenyCertificate", request).reason,
            Reason::kMalformedRequest);
  request.set_certificate_sha256(absl::BytesToHexString(std::string(AsView(Sha256("baba")))));
  ASSERT_TRUE(Call<DenyCertificateResponse>("aoki", "DenyCertificate", request).ok());
  const auto refused = Call<ListTenantsResponse>("baba", "ListTenants", ListTenantsRequest());
  EXPECT_EQ(refused.reason, Reason::kCertificateDenylisted);
  EXPECT_EQ(refused.entry.principal(), "principals/baba");
}

TEST_F(AdminServiceTest, PoliciesThatPromiseMoreThanIsKeptAreRefused) {
  std::string yaml = StarterPolicy();
  const std::string before = "      note: free_text\n";
  ASSERT_NE(yaml.find(before), std::string::npos);
  const auto create_with = [&](std::string_view field) {
    CreatePolicyRequest request;
    request.set_yaml(yaml);
    request.mutable_yaml()->replace(yaml.find(before), before.size(),
                                    "      note: {type: " + std::string(field) + "}\n");
    return Call<CreatePolicyResponse>("aoki", "CreatePolicy", request);
  };
  EXPECT_EQ(create_with("password_credential, read: never, store: one_way").reason,
            Reason::kPolicyInvalid);
  EXPECT_EQ(create_with("birth_date, key_class: important").reason, Reason::kPolicyInvalid)
      << "the person's row has it as well";
  EXPECT_THAT(vault_.state()->policies(), IsEmpty());
  EXPECT_TRUE(create_with("bank_account_number, key_class: important").ok());
}

TEST_F(AdminServiceTest, PoliciesAreKeptWholeOrNotAtAll) {
  CreatePolicyRequest request;
  request.set_yaml("policy: x\nunknown_key: 1\n");
  EXPECT_EQ(Call<CreatePolicyResponse>("aoki", "CreatePolicy", request).reason,
            Reason::kPolicyInvalid);
  EXPECT_THAT(vault_.state()->policies(), IsEmpty());
  request.set_validate_only(true);
  const auto checked = Call<CreatePolicyResponse>("aoki", "CreatePolicy", request);
  ASSERT_TRUE(checked.ok());
  EXPECT_FALSE(checked.response.has_policy());
  EXPECT_GT(checked.response.diagnostics_size(), 0);

  request.set_yaml(StarterPolicy());
  ASSERT_TRUE(Call<CreatePolicyResponse>("aoki", "CreatePolicy", request).ok());
  EXPECT_THAT(vault_.state()->policies(), IsEmpty());
  request.set_validate_only(false);
  const auto loaded = Call<CreatePolicyResponse>("aoki", "CreatePolicy", request);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.response.policy().id(), "starter");
  EXPECT_THAT(loaded.response.policy().tenants(), IsEmpty());
  GetPolicyRequest get;
  get.set_name(loaded.response.policy().name());
  EXPECT_EQ(Call<GetPolicyResponse>("aoki", "GetPolicy", get).response.yaml(), StarterPolicy());
}

TEST_F(AdminServiceTest, AnActivatedPolicyIsInForceAlsoAfterARestart) {
  const std::string hash = Activate(StarterPolicy());
  const auto list = Call<ListPoliciesResponse>("aoki", "ListPolicies", ListPoliciesRequest());
  EXPECT_THAT(list.response.policies(0).tenants(), ElementsAre("tenants/default"));
  ASSERT_NE(vault_.state()->FindTenant("default")->policy_in_force(), nullptr);
  ASSERT_TRUE(vault_.store().Reload().ok());
  ASSERT_NE(vault_.state()->FindTenant("default")->policy_in_force(), nullptr);
  EXPECT_EQ(vault_.state()->FindTenant("default")->policy->hex, hash);
}

TEST_F(AdminServiceTest, ListsComeInPages) {
  for (const char* name : {"p1", "p2", "p3"}) MakePerson(name);
  ListPersonsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  std::string first_token;
  do {
    const auto page = Call<ListPersonsResponse>("aoki", "ListPersons", request);
    ASSERT_TRUE(page.ok());
    EXPECT_LE(page.response.persons_size(), 2);
    for (const Person& person : page.response.persons()) names.push_back(person.name());
    request.set_page_token(page.response.next_page_token());
    if (first_token.empty()) first_token = request.page_token();
  } while (!request.page_token().empty());
  EXPECT_THAT(
      names, ElementsAre("persons/aoki", "persons/baba", "persons/p1", "persons/p2", "persons/p3"));

  // A token is no authority, and works for its list alone.
  request.set_page_token(first_token);
  EXPECT_EQ(Call<ListPersonsResponse>("baba", "ListPersons", request).reason,
            Reason::kPageTokenInvalid);
  ListTenantsRequest other;
  other.set_page_token(first_token);
  EXPECT_EQ(Call<ListTenantsResponse>("aoki", "ListTenants", other).reason,
            Reason::kPageTokenInvalid);
  request.set_page_size(-1);
  EXPECT_EQ(Call<ListPersonsResponse>("aoki", "ListPersons", request).reason,
            Reason::kMalformedRequest);
}

TEST_F(AdminServiceTest, KeysAreListedAndRotated) {
  const auto slots =
      Call<ListKeyringSlotsResponse>("aoki", "ListKeyringSlots", ListKeyringSlotsRequest());
  ASSERT_EQ(slots.response.slots_size(), 1);
  EXPECT_EQ(slots.response.slots(0).kind(), "credential");
  EXPECT_EQ(slots.response.mirrors_current(), 1);
  EXPECT_EQ(slots.response.mirrors(), 2);
  const auto epochs = Call<ListEpochsResponse>("aoki", "ListEpochs", ListEpochsRequest());
  ASSERT_EQ(epochs.response.epochs_size(), 1);
  EXPECT_EQ(epochs.response.epochs(0).state(), EPOCH_STATE_ACTIVE);
  EXPECT_EQ(epochs.response.epochs(0).live_rows(), 5u);

  EXPECT_EQ(
      Call<RotateEpochResponse>("aoki", "RotateEpoch", RotateEpochRequest()).response.epoch().id(),
      2u);
  EXPECT_EQ(rotator_.started, 1);
  rotator_.running = true;
  EXPECT_EQ(Call<RotateEpochResponse>("aoki", "RotateEpoch", RotateEpochRequest()).reason,
            Reason::kRotationRunning);
  EXPECT_EQ(rotator_.started, 1);
  const auto status =
      Call<GetVaultStatusResponse>("aoki", "GetVaultStatus", GetVaultStatusRequest());
  EXPECT_EQ(status.response.version(), "1.2.3");
  EXPECT_EQ(status.response.rewrap_backlog(), 17u);
  EXPECT_THAT(status.response.vault_id(), SizeIs(32));
}

}  // namespace
}  // namespace piivault::vault
