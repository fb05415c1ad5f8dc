#include "ops/server/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace piivault::ops {
namespace {

// Calls come first where there are more threads to run than processors.
constexpr int kNice = 5;

}  // namespace

void Background::Add(std::string name, Task task) {
  absl::MutexLock lock(&mutex_);
  tasks_.push_back({std::move(name), std::move(task), absl::InfinitePast()});
}

void Background::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Background::Wake(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  for (Entry& entry : tasks_) {
    if (entry.name == name) entry.due = absl::InfinitePast();
  }
  woken_ = true;
}

void Background::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void Background::Run() {
  // Linux has a priority for each thread. Without one all goes on, only less gently.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
  while (true) {
    size_t next = 0;
    Task task;
    std::string name;
    {
      absl::MutexLock lock(&mutex_);
      if (tasks_.empty()) return;
      next = static_cast<size_t>(
          std::min_element(tasks_.begin(), tasks_.end(),
                           [](const Entry& a, const Entry& b) { return a.due < b.due; }) -
          tasks_.begin());
      woken_ = false;
      const auto interrupted = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
        return stopping_ || woken_;
      };
      mutex_.AwaitWithDeadline(absl::Condition(&interrupted), tasks_[next].due);
      if (stopping_) return;
      if (woken_) continue;
      task = tasks_[next].task;
      name = tasks_[next].name;
      // A Wake() during the step sets an earlier time again.
      tasks_[next].due = absl::InfiniteFuture();
    }
    const absl::StatusOr<absl::Duration> pause = task();
    if (!pause.ok()) on_error_(name, pause.status());
    absl::MutexLock lock(&mutex_);
    tasks_[next].due = std::min(tasks_[next].due, absl::Now() + (pause.ok() ? *pause : kRetry));
  }
}

}  // namespace piivault::ops
