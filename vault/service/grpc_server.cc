#include "vault/service/grpc_server.h"

#include <dlfcn.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "vault/service/acceptor.h"
#include "vault/service/health_check.h"
#include "vault/service/lane.h"
#include "vault/service/raw_service.h"
#include "vault/service/server_core.h"

namespace piivault::vault {
namespace {

// Descriptors for everything but connections: tables of the database, logs, listeners.
constexpr size_t kReservedDescriptors = 512;
constexpr int kMaxMetadataBytes = 16 << 10;
constexpr size_t kMemoryQuota = 512u << 20;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

void SetSessionLimits(const SessionLimits& sessions, grpc::ServerBuilder* builder) {
  // The most that an argument holds, with room for the tenth.
  constexpr absl::Duration kLongest = absl::Hours(20 * 24);
  if (sessions.idle <= kLongest) {
    // gRPC looks once in each period whether there was a call since it last looked.
    builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(sessions.idle / 2));
  }
  if (sessions.absolute > kLongest) return;
  const absl::Duration grace = std::min(absl::Minutes(1), sessions.absolute / 10);
  // gRPC lengthens the age by up to a tenth, at random, so that not all connections end at once.
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                              Milliseconds((sessions.absolute - grace) / 1.1));
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(grace));
}

void SetLimits(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(options.max_request_bytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              Milliseconds(options.handshake_timeout));
  SetSessionLimits(options.sessions, builder);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(absl::Minutes(2)));
  // A compressed request may be far larger than it looks.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // GRPC_ARG_MAX_CONCURRENT_STREAMS stays unset: setting it makes a flood of resets far dearer.
  grpc::ResourceQuota quota("piivault");
  quota.Resize(kMemoryQuota);
  builder->SetResourceQuota(quota);
}

// Linking the reflection library turns it on for every server of the process, so it is loaded only
// where it is wanted.
absl::Status LoadReflection() {
  for (const char* name : {"libgrpc++_reflection.so.1.51", "libgrpc++_reflection.so"}) {
    if (dlopen(name, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE) != nullptr) return absl::OkStatus();
  }
  return absl::UnavailableError("the gRPC reflection library is not installed");
}

}  // namespace

void StreamRegistry::Add(const Call* stream, std::string principal, grpc::ServerContext* context,
                         std::atomic<bool>* cut) {
  absl::MutexLock lock(&mu_);
  streams_[stream] = {std::move(principal), context, cut};
}

void StreamRegistry::Remove(const Call* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

int StreamRegistry::Cut(const std::function<bool(std::string_view principal)>& whose) {
  absl::MutexLock lock(&mu_);
  int count = 0;
  for (auto& [call, stream] : streams_) {
    if (!whose(stream.principal) || stream.cut->exchange(true)) continue;
    stream.context->TryCancel();
    ++count;
  }
  return count;
}

struct GrpcServer::Impl {
  ServerCore core;
  MethodInfo unknown_method;
  std::unique_ptr<IdentityResolver> identities;
  std::unique_ptr<Acceptor> acceptor;
  grpc::AsyncGenericService unknown_service;
  RawService health_service{{kHealthCheckPath}};
  std::vector<std::unique_ptr<RawService>> services;
  std::unique_ptr<WorkPool> work_pool;  // its work tells the lanes' inboxes, which may be closed
  std::vector<std::unique_ptr<Lane>> lanes;
  // Shared with the acceptor's thread by gRPC's interface.
  std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> connections;
  std::unique_ptr<grpc::Server> server;
  std::vector<int> ports;
  bool stopped = false;

  void AddEndpoints(const MethodTable& methods);
  absl::Status Build(std::shared_ptr<grpc::ServerCredentials> credentials);
  void Stop(absl::Duration patience);
};

// Methods of one service become one RawService, in the table's order.
void GrpcServer::Impl::AddEndpoints(const MethodTable& methods) {
  std::map<std::string, std::vector<const MethodInfo*>> by_service;
  for (const MethodInfo& method : methods.methods()) by_service[method.service].push_back(&method);
  for (const auto& [service, members] : by_service) {
    std::vector<std::string> paths;
    for (const MethodInfo* method : members) paths.push_back(method->path());
    services.push_back(std::make_unique<RawService>(std::move(paths)));
    for (size_t i = 0; i < members.size(); ++i) {
      core.endpoints.push_back({members[i], services.back().get(), static_cast<int>(i)});
    }
  }
  unknown_method.name = "unknown";
  core.unknown_service = &unknown_service;
  core.health_service = &health_service;
  core.endpoints.push_back({&unknown_method, nullptr, 0});
}

absl::Status GrpcServer::Impl::Build(std::shared_ptr<grpc::ServerCredentials> credentials) {
  grpc::EnableDefaultHealthCheckService(false);
  if (core.options.reflection) {
    if (absl::Status loaded = LoadReflection(); !loaded.ok()) return loaded;
  }
  grpc::ServerBuilder builder;
  SetLimits(core.options, &builder);
  builder.RegisterService(&health_service);
  for (const std::unique_ptr<RawService>& service : services) {
    builder.RegisterService(service.get());
  }
  builder.RegisterAsyncGenericService(&unknown_service);
  connections = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      std::move(credentials));
  for (int i = 0; i < core.options.lanes; ++i) {
    lanes.push_back(std::make_unique<Lane>(&core, builder.AddCompletionQueue()));
  }
  server = builder.BuildAndStart();
  if (server == nullptr) {
    lanes.clear();
    return absl::InternalError("gRPC did not start");
  }
  for (const std::unique_ptr<Lane>& lane : lanes) lane->Start();
  return absl::OkStatus();
}

