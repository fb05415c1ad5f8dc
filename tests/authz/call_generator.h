// Made-up calls around the grants of a policy: one of its grants is chosen, a call is built that it
// grants, and then none, one or two things about it are broken or put on the edge of what holds.
#ifndef PIIVAULT_TESTS_AUTHZ_CALL_GENERATOR_H_
#define PIIVAULT_TESTS_AUTHZ_CALL_GENERATOR_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "authz/decision.h"
#include "tests/authz/naive_decision.h"

namespace piivault::authz {

// Repeats itself for the same seed, on every platform.
class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  size_t Below(size_t n) { return static_cast<size_t>(engine_() % n); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename List>
  const auto& Pick(const List& list) {
    return list[Below(list.size())];
  }
  const char* Word(std::initializer_list<const char*> words) {
    return words.begin()[Below(words.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// Owns what its input and facts borrow, except names of the policy's text: that must outlive it.
struct GeneratedCall {
  GeneratedCall() = default;
  GeneratedCall(const GeneratedCall&) = delete;
  GeneratedCall& operator=(const GeneratedCall&) = delete;

  // Copies what can be changed on its own into input and facts; last of all.
  void Close();
  // The input with the names of `asked` as numbers of that policy. Valid until the next one.
  const DecisionInput& For(const Policy& policy);

  Principal principal;
  Person person;
  std::vector<Attestation> attestations;
  std::vector<Argument> arguments;
  std::vector<MatterFact> matters;
  std::vector<MatterFact> subject_matters;
  std::vector<ConsentFact> consents;
  std::vector<UseStop> stops;
  std::vector<std::string_view> frozen;
  std::vector<std::string_view> kept_by_law;
  std::vector<std::string_view> expired;
  std::vector<RepresentativeFact> representatives;
  std::deque<std::string> words;
  std::deque<std::vector<std::string_view>> lists;
  DecisionInput input;  // Without numbers.
  SubjectFacts facts;
  naive::Asked asked;
  const naive::Grant* grant = nullptr;  // Around which it was made.
  const naive::Role* role = nullptr;
  // The edge in time that this call lies on, where nothing else about it is broken: "the binding
  // ends now". One second before, on it, one after: "a second ago", "now", "in a second".
  std::vector<std::string> edges;
  std::vector<std::string> broken;  // What was done to it, for people.

 private:
  std::vector<FieldId> fields_;
  std::vector<FieldId> cleared_;
};

// For failures: what was asked, by whom, and what was done to it.
std::string Describe(const GeneratedCall& call);

class CallGenerator {
 public:
  // Borrows `text`.
  CallGenerator(const naive::Text& text, uint32_t seed) : text_(text), dice_(seed) {}

  std::unique_ptr<GeneratedCall> Next();

 private:
  const naive::Text& text_;
  Dice dice_;
};

// Builds a call that everything is in order with. REQUIRES: `call` is new.
void MakeGoodCall(const naive::Text& text, Dice& dice, GeneratedCall& call);
// Breaks one thing, or puts it on an edge. False where what the dice chose is not about this call.
bool BreakSomething(const naive::Text& text, Dice& dice, GeneratedCall& call);
// The purpose, or of a derived one the parent that the call names; empty where there is none.
std::string RestsOn(const naive::Text& text, const GeneratedCall& call);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_CALL_GENERATOR_H_
