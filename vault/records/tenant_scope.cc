#include "vault/records/tenant_scope.h"

#include <algorithm>

#include "absl/status/status.h"

namespace piivault::vault {

absl::StatusOr<TenantScope> TenantScope::Create(storage::TenantId id, const KeySnapshot& keys,
                                                const TenantIndexes& indexes) {
  const TenantKeys* active = keys.ActiveTenant(id);
  if (active == nullptr) return absl::UnavailableError("tenant without key in the active epoch");
  return TenantScope(id, keys, indexes, *active);
}

const std::vector<const TenantKeys*>& TenantScope::indexed() const {
  if (indexed_.empty()) {
    // Ids of epochs count up from 1, and one is made in a week: this is a short walk.
    for (uint32_t epoch = 1; epoch < active_->epoch; ++epoch) {
      const TenantKeys* keys = keys_->Tenant(id_, epoch);
      if (keys != nullptr && keys_->HasIndex(epoch)) indexed_.push_back(keys);
    }
    indexed_.push_back(active_);
  }
  return indexed_;
}

}  // namespace piivault::vault
