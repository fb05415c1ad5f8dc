#include <utility>

#include "authz/policy.h"
#include "vault/keys/sealed_row.h"
#include "vault/state/snapshot_builder.h"
#include "vault/state/state_store.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;

// Versions start at 1.
template <typename T>
uint64_t NextVersion(const T* before) {
  return before == nullptr ? 1 : before->version + 1;
}

bool HasAdministratorRole(const storage::v1::PrincipalRow& row) {
  for (const storage::v1::RoleBindingRow& binding : row.bindings()) {
    if (binding.tenant().empty() &&
        binding.role() == authz::SystemRoleName(authz::SystemRole::kVaultAdmin)) {
      return true;
    }
  }
  return false;
}

bool HasIdentity(const storage::v1::PrincipalRow& row, std::string_view uri) {
  for (const storage::v1::IdentityRow& identity : row.identities()) {
    if (identity.uri() == uri) return true;
  }
  return false;
}

}  // namespace

StateChange::StateChange(StateStore& store, std::shared_ptr<const StateSnapshot> base)
    : store_(&store), base_(std::move(base)) {
  parts_.reads.push_back(EpochCell());
}

void StateChange::Put(storage::Key key, uint64_t version,
                      const google::protobuf::MessageLite& row) {
  parts_.reads.push_back(storage::CellFingerprint(key));
  std::string sealed =
      SealRowBytes(base_->keys(), store_->random_, key, version, SerializeSecret(row).view());
  parts_.writes.push_back({std::move(key), std::move(sealed)});
}

void StateChange::Remove(storage::Key key) {
  parts_.reads.push_back(storage::CellFingerprint(key));
  parts_.writes.push_back({std::move(key), std::nullopt});
}

void StateChange::PutTenant(const storage::v1::TenantRow& row) {
  const TenantState* before = base_->FindTenant(row.name());
  const uint64_t version = NextVersion(before);
  Put(StateKey(StateKind::kTenant, row.name()), version, row);
  if (before == nullptr) {
    parts_.reads.push_back(TenantListCell());
    parts_.touches.push_back(TenantListCell());
  }
  updates_.push_back([row, version](SnapshotBuilder& builder) { builder.PutTenant(row, version); });
  if (row.policy_sha256().empty()) return;
  if (before != nullptr && before->row.policy_sha256() == row.policy_sha256()) return;
  const std::string hex = ToHex(row.policy_sha256());
  const PolicyState* there = base_->FindPolicy(hex);
  const auto brought = policies_.find(hex);
  const authz::Policy* policy = brought != policies_.end() ? brought->second.get()
                                : there != nullptr         ? there->policy.get()
                                                           : nullptr;
  // One that nobody has compiled denies everything, look-ups too.
  if (policy == nullptr) return;
  if (before != nullptr) return WantIndexes(*before, *policy);
  TenantState made;
  made.name = row.name();
  made.id = row.id();
  WantIndexes(made, *policy);
}

void StateChange::WantIndexes(const TenantState& tenant, const authz::Policy& policy) {
  const authz::Policy* const before = tenant.policy_in_force();
  std::map<std::string, bool, std::less<>> known;
  const auto is_new = [&](std::string_view type) {
    const auto at = known.find(type);
    if (at != known.end()) return at->second;
    // While the policy in force does not know the type, nobody makes records of it; there may be
    // some of an earlier one's.
    bool none = before == nullptr || before->FindType(type) == authz::kNoType;
    const storage::Key prefix = storage::TypeIndexPrefix(tenant.id, type);
    const absl::Status scanned =
        store_->engine_.Scan(prefix, prefix.bytes, 1,
                             [&none](std::string_view, std::string_view) { return none = false; });
    none = none && scanned.ok();
    known.emplace(type, none);
    return none;
  };
  TenantIndexes indexes = tenant.indexes->Under(policy, is_new);
  if (indexes != *tenant.indexes) PutIndexes(tenant, indexes);
}

void StateChange::PutIndexes(const TenantState& tenant, const TenantIndexes& indexes) {
  const uint64_t version = tenant.indexes_version + 1;
  Put(StateKey(StateKind::kIndexForms, tenant.name), version, indexes.ToRow(tenant.name));
  updates_.push_back(
      [name = tenant.name, shared = std::make_shared<const TenantIndexes>(indexes),
       version](SnapshotBuilder& builder) { builder.PutIndexes(name, shared, version); });
}

