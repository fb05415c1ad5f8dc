// The commit path against a bare echo, both with mutual TLS on loopback.
//
//   piivault_commit_path_bench DIRECTORY [SECONDS]
//
// Three alternating runs; each forks a server process and a client process, which keeps 1, 64 and
// 256 calls in flight. Prints calls per second and server CPU per call. `echo` is gRPC's callback
// API with nothing behind it; `vault` is the transport and the RocksDB engine with the work of a
// small reveal: one read, four AES-256-GCM fields, an entry of 250 bytes, synced before the answer.
// What the figures mean is in ops/docs/design/0002-commit-path.md.

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "piivault/v1/vault_service.pb.h"
#include "storage/commit_and_wait.h"
#include "storage/rocksdb_engine.h"
#include "tests/fakes/test_pki.h"
#include "vault/service/grpc_server.h"

namespace piivault::vault {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kMethod[] = "piivault.v1.VaultService/RevealRecord";
constexpr int kRows = 20000;
constexpr int kRuns = 3;

struct Pki {
  fakes::TestAuthority authority;
  fakes::TestCertificate server = authority.IssueServer();
  fakes::TestCertificate client = authority.IssueForUri("spiffe://bench/client");
};

void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "%s failed\n", what);
  std::exit(1);
}

// ---- echo ---------------------------------------------------------------------------------------

class EchoService : public grpc::CallbackGenericService {
  struct Reactor : grpc::ServerGenericBidiReactor {
    Reactor() { StartRead(&bytes); }
    void OnReadDone(bool ok) override {
      ok ? StartWriteAndFinish(&bytes, {}, grpc::Status::OK) : Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }
    grpc::ByteBuffer bytes;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor;
  }
};

