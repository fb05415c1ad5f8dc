#ifndef PIIVAULT_VAULT_STATE_STATE_STORE_H_
#define PIIVAULT_VAULT_STATE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/keys/epoch_keys.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

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
  struct Update;

  StateStore(const storage::Engine& engine, KeyHierarchy& keys, RandomSource& random);

  absl::StatusOr<std::shared_ptr<const StateSnapshot>> ReadAll() const;
  // On the committing thread.
  void Apply(const std::vector<Update>& updates);

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
  StateChange(StateChange&&) noexcept;
  StateChange& operator=(StateChange&&) noexcept;
  ~StateChange();

  void PutTenant(const storage::v1::TenantRow& row);
  // Keys of a new tenant; the hook installs them.
  void PutTenantKey(const TenantKeyRow& row);
  void PutPerson(const storage::v1::PersonRow& row);
  // Touches the cells of identities that come or go, and the administrators' where it might matter.
  void PutPrincipal(const storage::v1::PrincipalRow& row);
  void PutPolicy(std::string_view hex, const storage::v1::PolicyRow& row,
                 std::shared_ptr<const authz::Policy> policy);
  void PutProposal(const storage::v1::ProposalRow& row);
  // `sha256` is raw, 32 bytes.
  void PutDenylist(std::string_view sha256, const storage::v1::DenylistRow& row);

  bool empty() const;

  // Moves the change into a commit: appends reads, touches and writes, and sets `applied` (behind
  // one that is there already). The change is spent.
  void MoveTo(storage::Commit* commit);

 private:
  friend class StateStore;
  StateChange(StateStore& store, std::shared_ptr<const StateSnapshot> base);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_STATE_STATE_STORE_H_
