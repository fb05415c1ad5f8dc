#include "storage/group_commit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/synchronization/notification.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/recording_observer.h"

namespace piivault::storage {
namespace {

// Counts batches, and holds, fails or loses them as told.
class FakeStore : public BatchStore {
 public:
  void Add(const Mutation& write) override {
    absl::MutexLock lock(&mu_);
    rows_.push_back(write);
  }
  void AddEntry(const LogPosition& position, const EntryDraft& entry) override {
    open_[position.index] = entry.body;
  }
  absl::Status WriteBatch() override {
    absl::MutexLock lock(&mu_);
    ++writes_;
    mu_.Await(absl::Condition(this, &FakeStore::GateOpen));
    auto batch = std::exchange(open_, {});
    if (fail_writes_ > 0) {
      --fail_writes_;
      return absl::UnavailableError("injected");
    }
    log_.merge(batch);
    return absl::OkStatus();
  }
  absl::StatusOr<LogPosition> Reopen() override {
    absl::MutexLock lock(&mu_);
    open_.clear();
    ++reopens_;
    if (fail_reopens_ > 0) {
      --fail_reopens_;
      return absl::UnavailableError("injected");
    }
    return LogPosition{0, 0, log_.empty() ? 0 : log_.rbegin()->first + 1};
  }

  void CloseGate() {
    absl::MutexLock lock(&mu_);
    gate_open_ = false;
  }
  void OpenGate() {
    absl::MutexLock lock(&mu_);
    gate_open_ = true;
  }
  void LoseLog() {
    absl::MutexLock lock(&mu_);
    log_.clear();
  }
  void FailWrites(int count) {
    absl::MutexLock lock(&mu_);
    fail_writes_ = count;
  }
  void FailReopens(int count) {
    absl::MutexLock lock(&mu_);
    fail_reopens_ = count;
  }
  void WaitForWrites(int count) {
    absl::MutexLock lock(&mu_);
    auto reached = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return writes_ >= count; };
    mu_.Await(absl::Condition(&reached));
  }
  int writes() {
    absl::MutexLock lock(&mu_);
    return writes_;
  }
  int reopens() {
    absl::MutexLock lock(&mu_);
    return reopens_;
  }
  // All that were ever added, in that order.
  std::vector<Mutation> rows() {
    absl::MutexLock lock(&mu_);
    return rows_;
  }
  std::map<uint64_t, std::string> log() {
    absl::MutexLock lock(&mu_);
    return log_;
  }

 private:
  bool GateOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return gate_open_; }

  // The committing thread's.
  std::map<uint64_t, std::string> open_;

  absl::Mutex mu_;
  std::vector<Mutation> rows_ ABSL_GUARDED_BY(mu_);
  bool gate_open_ ABSL_GUARDED_BY(mu_) = true;
  int fail_writes_ ABSL_GUARDED_BY(mu_) = 0;
  int fail_reopens_ ABSL_GUARDED_BY(mu_) = 0;
  int writes_ ABSL_GUARDED_BY(mu_) = 0;
  int reopens_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, std::string> log_ ABSL_GUARDED_BY(mu_);
};

class GroupCommitTest : public testing::Test {
 protected:
  GroupCommitTest() {
    options_.reopen_backoff_min = absl::Milliseconds(1);
    options_.reopen_backoff_max = absl::Milliseconds(1);
    options_.observer = &observer_;
  }
  ~GroupCommitTest() override { store_->OpenGate(); }

  GroupCommit& Start() {
    commits_ = std::make_unique<GroupCommit>(options_, store_, LogPosition{});
    return *commits_;
  }
  std::unique_ptr<Commit> Fresh(std::string body) {
    auto commit = std::make_unique<Commit>();
    commit->as_of = commits_->AppliedSequence();
    commit->decided_at = absl::InfiniteFuture();
    commit->entry = DraftEntry(std::move(body));
    commit->sink = &sink_;
    return commit;
  }
  static Key Cell(int n) { return Key{Table::kState, std::string(1, static_cast<char>(n))}; }
  static uint64_t Mark(int n) { return CellFingerprint(Cell(n)); }

