#include "authz/compiled_retention.h"

#include <algorithm>

#include "authz/vocabulary.h"

namespace piivault::authz {

CompiledRetention::CompiledRetention(const Policy& policy)
    : rules_(policy.field_count()), types_(policy.type_count()) {
  for (const RetentionSpec& rule : policy.retention()) {
    if (rule.hold.empty() && !Destroys(rule)) continue;
    for (const FieldId field : rule.fields) {
      rules_[field].push_back(&rule);
      types_[policy.field(field).type] = true;
    }
  }
}

bool Destroys(const RetentionSpec& rule) {
  const auto& words = vocabulary::kThenDestroys;
  return std::find(words.begin(), words.end(), rule.then) != words.end();
}

}  // namespace piivault::authz
