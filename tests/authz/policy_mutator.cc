#include "tests/authz/policy_mutator.h"

#include <algorithm>
#include <map>

namespace piivault::authz {
namespace {

using Path = std::vector<std::string>;

// A scalar that was quoted carries a tag, which the loader refuses.
void RemoveTags(YAML::Node node) {
  node.SetTag("");
  if (node.IsSequence()) {
    for (YAML::Node item : node) RemoveTags(item);
  } else if (node.IsMap()) {
    for (auto entry : node) RemoveTags(entry.second);
  }
}

YAML::Node PutIn(YAML::Node node, const std::map<std::string, YAML::Node>& values) {
  if (node.IsScalar()) {
    const std::string text = node.Scalar();
    if (text.rfind("${", 0) != 0) return node;
    return YAML::Clone(values.at(text.substr(2, text.size() - 3)));
  }
  if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) node[i] = PutIn(node[i], values);
  } else if (node.IsMap()) {
    for (auto entry : node) node[entry.first.Scalar()] = PutIn(entry.second, values);
  }
  return node;
}

std::vector<std::string> Items(const YAML::Node& node) {
  std::vector<std::string> items;
  if (!node.IsDefined()) return items;
  if (node.IsScalar()) items.push_back(node.Scalar());
  if (node.IsSequence()) {
    for (const YAML::Node& item : node) items.push_back(item.IsScalar() ? item.Scalar() : "");
  }
  return items;
}

YAML::Node ListOf(const std::vector<std::string>& items) {
  YAML::Node list(YAML::NodeType::Sequence);
  for (const std::string& item : items) list.push_back(item);
  return list;
}

bool Contains(const std::vector<std::string>& items, const std::string& item) {
  return std::find(items.begin(), items.end(), item) != items.end();
}

// The node at `path`; undefined where there is none.
YAML::Node At(const YAML::Node& root, const Path& path) {
  YAML::Node node;
  node.reset(root);
  for (const std::string& key : path) {
    const YAML::Node parent = node;
    if (!parent.IsDefined() || parent.IsScalar()) return YAML::Node(YAML::NodeType::Undefined);
    const YAML::Node child =
        parent.IsSequence() ? parent[static_cast<size_t>(std::stoul(key))] : parent[key];
    if (!child.IsDefined()) return YAML::Node(YAML::NodeType::Undefined);
    node.reset(child);
  }
  return node;
}

Path Below(Path path, const std::string& key) {
  path.push_back(key);
  return path;
}

void PutAt(YAML::Node root, const Path& path, const YAML::Node& value) {
  YAML::Node parent = At(root, Path(path.begin(), path.end() - 1));
  if (parent.IsSequence()) {
    parent[static_cast<size_t>(std::stoul(path.back()))] = YAML::Clone(value);
  } else {
    parent[path.back()] = YAML::Clone(value);
  }
}

void RemoveAt(YAML::Node root, const Path& path) {
  YAML::Node parent = At(root, Path(path.begin(), path.end() - 1));
  if (parent.IsSequence()) {
    parent.remove(static_cast<size_t>(std::stoul(path.back())));
  } else {
    parent.remove(path.back());
  }
}

}  // namespace

PolicyMutator::PolicyMutator(const PolicyText& text) : text_(text) {
  policy_ = YAML::Load(text.yaml);
  std::map<std::string, YAML::Node> values;
  YAML::Node given;
  if (!text.values_yaml.empty()) given = YAML::Load(text.values_yaml)["values"];
  for (const auto& entry : policy_["params"]) {
    const std::string name = entry.first.Scalar();
    const bool set = given.IsMap() && given[name].IsDefined();
    if (!set && !entry.second["default"].IsDefined()) continue;
    const YAML::Node value = set ? given[name] : entry.second["default"];
    const bool days = entry.second["type"].Scalar() == "days" && value.Scalar() != "0";
    values[name] = days ? YAML::Node(value.Scalar() + "d") : value;
  }
  policy_.remove("params");
  policy_ = PutIn(policy_, values);
  RemoveTags(policy_);
  text_.values_yaml.clear();
  if (policy_["cases"].IsDefined()) {
    YAML::Node cases;
    cases["cases"] = policy_["cases"];
    cases_ = "\n" + YAML::Dump(cases) + "\n";
    policy_.remove("cases");
  }
  OfGrants();
  OfRoles();
  OfPurposes();
  OfTypes();
  OfMatterKinds();
  OfNotices();
  OfConsents();
  OfTheRest();
  OfSharing();
}

