// Random calls that name what they are about, so that the same call can be put to several policies.
#ifndef PIIVAULT_TESTS_AUTHZ_NAMED_CALLS_H_
#define PIIVAULT_TESTS_AUTHZ_NAMED_CALLS_H_

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "authz/decision.h"

namespace piivault::authz {

// Owns what a call borrows. Everything is a name until it meets a policy.
struct NamedCall {
  Principal principal;
  Person person;
  std::vector<Attestation> attestations;
  Verb verb = Verb::kReveal;
  std::string type;
  std::vector<std::string> fields;  // Full names.
  std::string purpose;
  std::string ticket;
  std::vector<std::pair<std::string, std::string>> arguments;
  std::vector<std::pair<std::string, std::string>> matters;  // Kind and state; the id is "X-1".
  std::string channel;
  FrontHop front_hop = FrontHop::kTls;
  std::string on_behalf_of;
  View wanted = View::kPlain;
  absl::Time now;
  bool unsubscribed = false;
  bool contract_active = true;
  bool consented = false;
  std::string consent_id;
  std::string department;
  std::string notice;
  std::string holder;

  // As `policy` sees it. What `use` gets lives until it returns.
  void With(const Policy& policy,
            const std::function<void(const DecisionInput&, const SubjectFacts&)>& use) const;
  // What is decided, as text that two policies can be compared by: reason, role, and view or reason
  // of each field.
  std::string Outcome(const Policy& policy) const;
};

// Deterministic for a seed. Mostly about what some grant of `policy` speaks of, with mostly good
// callers, so that many calls are granted.
NamedCall RandomNamedCall(const Policy& policy, std::mt19937& engine);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_NAMED_CALLS_H_
