#include "ops/cli/importer.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "ops/cli/failure.h"

namespace piivault::ops {
namespace {

bool MayTryAgain(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

// One import. Workers take turns at the file and at the journal; calls run beside each other.
class Run {
 public:
  Run(CsvReader& reader, const RowMapper& mapper, const ImportOptions& options, Connection& vault,
      ImportJournal& journal)
      : mapper_(mapper), options_(options), vault_(vault), reader_(reader), journal_(journal) {}

  absl::StatusOr<ImportResult> Go() {
    std::vector<std::thread> workers;
    for (int i = 0; i < options_.in_flight; ++i) workers.emplace_back([this] { Work(); });
    for (std::thread& worker : workers) worker.join();
    absl::MutexLock lock(&mutex_);
    absl::Status flushed = journal_.Flush();
    if (status_.ok()) status_ = flushed;
    if (!status_.ok()) return status_;
    return result_;
  }

 private:
  void Work() {
    while (std::optional<ImportBatch> batch = TakeBatch()) {
      absl::StatusOr<v1::BatchCreateRecordsResponse> response = Send(*batch);
      absl::MutexLock lock(&mutex_);
      absl::Status status = response.ok() ? Record(*batch, *response) : response.status();
      if (!status.ok() && status_.ok()) status_ = status;
      if (options_.progress != nullptr) options_.progress(result_.stored, result_.refused);
    }
  }

  // Rows up to the size of a batch; nullopt at the end or after an error. Batches are cut by row
  // number, so that a resumed run sends the same rows under the same request id.
  std::optional<ImportBatch> TakeBatch() {
    absl::MutexLock lock(&mutex_);
    while (status_.ok() && !end_) {
      ImportBatch batch;
      for (int i = 0; i < options_.batch; ++i) {
        absl::StatusOr<bool> more = reader_.Next(&cells_);
        if (!more.ok()) status_ = more.status();
        if (!more.ok() || !*more) {
          end_ = true;
          break;
        }
        AddRow(++row_, &batch);
      }
      if (batch.rows.empty()) continue;
      batch.request_id = BatchRequestId(journal_.run_id(), batch.rows);
      return batch;
    }
    return std::nullopt;
  }

  void AddRow(int64_t number, ImportBatch* batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (journal_.IsDone(number)) {
      ++result_.skipped;
      return;
    }
    absl::StatusOr<v1::NewRecord> record = mapper_.Map(cells_);
    if (record.ok()) {
      batch->rows.push_back({number, reader_.row_line(), *std::move(record)});
      return;
    }
    Refuse(number, reader_.row_line(), "ROW_MALFORMED", "");
  }

  void Refuse(int64_t number, int64_t line, const std::string& reason, const std::string& fields)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ++result_.refused;
    ++result_.reasons[reason];
    absl::Status status = journal_.Refused(number, line, reason, fields);
    if (!status.ok() && status_.ok()) status_ = status;
  }

  absl::StatusOr<v1::BatchCreateRecordsResponse> Send(const ImportBatch& batch) {
    v1::BatchCreateRecordsRequest request;
    request.set_parent(options_.parent);
    *request.mutable_usage() = options_.usage;
    request.set_request_id(batch.request_id);
    for (const ImportRow& row : batch.rows) *request.add_records() = row.record;
    absl::Duration pause = options_.pause;
    for (int attempt = 1;; ++attempt) {
      auto response =
          vault_.Call(vault_.vault(), &v1::VaultService::Stub::BatchCreateRecords, request);
      if (response.ok() || attempt >= options_.attempts || !MayTryAgain(response.status())) {
        return response;
      }
      std::this_thread::sleep_for(absl::ToChronoMilliseconds(pause));
      pause *= 2;
    }
  }

  absl::Status Record(const ImportBatch& batch, const v1::BatchCreateRecordsResponse& response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (response.results_size() != static_cast<int>(batch.rows.size())) {
      return absl::InternalError("the vault answered for another number of rows");
    }
    for (int i = 0; i < response.results_size(); ++i) {
      const ImportRow& row = batch.rows[static_cast<size_t>(i)];
      const auto& result = response.results(i);
      if (result.has_failure()) {
        Refuse(row.number, row.line, result.failure().reason(),
               absl::StrJoin(result.failure().fields(), " "));
        continue;
      }
      ++result_.stored;
      absl::Status status = journal_.Stored(row.number, result);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  const RowMapper& mapper_;
  const ImportOptions& options_;
  Connection& vault_;

  absl::Mutex mutex_;
  CsvReader& reader_ ABSL_GUARDED_BY(mutex_);
  ImportJournal& journal_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> cells_ ABSL_GUARDED_BY(mutex_);
  int64_t row_ ABSL_GUARDED_BY(mutex_) = 0;
  bool end_ ABSL_GUARDED_BY(mutex_) = false;
  ImportResult result_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<ImportResult> ImportRows(CsvReader& reader, const RowMapper& mapper,
                                        const ImportOptions& options, Connection& vault,
                                        ImportJournal& journal) {
  return Run(reader, mapper, options, vault, journal).Go();
}

}  // namespace piivault::ops
