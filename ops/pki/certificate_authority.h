#ifndef PIIVAULT_OPS_PKI_CERTIFICATE_AUTHORITY_H_
#define PIIVAULT_OPS_PKI_CERTIFICATE_AUTHORITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace piivault::ops {

// A certificate and its private key, PEM. The key is unencrypted: it belongs into a file of mode
// 0600.
struct CertifiedKey {
  std::string certificate_pem;
  std::string key_pem;
};

struct AuthorityRequest {
  std::string common_name;
  // When not empty, the only trust domain (`spiffe://{trust_domain}/…`) that its certificates may
  // name: a critical name constraint, which every TLS library enforces.
  std::string trust_domain;
  absl::Time not_before;
  absl::Time not_after;
};

// A leaf. A caller of the vault has exactly one of `uri` and one entry of `dns`; a server has DNS
// names and addresses.
struct LeafRequest {
  std::string common_name;
  std::string uri;  // spiffe://trust-domain/path
  std::vector<std::string> dns;
  std::vector<std::string> ips;
  bool server = false;  // extended key usage serverAuth as well as clientAuth
  absl::Time not_before;
  absl::Time not_after;
};

// What a certificate says, for people and for renewal.
struct CertificateInfo {
  std::string common_name;
  std::vector<std::string> uris;
  std::vector<std::string> dns;
  std::vector<std::string> ips;
  bool server = false;
  absl::Time not_before;
  absl::Time not_after;
  std::string sha256;  // of the DER form, lower-case hexadecimal
};

// A small certificate authority, for development and for whoever has none: ECDSA P-256, one level,
// no revocation lists (the vault has a denylist of fingerprints).
//
// Guarantees: leaves carry exactly the names asked for, random 127-bit serials, and end no later
// than the authority's own certificate. Does not: keep a register of what it issued, protect its
// key other than by the file's mode, read a clock. Ownership: owns key and certificate.
// Thread-compatible.
class CertificateAuthority {
 public:
  // INVALID_ARGUMENT for an empty name, dates the wrong way round or a malformed trust domain.
  [[nodiscard]] static absl::StatusOr<CertificateAuthority> Create(const AuthorityRequest& request);
  // INVALID_ARGUMENT where they are not PEM, do not belong together or are no authority's.
  [[nodiscard]] static absl::StatusOr<CertificateAuthority> Load(const CertifiedKey& pem);

  CertificateAuthority(CertificateAuthority&&) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) noexcept;
  ~CertificateAuthority();

  [[nodiscard]] absl::StatusOr<CertifiedKey> ToPem() const;

  // A fresh key and its certificate. INVALID_ARGUMENT for names that do not serve.
  [[nodiscard]] absl::StatusOr<CertifiedKey> Issue(const LeafRequest& request) const;

  // The same names with a fresh key, for as long as `certificate_pem` was valid, from `now` on.
  // PERMISSION_DENIED where this authority did not issue it.
  [[nodiscard]] absl::StatusOr<CertifiedKey> Renew(const std::string& certificate_pem,
                                                   absl::Time now) const;

 private:
  struct Impl;
  explicit CertificateAuthority(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// INVALID_ARGUMENT where it is not a PEM certificate.
[[nodiscard]] absl::StatusOr<CertificateInfo> DescribeCertificate(
    const std::string& certificate_pem);

// What the vault registers a certificate's holder as: its one URI, or `dns:` and its one DNS name.
// INVALID_ARGUMENT where it names none or several.
[[nodiscard]] absl::StatusOr<std::string> IdentityOf(const CertificateInfo& info);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_PKI_CERTIFICATE_AUTHORITY_H_
