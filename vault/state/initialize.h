#ifndef PIIVAULT_VAULT_STATE_INITIALIZE_H_
#define PIIVAULT_VAULT_STATE_INITIALIZE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/keyring.h"

namespace piivault::vault {

// Somebody who administers the vault from its first day.
struct FirstAdministrator {
  std::string principal;     // id, e.g. `sato`
  std::string person;        // id of the person; one for each administrator
  std::string display_name;  // of the person
  int32_t employment = 2;    // number of piivault.v1.Employment
  std::string identity;      // certificate identity, `spiffe://…` or `dns:…`
};

struct InitializeOptions {
  // Two or more; exactly one with `single_operator`.
  std::vector<FirstAdministrator> administrators;
  // One person suffices for what otherwise needs two. Cannot be undone by anybody alone, and every
  // act that makes use of it says so in its entry.
  bool single_operator = false;
};

// Makes an empty database a vault, in one commit with the log's first entry: the vault itself, the
// keyring's description, `tenants/default` with its keys, the administrators with their persons,
// certificate identities and `vault_admin`.
//
// ALREADY_EXISTS where the database holds a vault; INVALID_ARGUMENT for names or identities that
// are malformed or used twice, or too few administrators; the engine's errors. Waits for the disk.
[[nodiscard]] absl::Status InitializeVault(storage::Engine& engine, const Keyring& keyring,
                                           const InitializeOptions& options, absl::Time now,
                                           RandomSource& random);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_INITIALIZE_H_
