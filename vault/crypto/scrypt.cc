#include "vault/crypto/scrypt.h"

#include <openssl/evp.h>

#include "absl/status/status.h"
#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {

absl::StatusOr<SecretBytes> Scrypt(std::string_view passphrase, std::string_view salt,
                                   const ScryptParameters& parameters, size_t size) {
  constexpr uint64_t kMaxMemory = uint64_t{1} << 30;
  const uint64_t n = parameters.n;
  const uint64_t r = parameters.r;
  const uint64_t p = parameters.p;
  const bool valid = n >= 2 && (n & (n - 1)) == 0 && r >= 1 && r <= 64 && p >= 1 && p <= 16;
  if (!valid || n > kMaxMemory / (128 * r)) {
    return absl::InvalidArgumentError("scrypt parameters are not valid or too costly");
  }
  SecretBytes key(size);
  // What OpenSSL counts is a little more than 128 * n * r.
  CheckCrypto(EVP_PBE_scrypt(passphrase.data(), passphrase.size(), Bytes(salt), salt.size(), n, r,
                             p, 2 * kMaxMemory, key.span().data(), size) == 1,
              "scrypt");
  return key;
}

}  // namespace piivault::vault
