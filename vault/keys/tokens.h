#ifndef PIIVAULT_VAULT_KEYS_TOKENS_H_
#define PIIVAULT_VAULT_KEYS_TOKENS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/id.h"
#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// A token's text: `tok_` and 26 lower-case base32 characters, always 30.
std::string FormatToken(const storage::Id128& token);
// Strict: one text for each token; nothing for any other text.
std::optional<storage::Id128> ParseToken(std::string_view text);

// A random token is the `number`-th of those that a write gave to a record under one handle:
//   AES-256(tenant's random-token key, handle (12 bytes) ‖ number (u32, big-endian)).
// So who has not the key can neither guess one, nor tell which of them belong to one record; who
// has it needs one row for all of a handle's. Every 16 bytes are some handle's token of some
// number: whether there is such a record, and which field has the token, is for the record's header
// to say.
struct RandomTokenName {
  storage::TokenHandle handle;
  uint32_t number = 0;
  bool operator==(const RandomTokenName&) const = default;
};
// The same in every epoch.
storage::Id128 RandomTokenOf(const TenantKeys& keys, const RandomTokenName& name);
RandomTokenName NameOfRandomToken(const TenantKeys& keys, const storage::Id128& token);

// The token of a value, the same for the same tenant, audience, field and value, in every epoch:
//   HMAC-SHA-256(tenant's token key, list of (audience, type.field, value)), first 16 bytes.
// The key is that of the value's class.
storage::Id128 DeterministicToken(const TenantKeys& keys, std::string_view audience,
                                  std::string_view type_and_field,
                                  std::string_view normalised_value, KeyClass key_class);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_TOKENS_H_
