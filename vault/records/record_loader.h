#ifndef PIIVAULT_VAULT_RECORDS_RECORD_LOADER_H_
#define PIIVAULT_VAULT_RECORDS_RECORD_LOADER_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "authz/reason.h"
#include "storage/engine.h"
#include "vault/keys/record_codec.h"
#include "vault/records/change_set.h"
#include "vault/records/subject_rows.h"
#include "vault/records/tenant_scope.h"

namespace piivault::vault {

// A record whose header was opened and whose person is there. Its fields are decrypted one by one,
// when it has been decided which.
struct LoadedRecord {
  RecordIdentity identity;
  SubjectState subject;
  std::string row;                     // borrowed by `reader`: does not change
  std::optional<RecordReader> reader;  // always set

  std::string_view type() const { return reader->type(); }
  const storage::v1::RecordHeader& header() const { return reader->header(); }
  storage::RecordLocator locator() const { return {identity.subject, identity.record}; }
};

struct LoadResult {
  // kOk; kNotFound; kSubjectErased (the person has a tombstone, whatever is left of the record);
  // kDataLoss (rows that do not belong together).
  authz::Reason reason = authz::Reason::kNotFound;
  std::unique_ptr<LoadedRecord> record;  // where kOk; on the heap, as `reader` borrows from it

  bool ok() const { return record != nullptr; }
};

// Of whom records are wanted. Of erased persons: for the removal of what is left, by ErasureWorker
// alone; then a person without tombstone is kDataLoss.
enum class Persons { kLiving, kErased };

// Reads records with the rows that decide about them: record, person, wrap. One result for each
// locator, in order; all cells go to `changes`. Two rounds of look-ups whatever the number.
// UNAVAILABLE and such only for what concerns all of them.
[[nodiscard]] absl::StatusOr<std::vector<LoadResult>> LoadRecords(
    const storage::Engine& engine, const TenantScope& tenant,
    absl::Span<const storage::RecordLocator> locators, ChangeSet* changes,
    Persons persons = Persons::kLiving);

// The same for one.
[[nodiscard]] absl::StatusOr<LoadResult> LoadRecord(const storage::Engine& engine,
                                                    const TenantScope& tenant,
                                                    const storage::RecordLocator& locator,
                                                    ChangeSet* changes);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RECORDS_RECORD_LOADER_H_
