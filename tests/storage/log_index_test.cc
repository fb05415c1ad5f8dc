#include "storage/log_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "storage/commit_and_wait.h"
#include "storage/posting_codec.h"
#include "storage/rocksdb_engine.h"
#include "tests/fakes/memory_engine.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {
namespace {

// Bodies are words; each word is a term. Words that come twice are given twice.
void Words(const StoredEntry& entry, LogIndex::TermSink take) {
  std::string_view rest = entry.entry.body;
  for (size_t end = rest.find(' '); end != rest.npos; end = rest.find(' ')) {
    take(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  take(rest);
}

void AppendTo(Engine& engine, const std::string& body) {
  auto commit = FreshCommit(engine, absl::InfiniteFuture());
  commit->entry = DraftEntry(body);
  ASSERT_TRUE(CommitOrError(engine, std::move(commit)).ok());
}

std::vector<uint64_t> IndexesOf(const LogIndex::Page& page) {
  std::vector<uint64_t> indexes;
  for (const StoredEntry& entry : page.entries) indexes.push_back(entry.position.index);
  return indexes;
}

// Follows pages from `from` to the log's end.
std::vector<uint64_t> FindFrom(const LogIndex& index, std::string_view term, uint64_t from,
                               size_t page_size) {
  std::vector<uint64_t> found;
  while (true) {
    const auto page = index.QueryTerm(term, from, page_size);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok()) return found;
    EXPECT_LE(page->entries.size(), page_size);
    for (uint64_t hit : IndexesOf(*page)) found.push_back(hit);
    if (page->at_end) return found;
    EXPECT_GT(page->next_index, from);
    if (page->next_index <= from) return found;
    from = page->next_index;
  }
}

// Keeps the keys of the last commit's writes, in its order; calls back before a scan, once.
class RecordingEngine : public fakes::MemoryEngine {
 public:
  absl::Status Submit(std::unique_ptr<Commit> commit) override {
    {
      absl::MutexLock lock(&mu_);  // several threads may commit
      keys.clear();
      for (const Mutation& write : commit->writes) keys.push_back(write.key);
    }
    return MemoryEngine::Submit(std::move(commit));
  }

  absl::Status Scan(const Key& prefix, std::string_view start, size_t limit,
                    Visitor visitor) const override {
    if (before_scan != nullptr) std::exchange(before_scan, nullptr)();
    return MemoryEngine::Scan(prefix, start, limit, visitor);
  }

  std::vector<Key> keys;
  mutable std::function<void()> before_scan;

 private:
  absl::Mutex mu_;
};

class LogIndexTest : public testing::Test {
 protected:
  void Append(const std::string& body) { AppendTo(engine_, body); }
  std::vector<uint64_t> Find(std::string_view term, size_t page_size) {
    return FindFrom(index_, term, 0, page_size);
  }
  // Key and value of each posting row, in the order of keys.
  std::vector<std::pair<std::string, std::string>> Rows() { return engine_.Dump(Table::kLogIndex); }

  RecordingEngine engine_;
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
  EXPECT_THAT(IndexesOf(*page), testing::ElementsAre(3, 4, 5, 6));
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

TEST_F(LogIndexTest, OneStepIsOneRowForEachTermInTheOrderOfKeys) {
  for (const char* body : {"b a b", "a", "ccc", "b", "b"}) Append(body);
  ASSERT_EQ(*index_.CatchUp(), 5u);
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].first, EntryTermKey("a", 0, 0).bytes);
  EXPECT_EQ(rows[0].second, "\1");
  EXPECT_EQ(rows[1].first, EntryTermKey("b", 0, 0).bytes);
  EXPECT_EQ(rows[1].second, "\3\1");
  EXPECT_EQ(rows[2].first, EntryTermKey("ccc", 0, 2).bytes);
  EXPECT_EQ(rows[2].second, "");
  EXPECT_EQ(engine_.Dump(Table::kLog).size(), 5u);  // entries alone
}

TEST_F(LogIndexTest, WritesComeInTheOrderOfKeys) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) {
    std::string word(1 + random() % 300, '\0');
    for (char& c : word) c = static_cast<char>(random() % 2 == 0 ? 0xff : 'a');
    Append(word + " a");
  }
  ASSERT_EQ(*index_.CatchUp(300), 300u);
  std::vector<std::string> keys;
  for (const Key& key : engine_.keys) {
    if (key.table == Table::kLogIndex) keys.push_back(key.bytes);
  }
  EXPECT_EQ(keys.size(), Rows().size());
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
}

