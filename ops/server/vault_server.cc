#include "ops/server/vault_server.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "ops/server/background.h"
#include "ops/server/http_endpoint.h"
#include "ops/server/index_pace.h"
#include "ops/server/keyring_access.h"
#include "ops/server/logging.h"
#include "ops/server/metrics.h"
#include "piivault/v1/admin_service.pb.h"
#include "storage/commit_and_wait.h"
#include "storage/log_index.h"
#include "storage/rocksdb_engine.h"
#include "vault/audit/entry_terms.h"
#include "vault/crypto/random.h"
#include "vault/keys/keyring_lock.h"
#include "vault/ledger/notice_counter.h"
#include "vault/ledger/sharing_sweeper.h"
#include "vault/records/damage.h"
#include "vault/records/erasure.h"
#include "vault/records/field_terms.h"
#include "vault/retention/retention_sweeper.h"
#include "vault/rotation/index_builder.h"
#include "vault/rotation/rotation_controller.h"
#include "vault/rotation/step_throttle.h"
#include "vault/service/admin_service.h"
#include "vault/service/audit_service.h"
#include "vault/service/certificate.h"
#include "vault/service/credential_service.h"
#include "vault/service/grpc_server.h"
#include "vault/service/retention_service.h"
#include "vault/service/rights_service.h"
#include "vault/service/session.h"
#include "vault/service/session_check.h"
#include "vault/service/sharing_service.h"
#include "vault/service/subject_service.h"
#include "vault/service/vault_service.h"
#include "vault/state/request_sweeper.h"
#include "vault/state/state_store.h"
#include "vault/state/vault_clock.h"
#include "vault/state/vault_keys.h"
#include "vault/values/value_rules.h"

namespace piivault::ops {
namespace {

constexpr absl::Duration kErasurePause = absl::Seconds(30);
// Look-ups by a new index wait for it: another policy is noticed soon.
constexpr absl::Duration kIndexesPause = absl::Milliseconds(250);
constexpr absl::Duration kSweepPause = absl::Minutes(10);
constexpr absl::Duration kSharingPause = absl::Hours(1);
// Periods of storage end with days.
constexpr absl::Duration kRetentionPause = absl::Hours(1);
// How old the numbers of notices get, and the rest between two steps of a count.
constexpr absl::Duration kNoticesPause = absl::Minutes(5);
constexpr absl::Duration kBetweenNotices = absl::Milliseconds(10);

vault::WorkPool::Options WorkOf(const Config::Limits& limits) {
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  vault::WorkPool::Options work;
  work.threads = limits.work_threads > 0 ? limits.work_threads : std::clamp(cores - 1, 1, 64);
  work.max_waiting = static_cast<size_t>(work.threads) * static_cast<size_t>(limits.work_places);
  return work;
}

vault::SessionLimits SessionLimitsOf(const Config& config) {
  return {config.limits.connection_idle, config.limits.connection_age};
}

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

absl::StatusOr<std::vector<vault::ClientRoot>> ReadClientRoots(const Config::Tls& tls) {
  std::vector<vault::ClientRoot> roots;
  for (const ClientRoot& root : tls.client_roots) {
    absl::StatusOr<std::string> pem = ReadText(root.ca_file);
    if (!pem.ok()) return pem.status();
    roots.push_back({root.label, *std::move(pem), root.identities, root.recipients});
  }
  return roots;
}

// Vault time of the last entry; the infinite past for an empty log.
absl::StatusOr<absl::Time> LastEntryTime(const storage::Engine& engine) {
  const uint64_t end = engine.LogEnd().index;
  if (end == 0) return absl::InfinitePast();
  const auto entries = engine.ReadEntries(end - 1, 1);
  if (!entries.ok()) return entries.status();
  if (entries->empty()) return absl::DataLossError("the log's last entry is missing");
  const auto body = vault::ParseBody(entries->front());
  if (!body.ok()) return body.status();
  return absl::FromUnixMicros(body->time_micros());
}

int64_t FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<int64_t>(info.f_bavail) * static_cast<int64_t>(info.f_frsize);
}

}  // namespace

std::string DatabasePath(const Config& config) { return absl::StrCat(config.data_dir, "/db"); }

