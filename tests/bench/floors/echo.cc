#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/floors/floors.h"

namespace piivault::floors {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Require(in.good(), path + " cannot be read");
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class EchoService : public grpc::CallbackGenericService {
 public:
  explicit EchoService(const std::string& response) {
    const grpc::Slice slice(response);
    response_ = grpc::ByteBuffer(&slice, 1);
  }

 private:
  struct Reactor : grpc::ServerGenericBidiReactor {
    explicit Reactor(const grpc::ByteBuffer& answer) : response(answer) { StartRead(&request); }
    void OnReadDone(bool ok) override {
      ok ? StartWriteAndFinish(&response, {}, grpc::Status::OK) : Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor(response_);
  }

  grpc::ByteBuffer response_;
};

}  // namespace

void Echo(Options options) {
  namespace tls = grpc::experimental;
  const std::string dir = options.Text("dir");
  EchoService service(ReadFile(options.Text("response")));
  options.End();
  tls::TlsServerCredentialsOptions credentials(std::make_shared<tls::StaticDataCertificateProvider>(
      ReadFile(dir + "/ca.crt"),
      std::vector<tls::IdentityKeyCertPair>{
          {ReadFile(dir + "/server.key"), ReadFile(dir + "/server.crt")}}));
  credentials.watch_root_certs();
  credentials.watch_identity_key_cert_pairs();
  credentials.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", tls::TlsServerCredentials(credentials), &port);
  builder.RegisterCallbackGenericService(&service);
  builder.SetMaxReceiveMessageSize(16 << 20);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  Require(server != nullptr && port != 0, "the echo does not start");
  std::printf("{\"port\": %d}\n", port);
  std::fflush(stdout);
  for (;;) pause();
}

}  // namespace piivault::floors
