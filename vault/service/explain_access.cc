#include "vault/service/explain_access.h"

#include <optional>
#include <string>
#include <vector>

#include "authz/explain.h"
#include "authz/policy.h"
#include "authz/policy_cells.h"
#include "piivault/v1/audit_service.pb.h"
#include "vault/service/admin_convert.h"
#include "vault/service/errors.h"
#include "vault/service/resource_name.h"
#include "vault/service/session.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr int kMaxFields = 200;
constexpr int kMaxArguments = 16;

constexpr authz::SystemRoles kAskers = {authz::SystemRole::kVaultAdmin,
                                        authz::SystemRole::kVaultAuditor,
                                        authz::SystemRole::kPrivacyOfficer};

// Whom a service would act for: anybody, as nothing about the person is asked.
constexpr std::string_view kAnybody = "subjects/anybody";

std::string Text(std::string_view text) { return std::string(text); }

// Empty where granted.
std::string ReasonText(authz::Reason reason) {
  return reason == authz::Reason::kOk ? std::string() : Text(authz::ReasonName(reason));
}

void FillObject(const authz::Policy& policy, const authz::ObjectExplanation& from,
                piivault::v1::ExplainedObject* to) {
  to->set_object(from.object);
  to->set_view(Text(authz::ViewName(from.view)));
  if (from.view == authz::View::kDenied) to->set_reason(ReasonText(from.reason));
  if (from.grant != nullptr) {
    to->set_grant(from.grant->id);
    to->set_clause(from.grant->origin.clause);
  }
  for (const authz::NearGrant& near : from.nearest) {
    piivault::v1::NearGrant* grant = to->add_nearest();
    grant->set_grant(near.grant->id);
    grant->set_clause(near.grant->origin.clause);
    grant->set_role(policy.roles()[near.grant->role].name);
    grant->mutable_missing()->Add(near.missing.begin(), near.missing.end());
  }
}

void FillRole(const authz::Policy& policy, const authz::RoleExplanation& from,
              piivault::v1::ExplainedRole* to) {
  to->set_role(from.role);
  to->set_admitted(from.admitted);
  to->set_reason(ReasonText(from.reason));
  if (from.reason != authz::Reason::kOk) {
    to->set_meaning(Text(authz::GetReason(from.reason).meaning));
  }
  to->mutable_asks()->Add(from.asks.begin(), from.asks.end());
  for (const authz::ObjectExplanation& object : from.objects) {
    FillObject(policy, object, to->add_objects());
  }
}

void FillAnswer(const authz::Policy& policy, const authz::Explanation& from,
                piivault::v1::ExplainAccessResponse* to) {
  const authz::Decision& decision = from.decision;
  to->set_decision(decision.granted()   ? piivault::v1::ENTRY_DECISION_GRANTED
                   : decision.partial() ? piivault::v1::ENTRY_DECISION_PARTIAL
                                        : piivault::v1::ENTRY_DECISION_DENIED);
  if (!decision.granted()) {
    const authz::ReasonInfo& info = authz::GetReason(decision.reason);
    to->set_reason(Text(info.name));
    to->set_meaning(Text(info.meaning));
    to->set_remedy(Text(info.remedy));
  }
  to->set_policy_sha256(policy.hash_hex());
  if (decision.role != nullptr) to->set_role(decision.role->name);
  if (decision.attestation != nullptr) {
    to->set_attestation_kind(Text(authz::AttestationKindName(decision.attestation->kind)));
  }
  for (const authz::ObjectExplanation& object : from.objects) {
    FillObject(policy, object, to->add_objects());
  }
  for (const authz::RoleExplanation& role : from.roles) FillRole(policy, role, to->add_roles());
}