// Members stand in the order in which they are made; each borrows from those above it, and they are
// destroyed from below.
struct VaultServer::Impl {
  explicit Impl(Config configuration) : config(std::move(configuration)) {}

  absl::Status OpenStorage(const ServerHooks& hooks);
  absl::Status OpenState();
  absl::Status AddServices();
  absl::Status Serve(const ServerHooks& hooks);
  void StartBackground();
  absl::StatusOr<absl::Duration> BuildIndexes();
  absl::StatusOr<absl::Duration> SweepSharing();
  absl::StatusOr<absl::Duration> SweepRetention();
  GaugeReadings ReadGauges();
  absl::Status Reload();
  void Stop();
  absl::Time Now() { return now(); }

  Config config;
  vault::MethodTable methods;
  std::optional<Metrics> metrics;
  std::unique_ptr<storage::RocksDbEngine> engine;
  std::optional<vault::VaultClock> clock;
  std::function<absl::Time()> now;
  std::function<absl::Time()> sweep_now;  // for what is dropped for good
  std::unique_ptr<vault::KeyringLock> keyring_lock;
  std::unique_ptr<vault::Keyring> keyring;
  int keyring_copies_missing = 0;
  std::unique_ptr<vault::KeyHierarchy> keys;
  std::unique_ptr<vault::StateStore> store;
  std::unique_ptr<vault::ValueRules> rules;
  std::optional<vault::UniqueCells> unique;
  std::optional<storage::LogIndex> index;
  IndexPace index_pace;
  std::optional<Background> background;
  std::optional<vault::RotationController> rotator;
  std::optional<vault::ErasureWorker> erasure;
  std::optional<vault::IndexBuilder> indexes;
  vault::StepThrottle indexes_throttle;
  std::optional<vault::RequestSweeper> sweeper;
  std::optional<vault::SharingSweeper> sharing_sweeper;
  std::optional<vault::RetentionSweeper> retention_sweeper;
  vault::StepThrottle sharing_throttle;
  vault::StepThrottle retention_throttle;
  std::optional<vault::NoticeCounter> notices;
  std::optional<vault::SessionRefuser> refuser;
  vault::VolumeBudgets budgets;
  std::optional<vault::VaultDependencies> vault_dependencies;
  std::optional<vault::AuditDependencies> audit_dependencies;
  std::optional<vault::AdminDependencies> admin_dependencies;
  std::optional<vault::SharingDependencies> sharing_dependencies;
  // `server` as its own threads see it: calls come in before Start() has returned it.
  std::atomic<vault::GrpcServer*> serving{nullptr};
  std::unique_ptr<vault::GrpcServer> server;
  std::unique_ptr<HttpEndpoint> http;
  bool stopped = false;
};

absl::Status VaultServer::Impl::OpenStorage(const ServerHooks& hooks) {
  storage::EngineOptions options;
  options.path = DatabasePath(config);
  options.create_if_missing = false;
  options.block_cache_bytes = static_cast<size_t>(config.storage.block_cache_mib) << 20;
  options.max_queue_commits = static_cast<size_t>(config.limits.queue);
  options.observer = &*metrics;
  options.file_system = hooks.file_system;
  // The clock needs the log's end first; until then nothing is committed.
  options.now = [this] { return now == nullptr ? absl::Now() : now(); };
  auto opened = storage::RocksDbEngine::Open(std::move(options));
  if (!opened.ok()) return opened.status();
  engine = *std::move(opened);
  const absl::StatusOr<absl::Time> last = LastEntryTime(*engine);
  if (!last.ok()) return last.status();
  clock.emplace(*last);
  now = hooks.now != nullptr ? hooks.now : [this] { return clock->Now(); };
  sweep_now = hooks.now != nullptr ? hooks.now : [this] { return clock->Vouched(); };
  return absl::OkStatus();
}

