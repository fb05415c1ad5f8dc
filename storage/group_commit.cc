#include "storage/group_commit.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/clock.h"
#include "storage/commit_queue.h"
#include "storage/deliver.h"
#include "storage/recent_writes.h"

namespace piivault::storage {

using Batch = std::vector<std::unique_ptr<Commit>>;

class GroupCommit::Core {
 public:
  Core(const EngineOptions& options, std::shared_ptr<BatchStore> store, LogPosition end)
      : options_(options),
        store_(std::move(store)),
        log_(end.log),
        generation_(end.generation),
        recent_(options.recent_write_cells),
        backoff_(options.reopen_backoff_min),
        next_index_(end.index),
        queue_(options.max_queue_commits, options.max_queue_bytes) {
    stats_.available = true;
  }

  absl::Status Submit(std::unique_ptr<Commit> commit);
  uint64_t AppliedSequence() const { return applied_.load(std::memory_order_acquire); }
  LogPosition LogEnd() const {
    return {log_, generation_, next_index_.load(std::memory_order_acquire)};
  }
  void SetReopenHook(std::function<absl::Status()> hook);
  EngineStats Stats() const;
  void NoteStoreFailure(const absl::Status& cause);

  // The committing thread.
  void Run();
  // Returns whether the thread has ended; otherwise it has been left behind in the store.
  bool Stop();

 private:
  // Where the committing thread is. Only in the store may it be left behind: there it touches
  // nothing but the store.
  enum class Phase { kOwn, kInStore, kEnded };
  enum class Step { kCommit, kReopen, kStop };
  struct Tally {
    size_t accepted = 0;
    size_t conflicts = 0;
    size_t entries = 0;
    bool writes = false;  // the open batch holds something
  };

  Step NextStep(Batch* batch, size_t* depth) ABSL_LOCKS_EXCLUDED(mu_);
  // These return false if the thread was left behind meanwhile and must end.
  [[nodiscard]] bool CommitOne(Batch batch, size_t depth);
  [[nodiscard]] bool Fail(const absl::Status& cause, Batch batch);
  [[nodiscard]] bool ReopenUntilDone();
  [[nodiscard]] bool ReopenOnce(absl::Status* result);
  [[nodiscard]] bool InStore(Batch* batch, absl::FunctionRef<void()> work);

  Tally Fill(const Batch& batch, uint64_t sequence);
  void Publish(const Batch& batch, const Tally& tally, uint64_t sequence);
  // Waits before the next attempt; false if it is time to stop.
  bool BackOff() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status StoreFailure() const {
    absl::MutexLock lock(&mu_);
    return store_failure_;
  }
  absl::Time Now() const { return options_.now ? options_.now() : absl::Now(); }

  const EngineOptions options_;
  const std::shared_ptr<BatchStore> store_;
  const uint32_t log_;
  const uint64_t generation_;

  // The committing thread's own.
  RecentWrites recent_;
  std::vector<const Mutation*> writes_;  // of the batch that is being filled
  absl::Duration backoff_;
  absl::Time last_reopen_ = absl::InfinitePast();

  std::atomic<uint64_t> applied_{1};
  std::atomic<uint64_t> next_index_;

