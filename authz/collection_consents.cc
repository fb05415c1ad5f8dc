#include "authz/collection_consents.h"

#include <string_view>

#include "authz/compiled_policy.h"
#include "authz/field_pattern.h"
#include "authz/same_name.h"

namespace piivault::authz {

void CollectionConsents::CheckWrite(Check* check) {
  for (const CollectionRule& rule : policy_.compiled().grounds().write_rules()) {
    CheckRule(rule, nullptr, check);
    if (check->reason != Reason::kOk) return;
  }
}

void CollectionConsents::CheckField(const FieldSpec& field, Check* check) {
  for (const CollectionRule& rule : policy_.compiled().grounds().RulesOf(field.id)) {
    CheckRule(rule, &field, check);
    if (check->reason != Reason::kOk) return;
  }
}

void CollectionConsents::CheckRule(const CollectionRule& rule, const FieldSpec* field,
                                   Check* check) {
  const Finding& finding = Find(rule);
  check->reason = finding.reason;
  if (finding.reason != Reason::kOk || finding.exempt) return;
  const Reason missing = rule.guardian ? Reason::kGuardianConsentMissing : Reason::kConsentMissing;
  const ConsentFact* consent = ConsentTo(rule, finding, field);
  if (consent == nullptr) {
    check->reason = missing;
    return;
  }
  check->Rely(consent);
  if (field != nullptr) return;
  // A consent to some fields covers no write of others.
  for (FieldId id : in_.fields) {
    if (id >= policy_.field_count()) continue;
    if (std::find(in_.cleared.begin(), in_.cleared.end(), id) != in_.cleared.end()) continue;
    if (ConsentTo(rule, finding, &policy_.field(id)) == nullptr) {
      check->reason = missing;
      return;
    }
  }
}

const CollectionConsents::Finding& CollectionConsents::Find(const CollectionRule& rule) {
  for (const Finding& finding : findings_) {
    if (finding.spec == rule.spec) return finding;
  }
  Finding& finding = findings_.emplace_back();
  finding.spec = rule.spec;
  if (rule.spec->under_age > 0) {
    const std::optional<bool> below = IsBelow(rule.spec->under_age);
    if (!below.has_value() && !policy_.age().unknown_allowed) {
      finding.reason = Reason::kAgeUnknown;
      return finding;
    }
    finding.exempt = !below.value_or(false);
  }
  if (!finding.exempt) FindConsents(rule, &finding);
  return finding;
}

void CollectionConsents::FindConsents(const CollectionRule& rule, Finding* finding) const {
  const absl::Time collected = CollectedAt();
  for (const ConsentFact& consent : subject_.consents) {
    if (!SameName(consent.id, rule.spec->id) || !InForce(consent, in_.now)) continue;
    if (rule.guardian && !consent.by_guardian) continue;
    if (rule.before ? consent.given >= collected : consent.given > collected) continue;
    finding->consents.push_back(&consent);
  }
  if (!finding->consents.empty() && CoversType(rule, *finding->consents.front())) {
    finding->to_type = finding->consents.front();
  }
}

const ConsentFact* CollectionConsents::ConsentTo(const CollectionRule& rule, const Finding& finding,
                                                 const FieldSpec* field) const {
  if (finding.consents.empty()) return nullptr;
  if (field == nullptr) return finding.consents.front();
  if (finding.to_type != nullptr && field->type == in_.type) return finding.to_type;
  for (const ConsentFact* consent : finding.consents) {
    if (Covers(rule, *consent, *field)) return consent;
  }
  return nullptr;
}

bool CollectionConsents::Covers(const CollectionRule& rule, const ConsentFact& fact,
                                const FieldSpec& field) const {
  if (fact.fields.empty()) return !rule.agreed_fields;
  const TypeSpec& type = policy_.type(field.type);
  return std::any_of(fact.fields.begin(), fact.fields.end(),
                     [&](std::string_view pattern) { return NamesField(pattern, field, type); });
}

bool CollectionConsents::CoversType(const CollectionRule& rule, const ConsentFact& fact) const {
  if (fact.fields.empty()) return !rule.agreed_fields;
  const std::string_view type = policy_.type(in_.type).name;
  return std::any_of(fact.fields.begin(), fact.fields.end(),
                     [&](std::string_view pattern) { return NamesFamily(pattern, type); });
}

std::optional<bool> CollectionConsents::IsBelow(uint32_t age) const {
  // The younger, the more protected: no call makes anybody older.
  std::optional<absl::CivilDay> born = subject_.born;
  if (in_.born.has_value()) born = std::max(born.value_or(*in_.born), *in_.born);
  if (!born.has_value()) return std::nullopt;
  absl::CivilDay reached(born->year() + age, born->month(), born->day());
  if (policy_.age().reached == AgeReached::kDayBefore) --reached;
  return absl::ToCivilDay(CollectedAt(), policy_.timezone()) < reached;
}

}  // namespace piivault::authz
