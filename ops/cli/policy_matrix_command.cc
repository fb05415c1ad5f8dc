#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "ops/cli/arguments.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/policy_matrix.h"
#include "ops/cli/policy_tools.h"

namespace piivault::ops {
namespace {

struct MatrixFlags {
  PolicyFiles files;
  std::string html;
  std::string markdown;
};

// `-` is the program's own output.
absl::Status Write(Session& session, const std::string& path, const std::string& text) {
  if (path.empty()) return absl::OkStatus();
  if (path == "-") {
    session.out() << text;
    return absl::OkStatus();
  }
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return absl::UnavailableError(absl::StrCat("cannot write ", path));
  session.err() << "wrote " << path << "\n";
  return absl::OkStatus();
}

absl::StatusOr<int> Matrix(Session& session, const MatrixFlags& flags) {
  if (flags.html.empty() && flags.markdown.empty()) {
    return absl::InvalidArgumentError("say where to: --html OUT or --markdown OUT, - for here");
  }
  absl::StatusOr<PolicyPtr> policy = FindPolicy(session, flags.files);
  if (!policy.ok()) return policy.status();
  const PolicyMatrix matrix(**policy);
  if (!flags.html.empty()) {
    absl::Status status = Write(session, flags.html, MatrixHtml(matrix));
    if (!status.ok()) return status;
  }
  if (!flags.markdown.empty()) {
    absl::Status status = Write(session, flags.markdown, MatrixMarkdown(matrix));
    if (!status.ok()) return status;
  }
  return kExitOk;
}

}  // namespace

void AddPolicyMatrixCommand(CLI::App& group, Session& session) {
  auto flags = std::make_shared<MatrixFlags>();
  CLI::App* command =
      AddCommand(group, "matrix", "Writes who may do what as one page, to read and to print",
                 session, [flags](Session& s) { return Matrix(s, *flags); });
  command->add_option("POLICY", flags->files.policy, "File, or policies/SHA256 from the vault")
      ->required();
  command->add_option("--values", flags->files.values, "Values, where POLICY is a file");
  command->add_option("--html", flags->html, "Write HTML there: one file, without scripts");
  command->add_option("--markdown", flags->markdown, "Write Markdown there");
  command->footer("Example: piivault policy matrix policy.yaml --html matrix.html\n");
}

}  // namespace piivault::ops
