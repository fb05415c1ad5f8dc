#ifndef PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_
#define PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_

// For this folder's *.cc only.

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// The algorithms in use, fetched from OpenSSL's providers once: a fetch costs more than a use.
struct Algorithms {
  EVP_CIPHER* aes256_gcm;
  EVP_CIPHER* aes256_ecb;
  EVP_MD* sha256;
  EVP_MAC* hmac;
};
const Algorithms& GetAlgorithms();

// Ends the process: for calls that fail only when memory or the library itself is broken, after
// which no answer of ours could be trusted.
void CheckCrypto(bool ok, const char* what);

// AES-256 on whole blocks, each by itself (ECB), to encrypt or to decrypt. REQUIRES: 32 bytes of
// key.
EVP_CIPHER_CTX* NewAesBlockContext(const SecretBytes& key, bool encrypt);
// REQUIRES: `size` is a multiple of 16; `context` is of NewAesBlockContext().
void RunAesBlocks(EVP_CIPHER_CTX* context, const uint8_t* in, size_t size, uint8_t* out);

inline const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_
