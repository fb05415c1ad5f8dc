#include "ops/cli/policy_report.h"

#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/cli/text.h"

namespace piivault::ops {
namespace {

// Runs of items that say the same but for their object become one line. `line` is what comes before
// the objects, `rest` what comes behind.
class LineGroups {
 public:
  explicit LineGroups(std::ostream& out) : out_(out) {}
  ~LineGroups() { Flush(); }
  LineGroups(const LineGroups&) = delete;
  LineGroups& operator=(const LineGroups&) = delete;

  void Add(const std::string& heading, const std::string& line, const std::string& object,
           const std::string& rest) {
    if (std::tie(heading, line, rest) != std::tie(heading_, line_, rest_)) {
      Flush();
      if (heading != heading_) out_ << EscapeForTerminal(heading) << "\n";
      heading_ = heading;
      line_ = line;
      rest_ = rest;
    }
    objects_.push_back(object);
  }

 private:
  void Flush() {
    if (objects_.empty()) return;
    out_ << "  "
         << EscapeForTerminal(absl::StrCat(line_, " ", absl::StrJoin(objects_, ", "), rest_))
         << "\n";
    objects_.clear();
  }

  std::ostream& out_;
  std::string heading_;
  std::string line_;
  std::string rest_;
  std::vector<std::string> objects_;
};

std::string ForPurpose(const std::string& purpose) {
  return purpose.empty() ? "" : absl::StrCat(" for ", purpose);
}

void PrintChanges(const std::vector<authz::CellChange>& changes, std::ostream& out) {
  static constexpr const char* kMarks[] = {"+ ", "- ",
                                           "> wider: ", "< narrower: ", "~ different: "};
  LineGroups lines(out);
  for (const authz::CellChange& change : changes) {
    std::string rest = ForPurpose(change.purpose) + ": ";
    if (change.before.empty() || change.after.empty() || change.before == change.after) {
      rest += change.before.empty() ? change.after : change.before;
    } else {
      absl::StrAppend(&rest, change.before, " -> ", change.after);
    }
    for (const std::string& need : change.needs_added) {
      absl::StrAppend(&rest, "; now needs ", need);
    }
    for (const std::string& need : change.needs_removed) {
      absl::StrAppend(&rest, "; no longer needs ", need);
    }
    lines.Add("role " + change.role,
              kMarks[static_cast<size_t>(change.kind)] + std::string(authz::VerbName(change.verb)),
              change.object, rest);
  }
}

void WriteReason(authz::Reason reason, JsonWriter* json) {
  const authz::ReasonInfo& info = authz::GetReason(reason);
  json->Member("reason", info.name).Member("meaning", info.meaning).Member("remedy", info.remedy);
}

void WriteObjects(const authz::Policy& policy, const std::vector<authz::ObjectExplanation>& objects,
                  JsonWriter* json) {
  json->Key("objects").BeginArray();
  for (const authz::ObjectExplanation& object : objects) {
    json->BeginObject().Member("object", object.object);
    json->Member("view", authz::ViewName(object.view));
    if (object.view == authz::View::kDenied) {
      json->Member("reason", authz::ReasonName(object.reason));
    }
    if (object.grant != nullptr) {
      json->Member("grant", object.grant->id).Member("clause", object.grant->origin.clause);
    }
    json->Key("nearest").BeginArray();
    for (const authz::NearGrant& near : object.nearest) {
      json->BeginObject()
          .Member("grant", near.grant->id)
          .Member("clause", near.grant->origin.clause)
          .Member("role", policy.roles()[near.grant->role].name)
          .Member("missing", near.missing)
          .EndObject();
    }
    json->EndArray().EndObject();
  }
  json->EndArray();
}

}  // namespace

void PrintDiff(const authz::PolicyDiff& diff, std::ostream& out) {
  PrintChanges(diff.cells, out);
  if (!diff.settings.empty()) out << "settings\n";
  for (const authz::SettingChange& change : diff.settings) {
    out << "  " << EscapeForTerminal(authz::DescribeChange(change)) << "\n";
  }
  if (diff.empty()) {
    out << "the two mean the same\n";
    return;
  }
  out << diff.granted << " newly granted, " << diff.revoked << " no longer granted, "
      << diff.changed << " granted differently, " << diff.settings.size() << " settings\n";
  if (diff.incomplete) out << "the policies are too large: there may be more\n";
}

void WriteDiff(const authz::PolicyDiff& diff, JsonWriter* json) {
  json->BeginObject();
  json->Key("granted").Number(static_cast<int64_t>(diff.granted));
  json->Key("revoked").Number(static_cast<int64_t>(diff.revoked));
  json->Key("changed").Number(static_cast<int64_t>(diff.changed));
  json->Key("cells").BeginArray();
  for (const authz::CellChange& change : diff.cells) {
    json->BeginObject()
        .Member("change", authz::CellChangeKindName(change.kind))
        .Member("role", change.role)
        .Member("verb", authz::VerbName(change.verb))
        .Member("object", change.object)
        .Member("purpose", change.purpose)
        .Member("before", change.before)
        .Member("after", change.after)
        .Member("needs_added", change.needs_added)
        .Member("needs_removed", change.needs_removed)
        .EndObject();
  }
  json->EndArray().Key("settings").BeginArray();
  for (const authz::SettingChange& change : diff.settings) {
    json->BeginObject()
        .Member("about", change.about)
        .Member("what", change.what)
        .Member("before", change.before)
        .Member("after", change.after)
        .EndObject();
  }
  json->EndArray().EndObject();
}

void PrintCells(const authz::Policy& policy, std::ostream& out) {
  LineGroups lines(out);
  authz::VisitCells(policy, [&](const authz::PolicyCell& cell) {
    std::string rest = ForPurpose(cell.purpose == nullptr ? "" : cell.purpose->name);
    absl::StrAppend(&rest, ": ", authz::DescribeWays(cell.verb, cell.ways));
    const auto needs = authz::CellNeeds(policy, *cell.role, cell.verb, cell.purpose);
    if (!needs.empty()) absl::StrAppend(&rest, "; needs ", absl::StrJoin(needs, ", "));
    lines.Add("role " + cell.role->name, std::string(authz::VerbName(cell.verb)),
              authz::CellObject(policy, cell), rest);
    return true;
  });
}

void WriteCells(const authz::Policy& policy, JsonWriter* json) {
  json->BeginArray();
  authz::VisitCells(policy, [&](const authz::PolicyCell& cell) {
    json->BeginObject()
        .Member("role", cell.role->name)
        .Member("verb", authz::VerbName(cell.verb))
        .Member("object", authz::CellObject(policy, cell))
        .Member("purpose", cell.purpose == nullptr ? "" : cell.purpose->name)
        .Member("needs", authz::CellNeeds(policy, *cell.role, cell.verb, cell.purpose));
    json->Key("ways").BeginArray();
    for (const authz::CellWay& way : cell.ways) {
      std::vector<std::string> when;
      for (authz::Condition condition : way.when) when.emplace_back(ConditionName(condition));
      json->BeginObject().Member("grant", way.grant->id).Member("clause", way.grant->origin.clause);
      if (authz::GetVerb(cell.verb).outputs_values) json->Member("view", ViewName(way.view));
      json->Member("when", when).EndObject();
    }
    json->EndArray().EndObject();
    return true;
  });
  json->EndArray();
}

void WriteExplanation(const authz::Policy& policy, const authz::Explanation& explanation,
                      JsonWriter* json) {
  const authz::Decision& decision = explanation.decision;
  json->BeginObject();
  json->Member("verdict", decision.granted()   ? "granted"
                          : decision.partial() ? "partial"
                                               : "refused");
  WriteReason(decision.reason, json);
  json->Member("policy", policy.hash_hex());
  json->Member("role", decision.role == nullptr ? "" : decision.role->name);
  WriteObjects(policy, explanation.objects, json);
  json->Key("roles").BeginArray();
  for (const authz::RoleExplanation& role : explanation.roles) {
    json->BeginObject().Member("role", role.role).Key("admitted").Bool(role.admitted);
    WriteReason(role.reason, json);
    json->Member("asks", role.asks);
    WriteObjects(policy, role.objects, json);
    json->EndObject();
  }
  json->EndArray().EndObject();
}

}  // namespace piivault::ops
