#include "vault/service/call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "vault/service/wire.h"

namespace piivault::vault {
namespace {

using authz::Reason;

// A request above this is about many items.
constexpr size_t kShortBytes = 2048;
// Who waited for longer than this is identified anew.
constexpr absl::Duration kIdentifiedFor = absl::Milliseconds(20);

// Time between giving a commit up and the caller's deadline, for the answer's way back.
absl::Duration AnswerMargin(absl::Duration remaining) {
  return std::min(remaining / 2,
                  std::clamp(remaining / 10, absl::Milliseconds(60), absl::Milliseconds(250)));
}

// Valid as long as the context.
std::string_view FirstProperty(const grpc::AuthContext& context, const char* name) {
  const std::vector<grpc::string_ref> values = context.FindPropertyValues(name);
  if (values.empty()) return {};
  return {values.front().data(), values.front().size()};
}

}  // namespace

absl::Time SteadyNow() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return absl::UnixEpoch() + absl::FromChrono(since);
}

Call::Call(Lane* lane, const Endpoint& endpoint)
    : lane_(lane), core_(lane->core()), endpoint_(endpoint), context_{*endpoint.method} {
  context_.yielder = lane;
}

Call::~Call() {
  DropWork();
  if (registered_) core_.streams.Remove(this);
  handler_.reset();
  if (request_ != nullptr) WipeMessage(request_);
  WipeBuffer(&received_);  // where it was never parsed
}

void Call::Request() {
  if (!known()) {
    unknown_ = std::make_unique<grpc::GenericServerAsyncReaderWriter>(&server_context_);
    core_.unknown_service->RequestCall(&server_context_, unknown_.get(), lane_->queue(),
                                       lane_->queue(), &arrived_event_);
    return;
  }
  if (hears()) server_context_.AsyncNotifyWhenDone(&done_event_);
  endpoint_.service->Request(endpoint_.index, &server_context_, &received_, &writer_,
                             lane_->queue(), &arrived_event_);
}

void Call::OnArrived(bool ok) {
  if (!ok) {  // the server is going down
    delete this;
    return;
  }
  lane_->Listen(endpoint_);
  arrived_at_ = SteadyNow();
  id_ = lane_->Adopt(this);
  if (core_.draining) return FinishWith(Reason::kShuttingDown);
  if (core_.in_flight.fetch_add(1) >= core_.options.max_in_flight) {
    core_.in_flight.fetch_sub(1);
    return Shed();
  }
  counted_ = true;
  core_.observer->InFlight(1);
  if (streaming() && core_.running_streams.fetch_add(1) >= core_.options.max_streams) return Shed();
  Bound();
  context_.peer = server_context_.peer();
  Reason admitted = Identify();
  if (!TakePlace()) return Shed();
  // Who may not call at all does not wait in line for being told so.
  if (admitted == Reason::kOk) admitted = Admit();
  if (admitted != Reason::kOk) return Refuse(admitted);
  large_ = streaming() || context_.method.paged || received_.Length() > kShortBytes;
  Enqueue();
}

void Call::Enqueue() {
  state_ = State::kQueued;
  lane_->Enqueue(id_, load_.get(), large_, handler_ == nullptr);
}

void Call::OnTurn(bool shed) {
  if (handler_ != nullptr) return Decide();
  if (core_.draining) return FinishWith(Reason::kShuttingDown);
  if (shed) return Shed();
  if (SteadyNow() - arrived_at_ > kIdentifiedFor) {
    if (const Reason problem = Identify(); problem != Reason::kOk) return Refuse(problem);
  }
  Begin();
}

void Call::Begin() {
  request_arena_.emplace(WipingArena());
  request_ = context_.method.request_prototype->New(&*request_arena_);
  const bool parsed = ParseRequest(&received_, request_);
  GiveRoom();
  if (!parsed) return Refuse(Reason::kMalformedRequest);
  context_.request = request_;
  handler_ = context_.method.factory();
  Decide();
}

