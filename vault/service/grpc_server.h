#ifndef PIIVAULT_VAULT_SERVICE_GRPC_SERVER_H_
#define PIIVAULT_VAULT_SERVICE_GRPC_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/crypto/random.h"
#include "vault/service/call_queue.h"
#include "vault/service/counted_calls.h"
#include "vault/service/method_table.h"
#include "vault/service/observer.h"
#include "vault/service/session_limits.h"
#include "vault/service/tls.h"
#include "vault/service/work_pool.h"

namespace piivault::vault {

struct GrpcServerOptions {
  std::vector<std::string> listen = {"127.0.0.1:0"};  // as Acceptor::Listen() takes them
  TlsOptions tls;
  // Queue threads. Handlers run on them; one is best on two cores, one for two cores above that.
  int lanes = 1;
  // Calls between arrival and answer; one more is refused before anything of it is read.
  int max_in_flight = 2048;
  int max_streams = 256;  // of these, streams: they last, and must not take every place
  // Of both, what one caller may have, so that others have places left. 0: half.
  int max_in_flight_per_caller = 0;
  int max_streams_per_caller = 0;
  // How long calls may wait for their turns.
  CallQueue::Limits waiting;
  // A call that has worked for so long no longer yields: its decision grows old
  // (EngineOptions::max_decision_age).
  absl::Duration yields_for = absl::Milliseconds(400);
  DenialLimits denials;
  WorkPool::Options work;  // of calls that ask for work apart from the queue threads
  // 0: what the limit of descriptors leaves.
  size_t max_connections = 0;
  int max_request_bytes = 16 << 20;
  // Of requests that wait for their turn; one caller may have a quarter.
  int64_t max_waiting_bytes = int64_t{256} << 20;
  absl::Duration default_deadline = absl::Seconds(5);  // of unary calls without one
  absl::Duration longest_deadline = absl::Seconds(30);
  absl::Duration stream_commit_wait = absl::Seconds(5);  // for each message of a stream
  absl::Duration client_idle = absl::Seconds(30);  // until a client that does not read is cut off
  absl::Duration handshake_timeout = absl::Seconds(10);
  // Connections are ended so that their clients connect anew. Calls under way when `absolute` comes
  // near have a tenth of it, at most a minute, to finish.
  SessionLimits sessions{absl::Minutes(10), absl::Hours(12)};
  // The server reflection service, without authorization and entries: development only.
  bool reflection = false;
};

// The gRPC server: the only way in and out (DESIGN section 3). It identifies, bounds, parses, lets
// a handler decide, commits, and answers when that is durable.
//
// Guarantees: every method of the table and every unknown one takes this path; no answer leaves
// before its plan's entry, or the one that it shares, is durable; what ends without an entry (shed,
// log down) released nothing and is counted in an entry that follows; a unary call ends before its
// deadline even if its commit does not; no text of handlers or requests is in an error.
// Does not: decide anything about principals, roles or data. grpc.health.v1 is served beside this
// path, to everybody who passes the handshake, without entries.
// Owns its threads and connections. Thread-safe.
class GrpcServer {
 public:
  // What it works with; all borrowed, to outlive the server. `engine` must still be running when
  // Stop() is called, and may be shut down after.
  struct Parts {
    const MethodTable* methods = nullptr;
    storage::Engine* engine = nullptr;
    RequestRefuser* refuser = nullptr;
    Observer* observer = nullptr;
    RandomSource* random = nullptr;   // for the salts of counted entries
    std::function<absl::Time()> now;  // vault time; from any thread
  };

  // Binds, and serves from its return on; health says NOT_SERVING until SetServing(true).
  // REQUIRES: RequireTls13() was called.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, Parts parts);
  // Stops at once where Stop() was not called.
  ~GrpcServer();

  // The ports bound, in the order of GrpcServerOptions::listen.
  std::vector<int> ports() const;

  // What grpc.health.v1.Health says of the server as a whole and of each service.
  void SetServing(bool serving);

  // Takes other client roots; changed certificate files are noticed by themselves.
  [[nodiscard]] absl::Status SetClientRoots(const std::vector<ClientRoot>& roots);

  // Whom a certificate would stand for that is not called with: IdentityResolver::Examine.
  std::shared_ptr<const CallerIdentity> Examine(std::string_view leaf_pem,
                                                std::string_view chain_pem);

  // Cuts the running streams of those principals (names without `principals/`); returns how many.
  int CancelStreams(const std::function<bool(std::string_view principal)>& whose);

  // Accepts nothing new, lets calls that have begun and commits finish for at most `patience`, then
  // ends the rest. Calls that wait for their turn get SHUTTING_DOWN.
  // Held calls do not wait any longer, and the engine gets the counts that are left. Commits that
  // the engine still holds take effect or not, unheard. May be called twice.
  void Stop(absl::Duration patience);

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_GRPC_SERVER_H_
