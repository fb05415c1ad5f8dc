#include "authz/attempt.h"

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "authz/compiled_policy.h"
#include "authz/field_limits.h"
#include "authz/grounds.h"
#include "authz/policy_builder.h"

namespace piivault::authz {
namespace {

// Whether the caller wants no field in plain.
bool AsksForLess(const DecisionInput& input) {
  return GetVerb(input.verb).outputs_values && input.wanted != View::kPlain &&
         input.wanted != View::kDenied;
}

class Trial {
 public:
  // Writes into `out`, which is new.
  Trial(const ActiveRole& active, CallGrounds* call, Attempt* out)
      : policy_(call->policy()),
        in_(call->input()),
        verb_(call->verb()),
        active_(active),
        role_(*active.role),
        call_(*call),
        grounds_(call, *active.role),
        out_(*out),
        decision_(out->decision) {}

  void Run();

 private:
  // Go one stage further each; kOk, or why the role is refused at the stage that `out_` names.
  Reason FindCell();
  Reason CheckRequest();
  Reason CheckSubject();

  Reason CheckIntake() const;
  void DecideWhole();
  // How long the role's bindings last for the type; InfinitePast: none covers it.
  absl::Time TypeGoodUntil() const;
  bool TypeGrantedForOtherPurpose() const;
  void DecideFields();
  // `out` is new.
  void DecideField(size_t place, const FieldLimits& limits, FieldDecision* out);
  void SetView(const FieldSpec& field, View granted, FieldDecision* out) const;
  void RelyOn(const Slice& slice);
  // REQUIRES: one of the slice's conditions is unmet.
  Reason FirstUnmet(const Slice& slice) const {
    return ReasonOf(
        static_cast<Condition>(std::countr_zero(static_cast<unsigned>(slice.conditions & unmet_))));
  }

