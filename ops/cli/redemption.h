#ifndef PIIVAULT_OPS_CLI_REDEMPTION_H_
#define PIIVAULT_OPS_CLI_REDEMPTION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ops/cli/connection.h"
#include "piivault/v1/sharing_service.pb.h"

namespace piivault::ops {

// The key of the use that a token's first redemption takes: the same for the same token, so that
// whoever repeats the command goes on with that use.
std::string RequestIdOf(std::string_view token);

struct RedemptionOptions {
  // Calls in a row that bring nothing, after a connection broke, before it is given up.
  int attempts = 6;
  // Before the second of them; doubled with each.
  absl::Duration pause = absl::Milliseconds(250);
};

struct RedemptionResult {
  int64_t given = 0;
  int64_t omitted = 0;
  int resumed = 0;  // how often it was taken up again
};

// Takes one message, each once and in order. An error ends the redemption.
using RedemptionSink = std::function<absl::Status(const v1::RedeemExportTokenResponse&)>;

// Redeems from the beginning to the last message. Where the connection breaks after something has
// come, goes on with the same use behind what has come; a call that brings nothing from the start
// is an error at once, as repeating it is safe.
absl::StatusOr<RedemptionResult> Redeem(Connection& vault, const std::string& token,
                                        const std::string& request_id,
                                        const RedemptionOptions& options,
                                        const RedemptionSink& sink);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_CLI_REDEMPTION_H_