TEST_F(LogIndexTest, RowsEndWithTheirBlock) {
  for (uint64_t i = 0; i < kPostingBlock + 2; ++i) Append("a");
  ASSERT_EQ(*index_.CatchUp(kPostingBlock - 3), kPostingBlock - 3);  // 0 to 4092
  ASSERT_EQ(*index_.CatchUp(100), 5u);                               // 4093 to 4097
  const auto rows = Rows();
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].first, EntryTermKey("a", 0, 0).bytes);
  EXPECT_EQ(rows[0].second.size(), kPostingBlock - 4);
  EXPECT_EQ(rows[1].first, EntryTermKey("a", 0, kPostingBlock - 3).bytes);
  EXPECT_EQ(rows[1].second, "\1\1");
  EXPECT_EQ(rows[2].first, EntryTermKey("a", 0, kPostingBlock).bytes);
  EXPECT_EQ(rows[2].second, "\1");
  for (uint64_t from = kPostingBlock - 5; from <= kPostingBlock + 1; ++from) {
    EXPECT_THAT(IndexesOf(*index_.QueryTerm("a", from, 1)), testing::ElementsAre(from));
    EXPECT_EQ(FindFrom(index_, "a", from, 2).size(), kPostingBlock + 2 - from);
  }
}

TEST_F(LogIndexTest, StepsOfLargeEntriesAreSeveralCommits) {
  std::string large = "a";
  while (large.size() < 100'000) large += " " + std::string(999, 'x');
  for (int i = 0; i < 120; ++i) Append(large);
  const uint64_t before = engine_.AppliedSequence();
  EXPECT_EQ(*index_.CatchUp(500), 120u);
  EXPECT_EQ(engine_.AppliedSequence() - before, 2u);  // 100 are read at a time
  EXPECT_EQ(*index_.Watermark(), 120u);
  EXPECT_EQ(Find("a", 50).size(), 120u);
}

TEST_F(LogIndexTest, WhatIsDerivedDuringAQueryIsFoundOnce) {
  for (int i = 0; i < 9; ++i) Append("a");
  ASSERT_EQ(*index_.CatchUp(3), 3u);
  engine_.before_scan = [this] { EXPECT_EQ(*index_.CatchUp(4), 4u); };
  const auto page = index_.QueryTerm("a", 1, 100);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(IndexesOf(*page), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
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

TEST_F(LogIndexTest, DamagedRowsAreSaid) {
  for (int i = 0; i < 3; ++i) Append("a");
  ASSERT_EQ(*index_.CatchUp(), 3u);
  const Key row = EntryTermKey("a", 0, 0);
  for (const char* value : {"\x80", "\x81", "\1\x81\x80", "\xff\x7f"}) {
    engine_.Tamper(row, value);
    EXPECT_EQ(index_.QueryTerm("a", 0, 9).status().code(), absl::StatusCode::kDataLoss);
  }
  engine_.Tamper(row, std::string(1, '\0'));
  EXPECT_EQ(index_.QueryTerm("a", 0, 9).status().code(), absl::StatusCode::kDataLoss);
  engine_.Tamper(row, "\1");
  EXPECT_TRUE(index_.QueryTerm("a", 0, 9).ok());
  engine_.Tamper(Key{row.table, row.bytes + "x"}, "");
  EXPECT_EQ(index_.QueryTerm("a", 0, 9).status().code(), absl::StatusCode::kDataLoss);
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

// Random entries, steps and queries, against a look at every entry.
TEST_F(LogIndexTest, FindsWhatALookAtEveryEntryFinds) {
  std::mt19937_64 random(11);
  const std::vector<std::string> vocabulary = {"a",   "b", "aa", "ab", "rare", std::string("\0", 1),
                                               "\xff"};
  std::map<std::string, std::vector<uint64_t>> expected;
  uint64_t size = 0;
  uint64_t derived = 0;
  const auto append = [&] {
    std::string body = "every";
    std::set<std::string> words = {body};
    for (uint64_t n = random() % 4; n > 0; --n) {
      // Early words are frequent, "rare" and those behind it are not.
      const uint64_t which = random() % 100 == 0 ? 4 + random() % 3 : random() % 4;
      body += " " + vocabulary[which];
      words.insert(vocabulary[which]);
    }
    for (const std::string& word : words) expected[word].push_back(size);
    Append(body);
    ++size;
  };
  const auto check = [&](const LogIndex& index) {
    const std::vector<std::string> terms = {"every", "a", "b", "aa", "ab", "rare", "\xff", "none"};
    const std::string& term = terms[random() % terms.size()];
    // Often at an edge: of a block, of what is derived.
    const std::array<uint64_t, 4> edges = {0, kPostingBlock, 2 * kPostingBlock, derived};
    const uint64_t near = edges[random() % edges.size()] + random() % 5;
    const uint64_t from =
        random() % 2 == 0 ? random() % (size + 2) : near - std::min<uint64_t>(near, 2);
    const size_t limit = random() % 4 == 0 ? 10'000 : 1 + random() % 20;
    const std::vector<uint64_t>& all = expected[term];
    const auto begin = std::lower_bound(all.begin(), all.end(), from);
    const auto page = index.QueryTerm(term, from, limit);
    ASSERT_TRUE(page.ok()) << page.status();
    // One page: all there is below where it ends, up to the limit.
    const auto end = std::lower_bound(begin, all.end(), page->next_index);
    ASSERT_EQ(IndexesOf(*page), std::vector<uint64_t>(begin, end)) << term << " from " << from;
    ASSERT_LE(page->entries.size(), limit);
    ASSERT_TRUE(page->at_end || page->entries.size() == limit || page->examined >= 500);
    if (page->at_end) {
      ASSERT_EQ(page->next_index, std::max(size, from));
    }
    if (random() % 20 == 0) {
      ASSERT_EQ(FindFrom(index, term, from, limit), std::vector<uint64_t>(begin, all.end()));
    }
  };
  auto index = std::make_unique<LogIndex>(engine_, Words);
  while (size < 3 * kPostingBlock) {
    for (uint64_t n = random() % 300; n > 0; --n) append();
    if (random() % 3 != 0) {
      const size_t most = random() % 4 == 0 ? 1 + random() % 3 : 1 + random() % 700;
      const auto done = index->CatchUp(most);
      ASSERT_TRUE(done.ok()) << done.status();
      ASSERT_EQ(*done, std::min<uint64_t>(most, size - derived));
      derived += *done;
      ASSERT_EQ(*index->Watermark(), derived);
    }
    if (random() % 10 == 0) index = std::make_unique<LogIndex>(engine_, Words);
    for (int n = 0; n < 20; ++n) ASSERT_NO_FATAL_FAILURE(check(*index));
  }
}

TEST(LogIndexOnRocksDbTest, SurvivesReopening) {
  ScratchDir dir;
  EngineOptions options;
  options.path = dir.path();
  {
    auto engine = RocksDbEngine::Open(options);
    ASSERT_TRUE(engine.ok());
    for (int i = 0; i < 20; ++i) AppendTo(**engine, i % 2 == 0 ? "even" : "odd");
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
