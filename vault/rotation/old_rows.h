#ifndef PIIVAULT_VAULT_ROTATION_OLD_ROWS_H_
#define PIIVAULT_VAULT_ROTATION_OLD_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Where rows hang on an epoch: tables and prefixes, and how a row there says its epoch.
struct EpochRange {
  enum class Kind { kWraps, kIndex, kSealed };
  Kind kind;
  storage::TenantId tenant;
  uint32_t epoch;  // of index rows
  storage::Key prefix;
};

// A row that is not the active epoch's. Without `epoch` it does not say whose it is.
struct OldRow {
  storage::Key key;
  std::string value;
  std::optional<uint32_t> epoch;
};

// Everything that can hang on an epoch, in the order in which a rotation goes through it: a
// tenant's wraps before its index rows, which go along with them.
std::vector<EpochRange> AllEpochRanges(const StateSnapshot& state, const KeySnapshot& keys);

// Rows of `range` from `start` on (empty: from its beginning) that are not of epoch `active`, at
// most `limit` and of some MiB; moves `start` behind what was looked at, to empty at the end. Of
// index rows it looks at one part of the digests at a time: nearly all of them have gone with the
// wraps, and stepping over what was deleted takes its time, too.
[[nodiscard]] absl::StatusOr<std::vector<OldRow>> CollectOldRows(const storage::Engine& engine,
                                                                 const EpochRange& range,
                                                                 uint32_t active, size_t limit,
                                                                 std::string* start);

// About how many such rows there are in `range`; the exact number where there are few. Looks at the
// first ones only and takes the ids behind them to be as dense, since they are random; of rows by
// name, which are no tenant's, it counts those first ones.
uint64_t EstimateOldRows(const storage::Engine& engine, const EpochRange& range, uint32_t active);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_OLD_ROWS_H_
