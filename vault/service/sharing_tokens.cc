// GetExportToken, RevokeExportTokens, ListExportTokens.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "authz/decision.h"
#include "storage/engine_options.h"
#include "vault/keys/page_token.h"
#include "vault/keys/sealed_row.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/service/sharing_ask.h"
#include "vault/service/sharing_handlers.h"
#include "vault/service/sharing_issue.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using authz::SystemRole;
using authz::SystemRoles;

constexpr SystemRoles kOfficers = {SystemRole::kPrivacyOfficer, SystemRole::kVaultAdmin};
constexpr SystemRoles kReaders = {SystemRole::kPrivacyOfficer, SystemRole::kVaultAdmin,
                                  SystemRole::kVaultAuditor};
// Tokens looked at for one answer.
constexpr size_t kMaxTokensExamined = 10'000;
constexpr size_t kTokensAtOnce = 200;

bool HasSystemRole(const VaultCall& call, SystemRoles roles) {
  return authz::DecideSystemRole(call.session().principal(), roles, call.now()) ==
         authz::Reason::kOk;
}

// The token of that name, in its tenant. A refusal, or nothing.
std::optional<Plan> OpenToken(VaultCall& call, std::string_view name, const v1::Usage* usage,
                              ExportTokenState* token) {
  const std::optional<TenantIdName> parsed = ParseExportTokenName(name);
  if (auto refused =
          call.OpenTenant(parsed.has_value() ? parsed->tenant : std::string_view(), usage)) {
    return refused;
  }
  absl::StatusOr<std::optional<ExportTokenState>> loaded =
      LoadExportToken(call.deps().engine, call.scope(), parsed->id, &call.changes());
  if (!loaded.ok()) return call.Refuse(loaded.status());
  call.session().AddRead(ExportRevocationsCell(call.tenant_id()));
  if (!loaded->has_value()) return call.Refuse(authz::Reason::kNotFound);
  *token = **std::move(loaded);
  return std::nullopt;
}

class GetExportTokenHandler : public Handler {
 public:
  explicit GetExportTokenHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::GetExportTokenRequest>(context);
    VaultCall call(context, deps_);
    ExportTokenState token;
    if (auto refused = OpenToken(call, request.name(), &request.usage(), &token)) {
      return *std::move(refused);
    }
    const bool issuer = token.row.issuer() == call.session().principal_name();
    const bool approver = !issuer && Approves(call);
    // Who has nothing to do with it does not learn that it is there.
    if (!issuer && !approver && !HasSystemRole(call, kReaders)) {
      return call.Refuse(authz::Reason::kNotFound);
    }
    DescribeToken(call, token);
    auto* response = NewResponse<v1::GetExportTokenResponse>(context);
    FillDescription(call, token, response->mutable_description());
    if (issuer || approver) {
      if (absl::Status named = NamePeople(call, token, request.skip(), response); !named.ok()) {
        return call.Refuse(named);
      }
    }
    StateChange change = deps_.store.NewChange(call.session().shared_state());
    if (issuer && StateNow(call, token) == v1::EXPORT_TOKEN_STATE_ACTIVE) {
      absl::StatusOr<std::string> text = SignToken(call, token, &change);
      if (!text.ok()) return call.Refuse(text.status());
      response->set_token(*std::move(text));
    }
    Plan plan = call.Finish(response);
    if (!change.empty()) change.MoveTo(&plan);
    return plan;
  }

 private:
  static bool Approves(VaultCall& call) {
    const authz::Decision decision =
        authz::DecideWithoutSubject(call.policy(), call.Input(authz::Verb::kApproveException));
    if (decision.granted()) call.Describe(decision);
    return decision.granted();
  }

  // Whom the token is about, as far as they fit, behind the first `skip`.
  absl::Status NamePeople(VaultCall& call, const ExportTokenState& token, uint32_t skip,
                          v1::GetExportTokenResponse* response) const {
    constexpr int kMostNamed = 100;
    if (token.row.people_dropped()) return absl::OkStatus();
    for (uint32_t part = 0; part < static_cast<uint32_t>(token.row.parts_size()); ++part) {
      const uint32_t size = token.row.parts(static_cast<int>(part));
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const absl::StatusOr<std::vector<ExportItem>> items =
          LoadExportPart(deps_.engine, call.scope(), token.id, part);
      if (!items.ok()) return items.status();
      if (items->size() != size) return absl::DataLossError("people of a token are missing");
      for (const ExportItem& item : absl::MakeConstSpan(*items).subspan(std::exchange(skip, 0))) {
        if (response->subjects_size() == kMostNamed) return absl::OkStatus();
        response->add_subjects(item.whole_person()
                                   ? call.SubjectNameOf(item.subject)
                                   : MakeRecordName(call.tenant_id(), item.subject, item.record));
      }
      call.Yield();
    }
    return absl::OkStatus();
  }

  const VaultDependencies& deps_;
};

