#ifndef PIIVAULT_VAULT_SERVICE_HEALTH_CHECK_H_
#define PIIVAULT_VAULT_SERVICE_HEALTH_CHECK_H_

#include <grpcpp/grpcpp.h>

#include <list>

#include "vault/service/lane.h"

namespace piivault::vault {

inline constexpr char kHealthCheckPath[] = "/grpc.health.v1.Health/Check";

// One call of grpc.health.v1.Health/Check
// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md). It says nothing of anybody and
// has no entry. gRPC's own health service would bring a completion queue with threads of its own,
// and half of the connections would be read there, away from their calls' lane. Watch is not
// offered; clients take UNIMPLEMENTED for "does not say". Anybody with a certificate may ask: large
// requests are refused unread, and of too many checks whose answers nobody takes the oldest are
// ended. Deletes itself. Used by its lane's thread only.
class HealthCheck {
 public:
  explicit HealthCheck(Lane* lane) : lane_(lane) {}
  // Asks gRPC for a call.
  void Request();
  void Cancel() { context_.TryCancel(); }

 private:
  void OnArrived(bool ok);
  void OnFinished(bool);

  Lane* const lane_;
  std::list<HealthCheck*>::iterator place_;  // on the lane, once it has arrived
  MemberEvent<HealthCheck, &HealthCheck::OnArrived> arrived_event_{this};
  MemberEvent<HealthCheck, &HealthCheck::OnFinished> finished_event_{this};
  grpc::ServerContext context_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_{&context_};
  grpc::ByteBuffer received_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_HEALTH_CHECK_H_
