#ifndef PIIVAULT_VAULT_ROTATION_INDEX_BUILDER_H_
#define PIIVAULT_VAULT_ROTATION_INDEX_BUILDER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/change_set.h"
#include "vault/records/damage.h"
#include "vault/records/record_loader.h"
#include "vault/records/tenant_scope.h"
#include "vault/state/index_pass.h"
#include "vault/state/state_store.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Brings the index rows of records to what the policy in force wants, where another policy wants
// another index, or the program has another normaliser: goes over the records of the types that
// this concerns, in bounded steps, tenant by tenant in turn.
//
// Guarantees: every step is one commit with an entry, on the condition that the records that it was
// made of did not change meanwhile, and says in the same commit how far it is; so a pass that was
// cut off goes on there. Another policy that comes into force begins it anew. While it lasts a
// value has its rows by a form that is among the tenant's TenantIndexes; when it is done, no row of
// another form is left but those of records that do not open, which are counted and reported. Rows
// that a rotation or a write brings to the wanted form first are right, too.
// Counts records whose value of a newly unique field another one was seen to have as well, one at
// least for each such value; it cannot mend them.
// Does not: throttle; rely on anything but the records: type rows that were taken away hide their
// records from it, as from lists. Ownership: borrows all parts. One thread calls Begin() and
// Step(), which wait for the disk; the numbers may be read by any.
class IndexBuilder {
 public:
  struct Parts {
    storage::Engine& engine;
    StateStore& store;
    const ValueRules& rules;
    RandomSource& random;
    std::function<absl::Time()> now;  // vault time
    DamageReport damaged = {};        // records that were passed over
    // Records of one step: a few milliseconds of work, and a commit that holds up those behind it
    // for no longer.
    size_t step_records = 64;
  };

  explicit IndexBuilder(Parts parts);

  // Writes down what another normaliser of the program wants. Before any call is served.
  [[nodiscard]] absl::Status Begin();

  // One step of one tenant; whether there is more to do now. An error leaves that tenant alone for
  // a while: call again.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Whether steps may be some times larger, as nobody is held up by their commits.
  void set_large_steps(bool large) { large_steps_ = large; }
  // Entries of steps, and records that were gone over, since the start.
  uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  uint64_t records() const { return records_.load(std::memory_order_relaxed); }

 private:
  struct StepWork;

  // How one tenant goes on.
  struct Pace {
    unsigned shrink = 0;  // a step is halved so often, after conflicts
    absl::Time rest_until = absl::InfinitePast();
  };

  absl::Status StepOf(const std::shared_ptr<const StateSnapshot>& state, const TenantState& tenant,
                      uint64_t as_of, unsigned shrink);
  // Plans the records behind the pass's place and moves that; the type is done where it is empty.
  absl::Status PlanRecords(const TenantScope& scope, StepWork* work) const;
  // Of some of them; adds up the size of their rows. What does not open is counted in `work`.
  absl::Status PlanSlice(const TenantScope& scope,
                         absl::Span<const storage::RecordLocator> locators, StepWork* work,
                         size_t* bytes) const;
  absl::Status PlanRecord(const TenantScope& scope, LoadedRecord& record, StepWork* work) const;
  // Persons that were erased: their records lose all rows.
  absl::Status PlanErased(const TenantScope& scope,
                          const std::vector<storage::RecordLocator>& records, StepWork* work) const;

  const Parts parts_;
  std::string last_;                                // tenant of the last step
  std::map<std::string, Pace, std::less<>> paces_;  // of tenants that are not done
  bool large_steps_ = false;
  std::atomic<uint64_t> entries_{0};
  std::atomic<uint64_t> records_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_ROTATION_INDEX_BUILDER_H_