void Call::Shed() {
  core_.observer->CallShed();
  FinishWith(Reason::kQueueFull);
}

void Call::Bound() {
  const absl::Time now = absl::Now();
  const absl::Time asked = absl::FromChrono(server_context_.deadline());
  // gRPC says "none" as the end of its clock.
  const bool none = asked - now > absl::Hours(24 * 365);
  if (streaming()) {
    if (!none) context_.deadline = asked;
    give_up_at_ = arrived_at_ + std::min(context_.deadline - now, core_.options.longest_deadline);
    return;
  }
  const absl::Duration allowed =
      none ? core_.options.default_deadline : std::min(asked - now, core_.options.longest_deadline);
  context_.deadline = now + allowed;
  give_up_at_ = arrived_at_ + allowed - AnswerMargin(allowed);
}

Reason Call::Identify() {
  const std::shared_ptr<const grpc::AuthContext> auth = server_context_.auth_context();
  context_.caller =
      core_.identities->Resolve(FirstProperty(*auth, GRPC_X509_PEM_CERT_PROPERTY_NAME),
                                FirstProperty(*auth, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME));
  if (context_.caller->problem != Reason::kOk) return context_.caller->problem;
  // The handshake compared dates long ago, maybe.
  context_.now = core_.now();
  if (context_.now > context_.caller->not_after) return Reason::kCertificateInvalid;
  return Reason::kOk;
}

bool Call::TakePlace() {
  load_ = context_.caller->load;
  room_ = static_cast<int64_t>(received_.Length());
  const int64_t most = core_.options.max_waiting_bytes;
  bool fits = core_.request_bytes.fetch_add(room_) + room_ <= most;
  for (CallerLoad* load = load_.get(); load != nullptr; load = load->outsiders.get()) {
    fits &= load->request_bytes.fetch_add(room_) + room_ <= most / 4;
    fits &= load->calls.fetch_add(1) < core_.options.max_in_flight_per_caller;
    if (streaming()) fits &= load->streams.fetch_add(1) < core_.options.max_streams_per_caller;
  }
  return fits;
}

void Call::GiveRoom() {
  WipeBuffer(&received_);
  const int64_t room = std::exchange(room_, 0);
  if (room == 0) return;
  core_.request_bytes.fetch_sub(room);
  for (CallerLoad* load = load_.get(); load != nullptr; load = load->outsiders.get()) {
    load->request_bytes.fetch_sub(room);
  }
}

Reason Call::Admit() {
  if (!known()) return Reason::kUnknownMethod;
  if (context_.method.factory == nullptr) return Reason::kOperationNotGranted;
  return core_.refuser->Screen(context_);
}

void Call::BeginDecision() {
  state_ = State::kDeciding;
  response_.clear();
  reason_ = Reason::kOk;
  denied_fields_.clear();
  receipt_.reset();
  arena_.emplace(WipingArena());
  context_.arena = &*arena_;
  context_.as_of = core_.engine->AppliedSequence();
  context_.now = core_.now();
}

void Call::Decide() {
  // A unary call goes on: to hang up keeps no trial out of the log.
  if (cut_ || (streaming() && cancelled_)) return End(Reason::kCancelled);
  if (streaming() && core_.draining) return End(Reason::kShuttingDown);
  if (committed_any_) {
    // A stream outlives what its opening was admitted under.
    if (const Reason problem = Identify(); problem != Reason::kOk) return Refuse(problem);
  }
  stage_ = Stage::kMessage;
  BeginDecision();
  Plan plan = handler_->Next(context_);
  if (streaming() && !registered_ && !context_.principal.empty()) {
    registered_ = true;
    core_.streams.Add(this, context_.principal, &server_context_, &cut_);
  }
  TakeUp(std::move(plan));
}

