#ifndef PIIVAULT_VAULT_KEYS_TOKENS_H_
#define PIIVAULT_VAULT_KEYS_TOKENS_H_

#include <optional>
#include <string>
#include <string_view>

#include "storage/id.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// A token's text: `tok_` and 26 lower-case base32 characters, always 30.
std::string FormatToken(const storage::Id128& token);
// Strict: one text for each token; nothing for any other text.
std::optional<storage::Id128> ParseToken(std::string_view text);

storage::Id128 RandomToken(RandomSource& random);

// The token of a value, the same for the same tenant, audience, field and value, in every epoch:
//   HMAC-SHA-256(tenant's token key, list of (audience, type.field, value)), first 16 bytes.
storage::Id128 DeterministicToken(const TenantKeys& keys, std::string_view audience,
                                  std::string_view type_and_field,
                                  std::string_view normalised_value);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_TOKENS_H_
