#include "vault/crypto/openssl_internal.h"

#include <cstdio>
#include <cstdlib>

namespace piivault::vault {

void CheckCrypto(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "piivault: cryptographic library failed: %s\n", what);
  std::abort();
}

EVP_CIPHER_CTX* NewAesBlockContext(const SecretBytes& key, bool encrypt) {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  CheckCrypto(context != nullptr &&
                  EVP_CipherInit_ex2(context, GetAlgorithms().aes256_ecb, key.data(), nullptr,
                                     encrypt ? 1 : 0, nullptr) == 1 &&
                  EVP_CIPHER_CTX_set_padding(context, 0) == 1,
              "AES context");
  return context;
}

void RunAesBlocks(EVP_CIPHER_CTX* context, const uint8_t* in, size_t size, uint8_t* out) {
  int written = 0;
  CheckCrypto(EVP_CipherUpdate(context, out, &written, in, static_cast<int>(size)) == 1 &&
                  written == static_cast<int>(size),
              "AES");
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