void Call::Refuse(Reason reason) {
  GiveRoom();
  if (stage_ != Stage::kRefusal) context_.attempt = 1;
  stage_ = Stage::kRefusal;
  refused_for_ = reason;
  BeginDecision();
  Plan plan = core_.refuser->Refuse(context_, reason);
  if (plan.reason == Reason::kOk) plan.reason = reason;
  TakeUp(std::move(plan));
}

void Call::TakeUp(Plan plan) {
  if (plan.idle.has_value() && stage_ == Stage::kMessage) {
    state_ = State::kIdle;
    context_.waited = true;
    wake_at_ = SteadyNow() + *plan.idle;
    return;
  }
  if (plan.work != nullptr && stage_ == Stage::kMessage) return Defer(std::move(plan.work));
  reason_ = plan.reason;
  denied_fields_ = std::move(plan.denied_fields);
  retry_after_ = plan.retry_after;
  const bool changes = !plan.reads.empty() || !plan.touches.empty() || !plan.writes.empty();
  const bool covered = plan.without_entry && committed_any_;
  const bool accounted = plan.entry.has_value() || covered || reason_ != Reason::kOk;
  const bool sound = accounted && (!changes || plan.entry.has_value()) && Serialize(&plan);
  if (plan.response != nullptr) WipeMessage(plan.response);
  if (!sound) return End(Reason::kInternal);
  if (plan.entry.has_value()) {
    if (!Hold(plan)) Submit(std::move(plan));
    return;
  }
  if (stage_ == Stage::kMessage && handler_ != nullptr) handler_->Committed(nullptr);
  reason_ == Reason::kOk ? Send() : End(reason_);
}

void Call::Defer(std::function<void()> work) {
  if (cancelled_) return End(Reason::kCancelled);
  // What it rests on changes faster than it can be done.
  if (++works_ > kMaxAttempts) return Refuse(Reason::kConflict);
  state_ = State::kWorking;
  if (streaming()) give_up_at_ = SteadyNow() + core_.options.stream_commit_wait;
  ticket_ = lane_->Work({id_, ++serial_}, Caller(), std::move(work));
  if (!ticket_.has_value()) GiveWorkUp();
}

void Call::GiveWorkUp() {
  DropWork();
  if (!streaming()) return Shed();
  core_.observer->CallShed();
  End(Reason::kQueueFull);
}

bool Call::DropWork() {
  if (!ticket_.has_value()) return false;
  return core_.work_pool->Drop(*std::exchange(ticket_, std::nullopt));
}

void Call::OnWorked(uint64_t serial) {
  if (state_ != State::kWorking || serial != serial_) return;
  ticket_.reset();
  Enqueue();
}

const std::string& Call::Caller() const {
  return context_.principal.empty() ? context_.caller->certificate_sha256 : context_.principal;
}

bool Call::Serialize(Plan* plan) {
  if (reason_ != Reason::kOk || stage_ != Stage::kMessage) return true;
  if (plan->encoded.has_value()) {
    const auto [data, size] = plan->encoded->Release();
    response_.push_back(size == 0 ? grpc::Slice()
                                  : grpc::Slice(data, size, &WireWriter::WipeAndFree));
    return true;
  }
  if (plan->response == nullptr ||
      plan->response->GetDescriptor() != context_.method.response_prototype->GetDescriptor()) {
    return false;
  }
  response_.push_back(SerializeMessage(*plan->response));
  return true;
}

bool Call::Hold(const Plan& plan) {
  // Within a stream a refusal stands beside the entries of what was sent.
  if (reason_ == Reason::kOk || committed_any_) return false;
  if (!plan.reads.empty() || !plan.touches.empty() || !plan.writes.empty() ||
      plan.applied != nullptr) {
    return false;
  }
  AwaitCommit();
  return lane_->Hold(Caller(), context_.method, reason_, *plan.entry, {id_, serial_}, give_up_at_);
}

