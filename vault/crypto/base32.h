#ifndef PIIVAULT_VAULT_CRYPTO_BASE32_H_
#define PIIVAULT_VAULT_CRYPTO_BASE32_H_

#include <optional>
#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// Base32 (RFC 4648 section 6) without padding, lower case, for secrets that people copy by hand.
SecretBytes Base32Encode(std::string_view bytes);

// Strict: lower case only, no padding, spare bits zero, no impossible length. Nothing where the
// text breaks one of these.
std::optional<SecretBytes> Base32Decode(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_BASE32_H_
