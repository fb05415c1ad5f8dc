#include "vault/service/policy_changes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "authz/vocabulary.h"
#include "vault/service/admin_call.h"
#include "vault/service/admin_convert.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxWhere = 200;
constexpr size_t kMaxContent = 2000;
constexpr int kMaxParts = 8;

// As IsText(), of several lines.
bool IsTextOfLines(std::string text, size_t max) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return IsText(text, max);
}

absl::Status CheckContent(const piivault::v1::PolicyChange& change) {
  if (change.content_size() > kMaxParts) return BadArgument("change.content");
  std::vector<std::string_view> seen;
  for (const piivault::v1::PolicyChange::Content& part : change.content()) {
    constexpr auto& kWords = authz::vocabulary::kPolicyContent;
    const bool known = std::find(kWords.begin(), kWords.end(), part.kind()) != kWords.end();
    const bool twice = std::find(seen.begin(), seen.end(), part.kind()) != seen.end();
    if (!known || twice) return BadArgument("change.content.kind");
    if (part.text().empty() || !IsTextOfLines(part.text(), kMaxContent)) {
      return BadArgument("change.content.text");
    }
    seen.push_back(part.kind());
  }
  return absl::OkStatus();
}

// Whether an earlier change of the tenant's policy was announced by this document. What cannot be
// read might have been.
bool WasUsed(const ActivationHistory& history, const std::string& document_sha256) {
  if (document_sha256.empty()) return false;
  for (const auto& [number, row] : history) {
    piivault::v1::Proposal act;
    if (!act.ParseFromString(row->act())) return true;
    const auto& notice = act.activate_policy().change().notice();
    if (notice.document_sha256() == document_sha256) return true;
  }
  return false;
}

// What the tenant's history says of a change that a document announces.
authz::StatedChange StatedBefore(const ChangeSite& site, const std::string& document_sha256) {
  const ActivationHistory history = ActivationsOf(site.state, site.tenant.name);
  authz::StatedChange stated;
  if (history.empty()) return stated;
  stated.since = absl::FromUnixMicros(history.rbegin()->second->decide_time_micros());
  stated.document_used = WasUsed(history, document_sha256);
  return stated;
}

}  // namespace

absl::Status CheckForm(const piivault::v1::PolicyChange& change) {
  const piivault::v1::PolicyChange::Notice& notice = change.notice();
  if (notice.has_published_time() && !MicrosOf(notice.published_time()).has_value()) {
    return BadArgument("change.notice.published_time");
  }
  if (!IsText(notice.where(), kMaxWhere)) return BadArgument("change.notice.where");
  if (!notice.document_sha256().empty() && !IsSha256Hex(notice.document_sha256())) {
    return BadArgument("change.notice.document_sha256");
  }
  return CheckContent(change);
}

ActivationHistory ActivationsOf(const StateSnapshot& state, std::string_view tenant) {
  ActivationHistory history;
  for (const auto& [id, proposal] : state.proposals()) {
    const storage::v1::ProposalRow& row = proposal->row;
    if (row.has_activation() && row.activation().tenant() == tenant) {
      history[row.activation().number()] = &row;
    }
  }
  return history;
}

authz::ChangeVerdict JudgeChange(const ChangeSite& site, const authz::Policy* before,
                                 const authz::Policy& after,
                                 const piivault::v1::PolicyChange& change) {
  authz::StatedChange stated = StatedBefore(site, change.notice().document_sha256());
  if (change.notice().has_published_time()) {
    const auto micros = MicrosOf(change.notice().published_time());
    if (micros.has_value()) stated.published = absl::FromUnixMicros(*micros);
  }
  stated.where = !change.notice().where().empty();
  for (const auto& part : change.content()) stated.content.push_back(part.kind());
  // Worked out only where it makes a difference.
  const bool exempt = before != nullptr && (before->policy_change().stylistic_exempt ||
                                            after.policy_change().stylistic_exempt);
  const bool same =
      exempt && *site.comparisons.Meaning(*before) == *site.comparisons.Meaning(after);
  return authz::CheckPolicyChange(before, after, same, stated, site.now);
}

void FillProposedPolicy(const StateSnapshot& state, PolicyComparisons& comparisons, absl::Time now,
                        piivault::v1::Proposal::ActivatePolicy* act) {
  const auto id = ParseTenantName(act->tenant());
  const TenantState* tenant = id.has_value() ? state.FindTenant(*id) : nullptr;
  const PolicyState* proposed = state.FindPolicy(act->policy_sha256());
  act->set_newly_granted_incomplete(true);
  if (tenant == nullptr || proposed == nullptr) return;
  FillTime(proposed->row.create_time_micros(), act->mutable_policy_create_time());
  const auto before = tenant->policy == nullptr ? nullptr : comparisons.Load(*tenant->policy);
  const auto after = comparisons.Load(*proposed);
  if ((tenant->policy != nullptr && before == nullptr) || after == nullptr) return;
  const auto comparison = comparisons.Compare(before.get(), *after);
  act->mutable_newly_granted()->Add(comparison->granted.begin(), comparison->granted.end());
  act->mutable_settings_changed()->Add(comparison->settings.begin(), comparison->settings.end());
  act->set_newly_granted_count(comparison->granted_count);
  act->set_newly_granted_incomplete(comparison->incomplete);
  const authz::ChangeVerdict verdict =
      JudgeChange({comparisons, state, *tenant, now}, before.get(), *after, act->change());
  if (now < verdict.from) {
    FillTime(absl::ToUnixMicros(verdict.from), act->mutable_approvable_time());
  }
}

}  // namespace piivault::vault
