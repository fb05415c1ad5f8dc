// Each rule of the Combzmail policy is held by one of the policy's own cases: without the rule, or
// with a wider one in its place, a case fails or the policy does not load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "authz/policy_cases.h"
#include "tests/authz/policy_files.h"

namespace piivault::authz {
namespace {

using Change = std::function<void(YAML::Node policy)>;

std::vector<std::string> Items(const YAML::Node& node) {
  std::vector<std::string> items;
  if (node.IsScalar()) items.push_back(node.Scalar());
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) items.push_back(item.Scalar());
  }
  return items;
}

YAML::Node ListOf(const std::vector<std::string>& items) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const std::string& item : items) list.push_back(item);
  return list;
}

std::vector<std::string> Without(std::vector<std::string> items, const std::string& item) {
  std::erase(items, item);
  return items;
}

// A scalar that was quoted carries a tag, which the loader refuses.
void RemoveTags(YAML::Node node) {
  node.SetTag("");
  if (node.IsSequence()) {
    for (YAML::Node item : node) RemoveTags(item);
  } else if (node.IsMap()) {
    for (auto entry : node) RemoveTags(entry.second);
  }
}

// Makes changes of a policy and tells which of them its cases do not notice.
class Mutator {
 public:
  explicit Mutator(const std::string& stem) : text_(ReadPolicy(stem)) {
    policy_ = YAML::Load(text_.yaml);
    RemoveTags(policy_);
  }

  const YAML::Node& policy() const { return policy_; }
  int tried() const { return tried_; }
  const std::vector<std::string>& unnoticed() const { return unnoticed_; }

  void Try(const std::string& name, const Change& change) {
    ++tried_;
    if (Holds(change)) unnoticed_.push_back(name);
  }
  // Takes the items of a list out, one at a time, where more than one stands there.
  void TryWithoutEach(const std::string& name, const YAML::Node& list,
                      const std::function<void(YAML::Node policy, YAML::Node list)>& put) {
    if (!list.IsDefined() || Items(list).size() < 2) return;
    for (const std::string& item : Items(list)) {
      Try(name + " without " + item,
          [&](YAML::Node policy) { put(policy, ListOf(Without(Items(list), item))); });
    }
  }
  // Whether the changed policy loads and all its cases hold.
  bool Holds(const Change& change) const {
    PolicyText text = text_;
    YAML::Node changed = YAML::Clone(policy_);
    change(changed);
    text.yaml = YAML::Dump(changed);
    Diagnostics diagnostics;
    const auto policy = Policy::Load(text, &diagnostics);
    return policy != nullptr && RunPolicyCases(*policy).ok();
  }

 private:
  PolicyText text_;
  YAML::Node policy_;
  int tried_ = 0;
  std::vector<std::string> unnoticed_;
};

void TryGrants(Mutator& mutator) {
  const YAML::Node& grants = mutator.policy()["grants"];
  for (size_t i = 0; i < grants.size(); ++i) {
    const std::string id = "grant " + grants[i]["id"].Scalar();
    mutator.Try(id, [i](YAML::Node policy) { policy["grants"].remove(i); });
    for (const char* key : {"may", "fields", "types", "for", "when"}) {
      mutator.TryWithoutEach(
          id + " " + key, grants[i][key],
          [&](YAML::Node policy, YAML::Node list) { policy["grants"][i][key] = list; });
    }
    if (grants[i]["when"].IsDefined()) {
      mutator.Try(id + " at any time", [i](YAML::Node p) { p["grants"][i].remove("when"); });
    }
    // `reader.*` as all fields but one, and one field as all of its type.
    if (!grants[i]["fields"].IsDefined()) continue;
    for (const std::string& field : Items(grants[i]["fields"])) {
      const std::string type = field.substr(0, field.find('.'));
      if (type == field) continue;  // a group
      std::vector<std::string> all;
      for (const auto& entry : mutator.policy()["types"][type]["fields"]) {
        all.push_back(type + "." + entry.first.Scalar());
      }
      if (all.size() < 2) continue;
      if (field != type + ".*") {
        mutator.Try(id + " with all of " + type, [&](YAML::Node policy) {
          policy["grants"][i]["fields"] = ListOf({type + ".*"});
        });
        continue;
      }
      mutator.TryWithoutEach(id, ListOf(all), [&](YAML::Node policy, YAML::Node list) {
        policy["grants"][i]["fields"] = list;
      });
    }
  }
}

