#ifndef PIIVAULT_VAULT_SERVICE_COUNTED_CALLS_H_
#define PIIVAULT_VAULT_SERVICE_COUNTED_CALLS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "authz/reason.h"
#include "storage/engine.h"
#include "vault/audit/counted_entry.h"

namespace piivault::vault {

struct MethodInfo;

// When a caller's refusals stop having an entry each. Each lane keeps to them by itself.
struct DenialLimits {
  // So many of one caller at once, and then so many a second; those beyond are held and share
  // entries.
  int burst = 64;
  int per_second = 16;
  // How long calls are held at most before their entry is written, where their deadlines allow it.
  absl::Duration hold = absl::Seconds(1);
};

// The calls of one lane that share entries (ops/docs/design/0004-counted-entries.md): refusals of a
// caller who is refused all the time, which are *held* until the shared entry is durable, and calls
// that were answered without an entry (shed at arrival, or while the log was down), which are
// *counted*.
//
// Guarantees: each call that it takes is in exactly one batch. Refusals share an entry only with
// the same caller's for the same reason; with the same method's, too, unless the caller has used
// up kGroupsPerCaller. Bounded: kMaxCallers callers, those beyond are one; reasons and methods are
// closed sets; held calls are bounded by the cap of calls in flight.
// Does not: write, answer or look at a clock. Thread-compatible: the lane's thread owns it.
class CountedCalls {
 public:
  static constexpr size_t kMaxCallers = 1024;
  static constexpr int kGroupsPerCaller = 8;
  // Short deadlines make a held entry due earlier, but no sooner than this after its first call.
  static constexpr absl::Duration kShortestHold = absl::Milliseconds(100);

  // A held call, and which of its commits its answer waits for.
  struct Held {
    uint64_t call = 0;
    uint64_t serial = 0;
  };
  // What becomes one entry.
  struct Batch {
    authz::Reason reason = authz::Reason::kOk;
    CountedEntry entry;
    std::vector<Held> held;  // empty: these calls were answered already
  };

  explicit CountedCalls(const DenialLimits& limits) : limits_(limits) {}

  // Takes a refusal where its caller has had too many, or returns false: it has an entry of its
  // own. `caller`: principal or certificate hash. `now` and `give_up_at` are of the same steady
  // clock; the call wants an answer before the latter.
  bool Hold(std::string_view caller, const MethodInfo& method, authz::Reason reason,
            const storage::EntryDraft& entry, Held call, absl::Time now, absl::Time give_up_at);

  // Counts calls that have no entry: `body` says reason and number.
  void Count(authz::Reason reason, const storage::v1::EntryBody& body, absl::Time now);

  // The batches whose time has come; absl::InfiniteFuture() for all.
  std::vector<Batch> TakeDue(absl::Time now);
  bool empty() const { return groups_.empty(); }

 private:
  // Caller, method and reason; no caller for what is counted only, no method for what is above
  // kGroupsPerCaller.
  using GroupKey = std::tuple<std::string, const MethodInfo*, authz::Reason>;
  struct Group {
    Batch batch;
    absl::Time opened;
    absl::Time due;
  };
  // A bucket of entries that a caller's refusals may still have.
  struct Caller {
    double left = 0;
    absl::Time filled_at;
    int groups = 0;
  };

  // Fills the bucket up to `now`.
  void Fill(absl::Time now, Caller* caller) const;
  // The caller's bucket, or that of all for whom there is no room; `*name` says which.
  Caller& FindCaller(absl::Time now, std::string* name);
  Group& FindGroup(GroupKey key, absl::Time now);

  const DenialLimits limits_;
  absl::flat_hash_map<std::string, Caller> callers_;
  absl::flat_hash_map<GroupKey, Group> groups_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_COUNTED_CALLS_H_
