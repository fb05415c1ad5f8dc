#ifndef PIIVAULT_VAULT_KEYS_BLIND_INDEX_H_
#define PIIVAULT_VAULT_KEYS_BLIND_INDEX_H_

#include <cstdint>
#include <string_view>

#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Where a field's normalised value stands in the tenant's index of that epoch:
//   HMAC-SHA-256(index key, list of (normaliser version, type.field, value)), first 16 bytes.
// The index key is that of the value's class: with a key an account number of few digits is
// guessed, so the normal one must not lead to important values.
// Leaks, to whoever reads the database, which records of one tenant, field and epoch hold equal
// values; nothing without that.
storage::IndexDigest BlindIndexDigest(const TenantKeys& keys, uint32_t normaliser_version,
                                      std::string_view type_and_field,
                                      std::string_view normalised_value, KeyClass key_class);

// Where a caller's own key of a record stands: unique in tenant and type.
storage::IndexDigest RefIndexDigest(const TenantKeys& keys, std::string_view type,
                                    std::string_view ref);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_BLIND_INDEX_H_
