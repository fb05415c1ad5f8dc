#include "vault/keys/epoch_keys.h"

#include <string_view>
#include <utility>
#include <vector>

#include "vault/crypto/hkdf.h"
#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr size_t kKeySize = 32;
// 1 had no important secret.
constexpr uint8_t kTenantKeyFormat = 2;
constexpr size_t kSecretSize = 2 * kKeySize;
constexpr size_t kSealedSecretSize = XaesKey::kOverhead + kSecretSize;

SecretBytes Derive(std::string_view key, std::string_view label) {
  return HkdfSha256(key, "", label, kKeySize);
}

absl::Status EpochNotLive() { return absl::FailedPreconditionError("the epoch is not live"); }

MemberList TenantKeyAssociatedData(std::string_view label, const storage::Id128& vault_id,
                                   storage::TenantId tenant, uint32_t epoch) {
  MemberList members(label);
  members.Add(vault_id.view()).AddU64(tenant).AddU32(epoch);
  return members;
}

MemberList NormalAssociatedData(const storage::Id128& vault_id, storage::TenantId tenant,
                                uint32_t epoch) {
  return TenantKeyAssociatedData("piivault tenant key", vault_id, tenant, epoch);
}

// With the normal secret as it is sealed, so that no row is put together from two.
MemberList ImportantAssociatedData(const storage::Id128& vault_id, storage::TenantId tenant,
                                   uint32_t epoch, std::string_view sealed_normal) {
  MemberList members =
      TenantKeyAssociatedData("piivault tenant important key", vault_id, tenant, epoch);
  members.Add(sealed_normal);
  return members;
}

// What a tenant-key row seals. Of each class: the tenant's key of that epoch, then its key for
// tokens.
struct TenantSecrets {
  SecretBytes normal;
  SecretBytes important;
};

std::string_view EpochPart(std::string_view secret) { return secret.substr(0, kKeySize); }
std::string_view TokenPart(std::string_view secret) { return secret.substr(kKeySize); }

TenantKeyRow SealTenantKey(const KeySnapshot& keys, const EpochKeys& epoch,
                           storage::TenantId tenant, const TenantSecrets& secrets,
                           RandomSource& random) {
  TenantKeyRow row{tenant, epoch.id, {}};
  row.row.push_back(static_cast<char>(kTenantKeyFormat));
  AppendU32(epoch.id, &row.row);
  std::string normal;
  epoch.tenant_wrap.Seal(random, NormalAssociatedData(keys.vault_id(), tenant, epoch.id).view(),
                         secrets.normal.view(), &normal);
  row.row += normal;
  epoch.important_wrap.Seal(
      random, ImportantAssociatedData(keys.vault_id(), tenant, epoch.id, normal).view(),
      secrets.important.view(), &row.row);
  return row;
}

absl::StatusOr<TenantSecrets> OpenTenantKey(const KeySnapshot& keys, const TenantKeyRow& row) {
  const EpochKeys* const epoch = keys.Epoch(row.epoch);
  if (epoch == nullptr) return EpochNotLive();
  std::string_view rest = row.row;
  if (TakeU8(&rest) != kTenantKeyFormat || TakeU32(&rest) != row.epoch) return DecryptionFailed();
  if (rest.size() != 2 * kSealedSecretSize) return DecryptionFailed();
  const std::string_view sealed_normal = rest.substr(0, kSealedSecretSize);
  auto normal = epoch->tenant_wrap.Open(
      NormalAssociatedData(keys.vault_id(), row.tenant, row.epoch).view(), sealed_normal);
  if (!normal.ok()) return normal.status();
  auto important = epoch->important_wrap.Open(
      ImportantAssociatedData(keys.vault_id(), row.tenant, row.epoch, sealed_normal).view(),
      rest.substr(kSealedSecretSize));
  if (!important.ok()) return important.status();
  return TenantSecrets{*std::move(normal), *std::move(important)};
}

}  // namespace

EpochKeys::EpochKeys(uint32_t epoch, const SecretBytes& epoch_key)
    : id(epoch),
      fingerprint(FingerprintEpochKey(epoch_key)),
      tenant_wrap(Derive(epoch_key.view(), "piivault epoch tenant-key wrap").view()),
      important_wrap(Derive(epoch_key.view(), "piivault epoch important-key wrap").view()),
      state(Derive(epoch_key.view(), "piivault epoch state").view()),
      page_token(Derive(epoch_key.view(), "piivault epoch page token").view()) {}

TenantKeys::TenantKeys(storage::TenantId tenant_id, uint32_t epoch_id,
                       std::string_view normal_secret, std::string_view important_secret)
    : tenant(tenant_id),
      epoch(epoch_id),
      wrap(Derive(EpochPart(normal_secret), "piivault tenant data-key wrap").view()),
      important(
          Derive(EpochPart(important_secret), "piivault tenant important data-key wrap").view()),
      index(Derive(EpochPart(normal_secret), "piivault tenant blind index").view()),
      important_index(
          Derive(EpochPart(important_secret), "piivault tenant important blind index").view()),
      ref_index(Derive(EpochPart(normal_secret), "piivault tenant ref index").view()),
      token(Derive(TokenPart(normal_secret), "piivault tenant token").view()),
      important_token(
          Derive(TokenPart(important_secret), "piivault tenant important token").view()),
      token_block(Derive(TokenPart(normal_secret), "piivault tenant random token").view()) {}

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
  SecretBytes normal = random.Bytes(kSecretSize);
  SecretBytes important = random.Bytes(kSecretSize);
  const TenantSecrets secrets{std::move(normal), std::move(important)};
  return SealTenantKey(*keys, *under, tenant, secrets, random);
}

absl::StatusOr<TenantKeyRow> KeyHierarchy::CarryTenantKey(const TenantKeyRow& from_row,
                                                          uint32_t to_epoch,
                                                          RandomSource& random) const {
  const std::shared_ptr<const KeySnapshot> keys = Current();
  const EpochKeys* const under = keys->Epoch(to_epoch);
  if (under == nullptr) return EpochNotLive();
  auto secrets = OpenTenantKey(*keys, from_row);
  if (!secrets.ok()) return secrets.status();
  random.Fill(secrets->normal.span().subspan(0, kKeySize));
  random.Fill(secrets->important.span().subspan(0, kKeySize));
  return SealTenantKey(*keys, *under, from_row.tenant, *secrets, random);
}

absl::Status KeyHierarchy::Install(absl::Span<const TenantKeyRow> rows, bool replace) {
  absl::MutexLock writing(&writing_);
  const std::shared_ptr<const KeySnapshot> base = Current();
  auto tenants = replace ? std::make_shared<KeySnapshot::TenantMap>()
                         : std::make_shared<KeySnapshot::TenantMap>(*base->tenants_);
  for (const TenantKeyRow& row : rows) {
    auto secrets = OpenTenantKey(*base, row);
    if (!secrets.ok()) return secrets.status();
    (*tenants)[{row.tenant, row.epoch}] = std::make_shared<TenantKeys>(
        row.tenant, row.epoch, secrets->normal.view(), secrets->important.view());
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
