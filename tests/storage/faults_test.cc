#include <gtest/gtest.h>

#include <thread>

#include "absl/synchronization/notification.h"
#include "storage/commit_and_wait.h"
#include "storage/rocksdb_engine.h"
#include "tests/fakes/fault_file_system.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/recording_observer.h"
#include "tests/storage/scratch_dir.h"
#include "tests/storage/write_ledger.h"

namespace piivault::storage {
namespace {

using fakes::FaultFileSystem;
using Fault = FaultFileSystem::Fault;
using Operation = FaultFileSystem::Operation;

class FaultsTest : public testing::Test {
 protected:
  void Open() {
    options_.path = dir_.path();
    options_.file_system = fs_;
    options_.observer = &observer_;
    options_.reopen_backoff_min = absl::Milliseconds(1);
    options_.reopen_backoff_max = absl::Milliseconds(2);
    auto engine = RocksDbEngine::Open(options_);
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  // Submits one commit of the ledger's; notes it where it is acknowledged.
  CommitOutcome Commit1(size_t size = 10) {
    auto done = CommitAndWait(*engine_, WriteLedger::CommitOf(number_++, size));
    ledger_.SetEnd(number_);
    if (!done.ok()) return CommitOutcome::kUnavailable;
    if ((*done)->outcome == CommitOutcome::kCommitted) ledger_.Acknowledge(**done);
    return (*done)->outcome;
  }

  void CommitUntilItSucceeds() {
    while (Commit1() != CommitOutcome::kCommitted) std::this_thread::yield();
  }

  ScratchDir dir_;
  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  RecordingObserver observer_;
  EngineOptions options_;
  WriteLedger ledger_;
  uint64_t number_ = 0;
  std::unique_ptr<RocksDbEngine> engine_;
};

struct FaultCase {
  std::string name;
  Operation operation;
  Fault fault;
};

class FaultsOfTheLogTest : public FaultsTest, public testing::WithParamInterface<FaultCase> {};

TEST_P(FaultsOfTheLogTest, NothingIsAcknowledgedAndServiceResumes) {
  Open();
  ASSERT_EQ(Commit1(), CommitOutcome::kCommitted);
  fs_->Inject({GetParam().operation, GetParam().fault, ".log", 0, FaultFileSystem::kAlways});
  EXPECT_EQ(Commit1(), CommitOutcome::kUnknown);
  for (int i = 0; i < 5; ++i) EXPECT_NE(Commit1(), CommitOutcome::kCommitted);
  EXPECT_GE(fs_->strikes(), 1);
  EXPECT_GE(engine_->Stats().batches_failed, 1u);

  fs_->ClearFaults();
  CommitUntilItSucceeds();
  EXPECT_GE(observer_.reopened(), 1);
  EXPECT_EQ(ledger_.CheckEverything(*engine_), "");

  // What it built upon is durable, too.
  fs_->PowerOff();
  engine_.reset();
  fs_->DropUnsyncedData([](uint64_t) { return 0; });
  Open();
  EXPECT_EQ(ledger_.CheckEverything(*engine_), "");
}

TEST_P(FaultsOfTheLogTest, OneFaultIsSurvivedWhereverItStrikes) {
  Open();
  for (int skip = 0; skip < 12; ++skip) {
    const int strikes = fs_->strikes();
    // All files: also while the database is being opened again.
    fs_->Inject({GetParam().operation, GetParam().fault, "", skip, 1});
    while (fs_->strikes() == strikes) Commit1();
    CommitUntilItSucceeds();
    ASSERT_EQ(ledger_.CheckEverything(*engine_), "") << "skip " << skip;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, FaultsOfTheLogTest,
    testing::Values(FaultCase{"WriteEio", Operation::kAppend, Fault::kEio},
                    FaultCase{"WriteEnospc", Operation::kAppend, Fault::kEnospc},
                    FaultCase{"ShortWrite", Operation::kAppend, Fault::kShortWrite},
                    FaultCase{"SyncEio", Operation::kSync, Fault::kEio},
                    FaultCase{"SyncEnospc", Operation::kSync, Fault::kEnospc}),
    [](const testing::TestParamInfo<FaultCase>& p) { return p.param.name; });

TEST_F(FaultsTest, ReadsAnswerUnavailableWhileItCannotReopen) {
  Open();
  ASSERT_EQ(Commit1(), CommitOutcome::kCommitted);
  fs_->Inject({Operation::kSync, Fault::kEio, "", 0, FaultFileSystem::kAlways});
  EXPECT_EQ(Commit1(), CommitOutcome::kUnknown);
  observer_.WaitForReopenFailed(1);
  EXPECT_EQ(engine_->Get(MetaKey("format")).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(engine_->MultiGet({MetaKey("format")}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(engine_->ReadEntries(0, 1).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(engine_->Properties().empty());
  EXPECT_EQ(engine_->Submit(FreshCommit(*engine_, absl::InfiniteFuture())).code(),
            absl::StatusCode::kUnavailable);
  fs_->ClearFaults();
  CommitUntilItSucceeds();
  EXPECT_TRUE(engine_->Get(MetaKey("format")).ok());
  EXPECT_EQ(ledger_.CheckEverything(*engine_), "");
}

TEST_F(FaultsTest, RemainsThatCannotBeCutOffKeepItClosed) {
  Open();
  ASSERT_EQ(Commit1(), CommitOutcome::kCommitted);
  // Closing cannot cut off the half of it that was written, and opening cannot either.
  fs_->Inject({Operation::kTruncate, Fault::kEio, ".log", 0, FaultFileSystem::kAlways});
  fs_->Inject({Operation::kAppend, Fault::kShortWrite, ".log"});
  EXPECT_EQ(Commit1(50'000), CommitOutcome::kUnknown);
  observer_.WaitForReopenFailed(2);
  fs_->ClearFaults();
  CommitUntilItSucceeds();
  EXPECT_EQ(ledger_.CheckEverything(*engine_), "");
}

TEST_F(FaultsTest, ReopenHookReadsTheStateAnew) {
  Open();
  ASSERT_EQ(Commit1(), CommitOutcome::kCommitted);
  std::atomic<uint64_t> seen{0};
  engine_->SetReopenHook([&] {
    auto entries = engine_->ReadEntries(0, 100);
    if (entries.ok()) seen = entries->size();
    return entries.status();
  });
  fs_->Inject({Operation::kSync, Fault::kEio, ".log"});
  EXPECT_EQ(Commit1(), CommitOutcome::kUnknown);
  CommitUntilItSucceeds();
  EXPECT_GE(seen.load(), 1u);
}

TEST_F(FaultsTest, HangingSyncFillsTheQueueAndEndsOldDecisions) {
  std::atomic<int64_t> now{1'700'000'000};
  options_.now = [&now] { return absl::FromUnixSeconds(now.load()); };
  options_.max_queue_commits = 4;
  Open();
  ASSERT_EQ(Commit1(), CommitOutcome::kCommitted);
  CollectingSink sink;
  const auto submit = [&] {
    auto commit = FreshCommit(*engine_, absl::FromUnixSeconds(now.load()));
    commit->entry = DraftEntry("x");
    commit->sink = &sink;
    return engine_->Submit(std::move(commit));
  };
  fs_->Inject({Operation::kSync, Fault::kHang, ".log"});
  ASSERT_TRUE(submit().ok());
  fs_->WaitForStrikes(1);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(submit().ok());
  EXPECT_EQ(submit().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(sink.size(), 0u);
  EXPECT_EQ(engine_->LogEnd().index, 1u);
  EXPECT_TRUE(engine_->Get(MetaKey("format")).ok());  // reads go on

  now += 10;
  fs_->ReleaseHanging();
  auto done = sink.WaitFor(5);
  EXPECT_EQ(done[0]->outcome, CommitOutcome::kCommitted);
  for (size_t i = 1; i < 5; ++i) EXPECT_EQ(done[i]->outcome, CommitOutcome::kConflict);
  ASSERT_TRUE(submit().ok());
  EXPECT_EQ(sink.WaitFor(1)[0]->outcome, CommitOutcome::kCommitted);
}

TEST_F(FaultsTest, ShutdownDoesNotWaitForAHangingSync) {
  options_.shutdown_timeout = absl::Milliseconds(1);
  Open();
  CollectingSink sink;
  fs_->Inject({Operation::kSync, Fault::kHang, ".log"});
  for (int i = 0; i < 3; ++i) {
    auto commit = FreshCommit(*engine_, absl::InfiniteFuture());
    commit->entry = DraftEntry("x");
    commit->sink = &sink;
    ASSERT_TRUE(engine_->Submit(std::move(commit)).ok());
    if (i == 0) fs_->WaitForStrikes(1);
  }
  engine_.reset();
  auto done = sink.WaitFor(3);
  EXPECT_EQ(done[0]->outcome, CommitOutcome::kUnknown);
  EXPECT_EQ(done[1]->outcome, CommitOutcome::kUnavailable);
  // The directory is still taken, by the write that hangs.
  EXPECT_EQ(RocksDbEngine::Open(options_).status().code(), absl::StatusCode::kFailedPrecondition);
  fs_->ReleaseHanging();
  absl::StatusOr<std::unique_ptr<RocksDbEngine>> again = absl::UnknownError("");
  while (!again.ok()) again = RocksDbEngine::Open(options_);
  EXPECT_EQ(sink.size(), 0u);
}

TEST_F(FaultsTest, FullDiskInTheBackgroundIsRecoveredByReopening) {
  Open();
  fs_->Inject({Operation::kAppend, Fault::kEnospc, ".sst", 0, FaultFileSystem::kAlways});
  // Enough for a table to be written out.
  while (fs_->strikes() == 0) Commit1(size_t{1} << 20);
  observer_.WaitForFailures(1);  // without another write having to fail first
  fs_->ClearFaults();
  CommitUntilItSucceeds();
  EXPECT_GE(observer_.reopened(), 1);
  EXPECT_EQ(ledger_.CheckEverything(*engine_), "");
}

}  // namespace
}  // namespace piivault::storage
