// ApproveExportToken, RejectExportToken.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_issue.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Whoever the policy gives `approve_exception`, and the token that waits for them. A refusal, or
// nothing.
std::optional<Plan> OpenWaiting(VaultCall& call, std::string_view name, const v1::Usage& usage,
                                ExportTokenState* token) {
  const std::optional<TenantIdName> parsed = ParseExportTokenName(name);
  if (auto refused =
          call.OpenTenant(parsed.has_value() ? parsed->tenant : std::string_view(), &usage)) {
    return refused;
  }
  if (auto refused = call.DecideTenant(authz::Verb::kApproveException)) return refused;
  absl::StatusOr<std::optional<ExportTokenState>> loaded =
      LoadExportToken(call.deps().engine, call.scope(), parsed->id, &call.changes());
  if (!loaded.ok()) return call.Refuse(loaded.status());
  if (!loaded->has_value()) return call.Refuse(authz::Reason::kNotFound);
  *token = **std::move(loaded);
  DescribeToken(call, *token);
  call.session().AddRead(ExportRevocationsCell(call.tenant_id()));
  if (StateNow(call, *token) != v1::EXPORT_TOKEN_STATE_WAITING) {
    return call.Refuse(authz::Reason::kProposalStale);
  }
  return std::nullopt;
}

class ApproveExportTokenHandler : public Handler {
 public:
  explicit ApproveExportTokenHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ApproveExportTokenRequest>(context);
    VaultCall call(context, deps_);
    ExportTokenState token;
    if (auto refused = OpenWaiting(call, request.name(), request.usage(), &token)) {
      return *std::move(refused);
    }
    if (const authz::Reason reason = CheckApprover(call, token.row); reason != authz::Reason::kOk) {
      return call.Refuse(reason);
    }
    // Of what was shown, and of nothing else.
    if (request.sha256() != ToHex(AsView(ApprovalHash(call.tenant_id(), token)))) {
      return call.Refuse(authz::Reason::kProposalStale, {"sha256"});
    }
    storage::v1::ExportTokenRow::Approval& approval = *token.row.add_approvals();
    approval.set_principal(std::string(call.session().principal_name()));
    approval.set_person(call.session().caller()->row.person());
    approval.set_time_micros(absl::ToUnixMicros(call.now()));
    approval.set_purpose(request.usage().purpose());
    approval.set_ticket(request.usage().ticket());
    approval.set_role(request.usage().role());
    *approval.mutable_arguments() = request.usage().arguments();
    (*call.entry().mutable_arguments())["sha256"] = request.sha256();
    StateChange change = deps_.store.NewChange(call.session().shared_state());
    if (ApprovalsThatHold(call, token.row) >= token.row.approvals_needed()) {
      // Whoever issued it fetches the text.
      const absl::StatusOr<std::string> text = StartToken(call, &token, &change);
      if (!text.ok()) return call.Refuse(text.status());
    }
    token.row.set_version(token.row.version() + 1);
    PutExportToken(call.scope(), deps_.random, token, &call.changes());
    auto* response = NewResponse<v1::ApproveExportTokenResponse>(context);
    FillDescription(call, token, response->mutable_description());
    Plan plan = call.Finish(response);
    if (!change.empty()) change.MoveTo(&plan);
    return plan;
  }

 private:
  // Somebody else than the issuer, by whatever certificate, and each person once.
  static authz::Reason CheckApprover(VaultCall& call, const storage::v1::ExportTokenRow& row) {
    const std::string& person = call.session().caller()->row.person();
    if (person.empty()) return authz::Reason::kPersonUnknown;
    call.session().AddRead(PrincipalCell(row.issuer()));
    const PrincipalState* issuer = call.session().state().FindPrincipal(row.issuer());
    if (issuer == nullptr) return authz::Reason::kProposalStale;
    if (person == row.issuer_person() || person == issuer->row.person() ||
        call.session().principal_name() == row.issuer()) {
      return authz::Reason::kProposalSelfApproval;
    }
    // Nor whoever has made the recipient what it is.
    call.session().AddRead(RecipientCell(call.tenant_id(), row.recipient()));
    const RecipientState* recipient =
        call.session().state().FindRecipient(call.tenant_id(), row.recipient());
    if (recipient == nullptr) return authz::Reason::kRecipientUnknown;
    if (HasMadeOrAttested(recipient->recipient, PersonName(person)))
      return authz::Reason::kOwnRecipient;
    const auto& given = row.approvals();
    const bool again = std::any_of(given.begin(), given.end(), [&person](const auto& approval) {
      return approval.person() == person;
    });
    return again ? authz::Reason::kProposalSelfApproval : authz::Reason::kOk;
  }

  const VaultDependencies& deps_;
};

class RejectExportTokenHandler : public Handler {
 public:
  explicit RejectExportTokenHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RejectExportTokenRequest>(context);
    VaultCall call(context, deps_);
    ExportTokenState token;
    if (auto refused = OpenWaiting(call, request.name(), request.usage(), &token)) {
      return *std::move(refused);
    }
    token.row.set_rejected_by(std::string(call.session().principal_name()));
    token.row.set_version(token.row.version() + 1);
    PutExportToken(call.scope(), deps_.random, token, &call.changes());
    auto* response = NewResponse<v1::RejectExportTokenResponse>(context);
    FillDescription(call, token, response->mutable_description());
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewApproveExportToken(const VaultDependencies& dependencies) {
  return std::make_unique<ApproveExportTokenHandler>(dependencies);
}
std::unique_ptr<Handler> NewRejectExportToken(const VaultDependencies& dependencies) {
  return std::make_unique<RejectExportTokenHandler>(dependencies);
}

}  // namespace piivault::vault
