#ifndef PIIVAULT_VAULT_SERVICE_RETENTION_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_RETENTION_SERVICE_H_

#include "absl/status/status.h"
#include "vault/service/method_table.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// Gives every method of piivault.v1.RetentionService its handler. The service must have been added.
// `dependencies` is borrowed.
[[nodiscard]] absl::Status RegisterRetentionService(const VaultDependencies& dependencies,
                                                    MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RETENTION_SERVICE_H_
