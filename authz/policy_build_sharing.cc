// Recipients, and what may never reach them.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

// Kinds that never get a value: the only outside parties that `processors: forbidden` admits as
// payment companies do not see what the vault holds.
bool MustBeEmpty(const std::string& kind) { return kind == "payment_processor"; }

bool IsCountry(const std::string& text) {
  return text.size() == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
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
  RecipientSpec recipient;
  reader.Require("id");
  recipient.id = reader.Identifier("id");
  if (!recipient.id.empty()) Claim("recipient", recipient.id, reader.PlaceOf("id"));
  recipient.labels = reader.LabelsOf("label");
  recipient.origin = reader.ReadOrigin();
  reader.Require("kind");
  recipient.kind = reader.Word("kind", vocabulary::kRecipientKinds);
  reader.Require("fields");
  recipient.fields = SelectOrWord(reader, "fields");
  const YamlNode* purposes = reader.Require("purposes");
  if (purposes != nullptr && purposes->is_scalar() && purposes->scalar == "consented") {
    recipient.consented_purposes = true;
  } else {
    recipient.purposes = SelectPurposes(reader, "purposes");
  }
  reader.Require("basis");
  recipient.basis = reader.Word("basis", vocabulary::kBases);
  recipient.needs = reader.WordList("needs", vocabulary::kRecipientNeeds);
  recipient.single_use = reader.Bool("single_use");
  recipient.revocable = reader.Bool("revocable");
  recipient.country = reader.String("country");
  recipient.notice_lead = reader.Duration("notice_lead");
  reader.Finish();
  if (!recipient.country.empty() && !IsCountry(recipient.country)) {
    diagnostics_->Error(reader.PlaceOf("country"), "two capital letters are needed", "country: JP");
  }
  for (FieldId id : recipient.fields.fields) {
    const FieldSpec& field = policy_->field(id);
    if (!field.comm_secret && !field.read_never) continue;
    diagnostics_->Error(reader.PlaceOf("fields"),
                        absl::StrCat("'", field.full_name, "' never leaves to a recipient"));
  }
  if (MustBeEmpty(recipient.kind) && !recipient.fields.empty()) {
    diagnostics_->Error(reader.PlaceOf("fields"), "a payment processor gets nothing from the vault",
                        "fields: []");
  }
  if (!recipient.fields.empty() && recipient.purposes.empty() && !recipient.consented_purposes) {
    diagnostics_->Error(reader.PlaceOf("purposes"), "fields without a purpose");
  }
  policy_->recipients_.push_back(std::move(recipient));
  recipient_places_.push_back(node.place);
}

void PolicyBuilder::ReadRecipientRules(MapReader& root) {
  const YamlNode* node = root.Get("recipient_rules");
  if (node == nullptr) return;
  MapReader reader(*node, "recipient_rules", diagnostics_);
  RecipientRules& rules = policy_->recipient_rules_;
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
  if (const YamlNode* never = reader.Get("never"); never != nullptr) {
    for (const YamlNode& item : never->items) {
      MapReader inner(item, "never", diagnostics_);
      NeverShareSpec spec;
      spec.origin = inner.ReadOrigin();
      spec.fields = SelectIds(inner, "fields");
      spec.kinds = inner.WordList("kinds", vocabulary::kRecipientKinds);
      inner.Finish();
      if (spec.fields.empty() || spec.kinds.empty()) {
        diagnostics_->Error(item.place, "'never' needs fields and kinds");
      }
      rules.never.push_back(std::move(spec));
    }
    if (!never->is_sequence()) diagnostics_->Error(never->place, "'never': a list is needed");
  }
  if (const YamlNode* exceptions = reader.Get("exceptions"); exceptions != nullptr) {
    for (const YamlNode& item : exceptions->items) {
      MapReader inner(item, "exception", diagnostics_);
      ExceptionSpec spec;
      spec.origin = inner.ReadOrigin();
      inner.Require("basis");
      spec.basis = inner.Word("basis", vocabulary::kBases);
      spec.needs = inner.WordList("needs", vocabulary::kRecipientNeeds);
      spec.consent_needed = inner.Bool("consent_needed", true);
      inner.Finish();
      rules.exceptions.push_back(std::move(spec));
    }
    if (!exceptions->is_sequence()) {
      diagnostics_->Error(exceptions->place, "'exceptions': a list is needed");
    }
  }
  reader.Finish();
}

void PolicyBuilder::CheckRecipients() {
  const RecipientRules& rules = policy_->recipient_rules_;
  const bool forbidden = rules.processors == Processors::kForbidden;
  for (size_t i = 0; i < policy_->recipients_.size(); ++i) {
    const RecipientSpec& recipient = policy_->recipients_[i];
    const bool processor = recipient.kind == "processor" || recipient.basis == "entrustment";
    if (forbidden && processor) {
      diagnostics_->Error(recipient_places_[i],
                          absl::StrCat("recipient '", recipient.id,
                                       "' is a processor, and processors are forbidden"),
                          "recipient_rules: {processors: ...}");
    }
    for (const NeverShareSpec& never : rules.never) {
      if (std::find(never.kinds.begin(), never.kinds.end(), recipient.kind) == never.kinds.end()) {
        continue;
      }
      for (FieldId id : recipient.fields.fields) {
        if (std::find(never.fields.begin(), never.fields.end(), id) == never.fields.end()) continue;
        diagnostics_->Error(recipient_places_[i],
                            absl::StrCat("recipient '", recipient.id, "' may never have '",
                                         policy_->field(id).full_name, "'"));
      }
    }
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

}  // namespace piivault::authz
