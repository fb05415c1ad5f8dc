#ifndef PIIVAULT_TESTS_STORAGE_RECORDING_OBSERVER_H_
#define PIIVAULT_TESTS_STORAGE_RECORDING_OBSERVER_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine_options.h"

namespace piivault::storage {

// Lets a test wait for what the engine does by itself.
class RecordingObserver : public EngineObserver {
 public:
  void OnBatch(const BatchReport& report) override {
    absl::MutexLock lock(&mu_);
    ++batches_;
    last_ = report;
  }
  void OnFailure(const absl::Status&) override {
    absl::MutexLock lock(&mu_);
    ++failures_;
  }
  void OnReopen(const absl::Status& result) override {
    absl::MutexLock lock(&mu_);
    ++(result.ok() ? reopened_ : reopen_failed_);
  }

  void WaitForBatches(int count) { WaitFor(&batches_, count); }
  void WaitForFailures(int count) { WaitFor(&failures_, count); }
  void WaitForReopened(int count) { WaitFor(&reopened_, count); }
  void WaitForReopenFailed(int count) { WaitFor(&reopen_failed_, count); }
  int batches() {
    absl::MutexLock lock(&mu_);
    return batches_;
  }
  int failures() {
    absl::MutexLock lock(&mu_);
    return failures_;
  }
  int reopened() {
    absl::MutexLock lock(&mu_);
    return reopened_;
  }
  BatchReport last() {
    absl::MutexLock lock(&mu_);
    return last_;
  }

 private:
  void WaitFor(const int* counter, int count) {
    absl::MutexLock lock(&mu_);
    auto reached = [counter, count] { return *counter >= count; };
    mu_.Await(absl::Condition(&reached));
  }

  absl::Mutex mu_;
  int batches_ ABSL_GUARDED_BY(mu_) = 0;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  int reopened_ ABSL_GUARDED_BY(mu_) = 0;
  int reopen_failed_ ABSL_GUARDED_BY(mu_) = 0;
  BatchReport last_ ABSL_GUARDED_BY(mu_);
};

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_RECORDING_OBSERVER_H_
