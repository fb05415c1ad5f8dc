#ifndef PIIVAULT_OPS_CLI_CSV_H_
#define PIIVAULT_OPS_CLI_CSV_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace piivault::ops {

// Reads CSV (RFC 4180): quoted fields may hold commas, quotes written twice, and line ends. Lines
// end with CRLF or LF; an empty line is skipped.
//
// Errors say line and column and never what stands there. Borrows the text. Thread-compatible.
class CsvReader {
 public:
  // At most so many bytes in one field: a quote that is never closed must not swallow a file.
  static constexpr size_t kMaxField = size_t{1} << 20;

  explicit CsvReader(std::string_view text) : text_(text) {}

  // Reads the next row into `row`; false at the end. INVALID_ARGUMENT for a quote that is never
  // closed, stands inside an unquoted field, or is followed by other text.
  [[nodiscard]] absl::StatusOr<bool> Next(std::vector<std::string>* row);

  // The line, from 1, on which the row read last begins.
  int64_t row_line() const { return row_line_; }

 private:
  absl::StatusOr<std::string> Field();
  absl::StatusOr<std::string> QuotedField();
  absl::Status Malformed(const char* what) const;
  bool AtLineEnd() const;
  void SkipLineEnd();

  std::string_view text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  size_t line_start_ = 0;
  int64_t row_line_ = 0;
};

// One row with CRLF at its end; fields are quoted where they must be.
std::string CsvRow(const std::vector<std::string>& fields);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_CSV_H_
