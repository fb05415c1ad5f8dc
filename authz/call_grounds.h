// What one call rests on besides grants, under whatever role it is tried: the parent of a derived
// purpose, matters, the notice of collection, consents, stops of use. Internal to authz.
//
// Each thing is looked for when it is first asked for, and kept: roles are tried one after the
// other, and each field asks. Borrows all it is made of. Where the facts about the subject are
// null, they are taken to be favourable. Of one decision: not for several threads.
#ifndef PIIVAULT_AUTHZ_CALL_GROUNDS_H_
#define PIIVAULT_AUTHZ_CALL_GROUNDS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "authz/collection_consents.h"
#include "authz/decision.h"

namespace piivault::authz {

// Why a grant with this condition is not given, where it does not hold.
Reason ReasonOf(Condition condition);

// The stops of use that concern a call, of its type.
struct StoppedUse {
  bool of_type = false;  // Of all fields.
  absl::InlinedVector<std::string_view, 8> fields;
};

class CallGrounds {
 public:
  CallGrounds(const Policy& policy, const DecisionInput& input, const SubjectFacts* subject);
  CallGrounds(const CallGrounds&) = delete;
  CallGrounds& operator=(const CallGrounds&) = delete;

  const Policy& policy() const { return policy_; }
  const DecisionInput& input() const { return in_; }
  const SubjectFacts* subject() const { return subject_; }  // May be null.
  const VerbInfo& verb() const { return verb_; }
  // Null: none stated, or none asked, or the policy does not know it.
  const PurposeSpec* purpose() const { return purpose_; }

  const Argument* FindArgument(std::string_view name) const;
  // Of the request, by the purpose alone: of a derived one PURPOSE_PARENT_UNKNOWN and what the
  // parent asks of every call for it.
  Reason CheckParent() {
    if (!checked_parent_.has_value()) checked_parent_ = FindParent();
    return *checked_parent_;
  }

  // What stands below rests on the parent. REQUIRES: CheckParent() is kOk.

  // Of a derived purpose; null of others.
  const PurposeSpec* parent() const { return parent_; }
  // Whether the notice that a call states under which it collects is one of the policy's.
  Reason CheckNoticeStated() const;
  // The facts about the matter of this kind that the call names, whatever its state and whosever it
  // is: those that hold still, and for the purpose. Valid until the next matter is asked for.
  absl::Span<const MatterFact* const> MattersOf(const MatterSpec& spec);
  // Of those the one that is in one of the needed states and, where the controller's matter is
  // asked for, the one of whose data it is; of several that which holds longest. Null: none.
  const MatterFact* FindMatter(const MatterNeed& need);
  // Whether the notice of collection allows the use. REQUIRES: a subject.
  const Check& CheckNotice() {
    if (!notice_.has_value()) FindNotice(&notice_.emplace());
    return *notice_;
  }
  // The consents that every write needs. REQUIRES: a subject; the verb writes.
  const Check& CheckWrite() {
    if (!write_.has_value()) consents_->CheckWrite(&write_.emplace());
    return *write_;
  }
  // That to the purpose; null: none.
  const ConsentFact* PurposeConsent() {
    if (!purpose_consent_.has_value()) purpose_consent_ = FindPurposeConsent();
    return *purpose_consent_;
  }
  // Why `input().fields[place]`, that a grant gives, is refused to every role all the same. `found`
  // relies on what that rests on. REQUIRES: it is a field of the call's type.
  Reason CheckField(size_t place, Check* found);
  // Whether an open request freezes the field against what the call does. Roles may be exempt.
  bool Frozen(const FieldSpec& field) const { return Names(frozen_, field); }
  // Whether only a law keeps it, and the call's purpose is none of those that this leaves open.
  bool KeptByLaw(const FieldSpec& field) const { return Names(kept_by_law_, field); }
  // Whether use has been stopped of all fields of the call's type.
  bool TypeStopped() {
    if (!CanBeStopped()) return false;
    if (!stops_.has_value()) FindStops(&stops_.emplace());
    return stops_->of_type;
  }
  // Those of the conditions, bit i for Condition(i), that do not hold.
  uint8_t Unmet(uint8_t conditions);

 private:
  using Matters = absl::InlinedVector<const MatterFact*, 2>;

  Reason FindParent();
  bool Fits(const MatterFact& fact, const Argument& named) const;
  void FindNotice(Check* check) const;
  const ConsentFact* FindPurposeConsent() const;
  bool CanBeStopped() const {
    return verb_.uses_data && subject_ != nullptr && !subject_->stops.empty();
  }
  void FindStops(StoppedUse* stops) const;
  bool FieldStopped(const FieldSpec& field);
  static bool Names(absl::Span<const std::string_view> names, const FieldSpec& field);
  bool Concerns(const UseStop& stop) const;
  const Check& CheckWritten(size_t place);
  void FindWritten(const FieldSpec& field, Check* check);
  bool Holds(Condition condition);  // REQUIRES: a subject.
  bool Noticed() const;

  const Policy& policy_;
  const DecisionInput& in_;
  const SubjectFacts* const subject_;
  const VerbInfo& verb_;
  const PurposeSpec* purpose_ = nullptr;
  // Of the subject's fields; empty where the verb is no use.
  absl::Span<const std::string_view> frozen_;
  absl::Span<const std::string_view> kept_by_law_;
  absl::Span<const std::string_view> expired_;
  std::optional<CollectionConsents> consents_;  // Where there is a subject.

  // What has been looked for.
  std::optional<Reason> checked_parent_;
  const PurposeSpec* parent_ = nullptr;
  absl::InlinedVector<std::pair<const Argument*, Matters>, 2> matters_;
  std::optional<Check> notice_;
  std::optional<Check> write_;
  std::optional<const ConsentFact*> purpose_consent_;
  std::optional<StoppedUse> stops_;
  absl::InlinedVector<std::optional<Check>, 16> written_;  // Of fields, by place.
  uint8_t asked_ = 0;                                      // Conditions.
  uint8_t unmet_ = 0;                                      // Of these.
};
static_assert(kConditionCount <= 8);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_CALL_GROUNDS_H_