PolicyText PolicyMutator::Apply(const Mutation& mutation) const {
  PolicyText text = text_;
  YAML::Node changed = YAML::Clone(policy_);
  mutation.change(changed);
  text.yaml = YAML::Dump(changed) + cases_;
  return text;
}

PolicyText PolicyMutator::Unchanged() const {
  return Apply({"unchanged", [](YAML::Node) {}});
}

void PolicyMutator::Add(const std::string& name, std::function<void(YAML::Node policy)> change) {
  mutations_.push_back({name, std::move(change)});
}

void PolicyMutator::Set(const std::string& name, const Path& path, const YAML::Node& value) {
  Add(name, [path, value](YAML::Node policy) { PutAt(policy, path, value); });
}

void PolicyMutator::Remove(const std::string& name, const Path& path) {
  Add(name, [path](YAML::Node policy) { RemoveAt(policy, path); });
}

void PolicyMutator::RemoveIfThere(const std::string& name, const Path& path) {
  if (At(policy_, path).IsDefined()) Remove(name, path);
}

void PolicyMutator::WithoutEach(const std::string& name, const Path& path) {
  const YAML::Node list = At(policy_, path);
  if (!list.IsDefined() || !list.IsSequence() || list.size() < 2) return;
  const std::vector<std::string> items = Items(list);
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string item = items[i].empty() ? "item " + std::to_string(i) : items[i];
    Remove(name + " without " + item, Below(path, std::to_string(i)));
  }
}

void PolicyMutator::OfGrants() {
  const YAML::Node grants = policy_["grants"];
  for (size_t i = 0; i < grants.size(); ++i) {
    const std::string number = std::to_string(i);
    const Path path = {"grants", number};
    const std::string id = "grant " + At(policy_, Below(path, "id")).Scalar();
    Remove(id, path);
    for (const char* key : {"may", "fields", "types", "for", "when"}) {
      WithoutEach(id + " " + key, Below(path, key));
    }
    RemoveIfThere(id + " at any time", Below(path, "when"));
    RemoveIfThere(id + " in plain", Below(path, "view"));
    OfGrantFields(id, number);
  }
}

// `reader.*` as all fields but one, and one field as all of its type.
void PolicyMutator::OfGrantFields(const std::string& name, const std::string& number) {
  const Path path = {"grants", number, "fields"};
  const std::vector<std::string> fields = Items(At(policy_, path));
  std::vector<std::string> widened;
  for (const std::string& field : fields) {
    const std::string type = field.substr(0, field.find('.'));
    if (type == field) continue;  // a group
    std::vector<std::string> all;
    for (const auto& entry : At(policy_, {"types", type, "fields"})) {
      all.push_back(type + "." + entry.first.Scalar());
    }
    if (all.size() < 2) continue;
    std::vector<std::string> others = fields;
    std::erase(others, field);
    if (field != type + ".*") {
      if (Contains(widened, type)) continue;
      widened.push_back(type);
      others.push_back(type + ".*");
      Set(name + " with all of " + type, path, ListOf(others));
      continue;
    }
    for (const std::string& left_out : all) {
      std::vector<std::string> rest = others;
      for (const std::string& each : all) {
        if (each != left_out) rest.push_back(each);
      }
      Set(name + " without " + left_out, path, ListOf(rest));
    }
  }
}

void PolicyMutator::OfRoles() {
  for (const auto& entry : policy_["roles"]) OfRole(entry.first.Scalar(), entry.second);
}

