#ifndef PIIVAULT_VAULT_CRYPTO_ED25519_H_
#define PIIVAULT_VAULT_CRYPTO_ED25519_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "vault/crypto/secret_bytes.h"

struct evp_pkey_st;

namespace piivault::vault {

using Ed25519Signature = std::array<uint8_t, 64>;

namespace internal {
struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using OwnedKey = std::unique_ptr<evp_pkey_st, FreeKey>;
}  // namespace internal

// The public half of an Ed25519 key (RFC 8032), which verifies.
//
// Does not: check where the key comes from. A key from an attacker verifies what the attacker likes
// (one of small order, anything at all), so the caller has to have it from a trusted place.
// Ownership: owns OpenSSL's form of the key; move-only.
// Thread-safe once made.
class Ed25519PublicKey {
 public:
  static constexpr size_t kSize = 32;

  // Nothing for other than 32 bytes.
  static std::optional<Ed25519PublicKey> FromBytes(std::string_view bytes);
  // What ToPem() gives: one block `PUBLIC KEY` (RFC 7468, RFC 8410) and nothing else. Nothing for
  // any other text.
  static std::optional<Ed25519PublicKey> FromPem(std::string_view pem);

  // As section 5.1.7 has it: a signature of 64 bytes whose scalar is reduced, so that nobody makes
  // another of it.
  bool Verify(std::string_view message, std::string_view signature) const;

  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }
  std::string ToPem() const;

 private:
  static Ed25519PublicKey Of(internal::OwnedKey key);
  explicit Ed25519PublicKey(internal::OwnedKey key) : key_(std::move(key)) {}

  internal::OwnedKey key_;
  std::array<uint8_t, kSize> bytes_{};
};

// The private half, which signs.
//
// Guarantees: the same message gives the same signature; OpenSSL wipes its copy of the key.
// Ownership: owns OpenSSL's form of the key; move-only.
// Thread-safe once made.
class Ed25519PrivateKey {
 public:
  static constexpr size_t kSeedSize = 32;

  // REQUIRES: `seed` has kSeedSize bytes.
  explicit Ed25519PrivateKey(const SecretBytes& seed);

  Ed25519Signature Sign(std::string_view message) const;
  Ed25519PublicKey PublicKey() const;

 private:
  internal::OwnedKey key_;
};

inline std::string_view AsView(const Ed25519Signature& signature) {
  return {reinterpret_cast<const char*>(signature.data()), signature.size()};
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_ED25519_H_
