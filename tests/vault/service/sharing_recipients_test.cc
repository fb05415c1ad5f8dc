// Registration of recipients, and what is known of them.
#include <string>
#include <vector>

#include "tests/vault/service/sharing_testing.h"
#include "vault/service/session.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;
using testing::IsEmpty;

class RecipientsTest : public SharingTest {
 protected:
  Answer<UpdateRecipientResponse> Update(const v1::Recipient& recipient,
                                         const std::string& caller = "aoki") {
    UpdateRecipientRequest request;
    *request.mutable_recipient() = recipient;
    return Call<UpdateRecipientResponse>(caller, "SharingService/UpdateRecipient", request);
  }
  Answer<DisableRecipientResponse> Disable(const std::string& recipient,
                                           const std::string& caller = "aoki") {
    DisableRecipientRequest request;
    request.set_name(Name(recipient));
    return Call<DisableRecipientResponse>(caller, "SharingService/DisableRecipient", request);
  }
  // Which argument a registration is refused for.
  std::vector<std::string> Refused(const RegisterRecipientRequest& request,
                                   Reason reason = Reason::kMalformedRequest) {
    const auto answer = Register(request);
    EXPECT_EQ(answer.reason, reason);
    return answer.fields;
  }
};

TEST_F(RecipientsTest, ARecipientComesWithItsPrincipal) {
  RegisterRecipientRequest request = RegisterRequest("yamato");
  request.mutable_recipient()->set_address("1-1 Example, Tokyo");
  request.mutable_recipient()->set_representative("Head of logistics");
  request.mutable_recipient()->add_matters()->set_kind("option");
  request.mutable_recipient()->mutable_matters(0)->set_id("O-17");
  request.add_identities("dns:api.yamato.test");
  const auto answer = Register(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.entry.resource(), Name("yamato"));
  EXPECT_EQ(answer.entry.tenant(), "tenants/default");
  EXPECT_EQ(answer.entry.role(), "vault_admin");
  const v1::Recipient& made = answer.response.recipient();
  EXPECT_EQ(made.name(), Name("yamato"));
  EXPECT_EQ(made.category(), "carrier");
  EXPECT_EQ(made.country(), "JP");
  EXPECT_EQ(made.address(), "1-1 Example, Tokyo");
  EXPECT_EQ(made.representative(), "Head of logistics");
  ASSERT_EQ(made.matters_size(), 1);
  EXPECT_EQ(made.matters(0).id(), "O-17");
  EXPECT_EQ(made.principal(), "principals/default.yamato");
  EXPECT_EQ(made.registered_by(), "principals/aoki");
  EXPECT_EQ(made.create_time().seconds(), absl::ToUnixSeconds(vault_.now()));
  EXPECT_FALSE(made.has_disable_time());

  ASSERT_TRUE(vault_.Open().ok()) << "both rows fit";
  const PrincipalState* principal = PrincipalOf("yamato");
  ASSERT_NE(principal, nullptr);
  EXPECT_EQ(principal->principal.kind, authz::PrincipalKind::kRecipient);
  EXPECT_EQ(principal->row.recipient(), "default/yamato");
  EXPECT_EQ(principal->row.identities_size(), 2);
  EXPECT_EQ(Recipient("yamato")->row.ref().size(), 16u);
  EXPECT_EQ(Recipient("yamato")->row.registered_by_person(), "aoki");
}

TEST_F(RecipientsTest, WhoMayAndWhoMayNot) {
  MakeStaff("officer");
  MakeStaff("auditor");
  MakeStaff("clerk");
  Grant("officer", "privacy_officer");
  Grant("auditor", "vault_auditor");
  Grant("clerk", "clerk", "tenants/default");
  MakeRecipient("yamato", "officer");
  for (const char* caller : {"officer", "aoki", "auditor"}) {
    EXPECT_TRUE(Get(caller, "yamato").ok()) << caller;
  }
  EXPECT_EQ(Get("clerk", "yamato").reason, Reason::kSystemRoleRequired);
  for (const char* caller : {"auditor", "clerk", "yamato"}) {
    EXPECT_EQ(Register(RegisterRequest("sagawa"), caller).reason, Reason::kSystemRoleRequired);
    EXPECT_EQ(Disable("yamato", caller).reason, Reason::kSystemRoleRequired);
    EXPECT_EQ(Update(v1::Recipient(), caller).reason, Reason::kSystemRoleRequired);
    EXPECT_EQ(Record(ContractRequest("yamato"), caller).reason, Reason::kSystemRoleRequired);
  }
}

