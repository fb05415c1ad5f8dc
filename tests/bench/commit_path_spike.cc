// Shapes of the commit path against a bare echo, all with mutual TLS on loopback.
//
//   piivault_commit_path_spike DIRECTORY [SECONDS] [SHAPE...]
//
// For each shape: a server process and a client process are forked; the client keeps 64, then 256
// calls in flight. Prints calls per second, server CPU per call and calls per sync. The work of one
// call: RocksDB Get, four AES-256-GCM fields, an entry of 250 bytes, durable before the answer.
// The findings are in ops/docs/design/0002-commit-path.md.

#include <fcntl.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/method_handler.h>
#include <openssl/evp.h>
#include <rocksdb/db.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <random>
#include <thread>

#include "tests/fakes/test_pki.h"

namespace {

using Clock = std::chrono::steady_clock;
constexpr char kMethod[] = "/spike.Spike/Call";
constexpr int kRows = 100000;

struct Pki {
  piivault::fakes::TestAuthority authority;
  piivault::fakes::TestCertificate server = authority.IssueServer();
  piivault::fakes::TestCertificate client = authority.IssueForUri("spiffe://spike/client");
};

// What every call does before its commit, and the commit itself.
class Work {
 public:
  explicit Work(const std::string& directory) : context_(EVP_CIPHER_CTX_new()) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    if (!rocksdb::DB::Open(options, directory, &db).ok()) std::abort();
    db_.reset(db);
    std::string probe;
    if (db_->Get({}, Row(kRows - 1), &probe).ok()) return;
    for (int i = 0; i < kRows; ++i) (void)db_->Put({}, Row(i), std::string(250, 'r'));
  }

  grpc::ByteBuffer Compute() {
    std::string row;
    (void)db_->Get({}, Row(static_cast<int>(random_() % kRows)), &row);
    unsigned char key[32] = {1}, iv[12] = {2}, aad[48] = {3}, out[64], tag[16];
    int size = 0;
    EVP_CIPHER_CTX* c = context_.get();
    for (int field = 0; field < 4; ++field) {
      iv[0] = static_cast<unsigned char>(field);
      EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), nullptr, key, iv);
      EVP_EncryptUpdate(c, nullptr, &size, aad, sizeof aad);
      EVP_EncryptUpdate(c, out, &size, reinterpret_cast<const unsigned char*>(row.data()), 32);
      EVP_EncryptFinal_ex(c, out + size, &size);
      EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag);
    }
    grpc::Slice slice(row.data(), 200);
    return grpc::ByteBuffer(&slice, 1);
  }

  void Commit(size_t entries) {
    rocksdb::WriteBatch batch;
    const std::string entry(250, 'e');
    for (size_t i = 0; i < entries; ++i) (void)batch.Put("e" + std::to_string(index_++), entry);
    rocksdb::WriteOptions options;
    options.sync = true;
    if (!db_->Write(options, &batch).ok()) std::abort();
    ++syncs_;
  }

  double calls_per_sync() const { return double(index_) / double(std::max<uint64_t>(1, syncs_)); }

 private:
  static std::string Row(int i) { return "r" + std::to_string(i * 7919L % 1000003); }
  struct Free {
    void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
  };
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<EVP_CIPHER_CTX, Free> context_;
  std::mt19937 random_{7};
  uint64_t index_ = 0, syncs_ = 0;
};

// A thread that takes everything that is waiting, commits it, and gives the batch to `done`.
template <typename T>
class Committer {
 public:
  Committer(Work* work, std::function<void(std::vector<T>)> done)
      : work_(work), done_(std::move(done)), thread_([this] { Run(); }) {}
  void Submit(T item) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(item);
    if (waiting_.size() == 1) wake_.notify_one();
  }

 private:
  [[noreturn]] void Run() {
    for (;;) {
      std::vector<T> batch;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !waiting_.empty(); });
        batch.swap(waiting_);
      }
      work_->Commit(batch.size());
      done_(std::move(batch));
    }
  }
  Work* work_;
  std::function<void(std::vector<T>)> done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<T> waiting_;
  std::thread thread_;
};

// ---- Callback API -------------------------------------------------------------------------------

class CallbackService : public grpc::CallbackGenericService {
 public:
  explicit CallbackService(Work* work) : work_(work) {
    if (work == nullptr) return;
    committer_ = std::make_unique<Committer<Reactor*>>(work, [](std::vector<Reactor*> batch) {
      for (Reactor* reactor : batch) reactor->Answer();
    });
  }

