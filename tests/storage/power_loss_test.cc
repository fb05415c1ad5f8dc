#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/commit_and_wait.h"
#include "storage/rocksdb_engine.h"
#include "tests/fakes/fault_file_system.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/scratch_dir.h"
#include "tests/storage/write_ledger.h"

namespace piivault::storage {
namespace {

using fakes::FaultFileSystem;
using OpenFunction = absl::StatusOr<std::unique_ptr<RocksDbEngine>> (*)(EngineOptions);

// Works on one data directory and cuts the power again and again.
class PowerLossRig {
 public:
  explicit PowerLossRig(OpenFunction open, uint64_t seed) : open_(open), random_(seed) {}

  // One life: opens, works on several threads until the power goes, drops what was not synced,
  // opens again and compares. Returns what is wrong, or nothing.
  std::string Round() {
    const bool while_opening = random_() % 4 == 0;
    if (while_opening) fs_->PowerOffAfter(static_cast<int>(random_() % 40));
    auto opened = open_(Options());
    if (opened.ok()) {
      const std::unique_ptr<RocksDbEngine> engine = *std::move(opened);
      if (!while_opening) fs_->PowerOffAfter(static_cast<int>(random_() % 60));
      std::vector<std::thread> threads;
      for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&, seed = random_()] { WorkUntilDark(*engine, seed); });
      }
      for (std::thread& thread : threads) thread.join();
    } else if (!fs_->power_is_off()) {
      return "opening: " + opened.status().ToString();
    }
    fs_->DropUnsyncedData([this](uint64_t n) { return random_() % (n + 1); });
    auto engine = open_(Options());
    if (!engine.ok()) return "opening after the loss: " + engine.status().ToString();
    return ledger_.Check(**engine);
  }

  size_t acknowledged() const { return ledger_.acknowledged(); }
  std::string CheckEverything() {
    auto engine = open_(Options());
    if (!engine.ok()) return engine.status().ToString();
    return ledger_.CheckEverything(**engine);
  }

 private:
  EngineOptions Options() {
    EngineOptions options;
    options.path = dir_.path();
    options.file_system = fs_;
    options.reopen_backoff_min = absl::Milliseconds(1);
    options.reopen_backoff_max = absl::Milliseconds(1);
    return options;
  }

  void WorkUntilDark(Engine& engine, uint64_t seed) {
    std::mt19937_64 random(seed);
    while (!fs_->power_is_off()) {
      auto commit = ledger_.NewCommit(random());
      auto done = CommitAndWait(engine, std::move(commit));
      if (!done.ok()) return;
      if ((*done)->outcome == CommitOutcome::kCommitted) ledger_.Acknowledge(**done);
    }
  }

  const OpenFunction open_;
  std::mt19937_64 random_;
  ScratchDir dir_;
  std::shared_ptr<FaultFileSystem> fs_ = std::make_shared<FaultFileSystem>();
  WriteLedger ledger_;
};

TEST(PowerLossTest, AcknowledgedCommitsSurviveAndOthersAreWholeOrAbsent) {
  const int rounds = std::getenv("PIIVAULT_LONG") != nullptr ? 2000 : 200;
  PowerLossRig rig(&RocksDbEngine::Open, /*seed=*/1);
  for (int round = 0; round < rounds; ++round) {
    ASSERT_EQ(rig.Round(), "") << "round " << round;
  }
  EXPECT_EQ(rig.CheckEverything(), "");
  EXPECT_GT(rig.acknowledged(), static_cast<size_t>(rounds));
}

TEST(PowerLossTest, PowerLossOracleNoticesMissingSync) {
  // Many records may be torn then. Most logs that this leaves are refused, some are only shorter.
  std::vector<std::string> wrongs;
  for (uint64_t seed = 2; seed < 22; ++seed) {
    PowerLossRig rig(&RocksDbEngine::OpenUnsyncedForTest, seed);
    std::string wrong;
    for (int round = 0; round < 50 && wrong.empty(); ++round) wrong = rig.Round();
    wrongs.push_back(wrong);
  }
  EXPECT_THAT(wrongs, testing::Each(testing::Not(testing::IsEmpty())));
  EXPECT_THAT(wrongs, testing::Contains(testing::HasSubstr("was acknowledged and is lost")));
  EXPECT_THAT(wrongs, testing::Contains(testing::HasSubstr("the write-ahead log is damaged")));
}

}  // namespace
}  // namespace piivault::storage
