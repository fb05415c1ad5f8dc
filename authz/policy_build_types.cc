// Record types, fields and groups of fields.

#include <re2/re2.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

constexpr size_t kMaxPattern = 512;
constexpr int64_t kMaxValueBytes = 1 << 20;
constexpr int64_t kMaxHistory = 1000;

}  // namespace

void PolicyBuilder::ReadChannels(MapReader& root) {
  policy_->channels_ = root.IdentifierList("channels");
}

// Channels of a type or field; `fallback` where it names none.
std::vector<std::string> PolicyBuilder::ReadOwnChannels(MapReader& reader,
                                                        std::vector<std::string> fallback) {
  const YamlNode* node = reader.Get("channels");
  if (node == nullptr) return fallback;
  if (node->is_sequence() && node->items.empty()) {
    diagnostics_->Error(node->place, "no channel at all", "retired: true, or name a channel");
  }
  const std::vector<std::string>& all = policy_->channels_;
  if (all.empty()) return reader.IdentifierList("channels");
  return reader.WordList("channels", std::vector<std::string_view>(all.begin(), all.end()));
}

// Earlier values that a type or field keeps; `fallback` where it does not say.
uint32_t PolicyBuilder::ReadHistory(MapReader& reader, uint32_t fallback) {
  const YamlNode* node = reader.Get("history");
  if (node == nullptr) return fallback;
  if (node->is_scalar() && node->scalar == "all") return kAllEarlierValues;
  if (node->is_scalar() && node->scalar == "none") return 0;
  return static_cast<uint32_t>(reader.Int("history", 1, kMaxHistory, 1));
}

void PolicyBuilder::ReadTypes(MapReader& root) {
  const YamlNode* node = root.Require("types");
  if (node == nullptr) return;
  if (!node->is_map() || node->entries.empty()) {
    diagnostics_->Error(node->place, "'types': a map from type to its fields is needed");
    return;
  }
  for (const YamlNode::Entry& entry : node->entries) ReadType(entry.first, entry.second);
}

void PolicyBuilder::ReadType(const YamlNode& key, const YamlNode& body) {
  if (!IsIdentifier(key.scalar)) {
    diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a type name"),
                        "ASCII letters, digits and '_', starting with a letter");
    return;
  }
  if (!Claim("type or group", key.scalar, key.place)) return;
  TypeSpec type;
  type.id = static_cast<TypeId>(policy_->types_.size());
  type.name = key.scalar;
  MapReader reader(body, absl::StrCat("type '", type.name, "'"), diagnostics_);
  type.labels = reader.LabelsOf("label");
  type.origin = reader.ReadOrigin();
  type.controller = reader.Word("controller", vocabulary::kControllers, "operator");
  type.channels = ReadOwnChannels(reader, {});
  type.history = ReadHistory(reader, 0);
  const YamlNode* fields = reader.Require("fields");
  reader.Finish();
  if (fields != nullptr && !fields->is_map()) {
    diagnostics_->Error(fields->place, "'fields': a map from field to what it holds is needed",
                        "email: email_address");
  } else if (fields != nullptr) {
    for (const YamlNode::Entry& entry : fields->entries) ReadField(type, entry.first, entry.second);
    if (type.fields.empty() && fields->entries.empty()) {
      diagnostics_->Error(fields->place, absl::StrCat("type '", type.name, "' has no fields"));
    }
  }
  policy_->IndexType(std::move(type));
}