TEST_F(RecipientsTest, ARecipientGetsItselfAndNoOther) {
  MakeRecipient("yamato");
  MakeRecipient("sagawa");
  const auto own = Get("yamato", "yamato");
  EXPECT_TRUE(own.ok());
  EXPECT_EQ(own.response.recipient().display_name(), "Example Logistics");
  EXPECT_EQ(own.entry.principal(), "principals/default.yamato");
  EXPECT_EQ(own.entry.role(), "");
  EXPECT_EQ(Get("yamato", "sagawa").reason, Reason::kSystemRoleRequired);
  EXPECT_EQ(Get("yamato", "nobody").reason, Reason::kSystemRoleRequired);
  EXPECT_EQ(Get("aoki", "nobody").reason, Reason::kNotFound);
  outside_.erase("yamato");
  EXPECT_EQ(Get("yamato", "yamato").reason, Reason::kCertificateInvalid);
}

TEST_F(RecipientsTest, WhatIsMalformedIsRefusedByItsName) {
  const auto change = [](auto with) {
    RegisterRecipientRequest request = RegisterRequest("yamato");
    with(&request, request.mutable_recipient());
    return request;
  };
  using Request = RegisterRecipientRequest;
  const auto refused = [&](auto with, Reason reason = Reason::kMalformedRequest) {
    return Refused(change(with), reason);
  };
  for (const char* name : {"", "tenants/default/recipients/A", "recipients/yamato",
                           "tenants/default/recipients/a.b"}) {
    EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_name(name); }),
                ElementsAre("recipient.name"));
  }
  EXPECT_THAT(refused([](Request*, v1::Recipient* r) { r->set_name("tenants/x/recipients/a"); },
                      Reason::kTenantUnknown),
              ElementsAre("recipient.name"));
  for (const char* category : {"", "any", "friend"}) {
    EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_category(category); }),
                ElementsAre("recipient.category"));
  }
  for (const char* country : {"", "J", "jp", "JPN", "J1"}) {
    EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_country(country); }),
                ElementsAre("recipient.country"));
  }
  const std::string long_text(401, 'x');
  EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_address(long_text); }),
              ElementsAre("recipient.address"));
  EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_representative(long_text); }),
              ElementsAre("recipient.representative"));
  EXPECT_THAT(refused([&](Request*, v1::Recipient* r) { r->set_display_name(long_text); }),
              ElementsAre("recipient.display_name"));
  EXPECT_THAT(refused([](Request*, v1::Recipient* r) { r->set_address("4111 1111 1111 1111"); },
                      Reason::kProhibitedType),
              ElementsAre("recipient.address"));
  EXPECT_THAT(refused([](Request*, v1::Recipient* r) { r->add_attestations(); }),
              ElementsAre("recipient.attestations"));
  EXPECT_THAT(refused([](Request*, v1::Recipient* r) { r->add_matters()->set_kind("no such"); },
                      Reason::kMatterUnknown),
              ElementsAre("recipient.matters.kind"));
  EXPECT_THAT(refused([](Request*, v1::Recipient* r) {
                for (int i = 0; i < 2; ++i) {
                  r->add_matters()->set_kind("option");
                  r->mutable_matters(i)->set_id("O-1");
                }
              }),
              ElementsAre("recipient.matters.id"));
  EXPECT_THAT(refused([](Request* request, v1::Recipient*) { request->clear_identities(); }),
              ElementsAre("identities"));
  EXPECT_THAT(refused([](Request* request, v1::Recipient*) {
                request->add_identities("https://yamato.test/");
              }),
              ElementsAre("identities"));
  EXPECT_THAT(refused([](Request* request, v1::Recipient*) {
                request->add_identities("spiffe://example.test/yamato");
              }),
              ElementsAre("identities"));
  EXPECT_THAT(refused([](Request* request, v1::Recipient*) {
                for (int i = 0; i < 10; ++i) {
                  request->add_identities("dns:h" + std::to_string(i) + ".test");
                }
              }),
              ElementsAre("identities"));
  EXPECT_EQ(Recipient("yamato"), nullptr);
  EXPECT_EQ(PrincipalOf("yamato"), nullptr);
}

TEST_F(RecipientsTest, AControllerSaysWhoseDataAndNobodyElseDoes) {
  RegisterRecipientRequest request = RegisterRequest("owner", "controller");
  EXPECT_THAT(Refused(request), ElementsAre("recipient.controller"));
  request.mutable_recipient()->set_controller("not an id");
  EXPECT_THAT(Refused(request), ElementsAre("recipient.controller"));
  request.mutable_recipient()->set_controller("partner-9");
  EXPECT_TRUE(Register(request).ok());
  EXPECT_EQ(Recipient("owner")->recipient.controller, "partner-9");
  request = RegisterRequest("yamato");
  request.mutable_recipient()->set_controller("partner-9");
  EXPECT_THAT(Refused(request), ElementsAre("recipient.controller"));
}

