#include "vault/service/field_pattern.h"

namespace piivault::vault {
namespace {

TypeFields AllOf(const authz::TypeSpec& type) {
  return {type.id, FieldIds(type.fields.begin(), type.fields.end())};
}

}  // namespace

std::vector<TypeFields> FieldsOfPattern(const authz::Policy& policy, std::string_view pattern) {
  std::vector<TypeFields> all;
  if (pattern.empty()) {
    for (const authz::TypeSpec& type : policy.types()) {
      if (!type.fields.empty()) all.push_back(AllOf(type));
    }
    return all;
  }
  const size_t dot = pattern.find('.');
  const authz::TypeId type = policy.FindType(pattern.substr(0, dot));
  if (type == authz::kNoType || dot == std::string_view::npos) return {{type, {authz::kNoField}}};
  const std::string_view field = pattern.substr(dot + 1);
  if (field != "*") return {{type, {policy.FindField(type, field)}}};
  if (policy.type(type).fields.empty()) return {{type, {authz::kNoField}}};
  return {AllOf(policy.type(type))};
}

bool IsKnown(const std::vector<TypeFields>& fields) {
  return !fields.empty() && fields.front().fields.front() != authz::kNoField;
}

}  // namespace piivault::vault
