#include "vault/crypto/block_cipher.h"

#include <openssl/evp.h>

#include "vault/crypto/aead.h"
#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

AesBlockKey::Block Run(const ContextLanes<EVP_CIPHER_CTX>& lanes, const SecretBytes& key,
                       bool encrypt, const AesBlockKey::Block& in) {
  AesBlockKey::Block out;
  lanes.With(
      [&] { return NewAesBlockContext(key, encrypt); },
      [&](EVP_CIPHER_CTX* context) { RunAesBlocks(context, in.data(), in.size(), out.data()); });
  return out;
}

}  // namespace

AesBlockKey::AesBlockKey(std::string_view key)
    : key_(SecretBytes::CopyOf(key)),
      encryptions_(&EVP_CIPHER_CTX_free),
      decryptions_(&EVP_CIPHER_CTX_free) {
  CheckCrypto(key.size() == kAesKeySize, "AES key size");
}

AesBlockKey::~AesBlockKey() = default;

AesBlockKey::Block AesBlockKey::Encrypt(const Block& block) const {
  return Run(encryptions_, key_, /*encrypt=*/true, block);
}

AesBlockKey::Block AesBlockKey::Decrypt(const Block& block) const {
  return Run(decryptions_, key_, /*encrypt=*/false, block);
}

}  // namespace piivault::vault
