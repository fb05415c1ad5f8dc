#include "vault/state/state_store.h"

#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "authz/policy.h"
#include "vault/keys/sealed_row.h"
#include "vault/state/open_rows.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using storage::StateKey;
using storage::StateKind;

// A row whose own name is the key's.
template <typename Row, typename Put>
auto Named(Put put) {
  return [put](const std::string& name, const Row& row, uint64_t version) -> absl::Status {
    if (row.name() != name) return Contradiction();
    put(row, version);
    return absl::OkStatus();
  };
}

absl::Status ReadTenantKeys(const storage::Engine& engine, KeyHierarchy& hierarchy) {
  const storage::Key prefix = storage::StatePrefix(StateKind::kTenantKey);
  std::vector<TenantKeyRow> rows;
  absl::Status scanned =
      engine.Scan(prefix, prefix.bytes, std::numeric_limits<size_t>::max(),
                  [&](std::string_view key, std::string_view value) {
                    const storage::TenantKeyName name = storage::ParseTenantKeyKey(key);
                    // What hangs on a destroyed epoch cannot be opened and is on its way out.
                    if (hierarchy.Current()->Epoch(name.epoch) != nullptr) {
                      rows.push_back({name.tenant, name.epoch, std::string(value)});
                    }
                    return true;
                  });
  if (!scanned.ok()) return scanned;
  return hierarchy.ReplaceTenantKeys(rows);
}

// REQUIRES: the tenants are in `builder`.
absl::Status ReadMatters(const storage::Engine& engine, const KeySnapshot& keys,
                         SnapshotBuilder* builder) {
  const storage::Key prefix = storage::StatePrefix(StateKind::kMatter);
  std::set<storage::TenantId> tenants;
  for (const auto& [name, tenant] : builder->current().tenants()) tenants.insert(tenant->id);
  absl::Status result;
  absl::Status scanned =
      engine.Scan(prefix, prefix.bytes, std::numeric_limits<size_t>::max(),
                  [&](std::string_view key, std::string_view value) {
                    const std::optional<storage::MatterName> name = storage::ParseMatterKey(key);
                    const storage::Key whole{storage::Table::kState, std::string(key)};
                    auto row = OpenRow<storage::v1::MatterRow>(keys, whole, value);
                    if (!row.ok()) {
                      result = row.status();
                    } else if (!name.has_value() || !tenants.contains(name->tenant) ||
                               row->message.kind() != name->kind || row->message.id() != name->id) {
                      result = Contradiction();
                    } else {
                      builder->PutMatter(name->tenant, row->message, row->version);
                    }
                    return result.ok();
                  });
  return scanned.ok() ? result : scanned;
}

// Compiles the policies that some tenant has in force; the others wait until somebody wants them.
absl::StatusOr<std::shared_ptr<const authz::Policy>> Compile(const std::string& hex,
                                                             const storage::v1::PolicyRow& row) {
  authz::PolicyText text;
  text.yaml = row.yaml();
  text.values_yaml = row.values_yaml();
  auto policy = authz::Policy::Load(text);
  if (!policy.ok()) {
    return absl::FailedPreconditionError("the policy in force does not load in this version");
  }
  if ((*policy)->hash_hex() != hex) return Contradiction();
  return policy;
}

}  // namespace

StateStore::StateStore(const storage::Engine& engine, KeyHierarchy& keys, RandomSource& random)
    : engine_(engine), keys_(keys), random_(random) {}

absl::StatusOr<std::unique_ptr<StateStore>> StateStore::Load(const storage::Engine& engine,
                                                             KeyHierarchy& keys,
                                                             RandomSource& random) {
  auto store = std::unique_ptr<StateStore>(new StateStore(engine, keys, random));
  if (absl::Status status = store->Reload(); !status.ok()) return status;
  return store;
}

std::shared_ptr<const StateSnapshot> StateStore::snapshot() const {
  absl::MutexLock lock(&mutex_);
  return snapshot_;
}

void StateStore::Swap(std::shared_ptr<const StateSnapshot> next) {
  absl::MutexLock lock(&mutex_);
  // The old one is released outside the lock, by `next`.
  snapshot_.swap(next);
}

absl::Status StateStore::Reload() {
  absl::MutexLock lock(&writing_);
  auto next = ReadAll();
  if (!next.ok()) return next.status();
  Swap(*std::move(next));
  return absl::OkStatus();
}

void StateStore::RefreshKeys() { Apply({}, {}); }

StateChange StateStore::NewChange(std::shared_ptr<const StateSnapshot> base) {
  return StateChange(*this, std::move(base));
}

void StateStore::Apply(const std::vector<std::function<void(SnapshotBuilder&)>>& updates,
                       const std::vector<TenantKeyRow>& tenant_keys) {
  absl::MutexLock lock(&writing_);
  if (!tenant_keys.empty()) {
    // Sealed by this hierarchy just before, so they open; otherwise the tenant has no keys and its
    // calls are answered with KEYS_UNAVAILABLE until a restart says why.
    keys_.InstallTenantKeys(tenant_keys).IgnoreError();
  }
  SnapshotBuilder builder(*snapshot());
  for (const auto& update : updates) update(builder);
  builder.SetKeys(keys_.Current());
  Swap(builder.Build());
}

