#include "storage/recent_writes.h"

#include <gtest/gtest.h>

#include <random>

namespace piivault::storage {
namespace {

TEST(RecentWritesTest, NoticesWritesAfterAsOfOnly) {
  RecentWrites recent(10);
  recent.Add(7, 5);
  EXPECT_FALSE(recent.Holds({7}, 4));
  EXPECT_TRUE(recent.Holds({7}, 5));
  EXPECT_TRUE(recent.Holds({8}, 0));
  EXPECT_FALSE(recent.Holds({8, 7}, 4));
  EXPECT_TRUE(recent.Holds({}, 0));
}

TEST(RecentWritesTest, ForgettingRefuses) {
  RecentWrites recent(2);
  recent.Add(1, 1);
  recent.Add(2, 2);
  EXPECT_TRUE(recent.Holds({3}, 0));
  recent.Add(3, 3);  // forgets cell 1, written by batch 1
  EXPECT_FALSE(recent.Holds({9}, 0));
  EXPECT_TRUE(recent.Holds({1}, 1));
  EXPECT_FALSE(recent.Holds({2}, 1));
}

TEST(RecentWritesTest, RewrittenCellIsNotForgottenWithItsFirstWrite) {
  RecentWrites recent(2);
  recent.Add(1, 1);
  recent.Add(1, 2);
  recent.Add(2, 3);  // forgets the first write of cell 1
  EXPECT_FALSE(recent.Holds({1}, 1));
  EXPECT_TRUE(recent.Holds({1}, 2));
}

TEST(RecentWritesTest, RowsOfTheLogAndItsIndexAreNoCells) {
  const std::vector<Key> rows = {EntryKey(0, 0, 1), EntryTermKey("a", 0, 1), MetaKey("a")};
  RecentWrites recent(8);
  Commit commit;
  for (const Key& row : rows) commit.writes.push_back({row, "value"});
  recent.AddAll(commit, 2);
  EXPECT_TRUE(recent.Holds({CellFingerprint(rows[0]), CellFingerprint(rows[1])}, 1));
  EXPECT_FALSE(recent.Holds({CellFingerprint(rows[2])}, 1));
}

TEST(RecentWritesTest, SealedAnewIsNoChangeButATouchIs) {
  RecentWrites recent(8);
  Commit commit;
  commit.writes.push_back({MetaKey("a"), "sealed anew"});
  commit.touches = {7};
  commit.same_content = true;
  recent.AddAll(commit, 2);
  EXPECT_TRUE(recent.Holds({CellFingerprint(MetaKey("a"))}, 1));
  EXPECT_FALSE(recent.Holds({7}, 1));
}

TEST(RecentWritesTest, ResetEndsEverythingBefore) {
  RecentWrites recent(4);
  recent.Add(1, 1);
  recent.Reset(8);
  EXPECT_FALSE(recent.Holds({2}, 7));
  EXPECT_TRUE(recent.Holds({1}, 8));
  recent.Add(1, 9);
  EXPECT_FALSE(recent.Holds({1}, 8));
}

TEST(RecentWritesTest, NeverAcceptsWhatFullMemoryRefuses) {
  std::mt19937_64 random(11);
  for (size_t capacity : {1, 2, 5, 17, 1000}) {
    RecentWrites recent(capacity);
    std::vector<std::pair<uint64_t, uint64_t>> all;
    uint64_t sequence = 1;
    for (int step = 0; step < 3000; ++step) {
      sequence += random() % 2;
      const uint64_t cell = random() % 12;
      recent.Add(cell, sequence);
      all.emplace_back(cell, sequence);
      const uint64_t read = random() % 12;
      const uint64_t as_of = sequence - std::min<uint64_t>(sequence, random() % 6);
      bool holds = true;
      for (const auto& [written, at] : all) holds &= written != read || at <= as_of;
      if (!holds) {
        ASSERT_FALSE(recent.Holds({read}, as_of));
      }
      if (capacity == 1000 && holds) {
        ASSERT_TRUE(recent.Holds({read}, as_of));
      }
    }
  }
}

}  // namespace
}  // namespace piivault::storage
