#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "authz/explain.h"
#include "ops/cli/policy_matrix.h"

namespace piivault::ops {
namespace {

// Of text in a table: nothing in it begins markup, a link or another cell.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&') {
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
      continue;
    }
    if (std::string_view("\\`*_{}[]()#|!~").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string Named(const std::string& name, const authz::Labels& labels) {
  const std::string en(authz::LabelIn(labels, "en"));
  const std::string ja(authz::LabelIn(labels, "ja"));
  if (en.empty()) return Escape(name);
  return absl::StrCat(Escape(name), " (", Escape(en == ja ? en : absl::StrCat(en, " / ", ja)), ")");
}

std::string ReachText(Reach reach) {
  static constexpr const char* kWords[] = {"–", "use", "write", "masked", "token", "**plain**"};
  return kWords[static_cast<size_t>(reach)];
}

void AddOverview(const PolicyMatrix& matrix, std::string* out) {
  const authz::Policy& policy = matrix.policy();
  *out += "## Fields and roles\n\n| Field |";
  std::string rule = "\n|---|";
  for (const authz::RoleSpec& role : policy.roles()) {
    absl::StrAppend(out, " ", Named(role.name, role.labels), " |");
    rule += "---|";
  }
  *out += rule + "\n";
  for (const authz::FieldSpec& field : policy.fields()) {
    absl::StrAppend(out, "| ", Escape(field.full_name), " |");
    for (const authz::RoleSpec& role : policy.roles()) {
      absl::StrAppend(out, " ", ReachText(matrix.reach(role.id, field.id)),
                      matrix.conditional(role.id, field.id) ? " \\*" : "", " |");
    }
    *out += "\n";
  }
  *out += "\n\\* under conditions only\n";
}

void AddRole(const PolicyMatrix& matrix, const authz::RoleSpec& role, std::string* out) {
  const authz::Policy& policy = matrix.policy();
  absl::StrAppend(out, "\n## ", Named(role.name, role.labels), "\n\n");
  absl::StrAppend(out, "Asks for: ", Escape(absl::StrJoin(authz::RoleAsks(policy, role), "; ")),
                  "\n\n| Data | Purpose | May | Grant |\n|---|---|---|---|\n");
  for (const PolicyMatrix::Row& row : matrix.rows(role.id)) {
    for (const auto& [column, cells] : row.cells) {
      const std::string purpose = column == 0 ? "–" : policy.purposes()[column - 1].name;
      for (const authz::PolicyCell& cell : cells) {
        std::string how = authz::DescribeWays(cell.verb, cell.ways);
        const auto needs = authz::CellNeeds(policy, role, cell.verb, cell.purpose);
        if (!needs.empty()) absl::StrAppend(&how, "; needs ", absl::StrJoin(needs, ", "));
        absl::StrAppend(out, "| ", Escape(row.object), " | ", Escape(purpose), " | ",
                        Escape(authz::VerbName(cell.verb)), " | ", Escape(how), " |\n");
      }
    }
  }
}

}  // namespace

std::string MatrixMarkdown(const PolicyMatrix& matrix) {
  const authz::Policy& policy = matrix.policy();
  std::string out = absl::StrCat("# ", Named(policy.id(), policy.header().labels), "\n\nSHA-256 ",
                                 policy.hash_hex(), "\n\n");
  AddOverview(matrix, &out);
  for (const authz::RoleSpec& role : policy.roles()) AddRole(matrix, role, &out);
  return out;
}

}  // namespace piivault::ops
