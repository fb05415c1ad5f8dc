#include "tests/authz/naive_share.h"

#include <set>

#include "tests/authz/naive_consent.h"
#include "tests/authz/naive_decision.h"

namespace piivault::authz::naive {
namespace {

Names List(const YAML::Node& node) {
  Names out;
  if (node && node.IsScalar()) out.push_back(node.Scalar());
  if (node && node.IsSequence()) {
    for (const auto& item : node) out.push_back(item.Scalar());
  }
  return out;
}

std::string Get(const YAML::Node& map, const char* key, const std::string& fallback = "") {
  return map && map.IsMap() && map[key] ? map[key].Scalar() : fallback;
}

bool NamedBy(const Names& patterns, const std::string& field) {
  for (const std::string& pattern : patterns) {
    if (Matches(pattern, field)) return true;
  }
  return false;
}

bool IsReference(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  const std::string good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:#";
  return text.find_first_not_of(good) == std::string_view::npos;
}

bool IsHash(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// What attests to a need; empty: nothing does.
std::string KindOf(const std::string& need) {
  static const std::map<std::string, std::string> kinds = {{"contract", "contract"},
                                                           {"supervision_review", "supervision"},
                                                           {"valid_nda", "partner_nda"},
                                                           {"member_list", "membership"}};
  auto it = kinds.find(need);
  return it == kinds.end() ? "" : it->second;
}

class Trial {
 public:
  Trial(const Text& text, const YAML::Node& policy, const AskedShare& asked,
        const SubjectFacts* facts)
      : text_(text),
        policy_(policy),
        asked_(asked),
        in_(*asked.input),
        facts_(facts),
        now_(in_.issuer.now),
        purpose_(in_.issuer.purpose) {}

  Reason Run();

 private:
  bool Own() const;
  Reason Usual() const;
  bool Admitted() const;
  bool PurposeGiven() const;
  bool FieldGiven(const std::string& field) const;
  bool Terms() const;
  Reason Need(const std::string& need) const;
  Reason Signed(const std::string& need) const;
  bool InForce(const RecipientAttestation& a) const;
  bool Covers(const RecipientAttestation& a) const;
  bool Consented(const std::string& need) const;
  Reason Matter(const YAML::Node& node) const;
  bool Combined() const;
  bool IsProcessor() const {
    return in_.recipient->category == "processor" || Get(rule_, "kind") == "processor" ||
           Get(rule_, "basis") == "entrustment";
  }
  std::string Issuer() const { return in_.issuer.principal->person; }

  const Text& text_;
  const YAML::Node policy_;
  const AskedShare& asked_;
  const ShareInput& in_;
  const SubjectFacts* facts_;
  const absl::Time now_;
  const std::string purpose_;
  YAML::Node rule_;
  YAML::Node rules_;
};

Reason Trial::Run() {
  if (in_.recipient == nullptr) return Reason::kRecipientUnknown;
  if (in_.recipient->disabled) return Reason::kRecipientDisabled;
  bool found = false;
  for (const auto& rule : policy_["recipients"]) {
    if (rule["id"].Scalar() != in_.rule) continue;
    rule_.reset(rule);
    found = true;
  }
  if (!found) return Reason::kSharingRuleUnknown;
  if (policy_["recipient_rules"]) rules_.reset(policy_["recipient_rules"]);
  if (Own() && !in_.single_operator) return Reason::kOwnRecipient;
  if (const Reason usual = Usual(); usual != Reason::kOk) return usual;
  if (!Admitted()) return Reason::kRecipientKindNotAdmitted;
  if (!PurposeGiven()) return Reason::kPurposeNotGranted;
  for (const std::string& field : asked_.fields) {
    if (!FieldGiven(field)) return Reason::kRecipientNotGranted;
  }
  const std::string most = Get(rules_, "partial_subjects");
  if (IsProcessor() && !most.empty() && in_.subjects > std::stoul(most)) {
    return Reason::kRecipientNotGranted;
  }
  if (!Terms()) return Reason::kTokenTerms;
  const Names needs = List(rule_["needs"]);
  for (const std::string& need : needs) {
    if (const Reason reason = Need(need); reason != Reason::kOk) return reason;
  }
  const YAML::Node matters = rule_["matter"];
  if (matters && !matters.IsSequence()) {
    if (const Reason reason = Matter(matters); reason != Reason::kOk) return reason;
  } else if (matters) {
    for (const auto& one : matters) {
      if (const Reason reason = Matter(one); reason != Reason::kOk) return reason;
    }
  }
  if (Combined()) return Reason::kFieldCombination;
  const uint32_t approvals = Has(needs, "two_approvers") ? 2 : Has(needs, "approver") ? 1 : 0;
  return in_.approvals >= approvals ? Reason::kOk : Reason::kApprovalMissing;
}

bool Trial::Own() const {
  if (in_.recipient->registered_by_person == Issuer()) return true;
  for (const std::string& person : in_.recipient->changed_by_persons) {
    if (person == Issuer()) return true;
  }
  for (const std::string& need : List(rule_["needs"])) {
    bool own = false;
    bool others = false;
    for (const RecipientAttestation& a : in_.recipient->attestations) {
      if (AttestationKindName(a.kind) != KindOf(need) || !InForce(a) || !Covers(a)) continue;
      (a.recorded_by_person == Issuer() ? own : others) = true;
    }
    if (own && !others) return true;
  }
  return false;
}

Reason Trial::Usual() const {
  Asked asked;
  asked.input = &in_.issuer;
  asked.verb = "export";
  asked.type = asked_.type;
  asked.fields = asked_.fields;
  return Decide(text_, asked, facts_).reason;
}

bool Trial::Admitted() const {
  const Recipient& to = *in_.recipient;
  const std::string kind = Get(rule_, "kind");
  if (to.category.empty() || (kind != "any" && kind != to.category)) return false;
  if (IsProcessor() && Get(rules_, "processors", "forbidden") == "forbidden") return false;
  Names countries = List(rule_["countries"]);
  if (countries.empty() && rules_.IsMap()) countries = List(rules_["home"]);
  if (!countries.empty() && !Has(countries, to.country)) return false;
  if (to.category != "controller") return true;
  return !to.controller.empty() && (facts_ == nullptr || facts_->controller == to.controller);
}

bool Trial::PurposeGiven() const {
  const Names named = List(rule_["purposes"]);
  return Has(named, purpose_) || named == Names{"consented"};
}

bool Trial::FieldGiven(const std::string& field) const {
  const YAML::Node given = rule_["fields"];
  const std::string category = in_.recipient->category;
  if (category == "payment_processor") return false;
  if (given.IsSequence() && !NamedBy(List(given), field)) return false;
  if (given.IsScalar() && given.Scalar() == "requested_items" && !Has(asked_.requested, field)) {
    return false;
  }
  if (!rules_.IsMap()) return true;
  const Names part = List(rules_["partial_fields"]);
  if (IsProcessor() && Get(rules_, "processors") == "partial" && !part.empty() &&
      !NamedBy(part, field)) {
    return false;
  }
  for (const auto& never : rules_["never"]) {
    const Names kinds = List(never["kinds"]);
    if (NamedBy(List(never["fields"]), field) && (Has(kinds, category) || Has(kinds, "any"))) {
      return false;
    }
  }
  return true;
}

bool Trial::Terms() const {
  absl::Duration most = absl::Hours(24);
  const std::string lifetime = Get(rule_, "lifetime");
  if (!lifetime.empty()) absl::ParseDuration(lifetime, &most);
  const bool once = Get(rule_, "single_use") == "true";
  return in_.lifetime >= absl::ZeroDuration() && in_.lifetime <= most && in_.uses > 0 &&
         (!once || in_.uses == 1);
}

Reason Trial::Need(const std::string& need) const {
  if (need == "approver" || need == "two_approvers") return Reason::kOk;
  if (need == "item_list") {
    return asked_.requested.empty() ? Reason::kAssertionMissing : Reason::kOk;
  }
  if (need == "notice_to_all_users") {
    return in_.users_notified ? Reason::kOk : Reason::kUsersNotNotified;
  }
  if (!KindOf(need).empty()) return Signed(need);
  if (need == "consent_for_this_case" || need == "permission_for_this_partner") {
    return Consented(need) ? Reason::kOk : Reason::kConsentMissing;
  }
  bool there = false;
  bool good = false;
  for (const Argument& assertion : in_.assertions) {
    if (assertion.name != need) continue;
    there = true;
    const bool document = need == "deed" || need == "document_hash";
    if (document ? IsHash(assertion.value) : IsReference(assertion.value)) good = true;
  }
  return good ? Reason::kOk : there ? Reason::kAssertionInvalid : Reason::kAssertionMissing;
}

bool Trial::InForce(const RecipientAttestation& a) const {
  if (now_ < a.signed_at || now_ > a.valid_until || now_ >= a.revoked_at) return false;
  const std::string interval = Get(policy_["governance"], "supervision_interval");
  if (a.kind != AttestationKind::kSupervision || interval.empty()) return true;
  // Of months here.
  const absl::TimeZone::CivilInfo at = text_.zone.At(a.signed_at);
  absl::CivilSecond end(at.cs.year(), at.cs.month() + std::stoi(interval), at.cs.day(),
                        at.cs.hour(), at.cs.minute(), at.cs.second());
  return now_ < absl::FromCivil(end, text_.zone) + at.subsecond;
}

bool Trial::Covers(const RecipientAttestation& a) const {
  const bool contract = a.kind == AttestationKind::kContract;
  if (!contract && a.kind != AttestationKind::kPartnerNda) return true;
  if (!a.purposes.empty() && !Has(a.purposes, purpose_)) return false;
  const std::string word = rule_["fields"].IsScalar() ? rule_["fields"].Scalar() : "";
  const bool says = word == (contract ? "contract_subset" : "by_option_service");
  if (a.fields.empty()) return !says || asked_.fields.empty();
  for (const std::string& field : asked_.fields) {
    if (!NamedBy(a.fields, field)) return false;
  }
  return true;
}

Reason Trial::Signed(const std::string& need) const {
  const RecipientAttestation* last = nullptr;
  bool in_force = false;
  for (const RecipientAttestation& a : in_.recipient->attestations) {
    if (AttestationKindName(a.kind) != KindOf(need) || a.signed_at > now_) continue;
    if (InForce(a) && Covers(a)) return Reason::kOk;
    if (InForce(a)) in_force = true;
    if (!InForce(a) && (last == nullptr || a.signed_at >= last->signed_at)) last = &a;
  }
  if (in_force) return Reason::kRecipientNotGranted;
  const bool nda = need == "valid_nda";
  if (last == nullptr) return nda ? Reason::kNdaMissing : Reason::kAgreementMissing;
  if (last->revoked_at <= now_) return nda ? Reason::kNdaRevoked : Reason::kAgreementRevoked;
  return nda ? Reason::kNdaExpired : Reason::kAgreementExpired;
}

bool Trial::Consented(const std::string& need) const {
  if (facts_ == nullptr) return true;
  for (const ConsentFact& fact : facts_->consents) {
    const Consent* spec = text_.FindConsent(std::string(fact.id));
    if (spec == nullptr || !Has(spec->events, "third_party")) continue;
    if (fact.recipient != in_.recipient->name) continue;
    const bool any_purpose = need == "permission_for_this_partner" && fact.purpose.empty();
    if (!any_purpose && fact.purpose != purpose_) continue;
    if (!(fact.given < in_.issued_at) || fact.given > now_ || now_ >= fact.withdrawn) continue;
    bool all = true;
    for (const std::string& field : asked_.fields) {
      const Names named(fact.fields.begin(), fact.fields.end());
      if (!NamedBy(named, field)) all = false;
      if (!spec->fields.empty() && !Has(spec->fields, field)) all = false;
    }
    if (all) return true;
  }
  return false;
}

Reason Trial::Matter(const YAML::Node& node) const {
  const std::string kind = node.IsScalar() ? node.Scalar() : node["kind"].Scalar();
  const MatterKind& spec = text_.matters.at(kind);
  Names states = node.IsMap() ? List(node["state"]) : Names();
  if (states.empty()) states = {spec.states.front()};
  std::string id;
  for (const Argument& argument : in_.issuer.arguments) {
    if (argument.name == kind && id.empty()) id = std::string(argument.value);
  }
  if (id.empty()) return Reason::kArgumentMissing;
  bool fits = facts_ == nullptr && spec.about != "tenant";
  std::vector<MatterFact> known(in_.issuer.matters.begin(), in_.issuer.matters.end());
  if (spec.about == "subject") {
    known.clear();
    if (facts_ != nullptr) known.assign(facts_->matters.begin(), facts_->matters.end());
  }
  for (const MatterFact& fact : known) {
    if (fact.kind != kind || fact.id != id || now_ > fact.not_after) continue;
    if (!Has(states, std::string(fact.state))) continue;
    const Names purposes(fact.purposes.begin(), fact.purposes.end());
    if (!purposes.empty() && !Has(purposes, purpose_)) continue;
    const bool whose = spec.about != "controller" || (facts_ != nullptr && !fact.party.empty() &&
                                                      fact.party == facts_->controller);
    if (whose) fits = true;
  }
  if (!fits) return Reason::kMatterUnknown;
  if (Get(node, "own") != "true") return Reason::kOk;
  for (const RecipientMatter& own : in_.recipient->matters) {
    if (own.kind == kind && own.id == id) return Reason::kOk;
  }
  return Reason::kRecipientNotGranted;
}

bool Trial::Combined() const {
  if (!rules_.IsMap()) return false;
  for (const auto& rule : rules_["combinations"]) {
    const Names kinds = List(rule["kinds"]);
    const bool bound = kinds.empty() || Has(kinds, "any") || Has(kinds, in_.recipient->category);
    const Names fields = List(rule["fields"]);
    std::set<std::string> together;
    bool asked = false;
    for (const std::string& field : asked_.fields) asked = asked || NamedBy(fields, field);
    for (const Names* list : {&asked_.held, &asked_.all_fields}) {
      if (list == &asked_.held && facts_ == nullptr) continue;
      for (const std::string& field : *list) {
        if (NamedBy(fields, field)) together.insert(field);
      }
    }
    if (bound && asked && together.size() > rule["at_most"].as<size_t>()) return true;
  }
  return false;
}

}  // namespace

Reason DecideShare(const Text& text, const YAML::Node& policy, const AskedShare& asked,
                   const SubjectFacts* facts) {
  return Trial(text, policy, asked, facts).Run();
}

}  // namespace piivault::authz::naive
