// Who has agreed to what, and what was said when data was collected, from the policy's text. Part
// of naive_decision.h.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_CONSENT_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_CONSENT_H_

#include <string>

#include "authz/decision.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz::naive {

// "a.b" is meant by `pattern`: "a.b" or "a.*".
bool Matches(const std::string& pattern, const std::string& field);

// Agreed to the use for `purpose` now, under a consent for one of `events`.
bool AgreedToUse(const Text& text, const SubjectFacts& facts, absl::Time now,
                 const std::string& purpose, const Names& events);

// Whether the notice that the record came in under bars the use for `purpose` (of a derived one:
// its parent; empty where none is stated).
bool NoticeForbids(const Text& text, const SubjectFacts& facts, absl::Time now,
                   const std::string& purpose);

// What is missing of what has to be agreed to when data is collected: by consents that name no
// field (`field` empty; `written` are all fields of the call), or that name `field`. kOk: nothing.
Reason MissingAtCollection(const Text& text, const DecisionInput& in, const SubjectFacts& facts,
                           const std::string& field, const Names& written);

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_CONSENT_H_
