#include "authz/call_grounds.h"

#include <algorithm>
#include <bit>
#include <string>

#include "authz/compiled_policy.h"
#include "authz/field_pattern.h"
#include "authz/retention.h"
#include "authz/same_name.h"

namespace piivault::authz {
namespace {

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

Reason ReasonOf(Condition condition) {
  static constexpr Reason kReasons[kConditionCount] = {
      Reason::kUnsubscribed,   Reason::kContractEnded, Reason::kDepartmentMismatch,
      Reason::kConsentMissing, Reason::kNoticeForbids, Reason::kMemberWithoutId};
  return kReasons[static_cast<size_t>(condition)];
}

CallGrounds::CallGrounds(const Policy& policy, const DecisionInput& input,
                         const SubjectFacts* subject)
    : policy_(policy), in_(input), subject_(subject), verb_(GetVerb(input.verb)) {
  const bool stated = verb_.purpose != Need::kNo && !input.purpose.empty();
  if (stated) purpose_ = policy.FindPurpose(input.purpose);
  if (subject != nullptr) consents_.emplace(policy, input, *subject);
  if (subject != nullptr && verb_.uses_data) {
    frozen_ = subject->frozen;
    expired_ = subject->expired;
    const bool open = purpose_ != nullptr && IsOpenPurpose(policy, purpose_->id);
    if (!open) kept_by_law_ = subject->kept_by_law;
  }
}

const Argument* CallGrounds::FindArgument(std::string_view name) const {
  for (const Argument& argument : in_.arguments) {
    if (argument.name == name) return &argument;
  }
  return nullptr;
}

Reason CallGrounds::FindParent() {
  if (purpose_ == nullptr || purpose_->parents.empty()) return Reason::kOk;
  const Argument* named = FindArgument("parent");
  for (PurposeId id : purpose_->parents) {
    const PurposeSpec& parent = policy_.purposes()[id];
    if (named != nullptr && parent.name == named->value) parent_ = &parent;
  }
  if (parent_ == nullptr) return Reason::kPurposeParentUnknown;
  if (parent_->needs_ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  for (const std::string& need : parent_->needs) {
    if (FindArgument(need) == nullptr) return Reason::kArgumentMissing;
  }
  return Reason::kOk;
}

absl::Span<const MatterFact* const> CallGrounds::MattersOf(const MatterSpec& spec) {
  const Argument* named = FindArgument(spec.name);
  const bool of_subject = spec.about == MatterAbout::kSubject;
  if (named == nullptr || (of_subject && subject_ == nullptr)) return {};
  for (const auto& [argument, matters] : matters_) {
    if (argument == named) return matters;
  }
  Matters& matters = matters_.emplace_back(named, Matters()).second;
  for (const MatterFact& fact : of_subject ? subject_->matters : in_.matters) {
    if (Fits(fact, *named)) matters.push_back(&fact);
  }
  return matters;
}

const MatterFact* CallGrounds::FindMatter(const MatterNeed& need) {
  const MatterSpec& spec = policy_.matters()[need.matter];
  const MatterFact* found = nullptr;
  for (const MatterFact* fact : MattersOf(spec)) {
    const bool party =
        spec.about != MatterAbout::kController ||
        (subject_ != nullptr && !fact->party.empty() && fact->party == subject_->controller);
    if (!Contains(need.states, fact->state) || !party) continue;
    if (found == nullptr || fact->not_after > found->not_after) found = fact;
  }
  return found;
}

bool CallGrounds::Fits(const MatterFact& fact, const Argument& named) const {
  if (!SameName(fact.id, named.value) || fact.kind != named.name) return false;
  if (in_.now > fact.not_after) return false;
  if (fact.purposes.empty()) return true;
  return (purpose_ != nullptr && Contains(fact.purposes, purpose_->name)) ||
         (parent_ != nullptr && Contains(fact.purposes, parent_->name));
}

Reason CallGrounds::CheckNoticeStated() const {
  if (in_.verb != Verb::kCreate && in_.verb != Verb::kTokenize) return Reason::kOk;
  if (in_.notice.empty()) {
    return policy_.notice_required() ? Reason::kNoticeMissing : Reason::kOk;
  }
  const bool known = policy_.collection_notices().empty() ||
                     policy_.compiled().grounds().PurposesOfNotice(in_.notice) != nullptr;
  return known ? Reason::kOk : Reason::kNoticeUnknown;
}

void CallGrounds::FindNotice(Check* check) const {
  if (policy_.collection_notices().empty() || subject_->notice.empty()) return;
  const CompiledGrounds& compiled = policy_.compiled().grounds();
  const PurposeSpec* rests_on = parent_ != nullptr ? parent_ : purpose_;
  if (rests_on != nullptr) {
    if (rests_on->despite_notice) return;
    const BitSet* named = compiled.PurposesOfNotice(subject_->notice);
    if (named != nullptr && named->Has(rests_on->id)) return;
    for (const ConsentFact& consent : subject_->consents) {
      if (consent.purpose == rests_on->name && InForce(consent, in_.now) &&
          compiled.ChangesPolicy(consent.id)) {
        return check->Rely(&consent);
      }
    }
  }
  check->reason = Reason::kNoticeForbids;
}

bool CallGrounds::Noticed() const {
  const BitSet* named = policy_.compiled().grounds().PurposesOfNotice(subject_->notice);
  return named != nullptr && purpose_ != nullptr && named->Has(purpose_->id);
}

const ConsentFact* CallGrounds::FindPurposeConsent() const {
  if (subject_ == nullptr || purpose_ == nullptr) return nullptr;
  const CompiledGrounds& compiled = policy_.compiled().grounds();
  for (const ConsentFact& consent : subject_->consents) {
    if (consent.purpose == purpose_->name && InForce(consent, in_.now) &&
        compiled.ExtendsPurposes(consent.id)) {
      return &consent;
    }
  }
  return nullptr;
}

bool CallGrounds::Concerns(const UseStop& stop) const {
  const std::string_view purpose = stop.purpose;
  return purpose.empty() || purpose == in_.purpose ||
         (parent_ != nullptr && purpose == parent_->name);
}

void CallGrounds::FindStops(StoppedUse* stops) const {
  const std::string_view type = policy_.type(in_.type).name;
  for (const UseStop& stop : subject_->stops) {
    const bool of_type = stop.fields.empty() || IsOfType(stop.fields, type);
    if (!of_type || !Concerns(stop)) continue;
    if (stop.fields.empty() || NamesFamily(stop.fields, type)) {
      stops->of_type = true;
    } else {
      stops->fields.push_back(stop.fields);
    }
  }
}

bool CallGrounds::FieldStopped(const FieldSpec& field) {
  if (!CanBeStopped()) return false;
  return TypeStopped() ||
         std::any_of(stops_->fields.begin(), stops_->fields.end(),
                     [&](std::string_view stopped) { return SameName(stopped, field.full_name); });
}

bool CallGrounds::Names(absl::Span<const std::string_view> names, const FieldSpec& field) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string_view name) { return SameName(name, field.full_name); });
}

