// Matters and purposes: what a use is for, and what it rests on.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

MatterAbout AboutOf(const std::string& word) {
  if (word == "tenant") return MatterAbout::kTenant;
  if (word == "controller") return MatterAbout::kController;
  return MatterAbout::kSubject;
}

PurposeOutput OutputOf(const std::string& word) {
  if (word == "tokenized") return PurposeOutput::kTokenized;
  if (word == "aggregate_only") return PurposeOutput::kAggregateOnly;
  if (word == "pseudonym") return PurposeOutput::kPseudonym;
  return PurposeOutput::kAny;
}

}  // namespace

void PolicyBuilder::ReadMatters(MapReader& root) {
  const YamlNode* node = root.Get("matters");
  if (node == nullptr) return;
  MapReader all(*node, "matters", diagnostics_);
  if (!node->is_map()) return;
  for (const YamlNode::Entry& entry : node->entries) ReadMatter(entry.first, entry.second);
}

void PolicyBuilder::ReadMatter(const YamlNode& key, const YamlNode& body) {
  // The kind is the name of the argument that a call brings.
  if (!IsIdentifier(key.scalar) || key.scalar == "parent" || key.scalar == "ticket") {
    diagnostics_->Error(
        key.place, absl::StrCat(Quote(key.scalar), " is not a kind of matter"),
        "ASCII letters, digits and '_', starting with a letter; not parent, ticket");
    return;
  }
  if (!Claim("matter", key.scalar, key.place)) return;
  if (policy_->matters_.size() >= Policy::kMaxMatters) {
    diagnostics_->Error(key.place, absl::StrCat("more than ", Policy::kMaxMatters, " matters"));
    return;
  }
  MatterSpec matter;
  matter.id = static_cast<MatterId>(policy_->matters_.size());
  matter.name = key.scalar;
  MapReader reader(body, absl::StrCat("matter '", matter.name, "'"), diagnostics_);
  matter.labels = reader.LabelsOf("label");
  matter.origin = reader.ReadOrigin();
  matter.about = AboutOf(reader.Word("about", vocabulary::kMatterAbouts, "subject"));
  matter.states = {"open", "closed"};
  if (const YamlNode* states = reader.Get("states"); states != nullptr) {
    matter.states = reader.IdentifierList("states");
    if (states->is_sequence() && states->items.empty()) {
      diagnostics_->Error(states->place, "a matter has at least one state",
                          "states: [open, closed]");
    }
  }
  if (const YamlNode* types = reader.Get("types"); types != nullptr) {
    matter.types = reader.IdentifierList("types");
    if (types->is_sequence() && types->items.empty()) {
      diagnostics_->Error(types->place, "no type is named", "name one, or remove the key");
    }
  }
  reader.Finish();
  policy_->matters_.push_back(std::move(matter));
}

std::vector<MatterNeed> PolicyBuilder::ReadMatterNeeds(MapReader& reader, std::string_view key) {
  std::vector<MatterNeed> needs;
  const YamlNode* node = reader.Get(key);
  if (node == nullptr) return needs;
  if (node->is_sequence() && node->items.empty()) {
    diagnostics_->Error(node->place, "no matter is named", "name one, or remove the key");
  }
  const auto read = [&](const YamlNode& item) {
    std::optional<MatterNeed> need = ReadMatterNeed(item);
    if (!need.has_value()) return;
    const bool twice = std::any_of(needs.begin(), needs.end(), [&](const MatterNeed& other) {
      return other.matter == need->matter;
    });
    if (twice) {
      diagnostics_->Error(item.place, "this kind of matter stands here twice",
                          "state: [...] names several states");
      return;
    }
    needs.push_back(std::move(*need));
  };
  if (!node->is_sequence()) {
    read(*node);
  } else {
    for (const YamlNode& item : node->items) read(item);
  }
  return needs;
}

std::optional<MatterNeed> PolicyBuilder::ReadMatterNeed(const YamlNode& node, bool* own) {
  std::vector<std::string_view> kinds;
  for (const MatterSpec& spec : policy_->matters_) kinds.push_back(spec.name);
  std::optional<MapReader> reader;
  const YamlNode* kind = &node;
  if (node.is_map()) {
    reader.emplace(node, own == nullptr ? "needed matter" : "shared matter", diagnostics_);
    kind = reader->Require("kind");
    if (kind == nullptr) return std::nullopt;
  }
  const MatterSpec* matter =
      policy_->FindMatter(ReadWord(*kind, kinds, "kind of matter", diagnostics_));
  if (matter == nullptr) return std::nullopt;
  MatterNeed need{matter->id, {}};
  if (reader.has_value()) {
    const std::vector<std::string_view> states(matter->states.begin(), matter->states.end());
    const YamlNode* list = reader->Get("state");
    need.states = reader->WordList("state", states);
    if (own != nullptr) *own = reader->Bool("own");
    if (list != nullptr && need.states.empty()) {
      diagnostics_->Error(list->place, "no state is named", "name one, or remove the key");
    }
    reader->Finish();
  }
  if (need.states.empty() && !matter->states.empty()) need.states = {matter->states.front()};
  return need;
}

