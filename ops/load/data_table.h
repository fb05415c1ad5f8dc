#ifndef PIIVAULT_OPS_LOAD_DATA_TABLE_H_
#define PIIVAULT_OPS_LOAD_DATA_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace piivault::ops {

// Tab-separated values whose first line names the columns: no quotes, no escapes.
//
// The file as it came, and 8 bytes for each row. Immutable once made; thread-safe.
class DataTable {
 public:
  // An empty line is skipped. INVALID_ARGUMENT, with the line and never what stands there, for rows
  // with more or fewer cells than columns; where two columns have one name; where there is no row.
  [[nodiscard]] static absl::StatusOr<DataTable> Parse(std::string text);

  size_t rows() const { return rows_.size(); }
  std::optional<size_t> FindColumn(std::string_view name) const;
  // REQUIRES: row < rows(); the column is one of FindColumn().
  std::string_view Cell(size_t row, size_t column) const;

 private:
  DataTable() = default;
  // The line that begins at `begin`, without its end.
  std::string_view Line(size_t begin) const;
  absl::Status ReadHeader();

  std::string text_;
  std::vector<std::string> columns_;
  std::vector<uint64_t> rows_;  // where each begins
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_DATA_TABLE_H_
