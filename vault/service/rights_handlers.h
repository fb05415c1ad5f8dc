#ifndef PIIVAULT_VAULT_SERVICE_RIGHTS_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_RIGHTS_HANDLERS_H_

#include <memory>

#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method; `dependencies` is borrowed. See rights_service.h.

// rights_open.cc
std::unique_ptr<Handler> NewOpenRequest(const VaultDependencies& dependencies);
// rights_answer.cc
std::unique_ptr<Handler> NewConfirmIdentity(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRefuseRequest(const VaultDependencies& dependencies);
// rights_withdraw.cc
std::unique_ptr<Handler> NewWithdrawRequest(const VaultDependencies& dependencies);
// rights_complete.cc
std::unique_ptr<Handler> NewCompleteRequest(const VaultDependencies& dependencies);
// rights_list.cc
std::unique_ptr<Handler> NewListSubjectRequests(const VaultDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RIGHTS_HANDLERS_H_
