#ifndef PIIVAULT_VAULT_KEYS_RECOVERY_KEY_H_
#define PIIVAULT_VAULT_KEYS_RECOVERY_KEY_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// The recovery key, 32 random bytes, in a form that people print, keep and type: 14 groups of 4
// characters of base32 joined by hyphens; the last group is a checksum (SHA-256 over the key, its
// first 20 bits), because a typing error must not look like a lost key.

SecretBytes NewRecoveryKey(RandomSource& random);
// REQUIRES: key.size() == 32.
SecretBytes FormatRecoveryKey(const SecretBytes& key);
// Takes upper and lower case; ignores spaces, line ends and hyphens. INVALID_ARGUMENT for a
// mistyped one.
[[nodiscard]] absl::StatusOr<SecretBytes> ParseRecoveryKey(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_RECOVERY_KEY_H_
