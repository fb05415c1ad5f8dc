#ifndef PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_
#define PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"
#include "vault/state/field_indexes.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// One tenant under one key snapshot: what planning reads and writes of its rows.
//
// Guarantees: everything found or written through it is keyed by this tenant (I14).
// Ownership: borrows snapshot and indexes, which must outlive it. Thread-compatible.
class TenantScope {
 public:
  // UNAVAILABLE where the tenant has no key in the active epoch: it is being made, or was lost.
  [[nodiscard]] static absl::StatusOr<TenantScope> Create(storage::TenantId id,
                                                          const KeySnapshot& keys,
                                                          const TenantIndexes& indexes);
  // That of a tenant of the snapshot.
  [[nodiscard]] static absl::StatusOr<TenantScope> Create(const StateSnapshot& state,
                                                          const TenantState& tenant) {
    return Create(tenant.id, state.keys(), *tenant.indexes);
  }

  storage::TenantId id() const { return id_; }
  const KeySnapshot& keys() const { return *keys_; }
  // By which rows values are found.
  const TenantIndexes& indexes() const { return *indexes_; }
  // Of the active epoch: what new rows are made with.
  const TenantKeys& active() const { return *active_; }
  // Of every live epoch on which index rows may hang, the oldest first and the active one last. In
  // this order rows are not missed that a rotation moves from an old epoch to a newer one between
  // two probes.
  const std::vector<const TenantKeys*>& indexed() const;

 private:
  TenantScope(storage::TenantId id, const KeySnapshot& keys, const TenantIndexes& indexes,
              const TenantKeys& active)
      : id_(id), keys_(&keys), indexes_(&indexes), active_(&active) {}

  storage::TenantId id_;
  const KeySnapshot* keys_;
  const TenantIndexes* indexes_;
  const TenantKeys* active_;
  mutable std::vector<const TenantKeys*> indexed_;  // filled at first use
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_
