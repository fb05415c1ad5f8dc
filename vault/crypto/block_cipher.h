#ifndef PIIVAULT_VAULT_CRYPTO_BLOCK_CIPHER_H_
#define PIIVAULT_VAULT_CRYPTO_BLOCK_CIPHER_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "vault/crypto/context_lanes.h"
#include "vault/crypto/secret_bytes.h"

struct evp_cipher_ctx_st;

namespace piivault::vault {

// AES-256 (FIPS 197) under one key, on one block of 16 bytes at a time: a permutation of all
// blocks, which to whoever has not the key looks like one drawn at random. For names that must give
// nothing of what they are made of away and come back from what they became.
//
// Guarantees: Decrypt(Encrypt(b)) == b, and the other way round; the same block becomes the same
// each time. Does not: be a mode of operation (no message longer than a block, no nonce), or
// authenticate: every block decrypts to something, and whoever asks must check what. Not for
// values: that two are the same would show. Ownership: owns a copy of the key and prepared
// contexts. Not movable. Thread-safe.
class AesBlockKey {
 public:
  using Block = std::array<uint8_t, 16>;

  // REQUIRES: key.size() == kAesKeySize.
  explicit AesBlockKey(std::string_view key);
  ~AesBlockKey();
  AesBlockKey(const AesBlockKey&) = delete;
  AesBlockKey& operator=(const AesBlockKey&) = delete;

  Block Encrypt(const Block& block) const;
  Block Decrypt(const Block& block) const;

 private:
  SecretBytes key_;
  ContextLanes<evp_cipher_ctx_st> encryptions_;
  ContextLanes<evp_cipher_ctx_st> decryptions_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_BLOCK_CIPHER_H_
