#include "authz/policy_cells.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/compiled_policy.h"
#include "authz/policy_settings.h"
#include "authz/vocabulary.h"

namespace piivault::authz {
namespace {

// Whether a call that `later` would grant is granted as much by `earlier`, which stands before it.
bool Covers(const CellWay& earlier, const CellWay& later) {
  return earlier.view >= later.view && std::includes(later.when.begin(), later.when.end(),
                                                     earlier.when.begin(), earlier.when.end());
}

CellWay WayOf(const Policy& policy, const Slice& slice) {
  CellWay way{&policy.grants()[slice.grant], slice.view, {}};
  for (size_t i = 0; i < kConditionCount; ++i) {
    if (((slice.conditions >> i) & 1) != 0) way.when.push_back(static_cast<Condition>(i));
  }
  return way;
}

}  // namespace

size_t CellTable::objects(Verb verb) const {
  switch (GetVerb(verb).target) {
    case VerbTarget::kFields:
      return policy_.field_count();
    case VerbTarget::kType:
      return policy_.type_count();
    case VerbTarget::kTenant:
      return 1;
  }
  return 0;
}

const std::string& CellTable::ObjectName(Verb verb, size_t object) const {
  static const std::string kTenant;
  switch (GetVerb(verb).target) {
    case VerbTarget::kFields:
      return policy_.field(static_cast<FieldId>(object)).full_name;
    case VerbTarget::kType:
      return policy_.type(static_cast<TypeId>(object)).name;
    case VerbTarget::kTenant:
      break;
  }
  return kTenant;
}

bool CellTable::HasSlot(RoleId role, Verb verb, size_t column) const {
  return policy_.compiled().Find(role, verb, column) != nullptr;
}

std::vector<CellWay> CellTable::Ways(RoleId role, Verb verb, size_t column, size_t object) const {
  std::vector<CellWay> ways;
  const Cell* cell = policy_.compiled().Find(role, verb, column);
  if (cell == nullptr) return ways;
  for (const Slice* slice : cell->SlicesOf(object)) {
    CellWay way = WayOf(policy_, *slice);
    const bool covered = std::any_of(ways.begin(), ways.end(),
                                     [&](const CellWay& earlier) { return Covers(earlier, way); });
    if (!covered) ways.push_back(std::move(way));
  }
  return ways;
}

void VisitCells(const Policy& policy, const std::function<bool(const PolicyCell&)>& visit) {
  const CellTable table(policy);
  for (const RoleSpec& role : policy.roles()) {
    for (const VerbInfo& verb : kVerbs) {
      for (size_t column = 0; column < table.columns(); ++column) {
        if (!table.HasSlot(role.id, verb.id, column)) continue;
        for (size_t object = 0; object < table.objects(verb.id); ++object) {
          PolicyCell cell;
          cell.ways = table.Ways(role.id, verb.id, column, object);
          if (cell.ways.empty()) continue;
          cell.role = &role;
          cell.verb = verb.id;
          if (column > 0) cell.purpose = &policy.purposes()[column - 1];
          if (verb.target == VerbTarget::kFields) {
            cell.field = static_cast<FieldId>(object);
            cell.type = policy.field(cell.field).type;
          } else if (verb.target == VerbTarget::kType) {
            cell.type = static_cast<TypeId>(object);
          }
          if (!visit(cell)) return;
        }
      }
    }
  }
}

std::vector<std::string> CellNeeds(const Policy& policy, const RoleSpec& role, Verb verb,
                                   const PurposeSpec* purpose) {
  std::vector<std::string> needs;
  if (GetVerb(verb).purpose == Need::kNo) return needs;
  if (role.needs_ticket || (purpose != nullptr && purpose->needs_ticket)) needs.push_back("ticket");
  if (purpose != nullptr) {
    for (const std::string& need : purpose->needs) {
      needs.push_back(absl::StrCat("argument ", need));
    }
    if (!purpose->parents.empty()) {
      needs.push_back(
          absl::StrCat("parent ", absl::StrJoin(PurposeNames(policy, purpose->parents), " or ")));
    }
    if (!purpose->matters.empty()) {
      needs.push_back(
          absl::StrCat("matter ", absl::StrJoin(MatterNames(policy, purpose->matters), " or ")));
    }
  }
  if (!role.matters.empty()) {
    std::string matter =
        absl::StrCat("matter ", absl::StrJoin(MatterNames(policy, role.matters), " or "));
    if (std::find(needs.begin(), needs.end(), matter) == needs.end()) {
      needs.push_back(std::move(matter));
    }
  }
  if (purpose != nullptr && purpose->consent) needs.push_back("consent");
  return needs;
}

std::string_view ViewName(View view) {
  switch (view) {
    case View::kDenied:
      return "denied";
    case View::kMasked:
      return "masked";
    case View::kToken:
      return "token";
    case View::kPlain:
      return "plain";
  }
  return "denied";
}

std::string_view ConditionName(Condition condition) {
  static_assert(vocabulary::kConditions.size() == kConditionCount);
  return vocabulary::kConditions[static_cast<size_t>(condition)];
}

std::string CellObject(const Policy& policy, const PolicyCell& cell) {
  if (cell.field != kNoField) return policy.field(cell.field).full_name;
  return cell.type != kNoType ? policy.type(cell.type).name : "tenant";
}

std::string DescribeWay(Verb verb, const CellWay& way) {
  std::string text = GetVerb(verb).outputs_values ? std::string(ViewName(way.view)) : "granted";
  if (!way.when.empty()) {
    absl::StrAppend(&text, " if ",
                    absl::StrJoin(way.when, ", ", [](std::string* out, Condition condition) {
                      out->append(ConditionName(condition));
                    }));
  }
  absl::StrAppend(&text, " by grant ", way.grant->id);
  if (!way.grant->origin.clause.empty()) {
    absl::StrAppend(&text, " (", way.grant->origin.clause, ")");
  }
  return text;
}

std::string DescribeWays(Verb verb, const std::vector<CellWay>& ways) {
  return absl::StrJoin(ways, "; ", [verb](std::string* out, const CellWay& way) {
    out->append(DescribeWay(verb, way));
  });
}

}  // namespace piivault::authz
