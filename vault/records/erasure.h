#ifndef PIIVAULT_VAULT_RECORDS_ERASURE_H_
#define PIIVAULT_VAULT_RECORDS_ERASURE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
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
// Guarantees: removes rows of persons with a tombstone alone, each batch with its entry. What a
// note says is for those entries; it is the tombstone that orders the removal, so that a note that
// was altered stops nothing. A person whose rows cannot be removed keeps nobody else's waiting:
// that one is reported and tried again after a pause that doubles from kFirstRetry to kLastRetry.
// Does not: run by itself: somebody calls Step() at start-up and after erasures until it says that
// nothing is left; see an erasure whose note was taken away: a rotation, which comes upon the
// wraps, puts a new one there. Records that do not open lose wrap and row; their index rows and
// token handles, which lead nowhere, stay. Ownership: borrows all. Thread-compatible, but failing()
// is for any thread; not on an engine thread, as it waits for commits.
class ErasureWorker {
 public:
  static constexpr absl::Duration kFirstRetry = absl::Seconds(30);
  static constexpr absl::Duration kLastRetry = absl::Hours(1);

  // Told of a note whose person could not be removed, and why. May be empty.
  using Report = std::function<void(const storage::Key& note, const absl::Status& cause)>;

  ErasureWorker(storage::Engine& engine, const StateStore& store, const ValueRules& rules,
                const UniqueCells& unique, RandomSource& random, std::function<absl::Time()> now,
                Report report = nullptr);

  // One batch, or one failure. True where there may be more to do now. ABORTED where somebody else
  // changed the rows meanwhile (call again); UNAVAILABLE and such where nobody's rows can be
  // removed at the moment.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Persons whose removal failed and will be tried again.
  uint64_t failing() const { return failing_.load(std::memory_order_relaxed); }

 private:
  struct Failure {
    absl::Duration pause;
    absl::Time due;
  };

  // Removes the next rows of one person. An error is about this person alone, unless it is
  // UNAVAILABLE.
  absl::Status Plan(const storage::Key& key, std::string_view note, storage::Commit* commit) const;
  void Fail(const storage::Key& key, const absl::Status& cause);

  storage::Engine& engine_;
  const StateStore& store_;
  const RecordWriter::Deps deps_;
  const std::function<absl::Time()> now_;
  const Report report_;
  std::map<std::string, Failure> failures_;  // by the note's key
  std::string start_;                        // notes below it were passed over
  std::atomic<uint64_t> failing_{0};
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_ERASURE_H_
