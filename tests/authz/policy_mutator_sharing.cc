// Changes of the rules that giving data away rests on.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/authz/policy_mutator.h"

namespace piivault::authz {
namespace {

std::vector<std::string> Words(const YAML::Node& node) {
  std::vector<std::string> words;
  if (node.IsDefined() && node.IsScalar()) words.push_back(node.Scalar());
  if (node.IsDefined() && node.IsSequence()) {
    for (const YAML::Node& item : node) words.push_back(item.IsScalar() ? item.Scalar() : "");
  }
  return words;
}

bool Has(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

YAML::Node ListOf(const std::vector<std::string>& words) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const std::string& word : words) list.push_back(word);
  return list;
}

// For which something may be handed out at all.
std::vector<std::string> PurposesOfExport(const YAML::Node& policy) {
  std::set<std::string> purposes;
  for (const YAML::Node& grant : policy["grants"]) {
    if (!Has(Words(grant["may"]), "export")) continue;
    for (const std::string& purpose : Words(grant["for"])) purposes.insert(purpose);
  }
  return {purposes.begin(), purposes.end()};
}

}  // namespace

void PolicyMutator::OfSharing() {
  const YAML::Node rules = policy_["recipients"];
  for (size_t i = 0; rules.IsDefined() && i < rules.size(); ++i) OfSharingRule(i);
  if (policy_["recipient_rules"].IsDefined()) OfRecipientRules();
}

void PolicyMutator::OfSharingRule(size_t number) {
  const YAML::Node rule = policy_["recipients"][number];
  const std::string name = "sharing " + rule["id"].Scalar();
  const auto with = [number](auto change) {
    return [number, change](YAML::Node policy) { change(policy["recipients"][number]); };
  };
  const auto set = [&](const std::string& what, const std::string& key, const YAML::Node& value) {
    AddShare(name + " " + what,
             with([key, value](YAML::Node one) { one[key] = YAML::Clone(value); }));
  };
  const auto without = [&](const std::string& what, const std::string& key) {
    if (!rule[key].IsDefined()) return;
    AddShare(name + " " + what, with([key](YAML::Node one) { one.remove(key); }));
  };
  AddShare(name, [number](YAML::Node policy) { policy["recipients"].remove(number); });
  for (const char* key : {"needs", "purposes"}) {
    const std::vector<std::string> words = Words(rule[key]);
    for (const std::string& word : words) {
      std::vector<std::string> rest = words;
      std::erase(rest, word);
      set(std::string(key) + " without " + word, key, ListOf(rest));
    }
  }
  const std::vector<std::string> purposes = Words(rule["purposes"]);
  for (const std::string& purpose : PurposesOfExport(policy_)) {
    if (Has(purposes, purpose) || Has(purposes, "consented")) continue;
    std::vector<std::string> more = purposes;
    more.push_back(purpose);
    set("for " + purpose, "purposes", ListOf(more));
  }
  if (rule["kind"].Scalar() != "any") set("of any kind", "kind", YAML::Node("any"));
  const std::string other = rule["kind"].Scalar() == "dealer" ? "carrier" : "dealer";
  set("of kind " + other, "kind", YAML::Node(other));
  const std::vector<std::string> fields = Words(rule["fields"]);
  if (rule["fields"].IsSequence() && !fields.empty()) {
    for (const std::string& field : fields) {
      if (fields.size() < 2) break;
      std::vector<std::string> rest = fields;
      std::erase(rest, field);
      set("without " + field, "fields", ListOf(rest));
    }
    set("with what is asked for", "fields", YAML::Node("requested_items"));
  } else if (rule["fields"].IsScalar() && rule["fields"].Scalar() == "requested_items") {
    std::vector<std::string> needs = Words(rule["needs"]);
    needs.push_back("approver");
    AddShare(name + " with whatever is approved", with([needs](YAML::Node one) {
               one["fields"] = "minimal";
               one["needs"] = ListOf(needs);
             }));
  }
  without("more than once", "single_use");
  without("for a day", "lifetime");
  without("from anywhere", "countries");
  without("without matters", "matter");
  const YAML::Node matters = rule["matter"];
  for (size_t i = 0; matters.IsDefined() && matters.IsSequence() && i < matters.size(); ++i) {
    AddShare(name + " without matter " + std::to_string(i),
             with([i](YAML::Node one) { one["matter"].remove(i); }));
  }
  if (matters.IsDefined() && matters.IsMap() && matters["own"].IsDefined()) {
    AddShare(name + " with anybody's matter",
             with([](YAML::Node one) { one["matter"].remove("own"); }));
  }
}

void PolicyMutator::OfRecipientRules() {
  const YAML::Node rules = policy_["recipient_rules"];
  const auto set = [&](const std::string& what, const std::string& key, const std::string& value) {
    AddShare("recipients: " + what, [key, value](YAML::Node policy) {
      YAML::Node one = policy["recipient_rules"];
      one[key] = value;
      one.remove("partial_fields");
      one.remove("partial_subjects");
    });
  };
  const bool allowed = rules["processors"].IsDefined() && rules["processors"].Scalar() == "allowed";
  if (!allowed) set("processors allowed", "processors", "allowed");
  for (const char* key : {"home", "partial_subjects"}) {
    if (!rules[key].IsDefined()) continue;
    AddShare(
        "recipients: without " + std::string(key),
        [key = std::string(key)](YAML::Node policy) { policy["recipient_rules"].remove(key); });
  }
  for (const char* key : {"never", "combinations"}) {
    for (size_t i = 0; rules[key].IsDefined() && i < rules[key].size(); ++i) {
      const std::string name = "recipients: " + std::string(key) + " " + std::to_string(i);
      AddShare(name, [key = std::string(key), i](YAML::Node policy) {
        policy["recipient_rules"][key].remove(i);
      });
      const YAML::Node one = rules[key][i];
      for (const std::string& kind : Words(one["kinds"])) {
        if (Words(one["kinds"]).size() < 2) break;
        AddShare(name + " but for " + kind, [key = std::string(key), i, kind](YAML::Node policy) {
          YAML::Node rule = policy["recipient_rules"][key][i];
          std::vector<std::string> kinds = Words(rule["kinds"]);
          std::erase(kinds, kind);
          rule["kinds"] = ListOf(kinds);
        });
      }
      if (!one["at_most"].IsDefined()) continue;
      AddShare(name + " with one more", [key = std::string(key), i](YAML::Node policy) {
        YAML::Node rule = policy["recipient_rules"][key][i];
        rule["at_most"] = std::to_string(rule["at_most"].as<int>() + 1);
      });
    }
  }
}

}  // namespace piivault::authz
