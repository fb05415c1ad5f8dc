#ifndef PIIVAULT_OPS_LOAD_LOAD_WORKER_H_
#define PIIVAULT_OPS_LOAD_LOAD_WORKER_H_

#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "ops/load/load_generator.h"

namespace piivault::ops {

// One completion queue of a run and the thread that serves it; with a rate also the thread that
// begins its calls. A call has a place, of which there are as many as calls may be under way.
//
// Ownership: owns its threads, which it joins, and calls; borrows all of Shared. result() is for
// after Join().
class LoadWorker {
 public:
  // What the workers of a run have in common.
  struct Shared {
    const LoadOptions& options;
    const LoadHooks& hooks;
    LoadClock clock;  // sleep_until() is false when the run has been stopped
    SteadyTime start;
    SteadyTime begin;  // of the window
    SteadyTime end;
    const std::atomic<bool>& stopped;
    std::function<void()> ended;  // called by each worker when its last call has ended
  };

  // Worker `index` of options.threads.
  LoadWorker(const Shared& shared, RequestSource::Maker requests,
             const std::vector<std::shared_ptr<grpc::Channel>>& channels, int index);
  ~LoadWorker();

  void Start();
  void Join();
  LoadProgress progress() const;
  const LoadResult& result() const { return result_; }
  // When the last call that counts ended.
  SteadyTime last_end() const { return last_end_; }

 private:
  struct Call;

  void ServeQueue();
  void PaceCalls();
  // Begins a call in this place, due at `due`.
  void Begin(Call* call, SteadyTime due);
  void BeginUnary(Call* call);
  void BeginStream(Call* call);
  // Goes on with a call that the queue reported. Returns whether it has ended.
  bool Advance(Call* call, bool ok);
  void Count(Call* call);
  // Whether another call of a closed loop may begin.
  bool MayGoOn(SteadyTime now) const;
  Call* TakePlace();
  void FreePlace(Call* call);
  void NoMoreCalls();
  void ShutDownIfIdle() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MakeReady();
  int64_t calls_to_make() const;

  const Shared shared_;
  const int index_;
  RequestSource::Maker requests_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::unique_ptr<Call>> calls_;
  grpc::CompletionQueue queue_;
  std::thread queue_thread_;
  std::thread pace_thread_;

  absl::Mutex mutex_;
  std::deque<Call*> free_ ABSL_GUARDED_BY(mutex_);
  bool no_more_ ABSL_GUARDED_BY(mutex_) = false;

  // Of the thread that begins calls.
  grpc::ByteBuffer ready_;  // the next request, made while those before are on their way
  int64_t begun_ = 0;       // calls that count, of a run of so many
  int64_t late_ = 0;
  LatencyHistogram lag_;
  // Of the queue's thread.
  LoadResult result_;
  SteadyTime last_end_;
  std::atomic<int64_t> ok_ = 0;
  std::atomic<int64_t> failed_ = 0;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_LOAD_LOAD_WORKER_H_