void PolicyMutator::OfRole(const std::string& id, const YAML::Node& role) {
  const Path path = {"roles", id};
  const std::string name = "role " + id;
  const auto set = [&](const std::string& key, const std::string& value) {
    Set(name + " with " + key + " " + value, Below(path, key), YAML::Node(value));
  };
  for (const char* key : {"employment", "nda", "attested", "needs", "matter", "duty"}) {
    WithoutEach(name + " " + key, Below(path, key));
  }
  for (const char* key :
       {"duty", "attested", "needs", "matter", "department", "per", "holders", "break_glass"}) {
    RemoveIfThere(name + " " + key, Below(path, key));
  }
  if (role["access"].IsDefined()) {
    set("access", "direct");
  } else {
    OfKind(id, role);
  }
  if (role["nda"].IsDefined() && role["nda"].IsSequence() && role["nda"].size() > 0) {
    set("nda", "none");
  } else if (role["nda"].IsDefined() && role["nda"].Scalar() != "none") {
    set("nda", "none");
  }
  const YAML::Node equivalent = role["equivalent_needs_nda"];
  if (equivalent.IsDefined()) {
    set("equivalent_needs_nda", equivalent.Scalar() == "true" ? "false" : "true");
  }
  OfMatters(name, Below(path, "matter"));
  if (!role["employment"].IsDefined()) return;
  const std::vector<std::string> admitted = Items(role["employment"]);
  for (const char* more : {"officer", "full_time", "contract", "equivalent", "part_time"}) {
    if (Contains(admitted, more)) continue;
    std::vector<std::string> with = admitted;
    with.push_back(more);
    Set(name + " for " + more, Below(path, "employment"), ListOf(with));
  }
}

void PolicyMutator::OfKind(const std::string& id, const YAML::Node& role) {
  const Path path = {"roles", id};
  const std::string name = "role " + id;
  const std::string now = role["kind"].Scalar();
  for (const std::string kind : {"staff", "service", "tenant"}) {
    if (kind == now) continue;
    Add(name + " with kind " + kind, [path, kind](YAML::Node policy) {
      PutAt(policy, Below(path, "kind"), YAML::Node(kind));
      RemoveAt(policy, Below(path, "scope"));
      const bool silent = !At(policy, Below(path, "nda")).IsDefined();
      if (kind == "staff" && silent) PutAt(policy, Below(path, "nda"), YAML::Node("none"));
    });
  }
  if (now != "subject") return;
  const std::string scope = role["scope"].IsDefined() ? role["scope"].Scalar() : "own_record";
  for (const std::string other : {"own_record", "own_account", "represented"}) {
    if (scope == other) continue;
    Set(name + " with scope " + other, Below(path, "scope"), YAML::Node(other));
  }
}

// The states in which matters must be: each one less, and any at all.
void PolicyMutator::OfMatters(const std::string& name, const Path& path) {
  const YAML::Node list = At(policy_, path);
  if (!list.IsDefined()) return;
  const size_t count = list.IsSequence() ? list.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    const Path item = list.IsSequence() ? Below(path, std::to_string(i)) : path;
    const YAML::Node need = At(policy_, item);
    const std::string kind = need.IsScalar() ? need.Scalar() : need["kind"].Scalar();
    std::vector<std::string> all = {"open", "closed"};
    if (const YAML::Node states = At(policy_, {"matters", kind, "states"}); states.IsDefined()) {
      all = Items(states);
    }
    if (need.IsMap()) WithoutEach(name + " " + kind + " state", Below(item, "state"));
    YAML::Node any;
    any["kind"] = kind;
    any["state"] = ListOf(all);
    std::vector<std::string> now = {all[0]};
    if (need.IsMap() && need["state"].IsDefined()) now = Items(need["state"]);
    if (now.size() < all.size()) Set(name + " " + kind + " in any state", item, any);
  }
}

