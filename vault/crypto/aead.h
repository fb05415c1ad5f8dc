#ifndef PIIVAULT_VAULT_CRYPTO_AEAD_H_
#define PIIVAULT_VAULT_CRYPTO_AEAD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vault/crypto/context_lanes.h"
#include "vault/crypto/random.h"
#include "vault/crypto/secret_bytes.h"

struct evp_cipher_ctx_st;

namespace piivault::vault {

inline constexpr size_t kAesKeySize = 32;
inline constexpr size_t kGcmNonceSize = 12;
inline constexpr size_t kGcmTagSize = 16;
// One message is at most this long; longer ones are a bug of the caller.
inline constexpr size_t kMaxAeadMessage = size_t{1} << 30;

using GcmNonce = std::array<uint8_t, kGcmNonceSize>;

// `ordinal` as a 96-bit big-endian integer, for keys that seal a few numbered messages.
GcmNonce OrdinalNonce(uint64_t ordinal);

// DATA_LOSS "decryption failed": the only thing an opening says, whatever the cause.
absl::Status DecryptionFailed();

// AES-256-GCM (NIST SP 800-38D) under a key that seals a few numbered messages and dies.
//
// Guarantees: a sealed message that was altered, or is opened under another key, nonce or
// associated data, is refused, and nothing of it is handed out. The key schedule is wiped with the
// object. Does not: choose nonces; two messages under one key and nonce break both. Does not commit
// to the key. Ownership: owns a cipher context; move-only.
// Thread-compatible, not bound to a thread.
class AesGcmKey {
 public:
  // REQUIRES: key.size() == kAesKeySize.
  explicit AesGcmKey(std::string_view key);
  AesGcmKey(AesGcmKey&& other) noexcept;
  AesGcmKey& operator=(AesGcmKey&& other) noexcept;
  ~AesGcmKey();

  // Appends ciphertext ‖ tag to `out`. REQUIRES: plaintext.size() <= kMaxAeadMessage; `nonce` is
  // used once under this key.
  void Seal(const GcmNonce& nonce, std::string_view aad, std::string_view plaintext,
            std::string* out);

  // Opens ciphertext ‖ tag. DATA_LOSS where that fails.
  [[nodiscard]] absl::StatusOr<SecretBytes> Open(const GcmNonce& nonce, std::string_view aad,
                                                 std::string_view sealed);

 private:
  evp_cipher_ctx_st* context_;
};

// XAES-256-GCM (https://c2sp.org/XAES-256-GCM): a 256-bit key that seals any number of messages
// under random 192-bit nonces. Each message has an AES-256-GCM key of its own, derived from key and
// nonce; what the derivations share (AES key schedule, CMAC subkey K1) is prepared once.
//
// Guarantees: as AesGcmKey; nonces are random, so that nobody counts them.
// Does not: commit to the key.
// Ownership: owns a copy of the key. Not movable; put it in place or behind a pointer.
// Thread-safe.
class XaesKey {
 public:
  static constexpr size_t kNonceSize = 24;
  // How much longer a sealed message is than its plaintext.
  static constexpr size_t kOverhead = kNonceSize + kGcmTagSize;

  // REQUIRES: key.size() == kAesKeySize.
  explicit XaesKey(std::string_view key);
  ~XaesKey();
  XaesKey(const XaesKey&) = delete;
  XaesKey& operator=(const XaesKey&) = delete;

  // Appends nonce ‖ ciphertext ‖ tag to `out`.
  void Seal(RandomSource& random, std::string_view aad, std::string_view plaintext,
            std::string* out) const;
  // Opens nonce ‖ ciphertext ‖ tag. DATA_LOSS where that fails.
  [[nodiscard]] absl::StatusOr<SecretBytes> Open(std::string_view aad,
                                                 std::string_view sealed) const;

  // The same without the nonce in front. REQUIRES: nonce.size() == kNonceSize, and used once.
  void SealWithNonce(std::string_view nonce, std::string_view aad, std::string_view plaintext,
                     std::string* out) const;
  [[nodiscard]] absl::StatusOr<SecretBytes> OpenWithNonce(std::string_view nonce,
                                                          std::string_view aad,
                                                          std::string_view sealed) const;

 private:
  // The AES-256-GCM key for messages whose nonce begins with these 12 bytes.
  SecretBytes DeriveMessageKey(std::string_view nonce) const;

  SecretBytes key_;
  SecretBytes k1_;
  ContextLanes<evp_cipher_ctx_st> derivations_;  // AES under the key
  // AES-GCM under the key of the last message: who reads that here reads `key_` as well.
  ContextLanes<evp_cipher_ctx_st> messages_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_AEAD_H_
