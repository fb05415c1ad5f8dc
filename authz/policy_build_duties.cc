// Retention, destruction and the rights of the people whose data it is.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/retention.h"
#include "authz/vocabulary.h"

namespace piivault::authz {

void PolicyBuilder::ReadRetention(MapReader& root) {
  const YamlNode* node = root.Get("retention");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'retention': a list is needed", "retention: []");
    return;
  }
  for (const YamlNode& item : node->items) ReadRetentionRule(item);
}

void PolicyBuilder::ReadRetentionRule(const YamlNode& node) {
  MapReader reader(node, "retention rule", diagnostics_);
  if (!node.is_map()) return;
  RetentionSpec rule;
  reader.Require("id");
  rule.id = reader.Identifier("id");
  if (!rule.id.empty()) Claim("retention", rule.id, reader.PlaceOf("id"));
  rule.origin = reader.ReadOrigin();
  reader.Require("fields");
  rule.fields = SelectIds(reader, "fields");
  std::sort(rule.fields.begin(), rule.fields.end());
  const YamlNode* trigger = reader.Require("trigger");
  if (trigger != nullptr && trigger->is_map()) {
    MapReader inner(*trigger, "trigger", diagnostics_);
    rule.triggers = inner.WordList("all", vocabulary::kTriggers);
    rule.all_triggers = !rule.triggers.empty();
    const std::vector<std::string> any = inner.WordList("any", vocabulary::kTriggers);
    if (rule.all_triggers && !any.empty()) {
      diagnostics_->Error(trigger->place, "either 'all' or 'any'");
    }
    if (!rule.all_triggers) rule.triggers = any;
    inner.Finish();
  } else if (trigger != nullptr) {
    rule.triggers = reader.WordList("trigger", vocabulary::kTriggers);
  }
  if (trigger != nullptr && rule.triggers.empty()) {
    diagnostics_->Error(trigger->place, "a retention rule needs a trigger");
  }
  const YamlNode* keep = reader.Require("keep");
  if (keep != nullptr && keep->is_scalar() && !keep->scalar.empty() &&
      (keep->scalar[0] < '0' || keep->scalar[0] > '9')) {
    rule.keep = reader.Word("keep", vocabulary::kKeepWords);
  } else {
    rule.keep = reader.Duration("keep");
  }
  rule.hold = ReadLaw(reader, "hold");
  for (const FieldId id : rule.fields) {
    // What it held before is nobody's to see, and is not kept.
    if (rule.hold.empty() || !policy_->field(id).one_way) continue;
    diagnostics_->Error(reader.PlaceOf("hold"),
                        absl::StrCat("'", policy_->field(id).full_name,
                                     "' is stored one way: no law keeps a credential"),
                        "name the other fields");
  }
  reader.Require("then");
  rule.then = reader.Word("then", vocabulary::kThen);
  rule.approval = ReadDestructionApproval(reader);
  rule.when = reader.Word("if", vocabulary::kRetentionWhen);
  if (!rule.when.empty()) CheckDisputes(reader);
  rule.needs = reader.WordList("needs", vocabulary::kRetentionNeeds);
  rule.readable_for = SelectPurposes(reader, "readable_for");
  reader.Finish();
  policy_->retention_.push_back(std::move(rule));
}

void PolicyBuilder::ReadRetentionRules(MapReader& root) {
  const YamlNode* node = root.Get("retention_rules");
  if (node == nullptr) return;
  MapReader reader(*node, "retention_rules", diagnostics_);
  RetentionRules& rules = policy_->retention_rules_;
  rules.origin = reader.ReadOrigin();
  rules.combine = reader.Word("combine", vocabulary::kCombine);
  rules.separate = reader.Bool("separate");
  rules.open_purposes = SelectPurposes(reader, "open_purposes");
  rules.destruction_steps = reader.WordList("steps", vocabulary::kDestructionSteps);
  rules.destruction_approval = ReadDestructionApproval(reader);
  rules.print_exports = reader.Word("print_exports", vocabulary::kPrintExports);
  reader.Finish();
}

std::string PolicyBuilder::ReadLaw(MapReader& reader, std::string_view key) {
  const std::string law = reader.Identifier(key);
  const std::vector<std::string>& laws = policy_->header_.laws;
  if (law.empty() || std::find(laws.begin(), laws.end(), law) != laws.end()) return law;
  const std::string hint = DidYouMean(law, {laws.begin(), laws.end()});
  diagnostics_->Error(reader.PlaceOf(key), absl::StrCat("'", law, "' is none of the policy's laws"),
                      hint.empty() ? absl::StrCat("laws: [", law, "]") : hint);
  return law;
}

// Who could not approve would keep everything for ever.
std::string PolicyBuilder::ReadDestructionApproval(MapReader& reader) {
  std::string approval = RoleOr(reader, "approval", {"none"});
  const RoleSpec* role = policy_->FindRole(approval);
  if (role == nullptr) return approval;
  const std::vector<GrantSpec>& grants = policy_->grants_;
  const bool may = std::any_of(grants.begin(), grants.end(), [&](const GrantSpec& grant) {
    return grant.role == role->id && std::find(grant.may.begin(), grant.may.end(),
                                               Verb::kApproveDestruction) != grant.may.end();
  });
  if (!may) {
    diagnostics_->Error(reader.PlaceOf("approval"),
                        absl::StrCat("'", approval, "' may not approve destructions"),
                        "a grant of approve_destruction");
  }
  return approval;
}

