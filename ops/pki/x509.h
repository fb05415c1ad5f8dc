// OpenSSL's X.509 in our terms: owning pointers, PEM, extensions.
#ifndef PIIVAULT_OPS_PKI_X509_H_
#define PIIVAULT_OPS_PKI_X509_H_

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace piivault::ops {

template <auto Free>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpensslDeleter<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, OpensslDeleter<GENERAL_NAMES_free>>;

// INTERNAL with OpenSSL's own reason.
absl::Status OpensslError(const char* what);

absl::StatusOr<std::string> CertificateToPem(X509* certificate);
absl::StatusOr<std::string> KeyToPem(EVP_PKEY* key);
absl::StatusOr<X509Ptr> CertificateFromPem(const std::string& pem);
absl::StatusOr<PkeyPtr> KeyFromPem(const std::string& pem);

// Whether the two belong together.
bool IsKeyOf(EVP_PKEY* key, X509* certificate);

// A certificate with version, random serial, names, dates and key; without extensions and
// signature. A null `issuer` makes it its own.
absl::StatusOr<X509Ptr> NewCertificate(const std::string& common_name, X509_NAME* issuer,
                                       EVP_PKEY* key, absl::Time not_before, absl::Time not_after);

// `value` is in the notation of OpenSSL's configuration. It must hold nothing that was not checked:
// the notation gives commas and colons a meaning.
absl::Status AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value);

absl::Time FromAsn1Time(const ASN1_TIME* time);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_PKI_X509_H_
