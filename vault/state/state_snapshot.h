#ifndef PIIVAULT_VAULT_STATE_STATE_SNAPSHOT_H_
#define PIIVAULT_VAULT_STATE_STATE_SNAPSHOT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "authz/principal.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/keys.h"
#include "vault/state/field_indexes.h"
#include "vault/state/matter_map.h"
#include "vault/state/sharing_state.h"

namespace piivault::authz {
class Policy;
}

namespace piivault::vault {

class KeySnapshot;

// Cells of rows that may not be there yet, for read sets. Names without their collection.
uint64_t TenantCell(std::string_view tenant);
uint64_t PersonCell(std::string_view person);
uint64_t PrincipalCell(std::string_view principal);
uint64_t PolicyCell(std::string_view hex);
uint64_t ProposalCell(std::string_view id);
uint64_t BreakGlassCell(std::string_view id);
// Which break-glass roles a person has taken: touched with each, so that none is taken while
// another waits for its review.
uint64_t BreakGlassListCell(std::string_view person);
// Whether a certificate is on the denylist; `sha256` is raw, 32 bytes.
uint64_t DenylistCell(std::string_view sha256);
// Who a certificate identity belongs to: touched whenever a principal gains or loses it.
uint64_t IdentityCell(std::string_view uri);
// Who administers the vault: touched by every act that may change how many do.
uint64_t AdministratorsCell();
uint64_t VaultCell();
// Which epoch is active: in the read set of whatever seals or wraps.
uint64_t EpochCell();
// Which tenants there are: touched when one is made, so that a rotation misses none.
uint64_t TenantListCell();
// Who holds a role of a tenant: touched with each grant of it, so that a limit on holders holds.
uint64_t RoleHoldersCell(std::string_view tenant, std::string_view role);

// A policy that was loaded.
struct PolicyState {
  std::string hex;     // SHA-256, lower-case hexadecimal: the name of its row
  std::string sha256;  // the same, raw
  storage::v1::PolicyRow row;
  uint64_t version = 0;
  // Compiled; null for one that is in force nowhere and was not loaded by this process.
  std::shared_ptr<const authz::Policy> policy;
};

struct TenantState {
  std::string name;  // without `tenants/`
  storage::TenantId id = 0;
  storage::v1::TenantRow row;
  uint64_t version = 0;
  std::shared_ptr<const PolicyState> policy;  // in force; null where there is none
  uint64_t cell = 0;                          // changes with the policy in force too
  // Not in the read set of calls: whichever way they see a record's index rows, by these or by
  // what they were brought to meanwhile, is right.
  std::shared_ptr<const TenantIndexes> indexes = std::make_shared<const TenantIndexes>();
  uint64_t indexes_version = 0;

  // Null where none is in force.
  const authz::Policy* policy_in_force() const {
    return policy == nullptr ? nullptr : policy->policy.get();
  }
};

struct PersonState {
  std::string name;  // without `persons/`
  storage::v1::PersonRow row;
  uint64_t version = 0;
  authz::Person person;                          // the row as authz takes it
  std::vector<authz::Attestation> attestations;  // oldest first, revoked ones too
  uint64_t cell = 0;
};

struct PrincipalState {
  std::string name;  // without `principals/`
  storage::v1::PrincipalRow row;
  uint64_t version = 0;
  authz::Principal principal;  // the row as authz takes it, bindings included
  uint64_t cell = 0;
};

struct DenylistState {
  storage::v1::DenylistRow row;
  uint64_t version = 0;
};

struct ProposalState {
  std::string id;
  storage::v1::ProposalRow row;
  uint64_t version = 0;
  uint64_t cell = 0;
};

// A use of a break-glass role.
struct BreakGlassUseState {
  std::string id;
  storage::v1::BreakGlassRow row;
  uint64_t version = 0;
  uint64_t cell = 0;
};

// Everything that decides, at one point of the log: tenants, persons, principals, policies,
// proposals, denylist, uses of break-glass roles, the tenants' matters and recipients, revocations
// of export tokens, keys. Subjects, tokens and wraps are not in it; they are rows that are read.
//
// Guarantees: what is in it came out of sealed rows. It never changes; a pointer taken from it
// lives as long as the snapshot (the shared ones as long as they are held). Does not: know whether
// it is still the newest. Whoever decides by it puts the cells that it used into the commit's read
// set, with `as_of` taken before the snapshot. Thread-safe, because immutable.
class StateSnapshot {
 public:
  template <typename T>
  using ByName = std::map<std::string, std::shared_ptr<const T>, std::less<>>;

