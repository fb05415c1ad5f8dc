#include "vault/state/snapshot_builder.h"

#include <algorithm>
#include <utility>

#include "vault/text.h"

namespace piivault::vault {
namespace {

template <typename T>
std::shared_ptr<const StateSnapshot::ByName<T>> Empty() {
  return std::make_shared<const StateSnapshot::ByName<T>>();
}

}  // namespace

SnapshotBuilder::SnapshotBuilder() : next_(std::make_shared<StateSnapshot>()) {
  next_->vault_ = std::make_shared<const storage::v1::VaultRow>();
  next_->keyring_ = std::make_shared<const storage::v1::KeyringRow>();
  next_->tenants_ = Empty<TenantState>();
  next_->persons_ = Empty<PersonState>();
  next_->principals_ = Empty<PrincipalState>();
  next_->policies_ = Empty<PolicyState>();
  next_->proposals_ = Empty<ProposalState>();
  next_->break_glass_ = Empty<BreakGlassUseState>();
  next_->denylist_ = Empty<DenylistState>();
  next_->recipients_ = Empty<RecipientState>();
  next_->revocations_ = Empty<ExportRevocations>();
  next_->signing_keys_ = std::make_shared<const SigningKeyState>();
  next_->matters_ =
      std::make_shared<const std::map<storage::TenantId, std::shared_ptr<const MatterMap>>>();
  next_->identities_ = std::make_shared<const absl::flat_hash_map<std::string, std::string>>();
}

SnapshotBuilder::SnapshotBuilder(const StateSnapshot& base)
    : next_(std::make_shared<StateSnapshot>(base)) {}

template <typename Map>
Map& SnapshotBuilder::Own(std::shared_ptr<const Map>& map) {
  if (std::find(owned_.begin(), owned_.end(), map.get()) == owned_.end()) {
    map = std::make_shared<Map>(*map);
    owned_.push_back(map.get());
  }
  // Made above as a Map that is not const.
  return const_cast<Map&>(*map);
}

void SnapshotBuilder::SetVault(const storage::v1::VaultRow& row) {
  next_->vault_ = std::make_shared<const storage::v1::VaultRow>(row);
}

void SnapshotBuilder::SetKeyring(const storage::v1::KeyringRow& row, uint64_t version) {
  next_->keyring_ = std::make_shared<const storage::v1::KeyringRow>(row);
  next_->keyring_version_ = version;
}

void SnapshotBuilder::SetKeys(std::shared_ptr<const KeySnapshot> keys) {
  next_->keys_ = std::move(keys);
}

void SnapshotBuilder::PutTenant(const storage::v1::TenantRow& row, uint64_t version) {
  auto tenant = std::make_shared<TenantState>();
  tenant->name = row.name();
  tenant->id = row.id();
  tenant->row = row;
  tenant->version = version;
  tenant->cell = TenantCell(row.name());
  auto policy = next_->policies_->find(ToHex(row.policy_sha256()));
  if (policy != next_->policies_->end()) tenant->policy = policy->second;
  if (const TenantState* before = next_->FindTenant(row.name()); before != nullptr) {
    tenant->indexes = before->indexes;
    tenant->indexes_version = before->indexes_version;
  }
  Own(next_->tenants_)[row.name()] = std::move(tenant);
}

void SnapshotBuilder::PutIndexes(std::string_view tenant,
                                 std::shared_ptr<const TenantIndexes> indexes, uint64_t version) {
  auto next = std::make_shared<TenantState>(*next_->FindTenant(tenant));
  next->indexes = std::move(indexes);
  next->indexes_version = version;
  Own(next_->tenants_)[next->name] = std::move(next);
}

void SnapshotBuilder::PutPerson(const storage::v1::PersonRow& row, uint64_t version) {
  auto person = std::make_shared<PersonState>();
  person->name = row.name();
  person->row = row;
  person->version = version;
  person->person = ToPerson(row);
  person->attestations = ToAttestations(row);
  person->cell = PersonCell(row.name());
  Own(next_->persons_)[row.name()] = std::move(person);
}

void SnapshotBuilder::PutPrincipal(const storage::v1::PrincipalRow& row, uint64_t version) {
  absl::flat_hash_map<std::string, std::string>& identities = Own(next_->identities_);
  if (const PrincipalState* before = next_->FindPrincipal(row.name()); before != nullptr) {
    for (const auto& identity : before->row.identities()) identities.erase(identity.uri());
  }
  for (const auto& identity : row.identities()) identities[identity.uri()] = row.name();

  auto principal = std::make_shared<PrincipalState>();
  principal->name = row.name();
  principal->row = row;
  principal->version = version;
  principal->principal = ToPrincipal(row);
  principal->cell = PrincipalCell(row.name());
  Own(next_->principals_)[row.name()] = std::move(principal);
}

void SnapshotBuilder::PutProposal(const storage::v1::ProposalRow& row, uint64_t version) {
  auto proposal = std::make_shared<ProposalState>();
  proposal->id = row.id();
  proposal->row = row;
  proposal->version = version;
  proposal->cell = ProposalCell(row.id());
  Own(next_->proposals_)[row.id()] = std::move(proposal);
}

void SnapshotBuilder::PutBreakGlass(const storage::v1::BreakGlassRow& row, uint64_t version) {
  auto use = std::make_shared<BreakGlassUseState>();
  use->id = row.id();
  use->row = row;
  use->version = version;
  use->cell = BreakGlassCell(row.id());
  Own(next_->break_glass_)[row.id()] = std::move(use);
}

void SnapshotBuilder::PutPolicy(std::string_view hex, const storage::v1::PolicyRow& row,
                                uint64_t version, std::shared_ptr<const authz::Policy> policy) {
  auto state = std::make_shared<PolicyState>();
  state->hex = hex;
  state->sha256 = FromHex(hex);
  state->row = row;
  state->version = version;
  state->policy = std::move(policy);
  Own(next_->policies_)[state->hex] = std::move(state);
}

void SnapshotBuilder::PutDenylist(std::string_view sha256, const storage::v1::DenylistRow& row,
                                  uint64_t version) {
  auto denied = std::make_shared<DenylistState>();
  denied->row = row;
  denied->version = version;
  Own(next_->denylist_)[std::string(sha256)] = std::move(denied);
}

MatterMap& SnapshotBuilder::OwnMatters(storage::TenantId tenant) {
  std::shared_ptr<const MatterMap>& matters = Own(next_->matters_)[tenant];
  if (matters == nullptr) matters = std::make_shared<MatterMap>();
  return Own(matters);
}

void SnapshotBuilder::PutMatter(storage::TenantId tenant, const storage::v1::MatterRow& row,
                                uint64_t version) {
  auto matter = std::make_shared<MatterState>();
  matter->row = row;
  matter->version = version;
  OwnMatters(tenant).Put(std::move(matter));
}

void SnapshotBuilder::RemoveMatter(storage::TenantId tenant, std::string_view kind,
                                   std::string_view id) {
  OwnMatters(tenant).Remove(kind, id);
}

void SnapshotBuilder::PutRecipient(const storage::v1::RecipientRow& row, uint64_t version) {
  auto recipient = std::make_shared<RecipientState>();
  recipient->row = row;
  recipient->version = version;
  recipient->recipient = ToRecipient(row);
  recipient->cell = RecipientCell(row.tenant(), row.name());
  Own(next_->recipients_)[RecipientKeyName(row.tenant(), row.name())] = std::move(recipient);
}

void SnapshotBuilder::PutExportRevocation(std::string_view id,
                                          const storage::v1::ExportRevocationRow& row,
                                          uint64_t version) {
  auto revocation = std::make_shared<ExportRevocationState>();
  revocation->id = id;
  revocation->row = row;
  revocation->version = version;
  auto all = std::make_shared<ExportRevocations>(next_->revocations(row.tenant()));
  const auto later = [](int64_t micros, const auto& one) {
    return micros < one->row.time_micros();
  };
  all->insert(std::upper_bound(all->begin(), all->end(), row.time_micros(), later),
              std::move(revocation));
  Own(next_->revocations_)[row.tenant()] = std::move(all);
}

absl::Status SnapshotBuilder::PutSigningKeys(const std::vector<SigningKeyVersion>& rows) {
  auto all = next_->signing_keys_->rows;
  for (const SigningKeyVersion& one : rows) all[one.row.kid()] = one;
  return SetSigningKeys(std::move(all));
}

void SnapshotBuilder::RemoveSigningKeys(const std::vector<std::string>& kids) {
  auto all = next_->signing_keys_->rows;
  for (const std::string& kid : kids) all.erase(kid);
  // What is left of a set is one.
  SetSigningKeys(std::move(all)).IgnoreError();
}

absl::Status SnapshotBuilder::SetSigningKeys(
    std::map<std::string, SigningKeyVersion, std::less<>> rows) {
  auto next = std::make_shared<SigningKeyState>();
  next->rows = std::move(rows);
  std::vector<storage::v1::SigningKeyRow> all;
  for (const auto& [kid, one] : next->rows) all.push_back(one.row);
  absl::StatusOr<SigningKeys> keys = SigningKeys::Create(all);
  if (!keys.ok()) return keys.status();
  next->keys = *std::move(keys);
  next_->signing_keys_ = std::move(next);
  return absl::OkStatus();
}

void SnapshotBuilder::RemoveExportRevocation(std::string_view tenant, std::string_view id) {
  auto all = std::make_shared<ExportRevocations>(next_->revocations(tenant));
  std::erase_if(*all, [id](const auto& one) { return one->id == id; });
  Own(next_->revocations_)[std::string(tenant)] = std::move(all);
}

}  // namespace piivault::vault
