#ifndef PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_

#include <optional>
#include <string>
#include <vector>

#include "piivault/storage/v1/export.pb.h"
#include "vault/service/vault_call.h"

// Nothing but sharing_*.cc includes this.
namespace piivault::vault {

// Whether the caller has a system role that sees the ledger.
bool ReadsLedger(const VaultCall& call);
// Refuses whoever may not see the ledger of all people, by system role or policy.
std::optional<Plan> DecideLedger(VaultCall& call);

// An open notice of a recipient, to be changed.
struct OpenNotice {
  storage::Key key;
  storage::v1::CorrectionNoticeRow row;
};
// Those of these names, each once. A refusal, or nothing.
std::optional<Plan> LoadOpenNotices(VaultCall& call,
                                    const google::protobuf::RepeatedPtrField<std::string>& names,
                                    const storage::Id128& recipient_ref,
                                    std::vector<OpenNotice>* notices);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_READERS_H_
