#ifndef PIIVAULT_STORAGE_ENGINE_H_
#define PIIVAULT_STORAGE_ENGINE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/keys.h"

namespace piivault::storage {

// Where an entry stands: which of the vault's logs, which generation of it, which leaf (from 0).
struct LogPosition {
  uint32_t log = 0;
  uint64_t generation = 0;
  uint64_t index = 0;
  auto operator<=>(const LogPosition&) const = default;
};

// One log entry before it has a position. The leaf is
//   retained ‖ SHA-256(salt ‖ body)
// so that a body can be pruned later and nobody can test guesses against its hash.
struct EntryDraft {
  std::string retained;            // piivault.storage.v1.EntryRetained, serialized
  std::array<uint8_t, 16> salt{};  // from a CSPRNG, one for each entry
  std::string body;                // piivault.storage.v1.EntryBody, serialized
};

// An entry as the log holds it.
struct StoredEntry {
  LogPosition position;
  EntryDraft entry;
};

// A row to put (with a value) or to delete (without).
// REQUIRES: of a table with a SharedKeySize() the key has that size.
struct Mutation {
  Key key;
  std::optional<std::string> value;
};

enum class CommitOutcome {
  kPending,
  // Writes and `entry` are durable at `position`; `applied` has run.
  kCommitted,
  // A cell of `reads` has changed since `as_of`, or the decision is older than
  // EngineOptions::max_decision_age. Nothing was written: decide again. Where `on_conflict` was
  // given, that entry is durable at `position` and the call is over.
  kConflict,
  // Nothing was written and nothing will be: the engine is not able to commit now.
  kUnavailable,
  // A write or a sync failed half-way: the batch is wholly there or wholly absent after reopening.
  kUnknown,
};

class CommitSink;

// One unit of work: it takes effect wholly, with its entry, or not at all.
// Filled by the caller, owned by the engine from Submit() until CommitSink::Done().
struct Commit {
  virtual ~Commit() = default;

  // Decision. `as_of` is Engine::AppliedSequence() taken before the first read.
  uint64_t as_of = 0;
  // Vault time of the decision. The default is always too old; absl::InfiniteFuture() is for work
  // that rests on no decision about a caller (derived rows, background re-wrapping).
  absl::Time decided_at = absl::InfinitePast();
  std::vector<uint64_t> reads;  // CellFingerprint() of every cell the decision rests on
  std::vector<uint64_t>
      touches;  // cells that this commit changes without writing a row of that key
  // Each also counts as a change of its own key's cell, where the table HoldsCells(), unless
  // `same_content`.
  std::vector<Mutation> writes;
  // `writes` say what the rows said before, sealed anew: no decision is based on how.
  bool same_content = false;
  std::optional<EntryDraft> entry;
  std::optional<EntryDraft> on_conflict;
  // Runs on the committing thread after the batch is durable, in log order, before
  // AppliedSequence() moves and before any answer of the batch is let go. Must not block or throw.
  std::function<void(const LogPosition&)> applied;
  CommitSink* sink = nullptr;  // borrowed; must outlive the commit

  // Result.
  CommitOutcome outcome = CommitOutcome::kPending;
  LogPosition position;  // of the entry that was written; all zero where none was
};

// Takes finished commits back, whole batches at a time. Done() is called on an engine thread and
// must not block; it may call Submit().
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  virtual void Done(std::vector<std::unique_ptr<Commit>> batch) = 0;
};

// Ordered, durable storage of opaque rows and of the log, with one serial order of commits.
//
// Guarantees: a commit's writes and its entry are atomic and durable before its sink hears of it
// (I1, I2). No commit is accepted whose read cells changed between its `as_of` and its place in the
// order (I10). Entries are numbered without gaps.
// Does not: interpret values, hold keys, encrypt or decide. Reads are not isolated from commits
// that happen meanwhile: that is what the read set is for. Thread-safe. No method waits for the
// disk's sync but CommitAndWait() (storage/commit_and_wait.h).
class Engine {
 public:
  using Visitor = absl::FunctionRef<bool(std::string_view key, std::string_view value)>;

  virtual ~Engine() = default;

  // Hands a commit over. Returns INVALID_ARGUMENT where a key written has not the SharedKeySize()
  // of its table, RESOURCE_EXHAUSTED when the queue is full and UNAVAILABLE while the engine is
  // being reopened or shut down; then the commit was dropped and the sink hears nothing.
  [[nodiscard]] virtual absl::Status Submit(std::unique_ptr<Commit> commit) = 0;

  // The sequence number of the last batch whose effects are visible to reads and snapshots. Belongs
  // to this process: it starts anew with every opening and is never stored.
  virtual uint64_t AppliedSequence() const = 0;

  // NOT_FOUND where there is no such row, as there is none where the key has not its table's
  // SharedKeySize(); UNAVAILABLE while reopening; DATA_LOSS for a bad checksum.
  [[nodiscard]] virtual absl::StatusOr<std::string> Get(const Key& key) const = 0;

  // One result for each key, in order, absent rows as nullopt.
  [[nodiscard]] virtual absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const Key> keys) const = 0;

  // Visits rows whose key begins with `prefix` and is not below `start` (pass prefix.bytes for the
  // first), ascending, at most `limit`, until the visitor returns false. `key` is the row's bytes.
  [[nodiscard]] virtual absl::Status Scan(const Key& prefix, std::string_view start, size_t limit,
                                          Visitor visitor) const = 0;

  // Entries of this generation from `index` on, ascending, at most `limit`; fewer at the end.
  [[nodiscard]] virtual absl::StatusOr<std::vector<StoredEntry>> ReadEntries(
      uint64_t index, size_t limit) const = 0;

  // Position the next entry will get. Entries below it are durable.
  virtual LogPosition LogEnd() const = 0;

  // Called after every reopening, before commits are accepted again: whoever keeps state in memory
  // reads it anew. Set once, before the first Submit().
  virtual void SetReopenHook(std::function<absl::Status()> hook) = 0;

  // Refuses new commits, finishes those handed over, stops the threads.
  virtual void Shutdown() = 0;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_ENGINE_H_
