#include "authz/share_needs.h"

#include <algorithm>

#include "authz/compiled_policy.h"
#include "authz/diagnostics.h"
#include "authz/field_pattern.h"
#include "authz/instant.h"
#include "authz/same_name.h"
#include "authz/yaml_reader.h"

namespace piivault::authz {

std::string_view IssuerPerson(const DecisionInput& issuer) {
  if (issuer.principal != nullptr && !issuer.principal->person.empty()) {
    return issuer.principal->person;
  }
  return issuer.person != nullptr ? std::string_view(issuer.person->name) : std::string_view();
}

ShareNeeds::ShareNeeds(const Policy& policy, const ShareInput& input, const ShareRule& rule,
                       const DecisionInput& issuer, const SubjectFacts* subject)
    : policy_(policy),
      input_(input),
      rule_(rule),
      issuer_(issuer),
      subject_(subject),
      call_(policy, issuer, subject) {
  for (const ShareNeed& need : rule.needs) {
    if (need.kind != ShareNeed::Kind::kAgreement) continue;
    const bool names_fields =
        (rule.from == SharedFields::kContracted && need.agreement == AttestationKind::kContract) ||
        (rule.from == SharedFields::kOfOption && need.agreement == AttestationKind::kPartnerNda);
    agreements_.push_back(
        FindAgreement({policy, *input.recipient, need.agreement, names_fields, issuer.fields,
                       issuer.purpose, IssuerPerson(issuer), issuer.now}));
  }
}

bool ShareNeeds::RestsOnIssuer() {
  return std::any_of(agreements_.begin(), agreements_.end(),
                     [](const Agreement& agreement) { return agreement.of_issuer; });
}

Reason ShareNeeds::Check(ShareDecision* out) {
  next_agreement_ = 0;
  for (const ShareNeed& need : rule_.needs) {
    out->need = need.name;
    if (Reason reason = CheckNeed(need, out); reason != Reason::kOk) return reason;
  }
  // A derived purpose's parent counts for matters that are for some purposes only. That there is
  // one is the usual decision's to ask.
  if (!rule_.spec->matters.empty()) static_cast<void>(call_.CheckParent());
  for (const ShareMatter& matter : rule_.spec->matters) {
    out->need = policy_.matters()[matter.need.matter].name;
    if (Reason reason = CheckMatter(matter, out); reason != Reason::kOk) return reason;
  }
  out->need = {};
  return Reason::kOk;
}

Reason ShareNeeds::CheckNeed(const ShareNeed& need, ShareDecision* out) {
  using Kind = ShareNeed::Kind;
  switch (need.kind) {
    case Kind::kReference:
    case Kind::kDocument:
      return CheckAssertion(need);
    case Kind::kItemList:
      return input_.requested.empty() ? Reason::kAssertionMissing : Reason::kOk;
    case Kind::kAgreement: {
      const Agreement& agreement = agreements_[next_agreement_++];
      if (agreement.reason != Reason::kOk) {
        out->denied.assign(agreement.denied.begin(), agreement.denied.end());
        return agreement.reason;
      }
      if (out->attestation == nullptr) out->attestation = agreement.attestation;
      out->good_until = std::min(out->good_until, agreement.good_until);
      return Reason::kOk;
    }
    case Kind::kConsentToCase:
      return CheckConsent(true, out);
    case Kind::kPermission:
      return CheckConsent(false, out);
    case Kind::kUsersNotified:
      return input_.users_notified ? Reason::kOk : Reason::kUsersNotNotified;
  }
  return Reason::kAgreementMissing;
}

// Of several of the name one that is of its form.
Reason ShareNeeds::CheckAssertion(const ShareNeed& need) const {
  Reason reason = Reason::kAssertionMissing;
  for (const Argument& assertion : input_.assertions) {
    if (assertion.name != need.name || assertion.value.empty()) continue;
    const bool valid = need.kind == ShareNeed::Kind::kDocument ? IsSha256Hex(assertion.value)
                                                               : IsValidTicket(assertion.value);
    if (valid) return Reason::kOk;
    reason = Reason::kAssertionInvalid;
  }
  return reason;
}

Reason ShareNeeds::CheckConsent(bool to_case, ShareDecision* out) const {
  if (subject_ == nullptr) return Reason::kOk;
  const ConsentFact* best = nullptr;
  for (const ConsentFact& fact : subject_->consents) {
    if (!IsConsent(fact, to_case)) continue;
    if (best == nullptr || fact.withdrawn > best->withdrawn) best = &fact;
  }
  if (best == nullptr) return Reason::kConsentMissing;
  if (out->consent == nullptr) out->consent = best;
  out->good_until = std::min(out->good_until, best->withdrawn);
  return Reason::kOk;
}

bool ShareNeeds::IsConsent(const ConsentFact& fact, bool to_case) const {
  if (fact.recipient.empty() || fact.recipient != input_.recipient->name) return false;
  if (fact.given >= input_.issued_at || fact.given > issuer_.now || fact.withdrawn <= issuer_.now) {
    return false;
  }
  const bool of_any_purpose = !to_case && fact.purpose.empty();
  if (!of_any_purpose && fact.purpose != issuer_.purpose) return false;
  const ShareConsent* spec = policy_.compiled().sharing().FindConsent(fact.id);
  return spec != nullptr && std::all_of(issuer_.fields.begin(), issuer_.fields.end(),
                                        [&](FieldId id) { return Covers(*spec, fact, id); });
}

bool ShareNeeds::Covers(const ShareConsent& spec, const ConsentFact& fact, FieldId id) const {
  if (id >= policy_.field_count() || !(spec.all_fields || spec.fields.Has(id))) return false;
  const FieldSpec& field = policy_.field(id);
  const TypeSpec& type = policy_.type(field.type);
  return std::any_of(fact.fields.begin(), fact.fields.end(),
                     [&](std::string_view pattern) { return NamesField(pattern, field, type); });
}

Reason ShareNeeds::CheckMatter(const ShareMatter& matter, ShareDecision* out) {
  const MatterSpec& spec = policy_.matters()[matter.need.matter];
  const Argument* named = call_.FindArgument(spec.name);
  if (named == nullptr) return Reason::kArgumentMissing;
  // Without a person, only the tenant's are known.
  if (subject_ != nullptr || spec.about == MatterAbout::kTenant) {
    const MatterFact* fact = call_.FindMatter(matter.need);
    if (fact == nullptr) return Reason::kMatterUnknown;
    out->good_until = std::min(out->good_until, After(fact->not_after));
  }
  if (!matter.own) return Reason::kOk;
  const auto& own = input_.recipient->matters;
  const bool there = std::any_of(own.begin(), own.end(), [&](const RecipientMatter& one) {
    return one.kind == spec.name && one.id == named->value;
  });
  return there ? Reason::kOk : Reason::kRecipientNotGranted;
}

}  // namespace piivault::authz