// Visits the tenant's tokens behind `after`, ascending, until `visit` is done or enough were looked
// at; other calls run meanwhile. One that does not open is passed over and counted in the entry: it
// is good for nothing, and keeps no other from being taken back. `*last` is the key's id of the
// last one that was looked at. Whether there may be more.
absl::StatusOr<bool> VisitTokens(VaultCall& call, const storage::Id128* after,
                                 absl::FunctionRef<bool(const ExportTokenState&)> visit,
                                 storage::Id128* last) {
  const storage::Key prefix =
      storage::SharingPrefix(storage::SharingKind::kToken, call.scope().id());
  std::string start = prefix.bytes;
  if (after != nullptr) {
    start = storage::ExportTokenKey(call.scope().id(), *after).bytes;
    start.push_back('\0');
  }
  size_t damaged = 0;
  bool more = true;
  bool done = false;
  for (size_t seen = 0; more && !done && seen < kMaxTokensExamined;) {
    size_t count = 0;
    const absl::Status scanned = call.deps().engine.Scan(
        prefix, start, kTokensAtOnce, [&](std::string_view key, std::string_view value) {
          ++count;
          const auto row = OpenRow<storage::v1::ExportTokenRow>(
              call.scope().keys(), {storage::Table::kSharing, std::string(key)}, value);
          if (row.ok()) {
            done = !visit({storage::IdSuffix(key), row->message});
            if (done) return false;
          } else {
            ++damaged;
          }
          *last = storage::IdSuffix(key);
          start = key;
          return true;
        });
    if (!scanned.ok()) return scanned;
    start.push_back('\0');
    seen += count;
    more = count == kTokensAtOnce;
    call.Yield();
  }
  if (damaged > 0) (*call.entry().mutable_arguments())["damaged"] = std::to_string(damaged);
  return more || done;
}

class RevokeExportTokensHandler : public Handler {
 public:
  explicit RevokeExportTokensHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::RevokeExportTokensRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), nullptr)) return *std::move(refused);
    // Its own tokens a recipient does not issue, and others' it does not take back.
    if (call.session().principal()->kind == authz::PrincipalKind::kRecipient) {
      return call.Refuse(authz::Reason::kPrincipalKindNotAdmitted);
    }
    storage::v1::ExportRevocationRow row;
    if (auto refused = Read(call, request, &row)) return *std::move(refused);
    const bool officer = HasSystemRole(call, kOfficers);
    if (!officer) {
      if (auto refused = CheckOwn(call, row)) return *std::move(refused);
    }
    auto* response = NewResponse<v1::RevokeExportTokensResponse>(context);
    const auto revocation = std::make_shared<ExportRevocationState>(
        ExportRevocationState{deps_.random.Id128().ToText(), row, 1});
    if (absl::Status counted = Count(call, revocation, officer, response); !counted.ok()) {
      return call.Refuse(counted);
    }
    // Rows are made by those who look after recipients, or where there is something to take back.
    if (!officer && response->revoked() == 0) return call.Finish(response);
    StateChange change = deps_.store.NewChange(call.session().shared_state());
    change.PutExportRevocation(revocation->id, row);
    Plan plan = call.Finish(response);
    change.MoveTo(&plan);
    return plan;
  }

 private:
  // What the request names, also into the entry. A refusal, or nothing.
  static std::optional<Plan> Read(VaultCall& call, const v1::RevokeExportTokensRequest& request,
                                  storage::v1::ExportRevocationRow* row) {
    const auto malformed = [&call](std::string_view argument) {
      return call.Refuse(authz::Reason::kMalformedRequest, {std::string(argument)});
    };
    auto& arguments = *call.entry().mutable_arguments();
    row->set_tenant(call.tenant_id());
    // Of those that are being issued right now, too: none that is committed before this was decided
    // on later than that.
    const absl::Duration under_way = storage::EngineOptions().max_decision_age;
    row->set_time_micros(absl::ToUnixMicros(call.now() + under_way));
    bool any = false;
    if (!request.token().empty()) {
      const std::optional<TenantIdName> name = ParseExportTokenName(request.token());
      if (!name.has_value() || name->tenant != call.tenant_id()) return malformed("token");
      row->set_token(name->id.bytes.data(), name->id.bytes.size());
      call.entry().set_resource(request.token());
      any = true;
    }
    if (!request.recipient().empty()) {
      const std::optional<RecipientName> name = ParseRecipientName(request.recipient());
      if (!name.has_value() || name->tenant != call.tenant_id()) return malformed("recipient");
      row->set_recipient(std::string(name->recipient));
      arguments["recipient"] = row->recipient();
      any = true;
    }
    if (!request.rule().empty()) {
      if (!IsPolicyIdentifier(request.rule())) return malformed("rule");
      row->set_rule(request.rule());
      arguments["rule"] = row->rule();
      any = true;
    }
    if (!request.purpose().empty()) {
      if (!IsPolicyIdentifier(request.purpose())) return malformed("purpose");
      row->set_purpose(request.purpose());
      arguments["purpose"] = row->purpose();
      any = true;
    }
    if (!request.issuer().empty()) {
      const std::optional<std::string_view> issuer = ParsePrincipalName(request.issuer());
      if (!issuer.has_value()) return malformed("issuer");
      row->set_issuer(std::string(*issuer));
      arguments["issuer"] = row->issuer();
      any = true;
    }
    if (!any) return malformed("token");
    return std::nullopt;
  }

  // How many tokens that can still be used it takes back; of very many, of the first. Whoever is no
  // officer has to have one: then all are looked at until there is one.
  static absl::Status Count(VaultCall& call,
                            const std::shared_ptr<ExportRevocationState>& revocation, bool officer,
                            v1::RevokeExportTokensResponse* response) {
    const ExportRevocations& before = call.session().state().revocations(call.tenant_id());
    std::optional<storage::Id128> after;
    for (;;) {
      storage::Id128 last;
      const absl::StatusOr<bool> more = VisitTokens(
          call, after.has_value() ? &*after : nullptr,
          [&](const ExportTokenState& token) {
            const v1::ExportTokenState state = StateOf(token, before, call.now());
            const bool usable =
                state == v1::EXPORT_TOKEN_STATE_ACTIVE || state == v1::EXPORT_TOKEN_STATE_WAITING;
            if (usable && IsRevoked({revocation}, token)) {
              response->set_revoked(response->revoked() + 1);
            }
            return true;
          },
          &last);
      if (!more.ok()) return more.status();
      if (!*more || officer || response->revoked() > 0) return absl::OkStatus();
      after = last;
    }
  }

  // Whoever issued takes the own tokens back: all that match, or one by its name. A refusal, or
  // nothing.
  static std::optional<Plan> CheckOwn(VaultCall& call,
                                      const storage::v1::ExportRevocationRow& row) {
    std::string issuer = row.issuer();
    if (const auto id = storage::Id128::FromBytes(row.token()); issuer.empty() && id.has_value()) {
      const absl::StatusOr<std::optional<ExportTokenState>> token =
          LoadExportToken(call.deps().engine, call.scope(), *id, &call.changes());
      if (!token.ok()) return call.Refuse(token.status());
      if (token->has_value()) issuer = (*token)->row.issuer();
    }
    if (issuer == call.session().principal_name()) return std::nullopt;
    return call.Refuse(authz::Reason::kSystemRoleRequired);
  }

  const VaultDependencies& deps_;
};

