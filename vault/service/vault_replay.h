#ifndef PIIVAULT_VAULT_SERVICE_VAULT_REPLAY_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_REPLAY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "authz/decision.h"
#include "piivault/v1/types.pb.h"
#include "vault/service/vault_call.h"
#include "vault/service/vault_intake.h"

namespace piivault::vault {

// One record of a remembered answer. Borrows all.
struct ReplayItem {
  const std::string* name;     // of the record that was stored; empty where it was not
  const v1::Failure* failure;  // why not; may be null where `name` is not empty
  const IntakeRequest* request;
  const Intake* intake;
};

// Judges an answer that is given again as if the call were new: whether each record is still there
// and its person not erased, and the decision for `verb` with the person. For each item the reason
// why it may not be told again, or of what failed then its reason; kOk: as it was. Adds an item to
// the entry for each.
[[nodiscard]] absl::StatusOr<std::vector<authz::Reason>> JudgeReplay(
    VaultCall& call, authz::Verb verb, absl::Span<const ReplayItem> items);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_REPLAY_H_
