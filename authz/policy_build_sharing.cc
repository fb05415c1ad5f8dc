// Sharing rules: what recipients of a kind may have, and on which basis.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/share_decision.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

// Kinds that never get a value: the only outside parties that `processors: forbidden` admits as
// payment companies do not see what the vault holds.
bool MustBeEmpty(const std::string& kind) { return kind == "payment_processor"; }

bool Needs(const RecipientSpec& rule, std::string_view need) {
  return std::find(rule.needs.begin(), rule.needs.end(), need) != rule.needs.end();
}

// "60d", "2mo", …; not 0 of them.
bool IsOfDays(std::string_view duration) {
  return duration.find_first_of("123456789") != std::string_view::npos &&
         (duration.ends_with("d") || duration.ends_with("w") || duration.ends_with("mo") ||
          duration.ends_with("y"));
}

bool NeedsConsent(const RecipientSpec& rule) {
  return Needs(rule, "consent_for_this_case") || Needs(rule, "permission_for_this_partner");
}

}  // namespace

void PolicyBuilder::ReadRecipients(MapReader& root) {
  const YamlNode* node = root.Get("recipients");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'recipients': a list is needed", "recipients: []");
    return;
  }
  for (const YamlNode& item : node->items) ReadRecipient(item);
}

void PolicyBuilder::ReadRecipient(const YamlNode& node) {
  MapReader reader(node, "recipient", diagnostics_);
  if (!node.is_map()) return;
  RecipientSpec rule;
  reader.Require("id");
  rule.id = reader.Identifier("id");
  if (!rule.id.empty()) Claim("recipient", rule.id, reader.PlaceOf("id"));
  rule.labels = reader.LabelsOf("label");
  rule.origin = reader.ReadOrigin();
  reader.Require("kind");
  rule.kind = reader.Word("kind", vocabulary::kRecipientKinds);
  reader.Require("fields");
  rule.fields = SelectOrWord(reader, "fields");
  const YamlNode* purposes = reader.Require("purposes");
  if (purposes != nullptr && purposes->is_scalar() && purposes->scalar == "consented") {
    rule.consented_purposes = true;
  } else {
    rule.purposes = SelectPurposes(reader, "purposes");
  }
  reader.Require("basis");
  rule.basis = reader.Word("basis", vocabulary::kBases);
  rule.needs = reader.WordList("needs", vocabulary::kRecipientNeeds);
  ReadShareMatters(rule, reader);
  ReadShareTerms(rule, reader);
  reader.Finish();
  CheckSharedFields(rule, reader);
  CheckSharePurposes(rule, reader);
  CheckShareNeeds(rule, reader);
  policy_->recipients_.push_back(std::move(rule));
  recipient_places_.push_back(node.place);
}

void PolicyBuilder::ReadShareMatters(RecipientSpec& rule, MapReader& reader) {
  const YamlNode* node = reader.Get("matter");
  if (node == nullptr) return;
  if (node->is_sequence() && node->items.empty()) {
    diagnostics_->Error(node->place, "no matter is named", "name one, or remove the key");
  }
  const auto read = [&](const YamlNode& item) {
    ShareMatter matter;
    std::optional<MatterNeed> need = ReadMatterNeed(item, &matter.own);
    if (!need.has_value()) return;
    for (const ShareMatter& other : rule.matters) {
      if (other.need.matter != need->matter) continue;
      diagnostics_->Error(item.place, "this kind of matter stands here twice",
                          "state: [...] names several states");
      return;
    }
    matter.need = std::move(*need);
    rule.matters.push_back(std::move(matter));
  };
  if (!node->is_sequence()) {
    read(*node);
  } else {
    for (const YamlNode& item : node->items) read(item);
  }
}

