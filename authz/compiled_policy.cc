#include "authz/compiled_policy.h"

#include "authz/policy_builder.h"

namespace piivault::authz {

Reason FieldAllows(const FieldSpec& field, const VerbInfo& verb, const RoleSpec& role, View view) {
  const bool used = verb.outputs_values || verb.uses_data;
  if (field.read_never && used && verb.id != Verb::kVerify) return Reason::kReadNever;
  if (field.comm_secret && used && (role.kind != RoleKind::kTenant || verb.id == Verb::kExport)) {
    return Reason::kCommSecret;
  }
  if (verb.needs_index && !field.index) return Reason::kFieldNotSearchable;
  if (verb.needs_token && field.token == TokenMode::kNone) return Reason::kFieldNotTokenized;
  if (verb.id == Verb::kRevealHistory) {
    if (field.history == 0) return Reason::kFieldWithoutHistory;
    // A token is the field's or its value's of now, and no earlier one's.
    if (view == View::kToken) return Reason::kFieldNotTokenized;
  }
  if (verb.outputs_values && view == View::kToken && field.token == TokenMode::kNone) {
    return Reason::kFieldNotTokenized;
  }
  if (verb.outputs_values && view == View::kMasked && field.mask == Mask::kNone) {
    return Reason::kFieldNotGranted;
  }
  return Reason::kOk;
}

namespace {

bool AsksNothing(const PurposeSpec& purpose) {
  return !purpose.needs_ticket && purpose.needs.empty() && purpose.matters.empty() &&
         !purpose.consent && purpose.parents.empty();
}

}  // namespace

template <typename Visit>
void CompiledPolicy::VisitColumns(const Policy& policy, const GrantSpec& grant, Verb verb,
                                  Visit visit) const {
  const VerbInfo& info = GetVerb(verb);
  bool without_purpose = info.purpose == Need::kNo || grant.purposes.empty();
  for (PurposeId id : grant.purposes) {
    visit(id + size_t{1});
    // What a purpose asks for cannot be left out by not stating the purpose.
    if (AsksNothing(policy.purposes()[id])) without_purpose = true;
  }
  if (grant.purposes.empty()) {
    for (size_t p = 1; p < purposes_; ++p) visit(p);
  }
  if (without_purpose && info.purpose != Need::kRequired) visit(0);
}

CompiledPolicy::CompiledPolicy(const Policy& policy)
    : purposes_(policy.purposes().size() + 1),
      verbs_(policy.roles().size()),
      index_(policy.roles().size() * kVerbCount * purposes_),
      table_of_(policy.roles().size() * kVerbCount),
      grounds_(policy),
      sharing_(policy),
      retention_(policy) {
  struct Added {
    const GrantSpec* grant;
    Verb verb;
    size_t place;
  };
  std::vector<Added> added;
  const auto add = [&](const GrantSpec& grant, Verb verb) {
    const Slice& slice = slices_.emplace_back(MakeSlice(policy, grant, verb));
    added.push_back({&grant, verb, TableOf(policy, grant.role, verb)->Add(&slice)});
    verbs_[grant.role] |= uint64_t{1} << static_cast<unsigned>(verb);
  };
  for (const GrantSpec& grant : policy.grants()) {
    for (Verb verb : grant.may) {
      add(grant, verb);
      for (Verb implied : GetVerb(verb).implies) {
        if (implied != verb) add(grant, implied);
      }
    }
  }
  for (GrantTable& table : tables_) table.Finish();
  for (const Added& each : added) {
    VisitColumns(policy, *each.grant, each.verb, [&](size_t column) {
      uint32_t& cell = index_[Slot(each.grant->role, each.verb, column)];
      if (cell == 0) {
        cells_.emplace_back(TableOf(policy, each.grant->role, each.verb));
        cell = static_cast<uint32_t>(cells_.size());
      }
      cells_[cell - 1u].Add(each.place);
    });
  }
}

GrantTable* CompiledPolicy::TableOf(const Policy& policy, RoleId role, Verb verb) {
  GrantTable*& table = table_of_[Slot(role, verb, 0) / purposes_];
  if (table == nullptr) {
    const VerbTarget target = GetVerb(verb).target;
    table = &tables_.emplace_back(target == VerbTarget::kFields ? policy.field_count()
                                  : target == VerbTarget::kType ? policy.type_count()
                                                                : 1);
  }
  return table;
}

Slice CompiledPolicy::MakeSlice(const Policy& policy, const GrantSpec& grant, Verb verb) const {
  const VerbInfo& info = GetVerb(verb);
  Slice slice{grant.index, info.outputs_values ? grant.view : View::kPlain, 0, BitSet(1)};
  for (Condition condition : grant.when) {
    slice.conditions =
        static_cast<uint8_t>(slice.conditions | (1u << static_cast<unsigned>(condition)));
  }
  switch (info.target) {
    case VerbTarget::kFields:
      slice.objects = BitSet(policy.field_count());
      for (FieldId id : grant.fields) {
        const RoleSpec& role = policy.roles()[grant.role];
        if (FieldAllows(policy.field(id), info, role, slice.view) == Reason::kOk) {
          slice.objects.Set(id);
        }
      }
      break;
    case VerbTarget::kType:
      slice.objects = BitSet(policy.type_count());
      for (TypeId type : grant.types) slice.objects.Set(type);
      break;
    case VerbTarget::kTenant:
      slice.objects.Set(0);
      break;
  }
  return slice;
}

}  // namespace piivault::authz
