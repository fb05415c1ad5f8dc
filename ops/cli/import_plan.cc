#include "ops/cli/import_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "ops/cli/arguments.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

absl::Status CheckNamed(const std::set<std::string>& header, const ImportColumns& columns) {
  std::vector<std::string> named(columns.ignored.begin(), columns.ignored.end());
  for (const auto& [column, field] : columns.renamed) named.push_back(column);
  for (const std::string& column :
       {columns.ref, columns.channel, columns.collected_at, columns.birth_date}) {
    if (!column.empty()) named.push_back(column);
  }
  for (const std::string& column : named) {
    if (!header.contains(column)) {
      return absl::InvalidArgumentError(absl::StrCat("the file has no column ", column));
    }
  }
  return absl::OkStatus();
}

// `web_tls` and `web_plain` say the hop as well.
void SetFrontHop(const std::string& channel, v1::Provenance* provenance) {
  if (provenance->front_hop() != v1::FRONT_HOP_UNSPECIFIED) return;
  if (channel.ends_with("_tls")) provenance->set_front_hop(v1::FRONT_HOP_TLS);
  if (channel.ends_with("_plain")) provenance->set_front_hop(v1::FRONT_HOP_PLAIN);
}

}  // namespace

absl::StatusOr<RowMapper> RowMapper::Create(const std::vector<std::string>& header,
                                            const ImportColumns& columns,
                                            const v1::NewRecord& base) {
  const std::set<std::string> names(header.begin(), header.end());
  if (names.size() != header.size()) {
    return absl::InvalidArgumentError("two columns have the same name");
  }
  if (absl::Status status = CheckNamed(names, columns); !status.ok()) return status;
  RowMapper mapper(base);
  mapper.header_ = header;
  for (const std::string& column : header) {
    Target target;
    if (column == columns.ref) {
      target.use = Use::kRef;
    } else if (column == columns.channel) {
      target.use = Use::kChannel;
    } else if (column == columns.collected_at) {
      target.use = Use::kCollectedAt;
    } else if (column == columns.birth_date) {
      target.use = Use::kBirthDate;
    } else if (!columns.ignored.contains(column)) {
      const auto renamed = columns.renamed.find(column);
      target = {Use::kField, renamed == columns.renamed.end() ? column : renamed->second};
      mapper.fields_.push_back(target.field);
    }
    mapper.targets_.push_back(std::move(target));
  }
  std::sort(mapper.fields_.begin(), mapper.fields_.end());
  if (std::adjacent_find(mapper.fields_.begin(), mapper.fields_.end()) != mapper.fields_.end()) {
    return absl::InvalidArgumentError("two columns become the same field");
  }
  return mapper;
}

absl::StatusOr<v1::NewRecord> RowMapper::Map(const std::vector<std::string>& row) const {
  if (row.size() != targets_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the row has ", row.size(), " columns, the header ", targets_.size()));
  }
  v1::NewRecord record = base_;
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string& cell = row[i];
    if (cell.empty()) continue;
    switch (targets_[i].use) {
      case Use::kIgnored:
        break;
      case Use::kField:
        (*record.mutable_fields())[targets_[i].field] = cell;
        break;
      case Use::kRef:
        record.set_ref(cell);
        break;
      case Use::kChannel:
        record.mutable_provenance()->set_channel(cell);
        SetFrontHop(cell, record.mutable_provenance());
        break;
      case Use::kBirthDate:
        record.set_birth_date(cell);
        break;
      case Use::kCollectedAt: {
        absl::StatusOr<absl::Time> time = ParseTime(cell, absl::InfiniteFuture());
        if (!time.ok() || *time == absl::InfiniteFuture()) {
          return absl::InvalidArgumentError(
              absl::StrCat("column ", header_[i], " does not hold a time"));
        }
        *record.mutable_provenance()->mutable_collected_at() = ToProto(*time);
        break;
      }
    }
  }
  return record;
}

std::string BatchRequestId(std::string_view run_id, const std::vector<ImportRow>& rows) {
  std::string numbers;
  for (const ImportRow& row : rows) absl::StrAppend(&numbers, row.number, ",");
  return absl::StrCat("import-", std::string(run_id), "-", Sha256Hex(numbers).substr(0, 24));
}

}  // namespace piivault::ops
