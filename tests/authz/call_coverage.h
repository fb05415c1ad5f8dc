// What calls under a policy must come to, so that comparing two decisions over them says something:
// every grant, every reason, every exception to a freeze or a hold and every edge in time. What
// cannot come up under a policy has its reason here, in one table each.
#ifndef PIIVAULT_TESTS_AUTHZ_CALL_COVERAGE_H_
#define PIIVAULT_TESTS_AUTHZ_CALL_COVERAGE_H_

#include <string>
#include <vector>

#include "tests/authz/naive_policy.h"

namespace piivault::authz {

struct Expected {
  std::string name;
  std::string of = "";              // Of an edge: the thing that begins or ends there.
  std::string absent_because = "";  // Why it cannot come up under the policy; empty: it must.
};

// Ids of the grants.
std::vector<Expected> GrantsOf(const naive::Text& text);
// Names of all reasons but OK.
std::vector<Expected> ReasonsOf(const naive::Text& text);
// Who sees a field although it is frozen, or only a law keeps it.
inline constexpr char kSeenByPerson[] = "the person sees what is frozen";
inline constexpr char kSeenByCorrector[] = "who corrects sees what is frozen";
inline constexpr char kKeptSeenByPerson[] = "the person sees what the law keeps";
inline constexpr char kKeptSeenForLaw[] = "who does what the law asks sees what it keeps";
std::vector<Expected> ClosedSeenOf(const naive::Text& text);
// As in GeneratedCall::edges.
std::vector<Expected> EdgesOf(const naive::Text& text);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_CALL_COVERAGE_H_
