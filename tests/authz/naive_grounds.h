// What a call under one role needs besides a grant, from the policy's text: what it has to bring,
// and what has to be so of the person it is about. Part of naive_decision.h.
#ifndef PIIVAULT_TESTS_AUTHZ_NAIVE_GROUNDS_H_
#define PIIVAULT_TESTS_AUTHZ_NAIVE_GROUNDS_H_

#include <optional>
#include <string>
#include <vector>

#include "tests/authz/naive_decision.h"

namespace piivault::authz::naive {

// Borrows all it is made of. `facts` null: they are taken to be favourable.
class Grounds {
 public:
  Grounds(const Text& text, const Asked& asked, const SubjectFacts* facts, const Role& role);

  // Null: none stated, or none asked, or the text has none of this name.
  const Purpose* purpose() const { return purpose_; }
  // The purpose, or of a derived one the parent that the call names; empty where there is none.
  const std::string& rests_on() const { return rests_on_; }

  // The stages of that name of decision.h, 7.
  Reason CheckRequest() const;
  Reason CheckSubject() const;

 private:
  std::optional<std::string> ArgumentNamed(const std::string& name) const;
  std::string NamedParent() const;
  std::vector<const std::vector<MatterNeed>*> Matters() const;
  bool NamesOne(const std::vector<MatterNeed>& needs) const;
  bool FitsSoFar(const std::vector<MatterNeed>& needs) const;
  Reason CheckIntake() const;
  Reason CheckWhose() const;
  bool Fits(const MatterFact& fact, const MatterNeed& need) const;
  bool AnyFits(const std::vector<MatterNeed>& needs, bool also_others) const;

  const Text& text_;
  const Asked& asked_;
  const DecisionInput& in_;
  const SubjectFacts* facts_;
  const Role& role_;
  const Verb& verb_;
  const Purpose* purpose_ = nullptr;
  std::string rests_on_;
};

}  // namespace piivault::authz::naive

#endif  // PIIVAULT_TESTS_AUTHZ_NAIVE_GROUNDS_H_
