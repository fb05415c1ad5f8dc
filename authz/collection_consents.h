// Whether the consents are there without which data does not come in. Internal to authz.
#ifndef PIIVAULT_AUTHZ_COLLECTION_CONSENTS_H_
#define PIIVAULT_AUTHZ_COLLECTION_CONSENTS_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "authz/compiled_grounds.h"
#include "authz/decision.h"

namespace piivault::authz {

// What came of a check, and what that rests on: also where a later part of it failed.
struct Check {
  Reason reason = Reason::kOk;
  const ConsentFact* consent = nullptr;            // The first one.
  absl::Time good_until = absl::InfiniteFuture();  // Of all of them.

  void Rely(const ConsentFact* fact) {
    if (fact == nullptr) return;
    if (consent == nullptr) consent = fact;
    good_until = std::min(good_until, fact->withdrawn);
  }
  // On what `other` rests on.
  void RelyAs(const Check& other) {
    if (consent == nullptr) consent = other.consent;
    good_until = std::min(good_until, other.good_until);
  }
};

// To a use. Consents to giving data to a recipient count for nothing but that.
inline bool InForce(const ConsentFact& consent, absl::Time now) {
  return consent.given <= now && now < consent.withdrawn && consent.recipient.empty();
}

// Of one call that writes. What a rule comes to for all fields is worked out once. Borrows all that
// it is made of.
class CollectionConsents {
 public:
  CollectionConsents(const Policy& policy, const DecisionInput& input, const SubjectFacts& subject)
      : policy_(policy), in_(input), subject_(subject) {}

  // By the rules that every write is under. `check` is new.
  void CheckWrite(Check* check);
  // By those that the field is under besides. The same.
  void CheckField(const FieldSpec& field, Check* check);

 private:
  // What is found for a rule, whatever the field.
  struct Finding {
    const ConsentSpec* spec;
    Reason reason = Reason::kOk;  // Why it cannot be told whether the rule is about the person.
    bool exempt = false;          // It is not.
    // That the rule may rest on, whatever they cover.
    absl::InlinedVector<const ConsentFact*, 2> consents;
    const ConsentFact* to_type = nullptr;  // The first one, where it covers all fields of the type.
  };

  const Finding& Find(const CollectionRule& rule);
  void FindConsents(const CollectionRule& rule, Finding* finding) const;
  void CheckRule(const CollectionRule& rule, const FieldSpec* field, Check* check);
  // Null field: for the write as such.
  const ConsentFact* ConsentTo(const CollectionRule& rule, const Finding& finding,
                               const FieldSpec* field) const;
  bool Covers(const CollectionRule& rule, const ConsentFact& fact, const FieldSpec& field) const;
  bool CoversType(const CollectionRule& rule, const ConsentFact& fact) const;
  // Nothing where the age is not known.
  std::optional<bool> IsBelow(uint32_t age) const;
  absl::Time CollectedAt() const { return std::min(in_.collected_at, in_.now); }

  const Policy& policy_;
  const DecisionInput& in_;
  const SubjectFacts& subject_;
  absl::InlinedVector<Finding, 4> findings_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_COLLECTION_CONSENTS_H_
