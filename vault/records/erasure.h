#ifndef PIIVAULT_VAULT_RECORDS_ERASURE_H_
#define PIIVAULT_VAULT_RECORDS_ERASURE_H_

#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "authz/policy.h"
#include "storage/engine.h"
#include "vault/records/change_set.h"
#include "vault/records/record_finder.h"
#include "vault/records/record_writer.h"
#include "vault/records/subject_rows.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// Who erases, for the entries of what follows later.
struct ErasureRequest {
  std::string_view principal;           // without `principals/`
  std::string_view certificate_sha256;  // 32 bytes
  std::string_view tenant;              // without `tenants/`
};

// What an erasure took or takes away.
struct ErasurePlan {
  struct Removed {
    std::string record_ref;
    uint64_t version = 0;
  };
  std::vector<Removed> removed;  // records that go in this very batch
  int records = 0;               // all that the person had
};

// Plans the commit that erases a person: the tombstone, and with it all rows of all records where
// the person has at most kErasureBatch; else the note by which ErasureWorker removes them.
//
// Guarantees (I12): once committed, no path yields a value of this person, because the tombstone
// stands before every one of them; no record can be added, because whoever plans that has this
// person's cell in the read set. Each record's wrap goes in one batch with its row, tokens and
// index rows, so that a wrap is never left behind by what points to it.
// REQUIRES: `subject` was loaded for this message and is not erased.
inline constexpr size_t kErasureBatch = 200;
[[nodiscard]] absl::StatusOr<ErasurePlan> PlanErasure(
    const RecordWriter::Deps& deps, const TenantScope& tenant, const authz::Policy& policy,
    const ErasureRequest& request, SubjectState subject, absl::Time now, ChangeSet* changes);

// Removes what erasures have left behind, a bounded batch at a time; goes on where a process ended.
//
// Guarantees: removes rows of persons with a tombstone alone, each batch with its entry.
// Does not: run by itself: somebody calls Step() at start-up and after erasures until it says that
// nothing is left. Records that do not open lose wrap and row; their index rows, which lead
// nowhere, stay. Ownership: borrows all. Thread-compatible; not on an engine thread, as it waits
// for commits.
class ErasureWorker {
 public:
  ErasureWorker(storage::Engine& engine, const StateStore& store, const ValueRules& rules,
                const UniqueCells& unique, RandomSource& random, std::function<absl::Time()> now);

  // One batch. True where there may be more to do. ABORTED where somebody else changed the rows
  // meanwhile (call again); UNAVAILABLE; DATA_LOSS for a note that was moved or altered: that one
  // is passed over from then on, the next call goes on with the others.
  [[nodiscard]] absl::StatusOr<bool> Step();

 private:
  absl::StatusOr<bool> Continue(const storage::Key& key, std::string_view note);

  storage::Engine& engine_;
  const StateStore& store_;
  const RecordWriter::Deps deps_;
  const std::function<absl::Time()> now_;
  std::string start_;  // notes below it were passed over
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_ERASURE_H_
