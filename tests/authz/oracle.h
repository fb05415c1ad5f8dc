// The rules of decision.h written down a second time, slowly and without the compiled tables: no
// bitsets, no cells, no shared code beyond the policy's structs. Tests compare the two.
#ifndef PIIVAULT_TESTS_AUTHZ_ORACLE_H_
#define PIIVAULT_TESTS_AUTHZ_ORACLE_H_

#include <string>
#include <vector>

#include "authz/decision.h"

namespace piivault::authz {

struct OracleField {
  bool granted = false;
  View view = View::kDenied;
  Reason reason = Reason::kOk;
  std::string grant;
};

struct OracleDecision {
  Reason reason = Reason::kOk;
  std::string role;
  std::vector<OracleField> fields;
};

// `facts` null: the first phase.
OracleDecision OracleDecide(const Policy& policy, const DecisionInput& input,
                            const SubjectFacts* facts);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_ORACLE_H_
