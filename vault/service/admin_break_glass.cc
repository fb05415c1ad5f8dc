// BreakGlass, ReviewBreakGlass, ListBreakGlass.
#include <algorithm>

#include "authz/decision.h"
#include "authz/policy.h"
#include "vault/service/admin_convert.h"
#include "vault/service/break_glass.h"
#include "vault/service/resource_name.h"
#include "vault/state/snapshot_builder.h"
#include "vault/text.h"
#include "vault/values/detectors.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::v1::BreakGlassRow;
using storage::v1::PrincipalRow;
using storage::v1::RoleBindingRow;

constexpr size_t kMinText = 10;
constexpr size_t kMaxReason = 500;
constexpr size_t kMaxFindings = 2000;
// Of a use with its texts.
constexpr int kMaxPage = 200;

bool IsReviewed(const BreakGlassRow& row) { return row.has_review(); }

// Texts of people who look at personal data: none of it gets into them by mistake where it can be
// told.
absl::Status CheckText(std::string_view text, size_t max, std::string_view argument) {
  if (!IsText(text, max, kMinText)) return BadArgument(argument);
  if (DetectProhibited(text).any()) return MakeError(Reason::kProhibitedType, argument);
  return absl::OkStatus();
}

absl::Status CheckTicket(std::string_view ticket) {
  if (ticket.empty()) return absl::OkStatus();
  if (!authz::IsValidTicket(ticket)) return MakeError(Reason::kTicketInvalid);
  if (DetectProhibited(ticket).any()) return MakeError(Reason::kProhibitedType, "ticket");
  return absl::OkStatus();
}

// The caller's binding of the role; the bindings of a row and of a principal are in the same order.
int FindBinding(const PrincipalRow& row, std::string_view tenant, std::string_view role) {
  for (int i = 0; i < row.bindings_size(); ++i) {
    if (row.bindings(i).tenant() == tenant && row.bindings(i).role() == role) return i;
  }
  return -1;
}

// Whether somebody who was given `binding` may take its role now.
Reason AdmitHolder(const Session& session, const authz::Policy& policy,
                   const authz::RoleBinding& binding) {
  if (session.now() < binding.not_before) return Reason::kRoleNotGranted;
  if (session.now() > binding.not_after) return Reason::kRoleExpired;
  const authz::Admission admission =
      authz::AdmitBinding(policy, binding, *session.principal(), session.person(),
                          session.attestations(), session.now());
  return admission.reason != Reason::kOk ? admission.reason : admission.evidence;
}

// Whether the caller may `approve_exception` in the tenant, for some purpose, by a role that is not
// of an emergency itself: two could renew each other's for ever. What refers to the use stands for
// the ticket that a role may ask for.
CallerRole DecideExceptions(Session& session, std::string_view tenant_id, std::string_view ticket) {
  const TenantState* tenant = session.UseTenantId(tenant_id);
  if (tenant == nullptr || tenant->policy_in_force() == nullptr) return {};
  const authz::Policy& policy = *tenant->policy_in_force();
  const std::string name = TenantName(tenant_id);
  const authz::Principal caller = StandingRolesOf(*session.principal(), name, policy);
  authz::DecisionInput input;
  input.principal = &caller;
  input.person = session.person();
  input.attestations = session.attestations();
  input.tenant = name;
  input.verb = authz::Verb::kApproveException;
  input.ticket = ticket;
  input.now = session.now();
  authz::Decision decision = authz::DecideWithoutSubject(policy, input);
  for (const authz::PurposeSpec& purpose : policy.purposes()) {
    if (decision.granted()) break;
    input.purpose = purpose.name;
    decision = authz::DecideWithoutSubject(policy, input);
  }
  if (!decision.granted()) return {};
  return {Reason::kOk, decision.role->name};
}

std::optional<BreakGlassRow> PendingUse(AdminCall& call) {
  for (const auto& [id, use] : call.state().break_glass()) {
    const bool own = use->row.principal() == call.caller() ||
                     (!call.caller_person().empty() && use->row.person() == call.caller_person());
    if (own && !IsReviewed(use->row)) return use->row;
  }
  return std::nullopt;
}

void FillPosition(const BreakGlassRow::Position& from, piivault::v1::Receipt* to) {
  to->set_log(from.log());
  to->set_generation(from.generation());
  to->set_index(from.index());
}

