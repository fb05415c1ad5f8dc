// Parameters: what an operator's text leaves open and a values file must settle.

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "authz/policy_builder.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

using Values = absl::flat_hash_map<std::string, YamlNode>;

bool Fits(const std::string& type, const YamlNode& value, const std::vector<std::string>& choices,
          Diagnostics* diagnostics) {
  if (type == "duration") return !ReadDuration(value, diagnostics).empty();
  std::string wanted;
  int64_t number = 0;
  const bool whole = value.is_scalar() && absl::SimpleAtoi(value.scalar, &number);
  if (type == "days" && !(whole && number >= 0 && number <= 36500)) {
    wanted = "a number of days from 0 to 36500";
  } else if (type == "int" && !whole) {
    wanted = "a whole number";
  } else if (type == "bool" &&
             !(value.is_scalar() && (value.scalar == "true" || value.scalar == "false"))) {
    wanted = "true or false";
  } else if (type == "list" && !value.is_sequence()) {
    wanted = "a list";
  } else if (type == "map" && !value.is_map()) {
    wanted = "a map";
  } else if ((type == "text" || type == "event" || type == "enum") && !value.is_scalar()) {
    wanted = "one word";
  } else if (type == "enum" && !choices.empty() &&
             std::find(choices.begin(), choices.end(), value.scalar) == choices.end()) {
    wanted = "one of the values that the parameter lists";
  } else if (value.is_null()) {
    wanted = "a value";
  }
  if (wanted.empty()) return true;
  diagnostics->Error(value.place, absl::StrCat("a parameter of type ", type, " needs ", wanted));
  return false;
}

// Reads one parameter and settles its value; nothing is added to `out` after an error.
void Settle(const YamlNode& key, const YamlNode& body, const YamlNode* given, Values& out,
            Diagnostics* diagnostics) {
  MapReader reader(body, absl::StrCat("parameter ", Quote(key.scalar)), diagnostics);
  if (!IsIdentifier(key.scalar)) {
    diagnostics->Error(key.place, absl::StrCat(Quote(key.scalar), " is not an identifier"));
  }
  reader.Require("type");
  const std::string type = reader.Word("type", vocabulary::kParamTypes);
  const bool required = reader.Bool("required");
  const YamlNode* fallback = reader.Get("default");
  std::vector<std::string> choices;
  for (const YamlNode* node : reader.Scalars("values")) choices.push_back(node->scalar);
  reader.ReadOrigin();
  reader.Finish();
  if (type.empty()) return;
  if (required && fallback != nullptr) {
    diagnostics->Error(fallback->place, "a required parameter has no default");
  }
  const YamlNode* value = given != nullptr ? given : fallback;
  if (value == nullptr) {
    diagnostics->Error(key.place, absl::StrCat("parameter '", key.scalar, "' is not set"),
                       "the text leaves it open: set it under 'values' in the values file");
    return;
  }
  if (!Fits(type, *value, choices, diagnostics)) return;
  YamlNode settled = *value;
  if (type == "days" && settled.scalar != "0") settled.scalar += "d";
  out.emplace(key.scalar, std::move(settled));
}

size_t CountNodes(const YamlNode& node) {
  size_t count = 1;
  for (const YamlNode& item : node.items) count += CountNodes(item);
  for (const YamlNode::Entry& entry : node.entries) count += 1 + CountNodes(entry.second);
  return count;
}

class Substitution {
 public:
  Substitution(const Values& values, const YamlNode* declared, Diagnostics* diagnostics)
      : values_(values), declared_(declared), diagnostics_(diagnostics) {}

  void Apply(YamlNode& node) {
    if (node.is_scalar()) {
      Replace(node);
    } else if (node.is_sequence()) {
      for (YamlNode& item : node.items) Apply(item);
    } else {
      for (YamlNode::Entry& entry : node.entries) Apply(entry.second);
    }
  }

  bool Used(const std::string& name) const { return used_.find(name) != used_.end(); }

 private:
  void Replace(YamlNode& node) {
    const std::string& text = node.scalar;
    if (text.find("${") == std::string::npos) return;
    const bool whole = text.size() > 3 && text.compare(0, 2, "${") == 0 && text.back() == '}' &&
                       text.find("${", 2) == std::string::npos;
    if (!whole) {
      diagnostics_->Error(node.place, "a parameter stands alone, not inside a text",
                          "keep: ${name}");
      return;
    }
    const std::string name = text.substr(2, text.size() - 3);
    used_.insert(name);
    auto found = values_.find(name);
    if (found != values_.end()) {
      nodes_ += CountNodes(found->second);
      if (nodes_ <= kMaxNodes) {
        node = found->second;
      } else {
        diagnostics_->Error(node.place, "parameters make the policy too large");
      }
    } else if (declared_ == nullptr || !declared_->is_map() || declared_->Find(name) == nullptr) {
      diagnostics_->Error(node.place, absl::StrCat("no such parameter ", Quote(name)),
                          "declare it under 'params'");
    }
  }

  const Values& values_;
  const YamlNode* declared_;
  Diagnostics* diagnostics_;
  absl::flat_hash_set<std::string> used_;
  size_t nodes_ = 0;
};

}  // namespace

bool ApplyParams(YamlNode& tree, const YamlNode* values, std::string_view policy_id,
                 Diagnostics* diagnostics) {
  const size_t errors = diagnostics->error_count();
  const YamlNode* given = nullptr;
  if (values != nullptr) {
    MapReader reader(*values, "the values file", diagnostics);
    const std::string id = reader.String("policy");
    if (!policy_id.empty() && id != policy_id) {
      diagnostics->Error(
          reader.PlaceOf("policy"),
          absl::StrCat("these values are not for policy '", std::string(policy_id), "'"),
          absl::StrCat("policy: ", std::string(policy_id)));
    }
    given = reader.Get("values");
    reader.Finish();
    if (given != nullptr) MapReader(*given, "values", diagnostics);
  }
  const YamlNode* declared = tree.Find("params");
  Values settled;
  if (declared != nullptr) MapReader(*declared, "params", diagnostics);
  if (declared != nullptr && declared->is_map()) {
    for (const YamlNode::Entry& entry : declared->entries) {
      const YamlNode* value =
          given != nullptr && given->is_map() ? given->Find(entry.first.scalar) : nullptr;
      Settle(entry.first, entry.second, value, settled, diagnostics);
    }
  }
  if (given != nullptr && given->is_map()) {
    for (const YamlNode::Entry& entry : given->entries) {
      if (declared != nullptr && declared->is_map() && declared->Find(entry.first.scalar)) continue;
      diagnostics->Error(entry.first.place,
                         absl::StrCat("the policy has no parameter ", Quote(entry.first.scalar)));
    }
  }
  Substitution substitution(settled, declared, diagnostics);
  for (YamlNode::Entry& entry : tree.entries) {
    if (entry.first.scalar != "params") substitution.Apply(entry.second);
  }
  if (declared != nullptr && declared->is_map()) {
    for (const YamlNode::Entry& entry : declared->entries) {
      if (substitution.Used(entry.first.scalar)) continue;
      diagnostics->Error(entry.first.place,
                         absl::StrCat("parameter ", Quote(entry.first.scalar), " is not used"),
                         absl::StrCat("write ${", entry.first.scalar, "} where it belongs"));
    }
  }
  return diagnostics->error_count() == errors;
}

}  // namespace piivault::authz
