// What a policy says of notices, consent and derived purposes, as a decision reads it: words of the
// text as flags, lists as bitsets. Internal to authz. Immutable.
#ifndef PIIVAULT_AUTHZ_COMPILED_GROUNDS_H_
#define PIIVAULT_AUTHZ_COMPILED_GROUNDS_H_

#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/types/span.h"
#include "authz/bit_set.h"
#include "authz/policy.h"

namespace piivault::authz {

// A consent without which data does not come in.
struct CollectionRule {
  const ConsentSpec* spec;
  bool guardian;       // The guardian's.
  bool before;         // Given before the collection, not at the same instant.
  bool agreed_fields;  // The consent itself has to name the field.
};

class CompiledGrounds {
 public:
  // Pointers lead into `policy`. REQUIRES: it has passed all checks and outlives this.
  explicit CompiledGrounds(const Policy& policy);
  CompiledGrounds(const CompiledGrounds&) = delete;
  CompiledGrounds& operator=(const CompiledGrounds&) = delete;

  // By PurposeId. Null where the policy does not know the notice.
  const BitSet* PurposesOfNotice(std::string_view notice) const {
    auto it = notices_.find(notice);
    return it == notices_.end() ? nullptr : &it->second;
  }
  // Whether a consent of this id lets data be used for the purpose that it names, and whether it
  // does so against the notice of its collection.
  bool ExtendsPurposes(std::string_view consent) const { return Has(extending_, consent); }
  bool ChangesPolicy(std::string_view consent) const { return Has(changing_, consent); }
  // Rules that every write is under, and those of one field besides.
  absl::Span<const CollectionRule> write_rules() const { return write_rules_; }
  absl::Span<const CollectionRule> RulesOf(FieldId field) const {
    if (field_rules_.empty()) return {};
    return field_rules_[field];
  }
  // Whether the policy grants something with this field for `parent`. REQUIRES: a purpose of the
  // policy follows from it.
  bool UsedFor(PurposeId parent, FieldId field) const { return parent_fields_[parent].Has(field); }

 private:
  using Ids = std::vector<std::string_view>;
  static bool Has(const Ids& ids, std::string_view id) {
    for (std::string_view one : ids) {
      if (one == id) return true;
    }
    return false;
  }
  void AddConsent(const Policy& policy, const ConsentSpec& spec);
  void AddParents(const Policy& policy);

  std::unordered_map<std::string_view, BitSet> notices_;
  Ids extending_;
  Ids changing_;
  std::vector<CollectionRule> write_rules_;
  std::vector<std::vector<CollectionRule>> field_rules_;  // By FieldId; empty: there are none.
  std::vector<BitSet> parent_fields_;                     // By PurposeId; empty: none follows.
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_COMPILED_GROUNDS_H_
