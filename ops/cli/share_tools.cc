#include "ops/cli/share_tools.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "vault/sharing/export_token.h"

namespace piivault::ops {

absl::StatusOr<std::string> ReadExportToken(Session& session, const std::string& argument) {
  constexpr size_t kMost = vault::kMaxPasetoText + 3;
  std::string text = argument;
  if (argument == "-") {
    text.assign(kMost, '\0');
    session.in().read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(session.in().gcount()));
  } else if (absl::StartsWith(argument, "@")) {
    absl::StatusOr<std::string> file = ReadFile(argument.substr(1), kMost);
    if (!file.ok()) return file.status();
    text = *std::move(file);
  } else {
    return text;
  }
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string ExportTokenName(const Session& session, const std::string& argument) {
  if (absl::StrContains(argument, '/')) return argument;
  return absl::StrCat(session.tenant(), "/exportTokens/", argument);
}

std::string CorrectionNoticeName(const Session& session, const std::string& argument) {
  if (absl::StrContains(argument, '/')) return argument;
  return absl::StrCat(session.tenant(), "/correctionNotices/", argument);
}

absl::StatusOr<Output> Output::Open(Session& session, const std::string& path) {
  Output output(session.out());
  if (path.empty()) return output;
  absl::StatusOr<NewFile> file = NewFile::Create(path);
  if (!file.ok()) return file.status();
  output.file_ = std::make_unique<NewFile>(*std::move(file));
  return output;
}

absl::Status Output::Write(const std::string& text) {
  if (file_ != nullptr) return file_->Append(text);
  *out_ << text;
  return out_->good() ? absl::OkStatus() : absl::DataLossError("write to standard output");
}

absl::Status Output::Finish() {
  if (file_ != nullptr) return file_->Finish();
  out_->flush();
  return out_->good() ? absl::OkStatus() : absl::DataLossError("write to standard output");
}

}  // namespace piivault::ops