[[noreturn]] void ServeEcho(const Pki& pki, int report) {
  namespace tls = grpc::experimental;
  tls::TlsServerCredentialsOptions options(std::make_shared<tls::StaticDataCertificateProvider>(
      pki.authority.certificate_pem(),
      std::vector<tls::IdentityKeyCertPair>{{pki.server.key_pem, pki.server.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  EchoService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", tls::TlsServerCredentials(options), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  Require(write(report, &port, sizeof port) == sizeof port, "report");
  for (;;) pause();
}

// ---- vault --------------------------------------------------------------------------------------

storage::Key RowKey(int i) { return storage::MetaKey("bench/" + std::to_string(i)); }

class BenchHandler : public Handler {
 public:
  BenchHandler(const storage::Engine* engine, EVP_CIPHER_CTX* cipher, std::mt19937* random)
      : engine_(*engine), cipher_(cipher), random_(*random) {}

  Plan Next(CallContext& context) override {
    const storage::Key key = RowKey(static_cast<int>(random_() % kRows));
    const auto row = engine_.Get(key);
    auto* response = NewResponse<piivault::v1::RevealRecordResponse>(context);
    for (const char* field : {"name", "email", "phone", "address"}) {
      (*response->mutable_record()->mutable_fields())[field].set_value(Open(*row));
    }
    Plan plan;
    plan.response = response;
    plan.reads = {storage::CellFingerprint(key), 1, 2, 3};
    plan.entry.emplace();
    plan.entry->body.assign(250, 'e');
    return plan;
  }

 private:
  std::string Open(const std::string& row) {
    const unsigned char key[32] = {1}, nonce[12] = {2}, aad[48] = {3};
    std::string plain(32, '\0');
    unsigned char tag[16];
    int size = 0;
    EVP_EncryptInit_ex(cipher_, EVP_aes_256_gcm(), nullptr, key, nonce);
    EVP_EncryptUpdate(cipher_, nullptr, &size, aad, sizeof aad);
    EVP_EncryptUpdate(cipher_, reinterpret_cast<unsigned char*>(plain.data()), &size,
                      reinterpret_cast<const unsigned char*>(row.data()), 32);
    EVP_EncryptFinal_ex(cipher_, tag, &size);
    EVP_CIPHER_CTX_ctrl(cipher_, EVP_CTRL_GCM_GET_TAG, sizeof tag, tag);
    return std::string(32, 'v');
  }

  const storage::Engine& engine_;
  EVP_CIPHER_CTX* const cipher_;
  std::mt19937& random_;
};

class BenchRefuser : public RequestRefuser {
  Plan Refuse(CallContext&, authz::Reason reason) override {
    Plan plan;
    plan.reason = reason;
    return plan;
  }
};

std::string WriteFile(const std::string& path, const std::string& contents) {
  std::ofstream(path) << contents;
  return path;
}

void FillRows(storage::Engine& engine) {
  auto commit = std::make_unique<storage::Commit>();
  commit->decided_at = absl::Now();
  commit->as_of = engine.AppliedSequence();
  for (int i = 0; i < kRows; ++i) commit->writes.push_back({RowKey(i), std::string(250, 'r')});
  commit->entry.emplace();
  const auto filled = storage::CommitAndWait(engine, std::move(commit));
  Require(filled.ok() && (*filled)->outcome == storage::CommitOutcome::kCommitted, "filling");
}

[[noreturn]] void ServeVault(const Pki& pki, const std::string& directory, int report) {
  Require(RequireTls13().ok(), "TLS");
  storage::EngineOptions engine_options;
  engine_options.path = directory + "/data";
  auto engine = storage::RocksDbEngine::Open(engine_options);
  Require(engine.ok(), "opening the engine");
  FillRows(**engine);
  std::mt19937 random(7);
  EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
  MethodTable methods;
  Require(methods.AddService("piivault.v1.VaultService").ok(), "service");
  Require(
      methods
          .Register(kMethod,
                    [&] { return std::make_unique<BenchHandler>(engine->get(), cipher, &random); })
          .ok(),
      "method");
  BenchRefuser refuser;
  Observer observer;
  GrpcServerOptions options;
  options.tls.certificate_file = WriteFile(directory + "/server.pem", pki.server.certificate_pem);
  options.tls.key_file = WriteFile(directory + "/server.key", pki.server.key_pem);
  options.tls.client_roots = {{"bench", pki.authority.certificate_pem(), {"spiffe://bench/*"}}};
  options.tls.directory = directory;
  auto server = GrpcServer::Start(options, {.methods = &methods,
                                            .engine = engine->get(),
                                            .refuser = &refuser,
                                            .observer = &observer,
                                            .random = &SystemRandom(),
                                            .now = [] { return absl::Now(); }});
  Require(server.ok(), "starting the server");
  const int port = (*server)->ports().front();
  Require(write(report, &port, sizeof port) == sizeof port, "report");
  for (;;) pause();
}

// ---- client -------------------------------------------------------------------------------------

double CpuMicros(pid_t process) {
  clockid_t clock{};
  timespec time{};
  Require(clock_getcpuclockid(process, &clock) == 0 && clock_gettime(clock, &time) == 0, "clock");
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

class Client {
 public:
  Client(const Pki& pki, int port)
      : stub_(grpc::CreateChannel(
            "localhost:" + std::to_string(port),
            grpc::SslCredentials({pki.authority.certificate_pem(), pki.client.key_pem,
                                  pki.client.certificate_pem}))) {
    piivault::v1::RevealRecordRequest request;
    request.set_name(std::string(150, 'n'));
    for (const char* field : {"name", "email", "phone", "address"}) request.add_fields(field);
    grpc::Slice slice(request.SerializeAsString());
    request_ = grpc::ByteBuffer(&slice, 1);
  }

  // One second to warm up, then `seconds`.
  void Measure(const char* shape, int in_flight, int seconds, pid_t server) {
    const auto begin = SteadyClock::now() + std::chrono::seconds(1);
    const auto end = begin + std::chrono::seconds(seconds);
    double cpu = 0;
    long calls = -1;
    bool reported = false;
    for (int i = 0; i < in_flight; ++i) StartCall();
    void* tag = nullptr;
    bool ok = false;
    for (int pending = in_flight; pending > 0 && queue_.Next(&tag, &ok); --pending) {
      const std::unique_ptr<Call> call(static_cast<Call*>(tag));
      Require(call->status.ok(), call->status.error_message().c_str());
      const auto now = SteadyClock::now();
      if (calls < 0 && now >= begin) {
        cpu = CpuMicros(server);
        calls = 0;
      }
      if (now < end) {
        if (calls >= 0) ++calls;
        StartCall();
        ++pending;
      } else if (!std::exchange(reported, true)) {
        std::printf("%-6s %4d in flight: %7.0f calls/s %6.1f us/call\n", shape, in_flight,
                    static_cast<double>(calls) / seconds,
                    (CpuMicros(server) - cpu) / static_cast<double>(calls));
        std::fflush(stdout);
      }
    }
  }

 private:
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  };

  void StartCall() {
    Call* call = new Call;
    call->context.set_wait_for_ready(true);
    call->reader =
        stub_.PrepareUnaryCall(&call->context, std::string("/") + kMethod, request_, &queue_);
    call->reader->StartCall();
    call->reader->Finish(&call->response, &call->status, call);
  }

  grpc::GenericStub stub_;
  grpc::ByteBuffer request_;
  grpc::CompletionQueue queue_;
};

void Run(const Pki& pki, const char* shape, const std::string& directory, int seconds) {
  int report[2];
  Require(pipe(report) == 0, "pipe");
  const pid_t server = fork();
  if (server == 0) {
    shape == std::string("echo") ? ServeEcho(pki, report[1])
                                 : ServeVault(pki, directory, report[1]);
  }
  close(report[1]);
  int port = 0;
  Require(read(report[0], &port, sizeof port) == sizeof port, "server");
  close(report[0]);
  const pid_t client = fork();
  if (client == 0) {
    Client measured(pki, port);
    for (int in_flight : {1, 64, 256}) measured.Measure(shape, in_flight, seconds, server);
    _exit(0);
  }
  waitpid(client, nullptr, 0);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
}

}  // namespace
}  // namespace piivault::vault

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY [SECONDS]\n", argv[0]);
    return 2;
  }
  const piivault::vault::Pki pki;
  for (int run = 0; run < piivault::vault::kRuns; ++run) {
    for (const char* shape : {"echo", "vault"}) {
      piivault::vault::Run(pki, shape, argv[1], argc > 2 ? std::atoi(argv[2]) : 4);
    }
  }
  return 0;
}
