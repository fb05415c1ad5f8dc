#include "ops/cli/failure.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "authz/reason.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/text.h"
#include "vault/text.h"

namespace piivault::ops {
namespace {

constexpr char kPayload[] = "type.googleapis.com/google.rpc.Status";

std::string Find(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto it = metadata.find(key);
  return it == metadata.end() ? "" : it->second;
}

// Line by line; those after the first are indented, so that none looks like one of ours.
std::string ForTerminal(absl::string_view message) {
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(message, '\n')) {
    lines.push_back(EscapeForTerminal(vault::StdView(line)));
  }
  return absl::StrJoin(lines, "\n    ");
}

std::string ReceiptOf(const FailureDetail& detail) {
  const std::string index = Find(detail.metadata, "index");
  if (index.empty()) return "";
  return absl::StrCat(Find(detail.metadata, "log"), "/", Find(detail.metadata, "generation"), "/",
                      index);
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  if (!status.error_details().empty()) {
    out.SetPayload(kPayload, absl::Cord(status.error_details()));
  }
  return out;
}

std::optional<FailureDetail> DetailOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  google::rpc::Status details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return std::nullopt;
  FailureDetail out;
  for (const google::protobuf::Any& any : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    if (any.UnpackTo(&info) && info.domain() == "piivault") {
      out.reason = info.reason();
      out.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&retry)) {
      out.retry_after = absl::Seconds(retry.retry_delay().seconds()) +
                        absl::Nanoseconds(retry.retry_delay().nanos());
    }
  }
  return out;
}

std::string_view RemedyOf(std::string_view reason) {
  const std::optional<authz::Reason> found = authz::FindReason(reason);
  return found.has_value() ? authz::GetReason(*found).remedy : std::string_view();
}

int ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kPermissionDenied:
      return kExitDenied;
    case absl::StatusCode::kUnauthenticated:
      return kExitUnauthenticated;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
      return kExitUnavailable;
    default:
      return kExitError;
  }
}

void PrintFailure(const absl::Status& status, std::ostream& err) {
  const std::optional<FailureDetail> detail = DetailOf(status);
  err << "error: " << absl::StatusCodeToString(status.code()) << ": "
      << ForTerminal(status.message()) << "\n";
  if (!detail.has_value()) return;
  if (!detail->reason.empty()) err << "  reason:     " << EscapeForTerminal(detail->reason) << "\n";
  if (const std::string fields = Find(detail->metadata, "fields"); !fields.empty()) {
    err << "  fields:     " << EscapeForTerminal(fields) << "\n";
  }
  if (const std::string_view remedy = RemedyOf(detail->reason); !remedy.empty()) {
    err << "  what to do: " << remedy << "\n";
  }
  if (detail->retry_after > absl::ZeroDuration()) {
    err << "  try again:  in " << absl::FormatDuration(detail->retry_after) << "\n";
  }
  if (const std::string receipt = ReceiptOf(*detail); !receipt.empty()) {
    err << "  log entry:  " << EscapeForTerminal(receipt) << "\n";
  }
}

void PrintFailureJson(const absl::Status& status, std::ostream& err) {
  google::protobuf::Struct object;
  auto& fields = *object.mutable_fields();
  fields["code"].set_string_value(absl::StatusCodeToString(status.code()));
  fields["message"].set_string_value(std::string(status.message()));
  if (const std::optional<FailureDetail> detail = DetailOf(status)) {
    fields["reason"].set_string_value(detail->reason);
    auto& metadata = *fields["metadata"].mutable_struct_value()->mutable_fields();
    for (const auto& [key, value] : detail->metadata) metadata[key].set_string_value(value);
  }
  std::string json;
  if (google::protobuf::util::MessageToJsonString(object, &json).ok()) err << json << "\n";
}

}  // namespace piivault::ops
