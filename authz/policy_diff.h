// What is different between two policies, and whether anything is.
//
// Complete: whatever makes a decision come out differently shows, be it a cell (policy_cells.h) or
// a setting of the policy (role, field, purpose, …). Roles, purposes, types and fields are matched
// by name. Pure.
#ifndef PIIVAULT_AUTHZ_POLICY_DIFF_H_
#define PIIVAULT_AUTHZ_POLICY_DIFF_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "authz/policy_cells.h"

namespace piivault::authz {

enum class CellChangeKind : uint8_t {
  kGranted,    // Newly.
  kRevoked,    // No longer.
  kWider,      // Granted with less asked or more shown.
  kNarrower,   // Granted with more asked or less shown.
  kDifferent,  // Neither, or both.
};

struct CellChange {
  CellChangeKind kind = CellChangeKind::kGranted;
  std::string role;
  Verb verb = Verb::kReveal;
  std::string object;   // "user.email", "user", or "tenant".
  std::string purpose;  // Empty: none stated.
  // "masked if subscribed by grant g (000-12); …"; empty where it is not granted.
  std::string before;
  std::string after;
  // Of kinds but kGranted and kRevoked.
  std::vector<std::string> needs_added;  // As CellNeeds() tells them.
  std::vector<std::string> needs_removed;
};

struct SettingChange {
  std::string about;   // "role engineer"
  std::string what;    // "employment"
  std::string before;  // Empty: not said.
  std::string after;
};

struct PolicyDiff {
  // By role: the new policy's roles in its order, then those that are no more; then by verb,
  // purpose and object.
  std::vector<CellChange> cells;
  std::vector<SettingChange> settings;  // By `about` and `what`.
  // Changes by kind, those in `cells` and those beyond the limit.
  size_t granted = 0;
  size_t revoked = 0;
  size_t changed = 0;
  size_t wider = 0;  // Of `changed`.
  // The policies are too large for the work that was allowed: the counts are "at least", and equal
  // parts do not say that the rest is equal.
  bool incomplete = false;

  bool empty() const { return granted + revoked + changed == 0 && settings.empty() && !incomplete; }
};

struct DiffLimits {
  size_t max_cells = SIZE_MAX;   // So many go into `cells`; all are counted.
  size_t max_visits = SIZE_MAX;  // Cells looked at, of both policies together.
  bool only_granted = false;     // Only kGranted and kWider go into `cells`.
};

// A policy that grants nothing to anybody: what a tenant has that has none.
std::shared_ptr<const Policy> PolicyOfNothing();

PolicyDiff DiffPolicies(const Policy& before, const Policy& after, const DiffLimits& limits = {});

// SHA-256, 32 raw bytes, over what the policy means: the same for two policies whose diff is empty,
// and another for any others. Labels, clauses, notes, comments, names of grants and groups, the
// version of the operator's text, cases and the order of what has none are not in it.
std::string SemanticHash(const Policy& policy);

// "granted", "revoked", "wider", "narrower", "different".
std::string_view CellChangeKindName(CellChangeKind kind);
// "+ engineer may reveal user.email for work: plain by grant g (000-12)" on one line, without line
// end.
std::string DescribeChange(const CellChange& change);
// "role engineer: employment: officer -> officer, full_time"
std::string DescribeChange(const SettingChange& change);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_DIFF_H_
