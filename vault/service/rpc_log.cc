#include "vault/service/rpc_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <atomic>
#include <string>

namespace piivault::vault {
namespace {

// The libraries take a function without a context.
std::atomic<RpcLogSink> process_sink{nullptr};

void OnGrpcLog(gpr_log_func_args* args) {
  const RpcLogSink sink = process_sink;
  if (sink == nullptr) return;
  const RpcLogSeverity severity = args->severity == GPR_LOG_SEVERITY_ERROR ? RpcLogSeverity::kError
                                  : args->severity == GPR_LOG_SEVERITY_INFO
                                      ? RpcLogSeverity::kInfo
                                      : RpcLogSeverity::kDebug;
  sink(severity, args->message);
}

void OnProtobufLog(google::protobuf::LogLevel level, const char*, int, const std::string& text) {
  const RpcLogSink sink = process_sink;
  if (sink == nullptr) return;
  sink(level >= google::protobuf::LOGLEVEL_WARNING ? RpcLogSeverity::kError : RpcLogSeverity::kInfo,
       text);
}

}  // namespace

void RouteRpcLogs(RpcLogSink sink) {
  process_sink = sink;
  gpr_set_log_function(&OnGrpcLog);
  google::protobuf::SetLogHandler(&OnProtobufLog);
}

}  // namespace piivault::vault
