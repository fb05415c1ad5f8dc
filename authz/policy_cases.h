// Test cases that stand in a policy itself, and their runner: `piivault policy check` and our own
// tests use it.
#ifndef PIIVAULT_AUTHZ_POLICY_CASES_H_
#define PIIVAULT_AUTHZ_POLICY_CASES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "authz/decision.h"
#include "authz/policy.h"
#include "authz/share_decision.h"

namespace piivault::authz {

inline constexpr std::string_view kCaseSubject = "subjects/case";
inline constexpr std::string_view kCaseRecipient = "case";
inline constexpr std::string_view kCaseValue = "X-1";  // Of arguments that name none.

struct CaseMatter {
  std::string kind;
  std::string id;
  std::string state;
  std::string party;
  absl::Time not_after = absl::InfiniteFuture();
  std::vector<std::string> purposes;
};

struct CaseConsent {
  std::string id;
  std::string purpose;
  std::vector<std::string> fields;
  absl::Time given = absl::InfinitePast();
  absl::Time withdrawn = absl::InfiniteFuture();
  bool by_guardian = false;
  std::string recipient;  // Full name; empty: to giving it to nobody.
};

// The recipient of a made-up disclosure, and its terms. Names of fields need not exist.
struct CaseShare {
  std::string rule;
  bool registered = true;
  Recipient recipient;
  std::vector<std::string> held;
  std::vector<std::string> requested;
  std::vector<std::pair<std::string, std::string>> assertions;
  uint32_t approvals = 0;
  size_t subjects = 1;
  uint32_t uses = 1;
  absl::Duration lifetime = absl::ZeroDuration();
  bool notified = true;
  absl::Time issued;
};

// A made-up call and what must come of it. See ops/docs/policy.md, "cases".
struct PolicyCase {
  std::string name;
  Origin origin;
  Principal principal;
  std::optional<Person> person;
  std::vector<Attestation> attestations;
  absl::Time now;
  bool admission = false;      // `does: admit`: may the role be assigned?
  uint32_t other_holders = 0;  // Of that role, without this one.
  std::string tenant;
  Verb verb = Verb::kReveal;
  std::string type;                 // Name; need not exist.
  std::vector<std::string> fields;  // Full names; need not exist.
  std::string purpose;
  std::string ticket;
  std::vector<std::pair<std::string, std::string>> arguments;
  std::vector<CaseMatter> matters;  // The tenant's.
  std::string on_behalf_of;
  std::string channel;
  FrontHop front_hop = FrontHop::kUnspecified;
  bool tenant_allows_plain = false;
  std::string notice;
  absl::Time collected_at = absl::InfiniteFuture();
  std::optional<absl::CivilDay> born;
  std::vector<std::string> cleared;  // Full names.
  View wanted = View::kPlain;
  std::string subject;
  bool erased = false;
  bool unsubscribed = false;
  bool contract_active = true;
  std::string department;
  std::string holder;
  std::optional<absl::CivilDay> subject_born;
  std::string subject_notice;
  std::string controller;
  std::vector<CaseConsent> consents;
  std::vector<std::pair<std::string, absl::Time>> representatives;  // Until.
  std::vector<CaseMatter> subject_matters;
  std::vector<std::pair<std::string, std::string>> stops;  // Fields, purpose.
  std::vector<std::string> frozen;                         // Full names.
  std::vector<std::string> kept_by_law;                    // The same.
  std::vector<std::string> expired;                        // The same.
  std::optional<CaseShare> share;  // What is asked is whether a recipient may have it.
  // Expected: a reason, or kOk with this view for every field (verbs that reveal).
  Reason expect = Reason::kOk;
  View expect_view = View::kPlain;
};

struct CaseFailure {
  std::string name;
  std::string clause;
  int line = 0;
  std::string expected;  // "granted", "masked", "token" or a reason's name.
  std::string got;
  // "line 80: case 'name' (000-14): expected NDA_EXPIRED, got granted"
  std::string ToString() const;
};

struct CaseReport {
  size_t run = 0;
  std::vector<CaseFailure> failures;
  // Clauses named by cases, sorted, each once.
  std::vector<std::string> clauses;
  bool ok() const { return failures.empty(); }
};

// Whether the role may be given as a case describes: of `does: admit`. ROLE_NOT_GRANTED where the
// case is about no role.
Admission AdmitCase(const Policy& policy, const PolicyCase& c);

// Calls `use` with the call that a case describes; what it gets lives until it returns. Not for
// `does: admit`.
void WithCaseCall(const Policy& policy, const PolicyCase& c,
                  const std::function<void(const DecisionInput&, const SubjectFacts&)>& use);

// The same with the disclosure of a case that has one.
void WithCaseShare(const Policy& policy, const PolicyCase& c,
                   const std::function<void(const ShareInput&, const ShareSubject&)>& use);

// Whether the recipient of a case may have what it asks for: of the types of the fields in turn,
// the first reason why not. REQUIRES: the case has one.
Reason DecideCaseShare(const Policy& policy, const PolicyCase& c);

// Runs all cases of `policy`. Each is decided in both phases; a case whose first phase refuses what
// the second grants fails.
CaseReport RunPolicyCases(const Policy& policy);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_POLICY_CASES_H_
