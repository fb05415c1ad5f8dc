#include "tests/vault/service/transport/transport_testing.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/status.pb.h"

namespace piivault::vault {

namespace v1 = piivault::v1;

TempDirectory::TempDirectory() {
  std::string path = (std::filesystem::temp_directory_path() / "piivault-XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr) std::abort();
  path_ = path;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDirectory::Write(const std::string& name, const std::string& contents) const {
  const std::string path = absl::StrCat(path_, "/", name);
  std::ofstream(path + ".new", std::ios::trunc) << contents;
  std::filesystem::rename(path + ".new", path);
  return path;
}

void GatedEngine::Shut() {
  absl::MutexLock lock(&mu_);
  shut_ = true;
}

void GatedEngine::Open() {
  {
    absl::MutexLock lock(&mu_);
    shut_ = false;
  }
  LetThrough();
}

void GatedEngine::LetThrough() {
  std::vector<std::unique_ptr<storage::Commit>> through;
  {
    absl::MutexLock lock(&mu_);
    through.swap(waiting_);
  }
  for (auto& commit : through) ASSERT_TRUE(MemoryEngine::Submit(std::move(commit)).ok());
}

void GatedEngine::AwaitWaiting(size_t count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return waiting_.size() >= count; };
  mu_.Await(absl::Condition(&enough));
}

void GatedEngine::RefuseWith(absl::Status status) {
  absl::MutexLock lock(&mu_);
  refusal_ = std::move(status);
}

void GatedEngine::AwaitRefused(int count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return refused_ >= count; };
  mu_.Await(absl::Condition(&enough));
}

absl::Status GatedEngine::Submit(std::unique_ptr<storage::Commit> commit) {
  {
    absl::MutexLock lock(&mu_);
    if (!refusal_.ok()) {
      ++refused_;
      return refusal_;
    }
    if (shut_) {
      waiting_.push_back(std::move(commit));
      return absl::OkStatus();
    }
  }
  return MemoryEngine::Submit(std::move(commit));
}

void CountingObserver::CallFinished(std::string_view method, absl::StatusCode, authz::Reason reason,
                                    absl::Duration) {
  absl::MutexLock lock(&mu_);
  ++finished_[{std::string(method), reason}];
}

void CountingObserver::AwaitFinished(const std::string& method, authz::Reason reason, int count) {
  absl::MutexLock lock(&mu_);
  const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return finished_[{method, reason}] >= count;
  };
  mu_.Await(absl::Condition(&enough));
}

namespace {

class ToyHandler : public Handler {
 public:
  explicit ToyHandler(ToyScript script) : script_(std::move(script)) {}
  Plan Next(CallContext& context) override { return script_.next(context); }
  void Committed(const storage::LogPosition* position) override { script_.committed(position); }
  bool HasMore() const override { return script_.has_more(); }
  std::optional<Plan> Close(CallContext& context) override { return script_.close(context); }

 private:
  ToyScript script_;
};

storage::EntryDraft Draft(const std::string& text) {
  storage::EntryDraft draft;
  draft.body = text;
  return draft;
}

}  // namespace

Plan RevealPlan(CallContext& context, const std::string& text) {
  Plan plan;
  auto* response = NewResponse<v1::RevealRecordResponse>(context);
  response->mutable_record()->set_type(text);
  plan.response = response;
  plan.entry = Draft(text);
  return plan;
}

Plan StreamPlan(CallContext& context, const std::string& text) {
  Plan plan;
  auto* response = NewResponse<v1::StreamRevealRecordsResponse>(context);
  response->add_records()->set_type(text);
  plan.response = response;
  plan.entry = Draft(text);
  return plan;
}

Plan RefusePlan(authz::Reason reason, const std::string& text) {
  Plan plan;
  plan.reason = reason;
  plan.entry = Draft(text);
  return plan;
}

Plan ToyRefuser::Refuse(CallContext& context, authz::Reason reason) {
  return RefusePlan(reason, absl::StrCat("refused ", context.method.name, " ",
                                         std::string(authz::ReasonName(reason))));
}

authz::Reason ToyRefuser::Screen(CallContext& context) {
  return screen ? screen(context) : authz::Reason::kOk;
}

