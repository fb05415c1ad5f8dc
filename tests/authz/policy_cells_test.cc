#include "authz/policy_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <random>
#include <string>
#include <vector>

#include "authz/policy_diff.h"
#include "tests/authz/named_calls.h"
#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::shared_ptr<const Policy> LoadText(const std::string& yaml) {
  PolicyText text;
  text.yaml = yaml;
  Diagnostics diagnostics;
  auto policy = Policy::Load(text, &diagnostics);
  EXPECT_NE(policy, nullptr) << diagnostics.ToString();
  return policy;
}

// The test policy with one text put in the place of another.
std::shared_ptr<const Policy> Changed(std::string_view from, std::string_view to) {
  std::string yaml(kTestPolicy);
  const size_t at = yaml.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return LoadText(yaml.replace(at, from.size(), to));
}

std::vector<std::string> Lines(const PolicyDiff& diff) {
  std::vector<std::string> lines;
  for (const CellChange& change : diff.cells) lines.push_back(DescribeChange(change));
  for (const SettingChange& change : diff.settings) lines.push_back(DescribeChange(change));
  return lines;
}

std::vector<std::string> LinesOf(std::string_view from, std::string_view to) {
  const auto changed = Changed(from, to);
  return Lines(DiffPolicies(*LoadTestPolicy(), *changed));
}

std::string CellLine(const Policy& policy, const PolicyCell& cell) {
  return cell.role->name + " " + std::string(VerbName(cell.verb)) + " " + CellObject(policy, cell) +
         " " + (cell.purpose == nullptr ? "-" : cell.purpose->name) + ": " +
         DescribeWays(cell.verb, cell.ways);
}

TEST(PolicyCellsTest, ShowWhatIsGranted) {
  const auto policy = LoadTestPolicy();
  std::vector<std::string> lines;
  VisitCells(*policy, [&](const PolicyCell& cell) {
    lines.push_back(CellLine(*policy, cell));
    return true;
  });
  EXPECT_THAT(lines, Contains("engineer reveal user.email work: plain by grant eng"));
  EXPECT_THAT(lines, Contains("engineer update user.secret work: granted by grant eng"));
  EXPECT_THAT(lines, Contains("app delete user send: granted by grant app-list"));
  EXPECT_THAT(lines, Contains("app delete user -: granted by grant app-list"));
  EXPECT_THAT(lines, Contains("app delete mail option: granted by grant app-option"));
  EXPECT_THAT(lines, Contains("app delete_subject tenant -: granted by grant app-subject"));
  EXPECT_THAT(lines, Contains("app reveal user.email send: plain if subscribed by grant "
                              "app-reveal; masked by grant app-mask"));
  for (const char* never : {"engineer reveal user.secret", "app search user.phone",
                            "engineer reveal mail.body", "app delete mail -"}) {
    EXPECT_THAT(lines, Not(Contains(HasSubstr(never))));
  }
}

TEST(PolicyCellsTest, EveryCellIsDecidedAsItSays) {
  const auto policy = LoadTestPolicy();
  size_t cells = 0;
  VisitCells(*policy, [&](const PolicyCell& cell) {
    if (!cell.role->assignable) return true;
    ++cells;
    Call call(policy, cell.role->name);
    call.verb = cell.verb;
    call.purpose = cell.purpose == nullptr ? "" : cell.purpose->name;
    call.arguments = {{"option_id", "X-1"}};
    call.type = cell.type == kNoType ? "" : policy->type(cell.type).name;
    call.fields.clear();
    if (cell.field != kNoField) call.fields = {policy->field(cell.field).name};
    call.on_behalf_of = cell.role->kind == RoleKind::kSubject ? call.subject_name : "";
    call.facts.department = call.person.department;
    const ConsentFact yes{.purpose = call.purpose, .given = absl::InfinitePast()};
    call.facts.consents = absl::MakeConstSpan(&yes, 1);
    const Decision decision = DecideWithoutSubject(*policy, call.Input());
    View widest = View::kDenied;
    for (const CellWay& way : cell.ways) widest = std::max(widest, way.view);
    EXPECT_EQ(decision.reason, Reason::kOk) << CellLine(*policy, cell);
    if (!decision.fields.empty()) {
      EXPECT_EQ(decision.fields[0].view, widest) << CellLine(*policy, cell);
    }
    return true;
  });
  EXPECT_GT(cells, 80u);
}

