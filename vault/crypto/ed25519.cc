#include "vault/crypto/ed25519.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <utility>

#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxPem = 512;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
using OwnedBio = std::unique_ptr<BIO, FreeBio>;

// Where a block is encrypted OpenSSL would ask whoever sits at the terminal.
int NoPassphrase(char* /*out*/, int /*size*/, int /*writing*/, void* /*context*/) { return -1; }

Context NewContext() {
  Context context(EVP_MD_CTX_new());
  CheckCrypto(context != nullptr, "Ed25519 context");
  return context;
}

}  // namespace

void internal::FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Ed25519PublicKey Ed25519PublicKey::Of(internal::OwnedKey key) {
  Ed25519PublicKey out(std::move(key));
  size_t size = kSize;
  CheckCrypto(
      EVP_PKEY_get_raw_public_key(out.key_.get(), out.bytes_.data(), &size) == 1 && size == kSize,
      "Ed25519 public key");
  return out;
}

std::optional<Ed25519PublicKey> Ed25519PublicKey::FromBytes(std::string_view bytes) {
  if (bytes.size() != kSize) return std::nullopt;
  internal::OwnedKey key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(bytes), bytes.size()));
  if (key == nullptr) {
    ERR_clear_error();
    return std::nullopt;
  }
  return Of(std::move(key));
}

std::optional<Ed25519PublicKey> Ed25519PublicKey::FromPem(std::string_view pem) {
  if (pem.size() > kMaxPem) return std::nullopt;
  const OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CheckCrypto(bio != nullptr, "memory");
  internal::OwnedKey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, &NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519) return std::nullopt;
  Ed25519PublicKey out = Of(std::move(key));
  // OpenSSL passes over what stands around a block and behind the key in it.
  if (out.ToPem() != pem) return std::nullopt;
  return out;
}

bool Ed25519PublicKey::Verify(std::string_view message, std::string_view signature) const {
  const Context context = NewContext();
  CheckCrypto(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1,
              "Ed25519 verification");
  return EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                          message.size()) == 1;
}

std::string Ed25519PublicKey::ToPem() const {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  CheckCrypto(bio != nullptr && PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1, "PEM");
  const long size = BIO_get_mem_data(bio.get(), &text);
  CheckCrypto(size > 0, "PEM");
  return {text, static_cast<size_t>(size)};
}

Ed25519PrivateKey::Ed25519PrivateKey(const SecretBytes& seed)
    : key_(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size())) {
  CheckCrypto(seed.size() == kSeedSize && key_ != nullptr, "Ed25519 private key");
}

Ed25519Signature Ed25519PrivateKey::Sign(std::string_view message) const {
  const Context context = NewContext();
  Ed25519Signature signature;
  size_t size = signature.size();
  CheckCrypto(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
                  EVP_DigestSign(context.get(), signature.data(), &size, Bytes(message),
                                 message.size()) == 1 &&
                  size == signature.size(),
              "Ed25519 signature");
  return signature;
}

Ed25519PublicKey Ed25519PrivateKey::PublicKey() const {
  std::array<uint8_t, Ed25519PublicKey::kSize> bytes;
  size_t size = bytes.size();
  CheckCrypto(
      EVP_PKEY_get_raw_public_key(key_.get(), bytes.data(), &size) == 1 && size == bytes.size(),
      "Ed25519 public key");
  return *Ed25519PublicKey::FromBytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace piivault::vault