absl::Status VaultServer::Impl::OpenState() {
  const absl::StatusOr<vault::SlotSecret> secret = ReadSlotSecret(config.keyring);
  if (!secret.ok()) return secret.status();
  auto locked = vault::KeyringLock::Acquire(config.keyring.path);
  if (!locked.ok()) return locked.status();
  keyring_lock = *std::move(locked);
  std::vector<absl::Status> warnings;
  // The floor is sealed in the database: OpenKeyHierarchy() holds the keyring against it.
  auto opened =
      vault::Keyring::Open(PathsOf(config.keyring), *secret, {}, vault::SystemRandom(), &warnings);
  if (!opened.ok()) return opened.status();
  keyring = *std::move(opened);
  for (const absl::Status& warning : warnings) {
    Log(LogLevel::kWarn, "keyring copy", {{"problem", std::string(warning.message())}});
  }
  auto hierarchy = vault::OpenKeyHierarchy(*engine, *keyring);
  if (!hierarchy.ok()) return hierarchy.status();
  keys = *std::move(hierarchy);
  // Not before the database has vouched that this keyring is no older one.
  const absl::StatusOr<std::vector<std::string>> mended = keyring->SyncMirrors();
  if (absl::IsFailedPrecondition(mended.status())) return mended.status();
  if (mended.ok()) {
    for (const std::string& path : *mended) {
      Log(LogLevel::kWarn, "keyring copy replaced", {{"path", path}});
    }
  } else {
    // A disk that is away does not stop the service; no new epoch begins until it is back.
    Log(LogLevel::kError, "keyring copy not replaced",
        {{"problem", std::string(mended.status().message())}});
    keyring_copies_missing = static_cast<int>(warnings.size());
  }
  auto loaded = vault::StateStore::Load(*engine, *keys, vault::SystemRandom());
  if (!loaded.ok()) return loaded.status();
  store = *std::move(loaded);
  if (absl::Status kept = vault::CheckSessions(*store->snapshot(), SessionLimitsOf(config));
      !kept.ok())
    return kept;
  // What was released before the start counts as well.
  const absl::Status counted = budgets.Rebuild(*engine, *store->snapshot(), Now());
  if (!counted.ok()) return counted;
  engine->SetReopenHook([this] { return store->Reload(); });
  auto made = vault::ValueRules::Create();
  if (!made.ok()) return made.status();
  rules = *std::move(made);
  unique.emplace(vault::SystemRandom());
  return absl::OkStatus();
}

