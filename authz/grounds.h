// What one call under one role rests on besides grants: call_grounds.h, in the order in which it is
// asked for, with the role's own matters and whose record it is. Internal to authz.
//
// Remembers what it found to hold, for the entry, and until when that holds. Made anew for each
// role that is tried; borrows all it is made of.
#ifndef PIIVAULT_AUTHZ_GROUNDS_H_
#define PIIVAULT_AUTHZ_GROUNDS_H_

#include <algorithm>
#include <vector>

#include "absl/time/time.h"
#include "authz/call_grounds.h"
#include "authz/decision.h"

namespace piivault::authz {

class Grounds {
 public:
  Grounds(CallGrounds* call, const RoleSpec& role) : call_(*call), role_(role) {}

  // Each: kOk, or the reason, of several the first in the order that decision.h documents.
  Reason CheckRequest();   // Parent, matters, the notice stated.
  Reason CheckIdentity();  // Whose record it is. REQUIRES: a subject.
  Reason CheckSubject();   // Matters, notice, consent to the purpose and to every write. The same.
  // Of `input().fields[place]`, as CallGrounds::CheckField.
  Reason CheckField(size_t place) { return call_.CheckField(place, &found_); }
  // Why the field is kept from this role all the same: only a law keeps it, or a request is open.
  // REQUIRES: CheckField is kOk.
  Reason CheckRole(const FieldSpec& field) const {
    if (call_.KeptByLaw(field) && !IsThePerson()) return Reason::kKeptByLaw;
    const bool frozen = call_.Frozen(field) && !SeesFrozen(field.id);
    return frozen ? Reason::kSubjectRestricted : Reason::kOk;
  }
  // A grant with the condition `consented` is what answers.
  void RelyOnConsent();

  const MatterSpec* matter() const { return matter_; }
  const ConsentFact* consent() const { return found_.consent; }
  absl::Time good_until() const { return std::min(good_until_, found_.good_until); }

 private:
  using Needs = std::vector<MatterNeed>;

  const MatterSpec& Spec(const MatterNeed& need) const {
    return call_.policy().matters()[need.matter];
  }
  bool NamesOneOf(const Needs& needs) const;
  // Whether one of the needs holds; `tenant_only`: others may hold still.
  Reason CheckMatters(const Needs& needs, bool tenant_only);
  Reason Rely(const Check& check);
  // Reads what is about the own person.
  bool IsThePerson() const;
  bool SeesFrozen(FieldId field) const;

  CallGrounds& call_;
  const RoleSpec& role_;
  const MatterSpec* matter_ = nullptr;
  absl::Time good_until_ = absl::InfiniteFuture();
  Check found_;  // Of consents.
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_GROUNDS_H_
