#ifndef PIIVAULT_VAULT_RECORDS_SUBJECT_ROWS_H_
#define PIIVAULT_VAULT_RECORDS_SUBJECT_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "piivault/storage/v1/state.pb.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/records/change_set.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// A person's state row, opened. The row is what stands between an erasure and every other path: its
// cell is in the read set of all that makes or uses a record of this person (I12).
struct SubjectState {
  storage::Id128 id;
  storage::v1::SubjectRow row;

  bool erased() const { return row.erased(); }
};

// A new person, not stored yet, at version 0.
SubjectState NewSubject(RandomSource& random, absl::Time now);

// DATA_LOSS for a row that was not sealed for this person.
[[nodiscard]] absl::StatusOr<SubjectState> OpenSubject(const TenantScope& tenant,
                                                       const storage::Id128& id,
                                                       std::string_view value);

// nullopt where there is no such person. Adds the cell. DATA_LOSS; UNAVAILABLE.
[[nodiscard]] absl::StatusOr<std::optional<SubjectState>> LoadSubject(const storage::Engine& engine,
                                                                      const TenantScope& tenant,
                                                                      const storage::Id128& id,
                                                                      ChangeSet* changes);

// Days from the Unix epoch, as SubjectUse::birth_day has them.
int32_t NumberOfDay(absl::CivilDay day);
absl::CivilDay DayOfNumber(int32_t number);

// Stores the row at the version it has now.
void PutSubject(const TenantScope& tenant, RandomSource& random, const SubjectState& subject,
                ChangeSet* changes);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_SUBJECT_ROWS_H_