 private:
  struct Reactor : grpc::ServerGenericBidiReactor {
    explicit Reactor(CallbackService* s) : service(s) { StartRead(&in); }
    void OnReadDone(bool ok) override {
      if (!ok) return Finish(grpc::Status::CANCELLED);
      if (service->work_ == nullptr) {
        out = in;
        return Answer();
      }
      {
        std::lock_guard lock(service->mutex_);
        out = service->work_->Compute();
      }
      service->committer_->Submit(this);
    }
    void Answer() { StartWriteAndFinish(&out, {}, grpc::Status::OK); }
    void OnDone() override { delete this; }
    CallbackService* service;
    grpc::ByteBuffer in, out;
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    return new Reactor(this);
  }
  Work* work_;
  std::mutex mutex_;
  std::unique_ptr<Committer<Reactor*>> committer_;
};

// ---- Completion queue ---------------------------------------------------------------------------

// One method, registered as raw bytes: its request arrives together with the call.
class RawService : public grpc::Service {
 public:
  RawService() {
    AddMethod(new grpc::internal::RpcServiceMethod(kMethod, grpc::internal::RpcMethod::NORMAL_RPC,
                                                   nullptr));
    MarkMethodRaw(0);
  }
  using grpc::Service::RequestAsyncUnary;
};

enum class Commits { kNone, kOnThisThread, kBehindAlarm };

class QueueServer {
 public:
  QueueServer(grpc::ServerBuilder* builder, Work* work, Commits commits, bool raw)
      : work_(work), commits_(commits), raw_(raw), queue_(builder->AddCompletionQueue()) {
    if (raw) builder->RegisterService(&raw_service_);
    if (!raw) builder->RegisterAsyncGenericService(&generic_service_);
    if (commits != Commits::kBehindAlarm) return;
    committer_ = std::make_unique<Committer<Call*>>(work, [this](std::vector<Call*> batch) {
      std::lock_guard lock(mutex_);
      durable_.insert(durable_.end(), batch.begin(), batch.end());
      if (std::exchange(alarm_set_, true)) return;
      alarm_.Set(queue_.get(), gpr_inf_past(GPR_CLOCK_MONOTONIC), nullptr);
    });
  }

  [[noreturn]] void Run() {
    for (int i = 0; i < 64; ++i) Request();
    void* tag = nullptr;
    bool ok = false;
    for (;;) {
      if (commits_ == Commits::kOnThisThread && !collected_.empty()) {
        const auto status = queue_->AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC));
        if (status == grpc::CompletionQueue::TIMEOUT) {
          work_->Commit(collected_.size());
          for (Call* call : collected_) call->Answer();
          collected_.clear();
          continue;
        }
      } else {
        queue_->Next(&tag, &ok);
      }
      tag == nullptr ? FinishDurable() : Advance(static_cast<Call*>(tag), ok);
    }
  }

 private:
  struct Call {
    void Answer() {
      state = kFinishing;
      if (raw) return writer.Finish(out, grpc::Status::OK, this);
      stream.WriteAndFinish(out, {}, grpc::Status::OK, this);
    }
    enum { kWaiting, kReading, kFinishing } state = kWaiting;
    bool raw = false;
    grpc::GenericServerContext context;
    grpc::ServerContext raw_context;
    grpc::GenericServerAsyncReaderWriter stream{&context};
    grpc::ServerAsyncResponseWriter<grpc::ByteBuffer> writer{&raw_context};
    grpc::ByteBuffer in, out;
  };

  void Request() {
    Call* call = new Call;
    call->raw = raw_;
    if (raw_) {
      raw_service_.RequestAsyncUnary(0, &call->raw_context, &call->in, &call->writer, queue_.get(),
                                     queue_.get(), call);
    } else {
      generic_service_.RequestCall(&call->context, &call->stream, queue_.get(), queue_.get(), call);
    }
  }

  void Advance(Call* call, bool ok) {
    if (!ok || call->state == Call::kFinishing) {
      delete call;
      return;
    }
    if (call->state == Call::kWaiting) {
      Request();
      call->state = Call::kReading;
      if (!raw_) return call->stream.Read(&call->in, call);
    }
    if (commits_ == Commits::kNone) {
      call->out = call->in;
      return call->Answer();
    }
    call->out = work_->Compute();
    if (commits_ == Commits::kOnThisThread) return collected_.push_back(call);
    committer_->Submit(call);
  }

  void FinishDurable() {
    std::vector<Call*> batch;
    {
      std::lock_guard lock(mutex_);
      batch.swap(durable_);
      alarm_set_ = false;
    }
    for (Call* call : batch) call->Answer();
  }

  Work* work_;
  Commits commits_;
  bool raw_;
  RawService raw_service_;
  grpc::AsyncGenericService generic_service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::vector<Call*> collected_;
  std::mutex mutex_;
  std::vector<Call*> durable_;
  bool alarm_set_ = false;
  grpc::Alarm alarm_;
  std::unique_ptr<Committer<Call*>> committer_;
};

// ---- Processes ----------------------------------------------------------------------------------

