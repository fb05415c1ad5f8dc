#ifndef PIIVAULT_VAULT_SERVICE_CALL_H_
#define PIIVAULT_VAULT_SERVICE_CALL_H_

#include <google/protobuf/arena.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/engine.h"
#include "vault/service/handler.h"
#include "vault/service/lane.h"
#include "vault/service/server_core.h"

namespace piivault::vault {

// A clock for time-outs: not the wall's, not vault time; comparable with itself only.
absl::Time SteadyNow();

// One call from its arrival to its end, unary or streaming, known method or not.
//
//   arrival -> identify, bound -> turn: parse, Decide -> (work apart -> turn: Decide) -> commit ->
//   Send -> (stream: turn ...) -> End
//
// Every way out goes through Finish(), which counts a call that has no entry. Deletes itself when
// gRPC has let go of it; a commit that the engine still holds then finds nobody. Used by its lane's
// thread only.
class Call {
 public:
  Call(Lane* lane, const Endpoint& endpoint);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  // Asks gRPC for a call of the endpoint.
  void Request();
  // Whether it waits for its turn.
  bool queued() const { return state_ == State::kQueued; }
  // The lane has come to it. `shed`: it has waited too long to be begun. REQUIRES: queued()
  void OnTurn(bool shed);
  // The engine is done with a commit of this call's, or with the entry that it shares. False where
  // the call waits for it no longer.
  bool OnCommit(uint64_t serial, storage::CommitOutcome outcome,
                const storage::LogPosition& position);
  // The work that it has asked for is done. Nothing happens where it waits for it no longer.
  void OnWorked(uint64_t serial);
  // Gives up what has waited too long.
  void OnTick(absl::Time now);

 private:
  enum class State {
    kWaiting,     // for a client
    kQueued,      // for its turn
    kDeciding,    // in a handler
    kWorking,     // the work pool has a part of it
    kCommitting,  // the engine has the plan
    kWriting,     // gRPC has a stream's message
    kIdle,        // the handler has nothing to say yet
    kFinishing,   // gRPC has the end
    kFinished,
  };
  // What a plan that is being committed is for.
  enum class Stage { kMessage, kRefusal, kClosing };

  void OnArrived(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);
  void OnDone(bool ok);

  bool known() const { return endpoint_.service != nullptr; }
  bool streaming() const { return context_.method.streaming; }
  // Whether gRPC tells when the client is gone.
  bool hears() const { return known() && (streaming() || context_.method.works); }

  void Enqueue();
  void Shed();
  void Bound();
  // kOk, or why the certificate names nobody now.
  authz::Reason Identify();
  // Takes one of the caller's places, to OnFinished(), and room for the request, to GiveRoom().
  // REQUIRES: Identify().
  bool TakePlace();
  void GiveRoom();
  // kOk, or why the call reaches no handler, whatever it asks for.
  authz::Reason Admit();
  // Parses the request and begins.
  void Begin();
  // Takes this moment as the decision's.
  void BeginDecision();
  void Decide();
  void Refuse(authz::Reason reason);
  void TakeUp(Plan plan);
  void Defer(std::function<void()> work);
  // There is no place for the work, or no time.
  void GiveWorkUp();
  // Nobody waits for the work any longer. Whether it had not begun.
  bool DropWork();
  // By whom places and shared entries are counted.
  const std::string& Caller() const;
  bool Serialize(Plan* plan);
  // Whether a refusal waits for an entry that it shares with others.
  bool Hold(const Plan& plan);
  void Submit(Plan plan);
  void AwaitCommit();
  void OnDurable(const storage::LogPosition& position);
  void OnConflict();
  void Send();
  // Ends the call with this reason, after the stream's closing entry if it has one.
  void End(authz::Reason reason);
  bool CommitClosing();
  // Ends the call with `reason`, without an entry.
  void FinishWith(authz::Reason reason);
  void Finish();
  void DeleteIfOver();

  Lane* const lane_;
  ServerCore& core_;
  const Endpoint& endpoint_;

  MemberEvent<Call, &Call::OnArrived> arrived_event_{this};
  MemberEvent<Call, &Call::OnWritten> written_event_{this};
  MemberEvent<Call, &Call::OnFinished> finished_event_{this};
  MemberEvent<Call, &Call::OnDone> done_event_{this};

  grpc::GenericServerContext server_context_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> writer_{&server_context_};
  std::unique_ptr<grpc::GenericServerAsyncReaderWriter> unknown_;  // instead of the writer
  grpc::ByteBuffer received_;

  State state_ = State::kWaiting;
  Stage stage_ = Stage::kMessage;
  uint64_t id_ = 0;
  bool large_ = false;      // may take the thread for so long that others notice
  bool counted_ = false;    // in in_flight
  bool accounted_ = false;  // an entry says what the call ended with, or will
  bool notified_ = false;   // the done event came
  bool cancelled_ = false;  // by the client, or cut; known where it hears()
  bool committed_any_ = false;
  bool closed_ = false;           // Handler::Close() was asked
  bool registered_ = false;       // in the registry of streams
  std::atomic<bool> cut_{false};  // set by that registry
  absl::Time arrived_at_;
  // Waiting for its turn or for the commit.
  absl::Time give_up_at_ = absl::InfiniteFuture();
  absl::Time wake_at_ = absl::InfiniteFuture();  // idle, or a client that does not read

  std::shared_ptr<CallerLoad> load_;  // of the caller, with this call in it
  int64_t room_ = 0;                  // for the request while it waits

  CallContext context_;
  std::optional<google::protobuf::Arena> request_arena_;
  std::optional<google::protobuf::Arena> arena_;
  google::protobuf::Message* request_ = nullptr;
  std::unique_ptr<Handler> handler_;

  int works_ = 0;                           // that the message has asked for
  std::optional<WorkPool::Ticket> ticket_;  // of the one that is waited for

  // Of the plan that is being committed, or the work.
  uint64_t serial_ = 0;
  bool awaiting_ = false;           // the commit with this serial number
  bool committing_writes_ = false;  // so a commit given up may still take effect
  authz::Reason refused_for_ = authz::Reason::kOk;
  std::vector<grpc::Slice> response_;
  authz::Reason reason_ = authz::Reason::kOk;
  std::vector<std::string> denied_fields_;
  absl::Duration retry_after_;
  std::optional<storage::LogPosition> receipt_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_CALL_H_
