#ifndef PIIVAULT_VAULT_SERVICE_FIELD_PATTERN_H_
#define PIIVAULT_VAULT_SERVICE_FIELD_PATTERN_H_

#include <string_view>
#include <vector>

#include "authz/policy.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// Fields of one type.
struct TypeFields {
  authz::TypeId type = authz::kNoType;
  FieldIds fields;
};

// What people's stops and consents mean by `reader.email`, `reader.*` or, empty, everything: by
// type, each with at least one field. For what the policy does not know one element with kNoField,
// for the decision to refuse it.
std::vector<TypeFields> FieldsOfPattern(const authz::Policy& policy, std::string_view pattern);

// Whether the policy knows it.
bool IsKnown(const std::vector<TypeFields>& fields);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_FIELD_PATTERN_H_
