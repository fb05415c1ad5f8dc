#ifndef PIIVAULT_VAULT_KEYS_KEYRING_H_
#define PIIVAULT_VAULT_KEYS_KEYRING_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/id.h"
#include "vault/crypto/random.h"
#include "vault/crypto/scrypt.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/keys/keyring_file.h"
#include "vault/keys/recovery_key.h"

namespace piivault::storage::v1 {
class KeyringBody;
}

namespace piivault::vault {

struct RootKeys;

enum class SlotKind { kPassphrase, kCredential, kRecovery };

// What opens a slot: the passphrase, the credential's contents (at least 16 bytes), or the 32 bytes
// of a recovery key.
struct SlotSecret {
  SlotKind kind = SlotKind::kPassphrase;
  SecretBytes secret;
};

struct SlotInfo {
  uint32_t id = 0;
  SlotKind kind = SlotKind::kPassphrase;
  absl::Time created;
};

enum class EpochStatus { kActive, kRetired, kDestroyed };

// Tells whether two epoch keys are the same without telling anything else about them.
using EpochFingerprint = std::array<uint8_t, 16>;

struct EpochInfo {
  uint32_t id = 0;
  EpochStatus status = EpochStatus::kActive;
  EpochFingerprint fingerprint{};
  absl::Time created;
  absl::Time retired = absl::InfiniteFuture();
  absl::Time destroyed = absl::InfiniteFuture();
};

// What the database has recorded of the keyring: the least that an opened keyring must be.
struct KeyringFloor {
  storage::Id128 vault_id;  // zero: not recorded yet
  uint64_t generation = 0;
  struct Epoch {
    uint32_t id = 0;
    EpochFingerprint fingerprint{};
    bool destroyed = false;
  };
  std::vector<Epoch> epochs;
};

struct KeyringPaths {
  std::string primary;
  std::vector<std::string> mirrors;
};

// The root key and the epoch keys of one vault, in a file outside the database and its backups.
// The file's form is proto/piivault/storage/v1/keyring.proto.
//
// Guarantees: a change is fsynced in the primary and in every mirror before its method returns OK,
// and takes effect in memory only then. A file that was altered, or that is older than what the
// database recorded, is refused. A destroyed epoch's key is gone from every copy and from memory.
// Does not: reach copies kept elsewhere, which defeat erasure; decide when an epoch may be
// destroyed. Ownership: owns the keys. `random` is borrowed and must outlive the keyring.
// Thread-safe; changes wait for the disk. One process at a time may change a vault's keyring.
class Keyring {
 public:
  // Makes a keyring with one slot and epoch 1 (ACTIVE). ALREADY_EXISTS where one of the files does.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Keyring>> Create(
      const KeyringPaths& paths, const storage::Id128& vault_id, const SlotSecret& first_slot,
      const ScryptParameters& scrypt, absl::Time now, RandomSource& random);

  // Opens the newest generation among the primary and the mirrors.
  // PERMISSION_DENIED: no slot of that kind opens with this secret. DATA_LOSS: damaged or altered.
  // NOT_FOUND: no file at all. FAILED_PRECONDITION: older than `floor`, or another vault's.
  // `warnings` (may be null) gets one status for each copy that is missing, damaged or older.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Keyring>> Open(
      const KeyringPaths& paths, const SlotSecret& secret, const KeyringFloor& floor,
      RandomSource& random, std::vector<absl::Status>* warnings);

  ~Keyring();
  Keyring(const Keyring&) = delete;
  Keyring& operator=(const Keyring&) = delete;

  const storage::Id128& vault_id() const { return vault_id_; }
  uint64_t generation() const;
  std::vector<SlotInfo> slots() const;
  std::vector<EpochInfo> epochs() const;
  // What the caller records in the database after each change.
  KeyringFloor floor() const;

  // Brings the copies in line with what is in force: a copy that is missing, or an older one of
  // this keyring, is replaced and fsynced. Returns the paths of those. FAILED_PRECONDITION, with
  // nothing replaced, where that needs a person: the primary is older than a mirror or damaged, or
  // a file at a mirror's path is not this vault's keyring, or damaged. What to do is in the
  // message. UNAVAILABLE where a copy cannot be read or written.
  [[nodiscard]] absl::StatusOr<std::vector<std::string>> SyncMirrors();

  // Returns the new slot's id.
  [[nodiscard]] absl::StatusOr<uint32_t> AddSlot(const SlotSecret& secret,
                                                 const ScryptParameters& scrypt, absl::Time now);
  // NOT_FOUND; FAILED_PRECONDITION for the last slot. After an error the slot may be gone from some
  // copies; in memory it is.
  [[nodiscard]] absl::Status RemoveSlot(uint32_t id);

  // Makes a new epoch key, ACTIVE; returns its id, the highest so far plus one.
  [[nodiscard]] absl::StatusOr<uint32_t> NewEpoch(absl::Time now);
  // ACTIVE -> RETIRED. FAILED_PRECONDITION for the only active epoch.
  [[nodiscard]] absl::Status RetireEpoch(uint32_t id, absl::Time now);
  // RETIRED -> DESTROYED in every copy; again on a destroyed one writes every copy again.
  // FAILED_PRECONDITION for an active epoch. After an error the key may be left in some copies, is
  // gone from memory, and no later write brings it back: call again.
  [[nodiscard]] absl::Status DestroyEpoch(uint32_t id, absl::Time now);

  // A copy of the epoch's key. NOT_FOUND: no such epoch, or destroyed.
  [[nodiscard]] absl::StatusOr<SecretBytes> EpochKey(uint32_t id) const;
  // A key for one use that no epoch ends, derived from the root key.
  SecretBytes DeriveFromRoot(std::string_view label) const;

 private:
  // What a failed write leaves in memory.
  enum class OnFailure { kKeepOld, kTakeNew };

  Keyring(KeyringPaths paths, const storage::Id128& vault_id, SecretBytes root_key,
          std::unique_ptr<storage::v1::KeyringBody> body, RandomSource& random);

  // Whether the copy is the keyring in force, of the same generation. FAILED_PRECONDITION where it
  // may not be replaced.
  absl::StatusOr<bool> IsCurrent(const std::string& path, const std::string& bytes) const
      ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Writes `next` as a new generation everywhere, then makes it the body.
  absl::Status Apply(storage::v1::KeyringBody next, OnFailure on_failure)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const KeyringPaths paths_;
  const storage::Id128 vault_id_;
  const SecretBytes root_key_;
  const std::unique_ptr<const RootKeys> root_keys_;
  RandomSource& random_;

  mutable absl::Mutex mutex_;
  std::unique_ptr<storage::v1::KeyringBody> body_ ABSL_GUARDED_BY(mutex_);
  // The highest generation that any copy may hold; a failed write uses its number up.
  uint64_t last_written_ ABSL_GUARDED_BY(mutex_);
};

// The fingerprint of an epoch's key.
EpochFingerprint FingerprintEpochKey(const SecretBytes& epoch_key);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_KEYRING_H_
