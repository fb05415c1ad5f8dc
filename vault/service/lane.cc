#include "vault/service/lane.h"

#include <utility>

#include "vault/audit/entry_builder.h"
#include "vault/service/call.h"
#include "vault/service/health_check.h"

namespace piivault::vault {
namespace {

using authz::Reason;
using storage::CommitOutcome;

// Calls that gRPC may hand over before the thread has taken the last; one more is asked for with
// each that arrives.
constexpr int kUnaryRequests = 16;
constexpr int kStreamRequests = 2;
// Health checks whose answers are not taken.
constexpr size_t kMaxChecks = 256;
// How late a call that waits too long may be noticed.
constexpr int64_t kTickMs = 20;
// How long a call works before it lets short ones run, and they after that.
constexpr absl::Duration kLargeSpan = absl::Milliseconds(1);
constexpr absl::Duration kShortSpan = absl::Milliseconds(2);
// For how long at most it takes in what arrives before it goes on with what it has.
constexpr absl::Duration kTakeInSpan = absl::Milliseconds(2);

}  // namespace

void CommitInbox::Done(Batch batch) {
  // The commits may hold the last references to this.
  const std::shared_ptr<CommitInbox> self = shared_from_this();
  Batch dropped;
  absl::MutexLock lock(&mu_);
  if (closed_) {
    dropped = std::move(batch);
    return;
  }
  if (finished_.empty()) {
    finished_ = std::move(batch);
  } else {
    for (auto& commit : batch) finished_.push_back(std::move(commit));
  }
  WakeLocked();
}

void CommitInbox::Worked(const WorkDone& done) {
  absl::MutexLock lock(&mu_);
  if (closed_) return;
  worked_.push_back(done);
  WakeLocked();
}

void CommitInbox::Wake() {
  absl::MutexLock lock(&mu_);
  if (!closed_) WakeLocked();
}

void CommitInbox::WakeLocked() {
  if (std::exchange(alarm_set_, true)) return;
  alarm_.Set(queue_, gpr_inf_past(GPR_CLOCK_MONOTONIC), event_);
}

CommitInbox::Contents CommitInbox::Take() {
  absl::MutexLock lock(&mu_);
  alarm_set_ = false;
  return {std::exchange(finished_, {}), std::exchange(worked_, {})};
}

void CommitInbox::Close() {
  Batch dropped;
  absl::MutexLock lock(&mu_);
  closed_ = true;
  dropped.swap(finished_);
}

Lane::Lane(ServerCore* core, std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : core_(core),
      queue_(std::move(queue)),
      inbox_(std::make_shared<CommitInbox>(queue_.get(), &inbox_event_)),
      short_(core->options.waiting),
      large_(core->options.waiting),
      counted_(core->options.denials) {}

Lane::~Lane() {
  if (!thread_.joinable() && !closed_) {
    // Never started, or the server never was: a queue must be empty before it goes.
    inbox_->Close();
    queue_->Shutdown();
    Run();
  }
  Join();
}

void Lane::Start() {
  for (const Endpoint& endpoint : core_->endpoints) {
    const int requests = endpoint.method->streaming || endpoint.service == nullptr ? kStreamRequests
                                                                                   : kUnaryRequests;
    for (int i = 0; i < requests; ++i) Listen(endpoint);
  }
  ListenHealth();
  thread_ = std::thread([this] { Run(); });
}

void Lane::Stop() {
  stopping_ = true;
  inbox_->Wake();
}

void Lane::Join() {
  if (thread_.joinable()) thread_.join();
}

void Lane::Listen(const Endpoint& endpoint) {
  if (closed_ || core_->draining) return;
  (new Call(this, endpoint))->Request();
}

bool Lane::ListenHealth() {
  if (closed_) return false;
  if (!core_->draining) (new HealthCheck(this))->Request();
  return true;
}

std::list<HealthCheck*>::iterator Lane::AddCheck(HealthCheck* check) {
  if (checks_.size() >= kMaxChecks) checks_.front()->Cancel();
  return checks_.insert(checks_.end(), check);
}

uint64_t Lane::Adopt(Call* call) {
  calls_.emplace(++last_id_, call);
  SetTick();
  return last_id_;
}

void Lane::Release(uint64_t id) { calls_.erase(id); }

void Lane::Enqueue(uint64_t id, const void* caller, bool large, bool sheddable) {
  (large ? large_ : short_).Push(caller, id, sheddable, SteadyNow());
}

void Lane::Run() {
  while (true) {
    if (short_.empty() && large_.empty()) {
      void* tag = nullptr;
      bool ok = false;
      if (!queue_->Next(&tag, &ok)) return;
      static_cast<QueueEvent*>(tag)->Fire(ok);
      continue;
    }
    if (!TakeIn()) return;
    RunShort();
    RunOne(&large_);
  }
}

bool Lane::TakeIn() {
  const absl::Time end = SteadyNow() + kTakeInSpan;
  do {
    void* tag = nullptr;
    bool ok = false;
    switch (queue_->AsyncNext(&tag, &ok, gpr_inf_past(GPR_CLOCK_MONOTONIC))) {
      case grpc::CompletionQueue::GOT_EVENT:
        static_cast<QueueEvent*>(tag)->Fire(ok);
        break;
      case grpc::CompletionQueue::TIMEOUT:
        return true;
      case grpc::CompletionQueue::SHUTDOWN:
        return false;
    }
  } while (SteadyNow() < end);
  return true;
}

void Lane::RunShort() {
  const absl::Time end = SteadyNow() + kShortSpan;
  while (!short_.empty() && SteadyNow() < end) RunOne(&short_);
}

void Lane::RunOne(CallQueue* queue) {
  const absl::Time end = SteadyNow() + kShortSpan;
  const auto waits = [this](uint64_t id) {
    const auto found = calls_.find(id);
    return found != calls_.end() && found->second->queued();
  };
  while (const std::optional<CallQueue::Turn> turn = queue->Pop(SteadyNow(), waits)) {
    Call* const call = calls_.find(turn->call)->second;
    if (turn->shed) {
      call->OnTurn(true);
      if (SteadyNow() < end) continue;
      return;
    }
    if (yielding_) return call->OnTurn(false);
    turn_began_ = SteadyNow();
    yield_at_ = turn_began_ + kLargeSpan;
    call->OnTurn(false);
    yield_at_ = absl::InfiniteFuture();
    return;
  }
}

void Lane::Yield() {
  if (SteadyNow() < yield_at_) return;
  // None of those that run now yields.
  yield_at_ = absl::InfiniteFuture();
  yielding_ = true;
  TakeIn();
  RunShort();
  yielding_ = false;
  const absl::Time now = SteadyNow();
  if (now - turn_began_ < core_->options.yields_for) yield_at_ = now + kLargeSpan;
}

void Lane::OnInbox(bool) {
  CommitInbox::Contents contents = inbox_->Take();
  for (const WorkDone& done : contents.worked) {
    const auto found = calls_.find(done.call);
    if (found != calls_.end()) found->second->OnWorked(done.serial);
  }
  for (std::unique_ptr<storage::Commit>& commit : contents.commits) {
    const auto& finished = static_cast<const CallCommit&>(*commit);
    if (!writing_.empty()) {
      if (auto batch = writing_.extract(finished.call); !batch.empty()) {
        OnWritten(std::move(batch.mapped()), finished.outcome, finished.position);
        continue;
      }
    }
    const auto found = calls_.find(finished.call);
    if (found != calls_.end() &&
        found->second->OnCommit(finished.serial, finished.outcome, finished.position)) {
      continue;
    }
    // The call was given up and has left it to this commit to account for it.
    if (finished.outcome != CommitOutcome::kCommitted) Count(Reason::kLogUnavailable, "");
  }
  CloseIfOver();
}

std::optional<WorkPool::Ticket> Lane::Work(const WorkDone& done, std::string_view caller,
                                           std::function<void()> work) {
  // The lane may be gone when the work is done: the inbox stays.
  return core_->work_pool->Submit(caller, std::move(work),
                                  [inbox = inbox_, done] { inbox->Worked(done); });
}

bool Lane::Hold(std::string_view caller, const MethodInfo& method, Reason reason,
                const storage::EntryDraft& entry, CountedCalls::Held call, absl::Time give_up_at) {
  return counted_.Hold(caller, method, reason, entry, call, SteadyNow(), give_up_at);
}

void Lane::Count(Reason reason, std::string_view certificate_sha256, uint64_t calls) {
  EntryHeader header;
  header.certificate_sha256 = certificate_sha256;
  storage::v1::EntryBody body = NewEntryBody(header, reason);
  body.set_count(calls);
  counted_.Count(reason, body, SteadyNow());
  SetTick();
}

void Lane::WriteDue(absl::Time now) {
  if (counted_.empty()) return;
  for (CountedCalls::Batch& batch : counted_.TakeDue(now)) Write(std::move(batch));
}

void Lane::Write(CountedCalls::Batch batch) {
  const uint64_t id = ++last_id_;
  auto commit = std::make_unique<CallCommit>();
  commit->call = id;
  commit->keeps_sink = inbox_;
  commit->sink = inbox_.get();
  commit->as_of = core_->engine->AppliedSequence();
  // It rests on nothing that could change: a refusal is right at any time.
  commit->decided_at = absl::InfiniteFuture();
  commit->entry = DraftEntry(batch.entry.Finish(core_->now()), *core_->random);
  writing_.emplace(id, std::move(batch));
  if (core_->engine->Submit(std::move(commit)).ok()) return;
  auto refused = writing_.extract(id);
  OnWritten(std::move(refused.mapped()), CommitOutcome::kUnavailable, {});
}

void Lane::OnWritten(CountedCalls::Batch batch, CommitOutcome outcome,
                     const storage::LogPosition& position) {
  if (outcome == CommitOutcome::kConflict) outcome = CommitOutcome::kUnavailable;
  const bool durable = outcome == CommitOutcome::kCommitted;
  uint64_t gone = 0;
  for (const CountedCalls::Held& held : batch.held) {
    const auto found = calls_.find(held.call);
    if (found == calls_.end() || !found->second->OnCommit(held.serial, outcome, position)) ++gone;
  }
  if (durable) return;
  if (gone > 0) Count(Reason::kLogUnavailable, "", gone);
  if (!batch.held.empty()) return;
  // Tried again; after a write that failed half-way they may be in the log twice, but never not.
  counted_.Count(batch.reason, batch.entry.body(), SteadyNow());
  SetTick();
}

void Lane::CloseIfOver() {
  if (!stopping_ || closed_ || !calls_.empty()) return;
  // The engine takes what is left; nobody hears whether it could.
  WriteDue(absl::InfiniteFuture());
  // On this thread, so that nothing asks the queue for more afterwards.
  closed_ = true;
  inbox_->Close();
  tick_.Cancel();
  queue_->Shutdown();
}

void Lane::SetTick() {
  if (closed_ || std::exchange(tick_set_, true)) return;
  tick_.Set(queue_.get(),
            gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(kTickMs, GPR_TIMESPAN)),
            &tick_event_);
}

void Lane::OnTick(bool) {
  tick_set_ = false;
  if (closed_) return;
  const absl::Time now = SteadyNow();
  WriteDue(core_->draining ? absl::InfiniteFuture() : now);
  if (calls_.empty() && (counted_.empty() || stopping_)) return CloseIfOver();
  // Calls may end, and leave the table, while they are looked at.
  std::vector<uint64_t> ids;
  ids.reserve(calls_.size());
  for (const auto& [id, call] : calls_) ids.push_back(id);
  for (uint64_t id : ids) {
    const auto found = calls_.find(id);
    if (found != calls_.end()) found->second->OnTick(now);
  }
  SetTick();
}

}  // namespace piivault::vault
