#ifndef PIIVAULT_TESTS_STORAGE_ENGINE_CONTRACT_H_
#define PIIVAULT_TESTS_STORAGE_ENGINE_CONTRACT_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/commit_and_wait.h"
#include "storage/engine.h"
#include "storage/engine_options.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {

// What every Engine must keep. Another engine is run through it by
//   INSTANTIATE_TEST_SUITE_P(Mine, EngineContractTest, testing::Values(EngineParam{"Mine",
//   MakeMine}));
struct EngineParam {
  std::string name;
  // An empty engine with these options; `path` is a folder that is there and empty.
  std::function<std::unique_ptr<Engine>(EngineOptions)> make;
};
inline void PrintTo(const EngineParam& param, std::ostream* os) { *os << param.name; }

class EngineContractTest : public testing::TestWithParam<EngineParam> {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.now = [this] { return absl::FromUnixSeconds(now_seconds_.load()); };
    options.recent_write_cells = 64;
    options.path = dir_.path();
    engine_ = GetParam().make(std::move(options));
    ASSERT_NE(engine_, nullptr);
  }

  absl::Time Now() const { return absl::FromUnixSeconds(now_seconds_.load()); }

  // A commit that has just been decided.
  std::unique_ptr<Commit> Fresh() const { return FreshCommit(*engine_, Now()); }

  CommitOutcome Run(std::unique_ptr<Commit> commit) {
    absl::StatusOr<std::unique_ptr<Commit>> done = CommitAndWait(*engine_, std::move(commit));
    EXPECT_TRUE(done.ok()) << done.status();
    return done.ok() ? (*done)->outcome : CommitOutcome::kUnavailable;
  }

  std::vector<std::string> ScanKeys(const Key& prefix, std::string_view start, size_t limit) const {
    std::vector<std::string> keys;
    EXPECT_TRUE(engine_
                    ->Scan(prefix, start, limit,
                           [&](std::string_view key, std::string_view) {
                             keys.emplace_back(key);
                             return true;
                           })
                    .ok());
    return keys;
  }

  ScratchDir dir_;
  std::atomic<int64_t> now_seconds_{1'700'000'000};
  std::unique_ptr<Engine> engine_;
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EngineContractTest);

TEST_P(EngineContractTest, WritesAndEntryAreThereAfterTheCommit) {
  auto commit = Fresh();
  commit->writes.push_back({MetaKey("a"), "1"});
  commit->writes.push_back({StateKey(StateKind::kTenant, "a"), std::string("\0x", 2)});
  commit->entry = DraftEntry("first");
  absl::StatusOr<std::unique_ptr<Commit>> done = CommitAndWait(*engine_, std::move(commit));
  ASSERT_TRUE(done.ok());
  EXPECT_EQ((*done)->outcome, CommitOutcome::kCommitted);
  EXPECT_EQ((*done)->position.index, 0u);
  EXPECT_EQ(engine_->LogEnd().index, 1u);
  EXPECT_EQ(*engine_->Get(MetaKey("a")), "1");
  EXPECT_EQ(*engine_->Get(StateKey(StateKind::kTenant, "a")), std::string("\0x", 2));
  auto entries = engine_->ReadEntries(0, 10);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().entry.body, "first");
  EXPECT_EQ(entries->front().position, (*done)->position);
}

