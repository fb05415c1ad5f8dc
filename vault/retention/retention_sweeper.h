#ifndef PIIVAULT_VAULT_RETENTION_RETENTION_SWEEPER_H_
#define PIIVAULT_VAULT_RETENTION_RETENTION_SWEEPER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/damage.h"
#include "vault/records/record_writer.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

class Destroyer;

// Destroys what is due and asks for nobody's approval: what the policy says goes by itself, and
// what was left of people who were erased when the law kept some of it. Goes over all records,
// tenant by tenant, in bounded steps.
//
// Guarantees: a step that destroys anything is one commit with an entry that names each field, on
// the condition that neither the records nor their people nor the policy changed meanwhile. What a
// law keeps, or the policy wants approved, is left. A pass that was cut off begins anew, and finds
// what is left. A record that does not open is reported once and stays.
// Does not: throttle; remember where it stood when the process ends. Ownership: borrows all parts.
// One thread calls Step(), which waits for the disk; the numbers may be read by any.
class RetentionSweeper {
 public:
  struct Parts {
    storage::Engine& engine;
    StateStore& store;
    const ValueRules& rules;
    const UniqueCells& unique;
    RandomSource& random;
    std::function<absl::Time()> now;  // vault time
    DamageReport damaged = {};        // records that were passed over
    size_t step_records = 64;         // that one step looks at
  };

  explicit RetentionSweeper(Parts parts) : parts_(std::move(parts)) {}

  // One step; whether there is more to do in this pass. After the last one the next begins another
  // pass. An error leaves that tenant to the next pass: call again.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Entries of steps, and fields destroyed, since the start.
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t destroyed() const { return destroyed_.load(std::memory_order_relaxed); }
  // Fields that were due and waited for an approval, as the last whole pass found them.
  uint64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }

 private:
  struct StepWork;

  absl::Status StepOf(const std::shared_ptr<const StateSnapshot>& state, const TenantState& tenant,
                      uint64_t as_of);
  absl::Status PlanRecords(const TenantScope& scope, const authz::Policy& policy,
                           absl::Span<const storage::RecordLocator> locators, Destroyer* destroyer,
                           StepWork* work);
  absl::Status PlanRecord(const authz::Policy& policy, LoadedRecord* record, Destroyer* destroyer,
                          StepWork* work) const;
  // The next person behind the place of whom a law has kept something; the stage ends where there
  // is none. Destroys what it keeps no more, and erases who has no record left.
  absl::Status PlanPerson(const TenantScope& scope, const authz::Policy& policy,
                          Destroyer* destroyer, StepWork* work);
  absl::Status Commit(const TenantState& tenant, uint64_t as_of, StepWork* work);
  void EndTenant();
  void PassOver(const storage::Key& key);

  const Parts parts_;
  // Where the pass stands: the tenant that comes next is this one or the first behind it.
  std::string tenant_;
  // First people of whom a law has kept something, then all records.
  bool at_records_ = false;
  std::string person_;                           // key of the note that was looked at last
  bool left_ = false;                            // of that person, something
  std::optional<storage::RecordLocator> after_;  // the last record that was looked at
  uint64_t first_ = 0;                           // cell of what the step looked at first, or 0
  int conflicts_ = 0;                            // of one step, one after another
  unsigned shrink_ = 0;                          // a step is halved so often, after conflicts
  uint64_t waiting_now_ = 0;                     // of this pass
  std::unordered_set<uint64_t> passed_over_;     // in this pass
  std::unordered_set<uint64_t> reported_;
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> destroyed_{0};
  std::atomic<uint64_t> waiting_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RETENTION_RETENTION_SWEEPER_H_
