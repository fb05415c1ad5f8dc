#ifndef PIIVAULT_VAULT_KEYS_KEYRING_CODEC_H_
#define PIIVAULT_VAULT_KEYS_KEYRING_CODEC_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/keyring.pb.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/hmac.h"
#include "vault/crypto/random.h"
#include "vault/crypto/scrypt.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/keyring.h"

namespace piivault::vault {

// The bytes of a keyring file, without the files: what Keyring is made of. Pure but for scrypt's
// cost. Formats are in proto/piivault/storage/v1/keyring.proto.

// What is derived from the root key for the keyring itself. Immutable, thread-safe.
struct RootKeys {
  explicit RootKeys(const SecretBytes& root_key);

  const XaesKey epoch_wrap;
  const HmacKey file_mac;
};

// A file whose form is right, and whose checksum; not yet known to be authentic.
struct ParsedKeyring {
  storage::v1::KeyringFile file;
  storage::v1::KeyringBody body;
};

// DATA_LOSS: damaged. FAILED_PRECONDITION: a newer format.
[[nodiscard]] absl::StatusOr<ParsedKeyring> ParseKeyring(std::string_view bytes);
std::string SerializeKeyring(const storage::v1::KeyringBody& body, const RootKeys& keys);

// DATA_LOSS where the file was not written by who holds the root key, or an epoch's key does not
// open or is not the one that its fingerprint says.
[[nodiscard]] absl::Status CheckAuthentic(const ParsedKeyring& keyring, const RootKeys& keys);

// INVALID_ARGUMENT for a secret that no slot may have.
[[nodiscard]] absl::Status CheckSlotSecret(const SlotSecret& secret);
[[nodiscard]] absl::StatusOr<storage::v1::KeyringSlot> MakeSlot(
    std::string_view vault_id, uint32_t id, const SlotSecret& secret,
    const ScryptParameters& scrypt, absl::Time now, const SecretBytes& root_key,
    RandomSource& random);
// The root key. DATA_LOSS where no slot opens.
[[nodiscard]] absl::StatusOr<SecretBytes> OpenSlots(const storage::v1::KeyringBody& body,
                                                    const SlotSecret& secret);

// An epoch with a fresh key, ACTIVE.
storage::v1::KeyringEpoch MakeEpoch(std::string_view vault_id, uint32_t id, absl::Time now,
                                    const RootKeys& keys, RandomSource& random);
// REQUIRES: the epoch is not destroyed. DATA_LOSS.
[[nodiscard]] absl::StatusOr<SecretBytes> UnwrapEpochKey(std::string_view vault_id,
                                                         const storage::v1::KeyringEpoch& epoch,
                                                         const RootKeys& keys);

SlotInfo ToSlotInfo(const storage::v1::KeyringSlot& slot);
EpochInfo ToEpochInfo(const storage::v1::KeyringEpoch& epoch);

// OK where the keyring is at least what the database recorded; FAILED_PRECONDITION says in what it
// is behind.
[[nodiscard]] absl::Status CheckFloor(const storage::v1::KeyringBody& body,
                                      const KeyringFloor& floor);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_KEYRING_CODEC_H_
