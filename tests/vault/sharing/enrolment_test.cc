#include "vault/sharing/enrolment.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "tests/fakes/test_pki.h"

namespace piivault::vault {
namespace {

// A key of OpenSSL's kind and a certificate that says it is its own.
struct Own {
  std::string key;
  std::string certificate;
};

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

Own Make(EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key,
            EVP_PKEY_base_id(key) == EVP_PKEY_ED25519 || EVP_PKEY_base_id(key) == EVP_PKEY_ED448
                ? nullptr
                : EVP_sha256());
  BIO* key_text = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
  BIO* certificate_text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_text, certificate);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {Text(key_text), Text(certificate_text)};
}

TEST(EnrolmentTest, TheTextIsWhatTheInterfaceSays) {
  EXPECT_EQ(EnrolmentText(std::string(32, '\x01'), std::string(32, '\xab')),
            "piivault enrol v1\n0101010101010101010101010101010101010101010101010101010101010101\n"
            "abababababababababababababababababababababababababababababababab");
}

TEST(EnrolmentTest, EachKindOfKeySignsForItsOwnCertificateAlone) {
  const Own ec = Make(EVP_EC_gen("P-256"));
  const Own rsa = Make(EVP_RSA_gen(2048));
  const Own ed25519 = Make(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  for (const Own* own : {&ec, &rsa, &ed25519}) {
    const auto proof = SignEnrolment(own->key, "text");
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_TRUE(IsSignedByCertificate(own->certificate, "text", *proof));
    EXPECT_FALSE(IsSignedByCertificate(own->certificate, "texts", *proof));
    EXPECT_FALSE(IsSignedByCertificate(own->certificate, "text", ""));
    EXPECT_FALSE(IsSignedByCertificate(own->certificate, "text", *proof + "x"));
    for (const Own* other : {&ec, &rsa, &ed25519}) {
      EXPECT_EQ(IsSignedByCertificate(other->certificate, "text", *proof), other == own);
    }
  }
  EXPECT_FALSE(IsSignedByCertificate("no certificate", "text", "x"));
  EXPECT_FALSE(SignEnrolment("no key", "text").ok());
  // A kind that is not taken, however well it signs.
  const Own ed448 = Make(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED448"));
  EXPECT_FALSE(SignEnrolment(ed448.key, "text").ok());
  EXPECT_FALSE(SignEnrolment(ec.certificate, "text").ok());
}

TEST(EnrolmentTest, TheDigestIsThatOfTheFirstCertificate) {
  fakes::TestAuthority authority;
  const std::string leaf = authority.IssueForUri("spiffe://example.test/a").certificate_pem;
  EXPECT_EQ(*FirstCertificateSha256(leaf + authority.certificate_pem()),
            fakes::TestCertificateSha256(leaf));
  EXPECT_FALSE(FirstCertificateSha256("").ok());
}

}  // namespace
}  // namespace piivault::vault
