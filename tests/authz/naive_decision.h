// The rules of decision.h written down a second time, slowly and from the policy's text: names
// compared with names, lists walked from front to back, nothing compiled and nothing shared with
// authz but the facts that a decision is made of. Tests compare the two.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_DECISION_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_DECISION_H_

#include <string>
#include <vector>

#include "authz/decision.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz::naive {

// A call in names. Of `input`, verb, type, fields and cleared are not read: they are numbers of a
// compiled policy, and stand here by name.
struct Asked {
  const DecisionInput* input = nullptr;
  std::string verb;
  std::string type;  // May name none.
  Names fields;      // Full names; may name none, or one of another type.
  Names cleared;
};

struct Shown {
  View view = View::kDenied;
  Mask mask = Mask::kNone;
  Reason reason = Reason::kOk;
  std::string grant;
};

struct Answer {
  Reason reason = Reason::kOk;
  std::string role;
  std::string grant;  // Of verbs on types and tenants.
  std::vector<Shown> fields;
};

// `facts` null: the first phase.
Answer Decide(const Text& text, const Asked& asked, const SubjectFacts* facts);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_DECISION_H_
