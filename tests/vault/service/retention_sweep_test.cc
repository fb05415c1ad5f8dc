// What the sweep does while others work on the same rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/forwarding_engine.h"
#include "tests/vault/service/destruction_testing.h"
#include "vault/retention/retention_sweeper.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Calls back before each draw: between what a step has read and its commit.
class WatchedRandom : public RandomSource {
 public:
  void Fill(absl::Span<uint8_t> out) override {
    if (before) before();
    SystemRandom().Fill(out);
  }
  std::function<void()> before;
};

// Calls back before several rows are read.
class WatchedEngine : public fakes::ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(
      absl::Span<const storage::Key> keys) const override {
    if (before_read) before_read(keys);
    return ForwardingEngine::MultiGet(keys);
  }
  std::function<void(absl::Span<const storage::Key>)> before_read;
};

class RetentionSweepTest : public DestructionTestBase {
 protected:
  // Records whose mail is due, in the order of the sweep.
  std::vector<std::string> Due(size_t count) {
    std::vector<std::string> records;
    while (records.size() < count) {
      records.push_back(Add({{"mail", "hanako@example.jp"}, {"paid", "1"}}));
      ChangePerson(records.back(), true, {"purpose_complete"});
    }
    std::sort(records.begin(), records.end(),
              [this](const auto& a, const auto& b) { return RowOf(a).bytes < RowOf(b).bytes; });
    return records;
  }
  bool HasMail(const std::string& record) {
    return Get(record, "mail", "order") == "(RETENTION_OVER)";
  }
  void ChangePaid(const std::string& record) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    (*request.mutable_fields())["paid"] = "2";
    request.mutable_usage()->set_purpose("order");
    ASSERT_EQ(vault_.Call("shop", "UpdateRecord", request).name(), "OK");
  }
  // When the first record of the next pass is being planned.
  void RotateMeanwhile() {
    random_.before = [this, rotated = false]() mutable {
      if (std::exchange(rotated, true)) return;
      vault_.Rotate();
      vault_.ReWrapAll();
    };
  }
  // One pass; how many fields it destroyed.
  uint64_t Pass(size_t step_records = 64) {
    RetentionSweeper sweeper({.engine = engine_,
                              .store = vault_.store(),
                              .rules = vault_.rules(),
                              .unique = unique_,
                              .random = random_,
                              .now = [this] { return vault_.now; },
                              .damaged = [this](const storage::Key& key) { lost_.push_back(key); },
                              .step_records = step_records});
    for (int steps = 0; steps < 1'000; ++steps) {
      const absl::StatusOr<bool> more = sweeper.Step();
      EXPECT_TRUE(more.ok()) << more.status();
      if (!more.ok() || !*more) return sweeper.destroyed();
    }
    ADD_FAILURE() << "a pass without an end";
    return 0;
  }

  WatchedEngine engine_{vault_.engine()};
  WatchedRandom random_;
  UniqueCells unique_{SystemRandom()};
  std::vector<storage::Key> lost_;
};

TEST_F(RetentionSweepTest, OneRecordThatNeverRestsKeepsNoOtherWaiting) {
  const std::vector<std::string> records = Due(5);
  bool changing = false;
  random_.before = [&] {
    if (std::exchange(changing, true)) return;
    ChangePaid(records[1]);
    changing = false;
  };
  EXPECT_EQ(Pass(), 4u);
  for (const std::string& record : records) EXPECT_EQ(HasMail(record), record == records[1]);
  EXPECT_THAT(lost_, IsEmpty());
  random_.before = nullptr;
  EXPECT_EQ(Pass(), 1u);
}

TEST_F(RetentionSweepTest, RowsThatANewEpochHasSealedMeanwhileAreNotDamaged) {
  const std::vector<std::string> records = Due(20);
  RotateMeanwhile();
  EXPECT_EQ(Pass(), 20u);
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(RetentionSweepTest, ARecordThatIsWrittenBetweenTwoReadsIsNotDamaged) {
  const std::vector<std::string> records = Due(3);
  int reads = 0;
  engine_.before_read = [&](absl::Span<const storage::Key> keys) {
    // Of all three the rows are read, and their keys are not.
    if (++reads != 2) return;
    ASSERT_EQ(keys.front().table, storage::Table::kWrap);
    ChangePaid(records[1]);
  };
  EXPECT_EQ(Pass(), 3u);
  EXPECT_THAT(lost_, IsEmpty());
  EXPECT_GT(reads, 2);
}

TEST_F(RetentionSweepTest, WhatDoesNotOpenIsStillReportedBesideANewEpoch) {
  const std::vector<std::string> records = Due(20);
  DamageWholly(records[15]);
  RotateMeanwhile();
  EXPECT_EQ(Pass(), 19u);
  EXPECT_THAT(lost_, ElementsAre(RowOf(records[15])));
}

}  // namespace
}  // namespace piivault::vault
