// Test cases: to whom a made-up disclosure goes. What a case does not say of the recipient is as
// the sharing rule needs it.

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/policy_cases.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kSomebody = "persons/other";
constexpr std::string_view kSelf = "self";
constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kSinceIssue = absl::Minutes(5);
constexpr auto kStates =
    std::to_array<std::string_view>({"valid", "missing", "expired", "revoked", "not_yet"});
constexpr auto kAgreementKinds = std::to_array<std::string_view>(
    {"contract", "supervision", "partner_nda", "membership"});  // As vocabulary::kAgreementNeeds.
static_assert(kAgreementKinds.size() == vocabulary::kAgreementNeeds.size());

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

void SetState(std::string_view state, absl::Time now, RecipientAttestation* agreement) {
  if (state == "expired") agreement->valid_until = now - absl::Seconds(1);
  if (state == "revoked") agreement->revoked_at = now - absl::Seconds(1);
  if (state == "not_yet") agreement->signed_at = now + absl::Seconds(1);
}

std::string Country(const RecipientSpec& rule, const RecipientRules& rules) {
  if (!rule.countries.empty()) return rule.countries.front();
  return rules.home.empty() ? "JP" : rules.home.front();
}

}  // namespace

std::vector<std::string> PolicyBuilder::ReadCaseFields(MapReader& reader, std::string_view key,
                                                       const std::vector<std::string>& fallback) {
  if (reader.Get(key) == nullptr) return fallback;
  std::vector<std::string> fields;
  for (const YamlNode* node : reader.Scalars(key)) {
    for (const SelectedField& s : Select(*node)) {
      fields.push_back(policy_->field(s.field).full_name);
    }
  }
  return fields;
}

