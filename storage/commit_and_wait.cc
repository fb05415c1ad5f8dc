#include "storage/commit_and_wait.h"

#include <utility>

#include "absl/synchronization/notification.h"

namespace piivault::storage {
namespace {

// Takes exactly one commit.
class WaitingSink : public CommitSink {
 public:
  void Done(std::vector<std::unique_ptr<Commit>> batch) override {
    commit_ = std::move(batch.front());
    done_.Notify();
  }
  // Nothing was handed over.
  void GiveUp() { done_.Notify(); }
  void Await() { done_.WaitForNotification(); }
  std::unique_ptr<Commit> Wait() {
    Await();
    return std::move(commit_);
  }

 private:
  std::unique_ptr<Commit> commit_;
  absl::Notification done_;
};

absl::StatusOr<LogPosition> Outcome(const Commit& done) {
  switch (done.outcome) {
    case CommitOutcome::kCommitted:
      return done.position;
    case CommitOutcome::kConflict:
      return absl::AbortedError("what the commit rests on has changed");
    case CommitOutcome::kUnknown:
      return absl::UnknownError("the write failed half-way");
    case CommitOutcome::kPending:
    case CommitOutcome::kUnavailable:
      break;
  }
  return absl::UnavailableError("the engine cannot commit now");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Commit>> CommitAndWait(Engine& engine,
                                                      std::unique_ptr<Commit> commit) {
  WaitingSink sink;
  commit->sink = &sink;
  if (absl::Status status = engine.Submit(std::move(commit)); !status.ok()) return status;
  std::unique_ptr<Commit> done = sink.Wait();
  done->sink = nullptr;
  return done;
}

absl::StatusOr<LogPosition> CommitOrError(Engine& engine, std::unique_ptr<Commit> commit) {
  absl::StatusOr<std::unique_ptr<Commit>> done = CommitAndWait(engine, std::move(commit));
  if (!done.ok()) return done.status();
  return Outcome(**done);
}

class PendingCommit::Sink : public WaitingSink {};

PendingCommit::PendingCommit() : sink_(std::make_unique<Sink>()) {}
PendingCommit::~PendingCommit() { sink_->Await(); }

absl::StatusOr<std::unique_ptr<PendingCommit>> PendingCommit::Start(
    Engine& engine, std::unique_ptr<Commit> commit) {
  std::unique_ptr<PendingCommit> pending(new PendingCommit());
  commit->sink = pending->sink_.get();
  if (absl::Status status = engine.Submit(std::move(commit)); !status.ok()) {
    pending->sink_->GiveUp();
    return status;
  }
  return pending;
}

absl::StatusOr<LogPosition> PendingCommit::Wait() {
  const std::unique_ptr<Commit> done = sink_->Wait();
  return Outcome(*done);
}

}  // namespace piivault::storage
