#ifndef PIIVAULT_VAULT_SERVICE_RAW_SERVICE_H_
#define PIIVAULT_VAULT_SERVICE_RAW_SERVICE_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/async_stream.h>

#include <string>
#include <vector>

namespace piivault::vault {

// One service of the wire, registered with gRPC as methods from bytes to bytes.
//
// Against the generic service it saves a turn through the completion queue for each call, because
// the request arrives together with the call (ops/docs/design/0002-commit-path.md). Every method is
// registered as one request and a stream of responses; on the wire a unary method is the same with
// one response.
class RawService : public grpc::Service {
 public:
  // `paths` like `/piivault.v1.VaultService/RevealRecord`, all of one service.
  explicit RawService(std::vector<std::string> paths);

  // Asks for one call of the method with this position in `paths`.
  void Request(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
               grpc::ServerAsyncWriter<grpc::ByteBuffer>* writer,
               grpc::ServerCompletionQueue* queue, void* tag);

 private:
  const std::vector<std::string> paths_;  // gRPC borrows the names
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RAW_SERVICE_H_
