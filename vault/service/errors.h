#ifndef PIIVAULT_VAULT_SERVICE_ERRORS_H_
#define PIIVAULT_VAULT_SERVICE_ERRORS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "authz/reason.h"

namespace piivault::vault {

// Failures on their way to a client, as absl::Status: a reason of authz's list, and names of the
// fields or arguments concerned. Session::Refuse() makes the plan of them, the transport the gRPC
// error. Never a stored or submitted value.

// Code and message are the reason's. REQUIRES: reason != kOk.
absl::Status MakeError(authz::Reason reason);
// `fields` are names: of the policy (`reader.email`) or of the request (`person.department`).
absl::Status MakeError(authz::Reason reason, std::vector<std::string> fields);
absl::Status MakeError(authz::Reason reason, std::string_view field);
// An argument is missing or malformed: kMalformedRequest. `argument` is its path in the request.
absl::Status BadArgument(std::string_view argument);

// What a client is told. A status that MakeError() or authz::ReasonStatus() made keeps its reason;
// one from elsewhere gets that of its code: DATA_LOSS kDataLoss, UNAVAILABLE kStorageUnavailable,
// RESOURCE_EXHAUSTED kQueueFull, ABORTED kConflict, UNKNOWN kOutcomeUnknown, anything else
// kInternal. OK is kOk.
authz::Reason ReasonOf(const absl::Status& status);
// The names that MakeError() was given.
std::vector<std::string> FieldsOf(const absl::Status& status);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_ERRORS_H_
