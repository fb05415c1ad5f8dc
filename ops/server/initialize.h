#ifndef PIIVAULT_OPS_SERVER_INITIALIZE_H_
#define PIIVAULT_OPS_SERVER_INITIALIZE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/server/config.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/state/initialize.h"

namespace piivault::ops {

// Makes a new vault where the configuration says: the keyring with the slot that the configuration
// opens (its secret must be there already) and a recovery slot, the data directory, the first
// administrators. Returns the recovery key as people copy it: show it once and keep it nowhere.
//
// ALREADY_EXISTS where a keyring or a vault is there: nothing is overwritten. After another error
// the keyring that was made is removed again. Not thread-safe; no server may be running.
[[nodiscard]] absl::StatusOr<vault::SecretBytes> InitializeVaultAt(
    const Config& config, const vault::InitializeOptions& options, absl::Time now,
    const vault::ScryptParameters& scrypt = {});

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_INITIALIZE_H_
