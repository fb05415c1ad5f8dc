#ifndef PIIVAULT_VAULT_LEDGER_SHARING_SWEEPER_H_
#define PIIVAULT_VAULT_LEDGER_SHARING_SWEEPER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/signing_keys.h"
#include "vault/ledger/sweep_step.h"
#include "vault/records/change_set.h"
#include "vault/records/damage.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// How long the row of a retired signing key stays: it verifies for the longest life of a token, and
// stays as long again.
inline constexpr absl::Duration kRetiredSigningKeyKept = absl::Hours(48);

// Drops what sharing with third parties need not keep any more (ops/docs/design/0013-sharing.md,
// "What is dropped when"): people of tokens that were never issued or have ended, tokens,
// disclosures whose time is over with what hangs on them, acknowledged notices, revocations and
// signing keys. It goes over all rows, the vault's own and then tenant by tenant, in bounded steps.
//
// Guarantees: a step that drops anything is one commit with an entry that says how many rows of
// what, on the condition that what it rests on did not change meanwhile. What it takes to tell that
// a row may go, stays until the row is gone; so a pass that was cut off, which begins anew, leaves
// the same rows. A row that does not open is reported once, and stays, as does what hangs on it.
// Does not: throttle; remember where it stood when the process ends. Ownership: borrows all parts.
// One thread calls Step(), which waits for the disk; the numbers may be read by any.
class SharingSweeper {
 public:
  struct Parts {
    storage::Engine& engine;
    StateStore& store;
    RandomSource& random;
    std::function<absl::Time()> now;  // vault time
    DamageReport damaged = {};        // rows that were passed over
    size_t step_rows = 256;           // that one step looks at
  };

  explicit SharingSweeper(Parts parts) : parts_(std::move(parts)) {}

  // One step; whether there is more to do in this pass. After the last one the next begins another
  // pass. An error leaves that tenant to the next pass: call again.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Entries of steps, and rows dropped, since the start.
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  // What a tenant's rows are gone over for, in this order: a disclosure goes before the token that
  // it is of, which the next pass drops.
  enum class Stage { kRevocations, kTokens, kStrayParts, kDisclosures, kNotices, kEnd };
  // What one step drops.
  struct Drops {
    std::map<std::string_view, uint64_t> rows;  // by what an entry calls them
    ChangeSet changes;
    std::optional<StateChange> state;
  };

  absl::Status StepOfVault(const std::shared_ptr<const StateSnapshot>& state, uint64_t as_of);
  absl::Status StepOfTenant(const std::shared_ptr<const StateSnapshot>& state,
                            const TenantState& tenant, uint64_t as_of);
  absl::Status SweepRows(const StateSnapshot& state, const TenantState& tenant, SweepPlace* place,
                         Drops* drops, std::vector<storage::Key>* damaged) const;
  // Nothing where nothing is dropped. `tenant`: null for the vault's own rows.
  absl::Status Commit(const TenantState* tenant, uint64_t as_of, Drops drops);
  void Report(const std::vector<storage::Key>& damaged);

  const Parts parts_;
  // Where the pass stands: the tenant that comes next is this one or the first behind it; absent:
  // the vault's own rows come next.
  std::optional<std::string> tenant_;
  Stage stage_ = Stage::kRevocations;
  SweepPlace place_;
  unsigned shrink_ = 0;  // a step is halved so often, after conflicts
  std::unordered_set<uint64_t> reported_;
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_SHARING_SWEEPER_H_
