#ifndef PIIVAULT_VAULT_SERVICE_SHARING_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_SERVICE_H_

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "vault/service/admin_service.h"
#include "vault/service/handler.h"
#include "vault/service/vault_service.h"
#include "vault/sharing/enrolment.h"

namespace piivault::vault {

// What the handlers of SharingService borrow; outlives server and engine.
struct SharingDependencies {
  const VaultDependencies& vault;
  // Administration of recipients is administration.
  const AdminDependencies& admin;
  // Whom a certificate would stand for (GrpcServer::Examine); null where nobody can tell. May be
  // empty: then no certificate is enrolled.
  std::function<std::shared_ptr<const CallerIdentity>(std::string_view leaf_pem,
                                                      std::string_view chain_pem)>
      examine;
  // Whether the key of the first certificate has signed the text.
  std::function<bool(std::string_view pem, std::string_view text, std::string_view signature)>
      is_signed_by = IsSignedByCertificate;
};

// Gives those methods of piivault.v1.SharingService their handlers that deal with tokens and the
// ledger. RegisterSharingService() does so, too.
[[nodiscard]] absl::Status RegisterExports(const VaultDependencies& dependencies,
                                           MethodTable* methods);

// Gives the methods of piivault.v1.SharingService their handlers. The service must have been added,
// and `dependencies` must outlive the table.
[[nodiscard]] absl::Status RegisterSharingService(const SharingDependencies& dependencies,
                                                  MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_SERVICE_H_
