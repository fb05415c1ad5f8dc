#include "vault/service/raw_service.h"

#include <grpcpp/impl/codegen/rpc_service_method.h>

#include <utility>

namespace piivault::vault {

RawService::RawService(std::vector<std::string> paths) : paths_(std::move(paths)) {
  for (size_t i = 0; i < paths_.size(); ++i) {
    // grpc::Service owns it.
    AddMethod(new grpc::internal::RpcServiceMethod(
        paths_[i].c_str(), grpc::internal::RpcMethod::SERVER_STREAMING, nullptr));
    MarkMethodRaw(static_cast<int>(i));
  }
}

void RawService::Request(int method, grpc::ServerContext* context, grpc::ByteBuffer* request,
                         grpc::ServerAsyncWriter<grpc::ByteBuffer>* writer,
                         grpc::ServerCompletionQueue* queue, void* tag) {
  RequestAsyncServerStreaming(method, context, request, writer, queue, queue, tag);
}

}  // namespace piivault::vault
