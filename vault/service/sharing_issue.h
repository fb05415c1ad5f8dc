#ifndef PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "vault/ledger/notice_survey.h"
#include "vault/service/sharing_ask.h"

// Nothing but sharing_*.cc includes this.
namespace piivault::vault {

// Where there is a gate, as the rule asks that all people were told: a plan that waits while they
// are gone over, or that refuses, and tells how many were not where `counted`; nothing where all
// were, or need not be. `survey` is the call's.
std::optional<Plan> CheckNotified(VaultCall& call, const std::optional<authz::NoticeGate>& gate,
                                  bool counted, NoticeSurvey* survey);

// Lets the token's life begin, and signs it; a new signing key goes into `change` where one is due.
[[nodiscard]] absl::StatusOr<std::string> StartToken(VaultCall& call, ExportTokenState* token,
                                                     StateChange* change);

// The text of a token whose life has begun: by whichever key signs now.
[[nodiscard]] absl::StatusOr<std::string> SignToken(VaultCall& call, const ExportTokenState& token,
                                                    StateChange* change);

// Puts a new signing key, and the one before without its private half. The new set.
[[nodiscard]] absl::StatusOr<SigningKeys> ReplaceSigningKey(const StateSnapshot& state,
                                                            RandomSource& random, absl::Time now,
                                                            StateChange* change);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_
