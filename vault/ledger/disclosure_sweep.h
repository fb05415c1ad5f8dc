#ifndef PIIVAULT_VAULT_LEDGER_DISCLOSURE_SWEEP_H_
#define PIIVAULT_VAULT_LEDGER_DISCLOSURE_SWEEP_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/export.pb.h"
#include "vault/ledger/sweep_step.h"

namespace piivault::vault {

// Whether the ledger need not keep the disclosure any more: `keep_micros` is over, and so is the
// life of any token that it can be of.
bool IsOver(const storage::v1::DisclosureRow& row, absl::Time now);

// Plans, of the tenant's next disclosures, that those go which are over: the people in it with the
// rows that lead to it from them, some in each step; what the recipient holds of each when it was
// the last disclosure of the person to it; and last, in the step that finds nobody left, the
// disclosure itself. Whoever's row does not open stays, and with it the disclosure.
[[nodiscard]] absl::Status SweepDisclosures(SweepStep* step, SweepPlace* place);

// Plans, of the tenant's next notices, that those go which are acknowledged and about a holding
// that is gone. Open ones stay.
[[nodiscard]] absl::Status SweepNotices(SweepStep* step, SweepPlace* place);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_DISCLOSURE_SWEEP_H_
