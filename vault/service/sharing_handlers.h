#ifndef PIIVAULT_VAULT_SERVICE_SHARING_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_HANDLERS_H_

#include <memory>

#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method of SharingService that deals with tokens or the ledger; `dependencies`
// is borrowed.

// sharing_issue.cc
std::unique_ptr<Handler> NewIssueExportToken(const VaultDependencies& dependencies);
// sharing_redeem.cc
std::unique_ptr<Handler> NewRedeemExportToken(const VaultDependencies& dependencies);
// sharing_tokens.cc
std::unique_ptr<Handler> NewGetExportToken(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewApproveExportToken(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRejectExportToken(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRevokeExportTokens(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewListExportTokens(const VaultDependencies& dependencies);
// sharing_keys.cc
std::unique_ptr<Handler> NewListSigningKeys(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewRotateSigningKey(const VaultDependencies& dependencies);
// sharing_disclosures.cc
std::unique_ptr<Handler> NewListDisclosures(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewStreamDisclosedRecords(const VaultDependencies& dependencies);
// sharing_notices.cc
std::unique_ptr<Handler> NewListCorrectionNotices(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewAcknowledgeCorrectionNotices(const VaultDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_HANDLERS_H_