  const Policy& policy_;
  const DecisionInput& in_;
  const VerbInfo& verb_;
  const ActiveRole& active_;
  const RoleSpec& role_;
  CallGrounds& call_;
  Grounds grounds_;
  const Cell* cell_ = nullptr;  // The grants that apply.
  uint8_t unmet_ = 0;           // Of their conditions.
  Attempt& out_;
  Decision& decision_;
};

void Trial::Run() {
  decision_.role = &role_;
  decision_.reason = FindCell();
  if (decision_.reason == Reason::kOk) decision_.reason = CheckRequest();
  if (decision_.reason == Reason::kOk) decision_.reason = CheckSubject();
  if (decision_.reason != Reason::kOk) return;
  out_.stage = kStageFields;
  unmet_ = call_.Unmet(cell_->conditions());
  decision_.good_until = active_.limited ? absl::InfiniteFuture() : active_.GoodUntil();
  if (verb_.target == VerbTarget::kFields) {
    DecideFields();
  } else {
    DecideWhole();
  }
  if (decision_.reason == Reason::kOk) out_.stage = kStageGranted;
  decision_.matter = grounds_.matter();
  decision_.consent = grounds_.consent();
  decision_.good_until = std::min(decision_.good_until, grounds_.good_until());
}

Reason Trial::FindCell() {
  const CompiledPolicy& compiled = policy_.compiled();
  out_.stage = kStageOperation;
  if (!compiled.HasVerb(role_.id, in_.verb)) return Reason::kOperationNotGranted;
  out_.stage = kStageType;
  if (verb_.target != VerbTarget::kTenant && in_.type >= policy_.type_count()) {
    return Reason::kTypeUnknown;
  }
  out_.stage = kStagePurpose;
  decision_.purpose = call_.purpose();
  const bool stated = !in_.purpose.empty();
  if (verb_.purpose == Need::kRequired && !stated) return Reason::kPurposeMissing;
  if (verb_.purpose != Need::kNo && stated && decision_.purpose == nullptr) {
    return Reason::kPurposeUnknown;
  }
  const size_t column = decision_.purpose == nullptr ? 0 : decision_.purpose->id + size_t{1};
  cell_ = compiled.Find(role_.id, in_.verb, column);
  if (cell_ != nullptr) return Reason::kOk;
  return column == 0 ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
}

Reason Trial::CheckRequest() {
  out_.stage = kStageRequest;
  if (!in_.ticket.empty() && !IsValidTicket(in_.ticket)) return Reason::kTicketInvalid;
  const PurposeSpec* purpose = decision_.purpose;
  const bool ticket = (role_.needs_ticket && verb_.purpose != Need::kNo) ||
                      (purpose != nullptr && purpose->needs_ticket);
  if (ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  if (purpose != nullptr) {
    for (const std::string& need : purpose->needs) {
      if (call_.FindArgument(need) == nullptr) return Reason::kArgumentMissing;
    }
  }
  if (Reason reason = grounds_.CheckRequest(); reason != Reason::kOk) return reason;
  if (role_.kind == RoleKind::kSubject && in_.on_behalf_of.empty() && in_.verb != Verb::kCreate) {
    return Reason::kSubjectRequired;
  }
  if (verb_.writes) {
    if (Reason reason = CheckIntake(); reason != Reason::kOk) return reason;
  }
  if (verb_.target == VerbTarget::kFields && in_.fields.empty()) return Reason::kFieldMissing;
  return Reason::kOk;
}

Reason Trial::CheckIntake() const {
  // An update by staff or a tenant itself has no front hop; one by a form of a service has.
  const bool stated = !in_.channel.empty() || in_.front_hop != FrontHop::kUnspecified;
  const bool direct = role_.kind == RoleKind::kStaff || role_.kind == RoleKind::kTenant;
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

Reason Trial::CheckSubject() {
  out_.stage = kStageSubject;
  const SubjectFacts* subject = call_.subject();
  if (subject == nullptr) return Reason::kOk;
  if (subject->erased) return Reason::kSubjectErased;
  if (Reason reason = grounds_.CheckIdentity(); reason != Reason::kOk) return reason;
  return grounds_.CheckSubject();
}

void Trial::RelyOn(const Slice& slice) {
  constexpr unsigned kConsented = 1u << static_cast<unsigned>(Condition::kConsented);
  if ((slice.conditions & kConsented) != 0) grounds_.RelyOnConsent();
}

bool Trial::TypeGrantedForOtherPurpose() const {
  for (size_t column = 1; column <= policy_.purposes().size(); ++column) {
    const Cell* cell = policy_.compiled().Find(role_.id, in_.verb, column);
    if (cell != nullptr && cell->Gives(in_.type)) return true;
  }
  return false;
}

absl::Time Trial::TypeGoodUntil() const {
  if (verb_.target != VerbTarget::kType) return active_.GoodUntil();
  const TypeSpec& type = policy_.type(in_.type);
  return active_.GoodUntil([&](std::string_view pattern) {
    const FieldId named = policy_.FindField(pattern);
    return NamesFamily(pattern, type.name) ||
           (named != kNoField && policy_.field(named).type == type.id);
  });
}

void Trial::DecideWhole() {
  decision_.reason = Reason::kOperationNotGranted;
  const bool of_type = verb_.target == VerbTarget::kType;
  if (active_.limited) {
    decision_.good_until = TypeGoodUntil();
    if (decision_.good_until == absl::InfinitePast()) return;  // For other types only.
  }
  if (of_type && call_.TypeStopped()) {
    decision_.reason = Reason::kUseStopped;
    return;
  }
  const Cell::Found found = cell_->Find(of_type ? in_.type : 0, false, unmet_);
  if (found.holding != nullptr) {
    RelyOn(*found.holding);
    out_.granted = out_.plain = 1;
    decision_.reason = Reason::kOk;
    decision_.grant = &policy_.grants()[found.holding->grant];
  } else if (found.failing != nullptr) {
    decision_.reason = FirstUnmet(*found.failing);
  } else if (of_type && TypeGrantedForOtherPurpose()) {
    decision_.reason =
        decision_.purpose == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
  }
}

void Trial::DecideFields() {
  decision_.fields.reserve(in_.fields.size());
  const FieldLimits limits(policy_.type(in_.type).name, active_);
  for (size_t place = 0; place < in_.fields.size(); ++place) {
    FieldDecision& field = decision_.fields.emplace_back();
    DecideField(place, limits, &field);
    if (field.view == View::kDenied) {
      if (decision_.reason == Reason::kOk || field.reason == Reason::kFieldUnknown) {
        decision_.reason = field.reason;
      }
      continue;
    }
    ++out_.granted;
    if (field.view == View::kPlain) ++out_.plain;
    if (decision_.grant == nullptr) decision_.grant = field.grant;
  }
}

void Trial::DecideField(size_t place, const FieldLimits& limits, FieldDecision* out) {
  out->field = in_.fields[place];
  if (out->field >= policy_.field_count() || policy_.field(out->field).type != in_.type) {
    ++out_.refused_to_all;
    out->reason = Reason::kFieldUnknown;
    return;
  }
  const FieldSpec& field = policy_.field(out->field);
  out->reason = Reason::kFieldNotGranted;
  const Cell::Found found = cell_->Find(out->field, true, unmet_);
  if (found.holding == nullptr) {
    const Reason never = FieldAllows(field, verb_, role_, View::kPlain);
    if (never != Reason::kOk) {
      out->reason = never;
    } else if (found.failing != nullptr) {
      out->reason = FirstUnmet(*found.failing);
    }
    return;
  }
  const absl::Time until = limits.GoodUntil(field.full_name);
  if (until == absl::InfinitePast()) return;
  out->reason = grounds_.CheckField(place);
  if (out->reason != Reason::kOk) {
    ++out_.refused_to_all;
    return;
  }
  out->reason = grounds_.CheckRole(field);  // Another role of the caller may have it all the same.
  if (out->reason != Reason::kOk) return;
  out->grant = &policy_.grants()[found.holding->grant];
  SetView(field, found.holding->view, out);
  if (out->view == View::kDenied) return;
  RelyOn(*found.holding);
  if (active_.limited) decision_.good_until = std::min(decision_.good_until, until);
}

void Trial::SetView(const FieldSpec& field, View granted, FieldDecision* out) const {
  // Masks and tokens show different things, so only from plain may a caller ask for less.
  const View view = granted == View::kPlain && AsksForLess(in_) ? in_.wanted : granted;
  const bool impossible = (view == View::kMasked && field.mask == Mask::kNone) ||
                          (view == View::kToken &&
                           (field.token == TokenMode::kNone || in_.verb == Verb::kRevealHistory));
  if (impossible) {
    out->reason = view == View::kToken ? Reason::kFieldNotTokenized : Reason::kFieldNotGranted;
    out->grant = nullptr;
    return;
  }
  out->view = view;
  if (view == View::kMasked) out->mask = field.mask;
}

}  // namespace

bool Attempt::IsBest(const DecisionInput& input) const {
  if (stage < kStageFields) return false;  // Another role may get further.
  const bool of_fields = GetVerb(input.verb).target == VerbTarget::kFields;
  const size_t most = of_fields ? input.fields.size() - refused_to_all : 1;
  const size_t most_plain = AsksForLess(input) ? 0 : most;
  return granted == most && plain == most_plain;
}

Attempt TryRole(const ActiveRole& active, CallGrounds* call) {
  Attempt attempt;
  Trial(active, call, &attempt).Run();
  return attempt;
}

}  // namespace piivault::authz