void PolicyBuilder::ReadField(TypeSpec& type, const YamlNode& key, const YamlNode& body) {
  if (!IsIdentifier(key.scalar)) {
    diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a field name"),
                        "ASCII letters, digits and '_', starting with a letter");
    return;
  }
  FieldSpec field;
  field.name = key.scalar;
  field.full_name = absl::StrCat(type.name, ".", field.name);
  field.type = type.id;
  field.controller = type.controller;
  field.channels = type.channels;
  field.history = type.history;
  if (!Claim("field", field.full_name, key.place)) return;
  if (policy_->fields_.size() >= Policy::kMaxFields) {
    diagnostics_->Error(key.place, absl::StrCat("more than ", Policy::kMaxFields, " fields"));
    return;
  }
  std::vector<std::string_view> names;
  for (const SemanticTypeInfo& info : kSemanticTypes) names.push_back(info.name);
  std::string semantic;
  if (body.is_scalar()) {
    semantic = ReadWord(body, names, "semantic type", diagnostics_);
    if (semantic.empty()) return;
    field.semantic = *FindSemanticType(semantic);
    field.mask = GetSemanticType(field.semantic).masks[0];
    field.max_bytes = GetSemanticType(field.semantic).default_max_bytes;
  } else {
    MapReader reader(body, absl::StrCat("field '", field.full_name, "'"), diagnostics_);
    const YamlNode* node = reader.Require("type");
    if (node != nullptr) semantic = ReadWord(*node, names, "semantic type", diagnostics_);
    if (!semantic.empty()) field.semantic = *FindSemanticType(semantic);
    ReadFieldOptions(field, reader);
    reader.Finish();
    if (semantic.empty()) return;
  }
  CheckField(field, body.place);
  field.id = static_cast<FieldId>(policy_->fields_.size());
  type.fields.push_back(field.id);
  policy_->IndexField(std::move(field));
}

void PolicyBuilder::ReadFieldOptions(FieldSpec& field, MapReader& reader) {
  const SemanticTypeInfo& info = GetSemanticType(field.semantic);
  reader.LabelsOf("label");
  reader.ReadOrigin();
  field.max_bytes = static_cast<uint32_t>(
      reader.Int("max", 1, kMaxValueBytes, static_cast<int64_t>(info.default_max_bytes)));
  field.pattern = reader.String("pattern");
  if (!field.pattern.empty()) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(1 << 20);
    const RE2 pattern(field.pattern, options);
    if (field.pattern.size() > kMaxPattern || !pattern.ok()) {
      diagnostics_->Error(reader.PlaceOf("pattern"), "not a pattern in RE2 syntax");
    }
  }
  for (const YamlNode* node : reader.Scalars("choices")) field.choices.push_back(node->scalar);
  if (reader.Word("validation", vocabulary::kValidations) == "accept_and_flag") {
    field.validation = Validation::kAcceptAndFlag;
  }
  field.mask = info.masks[0];
  if (const YamlNode* node = reader.Get("mask"); node != nullptr) {
    const std::optional<Mask> mask = FindMask(node->scalar);
    if (!mask.has_value() || !info.AllowsMask(*mask)) {
      std::string allowed;
      for (Mask m : info.masks) {
        if (m != Mask::kNone) absl::StrAppend(&allowed, " ", std::string(MaskName(m)));
      }
      diagnostics_->Error(
          node->place, absl::StrCat("no such mask for ", std::string(info.name)),
          allowed.empty() ? "it cannot be masked" : absl::StrCat("one of:", allowed));
    } else {
      field.mask = *mask;
    }
  }
  field.required = reader.Bool("required");
  field.unique = reader.Bool("unique");
  const std::string index = reader.Word("index", vocabulary::kIndexKinds);
  field.index_domain = index == "domain";
  field.index = field.unique || index == "true" || index == "exact" || field.index_domain;
  field.comm_secret = reader.Word("class", vocabulary::kFieldClasses) == "comm_secret";
  field.one_way = reader.Word("store", vocabulary::kStores) == "one_way";
  field.read_never = reader.Word("read", vocabulary::kReads) == "never" || field.one_way;
  field.important = reader.Word("key_class", vocabulary::kKeyClasses) == "important";
  field.essential = reader.Bool("essential");
  field.controller = reader.Word("controller", vocabulary::kControllers, field.controller);
  field.channels = ReadOwnChannels(reader, std::move(field.channels));
  field.retired = reader.Bool("retired");
  if (field.retired && (field.required || field.unique)) {
    diagnostics_->Error(reader.PlaceOf("retired"),
                        "a field that takes no new values is neither required nor unique",
                        field.required ? "remove 'required'" : "index: true keeps it searchable");
  }
  ReadTokenOptions(field, reader);
  const bool hidden = field.read_never || field.one_way;
  // What a type keeps of its fields passes over those that nobody may read.
  field.history = ReadHistory(reader, hidden ? 0 : field.history);
  if (hidden && field.history != 0) {
    diagnostics_->Error(reader.PlaceOf("history"),
                        "of what nobody reads, no earlier values are kept", "remove 'history'");
  }
}

