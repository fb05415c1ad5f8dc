#ifndef PIIVAULT_VAULT_SERVICE_SERVER_CORE_H_
#define PIIVAULT_VAULT_SERVICE_SERVER_CORE_H_

#include <grpcpp/support/async_stream.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"
#include "vault/service/grpc_server.h"
#include "vault/service/identity.h"
#include "vault/service/method_table.h"
#include "vault/service/observer.h"
#include "vault/service/raw_service.h"
#include "vault/service/work_pool.h"

// What the parts of the transport share. Nothing outside the transport includes this.
namespace piivault::vault {

class Call;

// The streams that run, by principal. Thread-safe.
class StreamRegistry {
 public:
  // `context` and `cut` are borrowed until Remove().
  void Add(const Call* stream, std::string principal, grpc::ServerContext* context,
           std::atomic<bool>* cut);
  void Remove(const Call* stream);
  // Cuts those whose principal satisfies the predicate, each once; returns how many.
  int Cut(const std::function<bool(std::string_view principal)>& whose);

 private:
  struct Stream {
    std::string principal;
    grpc::ServerContext* context;
    std::atomic<bool>* cut;
  };
  absl::Mutex mu_;
  absl::flat_hash_map<const Call*, Stream> streams_ ABSL_GUARDED_BY(mu_);
};

// A method with its place in gRPC. `service` is null for the one that stands for unknown methods.
struct Endpoint {
  const MethodInfo* method = nullptr;
  RawService* service = nullptr;
  int index = 0;  // in `service`
};

// Everything is borrowed but what is held by value, and outlives the lanes.
struct ServerCore {
  GrpcServerOptions options;
  storage::Engine* engine = nullptr;
  RequestRefuser* refuser = nullptr;
  Observer* observer = nullptr;
  RandomSource* random = nullptr;
  std::function<absl::Time()> now;
  IdentityResolver* identities = nullptr;
  WorkPool* work_pool = nullptr;

  std::vector<Endpoint> endpoints;
  grpc::AsyncGenericService* unknown_service = nullptr;
  RawService* health_service = nullptr;

  StreamRegistry streams;
  std::atomic<int> in_flight{0};
  std::atomic<int> running_streams{0};    // of these
  std::atomic<int64_t> request_bytes{0};  // that wait to be parsed
  std::atomic<bool> serving{false};       // as the health check says
  std::atomic<bool> draining{false};      // new calls are refused, streams end after their message
  std::atomic<bool> hurrying{false};      // calls do not wait for their commits any longer
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_SERVER_CORE_H_
