#ifndef PIIVAULT_VAULT_CRYPTO_SHA256_H_
#define PIIVAULT_VAULT_CRYPTO_SHA256_H_

#include <array>
#include <cstdint>
#include <string_view>

namespace piivault::vault {

using Sha256Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4) of `data`; with two parts, of their concatenation. Thread-safe.
Sha256Digest Sha256(std::string_view data);
Sha256Digest Sha256(std::string_view first, std::string_view second);

inline std::string_view AsView(const Sha256Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_SHA256_H_
