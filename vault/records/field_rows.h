#ifndef PIIVAULT_VAULT_RECORDS_FIELD_ROWS_H_
#define PIIVAULT_VAULT_RECORDS_FIELD_ROWS_H_

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "storage/engine.h"
#include "vault/keys/record_codec.h"
#include "vault/records/field_terms.h"
#include "vault/records/tenant_scope.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {

// Which fields are meant.
using WhichFields = absl::FunctionRef<bool(const FieldIndex& index)>;
// Told of each term that the record's rows are to be of.
using SeeTerm = absl::FunctionRef<void(const FieldIndex& index, const FieldTerm& term)>;

// Brings the index rows of a record's fields to what is wanted, whatever they are: rows of the
// wanted form under the active epoch, none of another form or under an older epoch. Nothing is read
// but the record.
// Errors are of a value that does not open; then `writes` has rows of other fields.
[[nodiscard]] absl::Status PlanFieldRows(const ValueRules& rules, const TenantScope& tenant,
                                         const storage::RecordLocator& locator,
                                         RecordReader& record, WhichFields which, SeeTerm see,
                                         std::vector<storage::Mutation>* writes);

// Takes all of them away.
[[nodiscard]] absl::Status PlanNoFieldRows(const ValueRules& rules, const TenantScope& tenant,
                                           const storage::RecordLocator& locator,
                                           RecordReader& record, WhichFields which,
                                           std::vector<storage::Mutation>* writes);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_FIELD_ROWS_H_
