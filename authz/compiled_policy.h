// The tables that a decision reads: grants as bitsets by role, verb and purpose.
//
// A cell holds the grants that apply to (role, verb, purpose). Purpose 0 is "none stated"; purpose
// p of the policy is p + 1. Internal to authz. Immutable.
#ifndef PIIVAULT_AUTHZ_COMPILED_POLICY_H_
#define PIIVAULT_AUTHZ_COMPILED_POLICY_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "authz/compiled_grounds.h"
#include "authz/compiled_retention.h"
#include "authz/compiled_sharing.h"
#include "authz/grant_table.h"
#include "authz/policy.h"

namespace piivault::authz {

class CompiledPolicy {
 public:
  // REQUIRES: `policy` has passed all checks.
  explicit CompiledPolicy(const Policy& policy);
  CompiledPolicy(const CompiledPolicy&) = delete;
  CompiledPolicy& operator=(const CompiledPolicy&) = delete;

  // Whether the role has the verb for any purpose at all.
  bool HasVerb(RoleId role, Verb verb) const {
    return (verbs_[role] >> static_cast<unsigned>(verb)) & 1;
  }
  // `purpose`: 0 for none stated, else PurposeId + 1. Null where nothing is granted.
  const Cell* Find(RoleId role, Verb verb, size_t purpose) const {
    const uint32_t cell = index_[Slot(role, verb, purpose)];
    return cell == 0 ? nullptr : &cells_[cell - 1u];
  }

  const CompiledGrounds& grounds() const { return grounds_; }
  const CompiledSharing& sharing() const { return sharing_; }
  const CompiledRetention& retention() const { return retention_; }

 private:
  size_t Slot(RoleId role, Verb verb, size_t purpose) const {
    return (role * kVerbCount + static_cast<size_t>(verb)) * purposes_ + purpose;
  }
  // The columns of the purposes that the grant gives the verb for.
  template <typename Visit>
  void VisitColumns(const Policy& policy, const GrantSpec& grant, Verb verb, Visit visit) const;
  Slice MakeSlice(const Policy& policy, const GrantSpec& grant, Verb verb) const;
  GrantTable* TableOf(const Policy& policy, RoleId role, Verb verb);

  size_t purposes_;  // One more than the policy has.
  std::vector<uint64_t> verbs_;
  std::vector<uint32_t> index_;  // 0: none; else position in cells_ plus one.
  std::deque<Slice> slices_;     // One for each grant and verb; tables point here.
  std::deque<GrantTable> tables_;
  std::vector<GrantTable*> table_of_;  // By role and verb; null: no grant has it.
  std::vector<Cell> cells_;
  CompiledGrounds grounds_;
  CompiledSharing sharing_;
  CompiledRetention retention_;
};
static_assert(kVerbCount <= 64);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_COMPILED_POLICY_H_
