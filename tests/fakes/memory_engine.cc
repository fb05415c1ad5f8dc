#include "tests/fakes/memory_engine.h"

#include <iterator>

#include "absl/strings/match.h"
#include "storage/deliver.h"
#include "storage/entry_codec.h"

namespace piivault::fakes {

using storage::Commit;
using storage::CommitOutcome;
using storage::EntryDraft;
using storage::Key;
using storage::LogPosition;
using storage::StoredEntry;
using storage::Table;

MemoryEngine::MemoryEngine(storage::EngineOptions options)
    : options_(std::move(options)), recent_(options_.recent_write_cells) {
  deliverer_ = std::thread([this] { DeliverLoop(); });
}

MemoryEngine::~MemoryEngine() { Shutdown(); }

absl::Status MemoryEngine::Submit(std::unique_ptr<Commit> commit) {
  if (absl::Status status = storage::CheckKeys(*commit); !status.ok()) return status;
  absl::MutexLock commit_lock(&commit_mu_);
  {
    absl::MutexLock lock(&mu_);
    if (shut_down_) return absl::UnavailableError("the engine is shut down");
    if (finished_.size() >= options_.max_queue_commits) {
      return absl::ResourceExhaustedError("the commit queue is full");
    }
  }
  if (fail_count_ > 0) {
    --fail_count_;
    if (fail_outcome_ == CommitOutcome::kUnavailable) {
      return absl::UnavailableError("the engine cannot commit now");
    }
    commit->outcome = fail_outcome_;
    if (fail_outcome_ == CommitOutcome::kUnknown) {
      if (reopen_hook_) reopen_hook_().IgnoreError();
      absl::MutexLock lock(&mu_);
      applied_ = ++sequence_;
      recent_.Reset(sequence_);
    }
  } else {
    Run(*commit);
  }
  absl::MutexLock lock(&mu_);
  finished_.push_back(std::move(commit));
  return absl::OkStatus();
}

bool MemoryEngine::Holds(const Commit& commit) {
  const absl::Time now = options_.now ? options_.now() : absl::Now();
  return now - commit.decided_at <= options_.max_decision_age &&
         recent_.Holds(commit.reads, commit.as_of);
}

LogPosition MemoryEngine::Append(const EntryDraft& entry) {
  const LogPosition position{0, 0, next_index_++};
  rows_[{Table::kLog, storage::EntryKey(0, 0, position.index).bytes}] = storage::EncodeEntry(entry);
  return position;
}

void MemoryEngine::Run(Commit& commit) {
  uint64_t sequence = 0;
  {
    absl::MutexLock lock(&mu_);
    if (!Holds(commit)) {
      commit.outcome = CommitOutcome::kConflict;
      if (commit.on_conflict) commit.position = Append(*commit.on_conflict);
      return;
    }
    sequence = ++sequence_;
    recent_.AddAll(commit, sequence);
    for (const storage::Mutation& write : commit.writes) {
      RowKey key{write.key.table, write.key.bytes};
      if (write.value) {
        rows_[std::move(key)] = *write.value;
      } else {
        rows_.erase(key);
      }
    }
    commit.position = commit.entry ? Append(*commit.entry) : LogPosition{};
    commit.outcome = CommitOutcome::kCommitted;
  }
  if (commit.applied) commit.applied(commit.position);
  absl::MutexLock lock(&mu_);
  applied_ = sequence;
}

void MemoryEngine::DeliverLoop() {
  while (true) {
    std::vector<std::unique_ptr<Commit>> batch;
    {
      absl::MutexLock lock(&mu_);
      auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return !finished_.empty() || shut_down_;
      };
      mu_.Await(absl::Condition(&ready));
      if (finished_.empty()) return;
      batch.assign(std::make_move_iterator(finished_.begin()),
                   std::make_move_iterator(finished_.end()));
      finished_.clear();
    }
    storage::DeliverToSinks(std::move(batch));
  }
}

uint64_t MemoryEngine::AppliedSequence() const {
  absl::MutexLock lock(&mu_);
  return applied_;
}

