#ifndef PIIVAULT_VAULT_SERVICE_AUDIT_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_AUDIT_SERVICE_H_

#include "absl/status/status.h"
#include "storage/engine.h"
#include "storage/log_index.h"
#include "vault/crypto/random.h"
#include "vault/service/method_table.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// What the handlers of AuditService borrow; outlives the server.
struct AuditDependencies {
  const storage::Engine& engine;
  const storage::LogIndex& index;
  const StateStore& store;
  RandomSource& random;
};

// Gives every method of piivault.v1.AuditService its handler. The service must have been added.
[[nodiscard]] absl::Status RegisterAuditService(const AuditDependencies& dependencies,
                                                MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_AUDIT_SERVICE_H_