void PolicyBuilder::ReadCaseShare(PolicyCase& c, MapReader& reader) {
  const YamlNode* node = reader.Get("to");
  if (node == nullptr) return;
  MapReader to(*node, "to", diagnostics_);
  if (!node->is_map()) return;
  if (c.verb != Verb::kExport && c.verb != Verb::kRedeem) {
    diagnostics_->Error(node->place, "to somebody: that is 'export' or 'redeem'", "does: export");
  }
  CaseShare share;
  to.Require("rule");
  share.rule = to.String("rule");  // May be unknown on purpose.
  static const RecipientSpec kNoRule;
  const RecipientSpec* found = policy_->FindRecipient(share.rule);
  const RecipientSpec& rule = found != nullptr ? *found : kNoRule;
  share.registered = to.Bool("registered", true);
  ReadCaseRecipient(c, rule, to, &share.recipient);
  share.held = ReadCaseFields(to, "held", {});
  share.requested = ReadCaseFields(to, "requested", c.fields);
  if (const YamlNode* asserted = to.Get("asserted"); asserted != nullptr) {
    if (!asserted->is_map()) {
      diagnostics_->Error(asserted->place, "'asserted': a map is needed", "asserted: {}");
    }
    for (const YamlNode::Entry& entry : asserted->entries) {
      share.assertions.emplace_back(entry.first.scalar, entry.second.scalar);
    }
  } else {
    for (const std::string& need : rule.needs) {
      const bool document = Contains(vocabulary::kDocumentAssertions, need);
      share.assertions.emplace_back(need, document ? std::string(64, 'a') : "CASE");
    }
  }
  share.approvals = static_cast<uint32_t>(to.Int("approvals", 0, 100, ApprovalsOf(rule)));
  share.subjects = static_cast<size_t>(to.Int("subjects", 1, 1'000'000'000, 1));
  share.uses = static_cast<uint32_t>(to.Int("uses", 0, 1'000'000, 1));
  share.lifetime = std::min(LifetimeOf(rule), kDefaultTokenLifetime);
  if (const std::string lifetime = to.Duration("lifetime"); !lifetime.empty()) {
    share.lifetime = FixedDuration(lifetime).value_or(absl::InfiniteDuration());
  }
  share.notified = to.Bool("notified", true);
  share.issued = c.verb == Verb::kRedeem ? c.now - kSinceIssue : c.now;
  if (const YamlNode* issued = to.Get("issued")) share.issued = ReadTime(*issued, false);
  to.Finish();
  c.share = std::move(share);
}

void PolicyBuilder::ReadCaseRecipient(const PolicyCase& c, const RecipientSpec& rule,
                                      MapReader& reader, Recipient* recipient) {
  const bool any = rule.kind == "any" || rule.kind.empty();
  recipient->category =
      reader.Word("kind", vocabulary::kRecipientKinds, any ? "third_party" : rule.kind);
  recipient->country = reader.String("country", Country(rule, policy_->recipient_rules_));
  const std::string id = reader.String("id", std::string(kCaseRecipient));
  recipient->name = absl::StrCat(c.tenant, "/recipients/", id);
  recipient->controller =
      reader.String("controller", recipient->category == "controller" ? c.controller : "");
  recipient->disabled = reader.Bool("disabled");
  const std::string by = reader.String("registered_by");
  recipient->registered_by_person = by == kSelf ? c.principal.person : std::string(kSomebody);
  ReadCaseAgreements(c, rule, reader, recipient);
  std::vector<std::string_view> kinds;
  for (const MatterSpec& spec : policy_->matters_) kinds.push_back(spec.name);
  ForEachItem(reader, "matters", "matter of its own", [&](MapReader& one) {
    one.Require("kind");
    const std::string kind = one.Word("kind", kinds);
    recipient->matters.push_back({kind, one.String("id", std::string(kCaseValue))});
  });
  if (reader.Get("matters") != nullptr) return;
  for (const auto& [name, value] : c.arguments) recipient->matters.push_back({name, value});
}

void PolicyBuilder::ReadCaseAgreements(const PolicyCase& c, const RecipientSpec& rule,
                                       MapReader& reader, Recipient* recipient) {
  std::optional<MapReader> attested;
  if (const YamlNode* node = reader.Get("attested"))
    attested.emplace(*node, "attested", diagnostics_);
  for (size_t i = 0; i < kAgreementKinds.size(); ++i) {
    const std::string kind(kAgreementKinds[i]);
    const YamlNode* node = attested.has_value() ? attested->Get(kAgreementKinds[i]) : nullptr;
    if (node == nullptr && !Contains(rule.needs, vocabulary::kAgreementNeeds[i])) continue;
    RecipientAttestation agreement;
    agreement.id = absl::StrCat("attestations/", kind);
    agreement.kind = *FindAttestationKind(kind);
    agreement.signed_at = c.now - 30 * kDay;
    agreement.valid_until = c.now + 365 * kDay;
    agreement.recorded_by_person = std::string(kSomebody);
    agreement.fields = c.fields;
    if (node != nullptr && node->is_scalar() && node->scalar == "missing") continue;
    if (node != nullptr) ReadCaseAgreement(*node, c.now, &agreement);
    if (agreement.recorded_by_person == kSelf) agreement.recorded_by_person = c.principal.person;
    recipient->attestations.push_back(std::move(agreement));
  }
  if (attested.has_value()) attested->Finish();
}

void PolicyBuilder::ReadCaseAgreement(const YamlNode& node, absl::Time now,
                                      RecipientAttestation* agreement) {
  if (node.is_scalar()) {
    SetState(ReadWord(node, kStates, "state", diagnostics_), now, agreement);
    return;
  }
  MapReader reader(node, "agreement", diagnostics_);
  if (const YamlNode* time = reader.Get("signed")) agreement->signed_at = ReadTime(*time, false);
  if (const YamlNode* time = reader.Get("until")) agreement->valid_until = ReadTime(*time, true);
  if (const YamlNode* time = reader.Get("revoked")) agreement->revoked_at = ReadTime(*time, false);
  agreement->fields = ReadCaseFields(reader, "fields", agreement->fields);
  for (PurposeId id : SelectPurposes(reader, "purposes")) {
    agreement->purposes.push_back(policy_->purposes_[id].name);
  }
  agreement->recorded_by_person = reader.String("recorded_by", agreement->recorded_by_person);
  reader.Finish();
}

}  // namespace piivault::authz