ToyServer::ToyServer(std::function<void(GrpcServerOptions&)> adjust)
    : client_(authority_.IssueForUri(kClient)), engine_([this] {
        storage::EngineOptions options;
        options.now = [this] { return now(); };
        return options;
      }()) {
  static const absl::Status restricted = RequireTls13();
  EXPECT_TRUE(restricted.ok()) << restricted;
  const fakes::TestCertificate server = authority_.IssueServer();
  options_.tls.certificate_file = directory_.Write("server.pem", server.certificate_pem);
  options_.tls.key_file = directory_.Write("server.key", server.key_pem);
  options_.tls.client_roots = {{"test", authority_.certificate_pem(), {"spiffe://test/*"}}};
  options_.tls.directory = directory_.path();
  options_.tls.refresh_seconds = 1;
  options_.denials.hold = absl::InfiniteDuration();
  adjust(options_);
  // Messages of both services, so that the linker keeps their descriptors.
  for (const auto* message :
       {v1::RevealRecordRequest::descriptor(), v1::CreateTenantRequest::descriptor()}) {
    const absl::Status added = methods_.AddService(message->file()->service(0)->full_name());
    EXPECT_TRUE(added.ok()) << added;
  }
}

ToyServer::~ToyServer() {
  if (server_ != nullptr) server_->Stop(absl::ZeroDuration());
  server_.reset();
  engine_.Shutdown();
}

void ToyServer::On(const char* method, std::function<ToyScript()> make, bool works) {
  const absl::Status registered = methods_.Register(
      method, [make = std::move(make)] { return std::make_unique<ToyHandler>(make()); }, works);
  EXPECT_TRUE(registered.ok()) << registered;
}

void ToyServer::On(const char* method, std::function<Plan(CallContext&)> next) {
  On(method, [next = std::move(next)] {
    ToyScript script;
    script.next = next;
    return script;
  });
}

void ToyServer::Start() {
  GrpcServer::Parts parts;
  parts.methods = &methods_;
  parts.engine = &engine_;
  parts.refuser = &refuser_;
  parts.observer = &observer_;
  parts.random = &SystemRandom();
  parts.now = [this] { return now(); };
  absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(options_, parts);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
}

std::shared_ptr<grpc::Channel> ToyServer::Channel(const fakes::TestCertificate* client,
                                                  const fakes::TestAuthority* server_root) const {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = (server_root != nullptr ? *server_root : authority_).certificate_pem();
  if (client != nullptr) {
    options.pem_cert_chain = client->certificate_pem;
    options.pem_private_key = client->key_pem;
  }
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  // A connection of its own for each channel.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port()),
                                   grpc::SslCredentials(options), arguments);
}

std::unique_ptr<v1::VaultService::Stub> ToyServer::Stub() const {
  return v1::VaultService::NewStub(Channel());
}

std::vector<std::string> ToyServer::Entries() const {
  std::vector<std::string> bodies;
  absl::StatusOr<std::vector<storage::StoredEntry>> entries = engine_.ReadEntries(0, 10000);
  EXPECT_TRUE(entries.ok());
  for (const storage::StoredEntry& entry : *entries) bodies.push_back(entry.entry.body);
  return bodies;
}

google::rpc::ErrorInfo ErrorInfoIn(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) break;
  }
  return info;
}

std::string ReasonIn(const grpc::Status& status) { return ErrorInfoIn(status).reason(); }

bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    if (detail.Is<google::rpc::RetryInfo>()) return true;
  }
  return false;
}

PendingCall::PendingCall(v1::VaultService::Stub& stub, const std::string& name,
                         grpc::CompletionQueue* queue) {
  v1::RevealRecordRequest request;
  request.set_name(name);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  reader = stub.AsyncRevealRecord(&context, request, queue);
  reader->Finish(&response, &status, this);
}

int64_t PendingCall::index() const {
  const auto metadata = ErrorInfoIn(status).metadata();
  const auto found = metadata.find("index");
  int64_t index = -1;
  return found != metadata.end() && absl::SimpleAtoi(found->second, &index) ? index : -1;
}

}  // namespace piivault::vault
