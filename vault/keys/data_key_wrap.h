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

// The row that holds one record version's data keys. A version without important values has one:
//   1 (u8) ‖ epoch (u32) ‖ XAES-256-GCM(tenant's wrap key of that epoch, data key)
// with vault, tenant, subject, record and version as associated data; 77 bytes. A version with some
// has a second one for them:
//   2 (u8) ‖ epoch (u32) ‖ first as above ‖ XAES-256-GCM(tenant's important key of that epoch, key)
// where the first one's associated data says that a second follows, and the second one's has the
// first as it is sealed, so that neither can be left out or come from another row; 149 bytes.

// REQUIRES: data keys of 32 bytes.
std::string WrapDataKey(const storage::Id128& vault_id, const TenantKeys& tenant,
                        RandomSource& random, const storage::Id128& subject,
                        const storage::Id128& record, uint64_t version, const SecretBytes& data_key,
                        const SecretBytes* important_key = nullptr);

// DATA_LOSS for a row that was not made for this record version, or whose key is gone.
[[nodiscard]] absl::StatusOr<SecretBytes> UnwrapDataKey(const KeySnapshot& keys,
                                                        storage::TenantId tenant,
                                                        const storage::Id128& subject,
                                                        const storage::Id128& record,
                                                        uint64_t version, std::string_view row);
// The second key. DATA_LOSS as above, and for a row that has none.
[[nodiscard]] absl::StatusOr<SecretBytes> UnwrapImportantKey(
    const KeySnapshot& keys, storage::TenantId tenant, const storage::Id128& subject,
    const storage::Id128& record, uint64_t version, std::string_view row);

// The same data keys under the tenant's keys of the active epoch. The caller commits it with the
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

// Whether a row says that it has a second key. Believe it of one whose first key opens.
bool HasImportantKey(std::string_view row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_DATA_KEY_WRAP_H_
