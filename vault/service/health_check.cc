#include "vault/service/health_check.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "vault/service/server_core.h"
#include "vault/wire_reader.h"

namespace piivault::vault {
namespace {

constexpr int kServiceField = 1;
constexpr size_t kMaxRequest = 1024;
constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";

// The service that is asked about; nothing where the request is malformed.
std::optional<std::string> ServiceIn(const grpc::ByteBuffer& request) {
  std::vector<grpc::Slice> slices;
  if (request.Length() > kMaxRequest) return std::nullopt;
  if (!request.Dump(&slices).ok()) return std::nullopt;
  std::string bytes;
  for (const grpc::Slice& slice : slices) bytes.append(slice.begin(), slice.end());
  std::string service;
  WireReader fields(bytes);
  while (fields.Next()) {
    if (fields.number() == kServiceField) service = fields.bytes();
  }
  if (!fields.ok()) return std::nullopt;
  return service;
}

bool Serves(const ServerCore& core, const std::string& service) {
  return service.empty() ||
         std::any_of(core.endpoints.begin(), core.endpoints.end(),
                     [&](const Endpoint& endpoint) { return endpoint.method->service == service; });
}

}  // namespace

void HealthCheck::Request() {
  lane_->core().health_service->Request(0, &context_, &received_, &writer_, lane_->queue(),
                                        &arrived_event_);
}

void HealthCheck::OnArrived(bool ok) {
  if (!ok || !lane_->ListenHealth()) {
    delete this;
    return;
  }
  place_ = lane_->AddCheck(this);
  const ServerCore& core = lane_->core();
  const std::optional<std::string> service = ServiceIn(received_);
  if (!service.has_value()) {
    return writer_.Finish({grpc::StatusCode::INVALID_ARGUMENT, "malformed"}, &finished_event_);
  }
  if (!Serves(core, *service)) {
    return writer_.Finish({grpc::StatusCode::NOT_FOUND, "no such service"}, &finished_event_);
  }
  const grpc::Slice answer(core.serving && !core.draining ? kServing : kNotServing);
  writer_.WriteAndFinish(grpc::ByteBuffer(&answer, 1), {}, grpc::Status::OK, &finished_event_);
}

void HealthCheck::OnFinished(bool) {
  lane_->RemoveCheck(place_);
  delete this;
}

}  // namespace piivault::vault