void PolicyMutator::OfPurposes() {
  for (const auto& entry : policy_["purposes"]) {
    if (entry.second.IsMap()) OfPurpose(entry.first.Scalar(), entry.second);
  }
  if (!policy_["collection_notices"].IsDefined()) return;
  if (policy_["notice_required"].IsDefined()) Remove("notice required", {"notice_required"});
  for (const auto& entry : policy_["purposes"]) {
    const YAML::Node& purpose = entry.second;
    if (purpose.IsMap() && purpose["despite_notice"].IsDefined()) continue;
    YAML::Node changed = purpose.IsMap() ? YAML::Clone(purpose) : YAML::Node(YAML::NodeType::Map);
    changed["despite_notice"] = "true";
    Set("purpose " + entry.first.Scalar() + " despite notice", {"purposes", entry.first.Scalar()},
        changed);
  }
}

void PolicyMutator::OfPurpose(const std::string& id, const YAML::Node& purpose) {
  const Path path = {"purposes", id};
  const std::string name = "purpose " + id;
  for (const char* key : {"needs", "matter", "follows"}) {
    WithoutEach(name + " " + key, Below(path, key));
    if (purpose[key].IsDefined()) Remove(name + " " + key, Below(path, key));
  }
  for (const char* key : {"consent", "despite_notice"}) {
    if (purpose[key].IsDefined()) Remove(name + " " + key, Below(path, key));
  }
  OfMatters(name, Below(path, "matter"));
}

void PolicyMutator::OfTypes() {
  for (const auto& entry : policy_["groups"]) {
    WithoutEach("group " + entry.first.Scalar(), {"groups", entry.first.Scalar()});
  }
  for (const auto& type : policy_["types"]) {
    const std::string type_name = type.first.Scalar();
    const Path type_path = {"types", type_name};
    WithoutEach(type_name + " channels", Below(type_path, "channels"));
    RemoveIfThere(type_name + " channels", Below(type_path, "channels"));
    RemoveIfThere(type_name + " history", Below(type_path, "history"));
    for (const auto& field : type.second["fields"]) {
      if (!field.second.IsMap()) continue;
      const std::string name = type_name + "." + field.first.Scalar();
      const Path path = Below(Below(type_path, "fields"), field.first.Scalar());
      for (const char* key : {"class", "read", "retired", "channels", "history", "token", "mask"}) {
        RemoveIfThere(name + " " + key, Below(path, key));
      }
      WithoutEach(name + " channels", Below(path, "channels"));
    }
  }
}

void PolicyMutator::OfMatterKinds() {
  for (const auto& entry : policy_["matters"]) {
    const std::string name = "matter " + entry.first.Scalar();
    const Path path = {"matters", entry.first.Scalar()};
    const YAML::Node about = At(policy_, Below(path, "about"));
    for (const char* other : {"subject", "tenant", "controller"}) {
      if ((about.IsDefined() ? about.Scalar() : "subject") == other) continue;
      Set(name + " about " + other, Below(path, "about"), YAML::Node(other));
    }
    std::vector<std::string> states = Items(At(policy_, Below(path, "states")));
    if (states.empty()) states = {"open", "closed"};
    if (states.size() < 2) continue;
    std::rotate(states.begin(), states.begin() + 1, states.end());
    Set(name + " opened as " + states[0], Below(path, "states"), ListOf(states));
  }
}

void PolicyMutator::OfNotices() {
  for (const auto& entry : policy_["collection_notices"]) {
    const std::string name = "notice " + entry.first.Scalar();
    const Path path = {"collection_notices", entry.first.Scalar(), "purposes"};
    WithoutEach(name + " purposes", path);
    Remove(name, {"collection_notices", entry.first.Scalar()});
    std::vector<std::string> named = Items(At(policy_, path));
    for (const auto& purpose : policy_["purposes"]) {
      if (Contains(named, purpose.first.Scalar())) continue;
      std::vector<std::string> more = named;
      more.push_back(purpose.first.Scalar());
      Set(name + " for " + purpose.first.Scalar(), path, ListOf(more));
    }
  }
  RemoveIfThere("collection_notices", {"collection_notices"});
}

