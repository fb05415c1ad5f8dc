#include "vault/service/work_pool.h"

#include <algorithm>
#include <utility>

namespace piivault::vault {
namespace {

WorkPool::Options Complete(WorkPool::Options options) {
  if (options.max_waiting_per_caller == 0) {
    options.max_waiting_per_caller = std::max<size_t>(1, options.max_waiting / 2);
  }
  return options;
}

}  // namespace

WorkPool::WorkPool(const Options& options) : options_(Complete(options)) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkPool::~WorkPool() {
  std::map<std::string, Jobs, std::less<>> dropped;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    dropped.swap(callers_);
    waiting_ = 0;
  }
  dropped.clear();
  for (std::thread& thread : threads_) thread.join();
}

std::optional<WorkPool::Ticket> WorkPool::Submit(std::string_view caller,
                                                 std::function<void()> work,
                                                 std::function<void()> done) {
  absl::MutexLock lock(&mu_);
  if (stopping_ || waiting_ >= options_.max_waiting) return std::nullopt;
  auto found = callers_.find(caller);
  if (found == callers_.end()) {
    found = callers_.emplace(std::string(caller), Jobs()).first;
  } else if (found->second.size() >= options_.max_waiting_per_caller ||
             waiting_ + 1 >= options_.max_waiting) {
    return std::nullopt;
  }
  found->second.push_back({++last_ticket_, std::move(work), std::move(done)});
  ++waiting_;
  return last_ticket_;
}

bool WorkPool::Drop(Ticket ticket) {
  Job dropped;  // destroyed after the lock: what it owns may take its time
  absl::MutexLock lock(&mu_);
  for (auto caller = callers_.begin(); caller != callers_.end(); ++caller) {
    Jobs& jobs = caller->second;
    const auto job = std::find_if(jobs.begin(), jobs.end(),
                                  [ticket](const Job& one) { return one.ticket == ticket; });
    if (job == jobs.end()) continue;
    dropped = std::move(*job);
    jobs.erase(job);
    --waiting_;
    if (jobs.empty()) callers_.erase(caller);
    return true;
  }
  return false;
}

WorkPool::Job WorkPool::Next() {
  auto caller = callers_.upper_bound(last_caller_);
  if (caller == callers_.end()) caller = callers_.begin();
  Job job = std::move(caller->second.front());
  caller->second.pop_front();
  --waiting_;
  last_caller_ = caller->first;
  if (caller->second.empty()) callers_.erase(caller);
  return job;
}

void WorkPool::Run() {
  for (;;) {
    Job job;
    {
      absl::MutexLock lock(&mu_);
      mu_.Await(absl::Condition(this, &WorkPool::Ready));
      if (stopping_) return;
      job = Next();
    }
    job.work();
    // What it owned is gone before anybody goes on with its result.
    job.work = nullptr;
    job.done();
  }
}

}  // namespace piivault::vault
