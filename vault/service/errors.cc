#include "vault/service/errors.h"

#include <utility>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

// Names of fields, separated by commas, none of which holds one.
constexpr std::string_view kFieldsPayload = "piivault/fields";

authz::Reason ReasonOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return authz::Reason::kOk;
    case absl::StatusCode::kDataLoss:
      return authz::Reason::kDataLoss;
    case absl::StatusCode::kUnavailable:
      return authz::Reason::kStorageUnavailable;
    case absl::StatusCode::kResourceExhausted:
      return authz::Reason::kQueueFull;
    case absl::StatusCode::kAborted:
      return authz::Reason::kConflict;
    case absl::StatusCode::kUnknown:
      return authz::Reason::kOutcomeUnknown;
    default:
      return authz::Reason::kInternal;
  }
}

}  // namespace

absl::Status MakeError(authz::Reason reason) { return authz::ReasonStatus(reason); }

absl::Status MakeError(authz::Reason reason, std::vector<std::string> fields) {
  absl::Status status = authz::ReasonStatus(reason);
  if (!fields.empty()) {
    status.SetPayload(AbslView(kFieldsPayload), absl::Cord(absl::StrJoin(fields, ",")));
  }
  return status;
}

absl::Status MakeError(authz::Reason reason, std::string_view field) {
  return MakeError(reason, std::vector<std::string>{std::string(field)});
}

absl::Status BadArgument(std::string_view argument) {
  return MakeError(authz::Reason::kMalformedRequest, argument);
}

authz::Reason ReasonOf(const absl::Status& status) {
  // authz::ReasonStatus() puts "NAME: meaning"; code and name must fit, so that a message from
  // elsewhere is not taken for a reason.
  const std::string_view message = StdView(status.message());
  const auto reason = authz::FindReason(message.substr(0, message.find(':')));
  if (reason.has_value() && authz::ReasonCode(*reason) == status.code()) return *reason;
  return ReasonOfCode(status.code());
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(AbslView(kFieldsPayload));
  if (!payload.has_value()) return {};
  return absl::StrSplit(std::string(*payload), ',');
}

}  // namespace piivault::vault
