// ListPolicyActivations: the proposals that put policies in force are the history; they are kept.
#include <algorithm>

#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/policy_changes.h"
#include "vault/service/resource_name.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// What is said of a change may be 32 KB.
constexpr int kMaxPage = 100;

using piivault::v1::PolicyActivation;
using storage::v1::ProposalRow;

// `next` null: in force.
absl::Status FillActivation(const StateSnapshot& state, const ProposalRow& row,
                            const ProposalRow* next, PolicyActivation* to) {
  piivault::v1::Proposal proposal;
  if (!proposal.ParseFromString(row.act())) return MakeError(authz::Reason::kDataLoss);
  const piivault::v1::Proposal::ActivatePolicy& act = proposal.activate_policy();
  to->set_number(row.activation().number());
  to->set_policy_sha256(act.policy_sha256());
  to->set_semantic_sha256(ToHex(row.activation().semantic_sha256()));
  const PolicyState* policy = state.FindPolicy(act.policy_sha256());
  if (policy != nullptr) to->set_policy_id(policy->row.id());
  FillTime(row.decide_time_micros(), to->mutable_start_time());
  if (next != nullptr) FillTime(next->decide_time_micros(), to->mutable_end_time());
  to->set_proposal(ProposalName(row.id()));
  to->set_proposer(PrincipalName(row.proposer()));
  to->set_approver(PrincipalName(row.decider()));
  to->set_reason(act.reason());
  *to->mutable_change() = act.change();
  return absl::OkStatus();
}

}  // namespace

Plan AdminListPolicyActivations(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListPolicyActivationsRequest>();
  const auto id = ParseTenantName(request.tenant());
  if (!id.has_value()) return call.Refuse(BadArgument("tenant"));
  call.set_resource(request.tenant());
  if (call.state().FindTenant(*id) == nullptr) return call.Refuse(authz::Reason::kNotFound);
  const ActivationHistory history = ActivationsOf(call.state(), *id);
  std::vector<std::pair<std::string, ActivationHistory::const_iterator>> items;
  for (auto it = history.begin(); it != history.end(); ++it) {
    items.emplace_back(NewestFirstKey(static_cast<int64_t>(it->first), ""), it);
  }
  piivault::v1::ListPolicyActivationsRequest bounded = request;
  bounded.set_page_size(std::min(request.page_size(), kMaxPage));
  auto page = PageOf(call, bounded, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListPolicyActivationsResponse>();
  for (const auto& it : page->items) {
    const auto next = std::next(it);
    absl::Status status =
        FillActivation(call.state(), *it->second, next == history.end() ? nullptr : next->second,
                       response->add_activations());
    if (!status.ok()) return call.Refuse(status);
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

}  // namespace piivault::vault
