#ifndef PIIVAULT_VAULT_SERVICE_PERSON_RECORDS_H_
#define PIIVAULT_VAULT_SERVICE_PERSON_RECORDS_H_

#include <cstddef>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "vault/records/record_loader.h"
#include "vault/service/vault_call.h"

namespace piivault::vault {

// Records of one person that a call looks at.
inline constexpr size_t kMaxRecordsOfPerson = 10'000;

// Calls `use` with each of the records, of one person, a slice at a time; other calls run between
// slices. What was read is in the call's changes. Returns what `use` said first that is not OK, or
// why they cannot be read.
absl::Status ForEachRecord(VaultCall& call, absl::Span<const storage::RecordLocator> locators,
                           absl::FunctionRef<absl::Status(LoadResult&)> use);

// The same with all records of the person; kBatchTooLarge where there are more than
// kMaxRecordsOfPerson. Whether one comes or goes meanwhile the person's cell says.
absl::Status ForEachRecordOf(VaultCall& call, const storage::Id128& person,
                             absl::FunctionRef<absl::Status(LoadResult&)> use);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_PERSON_RECORDS_H_
