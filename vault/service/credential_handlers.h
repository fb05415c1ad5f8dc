#ifndef PIIVAULT_VAULT_SERVICE_CREDENTIAL_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_CREDENTIAL_HANDLERS_H_

#include <memory>

#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method; `dependencies` is borrowed. See credential_service.h.

// credential_set.cc
std::unique_ptr<Handler> NewSetCredential(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRevokeCredential(const VaultDependencies& dependencies);
// credential_verify.cc
std::unique_ptr<Handler> NewVerifyCredential(const VaultDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CREDENTIAL_HANDLERS_H_