  // Holds the committing thread in a write, so that what follows makes one batch.
  void Block() {
    store_->CloseGate();
    const int writes = store_->writes();
    ASSERT_TRUE(commits_->Submit(Fresh("blocker")).ok());
    store_->WaitForWrites(writes + 1);
  }

  RecordingObserver observer_;
  CollectingSink sink_;
  EngineOptions options_;
  std::shared_ptr<FakeStore> store_ = std::make_shared<FakeStore>();
  std::unique_ptr<GroupCommit> commits_;
};

TEST_F(GroupCommitTest, WhatWaitsGoesInOneBatchWithOneDone) {
  Start();
  Block();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  store_->OpenGate();
  sink_.WaitFor(11);
  observer_.WaitForBatches(2);
  EXPECT_EQ(store_->writes(), 2);
  EXPECT_EQ(sink_.calls(), 2);
  EXPECT_EQ(observer_.last().commits, 10u);
  EXPECT_EQ(observer_.last().entries, 10u);
}

TEST_F(GroupCommitTest, RowsOfABatchComeInTheOrderOfTheirKeys) {
  Start();
  Block();
  std::vector<Mutation> expected;
  // Many, as a sort of few would be stable by accident.
  for (int i = 0; i < 100; ++i) {
    auto commit = Fresh("x");
    for (int cell : {3, 1, 2}) commit->writes.push_back({Cell(cell), std::to_string(i)});
    commit->writes.push_back({Key{Table::kMeta, "z"}, std::nullopt});
    commit->writes.push_back({Key{Table::kMeta, "z"}, std::to_string(i)});
    ASSERT_TRUE(commits_->Submit(std::move(commit)).ok());
  }
  store_->OpenGate();
  sink_.WaitFor(101);
  for (int i = 0; i < 100; ++i) {
    expected.push_back({Key{Table::kMeta, "z"}, std::nullopt});
    expected.push_back({Key{Table::kMeta, "z"}, std::to_string(i)});
  }
  for (int cell : {1, 2, 3}) {
    for (int i = 0; i < 100; ++i) expected.push_back({Cell(cell), std::to_string(i)});
  }
  const std::vector<Mutation> rows = store_->rows();
  ASSERT_EQ(rows.size(), expected.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].key, expected[i].key) << i;
    EXPECT_EQ(rows[i].value, expected[i].value) << i;
  }
}

TEST_F(GroupCommitTest, RowsThatLieTogetherComeTogether) {
  Start();
  Block();
  Id128 low;
  Id128 high;
  high.bytes.fill(0xff);
  const std::vector<Key> expected = {Cell(1),
                                     SubjectKey(1, low),
                                     RecordKey(1, low, low),
                                     WrapKey(1, low, low, 1),
                                     SubjectKey(1, high),
                                     RecordKey(1, high, high),
                                     WrapKey(1, high, high, 1),
                                     Key{Table::kIndex, "x"}};
  auto commit = Fresh("x");
  for (size_t i = expected.size(); i-- > 0;) commit->writes.push_back({expected[i], "v"});
  ASSERT_TRUE(commits_->Submit(std::move(commit)).ok());
  store_->OpenGate();
  sink_.WaitFor(2);
  std::vector<Key> came;
  for (const Mutation& row : store_->rows()) came.push_back(row.key);
  EXPECT_EQ(came, expected);
}

TEST_F(GroupCommitTest, BatchesAreBounded) {
  options_.max_batch_commits = 4;
  Start();
  Block();
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  store_->OpenGate();
  sink_.WaitFor(11);
  EXPECT_EQ(store_->writes(), 4);
}

