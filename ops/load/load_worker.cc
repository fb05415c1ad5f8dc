#include "ops/load/load_worker.h"

#include <grpcpp/client_context.h>
#include <sys/prctl.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace piivault::ops {
namespace {

uint64_t Nanos(SteadyTime::duration duration) {
  return static_cast<uint64_t>(std::max<SteadyTime::duration::rep>(0, duration.count()));
}

}  // namespace

// Declared so that what gRPC keeps in the context's memory goes before the context.
struct LoadWorker::Call {
  grpc::GenericStub* stub = nullptr;
  std::optional<grpc::ClientContext> context;
  grpc::ByteBuffer message;
  grpc::Status status;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> unary;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  enum class Step { kWriting, kReading, kFinishing } step = Step::kFinishing;
  SteadyTime due;
  bool counts = false;  // decided when it begins, unless a closed loop is measured by time
  int64_t bytes = 0;
};

LoadWorker::LoadWorker(const Shared& shared, RequestSource::Maker requests,
                       const std::vector<std::shared_ptr<grpc::Channel>>& channels, int index)
    : shared_(shared), index_(index), requests_(std::move(requests)), last_end_(shared.begin) {
  const LoadOptions& options = shared_.options;
  for (size_t i = static_cast<size_t>(index); i < channels.size();
       i += static_cast<size_t>(options.threads)) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(channels[i]));
  }
  for (int i = index; i < options.in_flight; i += options.threads) {
    calls_.emplace_back(std::make_unique<Call>())->stub =
        stubs_[calls_.size() % stubs_.size()].get();
  }
  absl::MutexLock lock(&mutex_);
  for (const std::unique_ptr<Call>& call : calls_) free_.push_back(call.get());
}

LoadWorker::~LoadWorker() = default;

void LoadWorker::Start() {
  queue_thread_ = std::thread([this] { ServeQueue(); });
  if (shared_.options.rate > 0) pace_thread_ = std::thread([this] { PaceCalls(); });
}

void LoadWorker::Join() {
  queue_thread_.join();
  if (pace_thread_.joinable()) pace_thread_.join();
  result_.late = late_;
  result_.lag = lag_;
}

LoadProgress LoadWorker::progress() const { return {.ok = ok_, .failed = failed_}; }

// This worker's part of options.calls.
int64_t LoadWorker::calls_to_make() const {
  const LoadOptions& options = shared_.options;
  return options.calls / options.threads + (index_ < options.calls % options.threads ? 1 : 0);
}

bool LoadWorker::MayGoOn(SteadyTime now) const {
  if (shared_.stopped.load(std::memory_order_relaxed)) return false;
  if (shared_.options.calls == 0) return now < shared_.end;
  return now < shared_.begin || begun_ < calls_to_make();
}

void LoadWorker::ServeQueue() {
  const bool closed = shared_.options.rate <= 0;
  if (closed) {
    MakeReady();
    for (SteadyTime now = shared_.clock.now(); MayGoOn(now); now = shared_.clock.now()) {
      Call* call = TakePlace();
      if (call == nullptr) break;
      Begin(call, now);
    }
    NoMoreCalls();
  }
  void* tag = nullptr;
  for (bool ok = false; queue_.Next(&tag, &ok);) {
    Call* call = static_cast<Call*>(tag);
    if (!Advance(call, ok)) continue;
    Count(call);
    const SteadyTime now = shared_.clock.now();
    if (closed && MayGoOn(now)) {
      Begin(call, now);
    } else {
      FreePlace(call);
    }
  }
  shared_.ended();
}

void LoadWorker::PaceCalls() {
  // The kernel may otherwise wake this thread 50 us late to save power.
  prctl(PR_SET_TIMERSLACK, 1);
  const LoadOptions& options = shared_.options;
  // Calls of the warm-up have negative numbers, so that call 0 is due when the window begins.
  const double warm_up = absl::ToDoubleSeconds(options.warm_up) * options.rate / options.threads;
  const Schedule schedule{.start = shared_.begin,
                          .rate = options.rate,
                          .first = index_ - static_cast<int64_t>(warm_up) * options.threads,
                          .stride = options.threads,
                          .end = shared_.end,
                          .calls = options.calls > 0 ? options.calls : INT64_MAX};
  MakeReady();
  Pace(schedule, shared_.clock, [this](SteadyTime due) {
    Call* call = TakePlace();
    if (call != nullptr) {
      Begin(call, due);
    } else if (due >= shared_.begin) {
      ++late_;
    }
  });
  NoMoreCalls();
}

