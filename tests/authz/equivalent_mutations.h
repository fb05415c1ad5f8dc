// Which changes of a policy's text change no decision, and why not.
#ifndef PIIVAULT_TESTS_AUTHZ_EQUIVALENT_MUTATIONS_H_
#define PIIVAULT_TESTS_AUTHZ_EQUIVALENT_MUTATIONS_H_

#include <string>

#include "authz/policy.h"
#include "tests/authz/naive_policy.h"

namespace piivault::authz {

// Why a change (policy_mutator.h) decides nothing about calls. Each reason is about mutations of
// one form, and is told from the text alone: no decision is asked.
class EquivalentMutations {
 public:
  explicit EquivalentMutations(const PolicyText& source) : text_(naive::Read(source)) {}

  // Empty: the change must show in some call.
  std::string OfCalls(const std::string& mutation) const;
  // The same of calls, of roles that are given, and of when evidence ends.
  std::string OfCallsAndRoles(const std::string& mutation) const;

 private:
  bool OfRoles(const std::string& mutation) const;
  const naive::Grant* GrantOf(const std::string& mutation) const;
  bool Implied(const std::string& mutation) const;
  bool CanHave(const naive::Grant& grant, const std::string& field) const;
  bool PassedOver(const std::string& mutation) const;
  bool NoticeAsked(const std::string& purpose) const;
  bool NoNotice(const std::string& mutation) const;
  bool SameMask(const std::string& mutation) const;
  bool NoDays(const std::string& mutation) const;
  bool OthersConsent(const std::string& mutation) const;
  bool OfSharing(const std::string& mutation) const;

  naive::Text text_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_EQUIVALENT_MUTATIONS_H_