TEST_F(RecipientsTest, AnIdentityOrANameIsTakenOnce) {
  MakeRecipient("yamato");
  EXPECT_THAT(Refused(RegisterRequest("yamato"), Reason::kAlreadyExists),
              ElementsAre("recipient.name"));
  RegisterRecipientRequest other = RegisterRequest("sagawa");
  other.add_identities("spiffe://example.test/aoki");
  EXPECT_THAT(Refused(other, Reason::kAlreadyExists), ElementsAre("identities"));
  EXPECT_EQ(Recipient("sagawa"), nullptr);
}

TEST_F(RecipientsTest, ARetryRegistersOnce) {
  RegisterRecipientRequest request = RegisterRequest("yamato");
  request.set_request_id("once");
  EXPECT_TRUE(Register(request).ok());
  const std::string ref = Recipient("yamato")->row.ref();
  EXPECT_TRUE(Register(request).ok());
  EXPECT_EQ(Recipient("yamato")->version, 1u);
  EXPECT_EQ(Recipient("yamato")->row.ref(), ref);
  request.mutable_recipient()->set_country("KR");
  EXPECT_EQ(Register(request).reason, Reason::kRequestIdReused);
}

// 000-17: personal data is not entrusted to processors.
TEST_F(RecipientsTest, NoProcessorWhereThePolicyForbidsThem) {
  MakeOperator("combzmail");
  const auto answer = Register(RegisterRequest("outsourcer", "processor", "combzmail"));
  EXPECT_EQ(answer.reason, Reason::kProcessorsForbidden);
  EXPECT_THAT(answer.fields, ElementsAre("recipient.category"));
  EXPECT_EQ(answer.entry.resource(), "tenants/combzmail/recipients/outsourcer");
}

// 001-32: nothing goes to third parties, a courier's neither; the law alone is excepted, and needs
// no registered recipient of a rule.
TEST_F(RecipientsTest, NoCourierWhereNoRuleAdmitsOne) {
  MakeOperator("sns-helper");
  EXPECT_THAT(Refused(RegisterRequest("courier", "carrier", "sns-helper"),
                      Reason::kRecipientKindNotAdmitted),
              ElementsAre("recipient.category"));
}

// 004-08: affiliates are third parties as others are: without a rule that names them they get
// nothing, and are not registered.
TEST_F(RecipientsTest, NoAffiliateWhereNoRuleAdmitsOne) {
  EXPECT_THAT(Refused(RegisterRequest("sister", "affiliate"), Reason::kRecipientKindNotAdmitted),
              ElementsAre("recipient.category"));
  // A processor is admitted by the rules, but by no rule of its own.
  EXPECT_THAT(Refused(RegisterRequest("host", "processor"), Reason::kRecipientKindNotAdmitted),
              ElementsAre("recipient.category"));
  std::string any = kSharingPolicy;
  any.replace(any.find("kind: carrier"), 13, "kind: any");
  Activate(any);
  EXPECT_TRUE(Register(RegisterRequest("sister", "affiliate")).ok());
}

TEST_F(RecipientsTest, WithoutAPolicyNobodyIsRegistered) {
  CreateTenantRequest tenant;
  tenant.mutable_tenant()->set_name("tenants/bare");
  ASSERT_TRUE(Call<CreateTenantResponse>("aoki", "CreateTenant", tenant).ok());
  RegisterRecipientRequest request = RegisterRequest("yamato");
  request.mutable_recipient()->set_name("tenants/bare/recipients/yamato");
  EXPECT_EQ(Register(request).reason, Reason::kNoPolicy);
}

