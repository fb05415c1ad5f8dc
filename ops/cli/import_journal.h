#ifndef PIIVAULT_OPS_CLI_IMPORT_JOURNAL_H_
#define PIIVAULT_OPS_CLI_IMPORT_JOURNAL_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "piivault/v1/vault_service.pb.h"

namespace piivault::ops {

// What an import leaves behind: tokens of the rows that were stored, reasons of those that were
// not.
//
// `tokens` (CSV: row, ref, name, flagged, FIELD_token for each field) is the journal that --resume
// reads; beside it, `tokens`.run names run and file while an import is not complete, so that a
// batch whose answer was lost is not stored twice. `errors` (CSV: row, line, reason, fields,
// remedy) never holds a value. Both have mode 0600. An empty path leaves a file out. Not
// thread-safe.
class ImportJournal {
 public:
  struct Options {
    std::string tokens_path;
    std::string errors_path;
    std::string file_sha256;
    std::vector<std::string> fields;
    bool resume = false;
    std::string fresh_run_id;  // taken where there is nothing to resume
  };

  // ALREADY_EXISTS where `tokens` exists and resume was not asked for; FAILED_PRECONDITION where it
  // belongs to another file.
  [[nodiscard]] static absl::StatusOr<ImportJournal> Open(const Options& options);

  const std::string& run_id() const { return run_id_; }
  bool IsDone(int64_t row) const { return done_.contains(row); }
  size_t done() const { return done_.size(); }

  [[nodiscard]] absl::Status Stored(int64_t row,
                                    const v1::BatchCreateRecordsResponse::Result& result);
  [[nodiscard]] absl::Status Refused(int64_t row, int64_t line, const std::string& reason,
                                     const std::string& fields);
  // Brings what was written to the disk.
  [[nodiscard]] absl::Status Flush();
  // Removes the run file: there is nothing to resume.
  void Complete();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  ImportJournal() = default;
  static absl::StatusOr<File> OpenFile(const std::string& path, bool append);
  absl::Status ReadDone(const std::string& path);

  std::vector<std::string> fields_;
  std::string run_path_;
  std::string run_id_;
  std::set<int64_t> done_;
  File tokens_;
  File errors_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_IMPORT_JOURNAL_H_
