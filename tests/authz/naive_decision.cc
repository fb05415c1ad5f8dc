#include "tests/authz/naive_decision.h"

#include <optional>
#include <utility>

#include "tests/authz/naive_admission.h"
#include "tests/authz/naive_consent.h"

namespace piivault::authz::naive {
namespace {

bool GoodTicket(std::string_view ticket) {
  if (ticket.empty() || ticket.size() > 64) return false;
  for (char c : ticket) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && std::string_view("-_./:#").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// What one role comes to. The stages are those of decision.h, 7; the last is that all is granted.
struct Result {
  enum Stage { kOperation, kType, kPurpose, kRequest, kSubject, kFields, kGranted };
  Stage stage = kOperation;
  Answer answer;
  size_t granted = 0;
  size_t plain = 0;
};

Result Refused(Result::Stage stage, Reason reason) {
  Result result;
  result.stage = stage;
  result.answer.reason = reason;
  return result;
}

// One call with one role.
class Trial {
 public:
  Trial(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role)
      : text_(text),
        asked_(asked),
        in_(*asked.input),
        facts_(facts),
        role_(role),
        verb_(Verbs().at(asked.verb)) {
    if (verb_.purpose != "no") purpose_ = text.FindPurpose(std::string(in_.purpose));
    if (purpose_ != nullptr) rests_on_ = purpose_->name;
    if (purpose_ != nullptr && !purpose_->follows.empty()) rests_on_ = NamedParent();
  }

  Result Run() const;

 private:
  std::optional<std::string> ArgumentNamed(const std::string& name) const;
  std::string NamedParent() const;
  bool FitsPurpose(const Grant& grant) const;
  Reason CheckRequest() const;
  std::vector<const std::vector<MatterNeed>*> Matters() const;
  bool NamesOne(const std::vector<MatterNeed>& needs) const;
  bool FitsSoFar(const std::vector<MatterNeed>& needs) const;
  Reason CheckIntake() const;
  Reason CheckSubject() const;
  Reason CheckWhose() const;
  bool Fits(const MatterFact& fact, const MatterNeed& need) const;
  bool AnyFits(const std::vector<MatterNeed>& needs, bool also_others) const;
  Reason Unmet(const Grant& grant) const;
  bool Stopped(const std::string& field) const;
  std::optional<Names> BoundFields() const;
  bool BoundToType() const;
  Result Whole(const std::vector<const Grant*>& mine,
               const std::vector<const Grant*>& fitting) const;
  Result EachField(const std::vector<const Grant*>& fitting) const;
  Shown OneField(const std::vector<const Grant*>& fitting, const std::string& name) const;
  Reason CheckField(const std::string& name, const Field& field) const;
  Reason CheckWrite(const std::string& name, const Field& field) const;
  Reason NeverGranted(const Field& field) const;
  bool HasToken(const Field& field) const;
  bool Gives(const Grant& grant, const std::string& name, const Field& field) const;
  bool ParentHas(const std::string& field) const;

  const Text& text_;
  const Asked& asked_;
  const DecisionInput& in_;
  const SubjectFacts* facts_;
  const Role& role_;
  const Verb& verb_;
  const Purpose* purpose_ = nullptr;
  std::string rests_on_;  // The purpose, or of a derived one the parent that the call names.
};

std::optional<std::string> Trial::ArgumentNamed(const std::string& name) const {
  for (const Argument& argument : in_.arguments) {
    if (argument.name == name) return std::string(argument.value);
  }
  return std::nullopt;
}

std::string Trial::NamedParent() const {
  for (const Argument& argument : in_.arguments) {
    const std::string value(argument.value);
    if (argument.name == "parent" && Has(purpose_->follows, value)) return value;
  }
  return "";
}

Result Trial::Run() const {
  std::vector<const Grant*> mine;
  for (const Grant& grant : text_.grants) {
    if (grant.role == role_.name && Has(grant.verbs, asked_.verb)) mine.push_back(&grant);
  }
  if (mine.empty()) return Refused(Result::kOperation, Reason::kOperationNotGranted);
  if (verb_.on != "tenant" && !Has(text_.types, asked_.type)) {
    return Refused(Result::kType, Reason::kTypeUnknown);
  }
  if (verb_.purpose == "required" && in_.purpose.empty()) {
    return Refused(Result::kPurpose, Reason::kPurposeMissing);
  }
  if (verb_.purpose != "no" && !in_.purpose.empty() && purpose_ == nullptr) {
    return Refused(Result::kPurpose, Reason::kPurposeUnknown);
  }
  std::vector<const Grant*> fitting;
  for (const Grant* grant : mine) {
    if (FitsPurpose(*grant)) fitting.push_back(grant);
  }
  if (fitting.empty()) {
    return Refused(Result::kPurpose,
                   purpose_ == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted);
  }
  const Reason request = CheckRequest();
  if (request != Reason::kOk) return Refused(Result::kRequest, request);
  const Reason subject = CheckSubject();
  if (subject != Reason::kOk) return Refused(Result::kSubject, subject);
  return verb_.on == "fields" ? EachField(fitting) : Whole(mine, fitting);
}

bool Trial::FitsPurpose(const Grant& grant) const {
  if (verb_.purpose == "no" || grant.purposes.empty()) return true;
  if (!in_.purpose.empty()) return Has(grant.purposes, std::string(in_.purpose));
  // None stated: one that asks for nothing would do.
  for (const std::string& name : grant.purposes) {
    const Purpose& purpose = *text_.FindPurpose(name);
    if (!purpose.ticket && purpose.needs.empty() && purpose.matters.empty() &&
        purpose.follows.empty() && !purpose.consent) {
      return true;
    }
  }
  return false;
}

Reason Trial::CheckRequest() const {
  if (!in_.ticket.empty() && !GoodTicket(in_.ticket)) return Reason::kTicketInvalid;
  const bool ticket = (purpose_ != nullptr && purpose_->ticket) ||
                      (verb_.purpose != "no" && Has(role_.needs, "ticket"));
  if (ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  if (purpose_ != nullptr) {
    for (const std::string& need : purpose_->needs) {
      if (!ArgumentNamed(need).has_value()) return Reason::kArgumentMissing;
    }
    if (!purpose_->follows.empty()) {
      const Purpose* parent = text_.FindPurpose(NamedParent());
      if (parent == nullptr) return Reason::kPurposeParentUnknown;
      if (parent->ticket && in_.ticket.empty()) return Reason::kTicketMissing;
      for (const std::string& need : parent->needs) {
        if (!ArgumentNamed(need).has_value()) return Reason::kArgumentMissing;
      }
    }
  }
  for (const auto* needs : Matters()) {
    if (!needs->empty() && !NamesOne(*needs)) return Reason::kArgumentMissing;
  }
  for (const auto* needs : Matters()) {
    if (!FitsSoFar(*needs)) return Reason::kMatterUnknown;
  }
  const bool collects = asked_.verb == "create" || asked_.verb == "tokenize";
  if (collects && text_.notice_required && in_.notice.empty()) return Reason::kNoticeMissing;
  if (collects && !in_.notice.empty() && !text_.notices.empty() &&
      text_.notices.count(std::string(in_.notice)) == 0) {
    return Reason::kNoticeUnknown;
  }
  if (role_.kind == "subject" && in_.on_behalf_of.empty() && asked_.verb != "create") {
    return Reason::kSubjectRequired;
  }
  const Reason intake = CheckIntake();
  if (intake != Reason::kOk) return intake;
  if (verb_.on == "fields" && asked_.fields.empty()) return Reason::kFieldMissing;
  return Reason::kOk;
}

// What the purpose and what the role rest on.
std::vector<const std::vector<MatterNeed>*> Trial::Matters() const {
  std::vector<const std::vector<MatterNeed>*> matters;
  if (purpose_ != nullptr) matters.push_back(&purpose_->matters);
  if (purpose_ != nullptr && !purpose_->follows.empty()) {
    const Purpose* parent = text_.FindPurpose(NamedParent());
    if (parent != nullptr) matters.push_back(&parent->matters);
  }
  if (verb_.purpose != "no") matters.push_back(&role_.matters);
  return matters;
}

bool Trial::NamesOne(const std::vector<MatterNeed>& needs) const {
  for (const MatterNeed& need : needs) {
    if (ArgumentNamed(need.kind).has_value()) return true;
  }
  return false;
}

// Whether, as far as that can be seen without the person, one of them fits.
bool Trial::FitsSoFar(const std::vector<MatterNeed>& needs) const {
  if (needs.empty() || AnyFits(needs, false)) return true;
  for (const MatterNeed& need : needs) {
    const bool named = ArgumentNamed(need.kind).has_value();
    if (named && text_.matters.at(need.kind).about != "tenant") return true;
  }
  return false;
}

// How data comes in. What those who work with the data correct (update) and say nothing of came in
// by no channel; services bring in what somebody entered.
Reason Trial::CheckIntake() const {
  if (!verb_.writes) return Reason::kOk;
  const bool says_nothing = in_.channel.empty() && in_.front_hop == FrontHop::kUnspecified;
  const bool entered = role_.kind == "service" || role_.kind == "subject";
  if (asked_.verb == "update" && says_nothing && !entered) return Reason::kOk;
  if (in_.channel.empty()) {
    if (text_.record_channel) return Reason::kChannelMissing;
  } else if (!text_.channels.empty() && !Has(text_.channels, std::string(in_.channel))) {
    return Reason::kChannelNotAllowed;
  }
  const bool accepted = !text_.intake || text_.allow_plain == "always" ||
                        (text_.allow_plain == "per_tenant_choice" && in_.tenant_allows_plain);
  const bool plain = in_.front_hop != FrontHop::kTls;
  return plain && !accepted ? Reason::kChannelNotAllowed : Reason::kOk;
}

Reason Trial::CheckSubject() const {
  if (facts_ == nullptr) return Reason::kOk;
  if (facts_->erased) return Reason::kSubjectErased;
  if (role_.kind == "subject") {
    const Reason whose = CheckWhose();
    if (whose != Reason::kOk) return whose;
  }
  if (facts_->restricted && verb_.uses) return Reason::kSubjectRestricted;
  for (const auto* needs : Matters()) {
    if (!needs->empty() && !AnyFits(*needs, true)) return Reason::kMatterUnknown;
  }
  if (verb_.uses && NoticeForbids(text_, *facts_, in_.now, rests_on_)) {
    return Reason::kNoticeForbids;
  }
  if (purpose_ != nullptr && purpose_->consent &&
      !AgreedToUse(text_, *facts_, in_.now, purpose_->name,
                   {"purpose_extension", "policy_change"})) {
    return Reason::kConsentMissing;
  }
  if (!verb_.writes) return Reason::kOk;
  Names written;  // What is cleared is not collected.
  for (const std::string& name : asked_.fields) {
    if (!Has(asked_.cleared, name) && text_.fields.count(name) > 0) written.push_back(name);
  }
  return MissingAtCollection(text_, in_, *facts_, "", written);
}

Reason Trial::CheckWhose() const {
  if (asked_.verb == "create" && facts_->subject.empty()) return Reason::kOk;
  const std::string_view who = in_.on_behalf_of;
  if (who.empty()) return Reason::kNotOwnRecord;
  if (role_.scope == "represented") {
    for (const RepresentativeFact& fact : facts_->representatives) {
      if (fact.subject == who && in_.now <= fact.not_after) return Reason::kOk;
    }
    return Reason::kNotOwnRecord;
  }
  if (who == facts_->subject) {
    return facts_->holder.empty() ? Reason::kOk : Reason::kMemberWithoutId;
  }
  const bool holder = role_.scope == "own_account" && who == facts_->holder;
  return holder ? Reason::kOk : Reason::kNotOwnRecord;
}

// `also_others`: those about a person or a controller too.
bool Trial::AnyFits(const std::vector<MatterNeed>& needs, bool also_others) const {
  for (const MatterNeed& need : needs) {
    const std::string& about = text_.matters.at(need.kind).about;
    if (about != "tenant" && !also_others) continue;
    for (const MatterFact& fact : about == "subject" ? facts_->matters : in_.matters) {
      if (Fits(fact, need)) return true;
    }
  }
  return false;
}

bool Trial::Fits(const MatterFact& fact, const MatterNeed& need) const {
  const std::optional<std::string> id = ArgumentNamed(need.kind);
  if (!id.has_value() || fact.kind != need.kind || fact.id != *id) return false;
  if (!Has(need.states, std::string(fact.state)) || fact.not_after < in_.now) return false;
  if (text_.matters.at(need.kind).about == "controller" &&
      (facts_->controller.empty() || fact.party != facts_->controller)) {
    return false;
  }
  if (fact.purposes.empty()) return true;
  for (std::string_view purpose : fact.purposes) {
    if (purpose.empty()) continue;
    if (purpose == in_.purpose || purpose == rests_on_) return true;
  }
  return false;
}

Reason Trial::Unmet(const Grant& grant) const {
  if (facts_ == nullptr) return Reason::kOk;
  if (Has(grant.when, "subscribed") && facts_->unsubscribed) return Reason::kUnsubscribed;
  if (Has(grant.when, "contract_active") && !facts_->contract_active) {
    return Reason::kContractEnded;
  }
  if (Has(grant.when, "own_department") &&
      (in_.person == nullptr || in_.person->department.empty() ||
       in_.person->department != facts_->department)) {
    return Reason::kDepartmentMismatch;
  }
  if (Has(grant.when, "consented") &&
      !AgreedToUse(text_, *facts_, in_.now, std::string(in_.purpose),
                   {"purpose_extension", "policy_change"})) {
    return Reason::kConsentMissing;
  }
  if (Has(grant.when, "noticed")) {
    auto notice = text_.notices.find(std::string(facts_->notice));
    if (notice == text_.notices.end() || !Has(notice->second, rests_on_)) {
      return Reason::kNoticeForbids;
    }
  }
  if (Has(grant.when, "own_id") && !facts_->holder.empty()) return Reason::kMemberWithoutId;
  return Reason::kOk;
}

// `field` empty: the type as a whole.
bool Trial::Stopped(const std::string& field) const {
  if (facts_ == nullptr || !verb_.uses) return false;
  for (const UseStop& stop : facts_->stops) {
    const bool purpose = stop.purpose.empty() || stop.purpose == in_.purpose ||
                         (!rests_on_.empty() && stop.purpose == rests_on_);
    const bool what = stop.fields.empty() || stop.fields == asked_.type + ".*" ||
                      (!field.empty() && stop.fields == field);
    if (purpose && what) return true;
  }
  return false;
}

// The fields that the role's bindings in force are for; nullopt where one is for all.
std::optional<Names> Trial::BoundFields() const {
  Names bound;
  for (const RoleBinding& binding : in_.principal->bindings) {
    if (binding.role != role_.name || binding.tenant != in_.tenant) continue;
    if (in_.now < binding.not_before || binding.not_after < in_.now) continue;
    if (role_.break_glass && binding.active_until <= in_.now) continue;
    if (binding.fields.empty()) return std::nullopt;
    for (const std::string& pattern : binding.fields) {
      for (const auto& [name, field] : text_.fields) {
        if (Matches(pattern, name)) bound.push_back(name);
      }
    }
  }
  return bound;
}

bool Trial::BoundToType() const {
  const std::optional<Names> bound = BoundFields();
  if (!bound.has_value()) return true;
  for (const std::string& name : *bound) {
    if (text_.fields.at(name).type == asked_.type) return true;
  }
  return false;
}

Result Trial::Whole(const std::vector<const Grant*>& mine,
                    const std::vector<const Grant*>& fitting) const {
  const bool of_type = verb_.on == "types";
  if (of_type && !BoundToType()) return Refused(Result::kFields, Reason::kOperationNotGranted);
  if (of_type && Stopped("")) return Refused(Result::kFields, Reason::kUseStopped);
  Reason first = Reason::kOperationNotGranted;
  for (const Grant* grant : fitting) {
    if (of_type && !Has(grant->types, asked_.type)) continue;
    const Reason unmet = Unmet(*grant);
    if (unmet == Reason::kOk) {
      Result result;
      result.stage = Result::kGranted;
      result.granted = result.plain = 1;
      result.answer.grant = grant->id;
      return result;
    }
    if (first == Reason::kOperationNotGranted) first = unmet;
  }
  if (of_type && first == Reason::kOperationNotGranted) {
    for (const Grant* grant : mine) {
      if (!Has(grant->types, asked_.type)) continue;
      first = purpose_ == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
    }
  }
  return Refused(Result::kFields, first);
}

Result Trial::EachField(const std::vector<const Grant*>& fitting) const {
  Result result;
  result.stage = Result::kGranted;
  std::optional<Reason> first;
  for (const std::string& name : asked_.fields) {
    const Shown shown = OneField(fitting, name);
    if (shown.view == View::kDenied) {
      if (!first.has_value() || shown.reason == Reason::kFieldUnknown) first = shown.reason;
    } else {
      ++result.granted;
      if (shown.view == View::kPlain) ++result.plain;
    }
    result.answer.fields.push_back(shown);
  }
  if (first.has_value()) {
    result.stage = Result::kFields;
    result.answer.reason = *first;
  }
  return result;
}

Reason Trial::NeverGranted(const Field& field) const {
  if (field.never_read && verb_.uses && asked_.verb != "verify") return Reason::kReadNever;
  if (field.comm_secret && verb_.uses && (role_.kind != "tenant" || asked_.verb == "export")) {
    return Reason::kCommSecret;
  }
  if (verb_.by_index && !field.index) return Reason::kFieldNotSearchable;
  if (verb_.by_token && !field.tokens) return Reason::kFieldNotTokenized;
  if (asked_.verb == "reveal_history" && !field.history) return Reason::kFieldWithoutHistory;
  return Reason::kOk;
}

// Tokens lead to what a field holds now.
bool Trial::HasToken(const Field& field) const {
  return field.tokens && asked_.verb != "reveal_history";
}

bool Trial::Gives(const Grant& grant, const std::string& name, const Field& field) const {
  if (!Has(grant.fields, name) || NeverGranted(field) != Reason::kOk) return false;
  if (!verb_.shows) return true;
  if (grant.view == "token") return HasToken(field);
  if (grant.view == "masked") return field.mask != Mask::kNone;
  return true;
}

bool Trial::ParentHas(const std::string& field) const {
  if (purpose_ == nullptr || purpose_->follows.empty()) return true;
  for (const Grant& grant : text_.grants) {
    if (Has(grant.purposes, rests_on_) && Has(grant.fields, field)) return true;
  }
  return false;
}

Reason Trial::CheckField(const std::string& name, const Field& field) const {
  const std::optional<Names> bound = BoundFields();
  if (bound.has_value() && !Has(*bound, name)) return Reason::kFieldNotGranted;
  if (!ParentHas(name)) return Reason::kFieldNotGranted;
  if (Stopped(name)) return Reason::kUseStopped;
  return verb_.writes ? CheckWrite(name, field) : Reason::kOk;
}

Reason Trial::CheckWrite(const std::string& name, const Field& field) const {
  if (Has(asked_.cleared, name)) return Reason::kOk;
  if (field.retired) return Reason::kFieldRetired;
  if (!field.channels.empty() && in_.channel.empty()) return Reason::kChannelMissing;
  if (!field.channels.empty() && !Has(field.channels, std::string(in_.channel))) {
    return Reason::kChannelNotAllowed;
  }
  if (facts_ == nullptr) return Reason::kOk;
  return MissingAtCollection(text_, in_, *facts_, name, {});
}

Shown Trial::OneField(const std::vector<const Grant*>& fitting, const std::string& name) const {
  Shown shown;
  shown.reason = Reason::kFieldUnknown;
  auto found = text_.fields.find(name);
  if (found == text_.fields.end() || found->second.type != asked_.type) return shown;
  const Field& field = found->second;
  shown.reason = Reason::kFieldNotGranted;
  const auto rank = [&](const Grant& grant) {
    if (!verb_.shows || grant.view == "plain") return 3;
    return grant.view == "token" ? 2 : 1;
  };
  const Grant* best = nullptr;
  for (const Grant* grant : fitting) {
    if (!Gives(*grant, name, field)) continue;
    const Reason unmet = Unmet(*grant);
    if (unmet != Reason::kOk) {
      if (shown.reason == Reason::kFieldNotGranted) shown.reason = unmet;
    } else if (best == nullptr || rank(*grant) > rank(*best)) {
      best = grant;
    }
  }
  if (best == nullptr) {
    const Reason never = NeverGranted(field);
    if (never != Reason::kOk) shown.reason = never;
    return shown;
  }
  const Reason refused = CheckField(name, field);
  if (refused != Reason::kOk) {
    shown.reason = refused;
    return shown;
  }
  View view = View::kPlain;
  if (verb_.shows) {
    view = best->view == "plain"   ? in_.wanted
           : best->view == "token" ? View::kToken
                                   : View::kMasked;
  }
  if (view == View::kMasked && field.mask == Mask::kNone) {
    shown.reason = Reason::kFieldNotGranted;
  } else if (view == View::kToken && !HasToken(field)) {
    shown.reason = Reason::kFieldNotTokenized;
  } else {
    shown = {view, view == View::kMasked ? field.mask : Mask::kNone, Reason::kOk, best->id};
  }
  return shown;
}

Answer Refusal(Reason reason, std::string role = "") {
  Answer answer;
  answer.reason = reason;
  answer.role = std::move(role);
  return answer;
}

// Why nobody at all gets an answer; kOk where the roles decide.
Reason CheckCaller(const Text& text, const DecisionInput& in) {
  if (in.principal == nullptr) return Reason::kPrincipalUnknown;
  if (in.principal->disabled) return Reason::kPrincipalDisabled;
  if (in.tenant.empty()) return Reason::kTenantUnknown;
  if (in.principal->kind == PrincipalKind::kTenant && in.principal->tenant != in.tenant) {
    return Reason::kTenantMismatch;
  }
  if (in.person == nullptr) return Reason::kOk;
  const std::string employment(EmploymentName(in.person->employment));
  if (!Has(text.forbidden_employment, employment)) return Reason::kOk;
  return employment == "outsourced" ? Reason::kOutsourcingForbidden
                                    : Reason::kEmploymentNotAdmitted;
}

// Roles in force, in the policy's order; where there is none, why.
std::vector<const Role*> RolesOf(const Text& text, const DecisionInput& in, Reason& why) {
  std::vector<const Role*> roles;
  bool over = false;
  bool here = false;
  bool elsewhere = false;
  for (const RoleBinding& b : in.principal->bindings) {
    if (!in.role.empty() && b.role != in.role) continue;
    if (b.tenant != in.tenant && !b.tenant.empty()) elsewhere = true;
  }
  for (const Role& role : text.roles) {
    bool active = false;
    for (const RoleBinding& b : in.principal->bindings) {
      if (b.role != role.name || b.tenant != in.tenant) continue;
      if (!in.role.empty() && b.role != in.role) continue;
      here = true;
      if (b.not_after < in.now) over = true;
      if (role.break_glass && b.active_until <= in.now) continue;
      if (b.not_before <= in.now && in.now <= b.not_after) active = true;
    }
    if (active) roles.push_back(&role);
  }
  why = over                 ? Reason::kRoleExpired
        : elsewhere && !here ? Reason::kTenantMismatch
                             : Reason::kRoleNotGranted;
  return roles;
}

}  // namespace

Answer Decide(const Text& text, const Asked& asked, const SubjectFacts* facts) {
  const DecisionInput& in = *asked.input;
  const Reason caller = CheckCaller(text, in);
  if (caller != Reason::kOk) return Refusal(caller);
  Reason why = Reason::kOk;
  const std::vector<const Role*> roles = RolesOf(text, in, why);
  if (roles.empty()) return Refusal(why);
  std::optional<Result> best;
  std::optional<Answer> would;
  std::optional<Answer> first_refused;
  for (const Role* role : roles) {
    Result result = Trial(text, asked, facts, *role).Run();
    result.answer.role = role->name;
    const Reason admission = Admit(text, *role, in);
    if (admission != Reason::kOk) {
      if (!first_refused.has_value()) first_refused = Refusal(admission, role->name);
      if (result.granted > 0 && !would.has_value()) would = Refusal(admission, role->name);
      continue;
    }
    const bool better = !best.has_value() || result.granted > best->granted ||
                        (result.granted == best->granted && result.plain > best->plain) ||
                        (result.granted == 0 && best->granted == 0 && result.stage > best->stage);
    if (better) best = std::move(result);
  }
  if (best.has_value() && best->granted > 0) return best->answer;
  if (would.has_value()) return *would;
  if (best.has_value()) return best->answer;
  return *first_refused;
}

}  // namespace piivault::authz::naive
