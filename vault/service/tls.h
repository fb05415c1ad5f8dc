#ifndef PIIVAULT_VAULT_SERVICE_TLS_H_
#define PIIVAULT_VAULT_SERVICE_TLS_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "vault/service/identity.h"

namespace grpc {
class ServerCredentials;
}

namespace piivault::vault {

class Observer;

struct TlsOptions {
  std::string certificate_file;  // PEM, the server's certificate and its intermediates
  std::string key_file;          // PEM
  std::vector<ClientRoot> client_roots;
  // Where the union of the roots is written for the TLS library to watch; private to this process.
  std::string directory;
  // How often the files are looked at.
  unsigned refresh_seconds = 10;
};

// Makes TLS 1.3 the only version for every OpenSSL context that this process makes from now on.
// Once, early in main(), before other threads: it changes the library's process-wide defaults.
[[nodiscard]] absl::Status RequireTls13();

// Credentials for mutual TLS: a client without a certificate of one of the roots, or with one that
// is expired or not yet valid, does not get past the handshake. Certificates are read again when
// their files change. `observer` is borrowed for the life of the server; it may be null.
// FAILED_PRECONDITION where RequireTls13() has not been called; INVALID_ARGUMENT for files that do
// not hold a matching certificate and key.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsOptions& options, Observer* observer);

// Writes the union of the roots anew; the TLS library takes it at its next look.
[[nodiscard]] absl::Status WriteClientRoots(const TlsOptions& options);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_TLS_H_
