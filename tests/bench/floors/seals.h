#ifndef PIIVAULT_TESTS_BENCH_FLOORS_SEALS_H_
#define PIIVAULT_TESTS_BENCH_FLOORS_SEALS_H_

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "tests/bench/floors/floors.h"

namespace piivault::floors {

inline constexpr size_t kTag = 16;
inline constexpr size_t kNonce = 12;
inline constexpr size_t kKey = 32;
using KeyBytes = std::array<uint8_t, kKey>;

inline uint8_t* Bytes(std::string& text) { return reinterpret_cast<uint8_t*>(text.data()); }
inline const uint8_t* Bytes(const char* text) { return reinterpret_cast<const uint8_t*>(text); }

// AES-256-GCM in a context that is kept and keyed anew.
class Gcm {
 public:
  explicit Gcm(bool seal) : context_(EVP_CIPHER_CTX_new()), seal_(seal) {
    EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    Require(EVP_CipherInit_ex2(context_, cipher, nullptr, nullptr, seal, nullptr) == 1, "AES-GCM");
    EVP_CIPHER_free(cipher);
  }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  ~Gcm() { EVP_CIPHER_CTX_free(context_); }

  void SetKey(const uint8_t* key) {
    Require(EVP_CipherInit_ex2(context_, nullptr, key, nullptr, seal_, nullptr) == 1, "key");
  }
  // Seals `size` bytes and puts the tag behind them, or opens them with the tag behind them.
  void Run(const uint8_t* nonce, const std::string& aad, const uint8_t* in, size_t size,
           uint8_t* out) {
    int done = 0;
    bool ok = EVP_CipherInit_ex2(context_, nullptr, nullptr, nonce, seal_, nullptr) == 1;
    if (!seal_) {
      ok = ok && EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kTag,
                                     const_cast<uint8_t*>(in) + size) == 1;
    }
    ok = ok &&
         EVP_CipherUpdate(context_, nullptr, &done, Bytes(aad.data()),
                          static_cast<int>(aad.size())) == 1 &&
         EVP_CipherUpdate(context_, out, &done, in, static_cast<int>(size)) == 1 &&
         EVP_CipherFinal_ex(context_, out + size, &done) == 1;
    if (seal_) {
      ok = ok && EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kTag, out + size) == 1;
    }
    Require(ok, "a row does not open");
  }

 private:
  EVP_CIPHER_CTX* const context_;
  const bool seal_;
};

// XAES-256-GCM (c2sp.org/XAES-256-GCM): nonce (24) ‖ ciphertext ‖ tag.
class Xaes {
 public:
  static constexpr size_t kLongNonce = 24;

  Xaes(uint8_t label, bool seal) : block_(EVP_CIPHER_CTX_new()), gcm_(seal) {
    KeyBytes key;
    key.fill(label);
    Require(EVP_EncryptInit_ex2(block_, EVP_aes_256_ecb(), key.data(), nullptr, nullptr) == 1 &&
                EVP_CIPHER_CTX_set_padding(block_, 0) == 1,
            "AES");
    std::array<uint8_t, 16> l{};
    Encrypt(l.data(), l.size(), l.data());
    for (size_t i = 0; i < l.size(); ++i) {
      k1_[i] = static_cast<uint8_t>(l[i] << 1 | (i + 1 < l.size() ? l[i + 1] >> 7 : 0));
    }
    if ((l[0] & 0x80) != 0) k1_.back() ^= 0x87;
  }
  Xaes(const Xaes&) = delete;
  Xaes& operator=(const Xaes&) = delete;
  ~Xaes() { EVP_CIPHER_CTX_free(block_); }

  // `sealed` begins with the nonce, which is there already when sealing.
  void Seal(const std::string& aad, const uint8_t* plain, size_t size, uint8_t* sealed) {
    Derive(sealed);
    gcm_.Run(sealed + kNonce, aad, plain, size, sealed + kLongNonce);
  }
  void Open(const std::string& aad, const uint8_t* sealed, size_t size, uint8_t* plain) {
    Derive(sealed);
    gcm_.Run(sealed + kNonce, aad, sealed + kLongNonce, size, plain);
  }

 private:
  void Encrypt(const uint8_t* in, size_t size, uint8_t* out) {
    int done = 0;
    Require(EVP_EncryptUpdate(block_, out, &done, in, static_cast<int>(size)) == 1, "AES");
  }
  void Derive(const uint8_t* nonce) {
    std::array<uint8_t, 32> blocks{};
    for (size_t i = 0; i < 2; ++i) {
      uint8_t* const block = blocks.data() + 16 * i;
      block[1] = static_cast<uint8_t>(i + 1);
      block[2] = 'X';
      std::memcpy(block + 4, nonce, kNonce);
      for (size_t j = 0; j < 16; ++j) block[j] ^= k1_[j];
    }
    KeyBytes key;
    Encrypt(blocks.data(), blocks.size(), key.data());
    gcm_.SetKey(key.data());
  }

  EVP_CIPHER_CTX* const block_;
  std::array<uint8_t, 16> k1_{};
  Gcm gcm_;
};

}  // namespace piivault::floors

#endif  // PIIVAULT_TESTS_BENCH_FLOORS_SEALS_H_
