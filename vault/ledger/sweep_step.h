#ifndef PIIVAULT_VAULT_LEDGER_SWEEP_STEP_H_
#define PIIVAULT_VAULT_LEDGER_SWEEP_STEP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"
#include "vault/state/state_snapshot.h"

// What the parts of SharingSweeper share. Nothing but vault/ledger/*sweep* includes this.
namespace piivault::vault {

// Where a sweep over the rows of one kind stands.
struct SweepPlace {
  // Key bytes of the row that comes next, or before it; empty: the first one.
  std::string next = {};
  // Of the disclosure at `next`: where it goes on among its people, and whether a row of one of
  // them has to stay.
  std::string person = {};
  bool keeps_people = false;
  // Of the token at `next`: how many of its parts went in earlier steps.
  int parts = 0;
  bool at_end = false;
};

// One step of a sweep of one tenant, while it is planned. Borrows what it refers to.
struct SweepStep {
  const storage::Engine& engine;
  const StateSnapshot& state;
  const TenantState& tenant;
  const TenantScope& scope;
  RandomSource& random;
  absl::Time now;
  size_t rows;  // to look at, at most

  ChangeSet changes = {};
  std::map<std::string_view, uint64_t> dropped = {};  // by what an entry calls them
  std::vector<storage::Key> damaged = {};             // passed over

  void Drop(std::string_view what, storage::Key key) {
    ++dropped[what];
    changes.Delete(std::move(key));
  }
  size_t looked_up = 0;  // rows that others lead to
  // What one commit holds.
  bool full() const { return changes.writes.size() >= kMutations || looked_up >= kMutations; }
  static constexpr size_t kMutations = 4'000;
};

struct SweptRow {
  storage::Key key;
  std::string value;
};

// The next rows of Table::kSharing behind `prefix`, `limit` at most; moves the place behind them.
[[nodiscard]] inline absl::StatusOr<std::vector<SweptRow>> NextRows(const storage::Engine& engine,
                                                                    const storage::Key& prefix,
                                                                    size_t limit,
                                                                    SweepPlace* place) {
  std::vector<SweptRow> rows;
  const std::string& start = place->next.empty() ? prefix.bytes : place->next;
  const absl::Status scanned =
      engine.Scan(prefix, start, limit, [&](std::string_view key, std::string_view value) {
        rows.push_back({{prefix.table, std::string(key)}, std::string(value)});
        return true;
      });
  if (!scanned.ok()) return scanned;
  place->at_end = rows.size() < limit;
  if (!rows.empty()) place->next = rows.back().key.bytes + '\0';
  return rows;
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_SWEEP_STEP_H_