TEST_P(EngineContractTest, AbsentAndDeletedRowsAreNotFound) {
  EXPECT_EQ(engine_->Get(MetaKey("a")).status().code(), absl::StatusCode::kNotFound);
  auto put = Fresh();
  put->writes.push_back({MetaKey("a"), "1"});
  ASSERT_EQ(Run(std::move(put)), CommitOutcome::kCommitted);
  auto drop = Fresh();
  drop->writes.push_back({MetaKey("a"), std::nullopt});
  ASSERT_EQ(Run(std::move(drop)), CommitOutcome::kCommitted);
  EXPECT_EQ(engine_->Get(MetaKey("a")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(EngineContractTest, TablesDoNotShareKeys) {
  const auto same = [](int number) {
    const Table table = static_cast<Table>(number);
    const size_t size = SharedKeySize(table);
    return Key{table, std::string(size == 0 ? 40 : size, 's')};
  };
  auto commit = Fresh();
  for (int table = 0; table < kTableCount; ++table) {
    commit->writes.push_back({same(table), std::to_string(table)});
  }
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  for (int table = 0; table < kTableCount; ++table) {
    EXPECT_EQ(*engine_->Get(same(table)), std::to_string(table));
  }
}

TEST_P(EngineContractTest, NeighboursOnDiskAreNoRowsOfEachOther) {
  Id128 low;
  Id128 high;
  high.bytes.fill(0xff);
  auto commit = Fresh();
  for (const Id128& id : {low, high}) {
    commit->writes.push_back({SubjectKey(1, id), "subject"});
    commit->writes.push_back({RecordKey(1, id, id), "record"});
    commit->writes.push_back({WrapKey(1, id, id, 1), "wrap 1"});
    commit->writes.push_back({WrapKey(1, id, id, 2), "wrap 2"});
  }
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  EXPECT_THAT(ScanKeys(SubjectPrefix(1), "", 10),
              testing::ElementsAre(SubjectKey(1, low).bytes, SubjectKey(1, high).bytes));
  EXPECT_THAT(ScanKeys(RecordPrefix(1), "", 10),
              testing::ElementsAre(RecordKey(1, low, low).bytes, RecordKey(1, high, high).bytes));
  EXPECT_THAT(ScanKeys(RecordPrefix(1, low), "", 10),
              testing::ElementsAre(RecordKey(1, low, low).bytes));
  EXPECT_THAT(ScanKeys(WrapPrefix(1, low, low), "", 10),
              testing::ElementsAre(WrapKey(1, low, low, 1).bytes, WrapKey(1, low, low, 2).bytes));
  EXPECT_THAT(ScanKeys(WrapPrefixAll(), "", 3), testing::SizeIs(3));

  const std::vector<Key> asked = {SubjectKey(1, low), RecordKey(1, low, low),
                                  WrapKey(1, low, low, 2)};
  auto values = engine_->MultiGet(asked);
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, testing::ElementsAre("subject", "record", "wrap 2"));
  // The bytes of a neighbour's key lead nowhere.
  for (const Key& key : asked) {
    for (Table table : {Table::kSubject, Table::kRecord, Table::kWrap}) {
      if (table == key.table) continue;
      const Key other{table, key.bytes};
      EXPECT_EQ(engine_->Get(other).status().code(), absl::StatusCode::kNotFound);
      EXPECT_THAT(*engine_->MultiGet({other}), testing::ElementsAre(std::nullopt));
    }
  }
  auto drop = Fresh();
  drop->writes.push_back({WrapKey(1, low, low, 1), std::nullopt});
  ASSERT_EQ(Run(std::move(drop)), CommitOutcome::kCommitted);
  EXPECT_EQ(*engine_->Get(RecordKey(1, low, low)), "record");
  EXPECT_EQ(*engine_->Get(WrapKey(1, low, low, 2)), "wrap 2");
}

TEST_P(EngineContractTest, SubjectsAreFoundBehindAnyNumberOfRecords) {
  std::vector<std::string> subjects;
  for (uint8_t s = 1; s <= 4; ++s) {
    Id128 subject;
    subject.bytes.fill(0xff);
    subject.bytes.back() = s == 4 ? 0xff : s;
    subjects.push_back(SubjectKey(1, subject).bytes);
    auto commit = Fresh();
    commit->writes.push_back({SubjectKey(1, subject), "subject"});
    // Fewer and more than are stepped over one by one, with ids from the first to the last.
    for (int r = 0; r < 20 * (s - 1); ++r) {
      Id128 record;
      record.bytes.fill(static_cast<uint8_t>(r * 255 / (20 * (s - 1) - 1)));
      commit->writes.push_back({RecordKey(1, subject, record), "record"});
      commit->writes.push_back({WrapKey(1, subject, record, 1), "wrap"});
    }
    ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  }
  EXPECT_THAT(ScanKeys(SubjectPrefix(1), "", SIZE_MAX), testing::ElementsAreArray(subjects));
  EXPECT_THAT(ScanKeys(SubjectPrefix(1), subjects[1] + '\0', SIZE_MAX),
              testing::ElementsAre(subjects[2], subjects[3]));
  EXPECT_THAT(ScanKeys(RecordPrefix(1), "", SIZE_MAX), testing::SizeIs(20 + 40 + 60));
  EXPECT_THAT(ScanKeys(WrapPrefix(1), "", SIZE_MAX), testing::SizeIs(20 + 40 + 60));
}

TEST_P(EngineContractTest, RefusesAKeyThatWouldBeANeighbours) {
  for (Table table : {Table::kSubject, Table::kRecord, Table::kWrap}) {
    for (const size_t size : {23, 24, 25, 39, 40, 41, 47, 48, 49}) {
      if (size == SharedKeySize(table)) continue;
      auto commit = Fresh();
      commit->writes.push_back({Key{table, std::string(size, 'k')}, "v"});
      EXPECT_EQ(CommitAndWait(*engine_, std::move(commit)).status().code(),
                absl::StatusCode::kInvalidArgument)
          << size;
    }
  }
}

TEST_P(EngineContractTest, MultiGetKeepsOrderAndSaysWhatIsAbsent) {
  auto commit = Fresh();
  commit->writes.push_back({MetaKey("a"), "1"});
  commit->writes.push_back({RecordKey(1, Id128{}, Id128{}), ""});
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  const std::vector<Key> keys = {RecordKey(1, Id128{}, Id128{}), MetaKey("b"), MetaKey("a")};
  auto values = engine_->MultiGet(keys);
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, testing::ElementsAre(std::make_optional<std::string>(""), std::nullopt,
                                            std::make_optional<std::string>("1")));
  EXPECT_TRUE(engine_->MultiGet({})->empty());
}

TEST_P(EngineContractTest, ScanKeepsToPrefixStartAndLimit) {
  auto commit = Fresh();
  const Key prefix{Table::kIndex, "p"};
  for (const char* key : {"o", "p", "pa", "pb", "pc", "q"}) {
    commit->writes.push_back({Key{Table::kIndex, key}, "v"});
  }
  commit->writes.push_back({Key{Table::kState, "pa"}, "other table"});
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  EXPECT_THAT(ScanKeys(prefix, prefix.bytes, 10), testing::ElementsAre("p", "pa", "pb", "pc"));
  EXPECT_THAT(ScanKeys(prefix, "pab", 10), testing::ElementsAre("pb", "pc"));
  EXPECT_THAT(ScanKeys(prefix, "", 2), testing::ElementsAre("p", "pa"));
  EXPECT_THAT(ScanKeys(prefix, "z", 10), testing::IsEmpty());
  EXPECT_THAT(ScanKeys(Key{Table::kIndex, ""}, "", 10), testing::SizeIs(6));
  EXPECT_THAT(ScanKeys(prefix, "", 0), testing::IsEmpty());
  int seen = 0;
  EXPECT_TRUE(
      engine_->Scan(prefix, "", 10, [&](std::string_view, std::string_view) { return ++seen < 2; })
          .ok());
  EXPECT_EQ(seen, 2);
}

TEST_P(EngineContractTest, ScanOfBytesFFStopsAtTheTableEnd) {
  auto commit = Fresh();
  commit->writes.push_back({Key{Table::kIndex, "\xff\xff"}, "v"});
  commit->writes.push_back({Key{Table::kIndex, "\xff\xff\x01"}, "v"});
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  EXPECT_THAT(ScanKeys(Key{Table::kIndex, "\xff\xff"}, "", 10), testing::SizeIs(2));
}

TEST_P(EngineContractTest, VisitorMayRead) {
  auto commit = Fresh();
  commit->writes.push_back({MetaKey("a"), "1"});
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  EXPECT_TRUE(engine_
                  ->Scan(Key{Table::kMeta, MetaKey("a").bytes}, "", 1,
                         [&](std::string_view, std::string_view) {
                           EXPECT_EQ(*engine_->Get(MetaKey("a")), "1");
                           return true;
                         })
                  .ok());
}

TEST_P(EngineContractTest, ChangedReadIsAConflictAndWritesNothing) {
  auto late = Fresh();
  late->reads.push_back(CellFingerprint(MetaKey("nda")));
  late->writes.push_back({MetaKey("result"), "1"});
  late->entry = DraftEntry("late");

  auto change = Fresh();
  change->writes.push_back({MetaKey("nda"), "revoked"});
  change->entry = DraftEntry("change");
  ASSERT_EQ(Run(std::move(change)), CommitOutcome::kCommitted);

  bool applied = false;
  late->applied = [&](const LogPosition&) { applied = true; };
  EXPECT_EQ(Run(std::move(late)), CommitOutcome::kConflict);
  EXPECT_FALSE(applied);
  EXPECT_EQ(engine_->Get(MetaKey("result")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(engine_->LogEnd().index, 1u);
}

TEST_P(EngineContractTest, ReadTakenAfterTheChangeHolds) {
  auto change = Fresh();
  change->writes.push_back({MetaKey("nda"), "1"});
  ASSERT_EQ(Run(std::move(change)), CommitOutcome::kCommitted);
  auto after = Fresh();
  after->reads.push_back(CellFingerprint(MetaKey("nda")));
  EXPECT_EQ(Run(std::move(after)), CommitOutcome::kCommitted);
}

TEST_P(EngineContractTest, UnchangedReadHoldsWhileOthersChange) {
  auto commit = Fresh();
  commit->reads.push_back(CellFingerprint(MetaKey("nda")));
  auto other = Fresh();
  other->writes.push_back({MetaKey("other"), "1"});
  ASSERT_EQ(Run(std::move(other)), CommitOutcome::kCommitted);
  EXPECT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
}

TEST_P(EngineContractTest, DeletionAndTouchAreChanges) {
  auto first = Fresh();
  first->reads.push_back(CellFingerprint(MetaKey("a")));
  auto second = Fresh();
  second->reads.push_back(CellFingerprint(MetaKey("b")));

  auto change = Fresh();
  change->writes.push_back({MetaKey("a"), std::nullopt});
  change->touches.push_back(CellFingerprint(MetaKey("b")));
  ASSERT_EQ(Run(std::move(change)), CommitOutcome::kCommitted);

  EXPECT_EQ(Run(std::move(first)), CommitOutcome::kConflict);
  EXPECT_EQ(Run(std::move(second)), CommitOutcome::kConflict);
}

TEST_P(EngineContractTest, ConflictEntryIsWrittenAlone) {
  auto late = Fresh();
  late->reads.push_back(CellFingerprint(MetaKey("a")));
  late->writes.push_back({MetaKey("result"), "1"});
  late->entry = DraftEntry("granted");
  late->on_conflict = DraftEntry("refused");
  auto change = Fresh();
  change->writes.push_back({MetaKey("a"), "1"});
  ASSERT_EQ(Run(std::move(change)), CommitOutcome::kCommitted);

  absl::StatusOr<std::unique_ptr<Commit>> done = CommitAndWait(*engine_, std::move(late));
  ASSERT_TRUE(done.ok());
  EXPECT_EQ((*done)->outcome, CommitOutcome::kConflict);
  auto entries = engine_->ReadEntries((*done)->position.index, 10);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().entry.body, "refused");
  EXPECT_EQ(engine_->Get(MetaKey("result")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(EngineContractTest, PositionIsThatOfTheEntryOrNone) {
  auto first = Fresh();
  first->entry = DraftEntry("x");
  ASSERT_EQ(Run(std::move(first)), CommitOutcome::kCommitted);
  for (const bool with_entry : {false, true}) {
    auto commit = Fresh();
    commit->writes.push_back({MetaKey("a"), "1"});
    if (with_entry) commit->entry = DraftEntry("x");
    auto done = CommitAndWait(*engine_, std::move(commit));
    ASSERT_TRUE(done.ok());
    EXPECT_EQ((*done)->position, (LogPosition{0, 0, with_entry ? 1u : 0u}));
  }
}

TEST_P(EngineContractTest, OldDecisionIsAConflict) {
  auto commit = Fresh();
  commit->writes.push_back({MetaKey("a"), "1"});
  now_seconds_ += 2;
  EXPECT_EQ(Run(std::move(commit)), CommitOutcome::kConflict);

  auto undated = std::make_unique<Commit>();
  undated->entry = DraftEntry("x");
  EXPECT_EQ(Run(std::move(undated)), CommitOutcome::kConflict);

  auto edge = Fresh();
  edge->entry = DraftEntry("x");
  now_seconds_ += 1;
  EXPECT_EQ(Run(std::move(edge)), CommitOutcome::kCommitted);

  auto background = std::make_unique<Commit>();
  background->decided_at = absl::InfiniteFuture();
  background->entry = DraftEntry("x");
  EXPECT_EQ(Run(std::move(background)), CommitOutcome::kCommitted);
}

TEST_P(EngineContractTest, AsOfBeforeWhatIsRememberedIsAConflict) {
  auto late = Fresh();
  late->reads.push_back(CellFingerprint(MetaKey("never written")));
  for (int i = 0; i < 100; ++i) {  // more than recent_write_cells
    auto other = Fresh();
    other->writes.push_back({MetaKey(std::to_string(i)), "1"});
    ASSERT_EQ(Run(std::move(other)), CommitOutcome::kCommitted);
  }
  EXPECT_EQ(Run(std::move(late)), CommitOutcome::kConflict);
}

TEST_P(EngineContractTest, AppliedRunsBeforeTheSequenceMovesAndInLogOrder) {
  constexpr int kCommits = 50;
  std::vector<uint64_t> order;  // written by the committing thread alone
  CollectingSink sink;
  for (int i = 0; i < kCommits; ++i) {
    auto commit = Fresh();
    const uint64_t before = commit->as_of;
    commit->entry = DraftEntry(std::to_string(i));
    commit->sink = &sink;
    commit->applied = [&order, this, before](const LogPosition& position) {
      order.push_back(position.index);
      EXPECT_GE(engine_->AppliedSequence(), before);
      EXPECT_LE(engine_->LogEnd().index, position.index + kCommits);
    };
    ASSERT_TRUE(engine_->Submit(std::move(commit)).ok());
  }
  auto done = sink.WaitFor(kCommits);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(order.size(), size_t{kCommits});
  std::vector<uint64_t> positions;
  for (const auto& commit : done) positions.push_back(commit->position.index);
  std::sort(positions.begin(), positions.end());
  for (int i = 0; i < kCommits; ++i) EXPECT_EQ(positions[static_cast<size_t>(i)], uint64_t(i));
}

TEST_P(EngineContractTest, AppliedSequenceCoversWhatAnAnswerHasSeen) {
  auto commit = Fresh();
  const uint64_t before = commit->as_of;
  commit->writes.push_back({MetaKey("a"), "1"});
  uint64_t during = 0;
  commit->applied = [&](const LogPosition&) { during = engine_->AppliedSequence(); };
  ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  EXPECT_EQ(during, before);
  EXPECT_GT(engine_->AppliedSequence(), before);
}

TEST_P(EngineContractTest, ReadEntriesPagesWithoutGaps) {
  for (int i = 0; i < 25; ++i) {
    auto commit = Fresh();
    commit->entry = DraftEntry(std::to_string(i));
    commit->entry->retained = std::string(static_cast<size_t>(i) * 20, 'r');
    ASSERT_EQ(Run(std::move(commit)), CommitOutcome::kCommitted);
  }
  uint64_t index = 0;
  while (index < 25) {
    auto entries = engine_->ReadEntries(index, 10);
    ASSERT_TRUE(entries.ok());
    ASSERT_FALSE(entries->empty());
    ASSERT_LE(entries->size(), 10u);
    for (const StoredEntry& entry : *entries) {
      EXPECT_EQ(entry.position.index, index);
      EXPECT_EQ(entry.entry.body, std::to_string(index));
      EXPECT_EQ(entry.entry.retained.size(), index * 20);
      ++index;
    }
  }
  EXPECT_TRUE(engine_->ReadEntries(25, 10)->empty());
  EXPECT_TRUE(engine_->ReadEntries(0, 0)->empty());
}

TEST_P(EngineContractTest, SinksGetTheirOwnCommits) {
  CollectingSink first;
  CollectingSink second;
  for (int i = 0; i < 40; ++i) {
    auto commit = Fresh();
    commit->entry = DraftEntry("x");
    commit->sink = i % 2 == 0 ? &first : &second;
    ASSERT_TRUE(engine_->Submit(std::move(commit)).ok());
  }
  for (CollectingSink* sink : {&first, &second}) {
    auto done = sink->WaitFor(20);
    EXPECT_EQ(done.size(), 20u);
    for (const auto& commit : done) EXPECT_EQ(commit->sink, sink);
  }
}

TEST_P(EngineContractTest, SinkMaySubmit) {
  CollectingSink last;
  class Chain : public CommitSink {
   public:
    Chain(Engine& engine, CommitSink& next) : engine_(engine), next_(next) {}
    void Done(std::vector<std::unique_ptr<Commit>> batch) override {
      for (auto& commit : batch) {
        commit->sink = &next_;
        commit->outcome = CommitOutcome::kPending;
        EXPECT_TRUE(engine_.Submit(std::move(commit)).ok());
      }
    }

   private:
    Engine& engine_;
    CommitSink& next_;
  } chain(*engine_, last);
  auto commit = Fresh();
  commit->entry = DraftEntry("x");
  commit->sink = &chain;
  ASSERT_TRUE(engine_->Submit(std::move(commit)).ok());
  EXPECT_EQ(last.WaitFor(1).front()->position.index, 1u);
}

TEST_P(EngineContractTest, OfRacingReadModifyWritesNoneIsLost) {
  // Each thread adds one to a counter until it has succeeded often enough.
  constexpr int kThreads = 4;
  constexpr int kTimes = 25;
  const Key counter = MetaKey("counter");
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int done = 0; done < kTimes;) {
        auto commit = Fresh();
        const auto value = engine_->Get(counter);
        const int now = value.ok() ? std::stoi(*value) : 0;
        commit->reads.push_back(CellFingerprint(counter));
        commit->writes.push_back({counter, std::to_string(now + 1)});
        commit->entry = DraftEntry("add");
        if (Run(std::move(commit)) == CommitOutcome::kCommitted) ++done;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*engine_->Get(counter), std::to_string(kThreads * kTimes));
  EXPECT_EQ(engine_->LogEnd().index, uint64_t{kThreads * kTimes});
}

TEST_P(EngineContractTest, ShutdownFinishesWhatWasHandedOverAndRefusesMore) {
  CollectingSink sink;
  for (int i = 0; i < 100; ++i) {
    auto commit = Fresh();
    commit->entry = DraftEntry("x");
    commit->sink = &sink;
    ASSERT_TRUE(engine_->Submit(std::move(commit)).ok());
  }
  engine_->Shutdown();
  for (const auto& commit : sink.WaitFor(100)) {
    EXPECT_EQ(commit->outcome, CommitOutcome::kCommitted);
  }
  EXPECT_EQ(engine_->Submit(Fresh()).code(), absl::StatusCode::kUnavailable);
  engine_->Shutdown();  // again
}

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_ENGINE_CONTRACT_H_
