#include "authz/decision.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "authz/admission.h"
#include "authz/compiled_policy.h"
#include "authz/field_limits.h"
#include "authz/grounds.h"
#include "authz/policy_builder.h"

namespace piivault::authz {
namespace {

// Whether the binding does nothing until the role is taken.
bool NeedsTaking(const RoleBinding& binding, const RoleSpec& role) {
  return binding.for_emergencies || role.break_glass != absl::ZeroDuration();
}

// How far a role got before it was refused: order of the documented reasons.
enum Stage {
  kStageOperation,
  kStageType,
  kStagePurpose,
  kStageRequest,
  kStageSubject,
  kStageFields,
  kStageGranted,
};

struct ActiveRole {
  const RoleSpec* role;
  absl::InlinedVector<const RoleBinding*, 2> bindings;  // In force.
  bool limited;                                         // One of them names fields.

  // First instant at which a binding no longer gives the role.
  absl::Time EndOf(const RoleBinding& binding) const {
    const absl::Time end = After(binding.not_after);
    return NeedsTaking(binding, *role) ? std::min(end, binding.active_until) : end;
  }
  // First instant at which no binding gives the role for what `covers` says of a pattern.
  // InfinitePast: none does now. Of fields: FieldLimits.
  absl::Time GoodUntil(absl::FunctionRef<bool(std::string_view pattern)> covers) const {
    absl::Time until = absl::InfinitePast();
    for (const RoleBinding* binding : bindings) {
      const std::vector<std::string>& fields = binding->fields;
      if (fields.empty() || std::any_of(fields.begin(), fields.end(), covers)) {
        until = std::max(until, EndOf(*binding));
      }
    }
    return until;
  }
  absl::Time GoodUntil() const {
    return GoodUntil([](std::string_view) { return true; });
  }
};

bool Asks(const Slice& slice, Condition condition) {
  return ((slice.conditions >> static_cast<unsigned>(condition)) & 1) != 0;
}

// What one role makes of the call.
struct Attempt {
  Stage stage = kStageOperation;
  Decision decision;
  size_t granted = 0;
  size_t plain = 0;
  size_t refused_to_all = 0;  // Fields that in this call no role is granted.

  bool BetterThan(const Attempt& other) const {
    if (granted != other.granted) return granted > other.granted;
    if (plain != other.plain) return plain > other.plain;
    return granted == 0 && stage > other.stage;
  }
};

class Evaluation {
 public:
  // `subject` null: facts are taken to be favourable.
  Evaluation(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject)
      : policy_(policy), in_(input), subject_(subject), verb_(GetVerb(input.verb)) {}

  Decision Decide();

 private:
  Decision Refuse(Reason reason) const {
    Decision decision;
    decision.reason = reason;
    return decision;
  }
  Reason CheckCaller() const;
  // The roles in force for the tenant, in the policy's order, each once.
  Reason ActiveRoles(absl::InlinedVector<ActiveRole, 4>* out) const;
  Attempt Try(const ActiveRole& active) const;
  // Whether no role can be better: it grants all that any can, as plainly as it is asked for.
  bool IsBest(const Attempt& attempt) const;
  Reason CheckRequest(const RoleSpec& role, const PurposeSpec* purpose, Grounds* grounds) const;
  Reason CheckIntake(const RoleSpec& role) const;
  Reason CheckSubject(Grounds* grounds) const;
  FieldLimits LimitsOf(const ActiveRole& active, const Grounds& grounds) const;
  bool Holds(Condition condition, const Grounds& grounds) const;
  void DecideWhole(const ActiveRole& active, const Cell& cell, Grounds* grounds,
                   Attempt* attempt) const;
  // How long the role's bindings last for the type; InfinitePast: none covers it.
  absl::Time TypeGoodUntil(const ActiveRole& active) const;
  bool TypeGrantedForOtherPurpose(const RoleSpec& role) const;
  void DecideFields(const ActiveRole& active, const Cell& cell, Grounds* grounds,
                    Attempt* attempt) const;
  FieldDecision DecideField(const RoleSpec& role, const Cell& cell, FieldId id,
                            const FieldLimits& limits, Grounds* grounds, Attempt* attempt) const;
  // Why a field that a grant gives is refused to every role all the same; kOk where it is not.
  Reason CheckField(const FieldSpec& field, const FieldLimits& limits, Grounds* grounds) const;
  // Whether the caller wants no field in plain.
  bool AsksForLess() const {
    return verb_.outputs_values && in_.wanted != View::kPlain && in_.wanted != View::kDenied;
  }
  void SetView(const FieldSpec& field, View granted, FieldDecision* out) const;
  // kOk where the slice's conditions hold.
  Reason CheckConditions(uint8_t conditions, const Grounds& grounds) const;