void GrpcServer::Impl::Stop(absl::Duration patience) {
  if (std::exchange(stopped, true)) return;
  acceptor->Stop();
  core.draining = true;
  if (server == nullptr) return;
  // A call whose commit hangs would hold the shutdown up: from the deadline on none waits any more.
  grpc::Alarm hurry;
  grpc::CompletionQueue timer;
  const gpr_timespec deadline =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_millis(absl::ToInt64Milliseconds(patience), GPR_TIMESPAN));
  hurry.Set(&timer, deadline, nullptr);
  std::thread watch([this, &timer] {
    void* tag = nullptr;
    bool fired = false;
    if (timer.Next(&tag, &fired) && fired) core.hurrying = true;
  });
  server->Shutdown(deadline);
  hurry.Cancel();
  watch.join();
  timer.Shutdown();
  core.hurrying = true;
  for (const std::unique_ptr<Lane>& lane : lanes) lane->Stop();
  for (const std::unique_ptr<Lane>& lane : lanes) lane->Join();
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() { impl_->Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(GrpcServerOptions options,
                                                              Parts parts) {
  auto impl = std::make_unique<Impl>();
  absl::StatusOr<std::unique_ptr<IdentityResolver>> identities =
      IdentityResolver::Create(options.tls.client_roots);
  if (!identities.ok()) return identities.status();
  impl->identities = *std::move(identities);
  const size_t cap =
      options.max_connections != 0 ? options.max_connections : MaxConnections(kReservedDescriptors);
  absl::StatusOr<std::unique_ptr<Acceptor>> acceptor =
      Acceptor::Listen(options.listen, cap, parts.observer);
  if (!acceptor.ok()) return acceptor.status();
  impl->acceptor = *std::move(acceptor);
  impl->ports = impl->acceptor->ports();
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> credentials =
      MakeServerCredentials(options.tls, parts.observer);
  if (!credentials.ok()) return credentials.status();

  if (options.max_in_flight_per_caller == 0) {
    options.max_in_flight_per_caller = std::max(1, options.max_in_flight / 2);
  }
  if (options.max_streams_per_caller == 0) {
    options.max_streams_per_caller = std::max(1, options.max_streams / 2);
  }
  impl->core.options = std::move(options);
  impl->core.engine = parts.engine;
  impl->core.refuser = parts.refuser;
  impl->core.observer = parts.observer;
  impl->core.random = parts.random;
  impl->core.now = std::move(parts.now);
  impl->core.identities = impl->identities.get();
  impl->work_pool = std::make_unique<WorkPool>(impl->core.options.work);
  impl->core.work_pool = impl->work_pool.get();
  impl->AddEndpoints(*parts.methods);
  if (absl::Status built = impl->Build(*std::move(credentials)); !built.ok()) return built;

  impl->acceptor->Start([connections = impl->connections](int listener, int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener;
    parameters.fd = connection;
    connections->HandleNewConnection(&parameters);
  });
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

std::vector<int> GrpcServer::ports() const { return impl_->ports; }

void GrpcServer::SetServing(bool serving) { impl_->core.serving = serving; }

absl::Status GrpcServer::SetClientRoots(const std::vector<ClientRoot>& roots) {
  if (roots.empty()) return absl::InvalidArgumentError("no client roots");
  if (absl::Status set = impl_->identities->SetRoots(roots); !set.ok()) return set;
  TlsOptions tls = impl_->core.options.tls;
  tls.client_roots = roots;
  return WriteClientRoots(tls);
}

std::shared_ptr<const CallerIdentity> GrpcServer::Examine(std::string_view leaf_pem,
                                                          std::string_view chain_pem) {
  return impl_->identities->Examine(leaf_pem, chain_pem);
}

int GrpcServer::CancelStreams(const std::function<bool(std::string_view principal)>& whose) {
  return impl_->core.streams.Cut(whose);
}

void GrpcServer::Stop(absl::Duration patience) { impl_->Stop(patience); }

}  // namespace piivault::vault
