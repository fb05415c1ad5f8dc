#include "vault/keys/data_key_wrap.h"

#include <optional>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr uint8_t kOneKey = 1;
constexpr uint8_t kTwoKeys = 2;
constexpr size_t kPrefixSize = 1 + sizeof(uint32_t);
constexpr size_t kSealedSize = XaesKey::kOverhead + kAesKeySize;

constexpr std::string_view kOnlyLabel = "piivault data key";
constexpr std::string_view kFirstLabel = "piivault data key of two";
constexpr std::string_view kImportantLabel = "piivault important data key";

size_t RowSize(uint8_t format) { return kPrefixSize + (format == kTwoKeys ? 2 : 1) * kSealedSize; }

// REQUIRES: a row for which WrapEpoch() is OK.
std::string_view FirstKey(std::string_view row) { return row.substr(kPrefixSize, kSealedSize); }
std::string_view SecondKey(std::string_view row) { return row.substr(kPrefixSize + kSealedSize); }
std::string_view FirstLabel(std::string_view row) {
  return HasImportantKey(row) ? kFirstLabel : kOnlyLabel;
}

MemberList AssociatedData(std::string_view label, const storage::Id128& vault_id,
                          storage::TenantId tenant, const storage::Id128& subject,
                          const storage::Id128& record, uint64_t version) {
  MemberList members(label);
  members.Add(vault_id.view())
      .AddU64(tenant)
      .Add(subject.view())
      .Add(record.view())
      .AddU64(version);
  return members;
}

// The tenant's keys that the row is under.
absl::StatusOr<const TenantKeys*> KeysOf(const KeySnapshot& keys, storage::TenantId tenant,
                                         std::string_view row) {
  const absl::StatusOr<uint32_t> epoch = WrapEpoch(row);
  if (!epoch.ok()) return epoch.status();
  const TenantKeys* const under = keys.Tenant(tenant, *epoch);
  if (under == nullptr) return DecryptionFailed();
  return under;
}

}  // namespace

std::string WrapDataKey(const storage::Id128& vault_id, const TenantKeys& tenant,
                        RandomSource& random, const storage::Id128& subject,
                        const storage::Id128& record, uint64_t version, const SecretBytes& data_key,
                        const SecretBytes* important_key) {
  const uint8_t format = important_key == nullptr ? kOneKey : kTwoKeys;
  std::string row;
  row.reserve(RowSize(format));
  row.push_back(static_cast<char>(format));
  AppendU32(tenant.epoch, &row);
  const auto context = [&](std::string_view label) {
    return AssociatedData(label, vault_id, tenant.tenant, subject, record, version);
  };
  tenant.wrap.Seal(random, context(FirstLabel(row)).view(), data_key.view(), &row);
  if (important_key == nullptr) return row;
  tenant.important.Seal(random, context(kImportantLabel).Add(FirstKey(row)).view(),
                        important_key->view(), &row);
  return row;
}

absl::StatusOr<SecretBytes> UnwrapDataKey(const KeySnapshot& keys, storage::TenantId tenant,
                                          const storage::Id128& subject,
                                          const storage::Id128& record, uint64_t version,
                                          std::string_view row) {
  const auto under = KeysOf(keys, tenant, row);
  if (!under.ok()) return under.status();
  return (*under)->wrap.Open(
      AssociatedData(FirstLabel(row), keys.vault_id(), tenant, subject, record, version).view(),
      FirstKey(row));
}

absl::StatusOr<SecretBytes> UnwrapImportantKey(const KeySnapshot& keys, storage::TenantId tenant,
                                               const storage::Id128& subject,
                                               const storage::Id128& record, uint64_t version,
                                               std::string_view row) {
  const auto under = KeysOf(keys, tenant, row);
  if (!under.ok()) return under.status();
  if (!HasImportantKey(row)) return DecryptionFailed();
  return (*under)->important.Open(
      AssociatedData(kImportantLabel, keys.vault_id(), tenant, subject, record, version)
          .Add(FirstKey(row))
          .view(),
      SecondKey(row));
}

absl::StatusOr<std::string> ReWrapDataKey(const KeySnapshot& keys, RandomSource& random,
                                          storage::TenantId tenant, const storage::Id128& subject,
                                          const storage::Id128& record, uint64_t version,
                                          std::string_view row) {
  const TenantKeys* const to = keys.ActiveTenant(tenant);
  if (to == nullptr) {
    return absl::FailedPreconditionError("the tenant has no key in the active epoch");
  }
  auto data_key = UnwrapDataKey(keys, tenant, subject, record, version, row);
  if (!data_key.ok()) return data_key.status();
  if (!HasImportantKey(row)) {
    return WrapDataKey(keys.vault_id(), *to, random, subject, record, version, *data_key);
  }
  auto important_key = UnwrapImportantKey(keys, tenant, subject, record, version, row);
  if (!important_key.ok()) return important_key.status();
  return WrapDataKey(keys.vault_id(), *to, random, subject, record, version, *data_key,
                     &*important_key);
}

absl::StatusOr<uint32_t> WrapEpoch(std::string_view row) {
  const size_t size = row.size();
  const std::optional<uint8_t> format = TakeU8(&row);
  if (format != kOneKey && format != kTwoKeys) return DecryptionFailed();
  if (size != RowSize(*format)) return DecryptionFailed();
  return *TakeU32(&row);
}

bool HasImportantKey(std::string_view row) { return TakeU8(&row) == kTwoKeys; }

}  // namespace piivault::vault