TEST_F(GroupCommitTest, LaterCommitOfABatchSeesTheEarlierOnesWrites) {
  Start();
  Block();
  auto revoke = Fresh("revoke");
  revoke->writes.push_back({Cell(1), "revoked"});
  auto grant = Fresh("grant");
  grant->reads.push_back(Mark(1));
  grant->on_conflict = DraftEntry("refused");
  auto other = Fresh("other");
  other->reads.push_back(Mark(2));
  ASSERT_TRUE(commits_->Submit(std::move(revoke)).ok());
  ASSERT_TRUE(commits_->Submit(std::move(grant)).ok());
  ASSERT_TRUE(commits_->Submit(std::move(other)).ok());
  store_->OpenGate();
  sink_.WaitFor(4);
  EXPECT_THAT(store_->log(),
              testing::ElementsAre(testing::Pair(0, "blocker"), testing::Pair(1, "revoke"),
                                   testing::Pair(2, "refused"), testing::Pair(3, "other")));
  EXPECT_EQ(store_->writes(), 2);
}

TEST_F(GroupCommitTest, RefusedCommitsWritesAreNoChange) {
  Start();
  Block();
  auto first = Fresh("first");
  first->writes.push_back({Cell(1), "1"});
  auto refused = Fresh("refused");
  refused->reads.push_back(Mark(1));
  refused->writes.push_back({Cell(2), "1"});
  auto last = Fresh("last");
  last->reads.push_back(Mark(2));
  for (auto* commit : {&first, &refused, &last}) {
    ASSERT_TRUE(commits_->Submit(std::move(*commit)).ok());
  }
  store_->OpenGate();
  auto done = sink_.WaitFor(4);
  EXPECT_EQ(done[2]->outcome, CommitOutcome::kConflict);
  EXPECT_EQ(done[3]->outcome, CommitOutcome::kCommitted);
}

TEST_F(GroupCommitTest, OwnReadAndWriteOfACellIsNoConflict) {
  Start();
  auto commit = Fresh("x");
  commit->reads.push_back(Mark(1));
  commit->writes.push_back({Cell(1), "1"});
  ASSERT_TRUE(commits_->Submit(std::move(commit)).ok());
  EXPECT_EQ(sink_.WaitFor(1)[0]->outcome, CommitOutcome::kCommitted);
}

