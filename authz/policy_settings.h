// All that a policy says besides its grants, as a list of single facts: what SemanticHash() is made
// over and what DiffPolicies() compares. Internal to authz.
//
// Guarantees: complete. Each struct of policy_spec.h and field_spec.h is taken apart by name, so
// that a member which is added there does not compile until it has a place here. Left out is what
// changes no rule: labels, clauses, notes, lines, cases, the version and dates of the operator's
// text, the names of groups, and the order of whatever has none.
#ifndef PIIVAULT_AUTHZ_POLICY_SETTINGS_H_
#define PIIVAULT_AUTHZ_POLICY_SETTINGS_H_

#include <string>
#include <vector>

#include "authz/policy.h"

namespace piivault::authz {

struct Setting {
  std::string
      about;  // "role engineer", "field user.email", "policy", …; numbers are of no use here.
  std::string what;   // "employment"; "declared" says that the thing is there at all.
  std::string value;  // Never empty.
};

// Sorted by `about` and `what`, each pair once.
std::vector<Setting> PolicySettings(const Policy& policy);

// The names of `ids`, sorted, each once.
std::vector<std::string> FieldNames(const Policy& policy, const std::vector<FieldId>& ids);
std::vector<std::string> PurposeNames(const Policy& policy, const std::vector<PurposeId>& ids);
// "order (cancelled, completed)"; in the policy's order.
std::vector<std::string> MatterNames(const Policy& policy, const std::vector<MatterNeed>& needs);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_SETTINGS_H_
