#include "ops/load/data_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "vault/text.h"

namespace piivault::ops {

absl::StatusOr<DataTable> DataTable::Parse(std::string text) {
  DataTable table;
  table.text_ = std::move(text);
  if (absl::Status status = table.ReadHeader(); !status.ok()) return status;
  const auto tabs = static_cast<std::ptrdiff_t>(table.columns_.size()) - 1;
  int64_t number = 1;
  for (size_t at = table.text_.find('\n'); at != std::string::npos && ++at < table.text_.size();
       at = table.text_.find('\n', at)) {
    ++number;
    const std::string_view line = table.Line(at);
    if (line.empty()) continue;
    if (std::count(line.begin(), line.end(), '\t') != tabs) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " of the data does not have ", tabs + 1, " cells"));
    }
    table.rows_.push_back(at);
  }
  if (table.rows_.empty()) return absl::InvalidArgumentError("the data has no rows");
  return table;
}

absl::Status DataTable::ReadHeader() {
  columns_ = absl::StrSplit(vault::AbslView(Line(0)), '\t');
  if (std::set<std::string>(columns_.begin(), columns_.end()).size() != columns_.size()) {
    return absl::InvalidArgumentError("two columns of the data have one name");
  }
  return absl::OkStatus();
}

std::string_view DataTable::Line(size_t begin) const {
  std::string_view line = std::string_view(text_).substr(begin);
  line = line.substr(0, line.find('\n'));
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

std::optional<size_t> DataTable::FindColumn(std::string_view name) const {
  const auto it = std::find(columns_.begin(), columns_.end(), name);
  if (it == columns_.end()) return std::nullopt;
  return static_cast<size_t>(it - columns_.begin());
}

std::string_view DataTable::Cell(size_t row, size_t column) const {
  std::string_view rest = Line(rows_[row]);
  for (; column > 0; --column) rest.remove_prefix(rest.find('\t') + 1);
  return rest.substr(0, rest.find('\t'));
}

}  // namespace piivault::ops
