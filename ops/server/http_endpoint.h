#ifndef PIIVAULT_OPS_SERVER_HTTP_ENDPOINT_H_
#define PIIVAULT_OPS_SERVER_HTTP_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace prometheus {
class Collectable;
}

class CivetServer;

namespace piivault::ops {

// Serves GET /metrics (Prometheus text format 0.0.4), /livez and /readyz on a port of its own, in
// the clear: nothing there is personal, and the default address is local.
//
// Guarantees: anything else is 404, other methods 405.
// Ownership: owns its threads; `collectable` and the readiness function must outlive it.
// Thread-safe.
class HttpEndpoint {
 public:
  // `ready` returns an empty text when calls can be served, otherwise why not.
  // Errors: INVALID_ARGUMENT for an address that is not `host:port`, UNAVAILABLE when it is taken.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(
      const std::string& address, const prometheus::Collectable& collectable,
      std::function<std::string()> ready);
  ~HttpEndpoint();

  int port() const { return port_; }

 private:
  class Handler;
  HttpEndpoint();

  std::unique_ptr<Handler> handler_;
  std::unique_ptr<CivetServer> server_;
  int port_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_HTTP_ENDPOINT_H_