  const storage::v1::VaultRow& vault() const { return *vault_; }
  // 16 raw bytes.
  const std::string& vault_id() const { return vault_->vault_id(); }
  bool single_operator() const { return vault_->single_operator(); }

  // Null where there is none. Names without their collection (`default`, not `tenants/default`).
  const TenantState* FindTenant(std::string_view name) const;
  const PersonState* FindPerson(std::string_view name) const;
  const PrincipalState* FindPrincipal(std::string_view name) const;
  // The principal that has this certificate identity, disabled or not.
  const PrincipalState* FindPrincipalByIdentity(std::string_view uri) const;
  const PolicyState* FindPolicy(std::string_view hex) const;
  const ProposalState* FindProposal(std::string_view id) const;
  const BreakGlassUseState* FindBreakGlass(std::string_view id) const;
  // `sha256` is raw, 32 bytes.
  bool IsDenied(std::string_view sha256) const;
  // Of a tenant, by the last part of its name.
  const RecipientState* FindRecipient(std::string_view tenant, std::string_view name) const;
  // Those of a tenant; empty where there are none.
  const MatterMap& matters(storage::TenantId tenant) const;

  const ByName<TenantState>& tenants() const { return *tenants_; }
  const ByName<PersonState>& persons() const { return *persons_; }
  const ByName<PrincipalState>& principals() const { return *principals_; }
  const ByName<PolicyState>& policies() const { return *policies_; }
  const ByName<ProposalState>& proposals() const { return *proposals_; }
  const ByName<BreakGlassUseState>& break_glass() const { return *break_glass_; }
  // By `{tenant}/{recipient}`.
  const ByName<RecipientState>& recipients() const { return *recipients_; }
  // Keys that export tokens are signed with.
  const SigningKeys& signing_keys() const { return signing_keys_->keys; }
  const std::map<std::string, SigningKeyVersion, std::less<>>& signing_key_rows() const {
    return signing_keys_->rows;
  }
  // Revocations of a tenant's export tokens that may still matter, oldest first.
  const ExportRevocations& revocations(std::string_view tenant) const;
  // What the database knows of the keyring.
  const storage::v1::KeyringRow& keyring() const { return *keyring_; }

  // How many persons can administer the vault at `now`: by a principal that is enabled and has
  // `vault_admin` and a certificate identity, both in force. Where `instead` is given, it counts in
  // the place of the principal of that name.
  int CountAdministrators(absl::Time now, const storage::v1::PrincipalRow* instead = nullptr) const;

  // Keys as of this snapshot: a tenant's keys come and go with the tenant.
  const KeySnapshot& keys() const { return *keys_; }
  const std::shared_ptr<const KeySnapshot>& shared_keys() const { return keys_; }

 private:
  friend class SnapshotBuilder;
  friend class StateChange;

  // Each map is shared with the snapshots before and after, until one of its rows changes.
  template <typename T>
  using Shared = std::shared_ptr<const ByName<T>>;

  std::shared_ptr<const storage::v1::VaultRow> vault_;
  std::shared_ptr<const storage::v1::KeyringRow> keyring_;
  uint64_t keyring_version_ = 0;
  Shared<TenantState> tenants_;
  Shared<PersonState> persons_;
  Shared<PrincipalState> principals_;
  Shared<PolicyState> policies_;
  Shared<ProposalState> proposals_;
  Shared<BreakGlassUseState> break_glass_;
  Shared<DenylistState> denylist_;  // by raw SHA-256
  Shared<RecipientState> recipients_;
  std::shared_ptr<const SigningKeyState> signing_keys_;
  Shared<ExportRevocations> revocations_;  // by tenant
  std::shared_ptr<const std::map<storage::TenantId, std::shared_ptr<const MatterMap>>> matters_;
  // Certificate identity to name of the principal.
  std::shared_ptr<const absl::flat_hash_map<std::string, std::string>> identities_;
  std::shared_ptr<const KeySnapshot> keys_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_STATE_SNAPSHOT_H_
