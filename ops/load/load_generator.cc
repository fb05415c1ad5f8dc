#include "ops/load/load_generator.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/load/load_worker.h"

namespace piivault::ops {
namespace {

absl::StatusOr<double> CpuMicros(pid_t process) {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return absl::NotFoundError(absl::StrCat("there is no process ", process, " to measure"));
  }
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

SteadyTime::duration ToSteady(absl::Duration duration) {
  return absl::ToChronoNanoseconds(duration);
}

void Add(const LoadResult& part, LoadResult* total) {
  total->calls += part.calls;
  total->ok += part.ok;
  total->late += part.late;
  total->response_bytes += part.response_bytes;
  total->latency.Merge(part.latency);
  total->lag.Merge(part.lag);
  for (const auto& [reason, failures] : part.failures) {
    LoadFailures& sum = total->failures[reason];
    if (sum.count == 0) sum.first = failures.first;
    sum.count += failures.count;
  }
}

}  // namespace

LoadGenerator::LoadGenerator(LoadOptions options,
                             std::vector<std::shared_ptr<grpc::Channel>> channels,
                             RequestSource* requests, LoadHooks hooks)
    : options_(std::move(options)),
      channels_(std::move(channels)),
      requests_(*requests),
      hooks_(std::move(hooks)) {}

LoadGenerator::~LoadGenerator() = default;

absl::Status LoadGenerator::Connect() const {
  const auto deadline =
      std::chrono::system_clock::now() + absl::ToChronoMilliseconds(options_.timeout);
  for (const std::shared_ptr<grpc::Channel>& channel : channels_) channel->GetState(true);
  for (const std::shared_ptr<grpc::Channel>& channel : channels_) {
    for (grpc_connectivity_state state = channel->GetState(true); state != GRPC_CHANNEL_READY;
         state = channel->GetState(true)) {
      if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN ||
          !channel->WaitForStateChange(state, deadline)) {
        return absl::UnavailableError("the vault cannot be reached, or refuses the certificate");
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<LoadResult> LoadGenerator::Run() {
  if (absl::Status status = Connect(); !status.ok()) return status;
  if (options_.server.has_value()) {
    if (auto cpu = CpuMicros(*options_.server); !cpu.ok()) return cpu.status();
  }
  const SteadyTime start = std::chrono::steady_clock::now();
  const SteadyTime begin = start + ToSteady(options_.warm_up);
  const SteadyTime end = options_.calls > 0 ? SteadyTime::max() : begin + ToSteady(options_.window);
  StartWorkers(begin, end);

  LoadResult total;
  AwaitUntil(begin);
  const auto cpu_before = options_.server.has_value() ? CpuMicros(*options_.server) : 0.0;
  AwaitUntil(end);
  const auto cpu_after = options_.server.has_value() ? CpuMicros(*options_.server) : 0.0;
  const SteadyTime stopped = std::min(end, std::chrono::steady_clock::now());
  SteadyTime last = begin;
  for (const std::unique_ptr<LoadWorker>& worker : workers_) {
    worker->Join();
    Add(worker->result(), &total);
    last = std::max(last, worker->last_end());
  }
  if (options_.server.has_value() && cpu_before.ok() && cpu_after.ok()) {
    total.server_cpu_micros = *cpu_after - *cpu_before;
  }
  const SteadyTime until = options_.calls > 0 ? last : stopped;
  total.seconds = std::max(0.0, std::chrono::duration<double>(until - begin).count());
  return total;
}

void LoadGenerator::StartWorkers(SteadyTime begin, SteadyTime end) {
  const LoadWorker::Shared shared{
      .options = options_,
      .hooks = hooks_,
      .clock = {.now = [] { return std::chrono::steady_clock::now(); },
                .sleep_until = [this](SteadyTime time) { return SleepUntil(time); }},
      .start = begin - ToSteady(options_.warm_up),
      .begin = begin,
      .end = end,
      .stopped = stopped_,
      .ended = [this] { WorkerEnded(); }};
  for (int i = 0; i < options_.threads; ++i) {
    workers_.push_back(std::make_unique<LoadWorker>(shared, requests_.NewMaker(), channels_, i));
  }
  {
    absl::MutexLock lock(&mutex_);
    running_ = options_.threads;
  }
  for (const std::unique_ptr<LoadWorker>& worker : workers_) worker->Start();
}

void LoadGenerator::AwaitUntil(SteadyTime time) {
  const auto over = [this]()
                        ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stopped_ || running_ == 0; };
  while (true) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now >= time) return;
    const absl::Duration wait = std::min(
        absl::Seconds(1),
        absl::FromChrono(std::min<SteadyTime::duration>(time - now, std::chrono::hours(1))));
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&over), wait)) return;
    }
    if (hooks_.progress == nullptr) continue;
    LoadProgress sum;
    for (const std::unique_ptr<LoadWorker>& worker : workers_) {
      const LoadProgress part = worker->progress();
      sum.ok += part.ok;
      sum.failed += part.failed;
    }
    hooks_.progress(sum);
  }
}

bool LoadGenerator::SleepUntil(SteadyTime time) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now >= time) return !stopped_;
  const auto stopped = [this] { return stopped_.load(); };
  absl::MutexLock lock(&mutex_);
  return !mutex_.AwaitWithTimeout(absl::Condition(&stopped), absl::FromChrono(time - now));
}

void LoadGenerator::WorkerEnded() {
  absl::MutexLock lock(&mutex_);
  --running_;
}

void LoadGenerator::Stop() {
  absl::MutexLock lock(&mutex_);
  stopped_ = true;
}

}  // namespace piivault::ops
