// What the commands of `piivault share` have in common.
#ifndef PIIVAULT_OPS_CLI_SHARE_TOOLS_H_
#define PIIVAULT_OPS_CLI_SHARE_TOOLS_H_

#include <memory>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ops/cli/session.h"
#include "ops/pki/files.h"

namespace piivault::ops {

// An export token as an argument gives it: itself, `@FILE`, or `-` for standard input, without the
// line end behind it. No more than a token can be, and what tells that it is longer.
absl::StatusOr<std::string> ReadExportToken(Session& session, const std::string& argument);

// `tenants/…/exportTokens/…`, also from the bare id.
std::string ExportTokenName(const Session& session, const std::string& argument);

// `tenants/…/correctionNotices/…`, also from the bare id. REQUIRES: the session is connected.
std::string CorrectionNoticeName(const Session& session, const std::string& argument);

// Where a command writes what is for a program to read: standard output, or a new file of mode 0600
// that is there only once all of it is.
class Output {
 public:
  // To standard output where `path` is empty. Fails, before anything is asked of the vault, where
  // there is such a file.
  [[nodiscard]] static absl::StatusOr<Output> Open(Session& session, const std::string& path);

  [[nodiscard]] absl::Status Write(const std::string& text);
  [[nodiscard]] absl::Status Finish();

 private:
  explicit Output(std::ostream& out) : out_(&out) {}

  std::ostream* out_;
  std::unique_ptr<NewFile> file_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_SHARE_TOOLS_H_
