#include "tests/authz/naive_policy.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "authz/semantic_type.h"

namespace piivault::authz::naive {
namespace {

// Puts `values` in where "${name}" stands. Nodes are changed in place.
YAML::Node PutIn(YAML::Node node, const std::map<std::string, YAML::Node>& values) {
  if (node.IsScalar()) {
    const std::string text = node.Scalar();
    if (text.rfind("${", 0) != 0) return node;
    return values.at(text.substr(2, text.size() - 3));
  }
  if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) node[i] = PutIn(node[i], values);
  } else if (node.IsMap()) {
    for (auto entry : node) node[entry.first.Scalar()] = PutIn(entry.second, values);
  }
  return node;
}

YAML::Node WithValues(const PolicyText& text) {
  YAML::Node policy = YAML::Load(text.yaml);
  std::map<std::string, YAML::Node> values;
  for (const auto& entry : policy["params"]) {
    if (entry.second["default"]) values[entry.first.Scalar()] = entry.second["default"];
  }
  if (!text.values_yaml.empty()) {
    const YAML::Node given = YAML::Load(text.values_yaml);
    for (const auto& entry : given["values"]) values[entry.first.Scalar()] = entry.second;
  }
  policy.remove("params");
  return PutIn(policy, values);
}

std::string Word(const YAML::Node& node, const std::string& fallback = "") {
  return node && node.IsScalar() ? node.Scalar() : fallback;
}

bool Flag(const YAML::Node& node, bool fallback) {
  return node ? node.Scalar() == "true" : fallback;
}

// A list, or a single word.
Names Words(const YAML::Node& node) {
  Names words;
  if (!node) return words;
  if (node.IsScalar()) words.push_back(node.Scalar());
  if (node.IsSequence()) {
    for (const auto& item : node) words.push_back(item.Scalar());
  }
  return words;
}

// Nodes of a list, or the single one.
std::vector<YAML::Node> Items(const YAML::Node& node) {
  std::vector<YAML::Node> items;
  if (!node) return items;
  if (!node.IsSequence()) return {node};
  for (const auto& item : node) items.push_back(item);
  return items;
}

// "a.b", "a.*" and groups, written out, each field once.
Names Expand(const Text& text, const Names& names) {
  Names out;
  const auto add = [&](const std::string& field) {
    if (!Has(out, field)) out.push_back(field);
  };
  for (const std::string& name : names) {
    auto group = text.groups.find(name);
    if (group != text.groups.end()) {
      for (const std::string& field : group->second) add(field);
    } else if (name.size() > 2 && name.substr(name.size() - 2) == ".*") {
      for (const std::string& field : text.FieldsOf(name.substr(0, name.size() - 2))) add(field);
    } else {
      add(name);
    }
  }
  return out;
}

// `fallback`: what the type says.
Field ReadField(const std::string& type, const YAML::Node& node, const Field& fallback) {
  Field field = fallback;
  field.type = type;
  field.semantic = node.IsScalar() ? node.Scalar() : node["type"].Scalar();
  field.mask = GetSemanticType(*FindSemanticType(field.semantic)).masks[0];
  if (node.IsScalar()) return field;
  if (node["mask"]) field.mask = *FindMask(node["mask"].Scalar());
  const std::string index = Word(node["index"], "false");
  field.index = Flag(node["unique"], false) || index != "false";
  field.comm_secret = Word(node["class"]) == "comm_secret";
  field.never_read = Word(node["read"]) == "never" || Word(node["store"]) == "one_way";
  // What nobody is shown has no tokens unless the text asks for them.
  const bool hidden = field.comm_secret || field.never_read;
  field.tokens = Word(node["token"], hidden ? "none" : "random") != "none";
  field.retired = Flag(node["retired"], false);
  if (node["channels"]) field.channels = Words(node["channels"]);
  if (node["history"]) field.history = node["history"].Scalar() != "none";
  // Of what nobody reads none is kept, whatever the type says.
  if (field.never_read || Word(node["store"]) == "one_way") field.history = false;
  return field;
}

