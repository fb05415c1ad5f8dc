#ifndef PIIVAULT_VAULT_STATE_SNAPSHOT_BUILDER_H_
#define PIIVAULT_VAULT_STATE_SNAPSHOT_BUILDER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Makes the next snapshot of one that is there: copies the maps that change, shares the others.
// Not thread-safe. Makes one snapshot.
class SnapshotBuilder {
 public:
  // Of nothing.
  SnapshotBuilder();
  explicit SnapshotBuilder(const StateSnapshot& base);

  void SetVault(const storage::v1::VaultRow& row);
  void SetKeyring(const storage::v1::KeyringRow& row, uint64_t version);
  void SetKeys(std::shared_ptr<const KeySnapshot> keys);

  // The policy that the row names must have been put before.
  void PutTenant(const storage::v1::TenantRow& row, uint64_t version);
  // REQUIRES: the tenant was put before.
  void PutIndexes(std::string_view tenant, std::shared_ptr<const TenantIndexes> indexes,
                  uint64_t version);
  void PutPerson(const storage::v1::PersonRow& row, uint64_t version);
  void PutPrincipal(const storage::v1::PrincipalRow& row, uint64_t version);
  void PutProposal(const storage::v1::ProposalRow& row, uint64_t version);
  void PutBreakGlass(const storage::v1::BreakGlassRow& row, uint64_t version);
  void PutPolicy(std::string_view hex, const storage::v1::PolicyRow& row, uint64_t version,
                 std::shared_ptr<const authz::Policy> policy);
  void PutDenylist(std::string_view sha256, const storage::v1::DenylistRow& row, uint64_t version);
  void PutMatter(storage::TenantId tenant, const storage::v1::MatterRow& row, uint64_t version);
  void RemoveMatter(storage::TenantId tenant, std::string_view kind, std::string_view id);

  void PutRecipient(const storage::v1::RecipientRow& row, uint64_t version);
  void PutExportRevocation(std::string_view id, const storage::v1::ExportRevocationRow& row,
                           uint64_t version);
  void RemoveExportRevocation(std::string_view tenant, std::string_view id);
  // Instead of those of these kids. DATA_LOSS where they do not go together.
  [[nodiscard]] absl::Status PutSigningKeys(const std::vector<SigningKeyVersion>& rows);
  void RemoveSigningKeys(const std::vector<std::string>& kids);

  const StateSnapshot& current() const { return *next_; }
  std::shared_ptr<const StateSnapshot> Build() { return std::move(next_); }

 private:
  // The map to change; a copy at the first time.
  template <typename Map>
  Map& Own(std::shared_ptr<const Map>& map);
  MatterMap& OwnMatters(storage::TenantId tenant);
  absl::Status SetSigningKeys(std::map<std::string, SigningKeyVersion, std::less<>> rows);

  std::shared_ptr<StateSnapshot> next_;
  std::vector<const void*> owned_;  // maps made by this builder
};

// Rows as authz takes them. Names become resource names.
authz::Person ToPerson(const storage::v1::PersonRow& row);
std::vector<authz::Attestation> ToAttestations(const storage::v1::PersonRow& row);
authz::Principal ToPrincipal(const storage::v1::PrincipalRow& row);
// Whether a row's identity is valid at `now`.
bool IdentityHolds(const storage::v1::IdentityRow& row, absl::Time now);
// Microseconds of a row; 0 is `absent`.
absl::Time TimeOf(int64_t micros, absl::Time absent);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_SNAPSHOT_BUILDER_H_
