#ifndef PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_
#define PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_

#include <string>
#include <string_view>
#include <vector>

#include "piivault/storage/v1/entry.pb.h"
#include "storage/engine.h"

namespace piivault::vault {

// What entries are found by in the derived index. References are the raw 16 bytes.
std::string PrincipalTerm(std::string_view principal);
std::string SubjectTerm(std::string_view subject_ref);
std::string RecordTerm(std::string_view record_ref);

// The terms of an entry, each once. Empty for one whose body cannot be read.
std::vector<std::string> TermsOf(const storage::StoredEntry& entry);

// The body of a stored entry; DATA_LOSS where it cannot be read.
[[nodiscard]] absl::StatusOr<storage::v1::EntryBody> ParseBody(const storage::StoredEntry& entry);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_AUDIT_ENTRY_TERMS_H_