Reason CallGrounds::CheckField(size_t place, Check* found) {
  const FieldSpec& field = policy_.field(in_.fields[place]);
  if (parent_ != nullptr && !policy_.compiled().grounds().UsedFor(parent_->id, field.id)) {
    return Reason::kFieldNotGranted;
  }
  if (FieldStopped(field)) return Reason::kUseStopped;
  if (Names(expired_, field)) return Reason::kRetentionOver;
  if (!verb_.writes || Contains(in_.cleared, field.id)) return Reason::kOk;
  const Check& written = CheckWritten(place);
  found->RelyAs(written);
  return written.reason;
}

const Check& CallGrounds::CheckWritten(size_t place) {
  if (written_.empty()) written_.resize(in_.fields.size());
  std::optional<Check>& check = written_[place];
  if (!check.has_value()) FindWritten(policy_.field(in_.fields[place]), &check.emplace());
  return *check;
}

void CallGrounds::FindWritten(const FieldSpec& field, Check* check) {
  if (field.retired) {
    check->reason = Reason::kFieldRetired;
  } else if (!field.channels.empty() && in_.channel.empty()) {
    check->reason = Reason::kChannelMissing;
  } else if (!field.channels.empty() && !Contains(field.channels, in_.channel)) {
    check->reason = Reason::kChannelNotAllowed;
  } else if (subject_ != nullptr) {
    consents_->CheckField(field, check);
  }
}

uint8_t CallGrounds::Unmet(uint8_t conditions) {
  if (subject_ == nullptr) return 0;
  for (unsigned fresh = conditions & ~static_cast<unsigned>(asked_); fresh != 0;
       fresh &= fresh - 1) {
    const unsigned bit = fresh & -fresh;
    if (!Holds(static_cast<Condition>(std::countr_zero(fresh)))) {
      unmet_ = static_cast<uint8_t>(unmet_ | bit);
    }
    asked_ = static_cast<uint8_t>(asked_ | bit);
  }
  return conditions & unmet_;
}

bool CallGrounds::Holds(Condition condition) {
  switch (condition) {
    case Condition::kSubscribed:
      return !subject_->unsubscribed;
    case Condition::kContractActive:
      return subject_->contract_active;
    case Condition::kOwnDepartment:
      return in_.person != nullptr && !in_.person->department.empty() &&
             in_.person->department == subject_->department;
    case Condition::kConsented:
      return PurposeConsent() != nullptr;
    case Condition::kNoticed:
      return Noticed();
    case Condition::kOwnId:
      return subject_->holder.empty();
  }
  return false;
}

}  // namespace piivault::authz