TEST(PolicyCellsTest, NeedsAreThoseOfRoleAndPurpose) {
  const auto policy = LoadTestPolicy();
  const auto needs = [&](const char* role, Verb verb, const char* purpose) {
    return CellNeeds(*policy, *policy->FindRole(role), verb, policy->FindPurpose(purpose));
  };
  EXPECT_THAT(needs("engineer", Verb::kReveal, "work"), ElementsAre("ticket"));
  EXPECT_THAT(needs("app", Verb::kSearch, "option"), ElementsAre("argument option_id"));
  EXPECT_THAT(needs("app", Verb::kSearch, "send"), IsEmpty());
  EXPECT_THAT(needs("engineer", Verb::kReadMetadata, "work"), IsEmpty());
}

TEST(PolicyDiffTest, APolicyDoesNotDifferFromItself) {
  for (const char* stem :
       {"ops/policies/combzmail", "ops/policies/starter", "ops/policies/biglobe",
        "ops/policies/corezo", "ops/policies/priuspro", "ops/policies/sns-helper"}) {
    Diagnostics diagnostics;
    const auto policy = LoadFile(stem, &diagnostics);
    const auto again = LoadFile(stem, &diagnostics);
    ASSERT_NE(policy, nullptr);
    EXPECT_TRUE(DiffPolicies(*policy, *again).empty()) << stem;
    EXPECT_EQ(SemanticHash(*policy), SemanticHash(*again));
    EXPECT_THAT(SemanticHash(*policy), SizeIs(32));
  }
}

TEST(PolicyDiffTest, GrantsThatComeAndGo) {
  EXPECT_THAT(LinesOf("fields: [user.name], for: [idle]}\n  - {id: legal",
                      "fields: [user.name, user.phone], for: [idle]}\n  - {id: legal"),
              ElementsAre("+ boss may reveal user.phone for idle: plain by grant boss"));
  EXPECT_THAT(LinesOf("id: app-option, role: app, may: [delete], types: [mail]",
                      "id: app-option, role: app, may: [delete], types: [user]"),
              Contains("- app may delete mail for option: granted by grant app-option"));
  EXPECT_THAT(LinesOf("fields: [user.name], for: [idle]}\n  - {id: legal",
                      "fields: [user.name], for: [idle], view: masked}\n  - {id: legal"),
              ElementsAre("< narrower: boss may reveal user.name for idle: plain by grant boss -> "
                          "masked by grant boss"));
  EXPECT_THAT(LinesOf(", when: [own_department]", ""),
              Contains("> wider: clerk may reveal user.name for idle: plain if own_department by "
                       "grant clerk -> plain by grant clerk"));
}

TEST(PolicyDiffTest, WhatAPurposeAsksForShowsInItsCells) {
  const auto lines = LinesOf("send: {}", "send: {needs: [ticket]}");
  EXPECT_THAT(lines,
              Contains("< narrower: app may lookup user.name for send: granted by grant app; "
                       "now needs ticket"));
  EXPECT_THAT(lines, Contains("purpose send: needs a ticket: - -> yes"));
}

TEST(PolicyDiffTest, SettingsOfRolesFieldsAndThePolicy) {
  EXPECT_THAT(LinesOf("trained: {kind: staff, nda: none", "trained: {kind: staff, nda: pledge"),
              ElementsAre("role trained: nda: - -> pledge"));
  EXPECT_THAT(
      LinesOf("needs: [justification, end_date], holders: 2", "needs: [justification], holders: 3"),
      ElementsAre("role temp: holders: 2 -> 3", "role temp: needs an end date: yes -> -"));
  EXPECT_THAT(LinesOf("phone: phone_number", "phone: {type: phone_number, max: 20}"), SizeIs(1));
  EXPECT_THAT(LinesOf("forbidden_employment: [outsourced]\n", ""),
              ElementsAre("policy: forbidden employment: outsourced -> -"));
  EXPECT_THAT(LinesOf("timezone: Asia/Tokyo", "timezone: UTC"),
              ElementsAre("policy: timezone: Asia/Tokyo -> UTC"));
  // Of two roles that do equally well the first one answers.
  EXPECT_THAT(LinesOf("  app: {kind: service}\n  owner: {kind: tenant}\n",
                      "  owner: {kind: tenant}\n  app: {kind: service}\n"),
              ElementsAre(HasSubstr("policy: order of roles: ")));
}

