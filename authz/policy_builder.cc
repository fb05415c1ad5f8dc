#include "authz/policy_builder.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "authz/compiled_policy.h"
#include "authz/policy_cases.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

void AppendLengthPrefixed(std::string* out, const std::string& text) {
  const uint64_t size = text.size();
  for (int shift = 56; shift >= 0; shift -= 8) {
    out->push_back(static_cast<char>((size >> shift) & 0xFF));
  }
  out->append(text);
}

std::string HashOf(const PolicyText& text) {
  std::string input("piivault policy v1\0", 19);
  AppendLengthPrefixed(&input, text.yaml);
  AppendLengthPrefixed(&input, text.values_yaml);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(input.data()), input.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

PolicyBuilder::PolicyBuilder(const PolicyText& text, Diagnostics* diagnostics)
    : policy_(new Policy), diagnostics_(diagnostics) {
  policy_->text_ = text;
}

std::shared_ptr<const Policy> PolicyBuilder::Build() {
  const YamlLimits limits{Policy::kMaxBytes, Policy::kMaxDepth, kMaxNodes};
  const PolicyText& text = policy_->text_;
  std::optional<YamlNode> tree = ParseYaml(text.yaml, &text.name, limits, diagnostics_);
  std::optional<YamlNode> values;
  if (!text.values_yaml.empty()) {
    values = ParseYaml(text.values_yaml, &text.values_name, limits, diagnostics_);
  }
  if (tree.has_value() && !tree->is_map()) {
    diagnostics_->Error(tree->place, "a policy is a map of keys and values");
    tree.reset();
  }
  if (tree.has_value()) {
    const YamlNode* id = tree->Find("policy");
    ApplyParams(*tree, values.has_value() ? &*values : nullptr,
                id != nullptr && id->is_scalar() ? id->scalar : std::string(), diagnostics_);
    ReadAll(*tree);
  }
  diagnostics_->Sort();
  if (diagnostics_->has_errors() || !tree.has_value()) return nullptr;
  policy_->hash_ = HashOf(text);
  policy_->hash_hex_ = absl::BytesToHexString(policy_->hash_);
  policy_->compiled_ = std::make_unique<const CompiledPolicy>(*policy_);
  return policy_;
}

void PolicyBuilder::ReadAll(const YamlNode& tree) {
  MapReader root(tree, "the policy", diagnostics_);
  root.Get("params");  // Read by ApplyParams.
  ReadHeader(root);
  ReadChannels(root);
  ReadTypes(root);
  ReadGroups(root);
  ReadEssential(root);
  ReadMatters(root);
  ReadPurposes(root);
  ReadAcknowledgement(root);
  ReadRoles(root);
  ReadProhibitions(root);
  ReadGrants(root);
  ReadRecipients(root);
  ReadRecipientRules(root);
  CheckRecipients();
  ReadConsent(root);
  CheckShareConsents();
  CheckPurposeConsents();
  ReadCollectionNotices(root);
  ReadAge(root);
  ReadRetention(root);
  ReadRetentionRules(root);
  ReadRights(root);
  ReadTransport(root);
  ReadNotices(root);
  ReadAudit(root);
  ReadPurposeRules(root);
  ReadPolicyChange(root);
  ReadCredentials(root);
  ReadHouse(root);
  ReadTokenKinds(root);
  ReadBudgets(root);
  ReadCases(root);
  root.Finish();
}

void PolicyBuilder::ReadHeader(MapReader& root) {
  HeaderSpec& header = policy_->header_;
  root.Require("policy");
  header.id = root.Identifier("policy");
  header.labels = root.LabelsOf("title");
  if (const YamlNode* node = root.Get("text"); node != nullptr) {
    MapReader reader(*node, "text", diagnostics_);
    header.text_version = reader.String("version");
    header.enacted = reader.String("enacted");
    header.revised = reader.String("revised");
    reader.Finish();
  }
  header.laws = root.IdentifierList("laws", true);
  ReadDocuments(root);
  header.timezone = root.String("timezone", "UTC");
  if (!absl::LoadTimeZone(header.timezone, &policy_->timezone_)) {
    diagnostics_->Error(root.PlaceOf("timezone"),
                        absl::StrCat("unknown time zone ", Quote(header.timezone)),
                        "for example Asia/Tokyo");
  }
}

void PolicyBuilder::ReadDocuments(MapReader& root) {
  HeaderSpec& header = policy_->header_;
  for (const std::string& name : root.IdentifierList("sources_missing", true)) {
    header.documents.push_back({name, "", ""});
  }
  const YamlNode* node = root.Get("documents");
  if (node != nullptr && !node->is_sequence()) {
    diagnostics_->Error(node->place, "'documents': a list is needed");
  } else if (node != nullptr) {
    for (const YamlNode& item : node->items) {
      MapReader reader(item, "document", diagnostics_);
      DocumentSpec document;
      reader.Require("name");
      document.name = reader.Identifier("name");
      document.sha256 = reader.String("sha256");
      document.waived_by = reader.String("waived_by");
      reader.Finish();
      if (!document.sha256.empty() && !IsSha256Hex(document.sha256)) {
        diagnostics_->Error(reader.PlaceOf("sha256"),
                            "64 lower-case hexadecimal digits are needed");
      }
      header.documents.push_back(std::move(document));
    }
  }
  const size_t missing = policy_->missing_documents();
  if (missing > 0) {
    diagnostics_->Warning(root.PlaceOf(node != nullptr ? "documents" : "sources_missing"),
                          absl::StrCat(missing, " binding documents are missing"),
                          "attach them under 'documents' with their sha256, or let somebody waive");
  }
}

bool PolicyBuilder::Claim(std::string_view space, const std::string& id, const Place& place) {
  auto [it, fresh] =
      claimed_.emplace(absl::StrCat(std::string(space), "/", absl::AsciiStrToLower(id)), id);
  if (fresh) return true;
  diagnostics_->Error(place, it->second == id ? absl::StrCat("'", id, "' is there already")
                                              : absl::StrCat("'", id, "' differs from '",
                                                             it->second, "' only in case"));
  return false;
}

std::vector<SelectedField> PolicyBuilder::Select(const YamlNode& node) {
  const std::string& text = node.scalar;
  std::vector<SelectedField> out;
  if (text == "*") {
    diagnostics_->Error(node.place, "a bare '*' is not allowed",
                        "name the types, for example reader.*, or a group");
    return out;
  }
  const size_t dot = text.find('.');
  if (dot == std::string::npos) {
    auto group = groups_.find(text);
    if (group != groups_.end()) {
      for (SelectedField selected : group->second) {
        selected.place = node.place;
        out.push_back(selected);
      }
      return out;
    }
    std::vector<std::string_view> names;
    for (const auto& [name, fields] : groups_) names.push_back(name);
    diagnostics_->Error(node.place, absl::StrCat("no such field group ", Quote(text)),
                        policy_->FindType(text) != kNoType
                            ? absl::StrCat("all fields of the type are '", text, ".*'")
                            : DidYouMean(text, names));
    return out;
  }
  const TypeId type = policy_->FindType(std::string_view(text).substr(0, dot));
  const std::string_view name = std::string_view(text).substr(dot + 1);
  if (type == kNoType) {
    std::vector<std::string_view> names;
    for (const TypeSpec& spec : policy_->types_) names.push_back(spec.name);
    diagnostics_->Error(node.place, absl::StrCat("no such record type in ", Quote(text)),
                        DidYouMean(std::string_view(text).substr(0, dot), names));
  } else if (name == "*") {
    for (FieldId id : policy_->types_[type].fields) out.push_back({id, false, node.place});
    if (out.empty()) diagnostics_->Error(node.place, absl::StrCat(Quote(text), " matches nothing"));
  } else if (const FieldId id = policy_->FindField(type, name); id != kNoField) {
    out.push_back({id, true, node.place});
  } else {
    std::vector<std::string_view> names;
    for (FieldId field : policy_->types_[type].fields) names.push_back(policy_->field(field).name);
    diagnostics_->Error(node.place, absl::StrCat("no such field ", Quote(text)),
                        DidYouMean(name, names));
  }
  return out;
}

std::vector<SelectedField> PolicyBuilder::SelectAll(MapReader& reader, std::string_view key) {
  std::vector<SelectedField> out;
  for (const YamlNode* node : reader.Scalars(key)) {
    for (const SelectedField& selected : Select(*node)) {
      auto same = std::find_if(out.begin(), out.end(), [&](const SelectedField& other) {
        return other.field == selected.field;
      });
      if (same == out.end()) {
        out.push_back(selected);
      } else {
        same->named = same->named || selected.named;
      }
    }
  }
  return out;
}

std::vector<FieldId> PolicyBuilder::SelectIds(MapReader& reader, std::string_view key) {
  std::vector<FieldId> out;
  for (const SelectedField& selected : SelectAll(reader, key)) out.push_back(selected.field);
  return out;
}

std::vector<PurposeId> PolicyBuilder::SelectPurposes(MapReader& reader, std::string_view key) {
  std::vector<PurposeId> out;
  for (const YamlNode* node : reader.Scalars(key)) {
    if (const PurposeSpec* purpose = policy_->FindPurpose(node->scalar); purpose != nullptr) {
      out.push_back(purpose->id);
      continue;
    }
    std::vector<std::string_view> names;
    for (const PurposeSpec& spec : policy_->purposes_) names.push_back(spec.name);
    diagnostics_->Error(node->place, absl::StrCat("no such purpose ", Quote(node->scalar)),
                        DidYouMean(node->scalar, names));
  }
  return out;
}

FieldSelection PolicyBuilder::SelectOrWord(MapReader& reader, std::string_view key) {
  FieldSelection selection;
  const YamlNode* node = reader.Get(key);
  if (node != nullptr && node->is_scalar() && node->scalar.find('.') == std::string::npos &&
      groups_.find(node->scalar) == groups_.end() && node->scalar != "*") {
    selection.word = ReadWord(*node, vocabulary::kFieldWords, "kind of selection", diagnostics_);
    return selection;
  }
  selection.fields = SelectIds(reader, key);
  return selection;
}

std::string PolicyBuilder::RoleOr(MapReader& reader, std::string_view key,
                                  const std::vector<std::string_view>& words) {
  const YamlNode* node = reader.Get(key);
  if (node == nullptr) return "";
  std::vector<std::string_view> names = words;
  for (const RoleSpec& role : policy_->roles_) names.push_back(role.name);
  return ReadWord(*node, names, key, diagnostics_);
}

}  // namespace piivault::authz
