#include "vault/crypto/aead.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>
#include <utility>

#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {
namespace {

constexpr size_t kAesBlock = 16;
constexpr uint8_t kZeros[kAesBlock] = {};

void AddAssociatedData(EVP_CIPHER_CTX* context, std::string_view aad) {
  int size = 0;
  CheckCrypto(aad.empty() || EVP_CipherUpdate(context, nullptr, &size, Bytes(aad),
                                              static_cast<int>(aad.size())) == 1,
              "AES-GCM associated data");
}

// CMAC's subkey K1 (NIST SP 800-38B section 6.1): L doubled in GF(2^128), without a branch on it.
SecretBytes CmacSubkey(const SecretBytes& key) {
  SecretBytes l(kAesBlock);
  EVP_CIPHER_CTX* context = NewAesBlockContext(key, /*encrypt=*/true);
  RunAesBlocks(context, kZeros, kAesBlock, l.span().data());
  EVP_CIPHER_CTX_free(context);

  SecretBytes k1(kAesBlock);
  const uint8_t* const in = l.data();
  uint8_t* const out = k1.span().data();
  for (size_t i = 0; i < kAesBlock; ++i) {
    const unsigned carry = i + 1 < kAesBlock ? in[i + 1] >> 7 : 0;
    out[i] = static_cast<uint8_t>(in[i] << 1 | carry);
  }
  const unsigned reduce = 0U - (in[0] >> 7);
  out[kAesBlock - 1] = static_cast<uint8_t>(out[kAesBlock - 1] ^ (reduce & 0x87));
  return k1;
}

GcmNonce NonceTail(std::string_view nonce) {
  GcmNonce tail;
  std::memcpy(tail.data(), nonce.data() + XaesKey::kNonceSize - kGcmNonceSize, kGcmNonceSize);
  return tail;
}

// Under `key`, or the context's own where that is null.
void SealWith(EVP_CIPHER_CTX* context, const uint8_t* key, const GcmNonce& nonce,
              std::string_view aad, std::string_view plaintext, std::string* out) {
  CheckCrypto(plaintext.size() <= kMaxAeadMessage && aad.size() <= kMaxAeadMessage,
              "message too long");
  CheckCrypto(EVP_EncryptInit_ex2(context, nullptr, key, nonce.data(), nullptr) == 1,
              "AES-GCM nonce");
  AddAssociatedData(context, aad);
  const size_t start = out->size();
  out->resize(start + plaintext.size() + kGcmTagSize);
  auto* const to = reinterpret_cast<unsigned char*>(out->data() + start);
  int size = 0;
  // An update without bytes would be taken for the end of the associated data only in some
  // versions.
  CheckCrypto(plaintext.empty() || EVP_EncryptUpdate(context, to, &size, Bytes(plaintext),
                                                     static_cast<int>(plaintext.size())) == 1,
              "AES-GCM encryption");
  CheckCrypto(EVP_EncryptFinal_ex(context, to + plaintext.size(), &size) == 1, "AES-GCM end");
  CheckCrypto(
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kGcmTagSize, to + plaintext.size()) == 1,
      "AES-GCM tag");
}

absl::StatusOr<SecretBytes> OpenWith(EVP_CIPHER_CTX* context, const uint8_t* key,
                                     const GcmNonce& nonce, std::string_view aad,
                                     std::string_view sealed) {
  if (sealed.size() < kGcmTagSize || sealed.size() - kGcmTagSize > kMaxAeadMessage) {
    return DecryptionFailed();
  }
  const size_t size = sealed.size() - kGcmTagSize;
  std::array<uint8_t, kGcmTagSize> tag;
  std::memcpy(tag.data(), sealed.data() + size, tag.size());
  CheckCrypto(aad.size() <= kMaxAeadMessage &&
                  EVP_DecryptInit_ex2(context, nullptr, key, nonce.data(), nullptr) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kGcmTagSize, tag.data()) == 1,
              "AES-GCM nonce and tag");
  AddAssociatedData(context, aad);
  SecretBytes plaintext(size);
  int written = 0;
  CheckCrypto(size == 0 || EVP_DecryptUpdate(context, plaintext.span().data(), &written,
                                             Bytes(sealed), static_cast<int>(size)) == 1,
              "AES-GCM decryption");
  uint8_t rest[kAesBlock];
  if (EVP_DecryptFinal_ex(context, rest, &written) != 1) return DecryptionFailed();
  return plaintext;
}

EVP_CIPHER_CTX* NewGcmContext() {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  CheckCrypto(context != nullptr && EVP_EncryptInit_ex2(context, GetAlgorithms().aes256_gcm,
                                                        nullptr, nullptr, nullptr) == 1,
              "AES-GCM context");
  return context;
}

}  // namespace

absl::Status DecryptionFailed() { return absl::DataLossError("decryption failed"); }

GcmNonce OrdinalNonce(uint64_t ordinal) {
  GcmNonce nonce{};
  for (size_t i = kGcmNonceSize; i > kGcmNonceSize - sizeof(ordinal); --i) {
    nonce[i - 1] = static_cast<uint8_t>(ordinal);
    ordinal >>= 8;
  }
  return nonce;
}

