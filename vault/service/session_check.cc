#include "vault/service/session_check.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/policy.h"

namespace piivault::vault {

absl::Status CheckSessions(const StateSnapshot& state, const SessionLimits& limits) {
  for (const auto& [name, tenant] : state.tenants()) {
    const authz::Policy* policy = tenant->policy_in_force();
    if (policy == nullptr) continue;
    const std::vector<std::string> unkept = UnkeptSessionRules(policy->session(), limits);
    if (unkept.empty()) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("tenants/", name, ": ", absl::StrJoin(unkept, " and "),
                     " of its policy is shorter than limits.connection_idle or "
                     "limits.connection_age of the configuration"));
  }
  return absl::OkStatus();
}

}  // namespace piivault::vault
