#ifndef PIIVAULT_VAULT_CRYPTO_HKDF_H_
#define PIIVAULT_VAULT_CRYPTO_HKDF_H_

#include <cstddef>
#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// HKDF-SHA-256 (RFC 5869), extract and expand. REQUIRES: size <= 255 * 32.
SecretBytes HkdfSha256(std::string_view key, std::string_view salt, std::string_view info,
                       size_t size);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_HKDF_H_
