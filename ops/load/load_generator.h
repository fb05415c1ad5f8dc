#ifndef PIIVAULT_OPS_LOAD_LOAD_GENERATOR_H_
#define PIIVAULT_OPS_LOAD_LOAD_GENERATOR_H_

#include <grpcpp/channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "ops/load/latency_histogram.h"
#include "ops/load/request_source.h"
#include "ops/load/schedule.h"

namespace piivault::ops {

struct LoadOptions {
  std::string path;        // `/piivault.v1.VaultService/RevealRecord`
  bool streaming = false;  // whether the server answers with a stream
  int in_flight = 64;      // calls under way at once; with a rate, at most
  int threads = 1;         // completion queues; at most as many as channels
  double rate = 0;         // calls a second of an open loop; 0 for a closed one
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration window = absl::Seconds(10);   // where `calls` is 0
  int64_t calls = 0;                           // so many, however long they take
  absl::Duration timeout = absl::Seconds(30);  // of each call
  std::optional<pid_t> server;                 // process whose CPU time is measured
};

struct LoadProgress {
  int64_t ok = 0;
  int64_t failed = 0;
};

// What a run calls back; the last two may be empty.
struct LoadHooks {
  // What to count a failure as. Thread-safe.
  std::function<std::string(const grpc::Status&)> reason;
  // For every message of a response, in the warm-up too. Thread-safe.
  std::function<void(const grpc::ByteBuffer&)> on_message;
  // Each second, from the thread that runs.
  std::function<void(const LoadProgress&)> progress;
};

struct LoadFailures {
  int64_t count = 0;
  grpc::Status first;
};

// What was measured. A closed loop counts the calls that end in the window; an open loop, and a run
// of so many calls, those that are due or begin in it.
struct LoadResult {
  double seconds = 0;  // of the window
  int64_t calls = 0;   // that ended, well or not
  int64_t ok = 0;
  std::map<std::string, LoadFailures> failures;
  LatencyHistogram latency;    // of calls that were OK; in an open loop from the time they were due
  LatencyHistogram lag;        // of an open loop: how long after that they began
  int64_t late = 0;            // calls that were due and found all places taken: not made
  int64_t response_bytes = 0;  // of calls that were OK
  std::optional<double> server_cpu_micros;  // in the window, all calls together
};

class LoadWorker;

// Keeps a server busy and measures it: a closed loop, in which each call that ends makes room for
// the next, or an open loop, in which calls begin at fixed times whatever became of those before.
//
// Guarantees: connections are open before the first call; a call of an open loop is measured from
// the time it was due, and one that could not be made is counted. Does not: try again, or read
// responses. Ownership: shares the channels with gRPC; borrows the requests. Run() is for one
// thread; Stop() may come from any.
class LoadGenerator {
 public:
  // REQUIRES: channels are not empty; in_flight and threads are at least 1.
  LoadGenerator(LoadOptions options, std::vector<std::shared_ptr<grpc::Channel>> channels,
                RequestSource* requests, LoadHooks hooks);
  ~LoadGenerator();

  // UNAVAILABLE where a connection cannot be made; NOT_FOUND where there is no such process;
  // failures of calls are part of the result. Once only.
  [[nodiscard]] absl::StatusOr<LoadResult> Run();

  // No call begins any more; Run() returns when those under way have ended.
  void Stop();

 private:
  absl::Status Connect() const;
  void StartWorkers(SteadyTime begin, SteadyTime end);
  // Waits for that time, or for the end of the run where that comes first.
  void AwaitUntil(SteadyTime time);
  void WorkerEnded();
  bool SleepUntil(SteadyTime time);

  const LoadOptions options_;
  const std::vector<std::shared_ptr<grpc::Channel>> channels_;
  RequestSource& requests_;
  const LoadHooks hooks_;
  std::vector<std::unique_ptr<LoadWorker>> workers_;
  absl::Mutex mutex_;
  std::atomic<bool> stopped_ = false;  // set under the mutex, so that waits for it end
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_LOAD_GENERATOR_H_
