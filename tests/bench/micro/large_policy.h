// A policy as large as the loader takes, with everything that a use may rest on, and a call under
// it about somebody who has said a great deal.
#ifndef PIIVAULT_TESTS_BENCH_MICRO_LARGE_POLICY_H_
#define PIIVAULT_TESTS_BENCH_MICRO_LARGE_POLICY_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "authz/decision.h"

namespace piivault::authz {

// Where the grants are.
enum class Grants {
  kSpread,   // Evenly over roles and record types.
  kCrowded,  // All for one role, verb and purpose; each gives every field asked. The last one shows
             // most.
};

// All limits of the loader are reached but that of grants: of those there are `grants`.
std::string LargePolicyText(size_t grants, Grants where);

// What is asked, and what comes of it.
enum class Asked {
  kUse,           // Reveals for a purpose that needs a matter, a consent, a ticket and a reason.
  kDerived,       // Reveals for a purpose that follows from another one.
  kWrite,         // Creates, with consents to the collection and by a child's guardian.
  kStopped,       // As kUse; the use of the last field has been stopped.
  kWriteRefused,  // As kWrite; to the collection of the last field nobody has consented.
  kInParts,       // As kUse; each role was given for some of the fields only, and none for all.
  kNotForThat,    // As kUse, for a purpose that is not granted.
  kNotConsented,  // As kUse, by somebody who has withdrawn the consent.
};

// A call under a large policy. The person has 50 consents, 30 stops of use and 20 matters; what
// counts stands last. Owns all that the decision borrows.
class LargeCall {
 public:
  LargeCall(std::shared_ptr<const Policy> policy, Asked asked, size_t fields);
  LargeCall(const LargeCall&) = delete;
  LargeCall& operator=(const LargeCall&) = delete;

  Decision Decide() const { return DecideWithSubject(*policy_, input_, subject_); }

 private:
  void SetCaller(Asked asked);
  void SetInput(Asked asked, size_t fields);
  void SetSubject(Asked asked);
  // Lives as long as this.
  std::string_view Keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  const std::shared_ptr<const Policy> policy_;
  std::deque<std::string> texts_;
  Principal principal_;
  Person person_;
  std::vector<Attestation> attestations_;
  std::vector<FieldId> fields_;
  std::vector<Argument> arguments_;
  std::vector<MatterFact> matters_;
  std::vector<std::string_view> agreed_;
  std::vector<ConsentFact> consents_;
  std::vector<UseStop> stops_;
  DecisionInput input_;
  SubjectFacts subject_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_BENCH_MICRO_LARGE_POLICY_H_
