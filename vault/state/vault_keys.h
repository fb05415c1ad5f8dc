#ifndef PIIVAULT_VAULT_STATE_VAULT_KEYS_H_
#define PIIVAULT_VAULT_STATE_VAULT_KEYS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/engine.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/keyring.h"

namespace piivault::vault {

// What the database records of a keyring, with `active_epoch` as the one to seal under. What only
// the database knows of an epoch is taken from `before`.
storage::v1::KeyringRow DescribeKeyring(const Keyring& keyring, uint32_t active_epoch,
                                        const storage::v1::KeyringRow& before = {});

// What the row says of an epoch; null where it does not know it.
const storage::v1::KeyringRow::Epoch* FindEpoch(const storage::v1::KeyringRow& row, uint32_t epoch);

// The epochs on which no index row can hang any more.
std::vector<uint32_t> EpochsWithoutIndex(const storage::v1::KeyringRow& row);

// The keys of an initialized vault, with the epoch active that the database says; without tenants'
// keys, which StateStore::Load() brings.
// FAILED_PRECONDITION: the vault was not initialized, or the keyring is older than the database (an
// older copy was put back) or another vault's. DATA_LOSS: the database's own record was altered.
[[nodiscard]] absl::StatusOr<std::unique_ptr<KeyHierarchy>> OpenKeyHierarchy(
    const storage::Engine& engine, const Keyring& keyring);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_VAULT_KEYS_H_
