#include "vault/keys/data_key_wrap.h"

#include <optional>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kRowSize = 1 + sizeof(uint32_t) + XaesKey::kOverhead + kAesKeySize;

MemberList AssociatedData(const storage::Id128& vault_id, storage::TenantId tenant,
                          const storage::Id128& subject, const storage::Id128& record,
                          uint64_t version) {
  MemberList members("piivault data key");
  members.Add(vault_id.view())
      .AddU64(tenant)
      .Add(subject.view())
      .Add(record.view())
      .AddU64(version);
  return members;
}

}  // namespace

std::string WrapDataKey(const storage::Id128& vault_id, const TenantKeys& tenant,
                        RandomSource& random, const storage::Id128& subject,
                        const storage::Id128& record, uint64_t version,
                        const SecretBytes& data_key) {
  std::string row;
  row.reserve(kRowSize);
  row.push_back(static_cast<char>(kFormat));
  AppendU32(tenant.epoch, &row);
  tenant.wrap.Seal(random, AssociatedData(vault_id, tenant.tenant, subject, record, version).view(),
                   data_key.view(), &row);
  return row;
}

absl::StatusOr<SecretBytes> UnwrapDataKey(const KeySnapshot& keys, storage::TenantId tenant,
                                          const storage::Id128& subject,
                                          const storage::Id128& record, uint64_t version,
                                          std::string_view row) {
  const absl::StatusOr<uint32_t> epoch = WrapEpoch(row);
  if (!epoch.ok()) return epoch.status();
  const TenantKeys* const under = keys.Tenant(tenant, *epoch);
  if (under == nullptr) return DecryptionFailed();
  return under->wrap.Open(AssociatedData(keys.vault_id(), tenant, subject, record, version).view(),
                          row.substr(1 + sizeof(*epoch)));
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
  return WrapDataKey(keys.vault_id(), *to, random, subject, record, version, *data_key);
}

absl::StatusOr<uint32_t> WrapEpoch(std::string_view row) {
  if (row.size() != kRowSize || TakeU8(&row) != kFormat) return DecryptionFailed();
  return *TakeU32(&row);
}

}  // namespace piivault::vault
