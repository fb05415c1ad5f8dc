#include "authz/grounds.h"

#include <algorithm>

namespace piivault::authz {
namespace {

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

bool NamesFamily(std::string_view pattern, std::string_view type) {
  return pattern.size() == type.size() + 2 && pattern.ends_with(".*") && pattern.starts_with(type);
}

bool NamesField(std::string_view pattern, const FieldSpec& field, const TypeSpec& type) {
  return pattern == field.full_name || NamesFamily(pattern, type.name);
}

const Argument* Grounds::FindArgument(std::string_view name) const {
  for (const Argument& argument : in_.arguments) {
    if (argument.name == name) return &argument;
  }
  return nullptr;
}

bool Grounds::NamesOneOf(const Needs& needs) const {
  return std::any_of(needs.begin(), needs.end(), [&](const MatterNeed& need) {
    return FindArgument(policy_.matters()[need.matter].name) != nullptr;
  });
}

Reason Grounds::CheckRequest() {
  const VerbInfo& verb = GetVerb(in_.verb);
  if (purpose_ != nullptr && !purpose_->parents.empty()) {
    const Argument* named = FindArgument("parent");
    for (PurposeId id : purpose_->parents) {
      const PurposeSpec& parent = policy_.purposes()[id];
      if (named != nullptr && parent.name == named->value) parent_ = &parent;
    }
    if (parent_ == nullptr) return Reason::kPurposeParentUnknown;
    if (Reason reason = CheckParent(); reason != Reason::kOk) return reason;
  }
  static const Needs kNone;
  const Needs& of_purpose = purpose_ != nullptr ? purpose_->matters : kNone;
  const Needs& of_parent = parent_ != nullptr ? parent_->matters : kNone;
  const Needs& of_role = verb.purpose != Need::kNo ? role_.matters : kNone;
  for (const Needs* needs : {&of_purpose, &of_parent, &of_role}) {
    if (!needs->empty() && !NamesOneOf(*needs)) return Reason::kArgumentMissing;
  }
  for (const Needs* needs : {&of_purpose, &of_parent, &of_role}) {
    if (Reason reason = CheckMatters(*needs, true); reason != Reason::kOk) return reason;
  }
  const bool takes_notice = in_.verb == Verb::kCreate || in_.verb == Verb::kTokenize;
  if (takes_notice && in_.notice.empty() && policy_.notice_required()) {
    return Reason::kNoticeMissing;
  }
  if (takes_notice && !in_.notice.empty() && !policy_.collection_notices().empty() &&
      compiled_.PurposesOfNotice(in_.notice) == nullptr) {
    return Reason::kNoticeUnknown;
  }
  return Reason::kOk;
}

Reason Grounds::CheckParent() const {
  if (parent_->needs_ticket && in_.ticket.empty()) return Reason::kTicketMissing;
  for (const std::string& need : parent_->needs) {
    if (FindArgument(need) == nullptr) return Reason::kArgumentMissing;
  }
  return Reason::kOk;
}

Reason Grounds::CheckMatters(const Needs& needs, bool tenant_only) {
  if (needs.empty()) return Reason::kOk;
  const MatterNeed* best = nullptr;
  const MatterFact* fitting = nullptr;
  for (const MatterNeed& need : needs) {
    const MatterSpec& spec = policy_.matters()[need.matter];
    if (tenant_only && spec.about != MatterAbout::kTenant) {
      // What the subject's facts may still bring.
      if (FindArgument(spec.name) != nullptr) return Reason::kOk;
      continue;
    }
    const MatterFact* found = FindMatter(need);
    if (found != nullptr && (fitting == nullptr || found->not_after > fitting->not_after)) {
      best = &need;
      fitting = found;
    }
  }
  if (fitting == nullptr) return Reason::kMatterUnknown;
  if (tenant_only && subject_ != nullptr) return Reason::kOk;  // CheckSubject looks at all of them.
  if (matter_ == nullptr) matter_ = &policy_.matters()[best->matter];
  good_until_ = std::min(good_until_, After(fitting->not_after));
  return Reason::kOk;
}

const MatterFact* Grounds::FindMatter(const MatterNeed& need) const {
  const MatterSpec& spec = policy_.matters()[need.matter];
  const Argument* argument = FindArgument(spec.name);
  if (argument == nullptr) return nullptr;
  const MatterFact* found = nullptr;
  const auto look = [&](absl::Span<const MatterFact> facts) {
    for (const MatterFact& fact : facts) {
      if (!Fits(fact, need, argument->value)) continue;
      if (found == nullptr || fact.not_after > found->not_after) found = &fact;
    }
  };
  if (spec.about != MatterAbout::kSubject) look(in_.matters);
  if (spec.about == MatterAbout::kSubject && subject_ != nullptr) look(subject_->matters);
  return found;
}

bool Grounds::Fits(const MatterFact& fact, const MatterNeed& need, std::string_view id) const {
  const MatterSpec& spec = policy_.matters()[need.matter];
  if (fact.id != id || fact.kind != spec.name || in_.now > fact.not_after) return false;
  if (!Contains(need.states, fact.state)) return false;
  if (spec.about == MatterAbout::kController &&
      (subject_ == nullptr || fact.party.empty() || fact.party != subject_->controller)) {
    return false;
  }
  if (fact.purposes.empty()) return true;
  return (purpose_ != nullptr && Contains(fact.purposes, purpose_->name)) ||
         (parent_ != nullptr && Contains(fact.purposes, parent_->name));
}

Reason Grounds::CheckIdentity() {
  if (role_.kind != RoleKind::kSubject) return Reason::kOk;
  if (in_.verb == Verb::kCreate && subject_->subject.empty()) return Reason::kOk;
  if (in_.on_behalf_of.empty()) return Reason::kNotOwnRecord;
  if (role_.scope == RoleScope::kRepresented) {
    const RepresentativeFact* found = nullptr;
    for (const RepresentativeFact& fact : subject_->representatives) {
      if (fact.subject != in_.on_behalf_of || in_.now > fact.not_after) continue;
      if (found == nullptr || fact.not_after > found->not_after) found = &fact;
    }
    if (found == nullptr) return Reason::kNotOwnRecord;
    good_until_ = std::min(good_until_, After(found->not_after));
    return Reason::kOk;
  }
  if (in_.on_behalf_of == subject_->subject) {
    return subject_->holder.empty() ? Reason::kOk : Reason::kMemberWithoutId;
  }
  const bool held = role_.scope == RoleScope::kOwnAccount && in_.on_behalf_of == subject_->holder;
  return held ? Reason::kOk : Reason::kNotOwnRecord;
}

Reason Grounds::CheckSubject() {
  const VerbInfo& verb = GetVerb(in_.verb);
  if (purpose_ != nullptr) {
    if (Reason reason = CheckMatters(purpose_->matters, false); reason != Reason::kOk) {
      return reason;
    }
  }
  if (parent_ != nullptr) {
    if (Reason reason = CheckMatters(parent_->matters, false); reason != Reason::kOk) return reason;
  }
  if (verb.purpose != Need::kNo) {
    if (Reason reason = CheckMatters(role_.matters, false); reason != Reason::kOk) return reason;
  }
  if (verb.uses_data) {
    if (Reason reason = CheckNotice(); reason != Reason::kOk) return reason;
  }
  if (purpose_ != nullptr && purpose_->consent) {
    const ConsentFact* consent = PurposeConsent();
    if (consent == nullptr) return Reason::kConsentMissing;
    Rely(consent);
  }
  if (!verb.writes) return Reason::kOk;
  for (const CollectionRule& rule : compiled_.write_rules()) {
    if (Reason reason = CheckRule(rule, nullptr); reason != Reason::kOk) return reason;
  }
  return Reason::kOk;
}

Reason Grounds::CheckNotice() {
  if (policy_.collection_notices().empty() || subject_->notice.empty()) return Reason::kOk;
  const PurposeSpec* purpose = parent_ != nullptr ? parent_ : purpose_;
  if (purpose == nullptr) return Reason::kNoticeForbids;
  if (purpose->despite_notice) return Reason::kOk;
  const BitSet* named = compiled_.PurposesOfNotice(subject_->notice);
  if (named != nullptr && named->Has(purpose->id)) return Reason::kOk;
  for (const ConsentFact& consent : subject_->consents) {
    if (consent.purpose == purpose->name && InForce(consent) &&
        compiled_.ChangesPolicy(consent.id)) {
      Rely(&consent);
      return Reason::kOk;
    }
  }
  return Reason::kNoticeForbids;
}

bool Grounds::Noticed() const {
  if (subject_ == nullptr) return true;
  const BitSet* named = compiled_.PurposesOfNotice(subject_->notice);
  return named != nullptr && purpose_ != nullptr && named->Has(purpose_->id);
}

bool Grounds::Concerns(std::string_view purpose) const {
  return purpose.empty() || purpose == in_.purpose ||
         (parent_ != nullptr && purpose == parent_->name);
}

const ConsentFact* Grounds::FindPurposeConsent() const {
  if (subject_ == nullptr || purpose_ == nullptr) return nullptr;
  for (const ConsentFact& consent : subject_->consents) {
    if (consent.purpose == purpose_->name && InForce(consent) &&
        compiled_.ExtendsPurposes(consent.id)) {
      return &consent;
    }
  }
  return nullptr;
}

Reason Grounds::CheckWrite(const FieldSpec& field) {
  if (field.retired) return Reason::kFieldRetired;
  if (!field.channels.empty()) {
    if (in_.channel.empty()) return Reason::kChannelMissing;
    if (!Contains(field.channels, in_.channel)) return Reason::kChannelNotAllowed;
  }
  if (subject_ == nullptr) return Reason::kOk;
  for (const CollectionRule& rule : compiled_.RulesOf(field.id)) {
    if (Reason reason = CheckRule(rule, &field); reason != Reason::kOk) return reason;
  }
  return Reason::kOk;
}

Reason Grounds::CheckRule(const CollectionRule& rule, const FieldSpec* field) {
  if (rule.spec->under_age > 0) {
    const std::optional<bool> below = IsBelow(rule.spec->under_age);
    if (!below.has_value() && !policy_.age().unknown_allowed) return Reason::kAgeUnknown;
    if (!below.value_or(false)) return Reason::kOk;
  }
  const Reason missing = rule.guardian ? Reason::kGuardianConsentMissing : Reason::kConsentMissing;
  const ConsentFact* consent = FindCollectionConsent(rule, field);
  if (consent == nullptr) return missing;
  Rely(consent);
  if (field != nullptr) return Reason::kOk;
  // A consent to some fields covers no write of others.
  for (FieldId id : in_.fields) {
    if (id >= policy_.field_count() || Contains(in_.cleared, id)) continue;
    if (FindCollectionConsent(rule, &policy_.field(id)) == nullptr) return missing;
  }
  return Reason::kOk;
}

const Grounds::Consents& Grounds::ConsentsFor(const CollectionRule& rule) {
  for (const auto& [spec, consents] : consents_for_) {
    if (spec == rule.spec) return consents;
  }
  Consents& consents = consents_for_.emplace_back(rule.spec, Consents()).second;
  const absl::Time collected = CollectedAt();
  for (const ConsentFact& consent : subject_->consents) {
    if (consent.id != rule.spec->id || !InForce(consent)) continue;
    if (rule.guardian && !consent.by_guardian) continue;
    if (rule.before ? consent.given >= collected : consent.given > collected) continue;
    consents.push_back(&consent);
  }
  return consents;
}

const ConsentFact* Grounds::FindCollectionConsent(const CollectionRule& rule,
                                                  const FieldSpec* field) {
  for (const ConsentFact* consent : ConsentsFor(rule)) {
    if (Covers(rule, *consent, field)) return consent;
  }
  return nullptr;
}

bool Grounds::Covers(const CollectionRule& rule, const ConsentFact& fact,
                     const FieldSpec* field) const {
  if (field == nullptr) return true;
  if (fact.fields.empty()) return !rule.agreed_fields;
  const TypeSpec& type = policy_.type(field->type);
  return std::any_of(fact.fields.begin(), fact.fields.end(),
                     [&](std::string_view pattern) { return NamesField(pattern, *field, type); });
}

std::optional<bool> Grounds::IsBelow(uint32_t age) const {
  // The younger, the more protected: no call makes anybody older.
  std::optional<absl::CivilDay> born = subject_->born;
  if (in_.born.has_value()) born = std::max(born.value_or(*in_.born), *in_.born);
  if (!born.has_value()) return std::nullopt;
  absl::CivilDay reached(born->year() + age, born->month(), born->day());
  if (policy_.age().reached == AgeReached::kDayBefore) --reached;
  return absl::ToCivilDay(CollectedAt(), policy_.timezone()) < reached;
}

void Grounds::Rely(const ConsentFact* consent) {
  if (consent == nullptr) return;
  if (consent_ == nullptr) consent_ = consent;
  good_until_ = std::min(good_until_, consent->withdrawn);
}

}  // namespace piivault::authz
