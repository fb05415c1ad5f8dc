// What one call under one role rests on besides grants: matters, the notice of collection, consent,
// whose record it is, the parent of a derived purpose. Internal to authz.
//
// Remembers what it found to hold, for the entry, and until when that holds. Made anew for each
// role that is tried; borrows all it is made of. Where the facts about the subject are null, they
// are taken to be favourable.
#ifndef PIIVAULT_AUTHZ_GROUNDS_H_
#define PIIVAULT_AUTHZ_GROUNDS_H_

#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "authz/compiled_policy.h"
#include "authz/decision.h"

namespace piivault::authz {

// First instant after `last`, the inclusive end of something.
inline absl::Time After(absl::Time last) {
  return last == absl::InfiniteFuture() ? last : last + absl::Nanoseconds(1);
}

// Whether `pattern` ("reader.email", "reader.*") names the field.
bool NamesField(std::string_view pattern, const FieldSpec& field, const TypeSpec& type);
// Whether `pattern` is "type.*".
bool NamesFamily(std::string_view pattern, std::string_view type);

class Grounds {
 public:
  // `purpose` may be null: none stated, or none asked.
  Grounds(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject,
          const RoleSpec& role, const PurposeSpec* purpose)
      : policy_(policy),
        compiled_(policy.compiled().grounds()),
        in_(input),
        subject_(subject),
        role_(role),
        purpose_(purpose) {}

  // Each: kOk, or the reason, of several the first in the order that decision.h documents.
  Reason CheckRequest();   // Parent, matters, the notice stated.
  Reason CheckIdentity();  // Whose record it is.
  Reason CheckSubject();   // Matters, notice, consent to the purpose and to every write.
  // REQUIRES: the verb writes and the call does not clear the field.
  Reason CheckWrite(const FieldSpec& field);

  // Whether the field is in use for the parent of a derived purpose; true for other purposes.
  bool FollowsField(FieldId field) const {
    return parent_ == nullptr || compiled_.UsedFor(parent_->id, field);
  }
  // Whether a stop of use of this purpose concerns the call. Empty: of every purpose.
  bool Concerns(std::string_view purpose) const;
  // For the conditions of grants. RelyOnConsent: a grant with `consented` is what answers.
  bool Consented() const { return subject_ == nullptr || PurposeConsent() != nullptr; }
  bool Noticed() const;
  void RelyOnConsent() { Rely(PurposeConsent()); }

  const MatterSpec* matter() const { return matter_; }
  const ConsentFact* consent() const { return consent_; }
  absl::Time good_until() const { return good_until_; }

 private:
  using Needs = std::vector<MatterNeed>;

  const Argument* FindArgument(std::string_view name) const;
  // What the parent of a derived purpose asks of every call for it.
  Reason CheckParent() const;
  bool NamesOneOf(const Needs& needs) const;
  // Whether one of the needs holds; `tenant_only`: others may hold still.
  Reason CheckMatters(const Needs& needs, bool tenant_only);
  const MatterFact* FindMatter(const MatterNeed& need) const;
  bool Fits(const MatterFact& fact, const MatterNeed& need, std::string_view id) const;
  Reason CheckNotice();
  bool InForce(const ConsentFact& consent) const {
    return consent.given <= in_.now && in_.now < consent.withdrawn;
  }
  // Looked for once: each field may ask.
  const ConsentFact* PurposeConsent() const {
    if (!purpose_consent_.has_value()) purpose_consent_ = FindPurposeConsent();
    return *purpose_consent_;
  }
  const ConsentFact* FindPurposeConsent() const;
  Reason CheckRule(const CollectionRule& rule, const FieldSpec* field);
  // The consents that the rule may rest on, whatever they cover. Looked for once for each spec.
  using Consents = absl::InlinedVector<const ConsentFact*, 2>;
  const Consents& ConsentsFor(const CollectionRule& rule);
  // Of the rule, about this field; null field: about the write as such.
  const ConsentFact* FindCollectionConsent(const CollectionRule& rule, const FieldSpec* field);
  bool Covers(const CollectionRule& rule, const ConsentFact& fact, const FieldSpec* field) const;
  // Nothing where the age is not known.
  std::optional<bool> IsBelow(uint32_t age) const;
  absl::Time CollectedAt() const { return std::min(in_.collected_at, in_.now); }
  void Rely(const ConsentFact* consent);

  const Policy& policy_;
  const CompiledGrounds& compiled_;
  const DecisionInput& in_;
  const SubjectFacts* subject_;
  const RoleSpec& role_;
  const PurposeSpec* purpose_;
  const PurposeSpec* parent_ = nullptr;
  const MatterSpec* matter_ = nullptr;
  const ConsentFact* consent_ = nullptr;
  mutable std::optional<const ConsentFact*> purpose_consent_;
  absl::InlinedVector<std::pair<const ConsentSpec*, Consents>, 4> consents_for_;
  absl::Time good_until_ = absl::InfiniteFuture();
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_GROUNDS_H_
