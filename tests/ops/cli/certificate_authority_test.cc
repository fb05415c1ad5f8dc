#include "ops/pki/certificate_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "ops/pki/x509.h"

namespace piivault::ops {
namespace {

using ::testing::ElementsAre;

const absl::Time kNow = absl::FromUnixSeconds(1'900'000'000);

CertificateAuthority MakeAuthority(const std::string& trust_domain = "vault.example") {
  auto authority = CertificateAuthority::Create(
      {"Test CA", trust_domain, kNow - absl::Hours(1), kNow + absl::Hours(24 * 365)});
  EXPECT_TRUE(authority.ok()) << authority.status();
  return *std::move(authority);
}

LeafRequest Caller(const std::string& uri) {
  LeafRequest request;
  request.common_name = "caller";
  request.uri = uri;
  request.not_before = kNow;
  request.not_after = kNow + absl::Hours(24);
  return request;
}

// What a TLS library decides about the chain at `time`.
bool Verifies(const CertificateAuthority& authority, const CertifiedKey& leaf, absl::Time time) {
  auto root = CertificateFromPem(authority.ToPem()->certificate_pem);
  auto certificate = CertificateFromPem(leaf.certificate_pem);
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root->get());
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, certificate->get(), nullptr);
  X509_STORE_CTX_set_time(context, 0, absl::ToTimeT(time));
  const bool good = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return good;
}

TEST(CertificateAuthorityTest, IssuesWhatVerifies) {
  const CertificateAuthority authority = MakeAuthority();
  auto leaf = authority.Issue(Caller("spiffe://vault.example/staff/hanako"));
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_TRUE(Verifies(authority, *leaf, kNow + absl::Hours(1)));
  EXPECT_FALSE(Verifies(authority, *leaf, kNow + absl::Hours(25)));
  auto info = DescribeCertificate(leaf->certificate_pem);
  ASSERT_TRUE(info.ok());
  EXPECT_THAT(info->uris, ElementsAre("spiffe://vault.example/staff/hanako"));
  EXPECT_FALSE(info->server);
  EXPECT_EQ(IdentityOf(*info).value(), "spiffe://vault.example/staff/hanako");
  EXPECT_EQ(info->sha256.size(), 64u);
}

TEST(CertificateAuthorityTest, ServersHaveNamesAndAddresses) {
  const CertificateAuthority authority = MakeAuthority();
  LeafRequest request = Caller("");
  request.server = true;
  request.dns = {"vault.example", "localhost"};
  request.ips = {"127.0.0.1", "::1"};
  auto leaf = authority.Issue(request);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_TRUE(Verifies(authority, *leaf, kNow + absl::Hours(1)));
  auto info = DescribeCertificate(leaf->certificate_pem);
  ASSERT_TRUE(info.ok());
  EXPECT_TRUE(info->server);
  EXPECT_THAT(info->dns, ElementsAre("vault.example", "localhost"));
  EXPECT_THAT(info->ips, ElementsAre("127.0.0.1", "::1"));
}

TEST(CertificateAuthorityTest, NameConstraintHolds) {
  const CertificateAuthority bound = MakeAuthority("vault.example");
  EXPECT_FALSE(bound.Issue(Caller("spiffe://other.example/staff/hanako")).ok());
  const CertificateAuthority free = MakeAuthority("");
  EXPECT_TRUE(free.Issue(Caller("spiffe://other.example/staff/hanako")).ok());
}

TEST(CertificateAuthorityTest, RefusesNamesThatDoNotServe) {
  const CertificateAuthority authority = MakeAuthority("");
  for (const char* uri :
       {"", "https://vault.example/x", "spiffe://vault.example", "spiffe://vault.example/",
        "spiffe://Vault.example/x", "spiffe://vault.example/a,URI:spiffe://vault.example/b",
        "spiffe://vault.example/a//b", "spiffe:///x"}) {
    EXPECT_FALSE(authority.Issue(Caller(uri)).ok()) << uri;
  }
  LeafRequest two = Caller("spiffe://vault.example/x");
  two.dns = {"x.example"};
  EXPECT_FALSE(authority.Issue(two).ok());
  LeafRequest wildcard = Caller("");
  wildcard.dns = {"*.example"};
  EXPECT_FALSE(authority.Issue(wildcard).ok());
  LeafRequest injected = Caller("");
  injected.dns = {"a.example,DNS:b.example"};
  EXPECT_FALSE(authority.Issue(injected).ok());
}

TEST(CertificateAuthorityTest, LeavesEndNoLaterThanTheAuthority) {
  const CertificateAuthority authority = MakeAuthority();
  LeafRequest request = Caller("spiffe://vault.example/x");
  request.not_after = kNow + absl::Hours(24 * 10'000);
  auto leaf = authority.Issue(request);
  ASSERT_TRUE(leaf.ok());
  EXPECT_EQ(DescribeCertificate(leaf->certificate_pem)->not_after, kNow + absl::Hours(24 * 365));
}

TEST(CertificateAuthorityTest, RenewsWithTheSameNamesAndAFreshKey) {
  const CertificateAuthority authority = MakeAuthority();
  auto old = authority.Issue(Caller("spiffe://vault.example/x"));
  ASSERT_TRUE(old.ok());
  const absl::Time later = kNow + absl::Hours(20);
  auto fresh = authority.Renew(old->certificate_pem, later);
  ASSERT_TRUE(fresh.ok()) << fresh.status();
  EXPECT_NE(fresh->key_pem, old->key_pem);
  EXPECT_TRUE(Verifies(authority, *fresh, kNow + absl::Hours(40)));
  EXPECT_EQ(DescribeCertificate(fresh->certificate_pem)->uris,
            DescribeCertificate(old->certificate_pem)->uris);
  EXPECT_EQ(MakeAuthority().Renew(old->certificate_pem, later).status().code(),
            absl::StatusCode::kPermissionDenied);
}

TEST(CertificateAuthorityTest, LoadsWhatItWrote) {
  const CertificateAuthority authority = MakeAuthority();
  auto pem = authority.ToPem();
  ASSERT_TRUE(pem.ok());
  auto loaded = CertificateAuthority::Load(*pem);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  auto leaf = loaded->Issue(Caller("spiffe://vault.example/x"));
  ASSERT_TRUE(leaf.ok());
  EXPECT_TRUE(Verifies(authority, *leaf, kNow + absl::Hours(1)));
  EXPECT_FALSE(
      CertificateAuthority::Load({pem->certificate_pem, MakeAuthority().ToPem()->key_pem}).ok());
  EXPECT_FALSE(CertificateAuthority::Load(*leaf).ok());
  EXPECT_FALSE(CertificateAuthority::Load({"", ""}).ok());
}

}  // namespace
}  // namespace piivault::ops