// A context of its own for each key: freeing one wipes it, and costs less than keying a kept one
// with something harmless.
AesGcmKey::AesGcmKey(std::string_view key) : context_(EVP_CIPHER_CTX_new()) {
  CheckCrypto(key.size() == kAesKeySize, "AES key size");
  CheckCrypto(context_ != nullptr && EVP_EncryptInit_ex2(context_, GetAlgorithms().aes256_gcm,
                                                         Bytes(key), nullptr, nullptr) == 1,
              "AES-GCM key");
}

AesGcmKey::AesGcmKey(AesGcmKey&& other) noexcept
    : context_(std::exchange(other.context_, nullptr)) {}

AesGcmKey& AesGcmKey::operator=(AesGcmKey&& other) noexcept {
  if (this != &other) {
    EVP_CIPHER_CTX_free(context_);
    context_ = std::exchange(other.context_, nullptr);
  }
  return *this;
}

AesGcmKey::~AesGcmKey() { EVP_CIPHER_CTX_free(context_); }

void AesGcmKey::Seal(const GcmNonce& nonce, std::string_view aad, std::string_view plaintext,
                     std::string* out) {
  SealWith(context_, nullptr, nonce, aad, plaintext, out);
}

absl::StatusOr<SecretBytes> AesGcmKey::Open(const GcmNonce& nonce, std::string_view aad,
                                            std::string_view sealed) {
  return OpenWith(context_, nullptr, nonce, aad, sealed);
}

XaesKey::XaesKey(std::string_view key)
    : key_(SecretBytes::CopyOf(key)),
      derivations_(&EVP_CIPHER_CTX_free),
      messages_(&EVP_CIPHER_CTX_free) {
  CheckCrypto(key.size() == kAesKeySize, "AES key size");
  k1_ = CmacSubkey(key_);
}

XaesKey::~XaesKey() = default;

SecretBytes XaesKey::DeriveMessageKey(std::string_view nonce) const {
  // M1 ‖ M2, each 00 i 'X' 00 ‖ nonce[:12], both XORed with K1 and encrypted.
  std::array<uint8_t, 2 * kAesBlock> blocks;
  for (size_t i = 0; i < 2; ++i) {
    uint8_t* const block = blocks.data() + i * kAesBlock;
    const std::array<uint8_t, 4> prefix = {0, static_cast<uint8_t>(i + 1), 'X', 0};
    std::memcpy(block, prefix.data(), prefix.size());
    std::memcpy(block + prefix.size(), nonce.data(), kAesBlock - prefix.size());
    for (size_t j = 0; j < kAesBlock; ++j)
      block[j] = static_cast<uint8_t>(block[j] ^ k1_.data()[j]);
  }
  SecretBytes derived(kAesKeySize);
  derivations_.With([this] { return NewAesBlockContext(key_, /*encrypt=*/true); },
                    [&](EVP_CIPHER_CTX* context) {
                      RunAesBlocks(context, blocks.data(), blocks.size(), derived.span().data());
                    });
  Wipe(absl::MakeSpan(blocks));
  return derived;
}

void XaesKey::SealWithNonce(std::string_view nonce, std::string_view aad,
                            std::string_view plaintext, std::string* out) const {
  CheckCrypto(nonce.size() == kNonceSize, "XAES nonce size");
  const SecretBytes key = DeriveMessageKey(nonce);
  messages_.With(&NewGcmContext, [&](EVP_CIPHER_CTX* context) {
    SealWith(context, key.data(), NonceTail(nonce), aad, plaintext, out);
  });
}

absl::StatusOr<SecretBytes> XaesKey::OpenWithNonce(std::string_view nonce, std::string_view aad,
                                                   std::string_view sealed) const {
  CheckCrypto(nonce.size() == kNonceSize, "XAES nonce size");
  const SecretBytes key = DeriveMessageKey(nonce);
  absl::StatusOr<SecretBytes> opened;
  messages_.With(&NewGcmContext, [&](EVP_CIPHER_CTX* context) {
    opened = OpenWith(context, key.data(), NonceTail(nonce), aad, sealed);
  });
  return opened;
}

void XaesKey::Seal(RandomSource& random, std::string_view aad, std::string_view plaintext,
                   std::string* out) const {
  std::array<uint8_t, kNonceSize> nonce;
  random.Fill(absl::MakeSpan(nonce));
  const std::string_view view(reinterpret_cast<const char*>(nonce.data()), nonce.size());
  out->reserve(out->size() + kOverhead + plaintext.size());
  out->append(view);
  SealWithNonce(view, aad, plaintext, out);
}

absl::StatusOr<SecretBytes> XaesKey::Open(std::string_view aad, std::string_view sealed) const {
  if (sealed.size() < kOverhead) return DecryptionFailed();
  return OpenWithNonce(sealed.substr(0, kNonceSize), aad, sealed.substr(kNonceSize));
}

}  // namespace piivault::vault
