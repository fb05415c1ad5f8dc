#include "authz/decision.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "authz/admission.h"
#include "authz/compiled_policy.h"
#include "authz/policy_builder.h"

namespace piivault::authz {
namespace {

constexpr size_t kMaxTicket = 64;

absl::Time After(absl::Time last) {
  return last == absl::InfiniteFuture() ? last : last + absl::Nanoseconds(1);
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
  absl::Time good_until;
};

// What one role makes of the call.
struct Attempt {
  Stage stage = kStageOperation;
  Decision decision;
  size_t granted = 0;
  size_t plain = 0;

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
  Attempt Try(const RoleSpec& role) const;
  Reason CheckRequest(const RoleSpec& role, const PurposeSpec* purpose) const;
  Reason CheckIntake(const RoleSpec& role) const;
  Reason CheckSubject(const RoleSpec& role) const;
  bool Stopped(std::string_view full_name, std::string_view type) const;
  bool Holds(Condition condition) const;
  void DecideWhole(const RoleSpec& role, const Cell& cell, Attempt* attempt) const;
  bool TypeGrantedForOtherPurpose(const RoleSpec& role) const;
  void DecideFields(const RoleSpec& role, const Cell& cell, Attempt* attempt) const;
  FieldDecision DecideField(const RoleSpec& role, const Cell& cell, FieldId id) const;
  void SetView(const FieldSpec& field, View granted, FieldDecision* out) const;
  // kOk where the slice's conditions hold.
  Reason CheckConditions(uint8_t conditions) const;

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
    const absl::Time until = After(binding.not_after);
    auto same = std::find_if(out->begin(), out->end(),
                             [&](const ActiveRole& active) { return active.role == role; });
    if (same == out->end()) {
      out->push_back({role, until});
    } else {
      same->good_until = std::max(same->good_until, until);
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
        AdmitToRole(*active.role, *in_.principal, in_.person, in_.attestations, in_.now);
    if (admission.reason != Reason::kOk && would_grant != nullptr) continue;
    Attempt attempt = Try(*active.role);
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
    attempt.decision.good_until = std::min(active.good_until, admission.good_until);
    if (!best.has_value() || attempt.BetterThan(*best)) best = std::move(attempt);
  }
  if (best.has_value() && best->granted > 0) return std::move(best->decision);
  if (would_grant != nullptr || !best.has_value()) {
    Decision decision = Refuse(would_grant != nullptr ? not_admitted : first_refusal);
    decision.role = would_grant != nullptr ? would_grant : first_refused;
    return decision;
  }
  return std::move(best->decision);
}

Attempt Evaluation::Try(const RoleSpec& role) const {
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
  if (Reason reason = CheckRequest(role, decision.purpose); reason != Reason::kOk) {
    return refuse(kStageRequest, reason);
  }
  if (Reason reason = CheckSubject(role); reason != Reason::kOk) {
    return refuse(kStageSubject, reason);
  }
  if (verb_.target == VerbTarget::kFields) {
    DecideFields(role, *cell, &attempt);
  } else {
    DecideWhole(role, *cell, &attempt);
  }
  return attempt;
}

Reason Evaluation::CheckRequest(const RoleSpec& role, const PurposeSpec* purpose) const {
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

Reason Evaluation::CheckSubject(const RoleSpec& role) const {
  if (subject_ == nullptr) return Reason::kOk;
  if (subject_->erased) return Reason::kSubjectErased;
  if (role.kind == RoleKind::kSubject) {
    const bool fresh = in_.verb == Verb::kCreate && subject_->subject.empty();
    if (!fresh && (in_.on_behalf_of.empty() || subject_->subject != in_.on_behalf_of)) {
      return Reason::kNotOwnRecord;
    }
  }
  if (subject_->restricted && verb_.uses_data) return Reason::kSubjectRestricted;
  return Reason::kOk;
}

bool Evaluation::Stopped(std::string_view full_name, std::string_view type) const {
  if (subject_ == nullptr || !verb_.uses_data) return false;
  for (const UseStop& stop : subject_->stops) {
    if (!stop.purpose.empty() && stop.purpose != in_.purpose) continue;
    if (stop.fields.empty() || stop.fields == full_name) return true;
    const bool family = stop.fields.size() == type.size() + 2 && stop.fields.ends_with(".*") &&
                        stop.fields.substr(0, type.size()) == type;
    if (family) return true;
  }
  return false;
}

bool Evaluation::Holds(Condition condition) const {
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
      return std::any_of(subject_->consents.begin(), subject_->consents.end(),
                         [&](const ConsentFact& consent) {
                           return consent.purpose == in_.purpose && consent.given <= in_.now &&
                                  in_.now < consent.withdrawn;
                         });
    case Condition::kNoticed: {
      const CollectionNoticeSpec* notice = policy_.FindCollectionNotice(subject_->notice);
      return notice != nullptr &&
             std::any_of(notice->purposes.begin(), notice->purposes.end(),
                         [&](PurposeId id) { return policy_.purposes()[id].name == in_.purpose; });
    }
    case Condition::kOwnId:
      return subject_->holder.empty();
  }
  return false;
}

Reason Evaluation::CheckConditions(uint8_t conditions) const {
  static constexpr Reason kReasons[kConditionCount] = {
      Reason::kUnsubscribed,   Reason::kContractEnded, Reason::kDepartmentMismatch,
      Reason::kConsentMissing, Reason::kNoticeForbids, Reason::kMemberWithoutId};
  for (size_t i = 0; conditions != 0 && i < kConditionCount; ++i) {
    if (((conditions >> i) & 1) != 0 && !Holds(static_cast<Condition>(i))) return kReasons[i];
  }
  return Reason::kOk;
}

bool Evaluation::TypeGrantedForOtherPurpose(const RoleSpec& role) const {
  for (size_t column = 1; column <= policy_.purposes().size(); ++column) {
    const Cell* cell = policy_.compiled().Find(role.id, in_.verb, column);
    if (cell == nullptr) continue;
    for (const Slice* slice : *cell) {
      if (slice->types.Has(in_.type)) return true;
    }
  }
  return false;
}

void Evaluation::DecideWhole(const RoleSpec& role, const Cell& cell, Attempt* attempt) const {
  Decision& decision = attempt->decision;
  attempt->stage = kStageFields;
  decision.reason = Reason::kOperationNotGranted;
  const bool of_type = verb_.target == VerbTarget::kType;
  if (of_type && Stopped("", policy_.type(in_.type).name)) {
    decision.reason = Reason::kUseStopped;
    return;
  }
  for (const Slice* slice : cell) {
    if (of_type && !slice->types.Has(in_.type)) continue;
    const Reason reason = CheckConditions(slice->conditions);
    if (reason == Reason::kOk) {
      attempt->stage = kStageGranted;
      attempt->granted = attempt->plain = 1;
      decision.reason = Reason::kOk;
      decision.grant = &policy_.grants()[slice->grant];
      return;
    }
    if (decision.reason == Reason::kOperationNotGranted) decision.reason = reason;
  }
  if (of_type && decision.reason == Reason::kOperationNotGranted &&
      TypeGrantedForOtherPurpose(role)) {
    decision.reason =
        decision.purpose == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
  }
}

void Evaluation::DecideFields(const RoleSpec& role, const Cell& cell, Attempt* attempt) const {
  Decision& decision = attempt->decision;
  attempt->stage = kStageFields;
  decision.reason = Reason::kOk;
  decision.fields.reserve(in_.fields.size());
  for (FieldId id : in_.fields) {
    FieldDecision field = DecideField(role, cell, id);
    if (field.view == View::kDenied) {
      if (decision.reason == Reason::kOk || field.reason == Reason::kFieldUnknown) {
        decision.reason = field.reason;
      }
    } else {
      ++attempt->granted;
      if (field.view == View::kPlain) ++attempt->plain;
      if (decision.grant == nullptr) decision.grant = field.grant;
    }
    decision.fields.push_back(field);
  }
  if (decision.reason == Reason::kOk) attempt->stage = kStageGranted;
}

FieldDecision Evaluation::DecideField(const RoleSpec& role, const Cell& cell, FieldId id) const {
  FieldDecision out;
  out.field = id;
  out.reason = Reason::kFieldUnknown;
  if (id >= policy_.field_count()) return out;
  const FieldSpec& field = policy_.field(id);
  if (field.type != in_.type) return out;
  out.reason = Reason::kFieldNotGranted;
  const Slice* best = nullptr;
  for (const Slice* slice : cell) {
    if (!slice->fields.Has(id)) continue;
    const Reason reason = CheckConditions(slice->conditions);
    if (reason != Reason::kOk) {
      if (out.reason == Reason::kFieldNotGranted) out.reason = reason;
    } else if (best == nullptr || slice->view > best->view) {
      best = slice;
    }
  }
  if (best == nullptr) {
    const Reason never = FieldAllows(field, verb_, role, View::kPlain);
    if (never != Reason::kOk) out.reason = never;
    return out;
  }
  if (Stopped(field.full_name, policy_.type(field.type).name)) {
    out.reason = Reason::kUseStopped;
    return out;
  }
  out.reason = Reason::kOk;
  out.grant = &policy_.grants()[best->grant];
  SetView(field, best->view, &out);
  return out;
}

void Evaluation::SetView(const FieldSpec& field, View granted, FieldDecision* out) const {
  // Masks and tokens show different things, so only from plain may a caller ask for less.
  View view = granted;
  if (verb_.outputs_values && granted == View::kPlain && in_.wanted != View::kDenied) {
    view = in_.wanted;
  }
  const bool impossible = (view == View::kMasked && field.mask == Mask::kNone) ||
                          (view == View::kToken && field.token == TokenMode::kNone);
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

Reason DecideSystemRole(const Principal* principal, SystemRoles roles, absl::Time now) {
  if (principal == nullptr) return Reason::kPrincipalUnknown;
  if (principal->disabled) return Reason::kPrincipalDisabled;
  for (const RoleBinding& binding : principal->bindings) {
    if (!binding.tenant.empty() || now < binding.not_before || now > binding.not_after) continue;
    const std::optional<SystemRole> role = FindSystemRole(binding.role);
    if (role.has_value() && roles.Has(*role)) return Reason::kOk;
  }
  return Reason::kSystemRoleRequired;
}

absl::Status Admission::status() const {
  if (reason == Reason::kOk) return absl::OkStatus();
  return absl::FailedPreconditionError(ReasonStatus(reason).message());
}

Admission AdmitBinding(const Policy& policy, const RoleBinding& binding, const Principal& principal,
                       const Person* person, absl::Span<const Attestation> attestations,
                       absl::Time now, uint32_t other_holders) {
  Admission out;
  out.role = policy.FindRole(binding.role);
  const auto refuse = [&](Reason reason) {
    out.reason = reason;
    return out;
  };
  if (out.role == nullptr) return refuse(Reason::kRoleUnknown);
  // What is left in `needs` is checked by nobody yet: such a role cannot be given.
  if (!out.role->needs.empty()) return refuse(Reason::kRoleNotAssignable);
  if (principal.disabled) return refuse(Reason::kPrincipalDisabled);
  if (binding.tenant.empty()) return refuse(Reason::kTenantUnknown);
  if (principal.kind == PrincipalKind::kTenant && principal.tenant != binding.tenant) {
    return refuse(Reason::kTenantMismatch);
  }
  if (person != nullptr && policy.ForbidsEmployment(person->employment)) {
    return refuse(person->employment == Employment::kOutsourced ? Reason::kOutsourcingForbidden
                                                                : Reason::kEmploymentNotAdmitted);
  }
  const Reason standing = CheckStanding(*out.role, principal, person, now).reason;
  if (standing != Reason::kOk) return refuse(standing);
  out.evidence = AdmitToRole(*out.role, principal, person, attestations, now).reason;
  if (out.role->needs_justification && binding.justification.empty()) {
    return refuse(Reason::kJustificationMissing);
  }
  if (out.role->needs_end_date && binding.not_after == absl::InfiniteFuture()) {
    return refuse(Reason::kEndDateMissing);
  }
  if (out.role->holders > 0 && other_holders >= out.role->holders) {
    return refuse(Reason::kHoldersExceeded);
  }
  return out;
}

bool IsValidTicket(std::string_view ticket) {
  if (ticket.empty() || ticket.size() > kMaxTicket) return false;
  return std::all_of(ticket.begin(), ticket.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_./:#").find(c) != std::string_view::npos;
  });
}

}  // namespace piivault::authz