void PolicyBuilder::ReadTokenOptions(FieldSpec& field, MapReader& reader) {
  // What is never shown has no token to be shown by, unless the policy says so.
  const bool hidden = field.read_never || field.comm_secret;
  const std::string token =
      reader.Word("token", vocabulary::kTokenModes, hidden ? "none" : "random");
  field.token = token == "deterministic" ? TokenMode::kDeterministic
                : token == "none"        ? TokenMode::kNone
                                         : TokenMode::kRandom;
  field.audience = reader.Identifier("audience");
  if (!field.audience.empty() && field.token != TokenMode::kDeterministic) {
    diagnostics_->Error(reader.PlaceOf("audience"), "only deterministic tokens have an audience",
                        "token: deterministic");
  }
  if (field.read_never && field.token != TokenMode::kNone) {
    diagnostics_->Error(reader.PlaceOf("token"), "a field that is never read has no tokens");
  }
}

void PolicyBuilder::CheckField(const FieldSpec& field, const Place& place) {
  const SemanticTypeInfo& info = GetSemanticType(field.semantic);
  const std::string name(info.name);
  if (field.index && info.low_cardinality) {
    diagnostics_->Error(place, absl::StrCat(name,
                                            " has so few values that an index would reveal "
                                            "them: no index, not unique"));
  } else if (field.index && !info.indexable) {
    diagnostics_->Error(place, absl::StrCat(name, " cannot be indexed or unique"));
  }
  if (field.index && (field.comm_secret || field.read_never)) {
    diagnostics_->Error(place, "a field under secrecy or never read has no index");
  }
  if (field.index_domain && field.semantic != SemanticType::kEmailAddress) {
    diagnostics_->Error(place, "only e-mail addresses have an index over their domain");
  }
  if (field.token == TokenMode::kDeterministic && (info.low_cardinality || !info.indexable)) {
    diagnostics_->Error(place, absl::StrCat(name, " cannot have deterministic tokens"));
  }
  if (info.credential && !field.read_never) {
    diagnostics_->Error(place, absl::StrCat(name, " is a credential"), "add read: never");
  }
  if (field.one_way && !info.credential) {
    diagnostics_->Error(place, absl::StrCat(name, " cannot be stored one way"),
                        "only password_credential, submission_credential, login_cookie");
  }
  // A record is made before a credential can be set, and a hash is no earlier value.
  if (field.one_way && (field.required || field.history != 0)) {
    diagnostics_->Error(place, "what is stored one way is neither required nor has it a history");
  }
  if ((field.semantic == SemanticType::kChoice) == field.choices.empty()) {
    diagnostics_->Error(place, field.choices.empty() ? "'choices' is missing"
                                                     : "only fields of type choice have choices");
  }
}

void PolicyBuilder::ReadEssential(MapReader& root) {
  for (FieldId id : SelectIds(root, "essential")) policy_->fields_[id].essential = true;
}

void PolicyBuilder::ReadGroups(MapReader& root) {
  const YamlNode* node = root.Get("groups");
  if (node == nullptr) return;
  MapReader reader(*node, "groups", diagnostics_);
  if (!node->is_map()) return;
  for (const YamlNode::Entry& entry : node->entries) {
    const YamlNode& key = entry.first;
    if (!IsIdentifier(key.scalar)) {
      diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a group name"),
                          "ASCII letters, digits and '_', starting with a letter");
      continue;
    }
    std::vector<SelectedField> fields = SelectAll(reader, key.scalar);
    if (!Claim("type or group", key.scalar, key.place)) continue;
    if (fields.empty()) {
      diagnostics_->Error(key.place, absl::StrCat("group '", key.scalar, "' matches nothing"));
      continue;
    }
    GroupSpec group{key.scalar, {}};
    for (const SelectedField& selected : fields) group.fields.push_back(selected.field);
    policy_->groups_.push_back(std::move(group));
    groups_.emplace(key.scalar, std::move(fields));
  }
}

}  // namespace piivault::authz
