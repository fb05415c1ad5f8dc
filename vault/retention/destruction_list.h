#ifndef PIIVAULT_VAULT_RETENTION_DESTRUCTION_LIST_H_
#define PIIVAULT_VAULT_RETENTION_DESTRUCTION_LIST_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/engine.h"
#include "storage/id.h"
#include "vault/crypto/sha256.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

using storage::v1::DestructionRow;

// Items of one list: what one commit destroys.
inline constexpr int kMaxDestructionItems = 100;
// Of which as many are shown at a time.
inline constexpr size_t kMaxDestructionsListed = 100;

// Lists of what is to be destroyed. They are rows like any other state, and not in the snapshot:
// only calls about destruction read them. `tenant` is the bare id.

storage::Key DestructionKey(std::string_view tenant, const storage::Id128& id);

// The list, for the read set too; nothing where there is none. DATA_LOSS.
[[nodiscard]] absl::StatusOr<std::optional<DestructionRow>> LoadDestruction(
    const storage::Engine& engine, const KeySnapshot& keys, std::string_view tenant,
    const storage::Id128& id, ChangeSet* changes);

// The newest of a tenant's, newest first; of those that wait for a decision alone, where `waiting`.
// Rows that do not open are left out.
[[nodiscard]] absl::StatusOr<std::vector<DestructionRow>> ListDestructions(
    const storage::Engine& engine, const KeySnapshot& keys, std::string_view tenant, bool waiting);

// An id for a list that is made at `now`: newer ones come first.
storage::Id128 NewDestructionId(absl::Time now, RandomSource& random);

// Stores it at its next version.
void PutDestruction(const KeySnapshot& keys, RandomSource& random, std::string_view tenant,
                    DestructionRow* row, ChangeSet* changes);

// Over all that an approval is of: tenant, id, policy, selector and items as they were selected.
Sha256Digest DestructionHash(std::string_view tenant, const DestructionRow& row);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RETENTION_DESTRUCTION_LIST_H_