void StateChange::PutTenantKey(const TenantKeyRow& row) {
  storage::Key key = storage::TenantKeyKey(row.tenant, row.epoch);
  parts_.reads.push_back(storage::CellFingerprint(key));
  parts_.writes.push_back({std::move(key), row.row});
  tenant_keys_.push_back(row);
}

void StateChange::PutPerson(const storage::v1::PersonRow& row) {
  const uint64_t version = NextVersion(base_->FindPerson(row.name()));
  Put(StateKey(StateKind::kPerson, row.name()), version, row);
  updates_.push_back([row, version](SnapshotBuilder& builder) { builder.PutPerson(row, version); });
}

void StateChange::PutPrincipal(const storage::v1::PrincipalRow& row) {
  const PrincipalState* before = base_->FindPrincipal(row.name());
  const uint64_t version = NextVersion(before);
  Put(StateKey(StateKind::kPrincipal, row.name()), version, row);

  std::vector<uint64_t> cells;
  static const storage::v1::PrincipalRow& kNone = storage::v1::PrincipalRow::default_instance();
  const storage::v1::PrincipalRow& old = before == nullptr ? kNone : before->row;
  for (const storage::v1::IdentityRow& identity : row.identities()) {
    if (!HasIdentity(old, identity.uri())) cells.push_back(IdentityCell(identity.uri()));
  }
  for (const storage::v1::IdentityRow& identity : old.identities()) {
    if (!HasIdentity(row, identity.uri())) cells.push_back(IdentityCell(identity.uri()));
  }
  if (HasAdministratorRole(old) || HasAdministratorRole(row)) {
    cells.push_back(AdministratorsCell());
  }
  parts_.reads.insert(parts_.reads.end(), cells.begin(), cells.end());
  parts_.touches.insert(parts_.touches.end(), cells.begin(), cells.end());
  updates_.push_back(
      [row, version](SnapshotBuilder& builder) { builder.PutPrincipal(row, version); });
}

void StateChange::PutPolicy(std::string_view hex, const storage::v1::PolicyRow& row,
                            std::shared_ptr<const authz::Policy> policy) {
  if (policy != nullptr) policies_[std::string(hex)] = policy;
  const uint64_t version = NextVersion(base_->FindPolicy(hex));
  Put(StateKey(StateKind::kPolicy, hex), version, row);
  updates_.push_back([name = std::string(hex), row, version,
                      policy = std::move(policy)](SnapshotBuilder& builder) {
    builder.PutPolicy(name, row, version, policy);
  });
}

void StateChange::KeepCompiled(std::shared_ptr<const authz::Policy> policy) {
  policies_[policy->hash_hex()] = policy;
  updates_.push_back([policy = std::move(policy)](SnapshotBuilder& builder) {
    const PolicyState* there = builder.current().FindPolicy(policy->hash_hex());
    if (there == nullptr || there->policy != nullptr) return;
    const storage::v1::PolicyRow row = there->row;
    builder.PutPolicy(policy->hash_hex(), row, there->version, policy);
  });
}

void StateChange::PutProposal(const storage::v1::ProposalRow& row) {
  const uint64_t version = NextVersion(base_->FindProposal(row.id()));
  Put(StateKey(StateKind::kProposal, row.id()), version, row);
  updates_.push_back(
      [row, version](SnapshotBuilder& builder) { builder.PutProposal(row, version); });
}

void StateChange::PutBreakGlass(const storage::v1::BreakGlassRow& row) {
  const uint64_t version = NextVersion(base_->FindBreakGlass(row.id()));
  Put(StateKey(StateKind::kBreakGlass, row.id()), version, row);
  Touch(BreakGlassListCell(row.person()));
  updates_.push_back(
      [row, version](SnapshotBuilder& builder) { builder.PutBreakGlass(row, version); });
}

void StateChange::PutDenylist(std::string_view sha256, const storage::v1::DenylistRow& row) {
  Put(StateKey(StateKind::kDenylist, ToHex(sha256)), 1, row);
  updates_.push_back([sha = std::string(sha256), row](SnapshotBuilder& builder) {
    builder.PutDenylist(sha, row, 1);
  });
}

