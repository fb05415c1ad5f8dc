#include "tests/authz/naive_consent.h"

#include <algorithm>
#include <optional>

namespace piivault::authz::naive {
namespace {

bool InForce(const ConsentFact& fact, absl::Time now) {
  if (!fact.recipient.empty()) return false;  // To giving, not to using.
  return fact.given <= now && now < fact.withdrawn;
}

bool ForOneOf(const Consent& consent, const Names& events) {
  for (const std::string& event : events) {
    if (Has(consent.events, event)) return true;
  }
  return false;
}

// The day on which somebody born on `born` counts as `years` old.
absl::CivilDay DayReached(const Text& text, absl::CivilDay born, int years) {
  // 29 February of a year without one is 1 March.
  const absl::CivilDay birthday(born.year() + years, born.month(), born.day());
  return text.reached_day_before ? birthday - 1 : birthday;
}

bool NamesField(const ConsentFact& fact, const std::string& field) {
  for (std::string_view pattern : fact.fields) {
    if (Matches(std::string(pattern), field)) return true;
  }
  return false;
}

bool Covers(const Consent& consent, const ConsentFact& fact, const std::string& field,
            const Names& written) {
  const bool all = fact.fields.empty() && consent.scope != "agreed_items";
  if (all) return true;
  if (!field.empty()) return NamesField(fact, field);
  for (const std::string& each : written) {
    if (!NamesField(fact, each)) return false;
  }
  return true;
}

// Nothing is collected in the future: what says so is collected now.
absl::Time CollectedAt(const DecisionInput& in) { return std::min(in.collected_at, in.now); }

bool GivenInTime(const Consent& consent, const ConsentFact& fact, const DecisionInput& in) {
  const absl::Time collected = CollectedAt(in);
  if (consent.when == "before_collection") return fact.given < collected;
  if (consent.when == "at_collection" || consent.when == "at_link") return fact.given <= collected;
  return true;
}

Reason Missing(const Text& text, const Consent& consent, const DecisionInput& in,
               const SubjectFacts& facts, const std::string& field, const Names& written) {
  if (consent.under_age > 0) {
    std::optional<absl::CivilDay> born = facts.born;
    if (in.born.has_value() && (!born.has_value() || *born < *in.born)) born = in.born;
    if (!born.has_value()) {
      return text.unknown_age_allowed ? Reason::kOk : Reason::kAgeUnknown;
    }
    const absl::CivilDay day = absl::ToCivilDay(CollectedAt(in), text.zone);
    if (day >= DayReached(text, *born, consent.under_age)) return Reason::kOk;
  }
  const bool guardian = consent.who == "guardian";
  for (const ConsentFact& fact : facts.consents) {
    if (fact.id != consent.id || !InForce(fact, in.now)) continue;
    if (guardian && !fact.by_guardian) continue;
    if (!GivenInTime(consent, fact, in)) continue;
    if (Covers(consent, fact, field, written)) return Reason::kOk;
  }
  return guardian ? Reason::kGuardianConsentMissing : Reason::kConsentMissing;
}

}  // namespace

bool Matches(const std::string& pattern, const std::string& field) {
  return pattern == field || pattern == field.substr(0, field.find('.')) + ".*";
}

bool AgreedToUse(const Text& text, const SubjectFacts& facts, absl::Time now,
                 const std::string& purpose, const Names& events) {
  for (const ConsentFact& fact : facts.consents) {
    const Consent* consent = text.FindConsent(std::string(fact.id));
    if (consent == nullptr || !ForOneOf(*consent, events)) continue;
    if (!purpose.empty() && fact.purpose == purpose && InForce(fact, now)) return true;
  }
  return false;
}

bool NoticeForbids(const Text& text, const SubjectFacts& facts, absl::Time now,
                   const std::string& purpose) {
  if (text.notices.empty() || facts.notice.empty()) return false;
  const Purpose* spec = text.FindPurpose(purpose);
  if (spec != nullptr && spec->despite_notice) return false;
  auto notice = text.notices.find(std::string(facts.notice));
  if (notice != text.notices.end() && Has(notice->second, purpose)) return false;
  return !AgreedToUse(text, facts, now, purpose, {"policy_change"});
}

Reason MissingAtCollection(const Text& text, const DecisionInput& in, const SubjectFacts& facts,
                           const std::string& field, const Names& written) {
  for (const Consent& consent : text.consents) {
    if (!ForOneOf(consent, {"collection", "link"})) continue;
    const bool concerned = field.empty() ? consent.fields.empty() : Has(consent.fields, field);
    if (!concerned) continue;
    const Reason missing = Missing(text, consent, in, facts, field, written);
    if (missing != Reason::kOk) return missing;
  }
  return Reason::kOk;
}

}  // namespace piivault::authz::naive
