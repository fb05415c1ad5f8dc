// Which retention rules are about which fields. Internal to authz. Immutable.
#ifndef PIIVAULT_AUTHZ_COMPILED_RETENTION_H_
#define PIIVAULT_AUTHZ_COMPILED_RETENTION_H_

#include <vector>

#include "absl/types/span.h"
#include "authz/policy.h"

namespace piivault::authz {

class CompiledRetention {
 public:
  // Pointers lead into `policy`. REQUIRES: it outlives this.
  explicit CompiledRetention(const Policy& policy);

  // Those that keep the field or destroy it, in the order of the policy.
  absl::Span<const RetentionSpec* const> RulesOf(FieldId field) const { return rules_[field]; }
  // Whether there are any for some field of the type.
  bool Concerns(TypeId type) const { return types_[type]; }

 private:
  std::vector<std::vector<const RetentionSpec*>> rules_;  // By field.
  std::vector<bool> types_;
};

// Whether the rule's end is a destruction.
bool Destroys(const RetentionSpec& rule);

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_COMPILED_RETENTION_H_