void Call::AwaitCommit() {
  ++serial_;
  committing_writes_ = false;
  if (streaming()) give_up_at_ = SteadyNow() + core_.options.stream_commit_wait;
  state_ = State::kCommitting;
  awaiting_ = true;
}

void Call::Submit(Plan plan) {
  AwaitCommit();
  auto commit = std::make_unique<CallCommit>();
  commit->call = id_;
  commit->serial = serial_;
  commit->keeps_sink = lane_->inbox();
  commit->sink = lane_->inbox().get();
  commit->as_of = context_.as_of;
  commit->decided_at = context_.now;
  commit->reads = std::move(plan.reads);
  commit->touches = std::move(plan.touches);
  committing_writes_ = !plan.writes.empty();
  commit->writes = std::move(plan.writes);
  commit->entry = std::move(plan.entry);
  commit->applied = std::move(plan.applied);
  const absl::Status submitted = core_.engine->Submit(std::move(commit));
  if (submitted.ok()) return;
  awaiting_ = false;
  FinishWith(absl::IsResourceExhausted(submitted) ? Reason::kQueueFull : Reason::kLogUnavailable);
}

bool Call::OnCommit(uint64_t serial, storage::CommitOutcome outcome,
                    const storage::LogPosition& position) {
  if (!awaiting_ || serial != serial_) return false;
  awaiting_ = false;
  switch (outcome) {
    case storage::CommitOutcome::kCommitted:
      OnDurable(position);
      break;
    case storage::CommitOutcome::kConflict:
      OnConflict();
      break;
    case storage::CommitOutcome::kUnknown:
      core_.observer->CommitLost();
      FinishWith(Reason::kOutcomeUnknown);
      break;
    default:
      FinishWith(Reason::kLogUnavailable);
  }
  return true;
}

void Call::OnDurable(const storage::LogPosition& position) {
  accounted_ = true;
  context_.attempt = 1;
  context_.waited = false;
  works_ = 0;
  // The receipt stays that of what the stream ended with.
  if (stage_ == Stage::kClosing) return Finish();
  receipt_ = position;
  if (stage_ == Stage::kMessage) {
    // What was refused was never open.
    committed_any_ = committed_any_ || reason_ == Reason::kOk;
    handler_->Committed(&position);
  }
  reason_ == Reason::kOk ? Send() : End(reason_);
}

void Call::OnConflict() {
  core_.observer->DecidedAgain(context_.method.name);
  const bool again = context_.attempt < kMaxAttempts;
  ++context_.attempt;
  if (stage_ == Stage::kClosing) {
    if (!again || !CommitClosing()) FinishWith(Reason::kLogUnavailable);
    return;
  }
  if (stage_ == Stage::kRefusal) {
    return again ? Refuse(refused_for_) : FinishWith(Reason::kLogUnavailable);
  }
  again ? Enqueue() : Refuse(Reason::kConflict);
}

void Call::Send() {
  if (cut_) return End(Reason::kCancelled);
  if (receipt_.has_value()) response_.push_back(ReceiptField(*receipt_));
  grpc::ByteBuffer buffer(response_.data(), response_.size());
  response_.clear();
  wake_at_ = SteadyNow() + core_.options.client_idle;
  if (streaming()) {
    state_ = State::kWriting;
    return writer_.Write(buffer, &written_event_);
  }
  state_ = State::kFinishing;
  writer_.WriteAndFinish(buffer, grpc::WriteOptions(), grpc::Status::OK, &finished_event_);
}

void Call::OnWritten(bool ok) {
  wake_at_ = absl::InfiniteFuture();
  if (!ok) return End(Reason::kCancelled);
  handler_->HasMore() ? Enqueue() : End(Reason::kOk);
}

void Call::End(Reason reason) {
  DropWork();
  reason_ = reason;
  response_.clear();
  if (streaming() && committed_any_ && !std::exchange(closed_, true)) {
    context_.attempt = 1;
    stage_ = Stage::kClosing;
    if (CommitClosing()) return;
  }
  Finish();
}

