#ifndef PIIVAULT_VAULT_SERVICE_SUBJECT_HANDLERS_H_
#define PIIVAULT_VAULT_SERVICE_SUBJECT_HANDLERS_H_

#include <memory>

#include "vault/service/handler.h"
#include "vault/service/vault_service.h"

namespace piivault::vault {

// One handler of each method; `dependencies` is borrowed. See subject_service.h.

// subject_consent.cc
std::unique_ptr<Handler> NewRecordConsent(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewWithdrawConsent(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewListConsents(const VaultDependencies& dependencies);
// subject_stop.cc
std::unique_ptr<Handler> NewStopUse(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewResumeUse(const VaultDependencies& dependencies);
// subject_unsubscribe.cc
std::unique_ptr<Handler> NewUnsubscribe(const VaultDependencies& dependencies);
// subject_update.cc
std::unique_ptr<Handler> NewUpdateSubject(const VaultDependencies& dependencies);
// subject_matter.cc
std::unique_ptr<Handler> NewOpenMatter(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewUpdateMatter(const VaultDependencies& dependencies);
std::unique_ptr<Handler> NewListMatters(const VaultDependencies& dependencies);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SUBJECT_HANDLERS_H_
