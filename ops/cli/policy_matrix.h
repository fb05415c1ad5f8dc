// A policy as a matrix of who may do what, to read and to print: one page of HTML that needs
// nothing from elsewhere, or Markdown.
#ifndef PIIVAULT_OPS_CLI_POLICY_MATRIX_H_
#define PIIVAULT_OPS_CLI_POLICY_MATRIX_H_

#include <map>
#include <string>
#include <vector>

#include "authz/policy_cells.h"

namespace piivault::ops {

// What a role may do with an object, as one word.
enum class Reach { kNothing, kUses, kWrites, kMasked, kToken, kPlain };

// The cells of a policy, by role, as the pages show them. Borrows the policy.
class PolicyMatrix {
 public:
  // A row of a role's table; the key orders: fields, then types, then the tenant.
  struct Row {
    std::string object;  // "user.email", "user", "tenant"
    // By column: 0 for cells without a purpose, else purpose id + 1.
    std::map<size_t, std::vector<authz::PolicyCell>> cells;
  };

  explicit PolicyMatrix(const authz::Policy& policy);

  const authz::Policy& policy() const { return policy_; }
  // Rows of a role in order; empty where it is granted nothing.
  const std::vector<Row>& rows(authz::RoleId role) const { return rows_[role]; }
  // Columns that some row of the role has.
  std::vector<size_t> columns(authz::RoleId role) const;
  // The most that a role may do with a field, under any purpose and condition.
  Reach reach(authz::RoleId role, authz::FieldId field) const { return reach_[role][field]; }
  // Whether that holds under conditions only.
  bool conditional(authz::RoleId role, authz::FieldId field) const {
    return conditional_[role][field];
  }

 private:
  const authz::Policy& policy_;
  std::vector<std::vector<Row>> rows_;
  std::vector<std::vector<Reach>> reach_;
  std::vector<std::vector<bool>> conditional_;
};

// Every text of the policy is escaped; the page's own Content-Security-Policy allows its one style
// sheet and nothing else. English and Japanese, switched without scripts.
std::string MatrixHtml(const PolicyMatrix& matrix);
std::string MatrixMarkdown(const PolicyMatrix& matrix);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_POLICY_MATRIX_H_