// The call that is asked about; owns what the decision's input borrows.
class AskedCall {
 public:
  AskedCall(const piivault::v1::ExplainAccessRequest& request, const authz::Policy& policy,
            authz::Verb verb, absl::Time now) {
    input_.tenant = request.tenant();
    input_.verb = verb;
    std::string_view type = request.type();
    if (type.empty() && request.fields_size() > 0) {
      const std::string_view first = request.fields(0);
      type = first.substr(0, first.find('.'));
    }
    input_.type = policy.FindType(type);
    for (const std::string& field : request.fields()) fields_.push_back(policy.FindField(field));
    input_.fields = fields_;
    input_.purpose = request.purpose();
    input_.ticket = request.ticket();
    for (const auto& [name, value] : request.arguments()) {
      arguments_.push_back({name, value});
      AddMatters(policy, name, value);
    }
    input_.arguments = arguments_;
    input_.matters = matters_;
    input_.now = now;
    input_.role = request.role();
    input_.on_behalf_of = kAnybody;
    input_.channel = request.channel();
    input_.front_hop = authz::FrontHop::kTls;
  }
  AskedCall(const AskedCall&) = delete;
  AskedCall& operator=(const AskedCall&) = delete;

  authz::DecisionInput& input() { return input_; }

 private:
  // Whatever state is asked of it.
  void AddMatters(const authz::Policy& policy, std::string_view name, std::string_view id) {
    const authz::MatterSpec* spec = policy.FindMatter(name);
    if (spec == nullptr) return;
    for (const std::string& state : spec->states) {
      matters_.push_back({.kind = spec->name, .id = id, .state = state});
    }
  }

  std::vector<authz::FieldId> fields_;
  std::vector<authz::Argument> arguments_;
  std::vector<authz::MatterFact> matters_;
  authz::DecisionInput input_;
};

class ExplainAccessHandler : public Handler {
 public:
  ExplainAccessHandler(const StateStore& store, RandomSource& random)
      : store_(store), random_(random) {}

  Plan Next(CallContext& context) override {
    Session session(context, store_, random_);
    if (!session.identified()) return session.Refuse();
    const authz::Reason reason =
        authz::DecideSystemRole(session.principal(), kAskers, session.now());
    if (reason != authz::Reason::kOk) return session.Refuse(reason);
    return Answer(context, session);
  }

 private:
  static Plan Answer(CallContext& context, Session& session) {
    const auto& request = RequestAs<piivault::v1::ExplainAccessRequest>(context);
    const auto id = ParsePrincipalName(request.principal());
    if (!id.has_value()) return session.Refuse(BadArgument("principal"));
    const std::optional<authz::Verb> verb = authz::FindVerb(request.verb());
    if (!verb.has_value()) return session.Refuse(BadArgument("verb"));
    if (request.fields_size() > kMaxFields) return session.Refuse(BadArgument("fields"));
    if (request.arguments_size() > kMaxArguments) return session.Refuse(BadArgument("arguments"));
    absl::Time now = session.now();
    if (request.has_time()) {
      const auto micros = MicrosOf(request.time());
      if (!micros.has_value()) return session.Refuse(BadArgument("time"));
      now = absl::FromUnixMicros(*micros);
    }
    const TenantState* tenant = session.UseTenant(request.tenant());
    if (tenant == nullptr) return session.Refuse(authz::Reason::kTenantUnknown);
    const authz::Policy* policy = tenant->policy_in_force();
    if (policy == nullptr) return session.Refuse(authz::Reason::kNoPolicy);
    const PrincipalState* principal = session.state().FindPrincipal(*id);
    if (principal == nullptr) return session.Refuse(authz::Reason::kNotFound);

    AskedCall call(request, *policy, *verb, now);
    call.input().principal = &principal->principal;
    call.input().tenant_allows_plain = tenant->row.intake_plain_allowed();
    const PersonState* person = session.state().FindPerson(principal->row.person());
    if (person != nullptr) {
      call.input().person = &person->person;
      call.input().attestations = person->attestations;
    }
    auto* response = NewResponse<piivault::v1::ExplainAccessResponse>(context);
    FillAnswer(*policy, authz::Explain(*policy, call.input(), nullptr), response);
    storage::v1::EntryBody entry = session.NewEntry();
    entry.set_resource(request.principal());
    return session.Answer(response, entry);
  }

  const StateStore& store_;
  RandomSource& random_;
};

}  // namespace

std::unique_ptr<Handler> MakeExplainAccess(const StateStore& store, RandomSource& random) {
  return std::make_unique<ExplainAccessHandler>(store, random);
}

}  // namespace piivault::vault
