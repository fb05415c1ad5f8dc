#ifndef PIIVAULT_VAULT_SERVICE_ENTRY_VIEW_H_
#define PIIVAULT_VAULT_SERVICE_ENTRY_VIEW_H_

#include <cstdint>
#include <limits>
#include <string>

#include "absl/status/statusor.h"
#include "piivault/storage/v1/entry.pb.h"
#include "piivault/v1/audit_service.pb.h"
#include "storage/engine.h"
#include "vault/state/state_snapshot.h"

namespace piivault::vault {

// A filter of AuditService, resolved: names of people and records are references by now.
struct EntryQuery {
  std::string principal;    // as in entries, `principals/…`; empty: any
  std::string subject_ref;  // 16 bytes; empty: any
  std::string record_ref;   // 16 bytes; empty: any
  // Who the record is about: the index finds the entries of persons. Not asked for by itself.
  std::string record_subject_ref;
  std::string method;       // short or full; empty: any
  std::string tenant;       // as in entries; empty: any
  std::string break_glass;  // as in entries, `breakGlassUses/…`; empty: any
  storage::v1::Decision decision = storage::v1::DECISION_UNSPECIFIED;
  int64_t start_micros = std::numeric_limits<int64_t>::min();
  int64_t end_micros = std::numeric_limits<int64_t>::max();

  bool Matches(const storage::v1::EntryBody& body) const;
  // The most selective term of the derived index, or empty where the whole log has to be read.
  std::string Term() const;
};

// Resolves a filter. INVALID_ARGUMENT for malformed names; NOT_FOUND for a person or record that is
// not there (any more): what an erased person's entries say cannot be asked by name.
[[nodiscard]] absl::StatusOr<EntryQuery> ResolveFilter(const v1::EntryFilter& filter,
                                                       const storage::Engine& engine,
                                                       const StateSnapshot& state);

// An entry as the wire shows it.
void FillEntry(const storage::LogPosition& position, const storage::v1::EntryBody& body,
               v1::Entry* out);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ENTRY_VIEW_H_
