#include "authz/grounds.h"

#include "authz/compiled_policy.h"
#include "authz/instant.h"

namespace piivault::authz {

bool Grounds::NamesOneOf(const Needs& needs) const {
  return std::any_of(needs.begin(), needs.end(), [&](const MatterNeed& need) {
    return call_.FindArgument(Spec(need).name) != nullptr;
  });
}

Reason Grounds::CheckRequest() {
  if (Reason reason = call_.CheckParent(); reason != Reason::kOk) return reason;
  static const Needs kNone;
  const PurposeSpec* purpose = call_.purpose();
  const PurposeSpec* parent = call_.parent();
  const Needs& of_purpose = purpose != nullptr ? purpose->matters : kNone;
  const Needs& of_parent = parent != nullptr ? parent->matters : kNone;
  const Needs& of_role = call_.verb().purpose != Need::kNo ? role_.matters : kNone;
  for (const Needs* needs : {&of_purpose, &of_parent, &of_role}) {
    if (!needs->empty() && !NamesOneOf(*needs)) return Reason::kArgumentMissing;
  }
  for (const Needs* needs : {&of_purpose, &of_parent, &of_role}) {
    if (Reason reason = CheckMatters(*needs, true); reason != Reason::kOk) return reason;
  }
  return call_.CheckNoticeStated();
}

Reason Grounds::CheckMatters(const Needs& needs, bool tenant_only) {
  if (needs.empty()) return Reason::kOk;
  const MatterNeed* best = nullptr;
  const MatterFact* fitting = nullptr;
  for (const MatterNeed& need : needs) {
    const MatterSpec& spec = Spec(need);
    if (tenant_only && spec.about != MatterAbout::kTenant) {
      // What the subject's facts may still bring.
      if (call_.FindArgument(spec.name) != nullptr) return Reason::kOk;
      continue;
    }
    const MatterFact* found = call_.FindMatter(need);
    if (found != nullptr && (fitting == nullptr || found->not_after > fitting->not_after)) {
      best = &need;
      fitting = found;
    }
  }
  if (fitting == nullptr) return Reason::kMatterUnknown;
  // CheckSubject looks at all of them.
  if (tenant_only && call_.subject() != nullptr) return Reason::kOk;
  if (matter_ == nullptr) matter_ = &Spec(*best);
  good_until_ = std::min(good_until_, After(fitting->not_after));
  return Reason::kOk;
}

Reason Grounds::CheckIdentity() {
  const DecisionInput& in = call_.input();
  const SubjectFacts& subject = *call_.subject();
  if (role_.kind != RoleKind::kSubject) return Reason::kOk;
  if (in.verb == Verb::kCreate && subject.subject.empty()) return Reason::kOk;
  if (in.on_behalf_of.empty()) return Reason::kNotOwnRecord;
  if (role_.scope == RoleScope::kRepresented) {
    const RepresentativeFact* found = nullptr;
    for (const RepresentativeFact& fact : subject.representatives) {
      if (fact.subject != in.on_behalf_of || in.now > fact.not_after) continue;
      if (found == nullptr || fact.not_after > found->not_after) found = &fact;
    }
    if (found == nullptr) return Reason::kNotOwnRecord;
    good_until_ = std::min(good_until_, After(found->not_after));
    return Reason::kOk;
  }
  if (in.on_behalf_of == subject.subject) {
    return subject.holder.empty() ? Reason::kOk : Reason::kMemberWithoutId;
  }
  const bool held = role_.scope == RoleScope::kOwnAccount && in.on_behalf_of == subject.holder;
  return held ? Reason::kOk : Reason::kNotOwnRecord;
}

Reason Grounds::CheckSubject() {
  const VerbInfo& verb = call_.verb();
  const PurposeSpec* purpose = call_.purpose();
  if (purpose != nullptr) {
    if (Reason reason = CheckMatters(purpose->matters, false); reason != Reason::kOk) return reason;
  }
  if (const PurposeSpec* parent = call_.parent(); parent != nullptr) {
    if (Reason reason = CheckMatters(parent->matters, false); reason != Reason::kOk) return reason;
  }
  if (verb.purpose != Need::kNo) {
    if (Reason reason = CheckMatters(role_.matters, false); reason != Reason::kOk) return reason;
  }
  if (verb.uses_data) {
    if (Reason reason = Rely(call_.CheckNotice()); reason != Reason::kOk) return reason;
  }
  if (purpose != nullptr && purpose->consent) {
    const ConsentFact* consent = call_.PurposeConsent();
    if (consent == nullptr) return Reason::kConsentMissing;
    found_.Rely(consent);
  }
  return verb.writes ? Rely(call_.CheckWrite()) : Reason::kOk;
}

namespace {

bool Reads(Verb verb) { return verb == Verb::kReveal || verb == Verb::kRevealHistory; }

}  // namespace

bool Grounds::IsThePerson() const {
  return role_.kind == RoleKind::kSubject && Reads(call_.input().verb);
}

// The person, and who works on requests about the field, for that purpose: they see it and do
// nothing else with it.
bool Grounds::SeesFrozen(FieldId field) const {
  if (IsThePerson()) return true;
  const PurposeSpec* purpose = call_.purpose();
  if (purpose == nullptr || !Reads(call_.input().verb)) return false;
  const Cell* requests =
      call_.policy().compiled().Find(role_.id, Verb::kRightsRequest, purpose->id + size_t{1});
  return requests != nullptr && requests->Gives(field);
}

void Grounds::RelyOnConsent() { found_.Rely(call_.PurposeConsent()); }

Reason Grounds::Rely(const Check& check) {
  found_.RelyAs(check);
  return check.reason;
}

}  // namespace piivault::authz
