#ifndef PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_
#define PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_

// For this folder's *.cc only.

#include <openssl/evp.h>

#include <cstdint>
#include <string_view>

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

inline const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_OPENSSL_INTERNAL_H_
