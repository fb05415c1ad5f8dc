#include "ops/cli/import_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ops/cli/csv.h"
#include "ops/cli/failure.h"
#include "ops/pki/files.h"

namespace piivault::ops {
namespace {

absl::Status WriteRow(std::FILE* file, const std::vector<std::string>& row) {
  const std::string text = CsvRow(row);
  if (std::fwrite(text.data(), 1, text.size(), file) == text.size()) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, "write the import's output");
}

absl::Status Sync(std::FILE* file) {
  if (file == nullptr || (std::fflush(file) == 0 && fsync(fileno(file)) == 0)) {
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(errno, "write the import's output");
}

}  // namespace

absl::StatusOr<ImportJournal::File> ImportJournal::OpenFile(const std::string& path, bool append) {
  const int fd =
      open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("open ", path));
  return File(fdopen(fd, append ? "a" : "w"));
}

absl::Status ImportJournal::ReadDone(const std::string& path) {
  absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  // A crash may have cut the last line: what is behind the last line end does not count.
  const size_t end = text->rfind('\n') + 1;
  text->resize(end);
  if (truncate(path.c_str(), static_cast<off_t>(end)) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("truncate ", path));
  }
  CsvReader reader(*text);
  std::vector<std::string> row;
  while (true) {
    absl::StatusOr<bool> more = reader.Next(&row);
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    int64_t number = 0;
    if (!row.empty() && absl::SimpleAtoi(row[0], &number)) done_.insert(number);
  }
}

absl::StatusOr<ImportJournal> ImportJournal::Open(const Options& options) {
  ImportJournal journal;
  journal.fields_ = options.fields;
  journal.run_id_ = options.fresh_run_id;
  bool append = false;
  if (!options.tokens_path.empty()) {
    journal.run_path_ = absl::StrCat(options.tokens_path, ".run");
    std::error_code ignored;
    const bool exists = std::filesystem::exists(options.tokens_path, ignored);
    append = exists && options.resume;
    if (exists && !options.resume) {
      return absl::AlreadyExistsError(absl::StrCat(
          options.tokens_path, " is there already; --resume goes on, or name another --out"));
    }
    if (append) {
      absl::StatusOr<std::string> run = ReadFile(journal.run_path_, 4096);
      if (!run.ok()) {
        return absl::FailedPreconditionError(
            absl::StrCat(options.tokens_path, " is complete: there is nothing to resume"));
      }
      std::istringstream lines(*run);
      std::string file_sha256;
      lines >> journal.run_id_ >> file_sha256;
      if (file_sha256 != options.file_sha256) {
        return absl::FailedPreconditionError("the run to resume was of another file");
      }
      if (absl::Status status = journal.ReadDone(options.tokens_path); !status.ok()) return status;
    } else {
      absl::Status status = WriteFile(
          journal.run_path_, absl::StrCat(journal.run_id_, "\n", options.file_sha256, "\n"), 0600);
      if (!status.ok()) return status;
    }
    absl::StatusOr<File> file = OpenFile(options.tokens_path, append);
    if (!file.ok()) return file.status();
    journal.tokens_ = *std::move(file);
  }
  if (!options.errors_path.empty()) {
    absl::StatusOr<File> file = OpenFile(options.errors_path, false);
    if (!file.ok()) return file.status();
    journal.errors_ = *std::move(file);
    absl::Status status =
        WriteRow(journal.errors_.get(), {"row", "line", "reason", "fields", "what_to_do"});
    if (!status.ok()) return status;
  }
  if (journal.tokens_ != nullptr && !append) {
    std::vector<std::string> heading = {"row", "ref", "name", "flagged"};
    // A field may be called `name`, too.
    for (const std::string& field : options.fields) heading.push_back(field + "_token");
    if (absl::Status s = WriteRow(journal.tokens_.get(), heading); !s.ok()) return s;
  }
  return journal;
}

absl::Status ImportJournal::Stored(int64_t row,
                                   const v1::BatchCreateRecordsResponse::Result& result) {
  done_.insert(row);
  if (tokens_ == nullptr) return absl::OkStatus();
  std::vector<std::string> cells = {absl::StrCat(row), result.ref(), result.name(),
                                    absl::StrJoin(result.flagged_fields(), " ")};
  for (const std::string& field : fields_) {
    const auto token = result.tokens().find(field);
    cells.push_back(token == result.tokens().end() ? "" : token->second);
  }
  return WriteRow(tokens_.get(), cells);
}

absl::Status ImportJournal::Refused(int64_t row, int64_t line, const std::string& reason,
                                    const std::string& fields) {
  if (errors_ == nullptr) return absl::OkStatus();
  return WriteRow(errors_.get(), {absl::StrCat(row), absl::StrCat(line), reason, fields,
                                  std::string(RemedyOf(reason))});
}

absl::Status ImportJournal::Flush() {
  absl::Status status = Sync(tokens_.get());
  return status.ok() ? Sync(errors_.get()) : status;
}

void ImportJournal::Complete() {
  if (!run_path_.empty()) unlink(run_path_.c_str());
}

}  // namespace piivault::ops