TEST(PolicyDiffTest, LabelsCommentsClausesAndNamesOfGrantsAreStyle) {
  const auto policy = LoadTestPolicy();
  const std::string hash = SemanticHash(*policy);
  const std::vector<std::pair<std::string_view, std::string_view>> stylistic = {
      {"policy: test\n", "policy: test # a comment\ntitle: A title\n"},
      {"policy: test\n", "policy: test\ntext: {version: v2, revised: 2025-01-02}\n"},
      {"idle: {}", "idle: {label: Nothing, clause: 000-01, note: of no use}"},
      {"{id: boss, role", "{id: chief, clause: 000-02, role"},
      {"  app: {kind: service}", "  app: {kind: service, label: {en: App, ja: アプリ}}"},
      {"fields: [user.name, user.email], for: [stats]",
       "fields: [user.email, user.name], for: stats"},
      {"employment: [officer, full_time, equivalent]",
       "employment: [equivalent, officer, full_time]"},
      {"fields: [user.name], for: [idle]}\n  - {id: legal",
       "fields: [user.name], for: [idle]}\n  - {id: twice, role: boss, may: reveal, fields: "
       "user.name, for: idle}\n  - {id: legal"},
      {"  send: {}\n  option: {needs: [option_id]}\n",
       "  option: {needs: [option_id]}\n  send: {}\n"},
      {"forbidden_employment: [outsourced]\n",
       "forbidden_employment: [outsourced]\ncases:\n  - {as: boss, does: reveal, fields: "
       "[user.name], for: idle, expect: granted}\n"},
  };
  for (const auto& [from, to] : stylistic) {
    const auto changed = Changed(from, to);
    ASSERT_NE(changed, nullptr);
    EXPECT_NE(changed->hash(), policy->hash());
    EXPECT_EQ(SemanticHash(*changed), hash) << to;
    EXPECT_THAT(Lines(DiffPolicies(*policy, *changed)), IsEmpty()) << to;
  }
}

TEST(PolicyDiffTest, AgainstNothingEveryCellIsNew) {
  const auto policy = LoadTestPolicy();
  const auto nothing = PolicyOfNothing();
  ASSERT_NE(nothing, nullptr);
  size_t cells = 0;
  VisitCells(*policy, [&](const PolicyCell&) {
    ++cells;
    return true;
  });
  EXPECT_EQ(DiffPolicies(*nothing, *policy).granted, cells);
  EXPECT_EQ(DiffPolicies(*policy, *nothing).revoked, cells);
}

TEST(PolicyDiffTest, CountsWhatIsBeyondTheLimit) {
  const auto policy = LoadTestPolicy();
  const auto changed = Changed("id: boss, role: boss, may: [reveal], fields: [user.name]",
                               "id: boss, role: boss, may: [reveal], fields: [user.*]");
  const PolicyDiff all = DiffPolicies(*policy, *changed);
  EXPECT_EQ(all.granted, 4u);
  const PolicyDiff some = DiffPolicies(*policy, *changed, {.max_cells = 2});
  EXPECT_THAT(some.cells, SizeIs(2));
  EXPECT_EQ(some.granted, 4u);
  EXPECT_FALSE(some.incomplete);
  const PolicyDiff little = DiffPolicies(*policy, *policy, {.max_visits = 10});
  EXPECT_TRUE(little.incomplete);
  EXPECT_FALSE(little.empty());
  const PolicyDiff gone = DiffPolicies(*changed, *policy, {.only_granted = true});
  EXPECT_THAT(gone.cells, IsEmpty());
  EXPECT_EQ(gone.revoked, 4u);
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

// Every place below `node` where something can be taken out: as steps from the root.
using Path = std::vector<std::string>;
void AddPaths(const YAML::Node& node, const Path& here, std::vector<Path>* out) {
  if (!here.empty()) out->push_back(here);
  const auto deeper = [&](const std::string& step, const YAML::Node& child) {
    Path path = here;
    path.push_back(step);
    AddPaths(child, path, out);
  };
  if (node.IsMap()) {
    for (const auto& entry : node) deeper(entry.first.Scalar(), entry.second);
  } else if (node.IsSequence()) {
    for (size_t i = 0; i < node.size(); ++i) deeper(std::to_string(i), node[i]);
  }
}

void TakeOut(YAML::Node node, const Path& path) {
  std::vector<YAML::Node> way = {node};
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    const YAML::Node& last = way.back();
    way.push_back(last.IsSequence() ? last[std::stoul(path[i])] : last[path[i]]);
  }
  if (way.back().IsSequence()) {
    way.back().remove(std::stoul(path.back()));
  } else {
    way.back().remove(path.back());
  }
}