void ReadTypes(const YAML::Node& types, Text& text) {
  for (const auto& type : types) {
    const std::string name = type.first.Scalar();
    text.types.push_back(name);
    Field fallback;
    fallback.channels = Words(type.second["channels"]);
    fallback.history = Word(type.second["history"], "none") != "none";
    for (const auto& field : type.second["fields"]) {
      text.fields[name + "." + field.first.Scalar()] = ReadField(name, field.second, fallback);
    }
  }
}

// A kind, or {kind, state}; without a state the first one of the kind.
std::vector<MatterNeed> ReadMatterNeeds(const YAML::Node& node, const Text& text) {
  std::vector<MatterNeed> needs;
  for (const YAML::Node& item : Items(node)) {
    MatterNeed need;
    need.kind = item.IsScalar() ? item.Scalar() : item["kind"].Scalar();
    if (item.IsMap()) need.states = Words(item["state"]);
    if (need.states.empty()) need.states = {text.matters.at(need.kind).states[0]};
    needs.push_back(need);
  }
  return needs;
}

Names Without(Names names, const std::string& name) {
  std::erase(names, name);
  return names;
}

Purpose ReadPurpose(const std::string& name, const YAML::Node& node, const Text& text) {
  Purpose purpose;
  purpose.name = name;
  if (!node.IsMap()) return purpose;
  purpose.needs = Words(node["needs"]);
  purpose.ticket = Has(purpose.needs, "ticket");
  purpose.needs = Without(purpose.needs, "ticket");
  purpose.matters = ReadMatterNeeds(node["matter"], text);
  purpose.consent = Word(node["consent"]) == "required";
  purpose.despite_notice = Flag(node["despite_notice"], false);
  purpose.follows = Words(node["follows"]);
  return purpose;
}

Role ReadRole(const std::string& name, const YAML::Node& node, const Names& nda_not_stated,
              const Text& text) {
  Role role;
  role.name = name;
  role.kind = node["kind"].Scalar();
  role.scope = Word(node["scope"], role.kind == "subject" ? "own_record" : "");
  role.employment = Words(node["employment"]);
  role.duties = Words(node["duty"]);
  role.department = Word(node["department"]);
  role.per_department = Word(node["per"]) == "department";
  role.nda = Words(node["nda"]);
  if (role.nda == Names{"none"}) role.nda.clear();
  if (role.nda == Names{"not_stated"}) role.nda = nda_not_stated;
  role.equivalent_needs_nda = Flag(node["equivalent_needs_nda"], true);
  role.attested = Words(node["attested"]);
  role.needs = Words(node["needs"]);
  role.matters = ReadMatterNeeds(node["matter"], text);
  role.access = Word(node["access"], "direct");
  role.break_glass = !Word(node["break_glass"]).empty();
  return role;
}

Grant ReadGrant(const YAML::Node& node, const Text& text) {
  Grant grant;
  grant.id = node["id"].Scalar();
  grant.role = node["role"].Scalar();
  for (const std::string& verb : Words(node["may"])) {
    grant.verbs.push_back(verb);
    for (const std::string& implied : Verbs().at(verb).implies) grant.verbs.push_back(implied);
  }
  grant.fields = Expand(text, Words(node["fields"]));
  grant.types = Words(node["types"]);
  for (const std::string& field : grant.fields) {
    const std::string type = text.fields.at(field).type;
    if (!Has(grant.types, type)) grant.types.push_back(type);
  }
  grant.purposes = Words(node["for"]);
  grant.view = Word(node["view"], "plain");
  grant.when = Words(node["when"]);
  return grant;
}

