#include "vault/records/record_loader.h"

#include <utility>

#include "absl/status/status.h"

namespace piivault::vault {
namespace {

using Rows = std::vector<std::optional<std::string>>;

// Judges record and person row; fills what is known before the wrap is read.
LoadResult OpenOuterRows(const TenantScope& tenant, Persons persons,
                         const storage::RecordLocator& locator,
                         std::optional<std::string>& record_row,
                         const std::optional<std::string>& subject_row) {
  LoadResult result;
  if (!subject_row.has_value()) {
    // A record without a person is one whose person row was taken away.
    result.reason = record_row.has_value() ? authz::Reason::kDataLoss : authz::Reason::kNotFound;
    return result;
  }
  absl::StatusOr<SubjectState> subject = OpenSubject(tenant, locator.subject, *subject_row);
  if (!subject.ok()) {
    result.reason = authz::Reason::kDataLoss;
    return result;
  }
  if (subject->erased() != (persons == Persons::kErased)) {
    result.reason = subject->erased() ? authz::Reason::kSubjectErased : authz::Reason::kDataLoss;
    return result;
  }
  if (!record_row.has_value()) return result;
  result.record = std::make_unique<LoadedRecord>();
  result.record->identity = {tenant.id(), locator.subject, locator.record};
  result.record->subject = *std::move(subject);
  result.record->row = *std::move(record_row);
  result.reason = authz::Reason::kOk;
  return result;
}

void Lose(LoadResult* result) {
  result->record.reset();
  result->reason = authz::Reason::kDataLoss;
}

void OpenWrap(const TenantScope& tenant, const std::optional<std::string>& wrap,
              LoadResult* result) {
  if (!wrap.has_value()) return Lose(result);
  absl::StatusOr<RecordReader> reader =
      RecordReader::Open(tenant.keys(), result->record->identity, result->record->row, *wrap);
  if (!reader.ok()) return Lose(result);
  result->record->reader.emplace(*std::move(reader));
}

}  // namespace

absl::StatusOr<std::vector<LoadResult>> LoadRecords(
    const storage::Engine& engine, const TenantScope& tenant,
    absl::Span<const storage::RecordLocator> locators, ChangeSet* changes, Persons persons) {
  std::vector<LoadResult> results;
  results.reserve(locators.size());
  if (locators.empty()) return results;

  std::vector<storage::Key> keys;
  keys.reserve(2 * locators.size());
  for (const storage::RecordLocator& locator : locators) {
    keys.push_back(storage::RecordKey(tenant.id(), locator.subject, locator.record));
    keys.push_back(storage::SubjectKey(tenant.id(), locator.subject));
    changes->Read(keys[keys.size() - 2]);
    changes->Read(keys.back());
  }
  absl::StatusOr<Rows> outer = engine.MultiGet(keys);
  if (!outer.ok()) return outer.status();

  std::vector<size_t> wanted;
  keys.clear();
  for (size_t i = 0; i < locators.size(); ++i) {
    results.push_back(
        OpenOuterRows(tenant, persons, locators[i], (*outer)[2 * i], (*outer)[2 * i + 1]));
    LoadResult& result = results.back();
    if (!result.ok()) continue;
    const absl::StatusOr<uint64_t> version = RecordReader::PeekVersion(result.record->row);
    if (!version.ok()) {
      Lose(&result);
      continue;
    }
    wanted.push_back(i);
    keys.push_back(
        storage::WrapKey(tenant.id(), locators[i].subject, locators[i].record, *version));
    // The wrap may be under an epoch that is younger than the snapshot at hand. Then the row has
    // changed since, and the commit finds out.
    changes->Read(keys.back());
  }
  if (wanted.empty()) return results;
  absl::StatusOr<Rows> wraps = engine.MultiGet(keys);
  if (!wraps.ok()) return wraps.status();
  for (size_t i = 0; i < wanted.size(); ++i) OpenWrap(tenant, (*wraps)[i], &results[wanted[i]]);
  return results;
}

absl::StatusOr<LoadResult> LoadRecord(const storage::Engine& engine, const TenantScope& tenant,
                                      const storage::RecordLocator& locator, ChangeSet* changes) {
  absl::StatusOr<std::vector<LoadResult>> results =
      LoadRecords(engine, tenant, absl::MakeConstSpan(&locator, 1), changes);
  if (!results.ok()) return results.status();
  return std::move(results->front());
}

}  // namespace piivault::vault