void FillUse(const BreakGlassRow& row, absl::Time now, piivault::v1::BreakGlassUse* use) {
  use->set_name(BreakGlassName(row.id()));
  use->set_principal(PrincipalName(row.principal()));
  use->set_tenant(TenantName(row.tenant()));
  use->set_role(row.role());
  use->set_reason(row.reason());
  use->set_ticket(row.ticket());
  use->set_state(StateOf(row, now));
  FillTime(row.start_micros(), use->mutable_start_time());
  FillTime(row.end_micros(), use->mutable_end_time());
  FillPosition(row.start_position(), use->mutable_start_position());
  if (row.has_end_position()) FillPosition(row.end_position(), use->mutable_end_position());
  if (!row.has_review()) return;
  use->set_reviewer(PrincipalName(row.review().reviewer()));
  FillTime(row.review().time_micros(), use->mutable_review_time());
  use->set_findings(row.review().findings());
  use->set_justified(row.review().justified());
}

template <typename Response>
Plan AnswerWithUse(AdminCall& call, const BreakGlassRow& row) {
  call.set_break_glass(BreakGlassName(row.id()), row.ticket());
  auto* response = call.response<Response>();
  FillUse(row, call.now(), response->mutable_use());
  return call.Answer(response);
}

// How long the role is taken; zero where the request asks for what cannot be.
absl::Duration LengthOf(const piivault::v1::BreakGlassRequest& request,
                        const authz::RoleSpec& role) {
  if (request.seconds() == 0) return role.break_glass;
  const absl::Duration asked = absl::Seconds(request.seconds());
  return asked > absl::ZeroDuration() && asked <= role.break_glass ? asked : absl::ZeroDuration();
}

BreakGlassRow NewUse(AdminCall& call, absl::Duration length) {
  const auto& request = call.request<piivault::v1::BreakGlassRequest>();
  BreakGlassRow use;
  use.set_id(call.session().random().Id128().ToText());
  use.set_principal(call.caller());
  use.set_person(call.caller_person());
  use.set_tenant(call.session().tenant()->name);
  use.set_role(request.role());
  use.set_reason(request.reason());
  use.set_ticket(request.ticket());
  use.set_start_micros(call.now_micros());
  use.set_end_micros(absl::ToUnixMicros(call.now() + length));
  MarkLogEnd(call, use.mutable_start_position());
  return use;
}

}  // namespace

CallerRole AdmitBreakGlass(Session& session, const CallContext& context) {
  const auto& request = RequestAs<piivault::v1::BreakGlassRequest>(context);
  const auto id = ParseTenantName(request.tenant());
  // Who has no such role learns nothing about tenants.
  const CallerRole stranger = {Reason::kRoleNotGranted, {}};
  if (!id.has_value()) return stranger;
  const int binding = FindBinding(session.caller()->row, *id, request.role());
  if (binding < 0) return stranger;
  const TenantState* tenant = session.UseTenantId(*id);
  if (tenant == nullptr) return stranger;
  const authz::Policy* policy = tenant->policy_in_force();
  if (policy == nullptr) return {Reason::kNoPolicy, {}};
  const authz::RoleSpec* role = policy->FindRole(request.role());
  if (role == nullptr || role->break_glass == absl::ZeroDuration()) {
    return {Reason::kRoleUnknown, {}};
  }
  const Reason reason =
      AdmitHolder(session, *policy, session.principal()->bindings[static_cast<size_t>(binding)]);
  return {reason, role->name};
}

CallerRole AdmitReviewBreakGlass(Session& session, const CallContext& context) {
  const auto id =
      ParseBreakGlassName(RequestAs<piivault::v1::ReviewBreakGlassRequest>(context).name());
  const BreakGlassUseState* use = id.has_value() ? session.state().FindBreakGlass(*id) : nullptr;
  return use == nullptr ? CallerRole() : DecideExceptions(session, use->row.tenant(), use->id);
}

CallerRole AdmitListBreakGlass(Session& session, const CallContext& context) {
  constexpr std::string_view kTicket = "list-break-glass";
  const auto& request = RequestAs<piivault::v1::ListBreakGlassRequest>(context);
  const auto id = ParseTenantName(request.tenant());
  return id.has_value() ? DecideExceptions(session, *id, kTicket) : CallerRole();
}

