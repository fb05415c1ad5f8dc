#ifndef PIIVAULT_VAULT_SERVICE_HANDLER_H_
#define PIIVAULT_VAULT_SERVICE_HANDLER_H_

#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "authz/reason.h"
#include "storage/engine.h"
#include "vault/service/wire_writer.h"

namespace piivault::vault {

struct MethodInfo;

// What one caller has under way, over all lanes and connections.
struct CallerLoad {
  std::atomic<int> calls{0};
  std::atomic<int> streams{0};            // of these
  std::atomic<int64_t> request_bytes{0};  // that wait to be parsed
  // Of one whom a recipients' root names: what all of those have together. A recipient that takes
  // on further names gets no more of the server by them.
  std::shared_ptr<CallerLoad> outsiders;
};

// Who calls, as the certificate proves it.
struct CallerIdentity {
  // kOk, or why the certificate names nobody although TLS accepted it: kCertificateInvalid. Then
  // `name` is empty and only `certificate_sha256` may be relied on.
  authz::Reason problem = authz::Reason::kOk;
  std::string name;                             // `spiffe://…` (URI SAN) or `dns:…` (DNS SAN)
  std::string certificate_sha256;               // 32 bytes, over the DER form
  std::string client_root;                      // label of the configured root that issued it
  absl::Time not_after = absl::InfinitePast();  // the certificate's end; checked on every call
  // Whether that root is for recipients: then the name is good for a recipient's principal only,
  // and for such a one no other root's is.
  bool of_recipients_root = false;
  // Shared by all certificates of that name and kind of root (of that hash, where there is no
  // name), so that more certificates are no more places. IdentityResolver sets it.
  std::shared_ptr<CallerLoad> load = nullptr;
};

// Lets others run in the middle of long work.
class Yielder {
 public:
  // Where the work has taken its time, serves short calls that wait for the same thread, on top of
  // this one's stack; not where this one is itself so served, or its decision is growing old.
  // Cheap: to be called for every item. No row or decision of the caller's is touched, but
  // everything may have been committed meanwhile.
  virtual void Yield() = 0;

 protected:
  ~Yielder() = default;
};

// What the transport knows about a call. Lives as long as the call; never copied.
struct CallContext {
  const MethodInfo& method;
  std::shared_ptr<const CallerIdentity> caller = nullptr;  // shared with the resolver's cache
  std::string peer = {};  // as gRPC writes it, e.g. `ipv4:192.0.2.7:4711`
  // Wall clock. Streams without one: absl::InfiniteFuture().
  absl::Time deadline = absl::InfiniteFuture();
  // Parsed, alive to the end of the call; null in RequestRefuser::Refuse() where it is malformed.
  const google::protobuf::Message* request = nullptr;
  // For the response of one Next(): wiped and emptied before each.
  google::protobuf::Arena* arena = nullptr;

  // Set anew before each Next(), Refuse() and Close(); for Screen(), `now` only.
  absl::Time now = absl::InfinitePast();  // vault time: the decision's
  uint64_t as_of = 0;  // Engine::AppliedSequence() before any read of this decision
  int attempt = 1;     // 1..kMaxAttempts for the same message, after conflicts

  // Whether Next() is called for the same message after the time that its last plan asked to wait.
  bool waited = false;

  // For work on many items; null in tests of handlers.
  Yielder* yielder = nullptr;

  // Set by the handler as soon as it knows: the principal's name without `principals/`, by which
  // running streams are found and cut (GrpcServer::CancelStreams).
  std::string principal = {};
};

// Between the items of a call that may have many.
inline void Yield(const CallContext& context) {
  if (context.yielder != nullptr) context.yielder->Yield();
}

// A message that conflicts this often, or asks for work this often, is given up: ABORTED with
// reason CONFLICT.
inline constexpr int kMaxAttempts = 3;

// What one message of a call amounts to: an answer, and what has to be durable before it leaves.
//
// The decision's time and snapshot are CallContext's `now` and `as_of`; a plan must not rest on
// anything read before them.
struct Plan {
  // kOk, or why the call ends here. Code, message and ErrorInfo follow from the reason; a handler
  // cannot put text of its own into an error.
  authz::Reason reason = authz::Reason::kOk;
  // Policy names of the fields that were refused, for ErrorInfo.metadata["fields"]. Never values.
  std::vector<std::string> denied_fields;
  // For RetryInfo; zero for none. kQueueFull, kConflict and the like have a default.
  absl::Duration retry_after = absl::ZeroDuration();
  // The answer where `reason` is kOk: of the method's response type, on CallContext::arena (it is
  // wiped after serializing), without its receipt, which the transport appends.
  google::protobuf::Message* response = nullptr;
  // Or the same, encoded already.
  std::optional<WireWriter> encoded;

