#ifndef PIIVAULT_VAULT_KEYS_SIGNING_KEYS_H_
#define PIIVAULT_VAULT_KEYS_SIGNING_KEYS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "piivault/storage/v1/sharing.pb.h"
#include "storage/id.h"
#include "vault/crypto/ed25519.h"
#include "vault/crypto/random.h"

namespace piivault::vault {

// The longest life of a token, and how long a retired key verifies, so that it sees its last one
// out.
inline constexpr absl::Duration kMaxExportTokenLife = absl::Hours(24);
// After this a key is due to be replaced.
inline constexpr absl::Duration kSigningKeyLife = absl::Hours(24 * 30);

// What a key is named by: the first 16 bytes of SHA-256(`piivault signing key` ‖ the 32 bytes).
storage::Id128 KidOf(const Ed25519PublicKey& key);

// The one footer of the tokens of a key: `{"kid":"…"}` with the id as 26 characters.
std::string FooterOf(const storage::Id128& kid);

// A key ready for use.
struct SigningKey {
  storage::Id128 kid;
  Ed25519PublicKey public_key;
  std::optional<Ed25519PrivateKey> private_key;  // nothing once it is retired
  absl::Time created;
  absl::Time retired;  // InfiniteFuture() while it signs
};

// The keys that sign and verify export tokens, as the rows have them: at most one signs, the others
// are retired and have no private half any more.
//
// Guarantees: each kid follows from its public key, and the private half belongs to it.
// Does not: read or write rows, or forget old keys; FindByFooter() passes over them.
// Ownership: owns OpenSSL's keys; move-only, so that a snapshot shares one set.
// Thread-safe once made.
class SigningKeys {
 public:
  // No keys.
  SigningKeys() = default;
  // DATA_LOSS where a row is not as NewSigningKey() or RetireSigningKey() made it, where two sign,
  // or where one key stands there twice.
  [[nodiscard]] static absl::StatusOr<SigningKeys> Create(
      absl::Span<const storage::v1::SigningKeyRow> rows);

  // The key whose footer this is, byte by byte, if it signs or was retired less than
  // kMaxExportTokenLife ago; null otherwise. Valid as long as this set.
  const Ed25519PublicKey* FindByFooter(std::string_view footer, absl::Time now) const;

  // Those that FindByFooter() finds at `now`: the one that signs first. Valid as long as this set.
  std::vector<const SigningKey*> Usable(absl::Time now) const;

  // The key that signs; null where there is none. Valid as long as this set.
  const SigningKey* active() const { return active_; }
  // Whether a new key has to be made before a token is signed: there is none, or it is too old.
  bool NeedsNewKey(absl::Time now) const;

 private:
  // A map's elements stay where they are when it is moved, so that active_ stays good.
  std::map<std::string, SigningKey, std::less<>> by_footer_;
  const SigningKey* active_ = nullptr;
};

// A key that signs from now on. The row is secret.
storage::v1::SigningKeyRow NewSigningKey(RandomSource& random, absl::Time now);
// Makes a row that of a retired key: its seed is wiped. REQUIRES: the key signs.
void RetireSigningKey(absl::Time now, storage::v1::SigningKeyRow* row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_SIGNING_KEYS_H_