bool Call::CommitClosing() {
  // What the call ends with stays; only the closing entry's place is new.
  const Reason ends_with = reason_;
  const std::optional<storage::LogPosition> receipt = receipt_;
  std::vector<std::string> fields = denied_fields_;
  BeginDecision();
  reason_ = ends_with;
  denied_fields_ = std::move(fields);
  receipt_ = receipt;
  std::optional<Plan> plan = handler_->Close(context_);
  if (!plan.has_value() || !plan->entry.has_value()) return false;
  Submit(*std::move(plan));
  return true;
}

void Call::FinishWith(Reason reason) {
  reason_ = reason;
  denied_fields_.clear();
  retry_after_ = absl::ZeroDuration();
  receipt_.reset();
  closed_ = true;
  // What is still on its way to the log is accounted for by how that ends (Lane::OnInbox).
  accounted_ = awaiting_;
  Finish();
}

void Call::Finish() {
  state_ = State::kFinishing;
  awaiting_ = false;
  if (!std::exchange(accounted_, true)) {
    lane_->Count(reason_, load_ != nullptr ? context_.caller->certificate_sha256 : "");
  }
  GiveRoom();
  response_.clear();
  wake_at_ = SteadyNow() + core_.options.client_idle;
  grpc::Status status;
  if (reason_ != Reason::kOk) {
    status = ErrorStatus({reason_, receipt_.has_value() ? &*receipt_ : nullptr,
                          std::move(denied_fields_), retry_after_});
  }
  if (unknown_ != nullptr) return unknown_->Finish(status, &finished_event_);
  writer_.Finish(status, &finished_event_);
}

void Call::OnFinished(bool) {
  state_ = State::kFinished;
  if (counted_) {
    core_.in_flight.fetch_sub(1);
    if (streaming()) core_.running_streams.fetch_sub(1);
    core_.observer->InFlight(-1);
  }
  for (CallerLoad* load = load_.get(); load != nullptr; load = load->outsiders.get()) {
    load->calls.fetch_sub(1);
    if (streaming()) load->streams.fetch_sub(1);
  }
  core_.observer->CallFinished(context_.method.name, authz::ReasonCode(reason_), reason_,
                               SteadyNow() - arrived_at_);
  DeleteIfOver();
}

void Call::OnDone(bool) {
  notified_ = true;
  cancelled_ = server_context_.IsCancelled();
  if (state_ == State::kIdle) return End(Reason::kCancelled);
  if (state_ == State::kWorking && (streaming() || DropWork())) return End(Reason::kCancelled);
  DeleteIfOver();
}

void Call::DeleteIfOver() {
  if (state_ != State::kFinished || (hears() && !notified_)) return;
  lane_->Release(id_);
  delete this;
}

void Call::OnTick(absl::Time now) {
  const bool hurry = core_.hurrying;
  switch (state_) {
    case State::kQueued:
      // A stream that has begun ends at its turn, with its closing entry.
      if (streaming() && handler_ != nullptr) return;
      if (now >= give_up_at_ || hurry) Shed();
      return;
    case State::kWorking:
      if (now >= give_up_at_ || hurry || cut_) GiveWorkUp();
      return;
    case State::kCommitting:
      if (now < give_up_at_ && !hurry) return;
      core_.observer->CommitLost();
      // What was handed over may still be written; only who wrote nothing can be told so.
      return FinishWith(committing_writes_ ? Reason::kOutcomeUnknown : Reason::kLogUnavailable);
    case State::kIdle:
      if (now >= wake_at_ || core_.draining || cut_) Enqueue();
      return;
    case State::kWriting:
    case State::kFinishing:
      if (now < wake_at_ && !hurry) return;
      wake_at_ = absl::InfiniteFuture();
      server_context_.TryCancel();
      return;
    default:
      return;
  }
}

}  // namespace piivault::vault
