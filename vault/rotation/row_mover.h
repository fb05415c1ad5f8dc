#ifndef PIIVAULT_VAULT_ROTATION_ROW_MOVER_H_
#define PIIVAULT_VAULT_ROTATION_ROW_MOVER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/rotation/old_rows.h"
#include "vault/state/state_snapshot.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// What it takes to bring rows under the active epoch.
//
// Guarantees: what a move rests on is in `reads` also where the row is passed over, so that a view
// of rows that no moment ever had is not taken for damage. A wrap's move takes the record's index
// rows along where the wrap is that of the record's newest version and all of it opens; whatever
// is left of the index is moved from its own rows, all rows of a record at once.
// Does not: take `as_of`, commit. Ownership: borrows all parts. Thread-safe.
class RowMover {
 public:
  struct Moves {
    size_t looked_at = 0;         // of the rows that were given, from the first on; at least one
    std::string next;             // key of the first that was not; empty where there is none
    uint64_t moved = 0;           // of those that were
    uint64_t gone = 0;            // rows of older epochs besides that are removed along with them
    std::vector<OldRow> damaged;  // of these, those to be passed over
    std::vector<uint64_t> reads;
    std::vector<storage::Mutation> writes;
  };

  RowMover(const storage::Engine& engine, const ValueRules& rules, RandomSource& random)
      : engine_(engine), rules_(rules), random_(random) {}

  // `rows` are of `range`, ascending. An error concerns all of them.
  [[nodiscard]] absl::StatusOr<Moves> Plan(const EpochRange& range, const StateSnapshot& state,
                                           std::vector<OldRow> rows) const;

 private:
  class Work;

  const storage::Engine& engine_;
  const ValueRules& rules_;
  RandomSource& random_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_ROW_MOVER_H_
