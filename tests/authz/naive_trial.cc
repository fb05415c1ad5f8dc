#include "tests/authz/naive_trial.h"

#include <optional>
#include <string>
#include <vector>

#include "tests/authz/naive_consent.h"
#include "tests/authz/naive_grounds.h"

namespace piivault::authz::naive {
namespace {

Result Refused(Result::Stage stage, Reason reason) {
  Result result;
  result.stage = stage;
  result.answer.reason = reason;
  return result;
}

class Trial {
 public:
  Trial(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role)
      : text_(text),
        asked_(asked),
        in_(*asked.input),
        facts_(facts),
        role_(role),
        verb_(Verbs().at(asked.verb)),
        grounds_(text, asked, facts, role) {}

  Result Run() const;

 private:
  bool FitsPurpose(const Grant& grant) const;
  Reason Unmet(const Grant& grant) const;
  bool Stopped(const std::string& field) const;
  bool Expired(const std::string& field) const;
  bool LeftToTheLaw(const std::string& field) const;
  bool Frozen(const std::string& field) const;
  bool MaySeeFrozen(const std::string& field) const;
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
  const Grounds grounds_;
};

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
  if (verb_.purpose != "no" && !in_.purpose.empty() && grounds_.purpose() == nullptr) {
    return Refused(Result::kPurpose, Reason::kPurposeUnknown);
  }
  std::vector<const Grant*> fitting;
  for (const Grant* grant : mine) {
    if (FitsPurpose(*grant)) fitting.push_back(grant);
  }
  if (fitting.empty()) {
    return Refused(Result::kPurpose, grounds_.purpose() == nullptr ? Reason::kPurposeMissing
                                                                   : Reason::kPurposeNotGranted);
  }
  const Reason request = grounds_.CheckRequest();
  if (request != Reason::kOk) return Refused(Result::kRequest, request);
  const Reason subject = grounds_.CheckSubject();
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
    if (notice == text_.notices.end() || !Has(notice->second, grounds_.rests_on())) {
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
                         (!grounds_.rests_on().empty() && stop.purpose == grounds_.rests_on());
    const bool what = stop.fields.empty() || stop.fields == asked_.type + ".*" ||
                      (!field.empty() && stop.fields == field);
    if (purpose && what) return true;
  }
  return false;
}

// Its time is over: nobody uses it.
bool Trial::Expired(const std::string& field) const {
  if (facts_ == nullptr || !verb_.uses) return false;
  return std::find(facts_->expired.begin(), facts_->expired.end(), field) != facts_->expired.end();
}

// What only a law keeps is for what the law asks, and for the person to look at.
bool Trial::LeftToTheLaw(const std::string& field) const {
  if (facts_ == nullptr || !verb_.uses) return false;
  if (Has(text_.open_purposes, std::string(in_.purpose))) return false;
  const bool looks = asked_.verb == "reveal" || asked_.verb == "reveal_history";
  if (role_.kind == "subject" && looks) return false;
  for (std::string_view name : facts_->kept_by_law) {
    if (name == field) return true;
  }
  return false;
}

// While a request is open, what it is about is there for nobody …
bool Trial::Frozen(const std::string& field) const {
  if (facts_ == nullptr || !verb_.uses) return false;
  for (std::string_view name : facts_->frozen) {
    if (name == field) return !MaySeeFrozen(field);
  }
  return false;
}

// … but to be looked at, by the person and by those who work on such requests.
bool Trial::MaySeeFrozen(const std::string& field) const {
  if (!Has({"reveal", "reveal_history"}, asked_.verb)) return false;
  bool works = false;
  for (const Grant& grant : text_.grants) {
    if (grant.role == role_.name && Has(grant.verbs, "rights_request") &&
        Has(grant.fields, field) && Has(grant.purposes, std::string(in_.purpose))) {
      works = true;
    }
  }
  return works || role_.kind == "subject";
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
      first = grounds_.purpose() == nullptr ? Reason::kPurposeMissing : Reason::kPurposeNotGranted;
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
  if (grounds_.purpose() == nullptr || grounds_.purpose()->follows.empty()) return true;
  for (const Grant& grant : text_.grants) {
    const bool ours = std::any_of(grant.verbs.begin(), grant.verbs.end(),
                                  [](const std::string& verb) { return verb != "export"; });
    if (ours && Has(grant.purposes, grounds_.rests_on()) && Has(grant.fields, field)) return true;
  }
  return false;
}

Reason Trial::CheckField(const std::string& name, const Field& field) const {
  const std::optional<Names> bound = BoundFields();
  if (bound.has_value() && !Has(*bound, name)) return Reason::kFieldNotGranted;
  if (!ParentHas(name)) return Reason::kFieldNotGranted;
  if (Stopped(name)) return Reason::kUseStopped;
  if (Expired(name)) return Reason::kRetentionOver;
  if (LeftToTheLaw(name)) return Reason::kKeptByLaw;
  if (Frozen(name)) return Reason::kSubjectRestricted;
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

}  // namespace

Result Try(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role) {
  return Trial(text, asked, facts, role).Run();
}

}  // namespace piivault::authz::naive
