#include "vault/keys/epoch_keys.h"

#include <string_view>
#include <utility>
#include <vector>

#include "vault/crypto/hkdf.h"
#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr size_t kKeySize = 32;
constexpr uint8_t kTenantKeyFormat = 1;

SecretBytes Derive(std::string_view key, std::string_view label) {
  return HkdfSha256(key, "", label, kKeySize);
}

absl::Status EpochNotLive() { return absl::FailedPreconditionError("the epoch is not live"); }

MemberList TenantKeyAssociatedData(const storage::Id128& vault_id, storage::TenantId tenant,
                                   uint32_t epoch) {
  MemberList members("piivault tenant key");
  members.Add(vault_id.view()).AddU64(tenant).AddU32(epoch);
  return members;
}

// What a tenant-key row seals: the tenant's key of that epoch, and its key for tokens.
struct TenantKeyPair {
  SecretBytes bytes;

  std::string_view tenant_key() const { return bytes.view().substr(0, kKeySize); }
  std::string_view token_key() const { return bytes.view().substr(kKeySize); }
};

TenantKeyRow SealTenantKey(const KeySnapshot& keys, const EpochKeys& epoch,
                           storage::TenantId tenant, const TenantKeyPair& pair,
                           RandomSource& random) {
  TenantKeyRow row{tenant, epoch.id, {}};
  row.row.push_back(static_cast<char>(kTenantKeyFormat));
  AppendU32(epoch.id, &row.row);
  epoch.tenant_wrap.Seal(random, TenantKeyAssociatedData(keys.vault_id(), tenant, epoch.id).view(),
                         pair.bytes.view(), &row.row);
  return row;
}

absl::StatusOr<TenantKeyPair> OpenTenantKey(const KeySnapshot& keys, const TenantKeyRow& row) {
  const EpochKeys* const epoch = keys.Epoch(row.epoch);
  if (epoch == nullptr) return EpochNotLive();
  std::string_view rest = row.row;
  if (TakeU8(&rest) != kTenantKeyFormat || TakeU32(&rest) != row.epoch) return DecryptionFailed();
  auto bytes = epoch->tenant_wrap.Open(
      TenantKeyAssociatedData(keys.vault_id(), row.tenant, row.epoch).view(), rest);
  if (!bytes.ok() || bytes->size() != 2 * kKeySize) return DecryptionFailed();
  return TenantKeyPair{*std::move(bytes)};
}

}  // namespace

EpochKeys::EpochKeys(uint32_t epoch, const SecretBytes& epoch_key)
    : id(epoch),
      fingerprint(FingerprintEpochKey(epoch_key)),
      tenant_wrap(Derive(epoch_key.view(), "piivault epoch tenant-key wrap").view()),
      state(Derive(epoch_key.view(), "piivault epoch state").view()),
      page_token(Derive(epoch_key.view(), "piivault epoch page token").view()) {}

TenantKeys::TenantKeys(storage::TenantId tenant_id, uint32_t epoch_id, std::string_view tenant_key,
                       std::string_view token_key)
    : tenant(tenant_id),
      epoch(epoch_id),
      wrap(Derive(tenant_key, "piivault tenant data-key wrap").view()),
      index(Derive(tenant_key, "piivault tenant blind index").view()),
      ref_index(Derive(tenant_key, "piivault tenant ref index").view()),
      token(Derive(token_key, "piivault tenant token").view()),
      token_block(Derive(token_key, "piivault tenant random token").view()) {}

const EpochKeys* KeySnapshot::Epoch(uint32_t epoch) const {
  const auto found = epochs_->find(epoch);
  return found == epochs_->end() ? nullptr : found->second.get();
}

const TenantKeys* KeySnapshot::Tenant(storage::TenantId tenant, uint32_t epoch) const {
  const auto found = tenants_->find({tenant, epoch});
  return found == tenants_->end() ? nullptr : found->second.get();
}

KeyHierarchy::KeyHierarchy(std::shared_ptr<const KeySnapshot> snapshot)
    : current_(std::move(snapshot)) {}

absl::StatusOr<std::unique_ptr<KeyHierarchy>> KeyHierarchy::FromKeyring(const Keyring& keyring,
                                                                        uint32_t active_epoch) {
  std::shared_ptr<KeySnapshot> snapshot(new KeySnapshot());
  snapshot->vault_id_ = keyring.vault_id();
  snapshot->request_ =
      std::make_shared<HmacKey>(keyring.DeriveFromRoot("piivault root request").view());
  snapshot->epochs_ = std::make_shared<KeySnapshot::EpochMap>();
  snapshot->tenants_ = std::make_shared<KeySnapshot::TenantMap>();
  auto epoch_key = keyring.EpochKey(active_epoch);
  if (!epoch_key.ok()) return epoch_key.status();
  snapshot->active_ = std::make_shared<EpochKeys>(active_epoch, *epoch_key);
  auto hierarchy = std::unique_ptr<KeyHierarchy>(new KeyHierarchy(std::move(snapshot)));
  if (absl::Status status = hierarchy->Refresh(keyring); !status.ok()) return status;
  return hierarchy;
}

std::shared_ptr<const KeySnapshot> KeyHierarchy::Current() const {
  absl::MutexLock lock(&mutex_);
  return current_;
}

