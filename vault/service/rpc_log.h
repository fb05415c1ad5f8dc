#ifndef PIIVAULT_VAULT_SERVICE_RPC_LOG_H_
#define PIIVAULT_VAULT_SERVICE_RPC_LOG_H_

#include <string_view>

namespace piivault::vault {

enum class RpcLogSeverity { kDebug, kInfo, kError };

// Sends what the RPC library and the protobuf parser write to stderr to `sink` instead; both log
// from any thread. Their texts hold peer addresses and field names, never values. The libraries
// keep one function for the whole process, so this does too: call it once, early in main().
using RpcLogSink = void (*)(RpcLogSeverity severity, std::string_view text);
void RouteRpcLogs(RpcLogSink sink);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_RPC_LOG_H_
