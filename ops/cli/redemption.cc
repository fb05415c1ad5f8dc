#include "ops/cli/redemption.h"

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/cli/digest.h"

namespace piivault::ops {
namespace {

// What a broken connection looks like from here.
bool IsBroken(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status) || absl::IsAborted(status);
}

class Redemption {
 public:
  Redemption(Connection& vault, const RedemptionSink& sink) : vault_(vault), sink_(sink) {}

  // One call. OK where the last message has come.
  absl::Status Call(const std::string& token, const std::string& request_id) {
    v1::RedeemExportTokenRequest request;
    request.set_token(token);
    request.set_request_id(request_id);
    request.set_resume_from(position_);
    grpc::ClientContext context;
    auto reader = vault_.sharing().RedeemExportToken(&context, request);
    v1::RedeemExportTokenResponse message;
    bool complete = false;
    while (kept_.ok() && reader->Read(&message)) {
      kept_ = Take(message);
      complete = message.complete();
    }
    if (!kept_.ok()) context.TryCancel();
    const grpc::Status ended = reader->Finish();
    if (!kept_.ok()) return kept_;
    if (complete) return absl::OkStatus();
    if (!ended.ok()) return FromGrpc(ended);
    return absl::DataLossError("the vault ended its answer before it was complete");
  }

  uint32_t position() const { return position_; }
  // Whether a call that ended so is worth another.
  bool MayGoOn(const absl::Status& status) const {
    return begun_ && kept_.ok() && IsBroken(status);
  }
  const RedemptionResult& result() const { return result_; }
  void CountResumption() { ++result_.resumed; }

 private:
  absl::Status Take(v1::RedeemExportTokenResponse& message) {
    if (message.position() < position_) {
      return absl::DataLossError("the vault went back in what it gives");
    }
    // What a use is for, once.
    if (begun_) message.clear_tag();
    begun_ = true;
    position_ = message.position();
    result_.given += message.subjects_size();
    result_.omitted += message.omitted();
    return sink_(message);
  }

  Connection& vault_;
  const RedemptionSink& sink_;
  RedemptionResult result_;
  uint32_t position_ = 0;
  bool begun_ = false;
  absl::Status kept_;  // of what takes the messages
};

}  // namespace

std::string RequestIdOf(std::string_view token) {
  return absl::StrCat("cli-", Sha256Hex(token).substr(0, 48));
}

absl::StatusOr<RedemptionResult> Redeem(Connection& vault, const std::string& token,
                                        const std::string& request_id,
                                        const RedemptionOptions& options,
                                        const RedemptionSink& sink) {
  Redemption redemption(vault, sink);
  int in_vain = 0;
  absl::Duration pause = options.pause;
  while (true) {
    const uint32_t before = redemption.position();
    const absl::Status status = redemption.Call(token, request_id);
    if (status.ok()) return redemption.result();
    if (!redemption.MayGoOn(status)) return status;
    if (redemption.position() > before) {
      in_vain = 0;
      pause = options.pause;
    } else {
      if (++in_vain >= options.attempts) return status;
      std::this_thread::sleep_for(absl::ToChronoMilliseconds(pause));
      pause *= 2;
    }
    redemption.CountResumption();
  }
}

}  // namespace piivault::ops
