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

CompiledPolicy::CompiledPolicy(const Policy& policy)
    : purposes_(policy.purposes().size() + 1),
      verbs_(policy.roles().size()),
      index_(policy.roles().size() * kVerbCount * purposes_),
      grounds_(policy) {
  for (const GrantSpec& grant : policy.grants()) {
    for (Verb verb : grant.may) {
      AddGrant(policy, grant, verb);
      for (Verb implied : GetVerb(verb).implies) {
        if (implied != verb) AddGrant(policy, grant, implied);
      }
    }
  }
}

void CompiledPolicy::AddGrant(const Policy& policy, const GrantSpec& grant, Verb verb) {
  const VerbInfo& info = GetVerb(verb);
  const Slice* slice = &slices_.emplace_back(MakeSlice(policy, grant, verb));
  verbs_[grant.role] |= uint64_t{1} << static_cast<unsigned>(verb);
  bool without_purpose = info.purpose == Need::kNo || grant.purposes.empty();
  for (PurposeId id : grant.purposes) {
    const PurposeSpec& purpose = policy.purposes()[id];
    AddSlice(grant.role, verb, id + size_t{1}, slice);
    // What a purpose asks for cannot be left out by not stating the purpose.
    if (AsksNothing(purpose)) without_purpose = true;
  }
  if (grant.purposes.empty()) {
    for (size_t p = 1; p < purposes_; ++p) AddSlice(grant.role, verb, p, slice);
  }
  if (without_purpose && info.purpose != Need::kRequired) AddSlice(grant.role, verb, 0, slice);
}

Slice CompiledPolicy::MakeSlice(const Policy& policy, const GrantSpec& grant, Verb verb) const {
  const VerbInfo& info = GetVerb(verb);
  Slice slice{grant.index, info.outputs_values ? grant.view : View::kPlain, 0,
              BitSet(policy.field_count()), BitSet(policy.type_count())};
  for (Condition condition : grant.when) {
    slice.conditions =
        static_cast<uint8_t>(slice.conditions | (1u << static_cast<unsigned>(condition)));
  }
  for (FieldId id : grant.fields) {
    const FieldSpec& field = policy.field(id);
    if (FieldAllows(field, info, policy.roles()[grant.role], slice.view) == Reason::kOk) {
      slice.fields.Set(id);
    }
  }
  for (TypeId type : grant.types) slice.types.Set(type);
  return slice;
}

void CompiledPolicy::AddSlice(RoleId role, Verb verb, size_t purpose, const Slice* slice) {
  uint32_t& cell = index_[Slot(role, verb, purpose)];
  if (cell == 0) {
    cells_.emplace_back();
    cell = static_cast<uint32_t>(cells_.size());
  }
  Cell& slices = cells_[cell - 1u];
  // The same grant can come twice, by a verb and by what another verb implies.
  if (slices.empty() || slices.back()->grant != slice->grant) slices.push_back(slice);
}

}  // namespace piivault::authz
