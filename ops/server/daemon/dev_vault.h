#ifndef PIIVAULT_OPS_SERVER_DAEMON_DEV_VAULT_H_
#define PIIVAULT_OPS_SERVER_DAEMON_DEV_VAULT_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ops/pki/certificate_authority.h"
#include "ops/server/config.h"
#include "ops/server/vault_server.h"

namespace piivault::ops {

// Who calls a development vault: a certificate and its key, PEM files.
struct DevCredential {
  std::string certificate;
  std::string key;
};

// A vault for development and for integration tests: a directory of its own with keyring, database
// and a certificate authority, the starter policy in force for `tenants/default`, and a credential
// for each kind of caller:
//   admin-1, admin-2      two administrators (two persons)
//   auditor               reads the log
//   operator              rotates keys
//   shop                  an internal service that writes and reads
//   support               staff with an NDA
//   engineer              with a valid NDA
//   engineer-no-nda, engineer-expired-nda
//   engineer-outsourced   with a valid NDA and the wrong employment
//   tenant                the tenant's own access
//   stranger              a valid certificate that nobody registered
//   carrier               a recipient outside, `tenants/default/recipients/carrier`, by an
//   authority
//                         of recipients (`recipients-ca.pem`)
// Everything is set up over the vault's own API, as an administrator would.
// `config.yaml` in the directory starts it again with `piivaultd --config`.
// Not for real data: the keyring lies beside the database.
class DevVault {
 public:
  // `directory` must be empty or absent. Ports are free ones where `address` ends with `:0`.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<DevVault>> Start(
      const std::string& directory, const std::string& address, const std::string& metrics_address,
      const ServerHooks& hooks = {});

  VaultServer& server() { return *server_; }
  const Config& config() const { return config_; }
  const std::string& ca_file() const { return ca_file_; }
  const std::map<std::string, DevCredential>& credentials() const { return credentials_; }
  std::string address() const;

  // One JSON object: address, metrics, ca, tenant, policy, credentials {name: {certificate, key}}.
  std::string Describe() const;

 private:
  DevVault() = default;
  absl::Status MakeCredentials(const std::string& directory);
  // `name`.pem and `name`.key in the directory.
  absl::Status MakeCredential(const CertificateAuthority& authority, LeafRequest leaf,
                              const std::string& directory, const std::string& name);
  absl::Status SetUp();

  Config config_;
  std::string ca_file_;
  std::map<std::string, DevCredential> credentials_;
  std::unique_ptr<VaultServer> server_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_DAEMON_DEV_VAULT_H_