absl::Status VaultServer::Impl::AddServices() {
  vault::RandomSource& random = vault::SystemRandom();
  index.emplace(*engine, &vault::TermsOf);
  background.emplace([](const std::string& task, const absl::Status& error) {
    Log(LogLevel::kWarn, "background task failed",
        {{"task", task}, {"error", std::string(error.message())}});
  });
  rotator.emplace(
      vault::EpochRotation::Parts{
          *engine, *keyring, *keys, *store, *rules, random, now,
          [this](const storage::Key& row) {
            metrics->RowDamaged("rotation");
            Log(LogLevel::kError, "row left behind by rotation", {{"row", vault::RowName(row)}});
          }},
      config.keys.epoch_every, [this] { background->Wake("rotation"); });
  erasure.emplace(*engine, *store, *rules, *unique, random, now,
                  [this](const storage::Key& note, const absl::Status& cause) {
                    metrics->RowDamaged("erasure");
                    Log(LogLevel::kError, "erasure does not go on as it should",
                        {{"row", vault::RowName(note)}, {"cause", std::string(cause.message())}});
                  });
  indexes.emplace(vault::IndexBuilder::Parts{
      *engine, *store, *rules, random, now, [this](const storage::Key& row) {
        metrics->RowDamaged("indexes");
        Log(LogLevel::kError, "record left behind by the indexes", {{"row", vault::RowName(row)}});
      }});
  if (absl::Status begun = indexes->Begin(); !begun.ok()) return begun;
  sweeper.emplace(*engine);
  sharing_sweeper.emplace(vault::SharingSweeper::Parts{
      *engine, *store, random, sweep_now, [this](const storage::Key& row) {
        metrics->RowDamaged("sharing");
        Log(LogLevel::kError, "row of sharing does not open", {{"row", vault::RowName(row)}});
      }});
  retention_sweeper.emplace(vault::RetentionSweeper::Parts{
      *engine, *store, *rules, *unique, random, sweep_now, [this](const storage::Key& row) {
        metrics->RowDamaged("retention");
        Log(LogLevel::kError, "record that may be due does not open",
            {{"row", vault::RowName(row)}});
      }});
  notices.emplace(*engine, *store, now);
  refuser.emplace(*store, random);
  vault_dependencies.emplace(vault::VaultDependencies{*engine, *store, *rules, *unique, budgets,
                                                      random,
                                                      [this] {
                                                        background->Wake("erasure");
                                                        background->Wake("retention");
                                                      },
                                                      [this] { metrics->RowDamaged("list"); }});
  vault_dependencies->vouched = sweep_now;
  vault_dependencies->credential_tried = [this](std::string_view outcome) {
    metrics->CredentialTried(outcome);
  };
  audit_dependencies.emplace(vault::AuditDependencies{*engine, *index, *store, random});
  admin_dependencies.emplace(vault::AdminDependencies{
      .engine = *engine,
      .store = *store,
      .keys = *keys,
      .keyring = *keyring,
      .rotator = *rotator,
      .random = random,
      .version = kVersion,
      .cut_streams =
          [this](const std::function<bool(std::string_view principal)>& whose) {
            vault::GrpcServer* const now_serving = serving.load();
            return now_serving == nullptr ? 0 : now_serving->CancelStreams(whose);
          },
      .mirrors =
          [this] {
            const int copies = static_cast<int>(config.keyring.mirrors.size());
            return vault::AdminDependencies::Mirrors{std::max(0, copies - keyring_copies_missing),
                                                     copies};
          },
      .sessions = SessionLimitsOf(config)});
  absl::Status status = vault::RegisterVaultService(*vault_dependencies, &methods);
  if (status.ok()) status = vault::RegisterSubjectService(*vault_dependencies, &methods);
  if (status.ok()) status = vault::RegisterRightsService(*vault_dependencies, &methods);
  if (status.ok()) status = vault::RegisterRetentionService(*vault_dependencies, &methods);
  if (status.ok()) status = vault::RegisterCredentialService(*vault_dependencies, &methods);
  if (status.ok()) status = vault::RegisterAuditService(*audit_dependencies, &methods);
  if (status.ok()) status = vault::RegisterAdminService(*admin_dependencies, &methods);
  sharing_dependencies.emplace(vault::SharingDependencies{
      .vault = *vault_dependencies,
      .admin = *admin_dependencies,
      .examine = [this](std::string_view leaf_pem, std::string_view chain_pem)
          -> std::shared_ptr<const vault::CallerIdentity> {
        vault::GrpcServer* const now_serving = serving.load();
        return now_serving == nullptr ? nullptr : now_serving->Examine(leaf_pem, chain_pem);
      }});
  if (status.ok()) status = vault::RegisterSharingService(*sharing_dependencies, &methods);
  return status;
}

absl::Status VaultServer::Impl::Serve(const ServerHooks& hooks) {
  auto roots = ReadClientRoots(config.tls);
  if (!roots.ok()) return roots.status();
  vault::GrpcServerOptions options;
  options.listen = {config.listen.address};
  options.tls.certificate_file = config.tls.certificate;
  options.tls.key_file = config.tls.key;
  options.tls.client_roots = *std::move(roots);
  options.tls.directory = absl::StrCat(config.data_dir, "/run");
  std::error_code error;
  std::filesystem::create_directories(options.tls.directory, error);
  if (error) return absl::UnavailableError("data_dir: the directory `run` cannot be made");
  options.lanes = config.completion_queues;
  options.max_in_flight = config.limits.in_flight;
  options.max_in_flight_per_caller = config.limits.in_flight_per_caller;
  options.waiting.longest_wait = config.limits.wait;
  options.work = WorkOf(config.limits);
  options.denials = hooks.denials;
  options.max_connections = static_cast<size_t>(config.listen.connections);
  options.client_idle = config.limits.stream_idle;
  options.sessions = SessionLimitsOf(config);
  options.reflection = config.reflection;
  auto started = vault::GrpcServer::Start(
      std::move(options), {&methods, engine.get(), &*refuser, &*metrics, &vault::SystemRandom(),
                           [this] { return Now(); }});
  if (!started.ok()) return started.status();
  server = *std::move(started);
  serving = server.get();
  if (config.metrics.address.empty()) return absl::OkStatus();
  metrics->SetReader([this] { return ReadGauges(); });
  auto endpoint = HttpEndpoint::Start(config.metrics.address, *metrics, [this]() -> std::string {
    if (!engine->Stats().available) return "the database takes no commits";
    if (clock->jumped()) return "the wall clock jumped; SIGHUP confirms it";
    return "";
  });
  if (!endpoint.ok()) return endpoint.status();
  http = *std::move(endpoint);
  return absl::OkStatus();
}

