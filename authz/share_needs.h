// Whether what a sharing rule needs is there: assertions, agreements, matters, consents, notice.
// Internal to authz.
#ifndef PIIVAULT_AUTHZ_SHARE_NEEDS_H_
#define PIIVAULT_AUTHZ_SHARE_NEEDS_H_

#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "authz/call_grounds.h"
#include "authz/compiled_sharing.h"
#include "authz/share_agreements.h"
#include "authz/share_decision.h"

namespace piivault::authz {

// Of one disclosure of fields of one type. `subject` is null where nobody in particular is asked
// about; facts about people are then taken to be favourable. Borrows all it is made of.
class ShareNeeds {
 public:
  // `issuer` asks to export `fields`; it outlives this.
  ShareNeeds(const Policy& policy, const ShareInput& input, const ShareRule& rule,
             const DecisionInput& issuer, const SubjectFacts* subject);

  // Whether it rests on something that the issuer's person recorded. To be asked before Check.
  bool RestsOnIssuer();
  // Each need and then each matter, in the order of the policy. Fills in what the decision says of
  // them, and `good_until`.
  Reason Check(ShareDecision* out);

 private:
  Reason CheckNeed(const ShareNeed& need, ShareDecision* out);
  Reason CheckAssertion(const ShareNeed& need) const;
  Reason CheckConsent(bool to_case, ShareDecision* out) const;
  bool IsConsent(const ConsentFact& fact, bool to_case) const;
  bool Covers(const ShareConsent& spec, const ConsentFact& fact, FieldId id) const;
  Reason CheckMatter(const ShareMatter& matter, ShareDecision* out);

  const Policy& policy_;
  const ShareInput& input_;
  const ShareRule& rule_;
  const DecisionInput& issuer_;
  const SubjectFacts* const subject_;
  CallGrounds call_;
  absl::InlinedVector<Agreement, 2> agreements_;  // In the order of the needs.
  size_t next_agreement_ = 0;
};

// Whose word it is: the person that the issuing principal belongs to or that answers for it.
std::string_view IssuerPerson(const DecisionInput& issuer);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SHARE_NEEDS_H_
