#ifndef PIIVAULT_VAULT_STATE_OPEN_ROWS_H_
#define PIIVAULT_VAULT_STATE_OPEN_ROWS_H_

#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "vault/keys/sealed_row.h"

// How the rows that decide are read at the start. Nothing but vault/state includes this.
namespace piivault::vault {

inline absl::Status Contradiction() {
  return absl::DataLossError("a row of the state contradicts its key or another row");
}

// Opens every row of one kind; `use` gets the name in the key, the message and the row's version.
template <typename Row, typename Use>
absl::Status OpenAll(const storage::Engine& engine, const KeySnapshot& keys,
                     storage::StateKind kind, Use use) {
  const storage::Key prefix = storage::StatePrefix(kind);
  absl::Status result;
  absl::Status scanned = engine.Scan(
      prefix, prefix.bytes, std::numeric_limits<size_t>::max(),
      [&](std::string_view key, std::string_view value) {
        storage::Key whole{storage::Table::kState, std::string(key)};
        absl::StatusOr<OpenedRow<Row>> row = OpenRow<Row>(keys, whole, value);
        result = row.ok() ? use(std::string(storage::StateKeyName(key)), row->message, row->version)
                          : row.status();
        return result.ok();
      });
  return scanned.ok() ? result : scanned;
}

class SnapshotBuilder;

// Recipients and revocations of export tokens.
// REQUIRES: tenants and principals are in `builder`.
[[nodiscard]] absl::Status ReadSharingState(const storage::Engine& engine, const KeySnapshot& keys,
                                            SnapshotBuilder* builder);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_OPEN_ROWS_H_
