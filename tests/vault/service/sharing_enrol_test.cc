// A recipient adds its next certificate with the present one.
#include <string>

#include "tests/fakes/test_pki.h"
#include "tests/vault/service/sharing_testing.h"
#include "vault/service/identity.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;

constexpr char kPem[] = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n";

class EnrolCertificateTest : public SharingTest {
 protected:
  EnrolCertificateTest() {
    MakeRecipient("yamato");
    MakeRecipient("sagawa");
    Issue("next");
  }

  // What the next certificate says.
  void Issue(const std::string& name, absl::Duration lifetime = absl::Hours(24)) {
    CallerIdentity identity;
    identity.name = "spiffe://example.test/" + name;
    identity.certificate_sha256 = std::string(32, 'c');
    identity.client_root = "partners";
    identity.of_recipients_root = true;
    identity.not_after = vault_.now() + lifetime;
    Issue(identity);
  }
  void Issue(const CallerIdentity& identity) {
    examined_ = std::make_shared<CallerIdentity>(identity);
    outside_.insert(identity.name.substr(identity.name.rfind('/') + 1));
  }
  Answer<EnrolCertificateResponse> Enrol(const std::string& caller, const std::string& pem = kPem,
                                         const std::string& proof = "") {
    EnrolCertificateRequest request;
    request.set_certificate_chain_pem(pem);
    request.set_proof(proof);
    return Call<EnrolCertificateResponse>(caller, "SharingService/EnrolCertificate", request);
  }
  int Identities() { return PrincipalOf("yamato")->row.identities_size(); }
};

TEST_F(EnrolCertificateTest, TheNewOneCallsUntilItEnds) {
  EXPECT_EQ(Get("next", "yamato").reason, Reason::kPrincipalUnknown);
  const auto answer = Enrol("yamato");
  ASSERT_TRUE(answer.ok()) << authz::ReasonName(answer.reason);
  EXPECT_EQ(answer.response.identity(), "spiffe://example.test/next");
  EXPECT_EQ(answer.response.not_after().seconds(),
            absl::ToUnixSeconds(vault_.now() + absl::Hours(24)));
  EXPECT_EQ(answer.entry.principal(), "principals/default.yamato");
  EXPECT_EQ(answer.entry.tenant(), "tenants/default");
  EXPECT_EQ(answer.entry.resource(), Name("yamato"));
  EXPECT_EQ(answer.entry.arguments().at("certificate_sha256").substr(0, 4), "6363");
  EXPECT_TRUE(Get("next", "yamato").ok());
  EXPECT_TRUE(Get("yamato", "yamato").ok());
  vault_.Pass(absl::Hours(24) + absl::Seconds(1));
  EXPECT_EQ(Get("next", "yamato").reason, Reason::kCertificateInvalid);
}

TEST_F(EnrolCertificateTest, WhateverIsWrongLooksTheSame) {
  const CallerIdentity good = *examined_;
  const auto refused = [&](auto with) {
    CallerIdentity identity = good;
    with(&identity);
    Issue(identity);
    const auto answer = Enrol("yamato");
    EXPECT_EQ(answer.reason, Reason::kCertificateInvalid);
    EXPECT_EQ(answer.entry.resource(), Name("yamato"));
    EXPECT_TRUE(answer.fields.empty());
  };
  refused([](CallerIdentity* i) { i->problem = Reason::kCertificateInvalid; });
  refused([](CallerIdentity* i) { i->of_recipients_root = false; });
  refused([](CallerIdentity* i) { i->client_root = "other-partners"; });
  refused([&](CallerIdentity* i) { i->not_after = vault_.now(); });
  refused([](CallerIdentity* i) { i->name = "https://example.test/next"; });
  refused([](CallerIdentity* i) { i->name = "spiffe://example.test/sagawa"; });
  refused([](CallerIdentity* i) { i->name = "spiffe://example.test/aoki"; });
  outside_.erase("aoki");
  DenyCertificateRequest deny;
  deny.set_certificate_sha256(ToHex(good.certificate_sha256));
  ASSERT_TRUE(Call<DenyCertificateResponse>("aoki", "DenyCertificate", deny).ok());
  refused([](CallerIdentity*) {});
  proved_ = false;
  Issue(good);
  EXPECT_EQ(Enrol("yamato").reason, Reason::kCertificateInvalid);
  examined_ = nullptr;
  EXPECT_EQ(Enrol("yamato").reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Identities(), 1);
}