absl::StatusOr<std::shared_ptr<const StateSnapshot>> StateStore::ReadAll() const {
  if (absl::Status status = ReadTenantKeys(engine_, keys_); !status.ok()) return status;
  const std::shared_ptr<const KeySnapshot> keys = keys_.Current();
  SnapshotBuilder builder;
  builder.SetKeys(keys);

  int vaults = 0;
  absl::Status status = OpenAll<storage::v1::VaultRow>(
      engine_, *keys, StateKind::kVault,
      [&](const std::string&, const storage::v1::VaultRow& row, uint64_t) {
        builder.SetVault(row);
        ++vaults;
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (vaults == 0) return absl::FailedPreconditionError("the vault was not initialized");
  if (builder.current().vault_id() != keys->vault_id().view()) return Contradiction();

  status = OpenAll<storage::v1::KeyringRow>(
      engine_, *keys, StateKind::kEpoch,
      [&](const std::string&, const storage::v1::KeyringRow& row, uint64_t version) {
        builder.SetKeyring(row, version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;

  // Tenants come before policies here, to know which are in force, and behind them in the snapshot.
  std::vector<std::pair<storage::v1::TenantRow, uint64_t>> tenants;
  status = OpenAll<storage::v1::TenantRow>(
      engine_, *keys, StateKind::kTenant,
      Named<storage::v1::TenantRow>([&](const storage::v1::TenantRow& row, uint64_t version) {
        tenants.emplace_back(row, version);
      }));
  if (!status.ok()) return status;
  status =
      OpenAll<storage::v1::PolicyRow>(engine_, *keys, StateKind::kPolicy,
                                      [&](const std::string& hex, const storage::v1::PolicyRow& row,
                                          uint64_t version) -> absl::Status {
                                        const std::string sha256 = FromHex(hex);
                                        std::shared_ptr<const authz::Policy> policy;
                                        for (const auto& [tenant, unused] : tenants) {
                                          if (policy != nullptr || tenant.policy_sha256() != sha256)
                                            continue;
                                          auto compiled = Compile(hex, row);
                                          if (!compiled.ok()) return compiled.status();
                                          policy = *std::move(compiled);
                                        }
                                        builder.PutPolicy(hex, row, version, std::move(policy));
                                        return absl::OkStatus();
                                      });
  if (!status.ok()) return status;
  for (const auto& [tenant, version] : tenants) {
    builder.PutTenant(tenant, version);
    // A policy in force whose row is gone would silently deny; say so instead.
    if (!tenant.policy_sha256().empty() &&
        builder.current().FindTenant(tenant.name())->policy == nullptr) {
      return Contradiction();
    }
  }

  status = OpenAll<storage::v1::IndexFormsRow>(
      engine_, *keys, StateKind::kIndexForms,
      [&](const std::string& name, const storage::v1::IndexFormsRow& row,
          uint64_t version) -> absl::Status {
        if (row.name() != name || builder.current().FindTenant(name) == nullptr) {
          return Contradiction();
        }
        absl::StatusOr<TenantIndexes> indexes = TenantIndexes::FromRow(row);
        if (!indexes.ok()) return indexes.status();
        builder.PutIndexes(
            name,
            std::make_shared<const TenantIndexes>(indexes->WithNormaliser(kNormaliserVersion)),
            version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  for (const auto& [name, tenant] : builder.current().tenants()) {
    const authz::Policy* policy = tenant->policy_in_force();
    if (policy == nullptr) continue;
    // A row that was taken away would make look-ups miss what is there.
    if (tenant->indexes->Under(*policy, [](std::string_view) { return true; }) !=
        *tenant->indexes) {
      return Contradiction();
    }
  }

  status = OpenAll<storage::v1::PersonRow>(
      engine_, *keys, StateKind::kPerson,
      Named<storage::v1::PersonRow>([&](const storage::v1::PersonRow& row, uint64_t version) {
        builder.PutPerson(row, version);
      }));
  if (!status.ok()) return status;
  status = OpenAll<storage::v1::PrincipalRow>(
      engine_, *keys, StateKind::kPrincipal,
      Named<storage::v1::PrincipalRow>([&](const storage::v1::PrincipalRow& row, uint64_t version) {
        builder.PutPrincipal(row, version);
      }));
  if (!status.ok()) return status;
  status = OpenAll<storage::v1::ProposalRow>(
      engine_, *keys, StateKind::kProposal,
      [&](const std::string& id, const storage::v1::ProposalRow& row,
          uint64_t version) -> absl::Status {
        if (row.id() != id) return Contradiction();
        builder.PutProposal(row, version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = OpenAll<storage::v1::BreakGlassRow>(
      engine_, *keys, StateKind::kBreakGlass,
      [&](const std::string& id, const storage::v1::BreakGlassRow& row,
          uint64_t version) -> absl::Status {
        if (row.id() != id) return Contradiction();
        builder.PutBreakGlass(row, version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = OpenAll<storage::v1::DenylistRow>(
      engine_, *keys, StateKind::kDenylist,
      [&](const std::string& hex, const storage::v1::DenylistRow& row, uint64_t version) {
        builder.PutDenylist(FromHex(hex), row, version);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  status = ReadMatters(engine_, *keys, &builder);
  if (!status.ok()) return status;
  status = ReadSharingState(engine_, *keys, &builder);
  if (!status.ok()) return status;
  return builder.Build();
}

}  // namespace piivault::vault
