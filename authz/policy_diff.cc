#include "authz/policy_diff.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "authz/compiled_policy.h"
#include "authz/policy_builder.h"
#include "authz/policy_settings.h"

namespace piivault::authz {
namespace {

// A name with its number in each of the two policies; nullopt where it is not there.
struct Pair {
  std::string name;
  std::optional<size_t> before;
  std::optional<size_t> after;
};

// Names of both: those of `after` in its order, then the others.
std::vector<Pair> PairUp(const std::vector<std::string>& before,
                         const std::vector<std::string>& after) {
  std::vector<Pair> pairs;
  std::map<std::string, size_t> at;
  for (size_t i = 0; i < after.size(); ++i) {
    at.emplace(after[i], pairs.size());
    pairs.push_back({after[i], std::nullopt, i});
  }
  for (size_t i = 0; i < before.size(); ++i) {
    auto [it, fresh] = at.emplace(before[i], pairs.size());
    if (fresh) {
      pairs.push_back({before[i], i, std::nullopt});
    } else {
      pairs[it->second].before = i;
    }
  }
  return pairs;
}

template <typename List>
std::vector<std::string> NamesOf(const List& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.push_back(item.name);
  return names;
}

std::vector<std::string> ObjectNames(const CellTable& table, Verb verb) {
  std::vector<std::string> names;
  for (size_t i = 0; i < table.objects(verb); ++i) names.push_back(table.ObjectName(verb, i));
  return names;
}

bool SameWays(const std::vector<CellWay>& a, const std::vector<CellWay>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const CellWay& x, const CellWay& y) {
    return x.view == y.view && x.when == y.when;
  });
}

// Whether each way of `less` is granted as much by some way of `more`.
bool AsWide(const std::vector<CellWay>& more, const std::vector<CellWay>& less) {
  return std::all_of(less.begin(), less.end(), [&](const CellWay& way) {
    return std::any_of(more.begin(), more.end(), [&](const CellWay& other) {
      return other.view >= way.view &&
             std::includes(way.when.begin(), way.when.end(), other.when.begin(), other.when.end());
    });
  });
}

std::vector<std::string> Minus(const std::vector<std::string>& a,
                               const std::vector<std::string>& b) {
  std::vector<std::string> rest;
  for (const std::string& item : a) {
    if (std::find(b.begin(), b.end(), item) == b.end()) rest.push_back(item);
  }
  return rest;
}

class Differ {
 public:
  Differ(const Policy& before, const Policy& after, const DiffLimits& limits)
      : before_(before), after_(after), limits_(limits) {}

  PolicyDiff Run();

 private:
  struct Needs {
    std::vector<std::string> added;
    std::vector<std::string> removed;
  };

  void CompareCells();
  // One slot of two policies. False when no more work is allowed.
  bool CompareSlot(const Pair& role, Verb verb, const Pair& column);
  Needs CompareNeeds(const Pair& role, Verb verb, const Pair& column) const;
  void Add(CellChange change);
  void CompareSettings();

  const CellTable before_;
  const CellTable after_;
  const DiffLimits& limits_;
  std::vector<Pair> objects_[3];  // By VerbTarget.
  size_t visits_ = 0;
  PolicyDiff diff_;
};

PolicyDiff Differ::Run() {
  CompareSettings();
  for (const Verb verb : {Verb::kReveal, Verb::kList, Verb::kReadSubject}) {
    objects_[static_cast<size_t>(GetVerb(verb).target)] =
        PairUp(ObjectNames(before_, verb), ObjectNames(after_, verb));
  }
  CompareCells();
  return std::move(diff_);
}

