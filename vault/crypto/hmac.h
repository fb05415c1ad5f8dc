#ifndef PIIVAULT_VAULT_CRYPTO_HMAC_H_
#define PIIVAULT_VAULT_CRYPTO_HMAC_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "vault/crypto/context_lanes.h"
#include "vault/crypto/secret_bytes.h"

struct evp_mac_ctx_st;

namespace piivault::vault {

// HMAC-SHA-256 (RFC 2104, FIPS 198-1) under one key, whose prepared state is kept.
//
// Ownership: owns a copy of the key. Not movable. Thread-safe.
class HmacKey {
 public:
  using Tag = std::array<uint8_t, 32>;

  // A key of any size; 32 bytes are the custom here.
  explicit HmacKey(std::string_view key);
  ~HmacKey();
  HmacKey(const HmacKey&) = delete;
  HmacKey& operator=(const HmacKey&) = delete;

  Tag Compute(std::string_view message) const;
  // Whether `tag` is the whole tag of `message`, in constant time.
  bool Verify(std::string_view message, std::string_view tag) const;

 private:
  SecretBytes key_;
  ContextLanes<evp_mac_ctx_st> lanes_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_HMAC_H_