void PolicyBuilder::ReadPurposes(MapReader& root) {
  const YamlNode* node = root.Get("purposes");
  if (node == nullptr) return;
  MapReader all(*node, "purposes", diagnostics_);
  if (!node->is_map()) return;
  std::vector<std::vector<const YamlNode*>> follows;  // By PurposeId.
  for (const YamlNode::Entry& entry : node->entries) {
    const YamlNode& key = entry.first;
    if (!IsIdentifier(key.scalar, true)) {
      diagnostics_->Error(key.place, absl::StrCat(Quote(key.scalar), " is not a purpose name"),
                          "ASCII letters, digits, '_' and '.', starting with a letter");
      continue;
    }
    if (!Claim("purpose", key.scalar, key.place)) continue;
    if (policy_->purposes_.size() >= Policy::kMaxPurposes) {
      diagnostics_->Error(key.place, absl::StrCat("more than ", Policy::kMaxPurposes, " purposes"));
      break;
    }
    PurposeSpec purpose;
    purpose.id = static_cast<PurposeId>(policy_->purposes_.size());
    purpose.name = key.scalar;
    ReadPurpose(purpose, entry.second, &follows.emplace_back());
    policy_->IndexPurpose(std::move(purpose));
  }
  // A purpose may follow from one that stands further down.
  for (size_t i = 0; i < follows.size(); ++i) ReadParents(i, follows);
}

void PolicyBuilder::ReadPurpose(PurposeSpec& purpose, const YamlNode& body,
                                std::vector<const YamlNode*>* follows) {
  if (body.is_scalar()) {
    purpose.labels = {{"", body.scalar}};
    return;
  }
  MapReader reader(body, absl::StrCat("purpose '", purpose.name, "'"), diagnostics_);
  purpose.labels = reader.LabelsOf("label");
  purpose.origin = reader.ReadOrigin();
  for (const std::string& need : reader.IdentifierList("needs")) {
    if (need == "ticket") {
      purpose.needs_ticket = true;
      continue;
    }
    if (policy_->FindMatter(need) != nullptr) {
      diagnostics_->Error(reader.PlaceOf("needs"),
                          absl::StrCat("'", need, "' is a kind of matter: nobody would look it up"),
                          absl::StrCat("matter: ", need));
    }
    purpose.needs.push_back(need);
  }
  purpose.matters = ReadMatterNeeds(reader, "matter");
  purpose.output = OutputOf(reader.Word("output", vocabulary::kPurposeOutputs, "any"));
  purpose.consent = !reader.Word("consent", vocabulary::kPurposeConsents).empty();
  purpose.despite_notice = reader.Bool("despite_notice");
  *follows = reader.Scalars("follows");
  const YamlNode* named = reader.Get("follows");
  if (named != nullptr && named->is_sequence() && named->items.empty()) {
    diagnostics_->Error(named->place, "it follows from no purpose", "remove 'follows'");
  }
  if (named != nullptr && purpose.despite_notice) {
    diagnostics_->Error(reader.PlaceOf("despite_notice"),
                        "for what follows from a purpose that one's notice counts",
                        "remove 'despite_notice'");
  }
  reader.Finish();
}

void PolicyBuilder::ReadParents(size_t id,
                                const std::vector<std::vector<const YamlNode*>>& follows) {
  std::vector<std::string_view> names;
  for (const PurposeSpec& spec : policy_->purposes_) names.push_back(spec.name);
  for (const YamlNode* node : follows[id]) {
    const PurposeSpec* parent =
        policy_->FindPurpose(ReadWord(*node, names, "purpose", diagnostics_));
    if (parent == nullptr) continue;
    // One step only: so the call that names the parent says where the data came from.
    if (!follows[parent->id].empty()) {
      diagnostics_->Error(node->place,
                          absl::StrCat("'", parent->name, "' follows from another purpose itself"),
                          "name the purpose that the text states");
      continue;
    }
    policy_->purposes_[id].parents.push_back(parent->id);
  }
}

}  // namespace piivault::authz
