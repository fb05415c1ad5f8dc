#ifndef PIIVAULT_VAULT_SERVICE_VAULT_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_SERVICE_H_

#include <functional>
#include <string_view>

#include "absl/status/status.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/credential.h"
#include "vault/records/field_terms.h"
#include "vault/service/method_table.h"
#include "vault/service/volume_budgets.h"
#include "vault/state/state_store.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// What the handlers of VaultService borrow; outlives the server.
struct VaultDependencies {
  const storage::Engine& engine;
  StateStore& store;
  const ValueRules& rules;
  const UniqueCells& unique;  // one for the process
  VolumeBudgets& budgets;     // one for the process
  RandomSource& random;
  // Called when an erasure has left something for ErasureWorker or RetentionSweeper, on an engine
  // thread: must not block. May be empty.
  std::function<void()> erasure_pending = {};
  // Called for each index row that a list has passed over because it leads to no record of the
  // list, while a call is planned: must be quick. May be empty.
  std::function<void()> stray_row = {};
  // Called for each credential that was tried, when its entry is durable, with the outcome as the
  // entry has it: must be quick. May be empty.
  std::function<void(std::string_view outcome)> credential_tried = {};
  // Vault time as far as it is vouched for, for what nothing brings back; empty: the call's.
  std::function<absl::Time()> vouched = {};
  // What new credentials are hashed with.
  ScryptParameters credential_cost = kCredentialCost;
};

// Gives every method of piivault.v1.VaultService its handler. The service must have been added.
// `dependencies` is borrowed.
[[nodiscard]] absl::Status RegisterVaultService(const VaultDependencies& dependencies,
                                                MethodTable* methods);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_SERVICE_H_
