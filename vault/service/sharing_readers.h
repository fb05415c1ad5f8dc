#ifndef PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_

#include <optional>

#include "vault/service/vault_call.h"

// Nothing but sharing_*.cc includes this.
namespace piivault::vault {

// Whether the caller has a system role that sees the ledger.
bool ReadsLedger(const VaultCall& call);
// Refuses whoever may not see the ledger of all people, by system role or policy.
std::optional<Plan> DecideLedger(VaultCall& call);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_
