#ifndef PIIVAULT_VAULT_LEDGER_EXPORT_PEOPLE_H_
#define PIIVAULT_VAULT_LEDGER_EXPORT_PEOPLE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "authz/reason.h"
#include "piivault/storage/v1/export.pb.h"
#include "storage/engine.h"
#include "vault/ledger/export_rows.h"
#include "vault/records/change_set.h"
#include "vault/records/record_loader.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// Somebody a token is about, with all that a decision about giving the data has to see.
struct ExportPerson {
  // kOk; kNotFound (no such person or record, or none of the types); kSubjectErased; kDataLoss;
  // kBatchTooLarge (more records than one person has).
  authz::Reason reason = authz::Reason::kNotFound;
  std::vector<std::unique_ptr<LoadedRecord>> records;  // where kOk: at least one
  // What the recipient holds of the person; version 0 where there is none yet.
  storage::v1::HoldingRow holding;

  bool ok() const { return reason == authz::Reason::kOk; }
  // REQUIRES: ok().
  const SubjectState& subject() const { return records.front()->subject; }
  storage::Id128 subject_ref() const { return RefOf(subject().row.subject_ref()); }
};

// Records of one person that a token may be about, at most.
inline constexpr size_t kMaxExportRecords = 1000;
// Loaded at a time.
inline constexpr size_t kSlicePeople = 32;
inline constexpr size_t kSliceRecords = 256;

// Loads one person for each of the first items, in order: as many as have kSliceRecords records
// with the last of them, at most kSlicePeople, at least one. `types`: the records' that are wanted.
// All cells go to `changes`: a record that is made meanwhile changes its person's. UNAVAILABLE and
// such only for what concerns all of them. REQUIRES: `items` is not empty.
[[nodiscard]] absl::StatusOr<std::vector<ExportPerson>> LoadExportPeople(
    const storage::Engine& engine, const TenantScope& tenant, absl::Span<const ExportItem> items,
    absl::Span<const std::string> types, const storage::Id128& recipient_ref, ChangeSet* changes);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_LEDGER_EXPORT_PEOPLE_H_
