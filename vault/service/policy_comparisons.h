#ifndef PIIVAULT_VAULT_SERVICE_POLICY_COMPARISONS_H_
#define PIIVAULT_VAULT_SERVICE_POLICY_COMPARISONS_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "authz/policy.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// What a policy would newly grant against another, and what else it would change: for who approves.
struct PolicyComparison {
  std::vector<std::string> granted;   // one line each, by role; at most kMaxComparedLines
  int64_t granted_count = 0;          // those left out included
  bool incomplete = false;            // too large: there may be more than granted_count
  std::vector<std::string> settings;  // one line each; at most kMaxComparedLines
};

inline constexpr size_t kMaxComparedLines = 1000;

// Loads policies, compares them and hashes their meaning, and keeps what came of it: each may take
// some tens of milliseconds on a thread that serves calls.
//
// Guarantees: bounded in entries, lines and work. A policy is known by its hash, so what is kept is
// right for good. Thread-safe; two threads may work out the same thing at once.
class PolicyComparisons {
 public:
  // Of each kind.
  static constexpr size_t kKept = 8;

  // The policy of a row; null where it does not load.
  std::shared_ptr<const authz::Policy> Load(const PolicyState& state);
  // `before` null: a tenant without a policy.
  std::shared_ptr<const PolicyComparison> Compare(const authz::Policy* before,
                                                  const authz::Policy& after);
  // As authz::SemanticHash(): 32 raw bytes.
  std::shared_ptr<const std::string> Meaning(const authz::Policy& policy);

  // How often something was worked out.
  size_t worked() const;

 private:
  template <typename T>
  using Kept = std::list<std::pair<std::string, std::shared_ptr<const T>>>;

  template <typename T, typename Worker>
  std::shared_ptr<const T> Find(const std::string& key, Kept<T>* kept, Worker work);

  mutable absl::Mutex mu_;
  // Used last first.
  Kept<PolicyComparison> comparisons_ ABSL_GUARDED_BY(mu_);
  Kept<std::string> meanings_ ABSL_GUARDED_BY(mu_);
  Kept<authz::Policy> policies_ ABSL_GUARDED_BY(mu_);
  size_t worked_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_POLICY_COMPARISONS_H_
