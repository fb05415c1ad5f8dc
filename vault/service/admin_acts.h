#ifndef PIIVAULT_VAULT_SERVICE_ADMIN_ACTS_H_
#define PIIVAULT_VAULT_SERVICE_ADMIN_ACTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "vault/service/admin_call.h"

// The acts that need two persons: what they would change. Asked once when an act is proposed and
// again when it is approved, because what was right then may be wrong now.
namespace piivault::vault {

// What carrying an act out means, against the state of one call.
struct ActEffect {
  std::string resource;  // that it is on, for the entry
  // What it stands on, serialized: where this differs at the approval, the proposal is stale.
  std::string basis;
  std::optional<storage::v1::PrincipalRow> principal;
  std::optional<storage::v1::RecipientRow> recipient;  // whose principal it is; who acts changes it
  std::optional<storage::v1::PrincipalRow> predecessor;  // who loses what `principal` gets
  std::optional<storage::v1::TenantRow> tenant;
  std::shared_ptr<const authz::Policy> policy;  // to be kept compiled
  // Of a policy: its place in the tenant's history, and from when on it may be put in force.
  std::optional<storage::v1::ActivationRow> activation;
  absl::Time not_before = absl::InfinitePast();
  std::optional<uint32_t> destroy_epoch;
  std::vector<uint64_t> touches;
};

// The act alone of what a client sent. kMalformedRequest where there is none.
absl::StatusOr<piivault::v1::Proposal> ActOf(const piivault::v1::Proposal& proposal);

// Checks an act as if it were carried out now. Cells that it rests on go to the call's read set.
absl::StatusOr<ActEffect> CheckAct(AdminCall& call, const piivault::v1::Proposal& act);

// Puts the effect into the call's change.
void ApplyAct(AdminCall& call, const ActEffect& effect);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ADMIN_ACTS_H_