absl::StatusOr<std::string> MemoryEngine::Get(const Key& key) const {
  absl::MutexLock lock(&mu_);
  if (!read_error_.ok()) return read_error_;
  const auto it = rows_.find({key.table, key.bytes});
  if (it == rows_.end() || !storage::FitsTable(key.table, key.bytes.size())) {
    return absl::NotFoundError("no such row");
  }
  return it->second;
}

absl::StatusOr<std::vector<std::optional<std::string>>> MemoryEngine::MultiGet(
    absl::Span<const Key> keys) const {
  absl::MutexLock lock(&mu_);
  if (!read_error_.ok()) return read_error_;
  std::vector<std::optional<std::string>> values;
  values.reserve(keys.size());
  for (const Key& key : keys) {
    const auto it = rows_.find({key.table, key.bytes});
    const bool there = it != rows_.end() && storage::FitsTable(key.table, key.bytes.size());
    values.push_back(there ? std::make_optional(it->second) : std::nullopt);
  }
  return values;
}

absl::Status MemoryEngine::Scan(const Key& prefix, std::string_view start, size_t limit,
                                Visitor visitor) const {
  std::vector<std::pair<std::string, std::string>> found;
  {
    absl::MutexLock lock(&mu_);
    if (!read_error_.ok()) return read_error_;
    auto it =
        rows_.lower_bound({prefix.table, std::max<std::string>(prefix.bytes, std::string(start))});
    for (; it != rows_.end() && found.size() < limit; ++it) {
      if (it->first.first != prefix.table) break;
      if (!absl::StartsWith(it->first.second, prefix.bytes)) break;
      if (!storage::FitsTable(prefix.table, it->first.second.size())) continue;
      found.emplace_back(it->first.second, it->second);
    }
  }
  for (const auto& [key, value] : found) {
    if (!visitor(key, value)) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<StoredEntry>> MemoryEngine::ReadEntries(uint64_t index,
                                                                   size_t limit) const {
  std::vector<StoredEntry> entries;
  absl::MutexLock lock(&mu_);
  if (!read_error_.ok()) return read_error_;
  for (; entries.size() < limit && index < next_index_; ++index) {
    const auto it = rows_.find({Table::kLog, storage::EntryKey(0, 0, index).bytes});
    if (it == rows_.end()) return absl::DataLossError("an entry is missing from the log");
    std::optional<EntryDraft> entry = storage::DecodeEntry(it->second);
    if (!entry) return absl::DataLossError("an entry of the log is damaged");
    entries.push_back({{0, 0, index}, *std::move(entry)});
  }
  return entries;
}

LogPosition MemoryEngine::LogEnd() const {
  absl::MutexLock lock(&mu_);
  return {0, 0, next_index_};
}

void MemoryEngine::SetReopenHook(std::function<absl::Status()> hook) {
  absl::MutexLock lock(&commit_mu_);
  reopen_hook_ = std::move(hook);
}

void MemoryEngine::Shutdown() {
  {
    absl::MutexLock commit_lock(&commit_mu_);  // a commit under way is still delivered
    absl::MutexLock lock(&mu_);
    shut_down_ = true;
  }
  if (deliverer_.joinable()) deliverer_.join();
}

void MemoryEngine::FailNext(CommitOutcome outcome, int count) {
  absl::MutexLock lock(&commit_mu_);
  fail_outcome_ = outcome;
  fail_count_ = count;
}

void MemoryEngine::SetReadError(absl::Status status) {
  absl::MutexLock lock(&mu_);
  read_error_ = std::move(status);
}

void MemoryEngine::Tamper(const Key& key, std::optional<std::string> value) {
  absl::MutexLock lock(&mu_);
  if (value) {
    rows_[{key.table, key.bytes}] = *std::move(value);
  } else {
    rows_.erase({key.table, key.bytes});
  }
}

std::vector<std::pair<std::string, std::string>> MemoryEngine::Dump(Table table) const {
  absl::MutexLock lock(&mu_);
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& [key, value] : rows_) {
    if (key.first == table) rows.emplace_back(key.second, value);
  }
  return rows;
}

}  // namespace piivault::fakes
