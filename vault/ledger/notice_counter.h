#ifndef PIIVAULT_VAULT_LEDGER_NOTICE_COUNTER_H_
#define PIIVAULT_VAULT_LEDGER_NOTICE_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/state/state_store.h"

namespace piivault::vault {

// Notices of corrections that wait for their recipients.
struct NoticeCounts {
  uint64_t open = 0;
  uint64_t overdue = 0;                     // of these: due when the count began
  absl::Time as_of = absl::InfinitePast();  // when it began, in vault time; infinite: none yet
};

// Counts the notices of corrections, of all tenants, that no recipient has acknowledged: over and
// over from the rows themselves, some in each step, so that a restart forgets nothing.
//
// Guarantees: counts() is that of one count from its beginning to its end, and says when it began.
// Does not: see what changes behind it while it counts; write anything. Rows that do not open are
// in no number. One thread calls Step(); counts() may be called by any.
class NoticeCounter {
 public:
  // `step_rows`: that one step looks at.
  NoticeCounter(const storage::Engine& engine, const StateStore& store,
                std::function<absl::Time()> now, size_t step_rows = 1000)
      : engine_(engine), store_(store), now_(std::move(now)), step_rows_(step_rows) {}

  // One step; whether there is more to do in this count. After the last one the next begins another
  // count, as it does after an error.
  [[nodiscard]] absl::StatusOr<bool> Step();

  // Of the last count that came to its end.
  NoticeCounts counts() const;

 private:
  absl::Status CountSome(const KeySnapshot& keys, storage::TenantId tenant);

  const storage::Engine& engine_;
  const StateStore& store_;
  const std::function<absl::Time()> now_;
  const size_t step_rows_;
  // Of the count that is under way; absent between two.
  std::optional<NoticeCounts> counting_;
  std::string tenant_;  // the one that comes next, or the first behind it
  std::string next_;    // key bytes in that; empty: at its first row

  mutable absl::Mutex mutex_;
  NoticeCounts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_NOTICE_COUNTER_H_