void PolicyMutator::OfConsents() {
  const YAML::Node consents = policy_["consent"];
  if (!consents.IsDefined()) return;
  for (size_t i = 0; i < consents.size(); ++i) {
    const Path path = {"consent", std::to_string(i)};
    const std::string name = "consent " + At(policy_, Below(path, "id")).Scalar();
    Remove(name, path);
    WithoutEach(name + " event", Below(path, "event"));
    WithoutEach(name + " fields", Below(path, "fields"));
    for (const char* key : {"fields", "who", "scope", "under_age"}) {
      RemoveIfThere(name + " " + key, Below(path, key));
    }
    const YAML::Node age = At(policy_, Below(path, "under_age"));
    for (int by : {-1, 1}) {
      if (!age.IsDefined()) break;
      const std::string other = std::to_string(std::stoi(age.Scalar()) + by);
      Set(name + " under " + other, Below(path, "under_age"), YAML::Node(other));
    }
    const std::string when = At(policy_, Below(path, "when")).Scalar();
    const char* later = when == "before_collection" ? "at_collection" : "before_collection";
    if (when == "before_collection" || when == "at_collection" || when == "at_link") {
      Set(name + " " + later, Below(path, "when"), YAML::Node(later));
    }
  }
}

void PolicyMutator::OfOpenPurposes() {
  const Path path = {"retention_rules", "open_purposes"};
  if (!At(policy_, path).IsDefined()) return;
  Remove("open purposes", path);
  WithoutEach("open purposes", path);
  std::vector<std::string> all;
  for (const auto& entry : policy_["purposes"]) all.push_back(entry.first.Scalar());
  Set("open purposes are all", path, ListOf(all));
}

void PolicyMutator::OfTheRest() {
  for (const char* key : {"forbidden_employment", "channels", "timezone", "transport", "age"}) {
    RemoveIfThere(key, {key});
  }
  WithoutEach("forbidden_employment", {"forbidden_employment"});
  WithoutEach("channels", {"channels"});
  WithoutEach("nda_when_not_stated", {"nda_when_not_stated"});
  for (const char* plain : {"always", "per_tenant_choice", "never"}) {
    const Path path = {"transport", "intake", "allow_plain"};
    const YAML::Node now = At(policy_, path);
    if (!At(policy_, {"transport", "intake"}).IsDefined()) break;
    if ((now.IsDefined() ? now.Scalar() : "never") == plain) continue;
    Set(std::string("plain intake ") + plain, path, YAML::Node(plain));
  }
  RemoveIfThere("channels recorded", {"transport", "intake", "record_channel"});
  OfOpenPurposes();
  if (policy_["age"].IsDefined()) {
    const YAML::Node reached = At(policy_, {"age", "reached"});
    const bool before = reached.IsDefined() && reached.Scalar() == "day_before";
    const YAML::Node unknown = At(policy_, {"age", "unknown"});
    const bool allowed = unknown.IsDefined() && unknown.Scalar() == "allow";
    Set("age reached at another time", {"age", "reached"},
        YAML::Node(before ? "on_birthday" : "day_before"));
    Set("age unknown the other way", {"age", "unknown"}, YAML::Node(allowed ? "refuse" : "allow"));
  }
  if (!policy_["acknowledgement"].IsDefined()) return;
  Set("acknowledgement of another document", {"acknowledgement", "document"},
      YAML::Node(std::string(64, 'a')));
  Set("acknowledgement sooner", {"acknowledgement", "within"}, YAML::Node("1d"));
  Set("acknowledgement later", {"acknowledgement", "from"}, YAML::Node("2099-01-01"));
}

std::vector<Mutation> Sample(const std::vector<Mutation>& mutations, size_t count) {
  const size_t step = mutations.size() > count ? mutations.size() / count + 1 : 1;
  std::vector<Mutation> sample;
  for (size_t i = 0; i < mutations.size(); i += step) sample.push_back(mutations[i]);
  return sample;
}

}  // namespace piivault::authz
