#include "vault/retention/retained_fields.h"

#include <algorithm>

#include "vault/retention/record_times.h"

namespace piivault::vault {

std::vector<RetainedField> RetainedFields(const authz::Policy& policy, const LoadedRecord& record) {
  std::vector<RetainedField> fields;
  const authz::TypeId type = policy.FindType(record.type());
  // The policy may have given up the law for which something was left of an erased person.
  const bool erased = record.subject.row.use().erase_micros() != 0;
  if (type == authz::kNoType || !(erased || authz::HasRetention(policy, type))) return fields;
  const RecordTimes times(policy, record.subject.row.use(), record.identity.record,
                          record.header());
  for (const authz::FieldId id : policy.type(type).fields) {
    const authz::FieldSpec& field = policy.field(id);
    const storage::v1::FieldHeader* const value = record.reader->FindField(field.name);
    if (value == nullptr || value->absent()) continue;
    if (!erased && !authz::IsRetained(policy, id)) continue;
    fields.push_back({&field, times.Of(id)});
  }
  return fields;
}

std::vector<RetainedField> HeldFields(const authz::Policy& policy, const LoadedRecord& record,
                                      absl::Time now) {
  std::vector<RetainedField> fields = RetainedFields(policy, record);
  std::erase_if(fields, [now](const RetainedField& field) { return !field.times.HeldAt(now); });
  return fields;
}

std::vector<std::string> NamesOf(const std::vector<RetainedField>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const RetainedField& field : fields) names.push_back(field.field->full_name);
  return names;
}

std::vector<RetainedField> ApplyHolds(const authz::Policy& policy, const LoadedRecord& record,
                                      absl::Time now, RecordChange* change) {
  std::vector<RetainedField> cleared;
  for (const RetainedField& held : HeldFields(policy, record, now)) {
    change->held.push_back(held.field->name);
    const storage::v1::FieldHeader& value = *record.reader->FindField(held.field->name);
    if (change->Clears(held.field->name, value.one_way())) cleared.push_back(held);
  }
  return cleared;
}

size_t CountValues(const LoadedRecord& record) {
  const auto& fields = record.header().fields();
  return static_cast<size_t>(
      std::count_if(fields.begin(), fields.end(),
                    [](const storage::v1::FieldHeader& field) { return !field.absent(); }));
}

}  // namespace piivault::vault