TEST_F(RecipientsTest, TheListIsOneTenantsByName) {
  CreateTenantRequest tenant;
  tenant.mutable_tenant()->set_name("tenants/other");
  ASSERT_TRUE(Call<CreateTenantResponse>("aoki", "CreateTenant", tenant).ok());
  CreateProposalRequest activation;
  auto* activate = activation.mutable_proposal()->mutable_activate_policy();
  activate->set_tenant("tenants/other");
  activate->set_policy_sha256(vault_.state()->FindTenant("default")->policy->hex);
  ASSERT_TRUE(Approve("baba", Propose("aoki", activation).response.proposal()).ok());
  for (const char* name : {"yamato", "sagawa", "kuroneko"}) MakeRecipient(name);
  RegisterRecipientRequest same = RegisterRequest("yamato");
  same.mutable_recipient()->set_name("tenants/other/recipients/yamato");
  same.set_identities(0, "dns:other.test");
  ASSERT_TRUE(Register(same).ok()) << "each tenant has names of its own";

  ListRecipientsRequest request;
  request.set_parent("tenants/default");
  request.set_page_size(2);
  std::vector<std::string> names;
  for (int page = 0; page < 2; ++page) {
    const auto answer =
        Call<ListRecipientsResponse>("aoki", "SharingService/ListRecipients", request);
    ASSERT_TRUE(answer.ok());
    for (const auto& recipient : answer.response.recipients()) names.push_back(recipient.name());
    request.set_page_token(answer.response.next_page_token());
    EXPECT_EQ(request.page_token().empty(), page == 1);
  }
  EXPECT_THAT(names, ElementsAre(Name("kuroneko"), Name("sagawa"), Name("yamato")));
  request.set_parent("tenants/none");
  request.clear_page_token();
  EXPECT_EQ(Call<ListRecipientsResponse>("aoki", "SharingService/ListRecipients", request).reason,
            Reason::kTenantUnknown);
}

TEST_F(RecipientsTest, AnUpdateLeavesCategoryEvidenceAndPrincipal) {
  MakeRecipient("yamato");
  ASSERT_TRUE(Record(ContractRequest("yamato")).ok());
  v1::Recipient wanted = Get("aoki", "yamato").response.recipient();
  wanted.set_display_name("Example Express");
  wanted.clear_attestations();
  wanted.set_principal("principals/aoki");
  wanted.set_registered_by("principals/baba");
  const auto answer = Update(wanted);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.response.recipient().display_name(), "Example Express");
  EXPECT_EQ(answer.response.recipient().attestations_size(), 1);
  EXPECT_EQ(answer.response.recipient().principal(), "principals/default.yamato");
  EXPECT_EQ(answer.response.recipient().registered_by(), "principals/aoki");
  wanted.set_category("controller");
  EXPECT_THAT(Update(wanted).fields, ElementsAre("recipient.category"));
  wanted.set_category("");
  wanted.set_country("jp");
  EXPECT_THAT(Update(wanted).fields, ElementsAre("recipient.country"));
  wanted.set_name(Name("nobody"));
  EXPECT_EQ(Update(wanted).reason, Reason::kNotFound);
}

// Two who change it by turns are both known to have changed it.
TEST_F(RecipientsTest, WhoChangesWhatCountsIsPutDownForGood) {
  MakeStaff("officer");
  Grant("officer", "privacy_officer");
  MakeRecipient("yamato");
  v1::Recipient wanted = Get("aoki", "yamato").response.recipient();
  const auto changers = [&] { return Recipient("yamato")->recipient.changed_by_persons; };
  wanted.set_address("elsewhere");
  ASSERT_TRUE(Update(wanted, "baba").ok());
  EXPECT_THAT(changers(), IsEmpty()) << "no decision rests on an address";
  wanted.set_country("KR");
  ASSERT_TRUE(Update(wanted, "aoki").ok());
  EXPECT_THAT(changers(), IsEmpty()) << "who registered it is known anyway";
  wanted.set_country("JP");
  ASSERT_TRUE(Update(wanted, "baba").ok());
  EXPECT_THAT(changers(), ElementsAre("persons/baba"));
  wanted.add_matters()->set_kind("option");
  wanted.mutable_matters(0)->set_id("O-1");
  ASSERT_TRUE(Update(wanted, "officer").ok());
  wanted.mutable_matters(0)->set_id("O-2");
  ASSERT_TRUE(Update(wanted, "baba").ok());
  EXPECT_THAT(changers(), ElementsAre("persons/baba", "persons/officer"));
  EXPECT_EQ(Recipient("yamato")->recipient.registered_by_person, "persons/aoki");
}

