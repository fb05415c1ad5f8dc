#ifndef PIIVAULT_VAULT_RECORDS_CREDENTIAL_FAILURES_H_
#define PIIVAULT_VAULT_RECORDS_CREDENTIAL_FAILURES_H_

#include <string_view>

#include "absl/time/time.h"
#include "authz/policy_spec.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/id.h"

namespace piivault::vault {

// Failures to verify credentials, one after another, as the person's row counts them: they go with
// the person. A record's field counts by itself, whether a credential is set there or not.

// So many fields of one person are counted, each in a row of its own. Where that is not enough,
// those give way that did not fail for a day and whose lock is over; until one does, all others
// count in one row that they share, which no success empties.
inline constexpr int kMaxCountedCredentials = 200;

// Nothing is tried before this: the end of the lock that the failures so far have brought about.
// InfinitePast where there is none.
absl::Time LockedUntil(const storage::v1::SubjectUse& use, const storage::Id128& record,
                       std::string_view field, const authz::CredentialRule& rule, absl::Time now);

// One more. REQUIRES: LockedUntil() is past.
void CountFailure(const storage::Id128& record, std::string_view field,
                  const authz::CredentialRule& rule, absl::Time now, storage::v1::SubjectUse* use);

// In a row of its own.
bool HasFailures(const storage::v1::SubjectUse& use, const storage::Id128& record,
                 std::string_view field);
void ForgetFailures(const storage::Id128& record, std::string_view field,
                    storage::v1::SubjectUse* use);
// Of all fields of the record.
void ForgetFailures(const storage::Id128& record, storage::v1::SubjectUse* use);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_CREDENTIAL_FAILURES_H_
