#ifndef PIIVAULT_VAULT_SERVICE_CERTIFICATE_H_
#define PIIVAULT_VAULT_SERVICE_CERTIFICATE_H_

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace piivault::vault {

struct X509Deleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<X509, X509Deleter>;

// The certificates of a PEM text in their order; INVALID_ARGUMENT where there is none or one does
// not parse. The message never quotes the text.
absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem);

// SHA-256 over the DER form, 32 raw bytes.
std::string CertificateSha256(const X509& certificate);

// The one name a certificate speaks for: its only URI SAN, or, where it has no URI SAN, its only
// DNS SAN as `dns:…` in lower case. Other kinds of names are ignored. INVALID_ARGUMENT where there
// is none or more than one, or where it holds anything but printable ASCII.
absl::StatusOr<std::string> CertificateIdentity(const X509& certificate);

absl::Time CertificateNotAfter(const X509& certificate);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CERTIFICATE_H_
