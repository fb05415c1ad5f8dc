#include "vault/crypto/sha256.h"

#include <openssl/evp.h>

#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

// One thread's context, begun anew for each message.
class Sha256Context {
 public:
  Sha256Context() : context_(EVP_MD_CTX_new()) {
    CheckCrypto(context_ != nullptr, "SHA-256 context");
  }
  ~Sha256Context() { EVP_MD_CTX_free(context_); }
  Sha256Context(const Sha256Context&) = delete;
  Sha256Context& operator=(const Sha256Context&) = delete;

  Sha256Digest Compute(std::string_view first, std::string_view second) {
    Sha256Digest digest;
    CheckCrypto(EVP_DigestInit_ex2(context_, GetAlgorithms().sha256, nullptr) == 1 &&
                    EVP_DigestUpdate(context_, first.data(), first.size()) == 1 &&
                    EVP_DigestUpdate(context_, second.data(), second.size()) == 1 &&
                    EVP_DigestFinal_ex(context_, digest.data(), nullptr) == 1,
                "SHA-256");
    return digest;
  }

 private:
  EVP_MD_CTX* const context_;
};

}  // namespace

Sha256Digest Sha256(std::string_view first, std::string_view second) {
  thread_local Sha256Context context;
  return context.Compute(first, second);
}

Sha256Digest Sha256(std::string_view data) { return Sha256(data, {}); }

}  // namespace piivault::vault
