// Why a call is granted or refused: the decision taken apart for people.
//
// Guarantees: the verdict is the decision's own, and each role's is the decision narrowed to that
// role (DecisionInput::role); nothing is decided a second time here. What would be needed besides
// ("nearest grants") is a hint and no promise. Nothing personal is in it: names of roles, grants,
// fields, purposes and reasons, no values, tickets, arguments, subjects or persons. Pure.
#ifndef PIIVAULT_AUTHZ_EXPLAIN_H_
#define PIIVAULT_AUTHZ_EXPLAIN_H_

#include <string>
#include <string_view>
#include <vector>

#include "authz/decision.h"

namespace piivault::authz {

// A grant that gives what was asked for to other calls.
struct NearGrant {
  const GrantSpec* grant = nullptr;
  // What this call lacks for it: "role engineer", "purpose support", "ticket", "argument
  // option_id", "condition subscribed", …
  std::vector<std::string> missing;
};

// What became of one thing that was asked for.
struct ObjectExplanation {
  std::string object;  // "user.email", "user", "tenant"; "a field that the policy does not know".
  View view = View::kDenied;
  Reason reason = Reason::kOk;       // Of View::kDenied.
  const GrantSpec* grant = nullptr;  // That gives it.
  std::vector<NearGrant> nearest;    // Where refused; those that lack least first, at most 3.
};

struct RoleExplanation {
  std::string role;
  const RoleSpec* spec = nullptr;  // Null: the policy has no such role.
  bool admitted = false;           // The principal and its person fulfil what the role asks for.
  Reason reason = Reason::kOk;     // Of the call with this role alone.
  bool partial = false;            // Something is granted.
  const Attestation* attestation = nullptr;  // That admitted, where the role asks for one.
  std::vector<std::string> asks;             // What the role asks of its holders.
  std::vector<ObjectExplanation> objects;
};

struct Explanation {
  Decision decision;  // Lives as long as policy and input.
  // Roles that the principal has in this tenant (input.role: that one), in the order of its
  // bindings, each once.
  std::vector<RoleExplanation> roles;
  // Of the decision as a whole.
  std::vector<ObjectExplanation> objects;
};

// `subject` null: facts about the subject are taken to be favourable.
Explanation Explain(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject);

// Several lines, each ended. `language`: of labels, e.g. "ja"; English and then any where there is
// none.
std::string ExplanationText(const Policy& policy, const DecisionInput& input,
                            const Explanation& explanation, std::string_view language = "en");

// What a role asks of its holders: "kind staff", "employment officer or full_time",
// "nda nda_contract or pledge", "attested training", …
std::vector<std::string> RoleAsks(const Policy& policy, const RoleSpec& role);

// The label in this language, else in English, else the first; empty where there is none.
std::string_view LabelIn(const Labels& labels, std::string_view language);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_EXPLAIN_H_