void VaultServer::Impl::StartBackground() {
  background->Add("log index", [this]() -> absl::StatusOr<absl::Duration> {
    const absl::StatusOr<size_t> done = index->CatchUp(index_pace.step());
    if (!done.ok()) return done.status();
    return index_pace.After(*done);
  });
  background->Add("rotation", [this] { return rotator->Work(); });
  background->Add("erasure", [this]() -> absl::StatusOr<absl::Duration> {
    const absl::StatusOr<bool> more = erasure->Step();
    if (absl::IsAborted(more.status())) return absl::ZeroDuration();
    if (!more.ok()) return more.status();
    return *more ? absl::ZeroDuration() : kErasurePause;
  });
  background->Add("indexes", [this] { return BuildIndexes(); });
  background->Add("request ids", [this]() -> absl::StatusOr<absl::Duration> {
    auto commit = sweeper->Step(store->snapshot()->keys(), Now());
    if (!commit.ok()) return commit.status();
    if (*commit != nullptr) {
      const absl::Status done = storage::CommitOrError(*engine, *std::move(commit)).status();
      if (!done.ok() && !absl::IsAborted(done)) return done;
    }
    return sweeper->at_end() ? kSweepPause : absl::ZeroDuration();
  });
  background->Add("sharing", [this] { return SweepSharing(); });
  background->Add("retention", [this] { return SweepRetention(); });
  background->Add("notices", [this]() -> absl::StatusOr<absl::Duration> {
    const absl::StatusOr<bool> more = notices->Step();
    if (!more.ok()) return more.status();
    return *more ? kBetweenNotices : kNoticesPause;
  });
  background->Start();
}

absl::StatusOr<absl::Duration> VaultServer::Impl::BuildIndexes() {
  const absl::Time begun = absl::Now();
  const absl::StatusOr<bool> more = indexes->Step();
  if (!more.ok()) return more.status();
  const absl::Duration rest =
      indexes_throttle.RestAfter(absl::Now() - begun, engine->LogEnd().index, indexes->entries());
  indexes->set_large_steps(rest == absl::ZeroDuration());
  return *more ? rest : kIndexesPause;
}

absl::StatusOr<absl::Duration> VaultServer::Impl::SweepSharing() {
  const absl::Time begun = absl::Now();
  const absl::StatusOr<bool> more = sharing_sweeper->Step();
  if (!more.ok()) return more.status();
  if (!*more) return kSharingPause;
  return sharing_throttle.RestAfter(absl::Now() - begun, engine->LogEnd().index,
                                    sharing_sweeper->entries());
}

absl::StatusOr<absl::Duration> VaultServer::Impl::SweepRetention() {
  const absl::Time begun = absl::Now();
  const absl::StatusOr<bool> more = retention_sweeper->Step();
  if (!more.ok()) return more.status();
  if (!*more) return kRetentionPause;
  return retention_throttle.RestAfter(absl::Now() - begun, engine->LogEnd().index,
                                      retention_sweeper->entries());
}