class ListExportTokensHandler : public Handler {
 public:
  explicit ListExportTokensHandler(const VaultDependencies& deps) : deps_(deps) {}

  Plan Next(CallContext& context) override {
    const auto& request = RequestAs<v1::ListExportTokensRequest>(context);
    VaultCall call(context, deps_);
    if (auto refused = call.Open(request.parent(), nullptr)) return *std::move(refused);
    const bool all = HasSystemRole(call, kReaders);
    v1::ListExportTokensRequest query(request);
    query.clear_page_size();
    query.clear_page_token();
    std::optional<storage::RecordLocator> after;
    if (auto refused = call.OpenPage(query, request.page_token(), request.page_size(), &after)) {
      return *std::move(refused);
    }
    const int size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
    auto* response = NewResponse<v1::ListExportTokensResponse>(context);
    storage::Id128 last;
    const absl::StatusOr<bool> more = VisitTokens(
        call, after.has_value() ? &after->subject : nullptr,
        [&](const ExportTokenState& token) {
          if (response->tokens_size() == size) return false;
          // Others' are for those who watch over all.
          if (!all && token.row.issuer() != call.session().principal_name()) return true;
          if (!request.recipient().empty() &&
              request.recipient() != RecipientResource(call.tenant_id(), token.row.recipient())) {
            return true;
          }
          const v1::ExportTokenState state = StateNow(call, token);
          if (request.state() != v1::EXPORT_TOKEN_STATE_UNSPECIFIED && request.state() != state) {
            return true;
          }
          FillDescription(call, token, response->add_tokens());
          return true;
        },
        &last);
    if (!more.ok()) return call.Refuse(more.status());
    if (*more) response->set_next_page_token(call.SealPage({last, {}}));
    return call.Finish(response);
  }

 private:
  const VaultDependencies& deps_;
};

}  // namespace

std::unique_ptr<Handler> NewGetExportToken(const VaultDependencies& dependencies) {
  return std::make_unique<GetExportTokenHandler>(dependencies);
}
std::unique_ptr<Handler> NewRevokeExportTokens(const VaultDependencies& dependencies) {
  return std::make_unique<RevokeExportTokensHandler>(dependencies);
}
std::unique_ptr<Handler> NewListExportTokens(const VaultDependencies& dependencies) {
  return std::make_unique<ListExportTokensHandler>(dependencies);
}

}  // namespace piivault::vault
