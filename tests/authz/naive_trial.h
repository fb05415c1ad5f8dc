// What one role makes of a call, from the policy's text. Part of naive_decision.h.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_TRIAL_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_TRIAL_H_

#include <cstddef>

#include "tests/authz/naive_decision.h"

namespace piivault::authz::naive {

// The stages are those of decision.h, 7; the last is that all is granted.
struct Result {
  enum Stage { kOperation, kType, kPurpose, kRequest, kSubject, kFields, kGranted };
  Stage stage = kOperation;
  Answer answer;
  size_t granted = 0;
  size_t plain = 0;
};

// `facts` null: the first phase.
Result Try(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_TRIAL_H_
