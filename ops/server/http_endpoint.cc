#include "ops/server/http_endpoint.h"

#include <CivetServer.h>
#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace piivault::ops {
namespace {

void Answer(mg_connection* connection, int code, const char* reason, const char* type,
            const std::string& body) {
  const std::string head = absl::StrCat("HTTP/1.1 ", code, " ", reason, "\r\nContent-Type: ", type,
                                        "\r\nContent-Length: ", body.size(),
                                        "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  mg_write(connection, body.data(), body.size());
}

}  // namespace

class HttpEndpoint::Handler : public CivetHandler {
 public:
  Handler(const prometheus::Collectable& collectable, std::function<std::string()> ready)
      : collectable_(collectable), ready_(std::move(ready)) {}

  bool handleGet(CivetServer* /*server*/, mg_connection* connection) override {
    const std::string_view path = mg_get_request_info(connection)->local_uri;
    constexpr const char* kText = "text/plain; charset=utf-8";
    if (path == "/metrics") {
      Answer(connection, 200, "OK", "text/plain; version=0.0.4; charset=utf-8",
             serializer_.Serialize(collectable_.Collect()));
    } else if (path == "/livez") {
      Answer(connection, 200, "OK", kText, "alive\n");
    } else if (path == "/readyz") {
      const std::string obstacle = ready_();
      if (obstacle.empty()) {
        Answer(connection, 200, "OK", kText, "ready\n");
      } else {
        Answer(connection, 503, "Service Unavailable", kText, absl::StrCat(obstacle, "\n"));
      }
    } else {
      Answer(connection, 404, "Not Found", kText, "not found\n");
    }
    return true;
  }

  bool handlePost(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handlePut(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handleDelete(CivetServer*, mg_connection* connection) override { return Refuse(connection); }

 private:
  static bool Refuse(mg_connection* connection) {
    Answer(connection, 405, "Method Not Allowed", "text/plain; charset=utf-8", "GET only\n");
    return true;
  }

  const prometheus::Collectable& collectable_;
  const std::function<std::string()> ready_;
  const prometheus::TextSerializer serializer_;
};

HttpEndpoint::HttpEndpoint() = default;

HttpEndpoint::~HttpEndpoint() {
  if (server_ != nullptr) server_->close();
}

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(
    const std::string& address, const prometheus::Collectable& collectable,
    std::function<std::string()> ready) {
  if (address.rfind(':') == std::string::npos) {
    return absl::InvalidArgumentError("metrics.address must be host:port");
  }
  auto endpoint = std::unique_ptr<HttpEndpoint>(new HttpEndpoint);
  endpoint->handler_ = std::make_unique<Handler>(collectable, std::move(ready));
  try {
    endpoint->server_ = std::make_unique<CivetServer>(std::vector<std::string>{
        "listening_ports", address, "num_threads", "2", "request_timeout_ms", "5000"});
  } catch (const std::exception&) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address));
  }
  endpoint->server_->addHandler("/", endpoint->handler_.get());
  const std::vector<int> ports = endpoint->server_->getListeningPorts();
  if (!ports.empty()) endpoint->port_ = ports.front();
  return endpoint;
}

}  // namespace piivault::ops
