#ifndef PIIVAULT_VAULT_SERVICE_RETENTION_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_RETENTION_HANDLERS_H_

#include <memory>
#include <string_view>

#include "piivault/v1/retention_service.pb.h"
#include "vault/retention/destruction_list.h"
#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method; `dependencies` is borrowed. See retention_service.h.

// retention_show.cc
std::unique_ptr<Handler> NewGetRetention(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewListDestructions(const VaultDependencies& dependencies);
// retention_select.cc
std::unique_ptr<Handler> NewSelectDestruction(const VaultDependencies& dependencies);
// retention_approve.cc
std::unique_ptr<Handler> NewApproveDestruction(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRejectDestruction(const VaultDependencies& dependencies);

// A list as the wire has it. `tenant` is the bare id.
void FillDestruction(std::string_view tenant, const DestructionRow& row, v1::Destruction* list);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RETENTION_HANDLERS_H_
