#ifndef PIIVAULT_VAULT_KEYS_DATA_KEY_WRAP_H_
#define PIIVAULT_VAULT_KEYS_DATA_KEY_WRAP_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/keys.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// The row that holds one record version's data key:
//   format (u8) ‖ epoch (u32) ‖ XAES-256-GCM(tenant's wrap key of that epoch, data key)
// with vault, tenant, subject, record and version as associated data. 77 bytes.

std::string WrapDataKey(const storage::Id128& vault_id, const TenantKeys& tenant,
                        RandomSource& random, const storage::Id128& subject,
                        const storage::Id128& record, uint64_t version,
                        const SecretBytes& data_key);

// DATA_LOSS for a row that was not made for this record version, or whose key is gone.
[[nodiscard]] absl::StatusOr<SecretBytes> UnwrapDataKey(const KeySnapshot& keys,
                                                        storage::TenantId tenant,
                                                        const storage::Id128& subject,
                                                        const storage::Id128& record,
                                                        uint64_t version, std::string_view row);

// The same data key under the tenant's key of the active epoch. The caller commits it with the
// precondition that the wrap row is unchanged, so that it never brings a deleted key back.
// FAILED_PRECONDITION: the tenant has no key in the active epoch. DATA_LOSS as above.
[[nodiscard]] absl::StatusOr<std::string> ReWrapDataKey(const KeySnapshot& keys,
                                                        RandomSource& random,
                                                        storage::TenantId tenant,
                                                        const storage::Id128& subject,
                                                        const storage::Id128& record,
                                                        uint64_t version, std::string_view row);

// Epoch of a wrap row, without opening it. DATA_LOSS for what cannot be one.
[[nodiscard]] absl::StatusOr<uint32_t> WrapEpoch(std::string_view row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_DATA_KEY_WRAP_H_
