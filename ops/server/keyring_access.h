#ifndef PIIVAULT_OPS_SERVER_KEYRING_ACCESS_H_
#define PIIVAULT_OPS_SERVER_KEYRING_ACCESS_H_

#include "absl/status/statusor.h"
#include "ops/server/config.h"
#include "vault/keys/keyring.h"

namespace piivault::ops {

// Reads what opens the keyring, as the configuration says: a passphrase (one trailing line end is
// not part of it) or a credential. NOT_FOUND, FAILED_PRECONDITION (a file that others may read).
[[nodiscard]] absl::StatusOr<vault::SlotSecret> ReadSlotSecret(const Config::Keyring& config);

vault::KeyringPaths PathsOf(const Config::Keyring& config);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_KEYRING_ACCESS_H_
