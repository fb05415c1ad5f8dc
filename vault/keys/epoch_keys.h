#ifndef PIIVAULT_VAULT_KEYS_EPOCH_KEYS_H_
#define PIIVAULT_VAULT_KEYS_EPOCH_KEYS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "storage/id.h"
#include "storage/keys.h"
#include "vault/crypto/aead.h"
#include "vault/crypto/block_cipher.h"
#include "vault/crypto/hmac.h"
#include "vault/crypto/random.h"
#include "vault/keys/keyring.h"

namespace piivault::vault {

// Which of a tenant's keys a field's values are under, by the policy of the day they were written.
// Who has the keys of one class opens nothing of the other.
enum class KeyClass : uint8_t { kNormal, kImportant };

inline constexpr KeyClass KeyClassOf(bool important) {
  return important ? KeyClass::kImportant : KeyClass::kNormal;
}

// What is derived from one epoch's key. Immutable, thread-safe.
struct EpochKeys {
  EpochKeys(uint32_t epoch, const SecretBytes& epoch_key);

  const uint32_t id;
  const EpochFingerprint fingerprint;
  const XaesKey tenant_wrap;     // seals tenants' secrets for normal fields
  const XaesKey important_wrap;  // seals those for important fields
  const XaesKey state;           // seals the rows that decide
  const XaesKey page_token;      // seals page tokens
};

// What is derived from one tenant's secrets of one epoch. Immutable, thread-safe.
struct TenantKeys {
  // Of each class: a key of this epoch, then one of the tenant for good; 32 bytes each.
  TenantKeys(storage::TenantId tenant_id, uint32_t epoch_id, std::string_view normal_secret,
             std::string_view important_secret);

  const HmacKey& IndexOf(KeyClass key_class) const {
    return key_class == KeyClass::kImportant ? important_index : index;
  }
  const HmacKey& TokenOf(KeyClass key_class) const {
    return key_class == KeyClass::kImportant ? important_token : token;
  }

  const storage::TenantId tenant;
  const uint32_t epoch;
  const XaesKey wrap;             // seals data keys
  const XaesKey important;        // seals data keys of important fields
  const HmacKey index;            // blind indexes of fields
  const HmacKey important_index;  // of important fields
  const HmacKey ref_index;        // index of callers' own keys
  // The same in every epoch.
  const HmacKey token;            // deterministic tokens
  const HmacKey important_token;  // of important fields
  const AesBlockKey token_block;  // random tokens: of all fields, as they come from no value
};

// A row of Table::kState, StateKind::kTenantKey.
struct TenantKeyRow {
  storage::TenantId tenant = 0;
  uint32_t epoch = 0;
  std::string row;
};

// The keys in use at one moment.
//
// Guarantees: never changes; look-ups take no lock. Holds no data keys.
// Ownership: shared, because calls under way keep the snapshot that they decided with.
// Thread-safe.
class KeySnapshot {
 public:
  const storage::Id128& vault_id() const { return vault_id_; }
  // The epoch that everything new is sealed under.
  const EpochKeys& active() const { return *active_; }
  // Null where the epoch is unknown or destroyed.
  const EpochKeys* Epoch(uint32_t epoch) const;
  // Null where there is no such tenant key (tenant unknown, or erased with its epoch).
  const TenantKeys* Tenant(storage::TenantId tenant, uint32_t epoch) const;
  const TenantKeys* ActiveTenant(storage::TenantId tenant) const {
    return Tenant(tenant, active_->id);
  }
  // Whether index rows may hang on the epoch. Always true of the active one.
  bool HasIndex(uint32_t epoch) const {
    return epoch == active_->id ||
           std::find(without_index_.begin(), without_index_.end(), epoch) == without_index_.end();
  }
  // For idempotency: row keys (of principal, method and request id), which must be found across
  // rotations, and digests of requests. It lasts as long as the vault: what it makes of personal
  // data goes into sealed rows only.
  const HmacKey& request() const { return *request_; }

 private:
  friend class KeyHierarchy;
  KeySnapshot() = default;
  using EpochMap = absl::flat_hash_map<uint32_t, std::shared_ptr<const EpochKeys>>;
  using TenantMap = absl::flat_hash_map<std::pair<storage::TenantId, uint32_t>,
                                        std::shared_ptr<const TenantKeys>>;

  storage::Id128 vault_id_;
  std::shared_ptr<const HmacKey> request_;
  std::shared_ptr<const EpochMap> epochs_;
  std::shared_ptr<const TenantMap> tenants_;
  std::shared_ptr<const EpochKeys> active_;
  std::vector<uint32_t> without_index_;  // few: epochs that are retired and not destroyed
};

// root key -> epoch key -> tenant key per epoch: keeps what is derived, hands out snapshots.
//
// Guarantees: a snapshot holds only live epochs' keys and their tenants'. Tenant keys come from a
// CSPRNG and are derived from nothing, so that they die with the epoch key that wraps them, and
// those of one class say nothing of the other's.
// Does not: read or write the database. The caller commits the rows that Make... and Carry...
// return, and installs them; keys of rows that were not committed must not become active.
// Thread-safe.
class KeyHierarchy {
 public:
  // NOT_FOUND where `active_epoch` is not a live epoch of the keyring.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<KeyHierarchy>> FromKeyring(
      const Keyring& keyring, uint32_t active_epoch);

  std::shared_ptr<const KeySnapshot> Current() const;

  // A new tenant's keys under `epoch`. FAILED_PRECONDITION where the epoch is not live.
  [[nodiscard]] absl::StatusOr<TenantKeyRow> MakeTenantKey(storage::TenantId tenant, uint32_t epoch,
                                                           RandomSource& random) const;
  // Fresh tenant keys under `to_epoch` with the token keys that the tenant has under `from_row`.
  // DATA_LOSS where that row does not open.
  [[nodiscard]] absl::StatusOr<TenantKeyRow> CarryTenantKey(const TenantKeyRow& from_row,
                                                            uint32_t to_epoch,
                                                            RandomSource& random) const;

  // Opens rows and adds them to the snapshot. All or none; DATA_LOSS where a row does not open,
  // FAILED_PRECONDITION where its epoch is not live.
  [[nodiscard]] absl::Status InstallTenantKeys(absl::Span<const TenantKeyRow> rows);
  // The same, instead of what is there.
  [[nodiscard]] absl::Status ReplaceTenantKeys(absl::Span<const TenantKeyRow> rows);
  void ForgetTenant(storage::TenantId tenant);

  // Takes over new epochs and drops destroyed ones with their tenants' keys. FAILED_PRECONDITION
  // where the active epoch is among the destroyed.
  [[nodiscard]] absl::Status Refresh(const Keyring& keyring);
  // Cheap: fit for an engine's `applied`. FAILED_PRECONDITION where the epoch is not live.
  [[nodiscard]] absl::Status SetActiveEpoch(uint32_t epoch);
  // The epochs that a rotation has emptied of index rows. Cheap, too.
  void SetEpochsWithoutIndex(std::vector<uint32_t> epochs);

 private:
  explicit KeyHierarchy(std::shared_ptr<const KeySnapshot> snapshot);

  void Swap(std::shared_ptr<const KeySnapshot> next);
  absl::Status Install(absl::Span<const TenantKeyRow> rows, bool replace);

  // Guards the pointer alone; what it points to never changes. One writer at a time holds writing_.
  mutable absl::Mutex mutex_;
  std::shared_ptr<const KeySnapshot> current_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex writing_ ABSL_ACQUIRED_BEFORE(mutex_);
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_EPOCH_KEYS_H_
