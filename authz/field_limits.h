// Which fields of one type a role was given for, and until when. Worked out once for a call and a
// role, asked for each field. Internal to authz.
#ifndef PIIVAULT_AUTHZ_FIELD_LIMITS_H_
#define PIIVAULT_AUTHZ_FIELD_LIMITS_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "authz/active_role.h"
#include "authz/field_pattern.h"
#include "authz/same_name.h"

namespace piivault::authz {

class FieldLimits {
 public:
  // All is borrowed.
  FieldLimits(std::string_view type, const ActiveRole& role) {
    for (const RoleBinding* binding : role.bindings) Add(type, *binding, role.EndOf(*binding));
  }

  // First instant at which no binding gives the role for the field. InfinitePast: none does now.
  absl::Time GoodUntil(std::string_view full_name) const {
    absl::Time until = type_until_;
    for (const auto& [field, field_until] : field_until_) {
      if (SameName(field, full_name)) until = std::max(until, field_until);
    }
    return until;
  }

 private:
  void Add(std::string_view type, const RoleBinding& binding, absl::Time until) {
    if (binding.fields.empty()) type_until_ = std::max(type_until_, until);
    for (const std::string& pattern : binding.fields) {
      if (!IsOfType(pattern, type)) continue;
      if (NamesFamily(pattern, type)) {
        type_until_ = std::max(type_until_, until);
      } else {
        field_until_.emplace_back(pattern, until);
      }
    }
  }

  absl::Time type_until_ = absl::InfinitePast();  // Of all fields; others may be later.
  absl::InlinedVector<std::pair<std::string_view, absl::Time>, 8> field_until_;
};

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_FIELD_LIMITS_H_