[[noreturn]] void RunServer(const Pki& pki, const std::string& shape, const std::string& directory,
                            int report) {
  namespace ge = grpc::experimental;
  ge::TlsServerCredentialsOptions options(std::make_shared<ge::StaticDataCertificateProvider>(
      pki.authority.certificate_pem(),
      std::vector<ge::IdentityKeyCertPair>{{pki.server.key_pem, pki.server.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", ge::TlsServerCredentials(options), &port);
  std::unique_ptr<Work> work;
  if (!shape.starts_with("echo")) work = std::make_unique<Work>(directory);
  std::unique_ptr<CallbackService> callback;
  std::unique_ptr<QueueServer> queue;
  if (shape.ends_with("callback")) {
    callback = std::make_unique<CallbackService>(work.get());
    builder.RegisterCallbackGenericService(callback.get());
  } else {
    const Commits commits = work == nullptr              ? Commits::kNone
                            : shape.starts_with("drain") ? Commits::kOnThisThread
                                                         : Commits::kBehindAlarm;
    queue = std::make_unique<QueueServer>(&builder, work.get(), commits, shape.ends_with("raw"));
  }
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (write(report, &port, sizeof port) != sizeof port) std::abort();
  if (queue != nullptr) queue->Run();
  for (;;) pause();
}

double CpuMicros(pid_t process) {
  clockid_t clock;
  timespec time;
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) std::abort();
  return double(time.tv_sec) * 1e6 + double(time.tv_nsec) / 1e3;
}

void RunClient(const Pki& pki, const std::string& shape, int port, pid_t server, int seconds) {
  grpc::SslCredentialsOptions ssl{pki.authority.certificate_pem(), pki.client.key_pem,
                                  pki.client.certificate_pem};
  grpc::GenericStub stub(
      grpc::CreateChannel("localhost:" + std::to_string(port), grpc::SslCredentials(ssl)));
  struct Call {
    grpc::ClientContext context;
    grpc::ByteBuffer response;
    grpc::Status status;
    std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  };
  grpc::Slice slice(std::string(200, 'q'));
  const grpc::ByteBuffer request(&slice, 1);
  for (int in_flight : {1, 64, 256}) {
    grpc::CompletionQueue queue;
    const auto start = [&] {
      Call* call = new Call;
      call->context.set_wait_for_ready(true);
      call->reader = stub.PrepareUnaryCall(&call->context, kMethod, request, &queue);
      call->reader->StartCall();
      call->reader->Finish(&call->response, &call->status, call);
    };
    for (int i = 0; i < in_flight; ++i) start();
    const auto begin = Clock::now() + std::chrono::seconds(1);
    const auto end = begin + std::chrono::seconds(seconds);
    double cpu = 0;
    long calls = -1;
    void* tag = nullptr;
    bool ok = false;
    for (int pending = in_flight; pending > 0 && queue.Next(&tag, &ok); --pending) {
      std::unique_ptr<Call> call(static_cast<Call*>(tag));
      if (!call->status.ok()) std::abort();
      const auto now = Clock::now();
      if (calls < 0 && now >= begin) cpu = CpuMicros(server), calls = 0;
      if (calls >= 0 && now < end) ++calls;
      if (now >= end && cpu > 0) {
        cpu = CpuMicros(server) - cpu;
        std::printf("%-16s %4d in flight: %7.0f calls/s %6.1f us/call\n", shape.c_str(), in_flight,
                    double(calls) / seconds, cpu / double(calls));
        std::fflush(stdout);
        cpu = 0;
      }
      if (now < end) start(), ++pending;
    }
  }
}

void Measure(const Pki& pki, const std::string& shape, const std::string& directory, int seconds) {
  int report[2];
  if (pipe(report) != 0) std::abort();
  const pid_t server = fork();
  if (server == 0) RunServer(pki, shape, directory, report[1]);
  int port = 0;
  if (read(report[0], &port, sizeof port) != sizeof port) std::abort();
  const pid_t client = fork();
  if (client == 0) {
    RunClient(pki, shape, port, server, seconds);
    _exit(0);
  }
  waitpid(client, nullptr, 0);
  kill(server, SIGKILL);
  waitpid(server, nullptr, 0);
  close(report[0]);
  close(report[1]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const Pki pki;
  std::vector<std::string> shapes(argv + std::min(argc, 3), argv + argc);
  if (shapes.empty()) {
    shapes = {"echo-callback", "echo-generic",  "echo-raw",  "commit-callback",
              "drain-generic", "alarm-generic", "drain-raw", "alarm-raw"};
  }
  for (const std::string& shape : shapes) {
    Measure(pki, shape, std::string(argv[1]) + "/spike-db", argc > 2 ? std::atoi(argv[2]) : 4);
  }
  return 0;
}
