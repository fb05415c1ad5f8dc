#ifndef PIIVAULT_VAULT_SERVICE_VAULT_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_HANDLERS_H_

#include <memory>

#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method; `dependencies` is borrowed. See vault_service.h.

// vault_write.cc
std::unique_ptr<Handler> NewCreateRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewBatchCreateRecords(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewTokenize(const VaultDependencies& dependencies);
// vault_update.cc
std::unique_ptr<Handler> NewUpsertRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewUpdateRecord(const VaultDependencies& dependencies);
// vault_read.cc
std::unique_ptr<Handler> NewGetRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewListRecords(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewSearchRecords(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewLookupRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewGetSubject(const VaultDependencies& dependencies);
// vault_reveal.cc
std::unique_ptr<Handler> NewRevealRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewBatchRevealRecords(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewDetokenize(const VaultDependencies& dependencies);
// vault_history.cc
std::unique_ptr<Handler> NewRevealRecordHistory(const VaultDependencies& dependencies);
// vault_count.cc
std::unique_ptr<Handler> NewCountRecords(const VaultDependencies& dependencies);
// vault_stream.cc
std::unique_ptr<Handler> NewStreamRevealRecords(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewDownloadRecords(const VaultDependencies& dependencies);
// vault_delete.cc
std::unique_ptr<Handler> NewDeleteRecord(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewDeleteSubject(const VaultDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_HANDLERS_H_
