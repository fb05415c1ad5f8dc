// How far a person's request is: all of it follows from the request's row and from what else is
// known of the person. Pure; thread-safe.
#ifndef PIIVAULT_VAULT_RIGHTS_SUBJECT_REQUEST_H_
#define PIIVAULT_VAULT_RIGHTS_SUBJECT_REQUEST_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "piivault/storage/v1/state.pb.h"

namespace piivault::vault {

using storage::v1::SubjectRequestRow;
using storage::v1::SubjectUse;

// Kept with a person; those that are closed for good give way.
inline constexpr int kMaxRequests = 16;
inline constexpr int kMaxRequestFields = 256;
// Of all of a person's requests: each read of the person opens them.
inline constexpr size_t kMaxRequestBytes = size_t{16} << 10;
// Kind of the request that says that the contract is to end.
inline constexpr std::string_view kTerminate = "terminate";

enum class RequestState { kOpen, kCompleted, kPartlyRefused, kRefused, kWithdrawn };

// Whether the person's contract lasts and the person has not asked that it end.
bool ContractStands(const SubjectUse& use);
// Whether the ground of the refusal holds still. Where it does not, its fields are open again.
bool Holds(const SubjectRequestRow::Refusal& refusal, const SubjectUse& use);
// Lets no refusal that rests on the contract hold any more, whatever becomes of the contract.
void LapseRefusals(SubjectUse* use);

// The fields that are neither done nor refused on a ground that holds, in the request's order;
// views into the row. None of a request that was withdrawn. `use` is that of the row's person.
std::vector<std::string_view> OpenFields(const SubjectRequestRow& row, const SubjectUse& use);
RequestState StateOf(const SubjectRequestRow& row, const SubjectUse& use);

// What the vault can see of whether a request was carried out.
enum class Proof {
  kNone,          // Nothing: whoever completes it says so, and stands for it by name.
  kErased,        // No record has a value, nor an earlier one.
  kStopped,       // Its use is stopped, for every purpose.
  kUnsubscribed,  // Mailing is stopped.
  kWritten,       // Where there is a value, one was written since, or cleared.
  kEnded,         // The contract has ended.
};
Proof ProofOf(std::string_view kind);

// Null for none.
SubjectRequestRow* FindRequest(SubjectUse* use, std::string_view id);

// Adds a request, the last one then. The oldest that are closed for good give way where there are
// too many or they are too large: one that was refused because of the contract may be open again.
// False where there is no room; then the row is not to be stored.
bool AddRequest(SubjectRequestRow row, SubjectUse* use);
// Whether the requests are within kMaxRequestBytes.
bool RequestsFit(const SubjectUse& use);

// Adds a refusal, which takes the place of earlier ones of its fields.
// REQUIRES: its fields are the request's, and none of them is done.
void AddRefusal(SubjectRequestRow::Refusal refusal, SubjectRequestRow* row);

// Marks the fields as done. REQUIRES: they are open.
void MarkDone(absl::Span<const std::string_view> fields, int64_t now_micros,
              SubjectRequestRow* row);

// All fields that requests have frozen, each once; views into `use`.
std::vector<std::string_view> FrozenFields(const SubjectUse& use);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RIGHTS_SUBJECT_REQUEST_H_