void Differ::CompareCells() {
  std::vector<std::string> old_columns = NamesOf(before_.policy().purposes());
  std::vector<std::string> new_columns = NamesOf(after_.policy().purposes());
  old_columns.insert(old_columns.begin(), "");
  new_columns.insert(new_columns.begin(), "");
  const std::vector<Pair> columns = PairUp(old_columns, new_columns);
  for (const Pair& role :
       PairUp(NamesOf(before_.policy().roles()), NamesOf(after_.policy().roles()))) {
    for (const VerbInfo& verb : kVerbs) {
      for (const Pair& column : columns) {
        if (!CompareSlot(role, verb.id, column)) {
          diff_.incomplete = true;
          return;
        }
      }
    }
  }
}

bool Differ::CompareSlot(const Pair& role, Verb verb, const Pair& column) {
  const auto there = [&](const CellTable& table, std::optional<size_t> r, std::optional<size_t> c) {
    return r.has_value() && c.has_value() && table.HasSlot(static_cast<RoleId>(*r), verb, *c);
  };
  const bool old_slot = there(before_, role.before, column.before);
  const bool new_slot = there(after_, role.after, column.after);
  if (!old_slot && !new_slot) return true;
  const Needs needs = old_slot && new_slot ? CompareNeeds(role, verb, column) : Needs{};
  const bool same_needs = needs.added.empty() && needs.removed.empty();
  bool any_before = false;
  bool any_after = false;
  for (const Pair& object : objects_[static_cast<size_t>(GetVerb(verb).target)]) {
    if (++visits_ > limits_.max_visits) return false;
    std::vector<CellWay> was;
    std::vector<CellWay> is;
    if (old_slot && object.before.has_value()) {
      was = before_.Ways(static_cast<RoleId>(*role.before), verb, *column.before, *object.before);
    }
    if (new_slot && object.after.has_value()) {
      is = after_.Ways(static_cast<RoleId>(*role.after), verb, *column.after, *object.after);
    }
    any_before = any_before || !was.empty();
    any_after = any_after || !is.empty();
    if (was.empty() && is.empty()) continue;
    const bool same_ways = SameWays(was, is);
    if (same_ways && same_needs) continue;
    CellChange change{CellChangeKind::kDifferent,
                      role.name,
                      verb,
                      object.name.empty() ? "tenant" : object.name,
                      column.name,
                      DescribeWays(verb, was),
                      DescribeWays(verb, is),
                      {},
                      {}};
    if (was.empty()) {
      change.kind = CellChangeKind::kGranted;
    } else if (is.empty()) {
      change.kind = CellChangeKind::kRevoked;
    } else {
      change.needs_added = needs.added;
      change.needs_removed = needs.removed;
      const bool wider = AsWide(is, was) && needs.added.empty();
      const bool narrower = AsWide(was, is) && needs.removed.empty();
      if (wider != narrower) {
        change.kind = wider ? CellChangeKind::kWider : CellChangeKind::kNarrower;
      }
    }
    Add(std::move(change));
  }
  // A grant that names this and gives nothing: it decides which reason a refusal has.
  const bool idle_before = old_slot && !any_before;
  const bool idle_after = new_slot && !any_after;
  if (idle_before != idle_after) {
    diff_.settings.push_back({absl::StrCat("role ", role.name),
                              absl::StrCat("named without effect: ", std::string(VerbName(verb)),
                                           column.name.empty() ? "" : " for ", column.name),
                              idle_before ? "yes" : "", idle_after ? "yes" : ""});
  }
  return true;
}

Differ::Needs Differ::CompareNeeds(const Pair& role, Verb verb, const Pair& column) const {
  const auto needs_of = [&](const CellTable& table, size_t r, size_t c) {
    const Policy& policy = table.policy();
    return CellNeeds(policy, policy.roles()[r], verb, c == 0 ? nullptr : &policy.purposes()[c - 1]);
  };
  const std::vector<std::string> was = needs_of(before_, *role.before, *column.before);
  const std::vector<std::string> is = needs_of(after_, *role.after, *column.after);
  return {Minus(is, was), Minus(was, is)};
}

