#include "vault/service/identity.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fakes/test_pki.h"

namespace piivault::vault {
namespace {

using authz::Reason;

class IdentityTest : public testing::Test {
 protected:
  std::shared_ptr<const CallerIdentity> Resolve(const fakes::TestCertificate& certificate) {
    return resolver_->Resolve(certificate.certificate_pem, certificate.certificate_pem);
  }
  Reason ProblemOf(const fakes::TestCertificateSpec& spec) {
    return Resolve(staff_.Issue(spec))->problem;
  }

  fakes::TestAuthority staff_{"Staff CA"};
  fakes::TestAuthority partners_{"Partner CA"};
  std::unique_ptr<IdentityResolver> resolver_ = *IdentityResolver::Create(
      {{"staff", staff_.certificate_pem(), {"spiffe://corp/*", "dns:*.corp.example"}},
       {"partners", partners_.certificate_pem(), {"spiffe://partner/one"}}});
};

TEST_F(IdentityTest, NamesTheCallerAndItsRoot) {
  const fakes::TestCertificate certificate = staff_.IssueForUri("spiffe://corp/sato");
  const auto caller = Resolve(certificate);
  EXPECT_EQ(caller->problem, Reason::kOk);
  EXPECT_EQ(caller->name, "spiffe://corp/sato");
  EXPECT_EQ(caller->client_root, "staff");
  EXPECT_EQ(caller->certificate_sha256, certificate.sha256);
  EXPECT_EQ(caller->not_after, fakes::TestCertificateSpec().not_after);
  EXPECT_EQ(Resolve(partners_.IssueForUri("spiffe://partner/one"))->client_root, "partners");
}

TEST_F(IdentityTest, RootCannotSpeakForAnothersClients) {
  const auto caller = Resolve(partners_.IssueForUri("spiffe://corp/sato"));
  EXPECT_EQ(caller->problem, Reason::kCertificateInvalid);
  EXPECT_TRUE(caller->name.empty());
  EXPECT_EQ(caller->certificate_sha256.size(), 32u);
  EXPECT_EQ(Resolve(partners_.IssueForUri("spiffe://partner/two"))->problem,
            Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, CertificateOfNoRootIsNobody) {
  fakes::TestAuthority impostor("Staff CA");
  EXPECT_EQ(Resolve(impostor.IssueForUri("spiffe://corp/sato"))->problem,
            Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, DnsNameIsTakenWhereThereIsNoUri) {
  const auto caller = Resolve(staff_.IssueForDns("Api.corp.example"));
  EXPECT_EQ(caller->problem, Reason::kOk);
  EXPECT_EQ(caller->name, "dns:api.corp.example");
}

TEST_F(IdentityTest, UriGoesBeforeDnsNames) {
  fakes::TestCertificateSpec spec;
  spec.uris = {"spiffe://corp/api"};
  spec.dns = {"a.corp.example", "b.corp.example"};
  EXPECT_EQ(Resolve(staff_.Issue(spec))->name, "spiffe://corp/api");
}

TEST_F(IdentityTest, CertificateNeedsExactlyOneName) {
  EXPECT_EQ(ProblemOf({}), Reason::kCertificateInvalid);
  fakes::TestCertificateSpec two_uris;
  two_uris.uris = {"spiffe://corp/a", "spiffe://corp/b"};
  EXPECT_EQ(ProblemOf(two_uris), Reason::kCertificateInvalid);
  fakes::TestCertificateSpec two_hosts;
  two_hosts.dns = {"a.corp.example", "b.corp.example"};
  EXPECT_EQ(ProblemOf(two_hosts), Reason::kCertificateInvalid);
  fakes::TestCertificateSpec only_ip;
  only_ip.ips = {"192.0.2.1"};
  EXPECT_EQ(ProblemOf(only_ip), Reason::kCertificateInvalid);
  fakes::TestCertificateSpec wildcard;
  wildcard.dns = {"*.corp.example"};
  EXPECT_EQ(ProblemOf(wildcard), Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, UriCannotPassForADnsName) {
  auto resolver = IdentityResolver::Create({{"staff", staff_.certificate_pem(), {"dns:*"}}});
  const fakes::TestCertificate certificate = staff_.IssueForUri("dns:api.corp.example");
  EXPECT_EQ((*resolver)->Resolve(certificate.certificate_pem, "")->problem,
            Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, OtherRootsHoldAtOnce) {
  const fakes::TestCertificate certificate = staff_.IssueForUri("spiffe://corp/sato");
  ASSERT_EQ(Resolve(certificate)->problem, Reason::kOk);
  ASSERT_TRUE(resolver_->SetRoots({{"staff", staff_.certificate_pem(), {"spiffe://corp/x"}}}).ok());
  EXPECT_EQ(Resolve(certificate)->problem, Reason::kCertificateInvalid);
  EXPECT_FALSE(resolver_->SetRoots({{"staff", "no certificate", {}}}).ok());
  EXPECT_EQ(Resolve(certificate)->problem, Reason::kCertificateInvalid);
}

TEST_F(IdentityTest, RootsAreCheckedWhenTheyAreLoaded) {
  EXPECT_FALSE(IdentityResolver::Create({{"", staff_.certificate_pem(), {}}}).ok());
  EXPECT_FALSE(IdentityResolver::Create(
                   {{"a", staff_.certificate_pem(), {}}, {"a", partners_.certificate_pem(), {}}})
                   .ok());
  EXPECT_FALSE(
      IdentityResolver::Create(
          {{"a", absl::StrCat(staff_.certificate_pem(), "-----BEGIN CERTIFICATE-----\nAA"), {}}})
          .ok());
}

TEST_F(IdentityTest, CertificatesOfOneNameShareTheirLoad) {
  const auto first = Resolve(staff_.IssueForUri("spiffe://corp/sato"));
  ASSERT_NE(first->load, nullptr);
  const fakes::TestCertificate renewed = staff_.IssueForUri("spiffe://corp/sato");
  EXPECT_EQ(Resolve(renewed)->load, first->load);
  EXPECT_NE(Resolve(staff_.IssueForUri("spiffe://corp/suzuki"))->load, first->load);
  // Whom no root vouches for has no name; two of them are two.
  const auto nobody = Resolve(partners_.IssueForUri("spiffe://corp/sato"));
  EXPECT_NE(nobody->load, first->load);
  EXPECT_NE(nobody->load, Resolve(partners_.IssueForUri("spiffe://corp/sato"))->load);
  ASSERT_TRUE(resolver_->SetRoots({{"staff", staff_.certificate_pem(), {"spiffe://corp/*"}}}).ok());
  EXPECT_EQ(Resolve(renewed)->load, first->load) << "calls under way count on";
}

// A root of insiders and one of recipients that may both give the same names.
class RecipientsRootTest : public testing::Test {
 protected:
  using Roots = std::vector<ClientRoot>;
  static std::unique_ptr<IdentityResolver> Make(const Roots& roots) {
    auto resolver = IdentityResolver::Create(roots);
    EXPECT_TRUE(resolver.ok()) << resolver.status();
    return *std::move(resolver);
  }
  ClientRoot Staff() const { return {"staff", staff_.certificate_pem(), {"spiffe://corp/*"}}; }
  ClientRoot Outside() const {
    return {"outside", outside_.certificate_pem(), {"spiffe://corp/*"}, true};
  }
  static std::shared_ptr<const CallerIdentity> Resolve(IdentityResolver& resolver,
                                                       const fakes::TestCertificate& certificate) {
    return resolver.Resolve(certificate.certificate_pem, certificate.certificate_pem);
  }

  fakes::TestAuthority staff_{"Staff CA"};
  fakes::TestAuthority outside_{"Recipients CA"};
};

TEST_F(RecipientsRootTest, TheChainSaysWhichKindOfRootANameIsOf) {
  const fakes::TestCertificate inside = staff_.IssueForUri("spiffe://corp/sato");
  const fakes::TestCertificate outside = outside_.IssueForUri("spiffe://corp/sato");
  for (const Roots& roots : {Roots{Staff(), Outside()}, Roots{Outside(), Staff()}}) {
    const auto resolver = Make(roots);
    EXPECT_FALSE(Resolve(*resolver, inside)->of_recipients_root);
    EXPECT_EQ(Resolve(*resolver, inside)->client_root, "staff");
    EXPECT_TRUE(Resolve(*resolver, outside)->of_recipients_root);
    EXPECT_EQ(Resolve(*resolver, outside)->client_root, "outside");
    EXPECT_EQ(Resolve(*resolver, outside)->problem, Reason::kOk);
  }
}

// Authorities that have certified each other: who is inside is not told from who is outside.
TEST_F(RecipientsRootTest, AChainToBothKindsOfRootsNamesNobody) {
  const fakes::TestCertificate inside = staff_.IssueForUri("spiffe://corp/sato");
  const std::string chain = absl::StrCat(inside.certificate_pem, outside_.CrossCertify(staff_));
  ClientRoot narrow = Outside();
  narrow.identities = {"spiffe://partner/*"};
  for (const Roots& roots : {Roots{Staff(), Outside()}, Roots{Outside(), Staff()}}) {
    const auto resolver = Make(roots);
    EXPECT_EQ(resolver->Resolve(inside.certificate_pem, chain)->problem,
              Reason::kCertificateInvalid);
    EXPECT_EQ(Resolve(*resolver, inside)->problem, Reason::kOk);
  }
  // Of roots that may not both give the name one is left.
  const auto caller = Make({narrow, Staff()})->Resolve(inside.certificate_pem, chain);
  EXPECT_EQ(caller->problem, Reason::kOk);
  EXPECT_FALSE(caller->of_recipients_root);
}

TEST_F(RecipientsRootTest, OneAuthorityIsNotForBoth) {
  ClientRoot same = Outside();
  same.pem = staff_.certificate_pem();
  for (const Roots& roots : {Roots{Staff(), same}, Roots{same, Staff()}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(IdentityResolver::Create(roots).status()));
  }
  // Neither where it is one of several, nor by another certificate of the same key.
  same.pem = absl::StrCat(outside_.certificate_pem(), staff_.certificate_pem());
  EXPECT_FALSE(IdentityResolver::Create({Staff(), same}).ok());
  same.pem = staff_.CertifyAgain();
  EXPECT_FALSE(IdentityResolver::Create({Staff(), same}).ok());
  ClientRoot another = Staff();
  another.label = "another";
  EXPECT_TRUE(IdentityResolver::Create({Staff(), another, Outside()}).ok());
  const auto resolver = Make({Staff(), Outside()});
  EXPECT_FALSE(resolver->SetRoots({Staff(), same}).ok());
}

TEST_F(RecipientsRootTest, AnOutsidersCertificateTakesNoInsidersPlaces) {
  const auto resolver = Make({Staff(), Outside()});
  const auto inside = Resolve(*resolver, staff_.IssueForUri("spiffe://corp/sato"));
  const auto outside = Resolve(*resolver, outside_.IssueForUri("spiffe://corp/sato"));
  EXPECT_NE(inside->load, outside->load);
  EXPECT_EQ(outside->load, Resolve(*resolver, outside_.IssueForUri("spiffe://corp/sato"))->load);
}

// A recipient enrols further names by itself; together they have no more than one caller.
TEST_F(RecipientsRootTest, OutsidersShareTheirPlacesWhateverNamesTheyHave) {
  const auto resolver = Make({Staff(), Outside()});
  const auto one = Resolve(*resolver, outside_.IssueForUri("spiffe://corp/carrier"));
  const auto another = Resolve(*resolver, outside_.IssueForUri("spiffe://corp/carrier-2"));
  const auto inside = Resolve(*resolver, staff_.IssueForUri("spiffe://corp/sato"));
  EXPECT_NE(one->load, another->load);
  ASSERT_NE(one->load->outsiders, nullptr);
  EXPECT_EQ(one->load->outsiders, another->load->outsiders);
  EXPECT_EQ(inside->load->outsiders, nullptr);
}

TEST_F(RecipientsRootTest, ACertificateThatNobodyCallsWithIsLookedAtOnly) {
  const auto resolver = Make({Staff(), Outside()});
  const fakes::TestCertificate outside = outside_.IssueForUri("spiffe://corp/carrier");
  const auto found = resolver->Examine(outside.certificate_pem, "");
  EXPECT_EQ(found->problem, Reason::kOk);
  EXPECT_EQ(found->name, "spiffe://corp/carrier");
  EXPECT_TRUE(found->of_recipients_root);
  EXPECT_EQ(found->load, nullptr);
  EXPECT_EQ(resolver->Examine("no certificate", "")->problem, Reason::kCertificateInvalid);
}

TEST(IdentityMatchesTest, Patterns) {
  EXPECT_TRUE(IdentityMatches("spiffe://corp/a", "spiffe://corp/a"));
  EXPECT_FALSE(IdentityMatches("spiffe://corp/a", "spiffe://corp/ab"));
  EXPECT_TRUE(IdentityMatches("spiffe://corp/*", "spiffe://corp/a/b"));
  EXPECT_FALSE(IdentityMatches("spiffe://corp/*", "spiffe://corp/"));
  EXPECT_FALSE(IdentityMatches("spiffe://corp/*", "spiffe://corporation/a"));
  EXPECT_TRUE(IdentityMatches("dns:*.corp.example", "dns:api.corp.example"));
  EXPECT_FALSE(IdentityMatches("dns:*.corp.example", "dns:a.b.corp.example"));
  EXPECT_FALSE(IdentityMatches("dns:*.corp.example", "dns:.corp.example"));
  EXPECT_FALSE(IdentityMatches("dns:*.corp.example", "dns:corp.example"));
  EXPECT_FALSE(IdentityMatches("dns:*.corp.example", "spiffe://api.corp.example"));
  EXPECT_FALSE(IdentityMatches("", "spiffe://corp/a"));
}

}  // namespace
}  // namespace piivault::vault
