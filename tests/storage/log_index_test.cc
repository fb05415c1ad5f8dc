#include "storage/log_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "storage/commit_and_wait.h"
#include "storage/rocksdb_engine.h"
#include "tests/fakes/memory_engine.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {
namespace {

// Bodies are words; each word is a term.
std::vector<std::string> Words(const StoredEntry& entry) {
  std::vector<std::string> words(1);
  for (char c : entry.entry.body) {
    if (c == ' ') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  return words;
}

class LogIndexTest : public testing::Test {
 protected:
  void Append(const std::string& body) {
    auto commit = FreshCommit(engine_, absl::InfiniteFuture());
    commit->entry = DraftEntry(body);
    ASSERT_TRUE(CommitOrError(engine_, std::move(commit)).ok());
  }
  std::vector<uint64_t> Find(std::string_view term, size_t page_size) {
    std::vector<uint64_t> found;
    uint64_t from = 0;
    while (true) {
      auto page = index_.QueryTerm(term, from, page_size);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return found;
      EXPECT_LE(page->entries.size(), page_size);
      for (const auto& entry : page->entries) found.push_back(entry.position.index);
      if (page->at_end) return found;
      EXPECT_GT(page->next_index, from);
      from = page->next_index;
    }
  }

  fakes::MemoryEngine engine_;
  LogIndex index_{engine_, Words};
};

TEST_F(LogIndexTest, FindsTheSameHoweverMuchIsDerived) {
  std::mt19937_64 random(5);
  std::vector<uint64_t> expected;
  for (uint64_t i = 0; i < 200; ++i) {
    const bool hit = random() % 3 == 0;
    if (hit) expected.push_back(i);
    Append(hit ? "sato reveal" : "satoh create");
  }
  for (uint64_t derived = 0; derived <= 200; derived += 40) {
    ASSERT_EQ(*index_.Watermark(), derived);
    for (size_t page_size : {1, 7, 1000}) EXPECT_EQ(Find("sato", page_size), expected);
    EXPECT_TRUE(Find("sat", 10).empty());
    EXPECT_EQ(*index_.CatchUp(40), derived == 200 ? 0u : 40u);
  }
}

TEST_F(LogIndexTest, QueryBeginsWhereItIsTold) {
  for (int i = 0; i < 10; ++i) Append("a");
  ASSERT_EQ(*index_.CatchUp(5), 5u);
  auto page = index_.QueryTerm("a", 3, 4);
  ASSERT_TRUE(page.ok());
  std::vector<uint64_t> indexes;
  for (const auto& entry : page->entries) indexes.push_back(entry.position.index);
  EXPECT_THAT(indexes, testing::ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(page->next_index, 7u);
  EXPECT_FALSE(page->at_end);
  EXPECT_TRUE(index_.QueryTerm("a", 10, 4)->at_end);
}

TEST_F(LogIndexTest, CatchUpIsBoundedAndMakesNoEntries) {
  for (int i = 0; i < 10; ++i) Append("a");
  EXPECT_EQ(*index_.CatchUp(4), 4u);
  EXPECT_EQ(*index_.CatchUp(4), 4u);
  EXPECT_EQ(*index_.CatchUp(4), 2u);
  EXPECT_EQ(*index_.CatchUp(4), 0u);
  EXPECT_EQ(engine_.LogEnd().index, 10u);
}

TEST_F(LogIndexTest, RacingStepsDoNotMoveTheWatermarkBack) {
  for (int i = 0; i < 300; ++i) Append("a");
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([this] {
      while (true) {
        const auto done = LogIndex(engine_, Words).CatchUp(7);
        if (done.ok() && *done == 0) return;
        EXPECT_TRUE(done.ok() || absl::IsAborted(done.status())) << done.status();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*index_.Watermark(), 300u);
  EXPECT_EQ(Find("a", 50).size(), 300u);
}

TEST_F(LogIndexTest, DamageIsSaid) {
  Append("a");
  ASSERT_EQ(*index_.CatchUp(), 1u);
  engine_.Tamper(EntryKey(0, 0, 0), std::nullopt);
  EXPECT_EQ(index_.QueryTerm("a", 0, 1).status().code(), absl::StatusCode::kDataLoss);
  engine_.Tamper(MetaKey("log-index-watermark"), "short");
  EXPECT_EQ(index_.Watermark().status().code(), absl::StatusCode::kDataLoss);
  engine_.Tamper(MetaKey("log-index-watermark"), std::string(8, '\0') + std::string(8, '\1'));
  EXPECT_EQ(index_.CatchUp().status().code(), absl::StatusCode::kDataLoss);
}

TEST(LogIndexOnRocksDbTest, SurvivesReopening) {
  ScratchDir dir;
  EngineOptions options;
  options.path = dir.path();
  {
    auto engine = RocksDbEngine::Open(options);
    ASSERT_TRUE(engine.ok());
    for (int i = 0; i < 20; ++i) {
      auto commit = FreshCommit(**engine, absl::InfiniteFuture());
      commit->entry = DraftEntry(i % 2 == 0 ? "even" : "odd");
      ASSERT_TRUE(CommitOrError(**engine, std::move(commit)).ok());
    }
    ASSERT_EQ(*LogIndex(**engine, Words).CatchUp(11), 11u);
  }
  auto engine = RocksDbEngine::Open(options);
  ASSERT_TRUE(engine.ok());
  LogIndex index(**engine, Words);
  EXPECT_EQ(*index.Watermark(), 11u);
  EXPECT_EQ(index.QueryTerm("odd", 0, 100)->entries.size(), 10u);
}

}  // namespace
}  // namespace piivault::storage
