#include "vault/sharing/enrolment.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <memory>

#include "absl/status/status.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

BioPtr Reader(std::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all};
}

CertificatePtr FirstCertificate(std::string_view pem) {
  const BioPtr bio = Reader(pem);
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  ERR_clear_error();
  return certificate;
}

// Nobody is asked for the password of a key that has one.
int NoPassword(char*, int, int, void*) { return -1; }

// Ed25519 digests by itself. Whether the kind is one of those that are taken.
bool DigestFor(const EVP_PKEY* key, const EVP_MD** digest) {
  switch (EVP_PKEY_base_id(key)) {
    case EVP_PKEY_ED25519:
      *digest = nullptr;
      return true;
    case EVP_PKEY_EC:
    case EVP_PKEY_RSA:
      *digest = EVP_sha256();
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string EnrolmentText(std::string_view present_sha256, std::string_view next_sha256) {
  return Concat({"piivault enrol v1\n", ToHex(present_sha256), "\n", ToHex(next_sha256)});
}

absl::StatusOr<std::string> FirstCertificateSha256(std::string_view pem) {
  const CertificatePtr certificate = FirstCertificate(pem);
  std::string digest(32, '\0');
  if (certificate == nullptr ||
      X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()),
                  nullptr) != 1) {
    return absl::InvalidArgumentError("not a PEM text of certificates");
  }
  return digest;
}

absl::StatusOr<std::string> SignEnrolment(std::string_view key_pem, std::string_view text) {
  const BioPtr bio = Reader(key_pem);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr),
                   &EVP_PKEY_free);
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const EVP_MD* digest = nullptr;
  size_t size = 0;
  const bool sized = key != nullptr && DigestFor(key.get(), &digest) &&
                     EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()) == 1 &&
                     EVP_DigestSign(context.get(), nullptr, &size, Bytes(text), text.size()) == 1;
  std::string signature(size, '\0');
  const bool is_signed =
      sized && EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()),
                              &size, Bytes(text), text.size()) == 1;
  ERR_clear_error();
  if (!is_signed) {
    return absl::InvalidArgumentError(
        "not a private key in PEM without password: EC, Ed25519 or RSA");
  }
  signature.resize(size);
  return signature;
}

bool IsSignedByCertificate(std::string_view pem, std::string_view text,
                           std::string_view signature) {
  const CertificatePtr certificate = FirstCertificate(pem);
  EVP_PKEY* const key = certificate == nullptr ? nullptr : X509_get0_pubkey(certificate.get());
  const DigestPtr context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const EVP_MD* digest = nullptr;
  const bool is_signed = key != nullptr && DigestFor(key, &digest) &&
                         EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
                         EVP_DigestVerify(context.get(), Bytes(signature), signature.size(),
                                          Bytes(text), text.size()) == 1;
  ERR_clear_error();
  return is_signed;
}

}  // namespace piivault::vault