  mutable absl::Mutex mu_;
  absl::CondVar work_;     // for the committing thread: something to do
  absl::CondVar settled_;  // for Stop(): the phase has changed
  CommitQueue queue_ ABSL_GUARDED_BY(mu_);
  Batch in_store_ ABSL_GUARDED_BY(mu_);  // the batch that is being written
  Phase phase_ ABSL_GUARDED_BY(mu_) = Phase::kOwn;
  bool reopening_ ABSL_GUARDED_BY(mu_) = false;
  bool store_failed_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status store_failure_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool left_behind_ ABSL_GUARDED_BY(mu_) = false;
  std::function<absl::Status()> reopen_hook_ ABSL_GUARDED_BY(mu_);
  EngineStats stats_ ABSL_GUARDED_BY(mu_);
};

absl::Status GroupCommit::Core::Submit(std::unique_ptr<Commit> commit) {
  const size_t bytes = CommitQueue::BytesOf(*commit);
  if (absl::Status status = CheckKeys(*commit); !status.ok()) return status;
  absl::MutexLock lock(&mu_);
  if (stopping_) return absl::UnavailableError("the engine is shut down");
  if (reopening_) return absl::UnavailableError("the engine is being reopened");
  if (!queue_.Push(commit, bytes)) {
    ++stats_.refused_full;
    return absl::ResourceExhaustedError("the commit queue is full");
  }
  work_.Signal();
  return absl::OkStatus();
}

void GroupCommit::Core::SetReopenHook(std::function<absl::Status()> hook) {
  absl::MutexLock lock(&mu_);
  reopen_hook_ = std::move(hook);
}

EngineStats GroupCommit::Core::Stats() const {
  absl::MutexLock lock(&mu_);
  EngineStats stats = stats_;
  stats.queue_depth = queue_.size();
  stats.available = !reopening_ && !stopping_;
  return stats;
}

void GroupCommit::Core::NoteStoreFailure(const absl::Status& cause) {
  absl::MutexLock lock(&mu_);
  store_failed_ = true;
  store_failure_ = cause;
  work_.Signal();
}

void GroupCommit::Core::Run() {
  bool mine = true;
  while (mine) {
    Batch batch;
    size_t depth = 0;
    const Step step = NextStep(&batch, &depth);
    if (step == Step::kStop) break;
    if (step == Step::kReopen) {
      mine = Fail(StoreFailure(), {});
    } else {
      mine = CommitOne(std::move(batch), depth);
    }
  }
  absl::MutexLock lock(&mu_);
  phase_ = Phase::kEnded;
  settled_.SignalAll();
}

GroupCommit::Core::Step GroupCommit::Core::NextStep(Batch* batch, size_t* depth) {
  absl::MutexLock lock(&mu_);
  while (queue_.empty() && !store_failed_ && !stopping_) work_.Wait(&mu_);
  if (queue_.empty() && stopping_) return Step::kStop;
  if (store_failed_) return Step::kReopen;
  batch->reserve(std::min(queue_.size(), options_.max_batch_commits));
  queue_.Take(options_.max_batch_commits, options_.max_batch_bytes, batch);
  *depth = queue_.size();
  return Step::kCommit;
}

bool GroupCommit::Core::InStore(Batch* batch, absl::FunctionRef<void()> work) {
  {
    absl::MutexLock lock(&mu_);
    in_store_ = std::move(*batch);
    phase_ = Phase::kInStore;
    if (stopping_) settled_.SignalAll();
  }
  work();
  absl::MutexLock lock(&mu_);
  if (left_behind_) return false;
  phase_ = Phase::kOwn;
  *batch = std::move(in_store_);
  in_store_.clear();
  return true;
}

bool GroupCommit::Core::CommitOne(Batch batch, size_t depth) {
  const uint64_t sequence = applied_.load(std::memory_order_relaxed) + 1;
  const Tally tally = Fill(batch, sequence);
  BatchReport report{batch.size(), tally.conflicts, tally.entries, depth, absl::ZeroDuration()};
  if (tally.writes) {
    absl::Status written;
    const absl::Time start = absl::Now();
    if (!InStore(&batch, [&] { written = store_->WriteBatch(); })) return false;
    report.write_time = absl::Now() - start;
    if (!written.ok()) return Fail(written, std::move(batch));
  }
  Publish(batch, tally, sequence);
  DeliverToSinks(std::move(batch));
  if (options_.observer != nullptr) options_.observer->OnBatch(report);
  return true;
}

// Decides each commit in order, so that a later one sees what an earlier one changes.
GroupCommit::Core::Tally GroupCommit::Core::Fill(const Batch& batch, uint64_t sequence) {
  Tally tally;
  const absl::Time oldest = Now() - options_.max_decision_age;
  LogPosition next = LogEnd();
  const auto append = [&](Commit& commit, const std::optional<EntryDraft>& entry) {
    commit.position = {};
    if (!entry) return;
    commit.position = next;
    store_->AddEntry(next, *entry);
    ++next.index;
    ++tally.entries;
  };
  for (const std::unique_ptr<Commit>& commit : batch) {
    if (commit->decided_at < oldest || !recent_.Holds(commit->reads, commit->as_of)) {
      commit->outcome = CommitOutcome::kConflict;
      append(*commit, commit->on_conflict);
      ++tally.conflicts;
      continue;
    }
    commit->outcome = CommitOutcome::kCommitted;
    recent_.AddAll(*commit, sequence);
    for (const Mutation& write : commit->writes) writes_.push_back(&write);
    append(*commit, commit->entry);
    ++tally.accepted;
    tally.writes |= !commit->writes.empty();
  }
  tally.writes |= tally.entries > 0;
  // What is written to one key keeps its order.
  std::stable_sort(writes_.begin(), writes_.end(), [](const Mutation* a, const Mutation* b) {
    const Table home_a = HomeOf(a->key.table);
    const Table home_b = HomeOf(b->key.table);
    return home_a != home_b ? home_a < home_b : a->key.bytes < b->key.bytes;
  });
  for (const Mutation* write : writes_) store_->Add(*write);
  writes_.clear();
  return tally;
}

void GroupCommit::Core::Publish(const Batch& batch, const Tally& tally, uint64_t sequence) {
  for (const std::unique_ptr<Commit>& commit : batch) {
    if (commit->outcome == CommitOutcome::kCommitted && commit->applied) {
      commit->applied(commit->position);
    }
  }
  next_index_.fetch_add(tally.entries, std::memory_order_release);
  if (tally.accepted > 0) applied_.store(sequence, std::memory_order_release);
  absl::MutexLock lock(&mu_);
  ++stats_.batches;
  stats_.commits += tally.accepted;
  stats_.conflicts += tally.conflicts;
  stats_.entries += tally.entries;
  if (tally.writes) stats_.last_commit = absl::Now();
}

// Lets go of everything in hand, then brings the store back.
bool GroupCommit::Core::Fail(const absl::Status& cause, Batch batch) {
  for (const std::unique_ptr<Commit>& commit : batch) {
    const bool nothing_written =
        commit->outcome == CommitOutcome::kConflict && !commit->on_conflict.has_value();
    if (!nothing_written) commit->outcome = CommitOutcome::kUnknown;
    commit->position = {};
  }
  {
    absl::MutexLock lock(&mu_);
    reopening_ = true;
    if (!batch.empty()) ++stats_.batches_failed;
    const size_t failed = batch.size();
    while (!queue_.empty()) queue_.Take(queue_.size(), SIZE_MAX, &batch);
    for (size_t i = failed; i < batch.size(); ++i) {
      batch[i]->outcome = CommitOutcome::kUnavailable;
    }
  }
  DeliverToSinks(std::move(batch));
  if (options_.observer != nullptr) options_.observer->OnFailure(cause);
  return ReopenUntilDone();
}

bool GroupCommit::Core::ReopenUntilDone() {
  // A store that fails again soon after it came back is not to be reopened in a tight loop.
  if (absl::Now() - last_reopen_ > 2 * options_.reopen_backoff_max) {
    backoff_ = options_.reopen_backoff_min;
  } else if (!BackOff()) {
    return true;
  }
  while (true) {
    absl::Status result;
    if (!ReopenOnce(&result)) return false;
    if (result.ok()) break;
    if (options_.observer != nullptr) options_.observer->OnReopen(result);
    if (!BackOff()) return true;
  }
  last_reopen_ = absl::Now();
  // Whatever was decided before no longer holds: the unknown batch may be there.
  const uint64_t sequence = applied_.load(std::memory_order_relaxed) + 1;
  recent_.Reset(sequence);
  applied_.store(sequence, std::memory_order_release);
  {
    absl::MutexLock lock(&mu_);
    reopening_ = false;
    ++stats_.reopens;
  }
  if (options_.observer != nullptr) options_.observer->OnReopen(absl::OkStatus());
  return true;
}

bool GroupCommit::Core::ReopenOnce(absl::Status* result) {
  std::function<absl::Status()> hook;
  {
    absl::MutexLock lock(&mu_);
    store_failed_ = false;
    hook = reopen_hook_;
  }
  Batch none;
  absl::StatusOr<LogPosition> end;
  if (!InStore(&none, [&] { end = store_->Reopen(); })) return false;
  *result = end.status();
  if (!end.ok()) return true;
  if (end->log != log_ || end->generation != generation_) {
    *result = absl::DataLossError("another log was found after reopening");
    return true;
  }
  if (end->index < next_index_.load(std::memory_order_relaxed)) {
    *result = absl::DataLossError("entries that were durable are missing after reopening");
    return true;
  }
  next_index_.store(end->index, std::memory_order_release);
  if (hook) *result = hook();
  return true;
}

bool GroupCommit::Core::BackOff() {
  const absl::Time until = absl::Now() + backoff_;
  backoff_ = std::min(2 * backoff_, options_.reopen_backoff_max);
  absl::MutexLock lock(&mu_);
  while (!stopping_) {
    if (work_.WaitWithDeadline(&mu_, until)) break;
  }
  return !stopping_;
}

bool GroupCommit::Core::Stop() {
  Batch left;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    work_.Signal();
    const absl::Time deadline = absl::Now() + options_.shutdown_timeout;
    bool late = false;
    while (phase_ != Phase::kEnded && !(late && phase_ == Phase::kInStore)) {
      // Outside of the store the thread is only ever busy, never stuck.
      late |= settled_.WaitWithDeadline(&mu_, late ? absl::InfiniteFuture() : deadline);
    }
    if (phase_ == Phase::kEnded) return true;
    left_behind_ = true;
    left = std::move(in_store_);
    in_store_.clear();
    for (const std::unique_ptr<Commit>& commit : left) commit->outcome = CommitOutcome::kUnknown;
    const size_t unknown = left.size();
    while (!queue_.empty()) queue_.Take(queue_.size(), SIZE_MAX, &left);
    for (size_t i = unknown; i < left.size(); ++i) {
      left[i]->outcome = CommitOutcome::kUnavailable;
    }
  }
  DeliverToSinks(std::move(left));
  return false;
}