void Differ::Add(CellChange change) {
  const CellChangeKind kind = change.kind;
  if (kind == CellChangeKind::kGranted) {
    ++diff_.granted;
  } else if (kind == CellChangeKind::kRevoked) {
    ++diff_.revoked;
  } else {
    ++diff_.changed;
    if (kind == CellChangeKind::kWider) ++diff_.wider;
  }
  const bool wanted =
      !limits_.only_granted || kind == CellChangeKind::kGranted || kind == CellChangeKind::kWider;
  if (wanted && diff_.cells.size() < limits_.max_cells) diff_.cells.push_back(std::move(change));
}

// Whether those that stand in both lists stand in the same order.
bool SameOrder(const std::string& before, const std::string& after) {
  const std::vector<std::string> was = absl::StrSplit(before, ", ");
  const std::vector<std::string> is = absl::StrSplit(after, ", ");
  return Minus(was, Minus(was, is)) == Minus(is, Minus(is, was));
}

void Differ::CompareSettings() {
  std::map<std::pair<std::string, std::string>, std::pair<std::string, std::string>> merged;
  for (Setting& setting : PolicySettings(before_.policy())) {
    merged[{setting.about, setting.what}].first = std::move(setting.value);
  }
  for (Setting& setting : PolicySettings(after_.policy())) {
    merged[{setting.about, setting.what}].second = std::move(setting.value);
  }
  for (auto& [key, values] : merged) {
    auto& [was, is] = values;
    if (was == is) continue;
    // What is new or gone shows as itself.
    if (key.second.starts_with("order of ") && SameOrder(was, is)) continue;
    diff_.settings.push_back({key.first, key.second, was, is});
  }
}

}  // namespace

std::shared_ptr<const Policy> PolicyOfNothing() {
  Diagnostics diagnostics;
  return PolicyBuilder(PolicyText(), &diagnostics).BuildNothing();
}

std::shared_ptr<const Policy> PolicyBuilder::BuildNothing() {
  policy_->header_.id = "none";
  policy_->compiled_ = std::make_unique<const CompiledPolicy>(*policy_);
  return policy_;
}

PolicyDiff DiffPolicies(const Policy& before, const Policy& after, const DiffLimits& limits) {
  return Differ(before, after, limits).Run();
}

std::string_view CellChangeKindName(CellChangeKind kind) {
  switch (kind) {
    case CellChangeKind::kGranted:
      return "granted";
    case CellChangeKind::kRevoked:
      return "revoked";
    case CellChangeKind::kWider:
      return "wider";
    case CellChangeKind::kNarrower:
      return "narrower";
    case CellChangeKind::kDifferent:
      return "different";
  }
  return "different";
}

std::string DescribeChange(const CellChange& change) {
  static constexpr const char* kMarks[] = {"+", "-", "> wider:", "< narrower:", "~ different:"};
  std::string text = absl::StrCat(kMarks[static_cast<size_t>(change.kind)], " ", change.role,
                                  " may ", std::string(VerbName(change.verb)), " ", change.object);
  if (!change.purpose.empty()) absl::StrAppend(&text, " for ", change.purpose);
  const std::string& only = change.before.empty() ? change.after : change.before;
  if (change.before.empty() || change.after.empty() || change.before == change.after) {
    absl::StrAppend(&text, ": ", only);
  } else {
    absl::StrAppend(&text, ": ", change.before, " -> ", change.after);
  }
  for (const std::string& need : change.needs_added) absl::StrAppend(&text, "; now needs ", need);
  for (const std::string& need : change.needs_removed) {
    absl::StrAppend(&text, "; no longer needs ", need);
  }
  return text;
}

std::string DescribeChange(const SettingChange& change) {
  return absl::StrCat(change.about, ": ", change.what, ": ",
                      change.before.empty() ? "-" : change.before, " -> ",
                      change.after.empty() ? "-" : change.after);
}

}  // namespace piivault::authz
