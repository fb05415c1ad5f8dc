#include "ops/cli/policy_matrix.h"

#include <algorithm>
#include <set>
#include <utility>

namespace piivault::ops {
namespace {

Reach ReachOf(const authz::VerbInfo& verb, authz::View view) {
  if (verb.writes) return Reach::kWrites;
  if (!verb.outputs_values) return Reach::kUses;
  return view == authz::View::kPlain   ? Reach::kPlain
         : view == authz::View::kToken ? Reach::kToken
                                       : Reach::kMasked;
}

// Cells that say nothing new: a verb that has no purpose under one, and a grant for any purpose
// under each.
bool Repeats(const authz::PolicyCell& cell) {
  if (cell.purpose == nullptr) return false;
  if (authz::GetVerb(cell.verb).purpose == authz::Need::kNo) return true;
  return std::all_of(cell.ways.begin(), cell.ways.end(),
                     [](const authz::CellWay& way) { return way.grant->purposes.empty(); });
}

}  // namespace

PolicyMatrix::PolicyMatrix(const authz::Policy& policy)
    : policy_(policy),
      rows_(policy.roles().size()),
      reach_(policy.roles().size(), std::vector<Reach>(policy.field_count(), Reach::kNothing)),
      conditional_(policy.roles().size(), std::vector<bool>(policy.field_count(), false)) {
  // Fields, then types, then the tenant: kNoField and kNoType are the largest numbers.
  using Key = std::pair<authz::FieldId, authz::TypeId>;
  std::vector<std::map<Key, Row>> rows(policy.roles().size());
  authz::VisitCells(policy, [&](const authz::PolicyCell& cell) {
    const authz::RoleId role = cell.role->id;
    for (const authz::CellWay& way : cell.ways) {
      if (cell.field == authz::kNoField) break;
      const Reach reach = ReachOf(authz::GetVerb(cell.verb), way.view);
      if (reach < reach_[role][cell.field]) continue;
      const bool better = reach > reach_[role][cell.field];
      reach_[role][cell.field] = reach;
      conditional_[role][cell.field] =
          !way.when.empty() && (better || conditional_[role][cell.field]);
    }
    if (Repeats(cell)) return true;
    Row& row = rows[role][{cell.field, cell.type}];
    row.object = authz::CellObject(policy, cell);
    row.cells[cell.purpose == nullptr ? 0 : cell.purpose->id + size_t{1}].push_back(cell);
    return true;
  });
  for (size_t role = 0; role < rows.size(); ++role) {
    for (auto& [key, row] : rows[role]) rows_[role].push_back(std::move(row));
  }
}

std::vector<size_t> PolicyMatrix::columns(authz::RoleId role) const {
  std::set<size_t> columns;
  for (const Row& row : rows_[role]) {
    for (const auto& [column, cells] : row.cells) columns.insert(column);
  }
  return {columns.begin(), columns.end()};
}

}  // namespace piivault::ops
