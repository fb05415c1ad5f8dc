#include "authz/compiled_grounds.h"

#include <algorithm>

#include "authz/policy_builder.h"

namespace piivault::authz {
namespace {

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

CompiledGrounds::CompiledGrounds(const Policy& policy) {
  for (const CollectionNoticeSpec& notice : policy.collection_notices()) {
    BitSet& purposes = notices_.emplace(notice.id, BitSet(policy.purposes().size())).first->second;
    for (PurposeId id : notice.purposes) purposes.Set(id);
  }
  for (const ConsentSpec& spec : policy.consent()) AddConsent(policy, spec);
  AddParents(policy);
}

void CompiledGrounds::AddConsent(const Policy& policy, const ConsentSpec& spec) {
  const bool change = Contains(spec.event, "policy_change");
  if (change) changing_.push_back(spec.id);
  if (change || Contains(spec.event, "purpose_extension")) extending_.push_back(spec.id);
  if (!Contains(spec.event, "collection") && !Contains(spec.event, "link")) return;
  const CollectionRule rule{&spec, spec.who == "guardian", spec.when == "before_collection",
                            spec.scope == "agreed_items"};
  if (spec.fields.empty()) {
    write_rules_.push_back(rule);
    return;
  }
  field_rules_.resize(policy.field_count());
  for (FieldId id : spec.fields) field_rules_[id].push_back(rule);
}

void CompiledGrounds::AddParents(const Policy& policy) {
  const bool derived =
      std::any_of(policy.purposes().begin(), policy.purposes().end(),
                  [](const PurposeSpec& purpose) { return !purpose.parents.empty(); });
  if (!derived) return;
  parent_fields_.assign(policy.purposes().size(), BitSet(policy.field_count()));
  for (const GrantSpec& grant : policy.grants()) {
    for (Verb verb : grant.may) {
      const VerbInfo& info = GetVerb(verb);
      // What others are given for a purpose is no use of our own that another could follow from.
      if (info.target != VerbTarget::kFields || verb == Verb::kExport) continue;
      for (FieldId id : grant.fields) {
        const RoleSpec& role = policy.roles()[grant.role];
        if (FieldAllows(policy.field(id), info, role, grant.view) != Reason::kOk) continue;
        for (PurposeId purpose : grant.purposes) parent_fields_[purpose].Set(id);
      }
    }
  }
}

}  // namespace piivault::authz
