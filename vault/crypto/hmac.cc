#include "vault/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

EVP_MAC_CTX* NewContext(const SecretBytes& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(GetAlgorithms().hmac);
  CheckCrypto(context != nullptr && EVP_MAC_init(context, key.data(), key.size(), parameters) == 1,
              "HMAC key");
  return context;
}

}  // namespace

HmacKey::HmacKey(std::string_view key)
    : key_(SecretBytes::CopyOf(key)), lanes_(&EVP_MAC_CTX_free) {}

HmacKey::~HmacKey() = default;

HmacKey::Tag HmacKey::Compute(std::string_view message) const {
  Tag tag;
  lanes_.With([this] { return NewContext(key_); },
              [&](EVP_MAC_CTX* context) {
                size_t size = 0;
                // Without a key, init goes back to the state after the kept key.
                CheckCrypto(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
                                EVP_MAC_update(context, Bytes(message), message.size()) == 1 &&
                                EVP_MAC_final(context, tag.data(), &size, tag.size()) == 1 &&
                                size == tag.size(),
                            "HMAC");
              });
  return tag;
}

bool HmacKey::Verify(std::string_view message, std::string_view tag) const {
  const Tag expected = Compute(message);
  return ConstantTimeEquals({reinterpret_cast<const char*>(expected.data()), expected.size()}, tag);
}

}  // namespace piivault::vault
