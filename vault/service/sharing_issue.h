#ifndef PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_
#define PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "vault/ledger/notice_survey.h"
#include "vault/service/sharing_ask.h"

// Nothing but sharing_*.cc includes this.
namespace piivault::vault {

// What all people have to have been told before anything goes to the recipient by the rule: of a
// matter that the recipient is registered for. Nothing where the rule does not ask for it.
std::optional<NoticeToAll> NoticeOf(const VaultCall& call, const authz::RecipientSpec& rule,
                                    const storage::v1::RecipientRow& recipient);

// Where there is a notice: a plan that waits while people are gone over, or that refuses, and tells
// how many were not told where `counted`; nothing where all were. `survey` is the call's.
std::optional<Plan> CheckNotified(VaultCall& call, const std::optional<NoticeToAll>& notice,
                                  bool counted, NoticeSurvey* survey);

// Lets the token's life begin, and signs it; a new signing key goes into `change` where one is due.
[[nodiscard]] absl::StatusOr<std::string> StartToken(VaultCall& call, ExportTokenState* token,
                                                     StateChange* change);

// The text of a token whose life has begun, by this key.
[[nodiscard]] absl::StatusOr<std::string> TextOf(const VaultCall& call,
                                                 const ExportTokenState& token,
                                                 const SigningKey& key);

// The text of a token whose life has begun: by whichever key signs now.
[[nodiscard]] absl::StatusOr<std::string> SignToken(VaultCall& call, const ExportTokenState& token,
                                                    StateChange* change);

// Puts a new signing key, and the one before without its private half. The new set.
[[nodiscard]] absl::StatusOr<SigningKeys> ReplaceSigningKey(const StateSnapshot& state,
                                                            RandomSource& random, absl::Time now,
                                                            StateChange* change);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SHARING_ISSUE_H_
