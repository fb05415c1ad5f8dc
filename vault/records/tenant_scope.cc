#include "vault/records/tenant_scope.h"

#include <algorithm>

#include "absl/status/status.h"

namespace piivault::vault {

absl::StatusOr<TenantScope> TenantScope::Create(storage::TenantId id, const KeySnapshot& keys) {
  const TenantKeys* active = keys.ActiveTenant(id);
  if (active == nullptr) return absl::UnavailableError("tenant without key in the active epoch");
  return TenantScope(id, keys, *active);
}

const std::vector<const TenantKeys*>& TenantScope::live() const {
  if (live_.empty()) {
    // Ids of epochs count up from 1, and one is made in a week: this is a short walk.
    for (uint32_t epoch = 1; epoch < active_->epoch; ++epoch) {
      if (const TenantKeys* keys = keys_->Tenant(id_, epoch)) live_.push_back(keys);
    }
    live_.push_back(active_);
  }
  return live_;
}

}  // namespace piivault::vault