Plan AdminBreakGlass(AdminCall& call) {
  const auto& request = call.request<piivault::v1::BreakGlassRequest>();
  const authz::RoleSpec& role =
      *call.session().tenant()->policy_in_force()->FindRole(request.role());
  absl::Status status = CheckText(request.reason(), kMaxReason, "reason");
  if (!status.ok()) return call.Refuse(status);
  status = CheckTicket(request.ticket());
  if (!status.ok()) return call.Refuse(status);
  const absl::Duration length = LengthOf(request, role);
  if (length == absl::ZeroDuration()) return call.Refuse(BadArgument("seconds"));

  auto record = call.FindRequest(request.request_id());
  if (!record.ok()) return call.Refuse(record.status());
  if (record->has_value() && (*record)->response.has_value()) {
    piivault::v1::BreakGlassResponse before;
    if (!before.ParseFromString(*(*record)->response)) return call.Refuse(Reason::kDataLoss);
    const auto id = ParseBreakGlassName(before.use().name());
    const BreakGlassUseState* there = id.has_value() ? call.state().FindBreakGlass(*id) : nullptr;
    if (there == nullptr) return call.Refuse(Reason::kDataLoss);
    return AnswerWithUse<piivault::v1::BreakGlassResponse>(call, there->row);
  }
  const std::optional<BreakGlassRow> pending = PendingUse(call);
  if (pending.has_value()) {
    call.set_break_glass(BreakGlassName(pending->id()), {});
    return call.Refuse(Reason::kReviewPending);
  }

  const BreakGlassRow use = NewUse(call, length);
  PrincipalRow principal = call.session().caller()->row;
  RoleBindingRow* binding =
      principal.mutable_bindings(FindBinding(principal, use.tenant(), use.role()));
  binding->set_break_glass(use.id());
  binding->set_active_until_micros(use.end_micros());
  PutPrincipal(call, principal);
  call.change().PutBreakGlass(use);
  call.set_resource(BreakGlassName(use.id()));
  if (record->has_value()) {
    piivault::v1::BreakGlassResponse answer;
    answer.mutable_use()->set_name(BreakGlassName(use.id()));
    call.Remember(**record, answer);
  }
  return AnswerWithUse<piivault::v1::BreakGlassResponse>(call, use);
}

Plan AdminReviewBreakGlass(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ReviewBreakGlassRequest>();
  const auto id = ParseBreakGlassName(request.name());
  if (!id.has_value()) return call.Refuse(BadArgument("name"));
  const BreakGlassUseState* there = call.state().FindBreakGlass(*id);
  if (there == nullptr) return call.Refuse(Reason::kNotFound);
  call.set_resource(request.name());
  call.set_break_glass(request.name(), {});
  BreakGlassRow use = there->row;
  call.session().UseTenantId(use.tenant());
  // A program does not look at anything; and nobody reviews what the same person did by another
  // principal.
  if (call.session().principal()->kind != authz::PrincipalKind::kStaff) {
    return call.Refuse(Reason::kPrincipalKindNotAdmitted);
  }
  if (call.caller_person().empty() || call.caller_person() == use.person() ||
      call.caller() == use.principal()) {
    return call.Refuse(Reason::kProposalSelfApproval);
  }
  absl::Status status = CheckText(request.findings(), kMaxFindings, "findings");
  if (!status.ok()) return call.Refuse(status);
  if (IsReviewed(use)) return call.Refuse(Reason::kAlreadyExists);
  if (StateOf(use, call.now()) == piivault::v1::BREAK_GLASS_STATE_ACTIVE) {
    return call.Refuse(Reason::kBreakGlassActive);
  }
  MarkLogEnd(call, use.mutable_end_position());
  use.mutable_review()->set_reviewer(call.caller());
  use.mutable_review()->set_time_micros(call.now_micros());
  use.mutable_review()->set_findings(request.findings());
  use.mutable_review()->set_justified(request.justified());
  call.change().PutBreakGlass(use);
  call.set_argument("justified", request.justified() ? "yes" : "no");
  return AnswerWithUse<piivault::v1::ReviewBreakGlassResponse>(call, use);
}

Plan AdminListBreakGlass(AdminCall& call) {
  const auto& request = call.request<piivault::v1::ListBreakGlassRequest>();
  const auto tenant = ParseTenantName(request.tenant());
  if (!request.tenant().empty() && !tenant.has_value()) return call.Refuse(BadArgument("tenant"));
  const auto principal = ParsePrincipalName(request.principal());
  if (!request.principal().empty() && !principal.has_value()) {
    return call.Refuse(BadArgument("principal"));
  }
  std::vector<std::pair<std::string, const BreakGlassUseState*>> items;
  for (const auto& [id, use] : call.state().break_glass()) {
    const bool asked = (!tenant.has_value() || use->row.tenant() == *tenant) &&
                       (!principal.has_value() || use->row.principal() == *principal) &&
                       (request.state() == piivault::v1::BREAK_GLASS_STATE_UNSPECIFIED ||
                        request.state() == StateOf(use->row, call.now()));
    if (asked) items.emplace_back(NewestFirstKey(use->row.start_micros(), id), use.get());
  }
  piivault::v1::ListBreakGlassRequest bounded = request;
  bounded.set_page_size(std::min(request.page_size(), kMaxPage));
  auto page = PageOf(call, bounded, std::move(items));
  if (!page.ok()) return call.Refuse(page.status());
  auto* response = call.response<piivault::v1::ListBreakGlassResponse>();
  for (const BreakGlassUseState* use : page->items) {
    FillUse(use->row, call.now(), response->add_uses());
  }
  response->set_next_page_token(page->next_page_token);
  return call.Answer(response);
}

}  // namespace piivault::vault