Consent ReadConsent(const YAML::Node& node, const Text& text) {
  Consent consent;
  consent.id = node["id"].Scalar();
  consent.events = Words(node["event"]);
  consent.fields = Expand(text, Words(node["fields"]));
  consent.when = Word(node["when"]);
  consent.who = Word(node["who"]);
  consent.under_age = std::atoi(Word(node["under_age"], "0").c_str());
  consent.scope = Word(node["scope"]);
  return consent;
}

// "30d", "6w", "3mo", "5y" or "30" after `day`.
absl::CivilDay After(absl::CivilDay day, const std::string& lasts) {
  char* unit = nullptr;
  const long count = std::strtol(lasts.c_str(), &unit, 10);
  const std::string name = unit;
  if (name == "w") return day + 7 * count;
  if (name == "mo") {
    return absl::CivilDay(day.year(), static_cast<int>(day.month() + count), day.day());
  }
  if (name == "y") return absl::CivilDay(day.year() + count, day.month(), day.day());
  return day + count;
}

void ReadAcknowledgement(const YAML::Node& node, Text& text) {
  if (!node) return;
  text.acknowledged_document = node["document"].Scalar();
  absl::CivilDay from;
  absl::ParseCivilTime(node["from"].Scalar(), &from);
  text.acknowledged_by = text.EndOfDay(After(from, node["within"].Scalar()));
}

void ReadIntake(const YAML::Node& transport, Text& text) {
  if (!transport || !transport["intake"]) return;
  const YAML::Node intake = transport["intake"];
  text.intake = true;
  text.allow_plain = Word(intake["allow_plain"], "never");
  text.record_channel = Flag(intake["record_channel"], false);
}

}  // namespace

