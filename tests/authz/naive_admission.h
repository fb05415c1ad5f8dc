// Whether a caller fulfils what a role asks for, from the policy's text. Part of naive_decision.h.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_ADMISSION_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_ADMISSION_H_

#include "authz/decision.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz::naive {

Reason Admit(const Text& text, const Role& role, const DecisionInput& in);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_ADMISSION_H_
