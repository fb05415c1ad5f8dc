#ifndef PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_
#define PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/commit_and_wait.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/keyring.h"
#include "vault/records/damage.h"
#include "vault/rotation/old_rows.h"
#include "vault/rotation/row_mover.h"
#include "vault/state/state_store.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Moves the vault to a new key epoch: new epoch and tenant keys, then every wrap, index row and
// sealed row that hangs on an older one, in bounded steps. Destroys nothing by itself. A record's
// index rows go along with its wrap; the pass over the index finds what did not. While one step is
// being committed, the next one is prepared.
//
// Guarantees: every step is one commit with an entry, on the condition that the rows it replaces
// did not change meanwhile, so that it never brings back what was deleted. A wrap is moved only
// while its person's row says that the person is not erased, with that row in the read set: the
// wraps of an erased person stay on their epoch until ErasureWorker has removed them. Whatever
// writes after the first step writes under the new epoch, because every write has the epoch's cell
// in its read set; so one pass over the rows is enough. A rotation that was cut off goes on where
// Resume() finds it. A row that does not open is passed over, reported and counted with its epoch
// (KeyringRow.Epoch.damaged); the next rotation tries it again.
// Does not: throttle; whoever calls Step() does. Ownership: borrows all parts. One thread calls
// Begin(), Step() and Destroy(), which wait for the disk; backlog() may be read by any.
class EpochRotation {
 public:
  struct Parts {
    storage::Engine& engine;
    Keyring& keyring;
    KeyHierarchy& keys;
    StateStore& store;
    const ValueRules& rules;
    RandomSource& random;
    std::function<absl::Time()> now;  // vault time
    DamageReport damaged = {};        // rows that were passed over
  };

  explicit EpochRotation(Parts parts);

  // Starts a new epoch. FAILED_PRECONDITION while an older rotation has rows to do; ABORTED where a
  // tenant was made meanwhile: call again.
  [[nodiscard]] absl::Status Begin();
  // Whether something may hang on an older epoch; to be asked once after the start.
  void Resume();
  bool running() const { return running_; }

  // Prepares the next rows, waits for the commit of those before and hands these over; returns
  // whether there is more to do. When there is not, the older epochs are RETIRED. An error leaves
  // the rotation where it is, or puts it back to the last rows that were not committed: call again.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Destroys a retired epoch's key everywhere; finishes what was begun where the keyring has it
  // destroyed already. FAILED_PRECONDITION while a row hangs on it (I13), a row that does not say
  // on which epoch among them; for an active epoch and while a rotation runs; NOT_FOUND.
  [[nodiscard]] absl::Status Destroy(uint32_t epoch);

  // Whether steps may be some times larger, as nobody is held up by their commits.
  void set_large_steps(bool large) { large_steps_ = large; }
  // How many entries of steps were handed over since the start.
  uint64_t entries() const { return entries_; }

  // Rows that the running rotation has still to do; an estimate.
  uint64_t backlog() const { return backlog_.load(std::memory_order_relaxed); }

 private:
  // A place in the pass. Without `start`: at the beginning of the range.
  struct Cursor {
    size_t range = 0;
    std::string start;
  };
  // One step, before and while it is committed.
  struct StepInfo {
    Cursor from;
    uint64_t rows = 0;  // of the backlog
    std::vector<OldRow> damaged;
  };
  struct Prepared : StepInfo {
    Cursor to;
    std::unique_ptr<storage::Commit> commit;  // null where there are no rows
  };
  struct UnderWay : StepInfo {
    std::unique_ptr<storage::PendingCommit> commit;
  };

  // Plans the step at next_.
  absl::StatusOr<Prepared> Prepare();
  // Waits for the step under way, if there is one. An error (ABORTED for a conflict) puts next_
  // back to where it began.
  absl::Status Settle();
  void Forward(uint64_t rows);
  // Counts rows that were passed over.
  void PassOver(const EpochRange& range, const std::vector<OldRow>& rows);
  absl::Status CheckNothingHangsOn(uint32_t epoch) const;
  absl::Status Retire();
  // `epoch`: which one the operation is on, for the entry.
  absl::Status RecordKeyring(std::string_view operation, uint32_t epoch,
                             const std::vector<TenantKeyRow>& tenant_keys,
                             storage::v1::KeyringRow keyring);
  storage::v1::KeyringRow KeyringNow() const;
  absl::StatusOr<TenantKeyRow> CarriedKey(storage::TenantId tenant, uint32_t from,
                                          uint32_t to) const;
  void SetEntry(std::string_view operation, uint32_t epoch, uint64_t count,
                storage::Commit* commit) const;

  Parts parts_;
  const RowMover mover_;
  bool running_ = false;
  std::vector<EpochRange> ranges_;       // of this pass
  Cursor next_;                          // where the next step begins
  unsigned shrink_ = 0;                  // a step is halved so often, after conflicts
  std::unique_ptr<UnderWay> under_way_;  // the step that is being committed
  bool large_steps_ = false;
  uint64_t entries_ = 0;
  uint32_t leaving_ = 0;                  // the newest epoch that this rotation leaves
  std::map<uint32_t, uint64_t> damaged_;  // of this pass, by epoch
  std::set<uint32_t> index_left_;         // epochs with index rows that this pass left behind
  std::atomic<uint64_t> backlog_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_