struct MutationCount {
  int loaded = 0;
  int decided = 0;    // Some call came out differently.
  int different = 0;  // The diff says something.
};

// Takes out each part of the policy in turn. Where any of `calls` comes out differently, the diff
// must not be empty; and it is empty just where the semantic hash is the same. Every `stride`th
// part.
MutationCount TakeOutEach(const PolicyText& text, int call_count, size_t stride = 1) {
  MutationCount count;
  YAML::Node root = YAML::Load(text.yaml);
  RemoveTags(root);
  root.remove("cases");
  PolicyText plain = text;
  plain.yaml = YAML::Dump(root);
  Diagnostics diagnostics;
  const auto policy = Policy::Load(plain, &diagnostics);
  EXPECT_NE(policy, nullptr) << diagnostics.ToString();
  if (policy == nullptr) return count;
  std::mt19937 engine(11);
  std::vector<NamedCall> calls;
  std::vector<std::string> outcomes;
  for (int i = 0; i < call_count; ++i) {
    calls.push_back(RandomNamedCall(*policy, engine));
    outcomes.push_back(calls.back().Outcome(*policy));
  }
  const std::string hash = SemanticHash(*policy);
  std::vector<Path> paths;
  AddPaths(root, {}, &paths);
  for (size_t at = 0; at < paths.size(); at += stride) {
    const Path& path = paths[at];
    YAML::Node mutant = YAML::Clone(root);
    TakeOut(mutant, path);
    PolicyText changed = plain;
    changed.yaml = YAML::Dump(mutant);
    Diagnostics ignored;
    const auto other = Policy::Load(changed, &ignored);
    if (other == nullptr) continue;
    ++count.loaded;
    const PolicyDiff diff = DiffPolicies(*policy, *other);
    std::string where;
    for (const std::string& step : path) where += "/" + step;
    EXPECT_EQ(diff.empty(), SemanticHash(*other) == hash) << where;
    EXPECT_EQ(DiffPolicies(*other, *policy).empty(), diff.empty()) << where;
    count.different += diff.empty() ? 0 : 1;
    for (size_t i = 0; i < calls.size(); ++i) {
      const std::string outcome = calls[i].Outcome(*other);
      if (outcome == outcomes[i]) continue;
      ++count.decided;
      EXPECT_FALSE(diff.empty()) << where << ": " << outcomes[i] << " became " << outcome;
      break;
    }
  }
  return count;
}

TEST(PolicyDiffTest, NothingThatChangesADecisionIsMissing) {
  const MutationCount combzmail = TakeOutEach(ReadPolicy("ops/policies/combzmail"), 300);
  EXPECT_GT(combzmail.loaded, 250);
  EXPECT_GT(combzmail.decided, 80);
  // With matters, derived purposes, notices at collection, consents and an acknowledgement.
  const MutationCount corezo = TakeOutEach(ReadPolicy("ops/policies/corezo"), 300, 7);
  EXPECT_GT(corezo.decided, 15);
  PolicyText text;
  text.yaml = std::string(kTestPolicy);
  const MutationCount test = TakeOutEach(text, 400);
  EXPECT_GT(test.decided, 60);
}

}  // namespace
}  // namespace piivault::authz