GroupCommit::GroupCommit(const EngineOptions& options, std::shared_ptr<BatchStore> store,
                         LogPosition end)
    : core_(std::make_shared<Core>(options, std::move(store), end)),
      thread_([core = core_] { core->Run(); }) {}

GroupCommit::~GroupCommit() { Shutdown(); }

absl::Status GroupCommit::Submit(std::unique_ptr<Commit> commit) {
  return core_->Submit(std::move(commit));
}
uint64_t GroupCommit::AppliedSequence() const { return core_->AppliedSequence(); }
LogPosition GroupCommit::LogEnd() const { return core_->LogEnd(); }
void GroupCommit::SetReopenHook(std::function<absl::Status()> hook) {
  core_->SetReopenHook(std::move(hook));
}
EngineStats GroupCommit::Stats() const { return core_->Stats(); }
void GroupCommit::NoteStoreFailure(const absl::Status& cause) { core_->NoteStoreFailure(cause); }

std::function<void(const absl::Status&)> GroupCommit::StoreFailureNote() const {
  return [core = std::weak_ptr<Core>(core_)](const absl::Status& cause) {
    if (auto alive = core.lock()) alive->NoteStoreFailure(cause);
  };
}

void GroupCommit::Shutdown() {
  absl::MutexLock lock(&shutdown_mu_);
  if (!thread_.joinable()) return;
  if (core_->Stop()) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

}  // namespace piivault::storage
