#ifndef PIIVAULT_OPS_SERVER_BACKGROUND_H_
#define PIIVAULT_OPS_SERVER_BACKGROUND_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace piivault::ops {

// One thread that does the server's background work, one bounded step of one task at a time, so
// that none of it competes with another, and at a lower priority than what serves calls.
//
// Guarantees: a task's next step begins no sooner than the task asked for; Stop() waits for the
// step under way at most. Thread-safe.
class Background {
 public:
  // Does a step and says when the next is due: zero for at once. An error is reported and the task
  // is tried again after kRetry.
  using Task = std::function<absl::StatusOr<absl::Duration>()>;
  static constexpr absl::Duration kRetry = absl::Seconds(5);

  explicit Background(
      std::function<void(const std::string& task, const absl::Status& error)> on_error)
      : on_error_(std::move(on_error)) {}
  ~Background() { Stop(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  // REQUIRES: before Start().
  void Add(std::string name, Task task);
  void Start();
  // Makes the task's next step due now.
  void Wake(const std::string& name);
  void Stop();

 private:
  struct Entry {
    std::string name;
    Task task;
    absl::Time due;
  };

  void Run();

  const std::function<void(const std::string&, const absl::Status&)> on_error_;
  absl::Mutex mutex_;
  std::vector<Entry> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_SERVER_BACKGROUND_H_
