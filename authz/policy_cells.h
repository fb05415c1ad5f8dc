// A policy's grants expanded: what each role may do with each field, type or the tenant for each
// purpose, and what it takes.
//
// A cell is one (role, verb, purpose, object) that some grant gives, with all the ways in which it
// is given. Everything here is read from the tables that the decision reads, so that what is shown
// is what is decided. Pure, deterministic: the policy's own order of roles and purposes, the order
// of verbs, the order of fields.
#ifndef PIIVAULT_AUTHZ_POLICY_CELLS_H_
#define PIIVAULT_AUTHZ_POLICY_CELLS_H_

#include <functional>
#include <string>
#include <vector>

#include "authz/policy.h"

namespace piivault::authz {

// One way in which a cell is granted. Of several whose conditions hold, the one that shows most.
struct CellWay {
  const GrantSpec* grant = nullptr;
  View view = View::kPlain;     // kPlain for verbs that give out no values.
  std::vector<Condition> when;  // In the order of Condition, each once.
};

struct PolicyCell {
  const RoleSpec* role = nullptr;
  Verb verb = Verb::kReveal;
  const PurposeSpec* purpose = nullptr;  // Null: none stated.
  FieldId field = kNoField;              // Of verbs on fields.
  TypeId type = kNoType;                 // Of verbs on fields and types; else the tenant.
  std::vector<CellWay>
      ways;  // In the policy's order. Never empty. None that an earlier one covers.
};

// Where cells are, for whoever wants only some. A slot is (role, verb, column); column 0 is "no
// purpose stated", purpose p is p + 1.
class CellTable {
 public:
  // Borrows the policy.
  explicit CellTable(const Policy& policy) : policy_(policy) {}

  const Policy& policy() const { return policy_; }
  size_t columns() const { return policy_.purposes().size() + 1; }
  // How many objects a verb can have: fields, types, or the one tenant.
  size_t objects(Verb verb) const;
  // "user.email", "user", or "" for the tenant.
  const std::string& ObjectName(Verb verb, size_t object) const;
  // Whether any grant is about this slot, even if it gives no object.
  bool HasSlot(RoleId role, Verb verb, size_t column) const;
  // Empty where nothing is granted. `object` below objects(verb).
  std::vector<CellWay> Ways(RoleId role, Verb verb, size_t column, size_t object) const;

 private:
  const Policy& policy_;
};

// Every cell, until `visit` says false.
void VisitCells(const Policy& policy, const std::function<bool(const PolicyCell&)>& visit);

// What a call must bring for this role and purpose (null: none stated) besides stating the purpose:
// "ticket", "argument option_id", "parent P1 or P5", "matter order (open)", "consent". In this
// order; empty for verbs that have no purpose.
std::vector<std::string> CellNeeds(const Policy& policy, const RoleSpec& role, Verb verb,
                                   const PurposeSpec* purpose);

// "plain", "masked", "token", "denied".
std::string_view ViewName(View view);
// "subscribed", as in policies.
std::string_view ConditionName(Condition condition);
// "user.email", "user", or "tenant".
std::string CellObject(const Policy& policy, const PolicyCell& cell);
// "masked if subscribed, consented by grant mailer-send (000-23)"; the view only where the verb
// gives values out.
std::string DescribeWay(Verb verb, const CellWay& way);
std::string DescribeWays(Verb verb, const std::vector<CellWay>& ways);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_CELLS_H_
