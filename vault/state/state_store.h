#ifndef PIIVAULT_VAULT_STATE_STATE_STORE_H_
#define PIIVAULT_VAULT_STATE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "google/protobuf/message_lite.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

class SnapshotBuilder;
class StateChange;

// Keeps the newest StateSnapshot in memory, and makes changes of it.
//
// Guarantees: loads only rows that open under their own key (DATA_LOSS otherwise); a change is in
// the snapshot before the engine's AppliedSequence() covers it, so that whoever takes `as_of` first
// and the snapshot second sees every change that the engine will not report as a conflict.
// Does not: commit. It hands out writes, touches and a hook for somebody's Commit.
// Ownership: borrows engine, key hierarchy and random, which must outlive it.
// Thread-safe.
class StateStore {
 public:
  // Reads all rows that decide, except subjects. DATA_LOSS for a row that was moved or altered, or
  // that contradicts another; FAILED_PRECONDITION where the vault was not initialized.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<StateStore>> Load(
      const storage::Engine& engine, KeyHierarchy& keys, RandomSource& random);

  std::shared_ptr<const StateSnapshot> snapshot() const;

  // Reads everything anew: for the engine's reopen hook. On an error the old snapshot stays, and
  // the engine must not accept commits.
  [[nodiscard]] absl::Status Reload();

  // Takes the hierarchy's keys over into the snapshot: to be called in the `applied` of whoever
  // changes them (rotation).
  void RefreshKeys();

  // An empty change, to be sealed with the keys of `base`. `base` should be the snapshot that the
  // change was decided with.
  StateChange NewChange(std::shared_ptr<const StateSnapshot> base);

 private:
  friend class StateChange;

  StateStore(const storage::Engine& engine, KeyHierarchy& keys, RandomSource& random);

  absl::StatusOr<std::shared_ptr<const StateSnapshot>> ReadAll() const;
  // On the committing thread.
  void Apply(const std::vector<std::function<void(SnapshotBuilder&)>>& updates,
             const std::vector<TenantKeyRow>& tenant_keys);
  void Swap(std::shared_ptr<const StateSnapshot> next);

  const storage::Engine& engine_;
  KeyHierarchy& keys_;
  RandomSource& random_;

  // One writer at a time. Guards no member: writers copy, change and swap.
  absl::Mutex writing_;
  // Guards the pointer alone; what it points to never changes.
  mutable absl::Mutex mutex_ ABSL_ACQUIRED_AFTER(writing_);
  std::shared_ptr<const StateSnapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
};

// Rows of one commit: sealed writes, cells read and touched, and the hook that shows them in the
// snapshot. Compiles policies and builds authz's structs before the commit, so that the hook only
// swaps. Not thread-safe.
//
// Each Put...() replaces the whole row; the row's own cell and the epoch's go to the read set, so
// that two changes of one row, or a change and a rotation, never overwrite each other.
class StateChange {
 public:
  StateChange(StateChange&&) noexcept = default;
  StateChange& operator=(StateChange&&) noexcept = default;

  // Where another policy comes into force, what it wants of the indexes is written along.
  void PutTenant(const storage::v1::TenantRow& row);
  // REQUIRES: the tenant is in the base.
  void PutIndexes(const TenantState& tenant, const TenantIndexes& indexes);
  // Keys of a new tenant; the hook installs them.
  void PutTenantKey(const TenantKeyRow& row);
  void PutPerson(const storage::v1::PersonRow& row);
  // Reads and touches the cells of identities that come or go, and the administrators' where the
  // row had or has the role.
  void PutPrincipal(const storage::v1::PrincipalRow& row);
  void PutPolicy(std::string_view hex, const storage::v1::PolicyRow& row,
                 std::shared_ptr<const authz::Policy> policy);
  // Keeps the compiled form of a policy whose row is there already; writes nothing.
  void KeepCompiled(std::shared_ptr<const authz::Policy> policy);
  void PutProposal(const storage::v1::ProposalRow& row);
  // Reads and touches the cell of its person's uses.
  void PutBreakGlass(const storage::v1::BreakGlassRow& row);
  // `sha256` is raw, 32 bytes.
  void PutDenylist(std::string_view sha256, const storage::v1::DenylistRow& row);

  // A tenant's matter, by its kind and id.
  void PutMatter(storage::TenantId tenant, const storage::v1::MatterRow& row);
  // REQUIRES: it is in the base.
  void RemoveMatter(storage::TenantId tenant, std::string_view kind, std::string_view id);

  void PutRecipient(const storage::v1::RecipientRow& row);
  // Those that this change brings, all at once. Reads and touches the cell of all keys. REQUIRES:
  // with those of the base they make a set (SigningKeys::Create()).
  void PutSigningKeys(const std::vector<storage::v1::SigningKeyRow>& rows);
  // Those that verify nothing any more. Reads and touches the cell of all keys. REQUIRES: they are
  // in the base, and retired.
  void RemoveSigningKeys(const std::vector<std::string>& kids);
  // `id` is 26 characters, of a new one. Reads and touches the cell of the tenant's revocations,
  // and removes those that are older than kExportRevocationKept by then.
  void PutExportRevocation(std::string_view id, const storage::v1::ExportRevocationRow& row);
  // Removes those of the tenant that are older than kExportRevocationKept at `now`; how many.
  size_t RemoveOldRevocations(std::string_view tenant, absl::Time now);

  void PutKeyring(const storage::v1::KeyringRow& row);

  // Reads and changes a cell without a row, e.g. RoleHoldersCell().
  void Touch(uint64_t cell);

  bool empty() const { return parts_.writes.empty(); }

  // What goes into a commit. `applied` owns all it needs but the store, which outlives the engine.
  struct Parts {
    std::vector<uint64_t> reads;
    std::vector<uint64_t> touches;
    std::vector<storage::Mutation> writes;
    std::function<void(const storage::LogPosition&)> applied;
  };
  // The change is spent.
  Parts Take();

  // Appends Take() to a storage::Commit or a Plan. Its `applied` runs behind one that is there.
  template <typename T>
  void MoveTo(T* target) {
    Parts parts = Take();
    target->reads.insert(target->reads.end(), parts.reads.begin(), parts.reads.end());
    target->touches.insert(target->touches.end(), parts.touches.begin(), parts.touches.end());
    for (storage::Mutation& write : parts.writes) target->writes.push_back(std::move(write));
    if (target->applied == nullptr) {
      target->applied = std::move(parts.applied);
    } else {
      target->applied = [first = std::move(target->applied),
                         second = std::move(parts.applied)](const storage::LogPosition& position) {
        first(position);
        second(position);
      };
    }
  }

 private:
  friend class StateStore;
  StateChange(StateStore& store, std::shared_ptr<const StateSnapshot> base);

  // Seals, and puts the row's cell into the read set.
  void Put(storage::Key key, uint64_t version, const google::protobuf::MessageLite& row);
  // The row goes, and its cell into the read set.
  void Remove(storage::Key key);

  // What a policy that comes into force wants of a tenant's indexes.
  void WantIndexes(const TenantState& tenant, const authz::Policy& policy);

  StateStore* store_;
  std::shared_ptr<const StateSnapshot> base_;
  // By their hexadecimal SHA-256: those that this change brings.
  std::map<std::string, std::shared_ptr<const authz::Policy>, std::less<>> policies_;
  Parts parts_;
  std::vector<std::function<void(SnapshotBuilder&)>> updates_;
  std::vector<TenantKeyRow> tenant_keys_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_STATE_STORE_H_
