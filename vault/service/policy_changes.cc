#include "vault/service/policy_changes.h"

#include <memory>
#include <string>

#include "authz/policy.h"
#include "authz/policy_diff.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxLines = 1000;
// Some tens of milliseconds; the largest policies of operators have some ten thousand.
constexpr size_t kMaxVisits = 200'000;

using PolicyPtr = std::shared_ptr<const authz::Policy>;

// Null where it does not load.
PolicyPtr PolicyOf(const PolicyState& state) {
  if (state.policy != nullptr) return state.policy;
  authz::PolicyText text;
  text.yaml = state.row.yaml();
  text.values_yaml = state.row.values_yaml();
  auto policy = authz::Policy::Load(text);
  return policy.ok() ? *std::move(policy) : nullptr;
}

}  // namespace

void FillNewlyGranted(const StateSnapshot& state, piivault::v1::Proposal::ActivatePolicy* act) {
  const auto id = ParseTenantName(act->tenant());
  const TenantState* tenant = id.has_value() ? state.FindTenant(*id) : nullptr;
  const PolicyState* proposed = state.FindPolicy(act->policy_sha256());
  act->set_newly_granted_incomplete(true);
  if (tenant == nullptr || proposed == nullptr) return;
  const PolicyPtr before =
      tenant->policy == nullptr ? authz::PolicyOfNothing() : PolicyOf(*tenant->policy);
  const PolicyPtr after = PolicyOf(*proposed);
  if (before == nullptr || after == nullptr) return;
  const authz::PolicyDiff diff = authz::DiffPolicies(
      *before, *after, {.max_cells = kMaxLines, .max_visits = kMaxVisits, .only_granted = true});
  for (const authz::CellChange& change : diff.cells) {
    act->add_newly_granted(authz::DescribeChange(change));
  }
  for (const authz::SettingChange& change : diff.settings) {
    if (static_cast<size_t>(act->settings_changed_size()) == kMaxLines) break;
    act->add_settings_changed(authz::DescribeChange(change));
  }
  act->set_newly_granted_count(static_cast<int64_t>(diff.granted + diff.wider));
  act->set_newly_granted_incomplete(diff.incomplete);
}

}  // namespace piivault::vault
