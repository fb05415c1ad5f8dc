// Changes single rules of a policy's text: takes one out, or puts a wider one in its place. Tests
// look whether somebody notices.
#ifndef PIIVAULT_TESTS_AUTHZ_POLICY_MUTATOR_H_
#define PIIVAULT_TESTS_AUTHZ_POLICY_MUTATOR_H_

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <vector>

#include "authz/policy.h"

namespace piivault::authz {

struct Mutation {
  std::string name;  // "grant publisher-tidy may without list"
  std::function<void(YAML::Node policy)> change;
};

// Guarantees: one mutation for each rule that the decision or an admission rests on (of each list
// one for each of its items), the same ones in the same order for the same text; apart, those of
// the rules that giving data away rests on. Does not: change what a policy promises besides
// (retention, rights, notices, …).
class PolicyMutator {
 public:
  // Parameters are replaced by their values, so that a rule can go without its parameter.
  explicit PolicyMutator(const PolicyText& text);

  const std::vector<Mutation>& mutations() const { return mutations_; }
  const std::vector<Mutation>& share_mutations() const { return share_mutations_; }
  // The text with the change, without values.
  PolicyText Apply(const Mutation& mutation) const;
  PolicyText Unchanged() const;

 private:
  using Put = std::function<void(YAML::Node policy, YAML::Node list)>;

  void Add(const std::string& name, std::function<void(YAML::Node policy)> change);
  // Sets or removes what stands at `path` (names of keys, and numbers of items).
  void Set(const std::string& name, const std::vector<std::string>& path, const YAML::Node& value);
  void Remove(const std::string& name, const std::vector<std::string>& path);
  void RemoveIfThere(const std::string& name, const std::vector<std::string>& path);
  // Takes the items of the list at `path` out, one at a time, where more than one stands there.
  void WithoutEach(const std::string& name, const std::vector<std::string>& path);

  void OfGrants();
  void OfGrantFields(const std::string& name, const std::string& number);
  void OfRoles();
  void OfRole(const std::string& id, const YAML::Node& role);
  void OfKind(const std::string& id, const YAML::Node& role);
  void OfPurposes();
  void OfPurpose(const std::string& id, const YAML::Node& purpose);
  void OfMatters(const std::string& name, const std::vector<std::string>& path);
  void OfTypes();
  void OfMatterKinds();
  void OfNotices();
  void OfConsents();
  void OfOpenPurposes();
  void OfTheRest();
  // policy_mutator_sharing.cc
  void AddShare(const std::string& name, std::function<void(YAML::Node policy)> change) {
    share_mutations_.push_back({name, std::move(change)});
  }
  void OfSharing();
  void OfSharingRule(size_t number);
  void OfRecipientRules();

  PolicyText text_;
  YAML::Node policy_;  // Without the cases.
  std::string cases_;  // No rule stands there, and they are most of the text.
  std::vector<Mutation> mutations_;
  std::vector<Mutation> share_mutations_;
};

// At most `count` of them, evenly spread.
std::vector<Mutation> Sample(const std::vector<Mutation>& mutations, size_t count);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_POLICY_MUTATOR_H_