  // The commit. `entry` is what makes the answer permissible (I1): a plan that answers with neither
  // entry nor `without_entry` ends the call with INTERNAL. A refusal with an entry but no reads,
  // touches, writes or `applied` may be held and share an entry with others of its kind; one
  // without an entry is answered at once and counted (ops/docs/design/0004-counted-entries.md).
  std::vector<uint64_t> reads;
  std::vector<uint64_t> touches;
  std::vector<storage::Mutation> writes;
  std::optional<storage::EntryDraft> entry;
  // Runs on the engine's thread, maybe after the call has ended: must own all it refers to.
  std::function<void(const storage::LogPosition&)> applied;

  // Only for messages of a stream that the entry at its opening covers (reading the log). Nothing
  // is committed; reads, touches and writes must be empty.
  bool without_entry = false;
  // Work that takes long and needs nothing of the vault's, such as hashing a credential: it runs on
  // a thread of its own (WorkPool), then Next() is called again for the same message, and finds
  // what the work has left in what it shares with the handler. Not at the same time as the handler,
  // but maybe after the call has ended: it owns all it refers to. The rest of the plan is ignored:
  // nothing may depend on what was read for it. Only for messages.
  std::function<void()> work;

  // Nothing to send now: call Next() again after this time, or sooner; the rest of the plan is
  // ignored. A call that is no stream ends where its deadline comes first.
  std::optional<absl::Duration> idle;
};

// Carries out one call of one method.
//
// Next() computes one message; the transport commits and sends it, and calls Next() again for the
// following one while HasMore(). After a conflict Next() is called again for the *same* message:
// the handler moves its cursor in Committed() only.
// Runs on the transport's queue thread: must not block or wait, and yields between items where they
// may be many; one call of it at a time.
// Owned by the call, destroyed with it, possibly without Committed() or Close().
class Handler {
 public:
  virtual ~Handler() = default;

  virtual Plan Next(CallContext& context) = 0;

  // The last plan is durable at `position` (and its answer is about to be sent), or, for a plan
  // without entry, sent; then `position` is null.
  virtual void Committed(const storage::LogPosition* /*position*/) {}

  // Whether a stream goes on. Asked after Committed(); unary calls never are.
  virtual bool HasMore() const { return false; }

  // The entry that closes a stream, asked for once, however it ended (finished, cancelled, cut), if
  // at least one message was committed. Its response is ignored. nullopt for none.
  virtual std::optional<Plan> Close(CallContext& /*context*/) { return std::nullopt; }
};

// Accounts for calls that reach no handler. One object for the whole server, on its queue threads.
class RequestRefuser {
 public:
  virtual ~RequestRefuser() = default;

  // A plan with an entry for a call that ends with `reason`: kMalformedRequest, kUnknownMethod,
  // kOperationNotGranted (a method without handler), kCertificateInvalid, kConflict, or what
  // Screen() said. The plan's reason may differ, e.g. for an unknown caller.
  virtual Plan Refuse(CallContext& context, authz::Reason reason) = 0;

  // kOk, or why this caller may not call at all: asked before a large request is parsed.
  virtual authz::Reason Screen(CallContext& /*context*/) { return authz::Reason::kOk; }
};

// The request as the method's own type. REQUIRES: T is that type.
template <typename T>
const T& RequestAs(const CallContext& context) {
  return static_cast<const T&>(*context.request);
}

// A response on the call's arena.
template <typename T>
T* NewResponse(const CallContext& context) {
  return google::protobuf::Arena::CreateMessage<T>(context.arena);
}

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_HANDLER_H_