void PolicyBuilder::CheckDisputes(MapReader& reader) {
  const auto disputed = [](const MatterSpec& matter) {
    return matter.about == MatterAbout::kSubject &&
           std::any_of(matter.types.begin(), matter.types.end(),
                       [](const std::string& type) { return IsDisputed(type); });
  };
  const std::vector<MatterSpec>& matters = policy_->matters_;
  if (std::any_of(matters.begin(), matters.end(), disputed)) return;
  diagnostics_->Error(reader.PlaceOf("if"), "no matter of persons is a complaint or a dispute",
                      "matters: {consultation: {types: [inquiry, complaint, dispute]}}");
}

void PolicyBuilder::ReadRights(MapReader& root) {
  const YamlNode* node = root.Get("rights");
  if (node == nullptr) return;
  if (!node->is_sequence()) {
    diagnostics_->Error(node->place, "'rights': a list is needed", "rights: []");
    return;
  }
  for (const YamlNode& item : node->items) ReadRight(item);
}

void PolicyBuilder::ReadRight(const YamlNode& node) {
  MapReader reader(node, "right", diagnostics_);
  if (!node.is_map()) return;
  RightSpec right;
  reader.Require("id");
  right.id = reader.Identifier("id");
  if (!right.id.empty()) Claim("right", right.id, reader.PlaceOf("id"));
  right.origin = reader.ReadOrigin();
  std::vector<std::string_view> who(vocabulary::kRightWho.begin(), vocabulary::kRightWho.end());
  for (const RoleSpec& role : policy_->roles_) who.push_back(role.name);
  reader.Require("who");
  right.who = reader.WordList("who", who);
  reader.Require("kind");
  right.kinds = reader.WordList("kind", vocabulary::kRightKinds);
  right.fields = SelectIds(reader, "fields");
  right.when = reader.Word("when", vocabulary::kWhen);
  right.until_destruction = reader.Bool("until_destruction");
  right.effect = reader.Word("effect", vocabulary::kEffects);
  right.identity = reader.Word("identity", vocabulary::kIdentity);
  right.channels = reader.WordList("channel", vocabulary::kRightChannels);
  right.evidence = reader.WordList("evidence", vocabulary::kEvidence);
  if (const YamlNode* fee = reader.Get("fee"); fee != nullptr && fee->is_map()) {
    MapReader inner(*fee, "fee", diagnostics_);
    inner.Require("model");
    right.fee.model = inner.Word("model", vocabulary::kFeeModels);
    right.fee.amount_jpy = inner.Int("amount_jpy", 0, 10000000, 0);
    right.fee.free_per_calendar_month =
        static_cast<uint32_t>(inner.Int("free_per_calendar_month", 0, 1000, 0));
    right.fee.method = inner.Word("method", vocabulary::kFeeMethods);
    inner.Finish();
  } else if (fee != nullptr) {
    right.fee.model = reader.Word("fee", vocabulary::kFeeModels);
  }
  ReadCorrection(right, reader);
  right.self_setting = reader.WordList("self_setting", vocabulary::kSelfSetting);
  right.essential = reader.Word("essential", vocabulary::kEssential);
  right.refusal = reader.WordList("refusal", vocabulary::kRefusals);
  right.refusal_closed = reader.Bool("refusal_closed");
  right.answer = reader.Word("answer", vocabulary::kAnswers);
  right.refer_to = reader.Identifier("refer_to");
  if (!right.refer_to.empty() && policy_->FindRecipient(right.refer_to) == nullptr) {
    diagnostics_->Error(reader.PlaceOf("refer_to"), "no such recipient");
  }
  right.exceptions = reader.IdentifierList("exceptions", true);
  reader.Finish();
  DateFields(right);
  policy_->rights_.push_back(std::move(right));
}

// Whether a correction was made is seen by when the value came.
void PolicyBuilder::DateFields(const RightSpec& right) {
  const bool corrects =
      std::any_of(right.kinds.begin(), right.kinds.end(),
                  [](const std::string& kind) { return kind == "correct" || kind == "change"; });
  if (!corrects) return;
  for (FieldSpec& field : policy_->fields_) {
    if (right.fields.empty() ||
        std::find(right.fields.begin(), right.fields.end(), field.id) != right.fields.end()) {
      field.dated = true;
    }
  }
}

void PolicyBuilder::ReadCorrection(RightSpec& right, MapReader& reader) {
  right.correction = reader.Word("mode", vocabulary::kCorrection);
  right.freeze = reader.WordList("freeze", vocabulary::kFreeze);
  if ((right.correction == "freeze") == right.freeze.empty()) {
    diagnostics_->Error(reader.place(), "'mode: freeze' and 'freeze: [...]' go together");
  }
  right.notify_past_recipients = reader.Word("notify_past_recipients", vocabulary::kEffects);
  right.track_until_acknowledged = reader.Bool("track_until_acknowledged");
  right.grounds = reader.WordList("grounds", vocabulary::kGrounds);
  right.steps = reader.WordList("steps", vocabulary::kSteps);
}

}  // namespace piivault::authz
