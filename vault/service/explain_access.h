#ifndef PIIVAULT_VAULT_SERVICE_EXPLAIN_ACCESS_H_
#define PIIVAULT_VAULT_SERVICE_EXPLAIN_ACCESS_H_

#include <memory>

#include "vault/crypto/random.h"
#include "vault/service/handler.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// AuditService/ExplainAccess: what would be decided of a call and why. Reads no subject and no
// record, opens no value, changes nothing; has an entry like every call, about the principal that
// was asked about. Borrows both.
std::unique_ptr<Handler> MakeExplainAccess(const StateStore& store, RandomSource& random);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_EXPLAIN_ACCESS_H_
