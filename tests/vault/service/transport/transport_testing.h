#ifndef PIIVAULT_TESTS_VAULT_SERVICE_TRANSPORT_TRANSPORT_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_TRANSPORT_TRANSPORT_TESTING_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "google/rpc/error_details.pb.h"
#include "piivault/v1/admin_service.grpc.pb.h"
#include "piivault/v1/vault_service.grpc.pb.h"
#include "storage/engine.h"
#include "tests/fakes/memory_engine.h"
#include "tests/fakes/test_pki.h"
#include "vault/service/grpc_server.h"

namespace piivault::vault {

inline constexpr char kUnary[] = "piivault.v1.VaultService/RevealRecord";
inline constexpr char kStream[] = "piivault.v1.VaultService/StreamRevealRecords";
inline constexpr char kClient[] = "spiffe://test/client";

// A directory that is removed with all in it.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  // Writes a file and returns its path.
  std::string Write(const std::string& name, const std::string& contents) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The memory engine with a gate: while it is shut, commits wait in front of it, as they do before
// an fsync that hangs. Thread-safe.
class GatedEngine : public fakes::MemoryEngine {
 public:
  using MemoryEngine::MemoryEngine;

  void Shut();
  // Lets everything that waits through, and what comes later.
  void Open();
  // Lets through what waits now.
  void LetThrough();
  // Waits until as many commits stand before the gate.
  void AwaitWaiting(size_t count);
  // What Submit() answers from now on.
  void RefuseWith(absl::Status status);
  // Waits until so many commits were refused.
  void AwaitRefused(int count);

  absl::Status Submit(std::unique_ptr<storage::Commit> commit) override;

 private:
  absl::Mutex mu_;
  bool shut_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);
  int refused_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::unique_ptr<storage::Commit>> waiting_ ABSL_GUARDED_BY(mu_);
};

// Counts what the transport reports.
class CountingObserver : public Observer {
 public:
  void CallFinished(std::string_view method, absl::StatusCode code, authz::Reason reason,
                    absl::Duration latency) override;
  void InFlight(int change) override { in_flight += change; }
  void CallShed() override { ++shed; }
  void DecidedAgain(std::string_view) override { ++decided_again; }
  void CommitLost() override { ++lost; }
  void ConnectionAccepted() override { ++accepted; }
  void ConnectionRefused() override { ++refused; }
  void HandshakeCompleted() override { ++handshakes; }

  // Waits until as many calls of the method ended with the reason.
  void AwaitFinished(const std::string& method, authz::Reason reason, int count);

  std::atomic<int> in_flight{0}, shed{0}, decided_again{0}, lost{0}, accepted{0}, refused{0},
      handshakes{0};

 private:
  absl::Mutex mu_;
  std::map<std::pair<std::string, authz::Reason>, int> finished_ ABSL_GUARDED_BY(mu_);
};

// A handler made of functions.
struct ToyScript {
  std::function<Plan(CallContext&)> next;
  std::function<void(const storage::LogPosition*)> committed = [](const auto*) {};
  std::function<bool()> has_more = [] { return false; };
  std::function<std::optional<Plan>(CallContext&)> close = [](auto&) { return std::nullopt; };
};

// A plan that records `text` and answers with it as the record's type.
Plan RevealPlan(CallContext& context, const std::string& text);
// A plan that records `text` and refuses.
Plan RefusePlan(authz::Reason reason, const std::string& text);
Plan StreamPlan(CallContext& context, const std::string& text);

// Records "refused METHOD REASON". Screens callers as it is told.
class ToyRefuser : public RequestRefuser {
 public:
  Plan Refuse(CallContext& context, authz::Reason reason) override;
  authz::Reason Screen(CallContext& context) override;
  // Before the server starts.
  std::function<authz::Reason(const CallContext&)> screen;
};

// A server on loopback with real certificates, scripted handlers and an engine in memory. Entries
// that calls share are written at the end only, but for tests that set GrpcServerOptions::denials.
class ToyServer {
 public:
  explicit ToyServer(std::function<void(GrpcServerOptions&)> adjust = [](auto&) {});
  ~ToyServer();

  // Before Start(); each call of the method gets what `make` returns.
  void On(const char* method, std::function<ToyScript()> make, bool works = false);
  // A unary method, or a stream's every message.
  void On(const char* method, std::function<Plan(CallContext&)> next);
  void Start();

  std::shared_ptr<grpc::Channel> Channel(const fakes::TestCertificate* client,
                                         const fakes::TestAuthority* server_root = nullptr) const;
  // A channel of its own with kClient's certificate.
  std::shared_ptr<grpc::Channel> Channel() const { return Channel(&client_); }
  std::unique_ptr<piivault::v1::VaultService::Stub> Stub() const;

  int port() const { return server_->ports().front(); }
  GrpcServer& server() { return *server_; }
  GatedEngine& engine() { return engine_; }
  CountingObserver& observer() { return observer_; }
  ToyRefuser& refuser() { return refuser_; }
  fakes::TestAuthority& authority() { return authority_; }
  const TlsOptions& tls() const { return options_.tls; }
  const TempDirectory& directory() const { return directory_; }
  const fakes::TestCertificate& client() const { return client_; }

  absl::Time now() const { return absl::FromUnixMicros(now_micros_); }
  void Advance(absl::Duration duration) { now_micros_ += absl::ToInt64Microseconds(duration); }

  // Bodies of all entries.
  std::vector<std::string> Entries() const;

 private:
  TempDirectory directory_;
  fakes::TestAuthority authority_;
  fakes::TestCertificate client_;
  std::atomic<int64_t> now_micros_{1900000000000000};
  GatedEngine engine_;
  CountingObserver observer_;
  ToyRefuser refuser_;
  MethodTable methods_;
  GrpcServerOptions options_;
  std::unique_ptr<GrpcServer> server_;
};

// The reason in an error's details; empty where there are none.
std::string ReasonIn(const grpc::Status& status);
google::rpc::ErrorInfo ErrorInfoIn(const grpc::Status& status);
bool HasRetryInfo(const grpc::Status& status);

// One call on a completion queue that several share.
struct PendingCall {
  PendingCall(v1::VaultService::Stub& stub, const std::string& name, grpc::CompletionQueue* queue);
  // Of the receipt in the error; -1 for none.
  int64_t index() const;
  grpc::ClientContext context;
  v1::RevealRecordResponse response;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::RevealRecordResponse>> reader;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_TRANSPORT_TRANSPORT_TESTING_H_
