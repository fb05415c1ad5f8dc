#ifndef PIIVAULT_VAULT_STATE_INDEX_PASS_H_
#define PIIVAULT_VAULT_STATE_INDEX_PASS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/engine.h"
#include "storage/keys.h"
#include "vault/keys/epoch_keys.h"

namespace piivault::vault {

// Where the pass over a tenant's records is that brings their index rows to another form, or where
// the last one ended.
struct IndexPass {
  storage::v1::IndexPassRow row;
  uint64_t version = 0;  // of the row on disk; 0: there is none
};

storage::Key IndexPassKey(std::string_view tenant);

// Absent where there was none. DATA_LOSS for a row that does not open; UNAVAILABLE.
[[nodiscard]] absl::StatusOr<std::optional<IndexPass>> ReadIndexPass(const storage::Engine& engine,
                                                                     const KeySnapshot& keys,
                                                                     std::string_view tenant);

// The record behind which it goes on; absent: at the first of its type.
std::optional<storage::RecordLocator> PlaceOf(const storage::v1::IndexPassRow& pass);

// How much of it is done, 0 to 100: by the types before the one that it is at, and by the place in
// that, as ids are random. `types`: what is to be gone over, ascending.
int PercentOf(const storage::v1::IndexPassRow& pass, const std::vector<std::string>& types);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_INDEX_PASS_H_
