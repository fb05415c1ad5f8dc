#include "tests/fakes/test_pki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace piivault::fakes {
namespace {

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "test PKI: %s failed\n", what);
  std::abort();
}

template <typename T, void (*Free)(T*)>
struct Deleter {
  void operator()(T* pointer) const { Free(pointer); }
};
using X509Ptr = std::unique_ptr<X509, Deleter<X509, X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY, EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO, BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION, X509_EXTENSION_free>>;

std::string Drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_X509(bio.get(), certificate) == 1, "PEM_write_bio_X509");
  return Drain(bio.get());
}

std::string KeyPem(EVP_PKEY* key) {
  BioPtr bio(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "PEM_write_bio_PrivateKey");
  return Drain(bio.get());
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  Require(extension != nullptr, "X509V3_EXT_conf_nid");
  Require(X509_add_ext(certificate, extension.get(), -1) == 1, "X509_add_ext");
}

// Serial, names, dates and key; no extensions and no signature.
X509Ptr Skeleton(const std::string& common_name, X509_NAME* issuer, EVP_PKEY* key,
                 absl::Time not_before, absl::Time not_after) {
  X509Ptr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  std::array<unsigned char, 8> serial{};
  Require(RAND_bytes(serial.data(), static_cast<int>(serial.size())) == 1, "RAND_bytes");
  uint64_t number = 0;
  for (unsigned char byte : serial) number = number << 8 | byte;
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), number >> 1);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), issuer != nullptr ? issuer : name);
  ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(not_after));
  Require(X509_set_pubkey(certificate.get(), key) == 1, "X509_set_pubkey");
  return certificate;
}

// An authority's certificate of `key`; self-signed where there is no issuer.
X509Ptr AuthorityCertificate(const std::string& common_name, X509* issuer, EVP_PKEY* key,
                             EVP_PKEY* signer) {
  const TestCertificateSpec dates;
  X509Ptr made = Skeleton(common_name, issuer == nullptr ? nullptr : X509_get_subject_name(issuer),
                          key, dates.not_before, dates.not_after);
  X509* const parent = issuer == nullptr ? made.get() : issuer;
  AddExtension(made.get(), parent, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(made.get(), parent, NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(made.get(), made.get(), NID_subject_key_identifier, "hash");
  Require(X509_sign(made.get(), signer, EVP_sha256()) > 0, "X509_sign");
  return made;
}

}  // namespace

struct TestAuthority::Impl {
  PkeyPtr key;
  X509Ptr certificate;
};

TestAuthority::TestAuthority(const std::string& common_name) : impl_(std::make_unique<Impl>()) {
  impl_->key.reset(EVP_EC_gen("P-256"));
  Require(impl_->key != nullptr, "EVP_EC_gen");
  impl_->certificate =
      AuthorityCertificate(common_name, nullptr, impl_->key.get(), impl_->key.get());
  certificate_pem_ = CertificatePem(impl_->certificate.get());
}

std::string TestAuthority::CrossCertify(const TestAuthority& other) const {
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(other.impl_->certificate.get()), NID_commonName,
                            name.data(), static_cast<int>(name.size()));
  const X509Ptr made = AuthorityCertificate(name.data(), impl_->certificate.get(),
                                            other.impl_->key.get(), impl_->key.get());
  return CertificatePem(made.get());
}

TestAuthority::~TestAuthority() = default;

TestCertificate TestAuthority::Issue(const TestCertificateSpec& spec) {
  PkeyPtr key(EVP_EC_gen("P-256"));
  Require(key != nullptr, "EVP_EC_gen");
  X509* issuer = impl_->certificate.get();
  X509Ptr certificate = Skeleton(spec.common_name, X509_get_subject_name(issuer), key.get(),
                                 spec.not_before, spec.not_after);
  AddExtension(certificate.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate.get(), issuer, NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate.get(), issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(certificate.get(), issuer, NID_authority_key_identifier, "keyid");
  std::vector<std::string> names;
  for (const std::string& uri : spec.uris) names.push_back(absl::StrCat("URI:", uri));
  for (const std::string& dns : spec.dns) names.push_back(absl::StrCat("DNS:", dns));
  for (const std::string& ip : spec.ips) names.push_back(absl::StrCat("IP:", ip));
  if (!names.empty()) {
    AddExtension(certificate.get(), issuer, NID_subject_alt_name, absl::StrJoin(names, ","));
  }
  Require(X509_sign(certificate.get(), impl_->key.get(), EVP_sha256()) > 0, "X509_sign");
  TestCertificate out{CertificatePem(certificate.get()), KeyPem(key.get()), ""};
  out.sha256 = TestCertificateSha256(out.certificate_pem);
  return out;
}

TestCertificate TestAuthority::IssueForUri(const std::string& uri) {
  TestCertificateSpec spec;
  spec.uris = {uri};
  return Issue(spec);
}

TestCertificate TestAuthority::IssueForDns(const std::string& dns) {
  TestCertificateSpec spec;
  spec.dns = {dns};
  return Issue(spec);
}

TestCertificate TestAuthority::IssueServer() {
  TestCertificateSpec spec;
  spec.common_name = "localhost";
  spec.dns = {"localhost"};
  spec.ips = {"127.0.0.1", "::1"};
  return Issue(spec);
}

TestCertificate TestAuthority::IssueExpired(const std::string& uri) {
  TestCertificateSpec spec;
  spec.uris = {uri};
  spec.not_after = spec.not_before + absl::Hours(24);
  return Issue(spec);
}

TestCertificate TestAuthority::IssueNotYetValid(const std::string& uri) {
  TestCertificateSpec spec;
  spec.uris = {uri};
  spec.not_before = spec.not_after - absl::Hours(24);
  return Issue(spec);
}

std::string TestCertificateSha256(const std::string& certificate_pem) {
  BioPtr bio(BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  Require(certificate != nullptr, "PEM_read_bio_X509");
  std::string digest(32, '\0');
  Require(X509_digest(certificate.get(), EVP_sha256(),
                      reinterpret_cast<unsigned char*>(digest.data()), nullptr) == 1,
          "X509_digest");
  return digest;
}

}  // namespace piivault::fakes