bool Has(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::map<std::string, Verb>& Verbs() {
  // name, {on, purpose, shows, uses, writes, by_index, by_token, implies}
  static const auto* const verbs = new std::map<std::string, Verb>{
      {"create", {"fields", "required", false, false, true, false, false, {}}},
      {"update", {"fields", "required", false, false, true, false, false, {"read_metadata"}}},
      {"tokenize", {"fields", "required", false, false, true, false, true, {}}},
      {"reveal", {"fields", "required", true, true, false, false, false, {"read_metadata"}}},
      {"reveal_history",
       {"fields", "required", true, true, false, false, false, {"read_metadata"}}},
      {"detokenize", {"fields", "required", true, true, false, false, true, {}}},
      {"download",
       {"fields", "required", true, true, false, false, false, {"read_metadata", "list"}}},
      {"send_list", {"fields", "required", true, true, false, false, false, {}}},
      {"redeem", {"fields", "required", true, true, false, false, false, {}}},
      {"lookup", {"fields", "required", false, true, false, true, false, {"read_metadata"}}},
      {"search", {"fields", "required", false, true, false, true, false, {"read_metadata"}}},
      {"verify", {"fields", "required", false, true, false, false, false, {}}},
      {"aggregate", {"fields", "required", false, true, false, false, false, {}}},
      {"pseudonymize", {"fields", "required", false, true, false, false, false, {}}},
      {"bulk_move", {"fields", "required", false, true, false, false, false, {}}},
      {"export", {"fields", "required", false, true, false, false, false, {}}},
      {"stop_use", {"fields", "required", false, false, false, false, false, {}}},
      {"resume_use", {"fields", "required", false, false, false, false, false, {}}},
      {"rights_request", {"fields", "required", false, false, false, false, false, {}}},
      {"read_metadata", {"types", "no", false, false, false, false, false, {}}},
      {"list", {"types", "optional", false, true, false, false, false, {"read_metadata"}}},
      {"delete", {"types", "optional", false, false, false, false, false, {"read_metadata"}}},
      {"unsubscribe", {"types", "optional", false, false, false, false, false, {}}},
      {"read_subject", {"tenant", "no", false, false, false, false, false, {}}},
      {"delete_subject",
       {"tenant", "optional", false, false, false, false, false, {"read_subject"}}},
      {"update_subject",
       {"tenant", "optional", false, false, false, false, false, {"read_subject"}}},
      {"record_consent", {"tenant", "optional", false, false, false, false, false, {}}},
      {"read_disclosures", {"tenant", "optional", false, false, false, false, false, {}}},
      {"manage_matters", {"tenant", "optional", false, false, false, false, false, {}}},
      {"read_audit", {"tenant", "optional", false, false, false, false, false, {}}},
      {"approve_grant", {"tenant", "optional", false, false, false, false, false, {}}},
      {"approve_exception", {"tenant", "optional", false, false, false, false, false, {}}},
      {"approve_purpose", {"tenant", "optional", false, false, false, false, false, {}}},
      {"select_destruction", {"tenant", "optional", false, false, false, false, false, {}}},
      {"approve_destruction", {"tenant", "optional", false, false, false, false, false, {}}},
  };
  return *verbs;
}

const Purpose* Text::FindPurpose(const std::string& name) const {
  for (const Purpose& purpose : purposes) {
    if (purpose.name == name) return &purpose;
  }
  return nullptr;
}

const Role* Text::FindRole(const std::string& name) const {
  for (const Role& role : roles) {
    if (role.name == name) return &role;
  }
  return nullptr;
}

const Consent* Text::FindConsent(const std::string& name) const {
  for (const Consent& consent : consents) {
    if (consent.id == name) return &consent;
  }
  return nullptr;
}

Names Text::FieldsOf(const std::string& type) const {
  Names out;
  for (const auto& [name, field] : fields) {
    if (field.type == type) out.push_back(name);
  }
  return out;
}

absl::Time Text::EndOfDay(absl::CivilDay day) const {
  return absl::FromCivil(absl::CivilSecond(day + 1), zone) - absl::Nanoseconds(1);
}

Text Read(const PolicyText& source) {
  const YAML::Node node = WithValues(source);
  Text text;
  text.id = node["policy"].Scalar();
  absl::LoadTimeZone(Word(node["timezone"], "UTC"), &text.zone);
  ReadTypes(node["types"], text);
  for (const auto& group : node["groups"]) {
    text.groups[group.first.Scalar()] = Expand(text, Words(group.second));
  }
  for (const auto& entry : node["matters"]) {
    MatterKind kind;
    kind.about = Word(entry.second["about"], "subject");
    if (entry.second["states"]) kind.states = Words(entry.second["states"]);
    text.matters[entry.first.Scalar()] = kind;
  }
  for (const auto& entry : node["purposes"]) {
    text.purposes.push_back(ReadPurpose(entry.first.Scalar(), entry.second, text));
  }
  Names nda = Words(node["nda_when_not_stated"]);
  if (nda == Names{"none"}) nda.clear();
  for (const auto& entry : node["roles"]) {
    text.roles.push_back(ReadRole(entry.first.Scalar(), entry.second, nda, text));
  }
  for (const auto& grant : node["grants"]) text.grants.push_back(ReadGrant(grant, text));
  text.forbidden_employment = Words(node["forbidden_employment"]);
  text.channels = Words(node["channels"]);
  ReadIntake(node["transport"], text);
  text.notice_required = Flag(node["notice_required"], false);
  for (const auto& entry : node["collection_notices"]) {
    text.notices[entry.first.Scalar()] = Words(entry.second["purposes"]);
  }
  if (const YAML::Node age = node["age"]; age) {
    text.reached_day_before = Word(age["reached"]) == "day_before";
    text.unknown_age_allowed = Word(age["unknown"]) == "allow";
  }
  ReadAcknowledgement(node["acknowledgement"], text);
  if (node["retention_rules"]) text.open_purposes = Words(node["retention_rules"]["open_purposes"]);
  for (const YAML::Node& consent : Items(node["consent"])) {
    text.consents.push_back(ReadConsent(consent, text));
  }
  return text;
}

}  // namespace piivault::authz::naive
