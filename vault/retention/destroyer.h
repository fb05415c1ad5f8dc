#ifndef PIIVAULT_VAULT_RETENTION_DESTROYER_H_
#define PIIVAULT_VAULT_RETENTION_DESTROYER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "vault/records/record_writer.h"
#include "vault/retention/retained_fields.h"

namespace piivault::vault {

// Plans the destruction of fields of records, in one commit with all that hangs on them: earlier
// values, tokens, index rows, wraps, and notices to those who were given them.
//
// A record that nothing is left of goes as a whole. What stays is encrypted anew under a data key
// of its own (I12).
// Does not: decide, or look at what a law keeps. Ownership: borrows all; made for one commit.
// Finish() ends it. Thread-compatible.
class Destroyer {
 public:
  Destroyer(const RecordWriter::Deps& deps, const TenantScope& tenant, const authz::Policy& policy,
            absl::Time now, ChangeSet* changes)
      : deps_(deps),
        tenant_(tenant),
        policy_(policy),
        now_(now),
        changes_(*changes),
        writer_(deps, tenant, policy, now, changes) {}

  // The fields by their names within the type; views that live until Finish(). Returns the version
  // that is left, 0 where the record is gone. REQUIRES: the record was loaded for this commit, and
  // is named once. DATA_LOSS where a value does not open.
  [[nodiscard]] absl::StatusOr<uint64_t> Destroy(LoadedRecord* record,
                                                 absl::Span<const std::string_view> fields) {
    return Destroy(record, fields, false);
  }

  // All but what a law keeps, of a person who is erased; the caller's key of the record too.
  struct Rest {
    std::vector<std::string_view> destroyed;  // names within the type; views into the record
    std::vector<RetainedField> held;
    uint64_t version = 0;  // that is left; 0: the record is gone
  };
  [[nodiscard]] absl::StatusOr<Rest> DestroyAllButHeld(LoadedRecord* record);

  RecordWriter& writer() { return writer_; }

  // Tells those who were given it, and stores the people. Last.
  [[nodiscard]] absl::Status Finish();

 private:
  absl::StatusOr<uint64_t> Destroy(LoadedRecord* record, absl::Span<const std::string_view> fields,
                                   bool forget_ref);

  const RecordWriter::Deps deps_;
  const TenantScope& tenant_;
  const authz::Policy& policy_;
  const absl::Time now_;
  ChangeSet& changes_;
  RecordWriter writer_;
  // By subject_ref: record_ref and full name of what goes.
  std::map<std::string, std::set<std::pair<std::string, std::string>>> gone_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_RETENTION_DESTROYER_H_