  const Policy& policy_;
  const DecisionInput& in_;
  const SubjectFacts* subject_;
  const VerbInfo& verb_;
};

Reason Evaluation::CheckCaller() const {
  if (in_.principal == nullptr) return Reason::kPrincipalUnknown;
  const Principal& principal = *in_.principal;
  if (principal.disabled) return Reason::kPrincipalDisabled;
  if (in_.tenant.empty()) return Reason::kTenantUnknown;
  if (principal.kind == PrincipalKind::kTenant && principal.tenant != in_.tenant) {
    return Reason::kTenantMismatch;
  }
  if (in_.person != nullptr && policy_.ForbidsEmployment(in_.person->employment)) {
    return in_.person->employment == Employment::kOutsourced ? Reason::kOutsourcingForbidden
                                                             : Reason::kEmploymentNotAdmitted;
  }
  return Reason::kOk;
}

Reason Evaluation::ActiveRoles(absl::InlinedVector<ActiveRole, 4>* out) const {
  bool over = false;
  bool here = false;
  bool elsewhere = false;
  for (const RoleBinding& binding : in_.principal->bindings) {
    if (!in_.role.empty() && binding.role != in_.role) continue;
    if (binding.tenant != in_.tenant) {
      elsewhere = elsewhere || !binding.tenant.empty();
      continue;
    }
    const RoleSpec* role = policy_.FindRole(binding.role);
    if (role == nullptr) continue;
    here = true;
    if (in_.now > binding.not_after) over = true;
    if (in_.now < binding.not_before || in_.now > binding.not_after) continue;
    if (NeedsTaking(binding, *role) && in_.now >= binding.active_until) continue;
    const bool limited = !binding.fields.empty();
    auto same = std::find_if(out->begin(), out->end(),
                             [&](const ActiveRole& active) { return active.role == role; });
    if (same == out->end()) {
      out->push_back({role, {&binding}, limited});
    } else {
      same->bindings.push_back(&binding);
      same->limited = same->limited || limited;
    }
  }
  std::sort(out->begin(), out->end(),
            [](const ActiveRole& a, const ActiveRole& b) { return a.role->id < b.role->id; });
  if (!out->empty()) return Reason::kOk;
  if (over) return Reason::kRoleExpired;
  return elsewhere && !here ? Reason::kTenantMismatch : Reason::kRoleNotGranted;
}

Decision Evaluation::Decide() {
  if (Reason reason = CheckCaller(); reason != Reason::kOk) return Refuse(reason);
  absl::InlinedVector<ActiveRole, 4> roles;
  if (Reason reason = ActiveRoles(&roles); reason != Reason::kOk) return Refuse(reason);

  std::optional<Attempt> best;
  Reason not_admitted = Reason::kOk;  // Of a role that would grant something.
  const RoleSpec* would_grant = nullptr;
  Reason first_refusal = Reason::kOk;  // Of the first role that is not admitted.
  const RoleSpec* first_refused = nullptr;
  for (const ActiveRole& active : roles) {
    const RoleAdmission admission =
        AdmitToRole(*active.role, policy_.acknowledgement(), *in_.principal, in_.person,
                    in_.attestations, in_.now);
    if (admission.reason != Reason::kOk && would_grant != nullptr) continue;
    Attempt attempt = Try(active);
    if (admission.reason != Reason::kOk) {
      if (attempt.granted > 0) {
        not_admitted = admission.reason;
        would_grant = active.role;
      }
      if (first_refused == nullptr) {
        first_refusal = admission.reason;
        first_refused = active.role;
      }
      continue;
    }
    attempt.decision.attestation = admission.attestation;
    attempt.decision.good_until = std::min(attempt.decision.good_until, admission.good_until);
    if (!best.has_value() || attempt.BetterThan(*best)) best = std::move(attempt);
    if (IsBest(*best)) break;
  }
  if (best.has_value() && best->granted > 0) return std::move(best->decision);
  if (would_grant != nullptr || !best.has_value()) {
    Decision decision = Refuse(would_grant != nullptr ? not_admitted : first_refusal);
    decision.role = would_grant != nullptr ? would_grant : first_refused;
    return decision;
  }
  return std::move(best->decision);
}

bool Evaluation::IsBest(const Attempt& attempt) const {
  if (attempt.stage < kStageFields) return false;  // Another role may get further.
  const bool of_fields = verb_.target == VerbTarget::kFields;
  const size_t most = of_fields ? in_.fields.size() - attempt.refused_to_all : 1;
  const size_t most_plain = AsksForLess() ? 0 : most;
  return attempt.granted == most && attempt.plain == most_plain;
}

Attempt Evaluation::Try(const ActiveRole& active) const {
  const RoleSpec& role = *active.role;
  Attempt attempt;
  Decision& decision = attempt.decision;
  decision.role = &role;
  const auto refuse = [&](Stage stage, Reason reason) {
    attempt.stage = stage;
    decision.reason = reason;
    return std::move(attempt);
  };
  const CompiledPolicy& compiled = policy_.compiled();
  if (!compiled.HasVerb(role.id, in_.verb)) {
    return refuse(kStageOperation, Reason::kOperationNotGranted);
  }
  if (verb_.target != VerbTarget::kTenant && in_.type >= policy_.type_count()) {
    return refuse(kStageType, Reason::kTypeUnknown);
  }
  size_t column = 0;
  if (verb_.purpose != Need::kNo && !in_.purpose.empty()) {
    decision.purpose = policy_.FindPurpose(in_.purpose);
    if (decision.purpose == nullptr) return refuse(kStagePurpose, Reason::kPurposeUnknown);
    column = decision.purpose->id + size_t{1};
  } else if (verb_.purpose == Need::kRequired) {
    return refuse(kStagePurpose, Reason::kPurposeMissing);
  }
  const Cell* cell = compiled.Find(role.id, in_.verb, column);
  if (cell == nullptr) {
    return refuse(kStagePurpose,
                  column == 0 ? Reason::kPurposeMissing : Reason::kPurposeNotGranted);
  }
  Grounds grounds(policy_, in_, subject_, role, decision.purpose);
  if (Reason reason = CheckRequest(role, decision.purpose, &grounds); reason != Reason::kOk) {
    return refuse(kStageRequest, reason);
  }
  if (Reason reason = CheckSubject(&grounds); reason != Reason::kOk) {
    return refuse(kStageSubject, reason);
  }
  decision.good_until = active.limited ? absl::InfiniteFuture() : active.GoodUntil();
  if (verb_.target == VerbTarget::kFields) {
    DecideFields(active, *cell, &grounds, &attempt);
  } else {
    DecideWhole(active, *cell, &grounds, &attempt);
  }
  decision.matter = grounds.matter();
  decision.consent = grounds.consent();
  decision.good_until = std::min(decision.good_until, grounds.good_until());
  return attempt;
}

Reason Evaluation::CheckRequest(const RoleSpec& role, const PurposeSpec* purpose,
                                Grounds* grounds) const {
  if (!in_.ticket.empty() && !IsValidTicket(in_.ticket)) return Reason::kTicketInvalid;
  const bool ticket = (role.needs_ticket && verb_.purpose != Need::kNo) ||
                      (purpose != nullptr && purpose->needs_ticket);
  if (ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  if (purpose != nullptr) {
    for (const std::string& need : purpose->needs) {
      if (std::none_of(in_.arguments.begin(), in_.arguments.end(),
                       [&](const Argument& argument) { return argument.name == need; })) {
        return Reason::kArgumentMissing;
      }
    }
  }
  if (Reason reason = grounds->CheckRequest(); reason != Reason::kOk) return reason;
  if (role.kind == RoleKind::kSubject && in_.on_behalf_of.empty() && in_.verb != Verb::kCreate) {
    return Reason::kSubjectRequired;
  }
  if (verb_.writes) {
    if (Reason reason = CheckIntake(role); reason != Reason::kOk) return reason;
  }
  if (verb_.target == VerbTarget::kFields && in_.fields.empty()) return Reason::kFieldMissing;
  return Reason::kOk;
}

Reason Evaluation::CheckIntake(const RoleSpec& role) const {
  // An update by staff or a tenant itself has no front hop; one by a form of a service has.
  const bool stated = !in_.channel.empty() || in_.front_hop != FrontHop::kUnspecified;
  const bool direct = role.kind == RoleKind::kStaff || role.kind == RoleKind::kTenant;
  if (in_.verb == Verb::kUpdate && direct && !stated) return Reason::kOk;
  const TransportSpec& transport = policy_.transport();
  if (transport.record_channel && in_.channel.empty()) return Reason::kChannelMissing;
  const std::vector<std::string>& channels = policy_.channels();
  if (!channels.empty() && !in_.channel.empty() &&
      std::find(channels.begin(), channels.end(), in_.channel) == channels.end()) {
    return Reason::kChannelNotAllowed;
  }
  if (in_.front_hop == FrontHop::kTls || transport.allow_plain == IntakePlain::kAlways) {
    return Reason::kOk;
  }
  const bool plain_allowed =
      transport.allow_plain == IntakePlain::kPerTenantChoice && in_.tenant_allows_plain;
  return plain_allowed ? Reason::kOk : Reason::kChannelNotAllowed;
}

Reason Evaluation::CheckSubject(Grounds* grounds) const {
  if (subject_ == nullptr) return Reason::kOk;
  if (subject_->erased) return Reason::kSubjectErased;
  if (Reason reason = grounds->CheckIdentity(); reason != Reason::kOk) return reason;
  if (subject_->restricted && verb_.uses_data) return Reason::kSubjectRestricted;
  return grounds->CheckSubject();
}

FieldLimits Evaluation::LimitsOf(const ActiveRole& active, const Grounds& grounds) const {
  const bool stoppable = subject_ != nullptr && verb_.uses_data;
  return FieldLimits(policy_.type(in_.type).name, active.bindings,
                     stoppable ? subject_->stops : absl::Span<const UseStop>(), grounds);
}

bool Evaluation::Holds(Condition condition, const Grounds& grounds) const {
  if (subject_ == nullptr) return true;
  switch (condition) {
    case Condition::kSubscribed:
      return !subject_->unsubscribed;
    case Condition::kContractActive:
      return subject_->contract_active;
    case Condition::kOwnDepartment:
      return in_.person != nullptr && !in_.person->department.empty() &&
             in_.person->department == subject_->department;
    case Condition::kConsented:
      return grounds.Consented();
    case Condition::kNoticed:
      return grounds.Noticed();
    case Condition::kOwnId:
      return subject_->holder.empty();
  }
  return false;
}

Reason Evaluation::CheckConditions(uint8_t conditions, const Grounds& grounds) const {
  static constexpr Reason kReasons[kConditionCount] = {
      Reason::kUnsubscribed,   Reason::kContractEnded, Reason::kDepartmentMismatch,
      Reason::kConsentMissing, Reason::kNoticeForbids, Reason::kMemberWithoutId};
  for (size_t i = 0; conditions != 0 && i < kConditionCount; ++i) {
    if (((conditions >> i) & 1) != 0 && !Holds(static_cast<Condition>(i), grounds)) {
      return kReasons[i];
    }
  }
  return Reason::kOk;
}

bool Evaluation::TypeGrantedForOtherPurpose(const RoleSpec& role) const {
  for (size_t column = 1; column <= policy_.purposes().size(); ++column) {
    const Cell* cell = policy_.compiled().Find(role.id, in_.verb, column);
    if (cell != nullptr && cell->Gives(in_.type)) return true;
  }
  return false;
}

absl::Time Evaluation::TypeGoodUntil(const ActiveRole& active) const {
  if (verb_.target != VerbTarget::kType) return active.GoodUntil();
  const TypeSpec& type = policy_.type(in_.type);
  return active.GoodUntil([&](std::string_view pattern) {
    const FieldId named = policy_.FindField(pattern);
    return NamesFamily(pattern, type.name) ||
           (named != kNoField && policy_.field(named).type == type.id);
  });
}

void Evaluation::DecideWhole(const ActiveRole& active, const Cell& cell, Grounds* grounds,
                             Attempt* attempt) const {
  Decision& decision = attempt->decision;
  attempt->stage = kStageFields;
  decision.reason = Reason::kOperationNotGranted;
  const bool of_type = verb_.target == VerbTarget::kType;
  if (active.limited) {
    decision.good_until = TypeGoodUntil(active);
    if (decision.good_until == absl::InfinitePast()) return;  // For other types only.
  }
  if (of_type && LimitsOf(active, *grounds).TypeStopped()) {
    decision.reason = Reason::kUseStopped;
    return;
  }
  const Cell::Found found = cell.Find(of_type ? in_.type : 0, false, [&](uint8_t conditions) {
    return CheckConditions(conditions, *grounds) == Reason::kOk;
  });
  if (found.holding != nullptr) {
    if (Asks(*found.holding, Condition::kConsented)) grounds->RelyOnConsent();
    attempt->stage = kStageGranted;
    attempt->granted = attempt->plain = 1;
    decision.reason = Reason::kOk;
    decision.grant = &policy_.grants()[found.holding->grant];
  } else if (found.failing != nullptr) {
    decision.reason = CheckConditions(found.failing->conditions, *grounds);
  } else if (of_type && TypeGrantedForOtherPurpose(*active.role)) {
    decision.reason =
        decision.purpose == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
  }
}

void Evaluation::DecideFields(const ActiveRole& active, const Cell& cell, Grounds* grounds,
                              Attempt* attempt) const {
  Decision& decision = attempt->decision;
  attempt->stage = kStageFields;
  decision.reason = Reason::kOk;
  decision.fields.reserve(in_.fields.size());
  const FieldLimits limits = LimitsOf(active, *grounds);
  for (FieldId id : in_.fields) {
    FieldDecision field = DecideField(*active.role, cell, id, limits, grounds, attempt);
    if (field.view == View::kDenied) {
      if (decision.reason == Reason::kOk || field.reason == Reason::kFieldUnknown) {
        decision.reason = field.reason;
      }
    } else {
      ++attempt->granted;
      if (field.view == View::kPlain) ++attempt->plain;
      if (decision.grant == nullptr) decision.grant = field.grant;
      if (active.limited) {
        decision.good_until =
            std::min(decision.good_until, limits.GoodUntil(policy_.field(id).full_name));
      }
    }
    decision.fields.push_back(field);
  }
  if (decision.reason == Reason::kOk) attempt->stage = kStageGranted;
}

FieldDecision Evaluation::DecideField(const RoleSpec& role, const Cell& cell, FieldId id,
                                      const FieldLimits& limits, Grounds* grounds,
                                      Attempt* attempt) const {
  FieldDecision out;
  out.field = id;
  if (id >= policy_.field_count() || policy_.field(id).type != in_.type) {
    ++attempt->refused_to_all;
    out.reason = Reason::kFieldUnknown;
    return out;
  }
  const FieldSpec& field = policy_.field(id);
  out.reason = Reason::kFieldNotGranted;
  const Cell::Found found = cell.Find(id, true, [&](uint8_t conditions) {
    return CheckConditions(conditions, *grounds) == Reason::kOk;
  });
  if (found.holding == nullptr) {
    const Reason never = FieldAllows(field, verb_, role, View::kPlain);
    if (never != Reason::kOk) {
      out.reason = never;
    } else if (found.failing != nullptr) {
      out.reason = CheckConditions(found.failing->conditions, *grounds);
    }
    return out;
  }
  if (limits.GoodUntil(field.full_name) == absl::InfinitePast()) return out;
  out.reason = CheckField(field, limits, grounds);
  if (out.reason != Reason::kOk) {
    ++attempt->refused_to_all;
    return out;
  }
  out.grant = &policy_.grants()[found.holding->grant];
  SetView(field, found.holding->view, &out);
  const bool consented = Asks(*found.holding, Condition::kConsented);
  if (consented && out.view != View::kDenied) grounds->RelyOnConsent();
  return out;
}

Reason Evaluation::CheckField(const FieldSpec& field, const FieldLimits& limits,
                              Grounds* grounds) const {
  if (!grounds->FollowsField(field.id)) return Reason::kFieldNotGranted;
  if (limits.Stopped(field.full_name)) return Reason::kUseStopped;
  if (!verb_.writes) return Reason::kOk;
  const bool clears =
      std::find(in_.cleared.begin(), in_.cleared.end(), field.id) != in_.cleared.end();
  return clears ? Reason::kOk : grounds->CheckWrite(field);
}

void Evaluation::SetView(const FieldSpec& field, View granted, FieldDecision* out) const {
  // Masks and tokens show different things, so only from plain may a caller ask for less.
  const View view = granted == View::kPlain && AsksForLess() ? in_.wanted : granted;
  const bool impossible = (view == View::kMasked && field.mask == Mask::kNone) ||
                          (view == View::kToken &&
                           (field.token == TokenMode::kNone || in_.verb == Verb::kRevealHistory));
  if (impossible) {
    out->view = View::kDenied;
    out->reason = view == View::kToken ? Reason::kFieldNotTokenized : Reason::kFieldNotGranted;
    out->grant = nullptr;
    return;
  }
  out->view = view;
  if (view == View::kMasked) out->mask = field.mask;
}

}  // namespace

bool Decision::partial() const {
  if (granted()) return true;
  return std::any_of(fields.begin(), fields.end(),
                     [](const FieldDecision& field) { return field.view != View::kDenied; });
}

Decision DecideWithoutSubject(const Policy& policy, const DecisionInput& input) {
  return Evaluation(policy, input, nullptr).Decide();
}

Decision DecideWithSubject(const Policy& policy, const DecisionInput& input,
                           const SubjectFacts& subject) {
  return Evaluation(policy, input, &subject).Decide();
}

}  // namespace piivault::authz
