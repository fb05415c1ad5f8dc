// What an import makes of a CSV file: which column becomes what, and which rows travel together.
#ifndef PIIVAULT_OPS_CLI_IMPORT_PLAN_H_
#define PIIVAULT_OPS_CLI_IMPORT_PLAN_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "piivault/v1/vault_service.pb.h"

namespace piivault::ops {

struct ImportColumns {
  std::map<std::string, std::string> renamed;  // column -> field
  std::set<std::string> ignored;
  std::string ref;
  std::string channel;
  std::string collected_at;
  std::string birth_date;
};

// Turns rows into records. A column becomes the field of its name, of the name it is mapped to, or
// nothing; one column each may be the ref, the channel, the time of collection and the person's
// birthday where no field holds it. An empty cell is no value.
//
// Thread-compatible; immutable once made.
class RowMapper {
 public:
  // `base` is what all records have: type and provenance. INVALID_ARGUMENT where a column is named
  // that the header does not have, or two columns become one field.
  [[nodiscard]] static absl::StatusOr<RowMapper> Create(const std::vector<std::string>& header,
                                                        const ImportColumns& columns,
                                                        const v1::NewRecord& base);

  // INVALID_ARGUMENT with the column's name, never its contents.
  [[nodiscard]] absl::StatusOr<v1::NewRecord> Map(const std::vector<std::string>& row) const;

  // Fields that columns become, sorted.
  const std::vector<std::string>& fields() const { return fields_; }

 private:
  enum class Use { kIgnored, kField, kRef, kChannel, kCollectedAt, kBirthDate };
  struct Target {
    Use use = Use::kIgnored;
    std::string field;
  };
  explicit RowMapper(const v1::NewRecord& base) : base_(base) {}

  v1::NewRecord base_;
  std::vector<std::string> header_;
  std::vector<Target> targets_;
  std::vector<std::string> fields_;
};

// One row on its way.
struct ImportRow {
  int64_t number = 0;  // from 1, without the header
  int64_t line = 0;    // where it begins in the file
  v1::NewRecord record;
};

// Rows that travel in one call. The request id makes a repetition of the same rows take effect
// once.
struct ImportBatch {
  std::vector<ImportRow> rows;
  std::string request_id;
};

// A request id for these rows of this run: run id and a digest of the row numbers.
std::string BatchRequestId(std::string_view run_id, const std::vector<ImportRow>& rows);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_IMPORT_PLAN_H_