void StateChange::PutMatter(storage::TenantId tenant, const storage::v1::MatterRow& row) {
  const uint64_t version = NextVersion(base_->matters(tenant).Find(row.kind(), row.id()));
  Put(storage::MatterKey(tenant, row.kind(), row.id()), version, row);
  updates_.push_back([tenant, row, version](SnapshotBuilder& builder) {
    builder.PutMatter(tenant, row, version);
  });
}

void StateChange::RemoveMatter(storage::TenantId tenant, std::string_view kind,
                               std::string_view id) {
  Remove(storage::MatterKey(tenant, kind, id));
  updates_.push_back([tenant, kind = std::string(kind), id = std::string(id)](
                         SnapshotBuilder& builder) { builder.RemoveMatter(tenant, kind, id); });
}

void StateChange::PutRecipient(const storage::v1::RecipientRow& row) {
  const uint64_t version = NextVersion(base_->FindRecipient(row.tenant(), row.name()));
  Put(StateKey(StateKind::kRecipient, RecipientKeyName(row.tenant(), row.name())), version, row);
  updates_.push_back(
      [row, version](SnapshotBuilder& builder) { builder.PutRecipient(row, version); });
}

void StateChange::PutSigningKeys(const std::vector<storage::v1::SigningKeyRow>& rows) {
  std::vector<SigningKeyVersion> versions;
  for (const storage::v1::SigningKeyRow& row : rows) {
    const auto before = base_->signing_key_rows().find(row.kid());
    const uint64_t version =
        before == base_->signing_key_rows().end() ? 1 : before->second.version + 1;
    Put(StateKey(StateKind::kSigningKey, row.kid()), version, row);
    versions.push_back({row, version});
  }
  Touch(SigningKeysCell());
  updates_.push_back([versions = std::move(versions)](SnapshotBuilder& builder) {
    // They were a set when the change was made, and the cell has not changed since.
    builder.PutSigningKeys(versions).IgnoreError();
  });
}

void StateChange::RemoveSigningKeys(const std::vector<std::string>& kids) {
  for (const std::string& kid : kids) Remove(StateKey(StateKind::kSigningKey, kid));
  Touch(SigningKeysCell());
  updates_.push_back([kids](SnapshotBuilder& builder) { builder.RemoveSigningKeys(kids); });
}

void StateChange::PutExportRevocation(std::string_view id,
                                      const storage::v1::ExportRevocationRow& row) {
  RemoveOldRevocations(row.tenant(), absl::FromUnixMicros(row.time_micros()));
  Put(StateKey(StateKind::kExportRevocation, id), 1, row);
  Touch(ExportRevocationsCell(row.tenant()));
  updates_.push_back([id = std::string(id), row](SnapshotBuilder& builder) {
    builder.PutExportRevocation(id, row, 1);
  });
}

size_t StateChange::RemoveOldRevocations(std::string_view tenant, absl::Time now) {
  const int64_t oldest = absl::ToUnixMicros(now - kExportRevocationKept);
  size_t removed = 0;
  for (const auto& old : base_->revocations(tenant)) {
    if (old->row.time_micros() >= oldest) break;
    Remove(StateKey(StateKind::kExportRevocation, old->id));
    updates_.push_back([tenant = std::string(tenant), gone = old->id](SnapshotBuilder& builder) {
      builder.RemoveExportRevocation(tenant, gone);
    });
    ++removed;
  }
  return removed;
}

void StateChange::PutKeyring(const storage::v1::KeyringRow& row) {
  const uint64_t version = base_->keyring_version_ + 1;
  Put(StateKey(StateKind::kEpoch, "keyring"), version, row);
  updates_.push_back(
      [row, version](SnapshotBuilder& builder) { builder.SetKeyring(row, version); });
}

void StateChange::Touch(uint64_t cell) {
  parts_.reads.push_back(cell);
  parts_.touches.push_back(cell);
}

StateChange::Parts StateChange::Take() {
  parts_.applied = [store = store_, updates = std::move(updates_),
                    tenant_keys = std::move(tenant_keys_)](const storage::LogPosition&) {
    store->Apply(updates, tenant_keys);
  };
  return std::move(parts_);
}

}  // namespace piivault::vault
