#ifndef PIIVAULT_VAULT_SERVICE_WORK_POOL_H_
#define PIIVAULT_VAULT_SERVICE_WORK_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace piivault::vault {

// Threads for work that would hold a lane up: hashing a credential takes as long as hundreds of
// calls.
//
// Guarantees: no more waits than `max_waiting`, and of one caller's no more than
// `max_waiting_per_caller`, so that one who fills its places leaves others theirs, and the last
// place is for a caller of whom nothing waits; turns go round the callers. What was dropped before
// it began does not run. The destructor drops what waits, and returns when what runs is done. Does
// not: stop work that has begun. Thread-safe.
class WorkPool {
 public:
  struct Options {
    int threads = 1;
    size_t max_waiting = 64;
    size_t max_waiting_per_caller = 0;  // 0: half
  };
  using Ticket = uint64_t;

  explicit WorkPool(const Options& options);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // Runs `work`, then `done`, on a thread of the pool; both own all they refer to. Nothing where
  // there is no place.
  std::optional<Ticket> Submit(std::string_view caller, std::function<void()> work,
                               std::function<void()> done);
  // Forgets work that waits. False where it has begun: then nothing happens.
  bool Drop(Ticket ticket);

 private:
  struct Job {
    Ticket ticket;
    std::function<void()> work;
    std::function<void()> done;
  };
  using Jobs = std::deque<Job>;

  void Run();
  bool Ready() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || waiting_ > 0; }
  Job Next() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
  Ticket last_ticket_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Jobs, std::less<>> callers_ ABSL_GUARDED_BY(mu_);  // none without jobs
  std::string last_caller_ ABSL_GUARDED_BY(mu_);                           // who had the last turn
  std::vector<std::thread> threads_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_WORK_POOL_H_