TEST_F(EnrolCertificateTest, TheTextIsBounded) {
  EXPECT_EQ(Enrol("yamato", "").reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", "no certificate").reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", std::string(32 << 10, ' ') + kPem).reason, Reason::kCertificateInvalid);
  std::string many;
  for (int i = 0; i < 9; ++i) many += kPem;
  EXPECT_EQ(Enrol("yamato", many).reason, Reason::kCertificateInvalid);
  EXPECT_EQ(examinations_, 0);
  EXPECT_TRUE(Enrol("yamato", many.substr(0, 8 * (sizeof(kPem) - 1))).ok());
}

TEST_F(EnrolCertificateTest, OnlyRecipientsEnrol) {
  EXPECT_EQ(Enrol("aoki").reason, Reason::kPrincipalKindNotAdmitted);
  DisableRecipientRequest disable;
  disable.set_name(Name("yamato"));
  ASSERT_TRUE(
      Call<DisableRecipientResponse>("aoki", "SharingService/DisableRecipient", disable).ok());
  EXPECT_EQ(Enrol("yamato").reason, Reason::kPrincipalDisabled);
}

TEST_F(EnrolCertificateTest, ARenewedNameIsGoodForLongerAndNeverForLess) {
  ASSERT_TRUE(Enrol("yamato").ok());
  Issue("next", absl::Hours(48));
  ASSERT_TRUE(Enrol("yamato").ok());
  EXPECT_EQ(Identities(), 2);
  vault_.Pass(absl::Hours(40));
  EXPECT_TRUE(Get("next", "yamato").ok());
  Issue("next", absl::Hours(1));
  ASSERT_TRUE(Enrol("next").ok());
  vault_.Pass(absl::Hours(7));
  EXPECT_TRUE(Get("next", "yamato").ok());
  // The one that it was registered with has no end, and gets none.
  Issue("yamato", absl::Hours(1));
  ASSERT_TRUE(Enrol("yamato").ok());
  vault_.Pass(absl::Hours(1000));
  EXPECT_TRUE(Get("yamato", "yamato").ok());
}

// Where an administrator has set an end, no successor is good for longer.
TEST_F(EnrolCertificateTest, AnEndThatWasSetEndsSuccessorsToo) {
  CreateProposalRequest request;
  auto* add = request.mutable_proposal()->mutable_add_identity();
  add->set_principal("principals/default.yamato");
  add->mutable_identity()->set_uri("spiffe://example.test/lent");
  add->mutable_identity()->mutable_not_after()->set_seconds(
      absl::ToUnixSeconds(vault_.now() + absl::Hours(10)));
  ASSERT_TRUE(Approve("baba", Propose("aoki", request).response.proposal()).ok());
  outside_.insert("lent");
  const int64_t end = add->identity().not_after().seconds();
  const auto enrolled = Enrol("lent");
  ASSERT_TRUE(enrolled.ok()) << authz::ReasonName(enrolled.reason);
  EXPECT_EQ(enrolled.response.not_after().seconds(), end);
  // One that is short of it takes nothing from those behind it.
  Issue("short", absl::Hours(1));
  ASSERT_TRUE(Enrol("lent").ok());
  Issue("behind-the-short");
  EXPECT_EQ(Enrol("short").response.not_after().seconds(), end);
  // Nor does one without an end make what has one last.
  Issue("lent", absl::Hours(48));
  EXPECT_EQ(Enrol("yamato").response.not_after().seconds(), end);
  Issue("next-but-one");
  EXPECT_EQ(Enrol("next").response.not_after().seconds(), end);
  Issue("lent", absl::Hours(48));
  EXPECT_EQ(Enrol("next-but-one").response.not_after().seconds(), end);
  vault_.Pass(absl::Hours(10) + absl::Seconds(1));
  for (const char* name : {"lent", "next", "next-but-one"}) {
    EXPECT_EQ(Get(name, "yamato").reason, Reason::kCertificateInvalid) << name;
  }
  EXPECT_TRUE(Get("yamato", "yamato").ok());
}

