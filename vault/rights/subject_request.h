// How far a person's request is: all of it follows from the request's row and from what else is
// known of the person. Pure; thread-safe.
#ifndef PIIVAULT_VAULT_RIGHTS_SUBJECT_REQUEST_H_
#define PIIVAULT_VAULT_RIGHTS_SUBJECT_REQUEST_H_

#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "piivault/storage/v1/state.pb.h"

namespace piivault::vault {

using storage::v1::SubjectRequestRow;
using storage::v1::SubjectUse;

// Kept with a person; those that are closed give way.
inline constexpr int kMaxRequests = 16;
inline constexpr int kMaxRequestFields = 256;

enum class RequestState { kOpen, kCompleted, kPartlyRefused, kRefused };

// Whether the person's contract lasts and nobody has said that it is to end.
bool ContractStands(const SubjectUse& use);
// Whether the ground of the refusal holds still. Where it does not, its fields are open again.
bool Holds(const SubjectRequestRow::Refusal& refusal, const SubjectUse& use);

// The fields that are neither done nor refused on a ground that holds, in the request's order;
// views into the row. `use` is that of the row's person.
std::vector<std::string_view> OpenFields(const SubjectRequestRow& row, const SubjectUse& use);
RequestState StateOf(const SubjectRequestRow& row, const SubjectUse& use);

// Null for none.
SubjectRequestRow* FindRequest(SubjectUse* use, std::string_view id);

// Adds a request; the oldest that is closed gives way where there are too many. False where all are
// open; then nothing has changed.
bool AddRequest(SubjectRequestRow row, SubjectUse* use);

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