// Whatever the batches are, the decisions are those of a serial run.
TEST_F(GroupCommitTest, DecidesAsANaiveSerialOracle) {
  for (const size_t window : {size_t{16}, size_t{100'000}}) {
    options_.recent_write_cells = window;
    commits_.reset();
    store_ = std::make_shared<FakeStore>();
    Start();
    std::mt19937_64 random(window);
    struct Made {
      std::set<int> reads;
      std::set<int> changes;
      size_t from;  // how many commits its `as_of` covers
      bool accepted = false;
    };
    std::vector<Made> made;
    std::vector<std::pair<uint64_t, size_t>> points = {{commits_->AppliedSequence(), 0}};
    int refused = 0;
    int refused_needlessly = 0;
    for (int round = 0; round < 300; ++round) {
      const bool gated = random() % 2 == 0;
      if (gated) store_->CloseGate();
      const size_t first = made.size();
      const size_t count = 1 + random() % 12;
      for (size_t i = 0; i < count; ++i) {
        const size_t back = std::min<size_t>(random() % 4, points.size() - 1);
        const auto [as_of, from] = points[points.size() - 1 - back];
        Made one{{}, {}, from};
        auto commit = Fresh("x");
        commit->as_of = as_of;
        for (size_t n = random() % 4; n > 0; --n) one.reads.insert(static_cast<int>(random() % 40));
        for (size_t n = random() % 3; n > 0; --n) {
          one.changes.insert(static_cast<int>(random() % 40));
        }
        for (int cell : one.reads) commit->reads.push_back(Mark(cell));
        for (int cell : one.changes) {
          if (cell % 2 == 0) {
            commit->writes.push_back({Cell(cell), "v"});
          } else {
            commit->touches.push_back(Mark(cell));
          }
        }
        made.push_back(std::move(one));
        ASSERT_TRUE(commits_->Submit(std::move(commit)).ok());
      }
      store_->OpenGate();
      auto done = sink_.WaitFor(count);
      ASSERT_EQ(done.size(), count);
      for (size_t i = first; i < made.size(); ++i) {
        bool holds = true;
        for (size_t j = made[i].from; j < i; ++j) {
          if (!made[j].accepted) continue;
          for (int cell : made[j].changes) holds &= made[i].reads.count(cell) == 0;
        }
        made[i].accepted = done[i - first]->outcome == CommitOutcome::kCommitted;
        if (!made[i].accepted) ++refused;
        if (holds && !made[i].accepted) ++refused_needlessly;
        ASSERT_TRUE(holds || !made[i].accepted) << "commit " << i << " lost its ground";
      }
      points.emplace_back(commits_->AppliedSequence(), made.size());
    }
    EXPECT_GT(refused, 50);
    if (window > 1000) {
      EXPECT_EQ(refused_needlessly, 0);
    }
    commits_->Shutdown();
  }
}

TEST_F(GroupCommitTest, FullQueueRefuses) {
  options_.max_queue_commits = 3;
  Start();
  Block();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  EXPECT_EQ(commits_->Submit(Fresh("x")).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(commits_->Stats().refused_full, 1u);
  EXPECT_EQ(commits_->Stats().queue_depth, 3u);
  EXPECT_EQ(sink_.size(), 0u);
  store_->OpenGate();
  for (const auto& commit : sink_.WaitFor(4)) EXPECT_EQ(commit->outcome, CommitOutcome::kCommitted);
}

TEST_F(GroupCommitTest, QueueIsBoundedInBytesButTakesOneOfAnySize) {
  options_.max_queue_bytes = 10'000;
  Start();
  Block();
  ASSERT_TRUE(commits_->Submit(Fresh(std::string(20'000, 'x'))).ok());
  EXPECT_EQ(commits_->Submit(Fresh("x")).code(), absl::StatusCode::kResourceExhausted);
  store_->OpenGate();
  sink_.WaitFor(2);
}

TEST_F(GroupCommitTest, FailedWriteIsUnknownAndNeverTriedAgain) {
  Start();
  const uint64_t before = commits_->AppliedSequence();
  bool applied = false;
  bool hooked = false;
  commits_->SetReopenHook([&] {
    hooked = true;
    return absl::OkStatus();
  });
  Block();
  store_->FailWrites(1);
  auto waiting = Fresh("waiting");
  waiting->applied = [&](const LogPosition&) { applied = true; };
  ASSERT_TRUE(commits_->Submit(std::move(waiting)).ok());
  store_->OpenGate();
  auto done = sink_.WaitFor(2);
  EXPECT_EQ(done[0]->outcome, CommitOutcome::kUnknown);
  EXPECT_EQ(done[1]->outcome, CommitOutcome::kUnavailable);
  observer_.WaitForReopened(1);
  EXPECT_EQ(store_->writes(), 1);
  EXPECT_FALSE(applied);
  EXPECT_TRUE(hooked);
  EXPECT_GT(commits_->AppliedSequence(), before);
  EXPECT_EQ(commits_->LogEnd().index, 0u);
  EXPECT_EQ(commits_->Stats().batches_failed, 1u);
}

TEST_F(GroupCommitTest, DecisionsFromBeforeAFailureDoNotHold) {
  Start();
  auto stale = Fresh("stale");
  stale->reads.push_back(Mark(1));
  store_->FailWrites(1);
  ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  sink_.WaitFor(1);
  observer_.WaitForReopened(1);
  EXPECT_TRUE(commits_->Stats().available);
  ASSERT_TRUE(commits_->Submit(std::move(stale)).ok());
  EXPECT_EQ(sink_.WaitFor(1)[0]->outcome, CommitOutcome::kConflict);
}

TEST_F(GroupCommitTest, RefusesUntilReopeningAndItsHookSucceed) {
  Start();
  absl::Mutex mu;
  bool hook_ok = false;
  commits_->SetReopenHook([&] {
    absl::MutexLock lock(&mu);
    return hook_ok ? absl::OkStatus() : absl::UnavailableError("not yet");
  });
  store_->FailWrites(1);
  store_->FailReopens(2);
  ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  sink_.WaitFor(1);
  observer_.WaitForReopenFailed(4);
  EXPECT_EQ(commits_->Submit(Fresh("x")).code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(commits_->Stats().available);
  {
    absl::MutexLock lock(&mu);
    hook_ok = true;
  }
  observer_.WaitForReopened(1);
  EXPECT_TRUE(commits_->Stats().available);
  ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  EXPECT_EQ(sink_.WaitFor(1)[0]->outcome, CommitOutcome::kCommitted);
  EXPECT_GE(store_->reopens(), 5);
}

TEST_F(GroupCommitTest, NeverGoesOnWithAShorterLog) {
  Start();
  ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  sink_.WaitFor(1);
  store_->LoseLog();
  commits_->NoteStoreFailure(absl::UnavailableError("background"));
  observer_.WaitForReopenFailed(3);
  EXPECT_EQ(observer_.reopened(), 0);
  EXPECT_EQ(commits_->Submit(Fresh("x")).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(commits_->LogEnd().index, 1u);
}

TEST_F(GroupCommitTest, NotedStoreFailureReopensBeforeTheNextBatch) {
  Start();
  commits_->NoteStoreFailure(absl::UnavailableError("background"));
  observer_.WaitForReopened(1);
  EXPECT_EQ(store_->writes(), 0);
  commits_->StoreFailureNote()(absl::UnavailableError("background"));
  observer_.WaitForReopened(2);
}

TEST_F(GroupCommitTest, ShutdownInterruptsTheWaitBetweenAttempts) {
  options_.reopen_backoff_min = absl::Hours(1);
  options_.reopen_backoff_max = absl::Hours(1);
  Start();
  store_->FailWrites(1);
  store_->FailReopens(100);
  ASSERT_TRUE(commits_->Submit(Fresh("x")).ok());
  sink_.WaitFor(1);
  observer_.WaitForReopenFailed(1);
  commits_->Shutdown();
  EXPECT_EQ(commits_->Submit(Fresh("x")).code(), absl::StatusCode::kUnavailable);
}

TEST_F(GroupCommitTest, ShutdownLeavesAHangingWriteBehind) {
  options_.shutdown_timeout = absl::Milliseconds(1);
  Start();
  Block();
  bool applied = false;
  for (int i = 0; i < 2; ++i) {
    auto commit = Fresh("x");
    commit->applied = [&](const LogPosition&) { applied = true; };
    ASSERT_TRUE(commits_->Submit(std::move(commit)).ok());
  }
  commits_->Shutdown();
  auto done = sink_.WaitFor(3);
  ASSERT_EQ(done.size(), 3u);
  EXPECT_EQ(done[0]->outcome, CommitOutcome::kUnknown);
  EXPECT_EQ(done[1]->outcome, CommitOutcome::kUnavailable);
  commits_.reset();
  // The thread ends with the write, and lets go of the store.
  std::weak_ptr<FakeStore> watch = store_;
  store_->OpenGate();
  store_ = nullptr;
  while (!watch.expired()) std::this_thread::yield();
  store_ = std::make_shared<FakeStore>();
  EXPECT_FALSE(applied);
  EXPECT_EQ(sink_.size(), 0u);
  EXPECT_EQ(observer_.batches(), 0);
}

}  // namespace
}  // namespace piivault::storage
