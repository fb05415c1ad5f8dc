#ifndef PIIVAULT_VAULT_SHARING_ENROLMENT_H_
#define PIIVAULT_VAULT_SHARING_ENROLMENT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace piivault::vault {

// How a recipient shows that the certificate it enrols is its own: by a signature of that
// certificate's key (EnrolCertificateRequest.proof).

// What is signed: `piivault enrol v1`, line feed, SHA-256 of the certificate that calls, line feed,
// SHA-256 of the one that is enrolled, each of the DER form and in lower hex. So it is of no use to
// whoever calls with another certificate. Takes the digests as 32 raw bytes.
std::string EnrolmentText(std::string_view present_sha256, std::string_view next_sha256);

// SHA-256 over the DER form of the first certificate of a PEM text, 32 raw bytes. INVALID_ARGUMENT
// where there is none.
[[nodiscard]] absl::StatusOr<std::string> FirstCertificateSha256(std::string_view pem);

// Signs with a private key, PEM: ECDSA with SHA-256 (DER), Ed25519, or RSA PKCS #1 v1.5 with
// SHA-256. INVALID_ARGUMENT for what is no such key. Errors quote nothing of it.
[[nodiscard]] absl::StatusOr<std::string> SignEnrolment(std::string_view key_pem,
                                                        std::string_view text);

// Whether the key of the first certificate of a PEM text has signed it so.
bool IsSignedByCertificate(std::string_view pem, std::string_view text, std::string_view signature);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SHARING_ENROLMENT_H_