void TryRoles(Mutator& mutator) {
  for (const auto& entry : mutator.policy()["roles"]) {
    const std::string id = entry.first.Scalar();
    const YAML::Node& role = entry.second;
    const auto put = [&](const char* key) {
      return [&id, key](YAML::Node policy, YAML::Node list) { policy["roles"][id][key] = list; };
    };
    const auto set = [&](const char* key, const std::string& value) {
      mutator.Try("role " + id + " with " + key + " " + value,
                  [&](YAML::Node policy) { policy["roles"][id][key] = value; });
    };
    for (const char* key : {"employment", "nda"}) {
      mutator.TryWithoutEach("role " + id + " " + key, role[key], put(key));
    }
    for (const char* kind : {"staff", "service", "tenant"}) {
      if (role["kind"].Scalar() != kind) set("kind", kind);
    }
    if (role["nda"].IsDefined()) set("nda", "none");
    if (role["equivalent_needs_nda"].IsDefined()) set("equivalent_needs_nda", "false");
    if (role["duty"].IsDefined()) {
      mutator.Try("role " + id + " duty", [&](YAML::Node p) { p["roles"][id].remove("duty"); });
    }
    if (!role["employment"].IsDefined()) continue;
    const std::vector<std::string> admitted = Items(role["employment"]);
    for (const char* more : {"officer", "full_time", "contract", "equivalent", "part_time"}) {
      if (Without(admitted, more).size() != admitted.size()) continue;
      mutator.Try("role " + id + " for " + more,
                  [&](YAML::Node policy) { policy["roles"][id]["employment"].push_back(more); });
    }
  }
}

void TryTheRest(Mutator& mutator) {
  for (const auto& entry : mutator.policy()["groups"]) {
    const std::string id = entry.first.Scalar();
    mutator.TryWithoutEach("group " + id, entry.second, [&](YAML::Node policy, YAML::Node list) {
      policy["groups"][id] = list;
    });
  }
  for (const auto& entry : mutator.policy()["purposes"]) {
    const std::string id = entry.first.Scalar();
    if (!entry.second["needs"].IsDefined()) continue;
    mutator.Try("purpose " + id + " needs",
                [&](YAML::Node policy) { policy["purposes"][id].remove("needs"); });
  }
  for (const auto& type : mutator.policy()["types"]) {
    for (const auto& field : type.second["fields"]) {
      for (const char* key : {"class", "read"}) {
        if (!field.second[key].IsDefined()) continue;
        mutator.Try(type.first.Scalar() + "." + field.first.Scalar() + " " + key,
                    [&](YAML::Node p) {
                      p["types"][type.first.Scalar()]["fields"][field.first.Scalar()].remove(key);
                    });
      }
    }
  }
  for (const char* key : {"forbidden_employment", "channels", "timezone", "transport"}) {
    mutator.Try(key, [&](YAML::Node policy) { policy.remove(key); });
  }
  mutator.TryWithoutEach("channels", mutator.policy()["channels"],
                         [](YAML::Node policy, YAML::Node list) { policy["channels"] = list; });
  for (const char* plain : {"always", "never"}) {
    mutator.Try(std::string("plain intake ") + plain,
                [&](YAML::Node policy) { policy["transport"]["intake"]["allow_plain"] = plain; });
  }
}

TEST(PolicyMutationTest, EachRuleOfCombzmailIsHeldByACase) {
  Mutator mutator("ops/policies/combzmail");
  ASSERT_TRUE(mutator.Holds([](YAML::Node) {})) << "unchanged";
  TryGrants(mutator);
  TryRoles(mutator);
  TryTheRest(mutator);
  EXPECT_GT(mutator.tried(), 130);
  EXPECT_THAT(mutator.unnoticed(),
              // Said twice in the policy: whoever downloads lists, whoever erases reads.
              testing::UnorderedElementsAre("grant publisher-tidy may without list",
                                            "grant publisher-tidy may without read_subject"));
}

}  // namespace
}  // namespace piivault::authz