// Whoever is let go takes along whom it has let in.
TEST_F(EnrolCertificateTest, WhatWasEnrolledGoesWithTheOneThatHasEnrolledIt) {
  ASSERT_TRUE(Enrol("yamato").ok());
  Issue("next-but-one");
  ASSERT_TRUE(Enrol("next").ok());
  GetPrincipalRequest get;
  get.set_name("principals/default.yamato");
  const auto shown = Call<GetPrincipalResponse>("aoki", "GetPrincipal", get);
  ASSERT_EQ(shown.response.principal().identities_size(), 3);
  EXPECT_EQ(shown.response.principal().identities(0).enrolled_by(), "");
  for (const int i : {1, 2}) {
    EXPECT_EQ(shown.response.principal().identities(i).enrolled_by(),
              "spiffe://example.test/yamato");
  }
  // An administrators' one takes the place of an enrolled one, and of no other's.
  CreateProposalRequest request;
  auto* add = request.mutable_proposal()->mutable_add_identity();
  add->set_principal("principals/default.yamato");
  add->mutable_identity()->set_uri("spiffe://example.test/next");
  ASSERT_TRUE(Approve("baba", Propose("aoki", request).response.proposal()).ok());
  EXPECT_EQ(Identities(), 3);
  add->mutable_identity()->set_uri("spiffe://example.test/sagawa");
  EXPECT_EQ(Propose("aoki", request).reason, Reason::kAlreadyExists);
  RemoveIdentityRequest remove;
  remove.set_principal("principals/default.yamato");
  remove.set_uri("spiffe://example.test/yamato");
  ASSERT_TRUE(Call<RemoveIdentityResponse>("aoki", "RemoveIdentity", remove).ok());
  EXPECT_EQ(Identities(), 1);
  EXPECT_TRUE(Get("next", "yamato").ok());
  EXPECT_EQ(Get("next-but-one", "yamato").reason, Reason::kPrincipalUnknown);
}

TEST_F(EnrolCertificateTest, EndedOnesGoAndTenStay) {
  for (int i = 0; i < 9; ++i) {
    Issue("next-" + std::to_string(i), absl::Hours(1 + i));
    EXPECT_TRUE(Enrol("yamato").ok()) << i;
  }
  EXPECT_EQ(Identities(), 10);
  Issue("more");
  EXPECT_EQ(Enrol("yamato").reason, Reason::kBatchTooLarge);
  vault_.Pass(absl::Hours(2) + absl::Seconds(1));
  Issue("more");
  EXPECT_TRUE(Enrol("yamato").ok());
  EXPECT_EQ(Identities(), 9);
  EXPECT_EQ(vault_.state()->FindPrincipalByIdentity("spiffe://example.test/next-0"), nullptr);
}

TEST_F(EnrolCertificateTest, TwoRecipientsDoNotGetOneIdentityAtOnce) {
  EnrolCertificateRequest request;
  request.set_certificate_chain_pem(kPem);
  const auto answer =
      Call<EnrolCertificateResponse>("yamato", "SharingService/EnrolCertificate", request,
                                     [&] { EXPECT_TRUE(Enrol("sagawa").ok()); });
  EXPECT_EQ(answer.reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Identities(), 1);
}

// With the resolver and certificates as they are.
TEST_F(EnrolCertificateTest, RealCertificates) {
  fakes::TestAuthority staff("Staff CA");
  fakes::TestAuthority partners("Partners CA");
  const auto resolver = *IdentityResolver::Create(
      {{"staff", staff.certificate_pem(), {"spiffe://example.test/*"}},
       {"partners", partners.certificate_pem(), {"spiffe://example.test/*"}, true}});
  sharing_.examine = [&](std::string_view leaf, std::string_view chain) {
    return resolver->Examine(leaf, chain);
  };
  EXPECT_EQ(Enrol("yamato", staff.IssueForUri("spiffe://example.test/a").certificate_pem).reason,
            Reason::kCertificateInvalid);
  EXPECT_EQ(
      Enrol("yamato", partners.IssueExpired("spiffe://example.test/a").certificate_pem).reason,
      Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", partners.IssueForUri("spiffe://else.test/a").certificate_pem).reason,
            Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", kPem).reason, Reason::kCertificateInvalid);
  sharing_.is_signed_by = IsSignedByCertificate;
  const fakes::TestCertificate good = partners.IssueForUri("spiffe://example.test/a");
  const fakes::TestCertificate other = partners.IssueForUri("spiffe://example.test/b");
  const std::string chain = "a comment\n" + good.certificate_pem + partners.certificate_pem();
  const std::string next = fakes::TestCertificateSha256(good.certificate_pem);
  const auto prove = [&](const fakes::TestCertificate& by, std::string_view present) {
    return *SignEnrolment(by.key_pem, EnrolmentText(AsView(Sha256(present)), next));
  };
  // Neither by whoever has seen it only, nor with what was signed for another caller.
  EXPECT_EQ(Enrol("yamato", chain).reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", chain, prove(other, "yamato")).reason, Reason::kCertificateInvalid);
  EXPECT_EQ(Enrol("yamato", chain, prove(good, "sagawa")).reason, Reason::kCertificateInvalid);
  const auto answer = Enrol("yamato", chain, prove(good, "yamato"));
  ASSERT_TRUE(answer.ok()) << authz::ReasonName(answer.reason);
  EXPECT_EQ(answer.response.identity(), "spiffe://example.test/a");
}

}  // namespace
}  // namespace piivault::vault
