#ifndef PIIVAULT_VAULT_LEDGER_TOKEN_SWEEP_H_
#define PIIVAULT_VAULT_LEDGER_TOKEN_SWEEP_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/export.pb.h"
#include "vault/ledger/sweep_step.h"

namespace piivault::vault {

// How long the people of a call stay that has issued no token, counted from when they were stored:
// longer than any call takes.
inline constexpr absl::Duration kStrayPartsKept = absl::Hours(24);
// How long a token's row stays after its end, at least.
inline constexpr absl::Duration kEndedTokenKept = absl::Hours(24 * 90);

// From when on nobody redeems it, whatever happens to it: its expiry, and of one that waits for
// approvals the end of its waiting.
absl::Time EndOfToken(const storage::v1::ExportTokenRow& row);

// Plans, of the tenant's next tokens: the people of those that have ended or were rejected go; the
// row itself goes kEndedTokenKept after the end, once no disclosure of it is left. One that was
// used up or revoked waits for its end, which is two days off at most.
[[nodiscard]] absl::Status SweepTokens(SweepStep* step, SweepPlace* place);

// Plans, of the tenant's next people of tokens: those go whose token has no row, after
// kStrayPartsKept. What has a row, also one that does not open, is left alone.
[[nodiscard]] absl::Status SweepStrayParts(SweepStep* step, SweepPlace* place);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_TOKEN_SWEEP_H_