void LoadWorker::Begin(Call* call, SteadyTime due) {
  const LoadOptions& options = shared_.options;
  call->context.emplace();
  call->context->set_deadline(std::chrono::system_clock::now() +
                              absl::ToChronoMilliseconds(options.timeout));
  call->message.Clear();
  call->status = grpc::Status();
  call->bytes = 0;
  call->due = due;
  call->counts = due >= shared_.begin;
  if (call->counts) ++begun_;
  if (call->counts && options.rate > 0) lag_.Record(Nanos(shared_.clock.now() - due));
  options.streaming ? BeginStream(call) : BeginUnary(call);
  MakeReady();
}

void LoadWorker::BeginUnary(Call* call) {
  call->step = Call::Step::kFinishing;
  call->unary =
      call->stub->PrepareUnaryCall(&*call->context, shared_.options.path, ready_, &queue_);
  call->unary->StartCall();
  call->unary->Finish(&call->message, &call->status, call);
}

void LoadWorker::BeginStream(Call* call) {
  call->step = Call::Step::kWriting;
  call->context->set_initial_metadata_corked(true);  // goes with the request; has no event
  call->stream = call->stub->PrepareCall(&*call->context, shared_.options.path, &queue_);
  call->stream->StartCall(call);
  call->stream->WriteLast(ready_, grpc::WriteOptions(), call);
}

// A run of so many calls leaves no number out: what is made is sent.
void LoadWorker::MakeReady() {
  if (shared_.options.calls == 0 || begun_ < calls_to_make()) ready_ = requests_.Next();
}

bool LoadWorker::Advance(Call* call, bool ok) {
  if (call->step == Call::Step::kFinishing) return true;
  if (call->step == Call::Step::kReading && ok) {
    call->bytes += static_cast<int64_t>(call->message.Length());
    if (shared_.hooks.on_message != nullptr) shared_.hooks.on_message(call->message);
  }
  if (ok) {
    call->step = Call::Step::kReading;
    call->stream->Read(&call->message, call);
  } else {
    call->step = Call::Step::kFinishing;
    call->stream->Finish(&call->status, call);
  }
  return false;
}

void LoadWorker::Count(Call* call) {
  const SteadyTime now = shared_.clock.now();
  const LoadOptions& options = shared_.options;
  const bool ok = call->status.ok();
  if (ok && !options.streaming) {
    call->bytes = static_cast<int64_t>(call->message.Length());
    if (shared_.hooks.on_message != nullptr) shared_.hooks.on_message(call->message);
  }
  call->unary.reset();
  call->stream.reset();
  (ok ? ok_ : failed_).fetch_add(1, std::memory_order_relaxed);
  const bool by_time = options.calls == 0 && options.rate <= 0;
  if (by_time ? now < shared_.begin || now >= shared_.end : !call->counts) return;
  last_end_ = std::max(last_end_, now);
  ++result_.calls;
  if (ok) {
    ++result_.ok;
    result_.response_bytes += call->bytes;
    result_.latency.Record(Nanos(now - call->due));
    return;
  }
  LoadFailures& failures = result_.failures[shared_.hooks.reason(call->status)];
  if (++failures.count == 1) failures.first = call->status;
}

LoadWorker::Call* LoadWorker::TakePlace() {
  absl::MutexLock lock(&mutex_);
  if (free_.empty()) return nullptr;
  Call* call = free_.front();  // the one that has rested longest: connections take turns
  free_.pop_front();
  return call;
}

void LoadWorker::FreePlace(Call* call) {
  absl::MutexLock lock(&mutex_);
  free_.push_back(call);
  ShutDownIfIdle();
}

void LoadWorker::NoMoreCalls() {
  absl::MutexLock lock(&mutex_);
  no_more_ = true;
  ShutDownIfIdle();
}

void LoadWorker::ShutDownIfIdle() {
  if (no_more_ && free_.size() == calls_.size()) queue_.Shutdown();
}

}  // namespace piivault::ops
