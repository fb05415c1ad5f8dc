#ifndef PIIVAULT_VAULT_SERVICE_VOLUME_BUDGETS_H_
#define PIIVAULT_VAULT_SERVICE_VOLUME_BUDGETS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "authz/policy.h"
#include "piivault/storage/v1/entry.pb.h"
#include "storage/engine.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// Shared by VolumeBudgets and what was taken of them, which may outlive them.
struct BudgetCounts {
  struct Count {
    int64_t window = 0;  // which of the windows of the budget's length since 1970
    uint64_t records = 0;
    absl::Time end = absl::InfiniteFuture();  // of the window
  };
  absl::Mutex mu;
  absl::flat_hash_map<std::string, Count> by_key ABSL_GUARDED_BY(mu);
};

// How long the tenant's row keeps jobs that have ended: what they have used up is not of the
// budgets whose windows still run.
inline constexpr absl::Duration kJobsKeptFor = absl::Hours(24);

// What one answer releases, as its entry says: who reads how many records, and by which right.
struct Release {
  std::string_view principal;  // `principals/{principal}`
  std::string_view role;
  std::string_view purpose;
  std::string_view parent;  // of a purpose that follows from one
  std::string_view actor;   // the person that the principal acts for; empty for none
  uint64_t records = 0;
  absl::Time time;
  // That gave some of the records, where `role` did not give all.
  std::vector<std::string_view> further_roles = {};
};

// Whether answers of the method (`piivault.v1.VaultService/RevealRecord`) hold values, or a right
// to them.
bool ReleasesValues(std::string_view method);
// What the answer of this entry releases: none where its method releases nothing. A record that
// comes up twice counts twice. Views into the entry.
Release ReleaseOf(const storage::v1::EntryBody& entry);

// How many records each principal has had released to it in the windows of the policies' budgets.
//
// Under roles that act for a person each person has a budget of its own.
// What is of a planned job (tenant, principal, purpose and time) counts as that job's, as long as
// it has records left, and against no budget.
//
// Guarantees: an answer that would exceed a budget in force is not given, whatever other answers
// are under way: what is taken counts at once, and is given back where the answer was not
// committed. The counts after a restart are those of the log. Does not: count across windows. At
// the edge of two, a principal may have the records of both. Thread-safe.
class VolumeBudgets {
 public:
  // Records that were taken. Given back at its end unless they were kept. Thread-compatible.
  class Taken {
   public:
    ~Taken();
    Taken(const Taken&) = delete;
    Taken& operator=(const Taken&) = delete;
    // The answer is durable.
    void Keep() { keys_.clear(); }

   private:
    friend class VolumeBudgets;
    Taken() = default;
    std::shared_ptr<BudgetCounts> counts_;
    std::vector<std::pair<std::string, int64_t>> keys_;  // and the window
    uint64_t records_ = 0;
  };

  struct Verdict {
    std::shared_ptr<Taken>
        taken;  // null where no budget of the policy is about it, or one is spent
    bool within = true;
    bool own = false;  // about people's access to their own data: slowed where it is not within
    absl::Duration retry_after = absl::ZeroDuration();  // where it is not: when the window ends
  };
  // REQUIRES: the tenant has a policy in force.
  // `even_beyond`: counts also where it is not within.
  [[nodiscard]] Verdict Take(const TenantState& tenant, const Release& release,
                             bool even_beyond = false);

  // Counts what the log says was released in the windows that run at `now`, under the policies in
  // force. Reads the log from the first such window's beginning on; nothing where no policy in
  // force has a budget. Before the first Take().
  [[nodiscard]] absl::Status Rebuild(const storage::Engine& engine, const StateSnapshot& state,
                                     absl::Time now);

 private:
  // One that a release counts against.
  struct Limit {
    std::string key;
    int64_t window = 0;
    uint64_t most = 0;
    absl::Time end = absl::InfiniteFuture();
  };

  // Counts what was released without asking.
  void Add(const TenantState& tenant, const Release& release);
  std::vector<Limit> LimitsOf(const TenantState& tenant, const Release& release) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(counts_->mu);
  // Forgets what is over, once there is much of it.
  void Sweep(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(counts_->mu);
  uint64_t& CountOf(const Limit& limit) ABSL_EXCLUSIVE_LOCKS_REQUIRED(counts_->mu);

  static constexpr size_t kSweepAt = 100'000;
  size_t sweep_at_ = kSweepAt;  // under counts_->mu
  const std::shared_ptr<BudgetCounts> counts_ = std::make_shared<BudgetCounts>();
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VOLUME_BUDGETS_H_