TEST_F(RecipientsTest, DisablingIsForGoodAndTakesThePrincipalAlong) {
  MakeRecipient("yamato");
  streams_ = {"default.yamato", "aoki", "default.yamato"};
  vault_.Pass(absl::Seconds(5));
  const auto answer = Disable("yamato", "baba");
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.response.cut_streams(), 2);
  EXPECT_EQ(answer.response.recipient().disable_time().seconds(),
            absl::ToUnixSeconds(vault_.now()));
  EXPECT_TRUE(Recipient("yamato")->recipient.disabled);
  EXPECT_TRUE(PrincipalOf("yamato")->row.disabled());
  EXPECT_EQ(Get("yamato", "yamato").reason, Reason::kPrincipalDisabled);
  EXPECT_EQ(Update(answer.response.recipient()).reason, Reason::kRecipientDisabled);
  EXPECT_EQ(Record(ContractRequest("yamato")).reason, Reason::kRecipientDisabled);
  EXPECT_EQ(Register(RegisterRequest("yamato")).reason, Reason::kAlreadyExists);
  vault_.Pass(absl::Seconds(5));
  const auto again = Disable("yamato");
  EXPECT_EQ(again.response.recipient().disable_time().seconds(),
            absl::ToUnixSeconds(vault_.now()) - 5);

  CreateProposalRequest enable;
  enable.mutable_proposal()->mutable_enable_principal()->set_principal("principals/default.yamato");
  EXPECT_EQ(Propose("aoki", enable).reason, Reason::kRecipientDisabled);
}

// Disabled between proposal and approval.
TEST_F(RecipientsTest, AProposalDoesNotBringADisabledOneBack) {
  MakeRecipient("yamato");
  DisablePrincipalRequest disable;
  disable.set_name("principals/default.yamato");
  ASSERT_TRUE(Call<DisablePrincipalResponse>("aoki", "DisablePrincipal", disable).ok());
  CreateProposalRequest enable;
  enable.mutable_proposal()->mutable_enable_principal()->set_principal("principals/default.yamato");
  const auto proposed = Propose("aoki", enable);
  ASSERT_TRUE(proposed.ok());
  const auto approved =
      Approve("baba", proposed.response.proposal(), [&] { EXPECT_TRUE(Disable("yamato").ok()); });
  EXPECT_EQ(approved.reason, Reason::kRecipientDisabled);
  EXPECT_TRUE(PrincipalOf("yamato")->row.disabled());
}

TEST_F(RecipientsTest, PrincipalsOfRecipientsComeByRegistrationOnly) {
  CreatePrincipalRequest request;
  request.mutable_principal()->set_name("principals/outside");
  request.mutable_principal()->set_kind(PRINCIPAL_KIND_RECIPIENT);
  request.mutable_principal()->add_identities()->set_uri("dns:outside.test");
  const auto answer = Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request);
  EXPECT_EQ(answer.reason, Reason::kMalformedRequest);
  EXPECT_THAT(answer.fields, ElementsAre("principal.kind"));
  // Nor does another take the name that a recipient's would have.
  MakePerson("sato");
  request.mutable_principal()->set_kind(PRINCIPAL_KIND_STAFF);
  request.mutable_principal()->set_person("persons/sato");
  request.mutable_principal()->set_name("principals/default.yamato");
  EXPECT_THAT((Call<CreatePrincipalResponse>("aoki", "CreatePrincipal", request).fields),
              ElementsAre("principal.name"));
  MakeRecipient("yamato");
}

// Two persons may give a recipient another identity, as with every principal.
TEST_F(RecipientsTest, AnIdentityCanBeProposed) {
  MakeRecipient("yamato");
  CreateProposalRequest request;
  request.mutable_proposal()->mutable_add_identity()->set_principal("principals/default.yamato");
  request.mutable_proposal()->mutable_add_identity()->mutable_identity()->set_uri(
      "spiffe://example.test/next");
  MakeStaff("chiba");
  Grant("chiba", "vault_admin");
  ASSERT_TRUE(Approve("baba", Propose("chiba", request).response.proposal()).ok());
  // Who lets somebody act as the recipient issues no token for it.
  EXPECT_THAT(Recipient("yamato")->recipient.changed_by_persons,
              ElementsAre("persons/chiba", "persons/baba"));
  EXPECT_EQ(Get("next", "yamato").reason, Reason::kCertificateInvalid);
  outside_.insert("next");
  EXPECT_TRUE(Get("next", "yamato").ok());
}

TEST_F(RecipientsTest, TwoRegistrationsAtOnceMakeOne) {
  MakeRecipient("sagawa");
  RegisterRecipientRequest request = RegisterRequest("yamato");
  const auto answer = Call<RegisterRecipientResponse>(
      "aoki", "SharingService/RegisterRecipient", request,
      [&] { EXPECT_TRUE(Register(RegisterRequest("yamato"), "baba").ok()); });
  EXPECT_EQ(answer.reason, Reason::kAlreadyExists);
  EXPECT_EQ(Recipient("yamato")->row.registered_by(), "baba");
}

}  // namespace
}  // namespace piivault::vault