GaugeReadings VaultServer::Impl::ReadGauges() {
  GaugeReadings readings;
  readings.engine = engine->Stats();
  readings.log_entries = engine->LogEnd().index;
  readings.active_epoch = keys->Current()->active().id;
  readings.rewrap_backlog = rotator->backlog();
  readings.failing_erasures = erasure->failing();
  readings.indexed_records = indexes->records();
  readings.notices = notices->counts();
  readings.sharing_rows_dropped = sharing_sweeper->dropped();
  readings.fields_destroyed = retention_sweeper->destroyed();
  readings.fields_waiting = retention_sweeper->waiting();
  readings.free_bytes = FreeBytes(config.data_dir);
  readings.keyring_copies_missing = keyring_copies_missing;
  for (const auto& [property, value] : engine->Properties()) {
    readings.rocksdb[property] = static_cast<double>(value);
  }
  const std::shared_ptr<const vault::StateSnapshot> state = store->snapshot();
  const absl::Time time = Now();
  for (const auto& [name, tenant] : state->tenants()) {
    readings.index_rebuilds += tenant->indexes->rebuilding() ? 1 : 0;
  }
  for (const auto& [name, person] : state->persons()) {
    for (const authz::Attestation& attestation : person->attestations) {
      if (attestation.valid_until < time || attestation.revoked_at <= time) continue;
      readings.next_attestation_expiry =
          std::min(readings.next_attestation_expiry, attestation.valid_until);
    }
  }
  for (const auto& [id, proposal] : state->proposals()) {
    const absl::Time expires = absl::FromUnixMicros(proposal->row.expire_time_micros());
    if (proposal->row.state() != v1::PROPOSAL_STATE_OPEN || expires <= time) continue;
    readings.oldest_open_proposal = std::min(
        readings.oldest_open_proposal, absl::FromUnixMicros(proposal->row.create_time_micros()));
  }
  readings.break_glass_total = state->break_glass().size();
  for (const auto& [id, use] : state->break_glass()) {
    if (use->row.has_review()) continue;
    ++(time < absl::FromUnixMicros(use->row.end_micros()) ? readings.break_glass_active
                                                          : readings.break_glass_unreviewed);
  }
  const absl::StatusOr<std::string> certificate = ReadText(config.tls.certificate);
  if (certificate.ok()) {
    const auto chain = vault::ParseCertificates(*certificate);
    if (chain.ok()) {
      readings.server_certificate_expiry = vault::CertificateNotAfter(*chain->front());
    }
  }
  return readings;
}

absl::Status VaultServer::Impl::Reload() {
  auto roots = ReadClientRoots(config.tls);
  if (!roots.ok()) return roots.status();
  absl::Status status = server->SetClientRoots(*roots);
  if (!status.ok()) return status;
  status = store->Reload();
  if (!status.ok()) return status;
  clock->Confirm();
  return absl::OkStatus();
}

void VaultServer::Impl::Stop() {
  if (stopped) return;
  stopped = true;
  if (server != nullptr) {
    server->SetServing(false);
    server->Stop(config.limits.shutdown);
  }
  // Before the background thread is waited for: it may itself wait for a write that hangs.
  if (engine != nullptr) engine->Shutdown();
  if (background) background->Stop();
  http.reset();
}

absl::StatusOr<std::unique_ptr<VaultServer>> VaultServer::Start(const Config& config,
                                                                const ServerHooks& hooks) {
  auto impl = std::make_unique<Impl>(config);
  for (const char* service : {"piivault.v1.VaultService", "piivault.v1.SubjectService",
                              "piivault.v1.SubjectRightsService", "piivault.v1.RetentionService",
                              "piivault.v1.CredentialService", "piivault.v1.AuditService",
                              "piivault.v1.AdminService", "piivault.v1.SharingService"}) {
    const absl::Status added = impl->methods.AddService(service);
    if (!added.ok()) return added;
  }
  impl->metrics.emplace(impl->methods, kVersion,
                        [](std::string_view event, const absl::Status& cause) {
                          Log(cause.ok() ? LogLevel::kInfo : LogLevel::kError, event,
                              {{"cause", std::string(cause.message())}});
                        });
  const auto step = [&impl](absl::Status status) {
    if (!status.ok()) impl->Stop();
    return status;
  };
  if (absl::Status s = step(impl->OpenStorage(hooks)); !s.ok()) return s;
  if (absl::Status s = step(impl->OpenState()); !s.ok()) return s;
  if (absl::Status s = step(impl->AddServices()); !s.ok()) return s;
  if (absl::Status s = step(impl->Serve(hooks)); !s.ok()) return s;
  impl->StartBackground();
  impl->server->SetServing(true);
  return std::unique_ptr<VaultServer>(new VaultServer(std::move(impl)));
}

VaultServer::VaultServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VaultServer::~VaultServer() { impl_->Stop(); }

int VaultServer::port() const { return impl_->server->ports().front(); }
int VaultServer::metrics_port() const { return impl_->http == nullptr ? 0 : impl_->http->port(); }

absl::Status VaultServer::Reload(const Config& config) {
  // Nothing else of it is read again, and the metrics' thread reads the paths meanwhile.
  impl_->config.tls.client_roots = config.tls.client_roots;
  return impl_->Reload();
}

void VaultServer::Stop() { impl_->Stop(); }

}  // namespace piivault::ops
