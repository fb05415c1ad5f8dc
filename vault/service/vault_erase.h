#ifndef PIIVAULT_VAULT_SERVICE_VAULT_ERASE_H_
#define PIIVAULT_VAULT_SERVICE_VAULT_ERASE_H_

#include <optional>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "vault/retention/retained_fields.h"
#include "vault/service/vault_call.h"

// What laws keep, where something is to be erased.
namespace piivault::vault {

// Refuses what would take these fields of the record away.
Plan RefuseHeld(VaultCall& call, const LoadedRecord& record,
                const std::vector<RetainedField>& held);

// What is left of a person after EraseButHeld().
enum class ErasureLeft {
  kNothing,  // nothing is planned: no law keeps anything
  kHeld,     // what a law keeps
  kMore,     // and what the background has to destroy
};

// Before a person is erased: looks whether a law keeps anything. `*left` is kNothing where none
// does. Else refuses; or, with `keep_held`, plans the erasure of all else, says in entry and
// `response` what is kept, and sets `*left`. The person is marked: all that is not held is over, no
// new records, and erased for good by RetentionSweeper. A refusal, or nothing.
std::optional<Plan> EraseButHeld(VaultCall& call, const CallerIdentity& caller,
                                 const SubjectState& person, bool keep_held,
                                 v1::DeleteSubjectResponse* response, ErasureLeft* left);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_VAULT_ERASE_H_