void PolicyBuilder::ReadShareTerms(RecipientSpec& rule, MapReader& reader) {
  rule.single_use = reader.Bool("single_use");
  const std::string lifetime = reader.Duration("lifetime");
  if (!lifetime.empty()) {
    rule.lifetime = FixedDuration(lifetime).value_or(absl::ZeroDuration());
    if (rule.lifetime <= absl::ZeroDuration() || rule.lifetime > kMaxTokenLifetime) {
      diagnostics_->Error(reader.PlaceOf("lifetime"), "a token lives one second to 24 hours",
                          "lifetime: 15m");
    }
  }
  rule.countries = ReadCountries(reader, "countries");
  if (const YamlNode* notice = reader.Get("notice"); notice != nullptr) {
    std::vector<std::string_view> kinds;
    for (const MatterSpec& spec : policy_->matters_) kinds.push_back(spec.name);
    const MatterSpec* matter =
        policy_->FindMatter(ReadWord(*notice, kinds, "kind of matter", diagnostics_));
    if (matter != nullptr && matter->about != MatterAbout::kSubject) {
      diagnostics_->Error(notice->place, "people are told one by one: it has to be about a subject",
                          absl::StrCat(matter->name, ": {about: subject}"));
    }
    if (matter != nullptr) rule.notice = matter->id;
  }
  rule.notice_lead = reader.Duration("notice_lead");
  if (!rule.notice_lead.empty() && !IsOfDays(rule.notice_lead)) {
    diagnostics_->Error(reader.PlaceOf("notice_lead"), "people are told days or more beforehand",
                        "notice_lead: 2mo");
  }
}

void PolicyBuilder::CheckSharedFields(const RecipientSpec& rule, const MapReader& reader) {
  const Place place = reader.PlaceOf("fields");
  for (FieldId id : rule.fields.fields) {
    const FieldSpec& field = policy_->field(id);
    if (!field.comm_secret && !field.read_never) continue;
    diagnostics_->Error(place, absl::StrCat("'", field.full_name, "' never leaves to a recipient"));
  }
  if (MustBeEmpty(rule.kind) && !rule.fields.empty()) {
    diagnostics_->Error(place, "a payment processor gets nothing from the vault", "fields: []");
  }
  if (rule.single_use && rule.fields.empty()) {
    diagnostics_->Error(reader.PlaceOf("single_use"), "there is nothing to hand out even once",
                        "remove 'single_use'");
  }
  const std::string& word = rule.fields.word;
  const auto ask = [&](bool met, std::string_view hint) {
    if (met) return;
    diagnostics_->Error(place, absl::StrCat("'", word, "': nothing says which these are"),
                        std::string(hint));
  };
  if (word == "minimal") {
    ask(Needs(rule, "approver") || Needs(rule, "two_approvers"), "needs: [approver]");
  } else if (word == "contract_subset") {
    ask(Needs(rule, "contract"), "needs: [contract]");
  } else if (word == "by_option_service") {
    ask(Needs(rule, "valid_nda"), "needs: [valid_nda]");
  } else if (word == "consented_items" || word == "permitted_items") {
    ask(NeedsConsent(rule), "needs: [consent_for_this_case]");
  }
}

void PolicyBuilder::CheckSharePurposes(const RecipientSpec& rule, const MapReader& reader) {
  const Place place = reader.PlaceOf("purposes");
  if (!rule.fields.empty() && rule.purposes.empty() && !rule.consented_purposes) {
    diagnostics_->Error(place, "fields without a purpose");
  }
  if (rule.consented_purposes && !Needs(rule, "consent_for_this_case")) {
    diagnostics_->Error(place, "'consented': nothing says which purposes these are",
                        "needs: [consent_for_this_case]");
  }
  for (PurposeId id : rule.purposes) {
    const PurposeSpec& purpose = policy_->purposes()[id];
    if (purpose.output == PurposeOutput::kAny) continue;
    diagnostics_->Error(place, absl::StrCat("'", purpose.name, "' gives no plain values away"),
                        "output: any");
  }
}

void PolicyBuilder::CheckShareNeeds(const RecipientSpec& rule, const MapReader& reader) {
  if (rule.basis == "published_purpose") {
    diagnostics_->Warning(reader.PlaceOf("basis"),
                          "naming recipients in a purpose statement is not by itself consent",
                          "basis: prior_consent, entrustment, joint_use or opt_out");
  }
  const bool told = Needs(rule, "notice_to_all_users");
  if (told && (!rule.notice.has_value() || rule.notice_lead.empty())) {
    diagnostics_->Error(reader.PlaceOf("needs"), "'notice_to_all_users': of what, how long before?",
                        "notice: kind_of_matter and notice_lead: 2mo");
  }
  if (!told && (rule.notice.has_value() || !rule.notice_lead.empty())) {
    diagnostics_->Error(reader.PlaceOf(rule.notice.has_value() ? "notice" : "notice_lead"),
                        "nobody asks whether people were told", "needs: [notice_to_all_users]");
  }
}

}  // namespace piivault::authz
