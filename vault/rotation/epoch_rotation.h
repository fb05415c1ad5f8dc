#ifndef PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_
#define PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"
#include "vault/keys/keyring.h"
#include "vault/records/damage.h"
#include "vault/state/state_store.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Moves the vault to a new key epoch: new epoch and tenant keys, then every wrap, index row and
// sealed row that hangs on an older one, in bounded steps. Destroys nothing by itself.
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

  // Does the next rows; returns whether there is more to do. When there is not, the older epochs
  // are RETIRED. An error leaves the rotation where it is: call again.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Destroys a retired epoch's key everywhere; finishes what was begun where the keyring has it
  // destroyed already. FAILED_PRECONDITION while a row hangs on it (I13), a row that does not say
  // on which epoch among them; for an active epoch and while a rotation runs; NOT_FOUND.
  [[nodiscard]] absl::Status Destroy(uint32_t epoch);

  // Rows that the running rotation has still to do, as far as it has counted; an estimate.
  uint64_t backlog() const { return backlog_.load(std::memory_order_relaxed); }

 private:
  // What one pass walks over, one table and prefix after the other.
  enum class Kind { kWraps, kIndex, kSealed };
  struct Range {
    Kind kind;
    storage::TenantId tenant;
    uint32_t epoch;  // of index rows
    storage::Key prefix;
  };

  // A row that is not the active epoch's. Without `epoch` it does not say whose it is.
  struct Row {
    storage::Key key;
    std::string value;
    std::optional<uint32_t> epoch;
  };
  // What one row's move comes to. What it rests on is complete also where the row is passed over,
  // so that a view of rows that no moment ever had is not taken for damage.
  struct Move {
    std::vector<uint64_t> reads;
    std::vector<storage::Mutation> writes;
  };

  std::vector<Range> RangesNow() const;
  // Rows of `range` from `start` on that are not the active epoch's, at most `limit`; moves `start`
  // behind what was looked at, to empty at the end.
  absl::StatusOr<std::vector<Row>> Collect(const Range& range, std::string* start,
                                           size_t limit) const;
  // DATA_LOSS for a row that is to be passed over; a move without writes leaves it where it is.
  absl::Status MoveRow(const Range& range, const StateSnapshot& state, const Row& row,
                       Move* move) const;
  absl::Status ReWrap(const Range& range, const StateSnapshot& state, const Row& row,
                      Move* move) const;
  // Puts a note of the erasure there where none is: without it ErasureWorker would never come.
  absl::Status MendErasure(storage::TenantId tenant, const storage::Id128& subject,
                           const KeySnapshot& keys, Move* move) const;
  absl::Status ReIndex(const Range& range, const StateSnapshot& state, const Row& row,
                       Move* move) const;
  // Counts rows that were passed over.
  void PassOver(const Range& range, const std::vector<Row>& rows);
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
  uint64_t CountRows() const;

  Parts parts_;
  bool running_ = false;
  std::vector<Range> ranges_;             // of this pass, those to come
  std::string start_;                     // within the last of them
  size_t step_rows_;                      // fewer after a conflict
  uint32_t leaving_ = 0;                  // the newest epoch that this rotation leaves
  std::map<uint32_t, uint64_t> damaged_;  // of this pass, by epoch
  std::set<uint32_t> index_left_;         // epochs with index rows that this pass left behind
  std::atomic<uint64_t> backlog_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_EPOCH_ROTATION_H_
