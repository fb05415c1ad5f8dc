#ifndef PIIVAULT_VAULT_SERVICE_LANE_H_
#define PIIVAULT_VAULT_SERVICE_LANE_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine.h"
#include "vault/service/call_queue.h"
#include "vault/service/counted_calls.h"
#include "vault/service/server_core.h"

namespace piivault::vault {

class Call;
class HealthCheck;

// What a completion queue's tag points to.
class QueueEvent {
 public:
  virtual void Fire(bool ok) = 0;

 protected:
  ~QueueEvent() = default;
};

// An event that calls a member function of its owner.
template <typename Owner, void (Owner::*Method)(bool)>
class MemberEvent final : public QueueEvent {
 public:
  explicit MemberEvent(Owner* owner) : owner_(owner) {}
  void Fire(bool ok) override { (owner_->*Method)(ok); }

 private:
  Owner* const owner_;
};

// A commit that remembers whose it is by number: the call may be over before the engine is done.
struct CallCommit final : storage::Commit {
  uint64_t call = 0;                                // or the batch of counted calls
  uint64_t serial = 0;                              // of the commits of that call
  std::shared_ptr<storage::CommitSink> keeps_sink;  // engine and lane both use it, last one frees
};

// Work that is done, by the call that it was for: that may be over, as with commits.
struct WorkDone {
  uint64_t call = 0;
  uint64_t serial = 0;
};

// Where the engine puts finished commits down for a lane, and the work pool what is done: lists,
// and an alarm on the lane's queue that wakes its thread once for many. Thread-safe.
class CommitInbox final : public storage::CommitSink,
                          public std::enable_shared_from_this<CommitInbox> {
 public:
  using Batch = std::vector<std::unique_ptr<storage::Commit>>;

  // `queue` and `event` are borrowed until Close().
  CommitInbox(grpc::CompletionQueue* queue, QueueEvent* event) : queue_(queue), event_(event) {}

  struct Contents {
    Batch commits;
    std::vector<WorkDone> worked;
  };

  void Done(Batch batch) override;
  void Worked(const WorkDone& done);
  // Wakes the lane without a commit.
  void Wake();
  // What has come since the last time.
  Contents Take();
  // From now on commits are dropped where they come in, and no alarm is set.
  void Close();

 private:
  void WakeLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  grpc::CompletionQueue* const queue_;
  QueueEvent* const event_;
  absl::Mutex mu_;
  Batch finished_ ABSL_GUARDED_BY(mu_);
  std::vector<WorkDone> worked_ ABSL_GUARDED_BY(mu_);
  bool alarm_set_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mu_);
};

// One completion queue with the one thread that serves it and all calls that arrive on it.
//
// The thread never waits for anything but its queue. It takes in what has arrived before it does
// any of it, so that it knows how long each has waited. Large calls take turns with each other, and
// let the short ones run in between. Calls belong to the lane and are touched by its thread alone.
// While there are calls, a tick looks after those that wait too long and writes the entries that
// calls share.
// Thread-safe: Start(), Stop() and Join(); the rest is for the lane's thread.
class Lane final : public Yielder {
 public:
  // All of `core` is borrowed.
  Lane(ServerCore* core, std::unique_ptr<grpc::ServerCompletionQueue> queue);
  ~Lane();

  // Asks gRPC for calls of every endpoint and starts the thread. REQUIRES: the server is running.
  void Start();
  // Ends the thread once its calls are over. REQUIRES: the server has been shut down, and calls do
  // not wait for commits any longer (ServerCore::hurrying).
  void Stop();
  void Join();

  ServerCore& core() { return *core_; }
  grpc::ServerCompletionQueue* queue() { return queue_.get(); }
  const std::shared_ptr<CommitInbox>& inbox() const { return inbox_; }

  // Asks for one more call of an endpoint.
  void Listen(const Endpoint& endpoint);
  // Asks for one more health check; false where the lane is closed, and may not be used any more.
  bool ListenHealth();
  // A check that has arrived; of too many the oldest is cancelled.
  std::list<HealthCheck*>::iterator AddCheck(HealthCheck* check);
  void RemoveCheck(std::list<HealthCheck*>::iterator place) { checks_.erase(place); }
  // Numbers a call that has arrived; its commits and ticks find it until Release().
  uint64_t Adopt(Call* call);
  void Release(uint64_t id);
  // Gives the call of this number its turn later: Call::OnTurn(). `large`: others may have to wait
  // for it noticeably.
  void Enqueue(uint64_t id, const void* caller, bool large, bool sheddable);
  void Yield() override;

  // Has the work done apart; the call of this number hears of it by OnWorked(). Nothing where there
  // is no place.
  std::optional<WorkPool::Ticket> Work(const WorkDone& done, std::string_view caller,
                                       std::function<void()> work);

  // As CountedCalls::Hold(); the call hears of the shared entry by OnCommit().
  bool Hold(std::string_view caller, const MethodInfo& method, authz::Reason reason,
            const storage::EntryDraft& entry, CountedCalls::Held call, absl::Time give_up_at);
  // Calls ended with `reason` and have no entry. `certificate_sha256` may be empty.
  void Count(authz::Reason reason, std::string_view certificate_sha256, uint64_t calls = 1);

 private:
  void Run();
  // Takes in what is there; false at the queue's end.
  bool TakeIn();
  void RunShort();
  // The next call that is to be run, and those to be shed before it.
  void RunOne(CallQueue* queue);
  void WriteDue(absl::Time now);
  void Write(CountedCalls::Batch batch);
  void OnWritten(CountedCalls::Batch batch, storage::CommitOutcome outcome,
                 const storage::LogPosition& position);
  void OnInbox(bool ok);
  void OnTick(bool ok);
  void SetTick();
  void CloseIfOver();

  ServerCore* const core_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  MemberEvent<Lane, &Lane::OnInbox> inbox_event_{this};
  MemberEvent<Lane, &Lane::OnTick> tick_event_{this};
  // Shared with the commits that the engine holds.
  const std::shared_ptr<CommitInbox> inbox_;
  grpc::Alarm tick_;
  bool tick_set_ = false;
  bool closed_ = false;
  std::atomic<bool> stopping_{false};
  uint64_t last_id_ = 0;
  CallQueue short_;
  CallQueue large_;
  absl::Time turn_began_ = absl::InfinitePast();  // of the call that is running
  absl::Time yield_at_ = absl::InfiniteFuture();  // when that call lets others run
  bool yielding_ = false;                         // they do
  absl::flat_hash_map<uint64_t, Call*> calls_;
  std::list<HealthCheck*> checks_;  // in the order in which they came
  CountedCalls counted_;
  absl::flat_hash_map<uint64_t, CountedCalls::Batch> writing_;  // what the engine has of them
  std::thread thread_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_LANE_H_
