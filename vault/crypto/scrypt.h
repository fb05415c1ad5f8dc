#ifndef PIIVAULT_VAULT_CRYPTO_SCRYPT_H_
#define PIIVAULT_VAULT_CRYPTO_SCRYPT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// What a derivation costs: about 128 * n * r bytes of memory, p times. The defaults take 128 MiB
// and a few tenths of a second.
struct ScryptParameters {
  uint64_t n = uint64_t{1} << 17;  // power of two
  uint32_t r = 8;
  uint32_t p = 1;
};

// scrypt (RFC 7914). INVALID_ARGUMENT for parameters that are not valid or would take more than
// 1 GiB, so that a forged file cannot exhaust the machine.
[[nodiscard]] absl::StatusOr<SecretBytes> Scrypt(std::string_view passphrase, std::string_view salt,
                                                 const ScryptParameters& parameters, size_t size);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_SCRYPT_H_
