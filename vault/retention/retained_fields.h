#ifndef PIIVAULT_VAULT_RETENTION_RETAINED_FIELDS_H_
#define PIIVAULT_VAULT_RETENTION_RETAINED_FIELDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "authz/policy.h"
#include "authz/retention.h"
#include "vault/records/record_loader.h"
#include "vault/records/record_writer.h"

namespace piivault::vault {

// A field of a record that has a value, and how long it is kept.
struct RetainedField {
  const authz::FieldSpec* field = nullptr;
  authz::FieldTimes times;
};

// Those of the record's fields that have a value and that some rule is about, in the policy's
// order; of what was left of an erased person all. Pointers lead into `policy`.
[[nodiscard]] std::vector<RetainedField> RetainedFields(const authz::Policy& policy,
                                                        const LoadedRecord& record);

// Of these, those that a law keeps at `now`.
[[nodiscard]] std::vector<RetainedField> HeldFields(const authz::Policy& policy,
                                                    const LoadedRecord& record, absl::Time now);

// Full names, for errors.
[[nodiscard]] std::vector<std::string> NamesOf(const std::vector<RetainedField>& fields);

// Before a change of `record` is planned: the fields that it would clear although a law keeps them;
// and has the change keep what others of these held before.
[[nodiscard]] std::vector<RetainedField> ApplyHolds(const authz::Policy& policy,
                                                    const LoadedRecord& record, absl::Time now,
                                                    RecordChange* change);

// How many fields of the record have a value.
[[nodiscard]] size_t CountValues(const LoadedRecord& record);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RETENTION_RETAINED_FIELDS_H_