void KeyHierarchy::Swap(std::shared_ptr<const KeySnapshot> next) {
  // The old snapshot dies, where it is the last of its kind, after the lock is gone.
  absl::MutexLock lock(&mutex_);
  current_.swap(next);
}

absl::StatusOr<TenantKeyRow> KeyHierarchy::MakeTenantKey(storage::TenantId tenant, uint32_t epoch,
                                                         RandomSource& random) const {
  const std::shared_ptr<const KeySnapshot> keys = Current();
  const EpochKeys* const under = keys->Epoch(epoch);
  if (under == nullptr) return EpochNotLive();
  return SealTenantKey(*keys, *under, tenant, TenantKeyPair{random.Bytes(2 * kKeySize)}, random);
}

absl::StatusOr<TenantKeyRow> KeyHierarchy::CarryTenantKey(const TenantKeyRow& from_row,
                                                          uint32_t to_epoch,
                                                          RandomSource& random) const {
  const std::shared_ptr<const KeySnapshot> keys = Current();
  const EpochKeys* const under = keys->Epoch(to_epoch);
  if (under == nullptr) return EpochNotLive();
  auto pair = OpenTenantKey(*keys, from_row);
  if (!pair.ok()) return pair.status();
  random.Fill(pair->bytes.span().subspan(0, kKeySize));
  return SealTenantKey(*keys, *under, from_row.tenant, *pair, random);
}

absl::Status KeyHierarchy::Install(absl::Span<const TenantKeyRow> rows, bool replace) {
  absl::MutexLock writing(&writing_);
  const std::shared_ptr<const KeySnapshot> base = Current();
  auto tenants = replace ? std::make_shared<KeySnapshot::TenantMap>()
                         : std::make_shared<KeySnapshot::TenantMap>(*base->tenants_);
  for (const TenantKeyRow& row : rows) {
    auto pair = OpenTenantKey(*base, row);
    if (!pair.ok()) return pair.status();
    (*tenants)[{row.tenant, row.epoch}] =
        std::make_shared<TenantKeys>(row.tenant, row.epoch, pair->tenant_key(), pair->token_key());
  }
  auto next = std::make_shared<KeySnapshot>(*base);
  next->tenants_ = std::move(tenants);
  Swap(std::move(next));
  return absl::OkStatus();
}

absl::Status KeyHierarchy::InstallTenantKeys(absl::Span<const TenantKeyRow> rows) {
  return Install(rows, /*replace=*/false);
}

absl::Status KeyHierarchy::ReplaceTenantKeys(absl::Span<const TenantKeyRow> rows) {
  return Install(rows, /*replace=*/true);
}

void KeyHierarchy::ForgetTenant(storage::TenantId tenant) {
  absl::MutexLock writing(&writing_);
  const std::shared_ptr<const KeySnapshot> base = Current();
  auto tenants = std::make_shared<KeySnapshot::TenantMap>(*base->tenants_);
  absl::erase_if(*tenants, [tenant](const auto& entry) { return entry.first.first == tenant; });
  auto next = std::make_shared<KeySnapshot>(*base);
  next->tenants_ = std::move(tenants);
  Swap(std::move(next));
}

absl::Status KeyHierarchy::Refresh(const Keyring& keyring) {
  absl::MutexLock writing(&writing_);
  const std::shared_ptr<const KeySnapshot> base = Current();
  auto epochs = std::make_shared<KeySnapshot::EpochMap>();
  for (const EpochInfo& info : keyring.epochs()) {
    if (info.status == EpochStatus::kDestroyed) continue;
    const auto known = base->epochs_->find(info.id);
    if (known != base->epochs_->end()) {
      epochs->insert(*known);
      continue;
    }
    auto key = keyring.EpochKey(info.id);
    if (absl::IsNotFound(key.status())) continue;  // destroyed since it was listed
    if (!key.ok()) return key.status();
    epochs->emplace(info.id, std::make_shared<EpochKeys>(info.id, *key));
  }
  const auto active = epochs->find(base->active_->id);
  if (active == epochs->end()) return EpochNotLive();

  auto tenants = std::make_shared<KeySnapshot::TenantMap>(*base->tenants_);
  absl::erase_if(*tenants,
                 [&](const auto& entry) { return !epochs->contains(entry.first.second); });
  auto next = std::make_shared<KeySnapshot>(*base);
  next->active_ = active->second;
  next->epochs_ = std::move(epochs);
  next->tenants_ = std::move(tenants);
  Swap(std::move(next));
  return absl::OkStatus();
}

absl::Status KeyHierarchy::SetActiveEpoch(uint32_t epoch) {
  absl::MutexLock writing(&writing_);
  const std::shared_ptr<const KeySnapshot> base = Current();
  const auto active = base->epochs_->find(epoch);
  if (active == base->epochs_->end()) return EpochNotLive();
  auto next = std::make_shared<KeySnapshot>(*base);
  next->active_ = active->second;
  Swap(std::move(next));
  return absl::OkStatus();
}

void KeyHierarchy::SetEpochsWithoutIndex(std::vector<uint32_t> epochs) {
  absl::MutexLock writing(&writing_);
  auto next = std::make_shared<KeySnapshot>(*Current());
  next->without_index_ = std::move(epochs);
  Swap(std::move(next));
}

}  // namespace piivault::vault
