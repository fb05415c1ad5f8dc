#ifndef PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_
#define PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_

#include <string>
#include <string_view>

#include "piivault/storage/v1/entry.pb.h"
#include "storage/engine.h"
#include "storage/log_index.h"

namespace piivault::vault {

// What entries are found by in the derived index. References are the raw 16 bytes. Records have no
// terms: whoever looks for one asks for its subject, who has few.
std::string PrincipalTerm(std::string_view principal);
std::string SubjectTerm(std::string_view subject_ref);
std::string BreakGlassTerm(std::string_view name);  // `breakGlassUses/…`

// Gives the terms of an entry to `take`; of a body that cannot be read those before the damage.
// Reads of the body only what it needs: an entry may have 1,000 items.
void TermsOf(const storage::StoredEntry& entry, storage::LogIndex::TermSink take);

// The body of a stored entry; DATA_LOSS where it cannot be read.
[[nodiscard]] absl::StatusOr<storage::v1::EntryBody> ParseBody(const storage::StoredEntry& entry);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_
