// What names fields: "reader.email", or "reader.*" for all of a type.
#ifndef PIIVAULT_AUTHZ_FIELD_PATTERN_H_
#define PIIVAULT_AUTHZ_FIELD_PATTERN_H_

#include <string_view>

#include "authz/field_spec.h"
#include "authz/policy_spec.h"
#include "authz/same_name.h"

namespace piivault::authz {

// Whether `pattern` is "type.*".
inline bool NamesFamily(std::string_view pattern, std::string_view type) {
  return pattern.size() == type.size() + 2 && pattern.ends_with(".*") && pattern.starts_with(type);
}

// Whether `pattern` names the field.
inline bool NamesField(std::string_view pattern, const FieldSpec& field, const TypeSpec& type) {
  return SameName(pattern, field.full_name) || NamesFamily(pattern, type.name);
}

// Whether `pattern` names fields of the type only: one, or all.
inline bool IsOfType(std::string_view pattern, std::string_view type) {
  return pattern.size() > type.size() && pattern[type.size()] == '.' && pattern.starts_with(type);
}

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_FIELD_PATTERN_H_
