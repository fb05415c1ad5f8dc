#ifndef PIIVAULT_VAULT_RECORDS_EARLIER_VALUES_H_
#define PIIVAULT_VAULT_RECORDS_EARLIER_VALUES_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "authz/policy.h"
#include "authz/reason.h"
#include "piivault/storage/v1/record.pb.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/records/record_loader.h"

namespace piivault::vault {

struct RecordChange;

// All that a record keeps of what its fields held before.
inline constexpr size_t kMaxEarlierValues = 1000;
inline constexpr size_t kMaxEarlierBytes = size_t{1} << 20;

// What a record's next version keeps of earlier values, oldest first.
struct EarlierValues {
  // kOk; kHistoryFull: `field` keeps all earlier values and the record has no room for one more.
  authz::Reason reason = authz::Reason::kOk;
  const authz::FieldSpec* field = nullptr;

  std::vector<storage::v1::EarlierValue> headers;  // without ordinals
  std::vector<SecretBytes> values;                 // one for each
  // Fields that the change sets to the value that they have: their names in the record.
  absl::InlinedVector<std::string_view, 4> unchanged;

  bool ok() const { return reason == authz::Reason::kOk; }
};

// Plans them for a change of `record`, which is at its old version.
//
// Guarantees: of a field that is replaced by another value the old one is kept where the policy
// says so, or a law keeps the field (RecordChange::held); a field keeps no more than the policy
// says, the oldest go first. What a field had goes when the field is cleared, and when the policy
// keeps none of it any more. The whole stays within the bounds above: of fields with a number the
// oldest go, of those that keep all none does. Does not: cost anything where no field has or gets
// an earlier value. DATA_LOSS where a value does not open. Views in the result borrow from
// `record`.
[[nodiscard]] absl::StatusOr<EarlierValues> PlanEarlierValues(const authz::Policy& policy,
                                                              LoadedRecord* record,
                                                              const RecordChange& change,
                                                              absl::Time now);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_EARLIER_VALUES_H_
