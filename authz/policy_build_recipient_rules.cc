// What holds for all sharing rules of a policy, and checks of each of them against it.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

bool IsCountry(const std::string& text) {
  return text.size() == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

template <typename List, typename T>
bool Contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

std::vector<std::string> PolicyBuilder::ReadCountries(MapReader& reader, std::string_view key) {
  std::vector<std::string> countries;
  for (const YamlNode* node : reader.Scalars(key)) {
    if (!IsCountry(node->scalar)) {
      diagnostics_->Error(node->place, "two capital letters are needed",
                          std::string(key) + ": [JP]");
      continue;
    }
    countries.push_back(node->scalar);
  }
  const YamlNode* node = reader.Get(key);
  if (node != nullptr && node->is_sequence() && node->items.empty()) {
    diagnostics_->Error(node->place, "no country is named", "name one, or remove the key");
  }
  return countries;
}

void PolicyBuilder::ReadRecipientRules(MapReader& root) {
  RecipientRules& rules = policy_->recipient_rules_;
  rules.keep = "3y";
  const YamlNode* node = root.Get("recipient_rules");
  if (node == nullptr) return;
  MapReader reader(*node, "recipient_rules", diagnostics_);
  rules.origin = reader.ReadOrigin();
  const std::string processors = reader.Word("processors", vocabulary::kProcessors, "forbidden");
  rules.processors = processors == "allowed"   ? Processors::kAllowed
                     : processors == "partial" ? Processors::kPartial
                                               : Processors::kForbidden;
  rules.partial_fields = SelectIds(reader, "partial_fields");
  rules.partial_subjects = static_cast<uint32_t>(reader.Int("partial_subjects", 1, 1000000000, 0));
  if (rules.processors == Processors::kPartial && rules.partial_fields.empty() &&
      rules.partial_subjects == 0) {
    diagnostics_->Error(reader.PlaceOf("processors"),
                        "partial: say the most that a processor may get",
                        "partial_fields: [...] or partial_subjects: N");
  }
  if (rules.processors != Processors::kPartial &&
      (!rules.partial_fields.empty() || rules.partial_subjects != 0)) {
    diagnostics_->Error(reader.PlaceOf("processors"), "a part is named, and nothing is partial",
                        "processors: partial");
  }
  ReadNeverShared(reader);
  ReadCombinations(reader);
  rules.bases = reader.WordList("bases", vocabulary::kBases);
  rules.home = ReadCountries(reader, "home");
  if (const std::string keep = reader.Duration("keep"); !keep.empty()) rules.keep = keep;
  reader.Finish();
}

void PolicyBuilder::ReadNeverShared(MapReader& reader) {
  ForEachItem(reader, "never", "never", [&](MapReader& item) {
    NeverShareSpec spec;
    spec.origin = item.ReadOrigin();
    spec.fields = SelectIds(item, "fields");
    spec.kinds = item.WordList("kinds", vocabulary::kRecipientKinds);
    if (spec.fields.empty() || spec.kinds.empty()) {
      diagnostics_->Error(item.place(), "'never' needs fields and kinds");
    }
    policy_->recipient_rules_.never.push_back(std::move(spec));
  });
}

void PolicyBuilder::ReadCombinations(MapReader& reader) {
  ForEachItem(reader, "combinations", "combination", [&](MapReader& item) {
    CombinationSpec spec;
    spec.origin = item.ReadOrigin();
    item.Require("fields");
    spec.fields = SelectIds(item, "fields");
    item.Require("at_most");
    spec.at_most = static_cast<uint32_t>(item.Int("at_most", 0, Policy::kMaxFields, 0));
    spec.kinds = item.WordList("kinds", vocabulary::kRecipientKinds);
    if (spec.fields.size() <= spec.at_most) {
      diagnostics_->Error(item.PlaceOf("at_most"), "it is as many as there are: nothing is limited",
                          "a smaller number");
    }
    policy_->recipient_rules_.combinations.push_back(std::move(spec));
  });
}

void PolicyBuilder::CheckRecipients() {
  const bool forbidden = policy_->recipient_rules_.processors == Processors::kForbidden;
  for (size_t i = 0; i < policy_->recipients_.size(); ++i) {
    CheckAgainstRules(policy_->recipients_[i], recipient_places_[i]);
  }
  if (!forbidden) return;
  for (const RoleSpec& role : policy_->roles_) {
    if (role.kind != RoleKind::kProcessor) continue;
    diagnostics_->Error(
        {&policy_->text_.name, role.origin.line, 1},
        absl::StrCat("role '", role.name, "' is for processors, and processors are forbidden"),
        "recipient_rules: {processors: ...}");
  }
}

void PolicyBuilder::CheckAgainstRules(const RecipientSpec& rule, const Place& place) {
  const RecipientRules& rules = policy_->recipient_rules_;
  const bool processor = rule.kind == "processor" || rule.basis == "entrustment";
  if (processor && rules.processors == Processors::kForbidden) {
    diagnostics_->Error(
        place,
        absl::StrCat("recipient '", rule.id, "' is a processor, and processors are forbidden"),
        "recipient_rules: {processors: ...}");
  }
  if (processor && rules.processors == Processors::kPartial && !rules.partial_fields.empty()) {
    for (FieldId id : rule.fields.fields) {
      if (Contains(rules.partial_fields, id)) continue;
      diagnostics_->Error(
          place,
          absl::StrCat("'", policy_->field(id).full_name, "' is more than a processor may have"),
          "recipient_rules: {partial_fields: [...]}");
    }
  }
  if (!rules.bases.empty() && !Contains(rules.bases, rule.basis)) {
    diagnostics_->Error(
        place,
        absl::StrCat("recipient '", rule.id, "': nothing is given on the basis '", rule.basis, "'"),
        "recipient_rules: {bases: [...]}");
  }
  for (const NeverShareSpec& never : rules.never) {
    if (!Contains(never.kinds, rule.kind) && !Contains(never.kinds, "any")) continue;
    for (FieldId id : rule.fields.fields) {
      if (!Contains(never.fields, id)) continue;
      diagnostics_->Error(place, absl::StrCat("recipient '", rule.id, "' may never have '",
                                              policy_->field(id).full_name, "'"));
    }
  }
}

// A consent to giving data away that no rule asks for is collected for nothing.
void PolicyBuilder::CheckShareConsents() {
  for (const RecipientSpec& rule : policy_->recipients_) {
    for (std::string_view need : vocabulary::kConsentNeeds) {
      if (Contains(rule.needs, need)) return;
    }
  }
  for (const ConsentSpec& consent : policy_->consent_) {
    if (!Contains(consent.event, "third_party")) continue;
    diagnostics_->Warning({&policy_->text_.name, consent.origin.line, 1},
                          absl::StrCat("consent '", consent.id, "': no sharing rule asks for it"),
                          "needs: [consent_for_this_case]");
  }
}

}  // namespace piivault::authz
