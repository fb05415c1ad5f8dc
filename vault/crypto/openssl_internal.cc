#include "vault/crypto/openssl_internal.h"

#include <cstdio>
#include <cstdlib>

namespace piivault::vault {

void CheckCrypto(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "piivault: cryptographic library failed: %s\n", what);
  std::abort();
}

const Algorithms& GetAlgorithms() {
  // Kept until the process ends: contexts of threads that outlive main's objects refer to them.
  static const Algorithms* const kAlgorithms = [] {
    auto* algorithms = new Algorithms{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr),
                                      EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr),
                                      EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                      EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
    CheckCrypto(algorithms->aes256_gcm != nullptr && algorithms->aes256_ecb != nullptr &&
                    algorithms->sha256 != nullptr && algorithms->hmac != nullptr,
                "an algorithm is missing");
    return algorithms;
  }();
  return *kAlgorithms;
}

}  // namespace piivault::vault
