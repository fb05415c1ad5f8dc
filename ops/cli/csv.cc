#include "ops/cli/csv.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace piivault::ops {

absl::Status CsvReader::Malformed(const char* what) const {
  return absl::InvalidArgumentError(
      absl::StrCat("line ", line_, ", column ", at_ - line_start_ + 1, ": ", what));
}

bool CsvReader::AtLineEnd() const {
  return text_[at_] == '\n' ||
         (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
}

void CsvReader::SkipLineEnd() {
  at_ += text_[at_] == '\r' ? 2 : 1;
  ++line_;
  line_start_ = at_;
}

absl::StatusOr<std::string> CsvReader::QuotedField() {
  std::string field;
  ++at_;
  while (true) {
    const size_t quote = text_.find('"', at_);
    if (quote == std::string_view::npos || field.size() + (quote - at_) > kMaxField) {
      return Malformed("a quote is not closed");
    }
    for (size_t i = at_; i < quote; ++i) {
      if (text_[i] == '\n') {
        ++line_;
        line_start_ = i + 1;
      }
    }
    field.append(text_.substr(at_, quote - at_));
    at_ = quote + 1;
    if (at_ == text_.size() || text_[at_] == ',' || AtLineEnd()) return field;
    if (text_[at_] != '"') return Malformed("text follows a closing quote");
    field += '"';
    ++at_;
  }
}

absl::StatusOr<std::string> CsvReader::Field() {
  if (at_ < text_.size() && text_[at_] == '"') return QuotedField();
  const size_t start = at_;
  while (at_ < text_.size() && text_[at_] != ',' && !AtLineEnd()) {
    if (text_[at_] == '"') return Malformed("a quote stands inside an unquoted field");
    ++at_;
  }
  if (at_ - start > kMaxField) return Malformed("a field is too long");
  return std::string(text_.substr(start, at_ - start));
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>* row) {
  row->clear();
  while (at_ < text_.size() && AtLineEnd()) SkipLineEnd();
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  while (true) {
    absl::StatusOr<std::string> field = Field();
    if (!field.ok()) return field.status();
    row->push_back(*std::move(field));
    if (at_ >= text_.size()) return true;
    if (AtLineEnd()) {
      SkipLineEnd();
      return true;
    }
    ++at_;  // the comma
    if (at_ == text_.size()) {
      row->emplace_back();
      return true;
    }
  }
}

std::string CsvRow(const std::vector<std::string>& fields) {
  std::string row;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) row += ',';
    if (fields[i].find_first_of(",\"\r\n") == std::string::npos) {
      row += fields[i];
      continue;
    }
    row += '"';
    for (const char c : fields[i]) row.append(c == '"' ? 2 : 1, c);
    row += '"';
  }
  return row + "\r\n";
}

}  // namespace piivault::ops
