#ifndef PIIVAULT_OPS_CLI_IMPORTER_H_
#define PIIVAULT_OPS_CLI_IMPORTER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/cli/connection.h"
#include "ops/cli/csv.h"
#include "ops/cli/import_journal.h"
#include "ops/cli/import_plan.h"

namespace piivault::ops {

struct ImportOptions {
  std::string parent;
  v1::Usage usage;
  int batch = 500;                                 // rows in a call, at most 1,000
  int in_flight = 4;                               // calls at once
  int attempts = 6;                                // of one call, where trying again may help
  absl::Duration pause = absl::Milliseconds(200);  // before the second attempt; doubles
  // Called after each batch, one call at a time.
  std::function<void(int64_t stored, int64_t refused)> progress;
};

struct ImportResult {
  int64_t stored = 0;   // in this run
  int64_t skipped = 0;  // stored by the run that was resumed
  int64_t refused = 0;
  std::map<std::string, int64_t> reasons;  // of those refused
};

// Sends the rows that `reader` still has through `mapper` in batches, several at once, and writes
// what became of each to `journal`. A row that cannot be mapped or is refused does not stop the
// others; a call that fails as a whole ends the import, after which --resume goes on.
[[nodiscard]] absl::StatusOr<ImportResult> ImportRows(CsvReader& reader, const RowMapper& mapper,
                                                      const ImportOptions& options,
                                                      Connection& vault, ImportJournal& journal);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_IMPORTER_H_
