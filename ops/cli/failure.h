// Errors of the vault as the command line carries and prints them.
#ifndef PIIVAULT_OPS_CLI_FAILURE_H_
#define PIIVAULT_OPS_CLI_FAILURE_H_

#include <grpcpp/support/status.h>

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace piivault::ops {

// What google.rpc.ErrorInfo and RetryInfo said beside the code.
struct FailureDetail {
  std::string reason;                           // stable, e.g. NDA_EXPIRED
  std::map<std::string, std::string> metadata;  // `log`, `generation`, `index`, `fields`
  absl::Duration retry_after = absl::ZeroDuration();
};

// Keeps code and message, and the details as a payload.
absl::Status FromGrpc(const grpc::Status& status);

// The details of a status made by FromGrpc(); nullopt where the vault gave none.
std::optional<FailureDetail> DetailOf(const absl::Status& status);

// What to do about a reason, from the table of all reasons; empty for one this build does not know.
std::string_view RemedyOf(std::string_view reason);

int ExitCodeOf(const absl::Status& status);

// For people: reason, fields, what to do, receipt.
void PrintFailure(const absl::Status& status, std::ostream& err);
// For programs: one JSON object {code, reason, message, metadata} on one line.
void PrintFailureJson(const absl::Status& status, std::ostream& err);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_FAILURE_H_
