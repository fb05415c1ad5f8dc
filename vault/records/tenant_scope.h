#ifndef PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_
#define PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// One tenant under one key snapshot: what planning reads and writes of its rows.
//
// Guarantees: everything found or written through it is keyed by this tenant (I14).
// Ownership: borrows the snapshot, which must outlive it. Thread-compatible.
class TenantScope {
 public:
  // UNAVAILABLE where the tenant has no key in the active epoch: it is being made, or was lost.
  [[nodiscard]] static absl::StatusOr<TenantScope> Create(storage::TenantId id,
                                                          const KeySnapshot& keys);

  storage::TenantId id() const { return id_; }
  const KeySnapshot& keys() const { return *keys_; }
  // Of the active epoch: what new rows are made with.
  const TenantKeys& active() const { return *active_; }
  // Of every live epoch on which index rows may hang, the oldest first and the active one last. In
  // this order rows are not missed that a rotation moves from an old epoch to a newer one between
  // two probes.
  const std::vector<const TenantKeys*>& indexed() const;

 private:
  TenantScope(storage::TenantId id, const KeySnapshot& keys, const TenantKeys& active)
      : id_(id), keys_(&keys), active_(&active) {}

  storage::TenantId id_;
  const KeySnapshot* keys_;
  const TenantKeys* active_;
  mutable std::vector<const TenantKeys*> indexed_;  // filled at first use
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_TENANT_SCOPE_H_
