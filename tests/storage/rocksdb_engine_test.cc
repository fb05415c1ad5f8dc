#include "storage/rocksdb_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "storage/commit_and_wait.h"
#include "storage/wal_file_system.h"
#include "tests/storage/commit_maker.h"
#include "tests/storage/recording_observer.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {
namespace {

class RocksDbEngineTest : public testing::Test {
 protected:
  EngineOptions Options() {
    EngineOptions options;
    options.path = dir_.path() + "/data";
    return options;
  }
  absl::StatusOr<std::unique_ptr<RocksDbEngine>> Open() { return RocksDbEngine::Open(Options()); }

  static void Commit1(Engine& engine, const std::string& body) {
    auto commit = FreshCommit(engine, absl::InfiniteFuture());
    commit->writes.push_back({MetaKey(body), body});
    commit->entry = DraftEntry(body);
    ASSERT_TRUE(CommitOrError(engine, std::move(commit)).ok());
  }

  // Opens the directory with RocksDB alone and lets `work` change it.
  void Meddle(
      const std::function<void(rocksdb::DB&, std::vector<rocksdb::ColumnFamilyHandle*>&)>& work) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, Options().path, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) {
      descriptors.emplace_back(name, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> families;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, Options().path, descriptors, &families, &raw).ok());
    std::unique_ptr<rocksdb::DB> db(raw);
    work(*db, families);
    for (auto* family : families) ASSERT_TRUE(db->DestroyColumnFamilyHandle(family).ok());
  }
  static rocksdb::ColumnFamilyHandle* Find(std::vector<rocksdb::ColumnFamilyHandle*>& families,
                                           const std::string& name) {
    return *std::find_if(families.begin(), families.end(),
                         [&](auto* family) { return family->GetName() == name; });
  }

  static std::string ReadFile(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  std::filesystem::path NewestLog() {
    std::filesystem::path newest;
    for (const auto& file : std::filesystem::directory_iterator(Options().path)) {
      if (file.path().extension() == ".log") newest = std::max(newest, file.path());
    }
    return newest;
  }

  ScratchDir dir_;
};

TEST_F(RocksDbEngineTest, WhatWasCommittedIsThereAfterReopening) {
  {
    auto engine = Open();
    ASSERT_TRUE(engine.ok()) << engine.status();
    for (const char* body : {"a", "b", "c"}) Commit1(**engine, body);
  }
  auto engine = Open();
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ((*engine)->LogEnd(), (LogPosition{0, 0, 3}));
  EXPECT_EQ(*(*engine)->Get(MetaKey("b")), "b");
  EXPECT_EQ((*(*engine)->ReadEntries(2, 5))[0].entry.body, "c");
  Commit1(**engine, "d");
  EXPECT_EQ((*engine)->ReadEntries(0, 9)->size(), 4u);
}

// Filters of prefixes must hide nothing: any scan and look-up, against an ordered map, over rows in
// memory, in tables and deleted, of all shapes that the index has.
TEST_F(RocksDbEngineTest, ScansAndLookUpsOfTheIndexFindWhatThereIs) {
  std::mt19937 random(20261122);
  const auto below = [&](uint32_t n) { return static_cast<uint8_t>(random() % n); };
  const auto id = [&] {
    Id128 made;
    // Alike but for the first and last bytes, so that scans have many neighbours.
    made.bytes.fill(0xff);
    made.bytes.front() = made.bytes.back() = below(3);
    return made;
  };
  const auto key = [&]() -> Key {
    const TenantId tenant = below(2);
    IndexDigest digest;
    digest.fill(0xff);
    digest.front() = digest.back() = below(3);
    switch (below(5)) {
      case 0:
        return TokenHandleKey(tenant, *TokenHandle::FromBytes(id().view().substr(4)));
      case 1:
        return DeterministicTokenKey(tenant, id(), id(), id());
      case 2:
        return BlindIndexKey(tenant, below(2), digest, id(), id());
      case 3:
        return TypeIndexKey(tenant, below(2) == 0 ? "r" : "reader-of-papers", id(), id());
      default:
        return RequestKey(digest);
    }
  };
  std::map<std::string, std::string> model;
  for (int round = 0; round < 4; ++round) {
    // Opening writes what the log had into tables.
    auto engine = *Open();
    for (int i = 0; i < 100; ++i) {
      auto commit = FreshCommit(*engine, absl::InfiniteFuture());
      const Key row = key();
      if (below(3) == 0) {
        commit->writes.push_back({row, std::nullopt});
        model.erase(row.bytes);
      } else {
        commit->writes.push_back({row, std::to_string(i)});
        model[row.bytes] = std::to_string(i);
      }
      ASSERT_TRUE(CommitOrError(*engine, std::move(commit)).ok());
    }
    for (int i = 0; i < 2000; ++i) {
      const std::string whole = key().bytes;
      const std::string prefix = whole.substr(0, random() % (whole.size() + 1));
      std::string start = below(2) == 0 ? prefix : key().bytes;
      if (!start.starts_with(prefix)) start = prefix + "\xff";
      std::vector<std::string> expected;
      for (auto it = model.lower_bound(start); it != model.end() && it->first.starts_with(prefix);
           ++it) {
        expected.push_back(it->first);
      }
      std::vector<std::string> found;
      ASSERT_TRUE(engine
                      ->Scan({Table::kIndex, prefix}, start, SIZE_MAX,
                             [&](std::string_view row, std::string_view) {
                               found.emplace_back(row);
                               return true;
                             })
                      .ok());
      ASSERT_EQ(found, expected) << "round " << round << ", scan " << i;

      const std::vector<Key> wanted = {key(), key(), {Table::kIndex, prefix}};
      const auto rows = engine->MultiGet(wanted);
      ASSERT_TRUE(rows.ok());
      for (size_t place = 0; place < wanted.size(); ++place) {
        const auto known = model.find(wanted[place].bytes);
        const auto row = engine->Get(wanted[place]);
        ASSERT_EQ(row.ok(), known != model.end()) << "round " << round << ", look-up " << i;
        ASSERT_EQ((*rows)[place].has_value(), row.ok());
        if (!row.ok()) continue;
        ASSERT_EQ(*row, known->second);
        ASSERT_EQ(*(*rows)[place], known->second);
      }
    }
  }
}

TEST_F(RocksDbEngineTest, DirectoryIsForOneEngineAndPrivate) {
  auto engine = Open();
  ASSERT_TRUE(engine.ok());
  const absl::Status second = Open().status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), testing::HasSubstr("another process"));
  struct stat info;
  ASSERT_EQ(::stat(Options().path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(RocksDbEngineTest, OpensNothingWhereNothingIs) {
  EngineOptions options = Options();
  options.create_if_missing = false;
  EXPECT_EQ(RocksDbEngine::Open(options).status().code(), absl::StatusCode::kNotFound);
  options.create_if_missing = true;
  options.path = dir_.path() + "/no/such/parent";
  EXPECT_EQ(RocksDbEngine::Open(options).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(RocksDbEngineTest, NewerFormatIsRefused) {
  ASSERT_TRUE(Open().ok());
  Meddle([](rocksdb::DB& db, auto& families) {
    ASSERT_TRUE(
        db.Put({}, Find(families, "meta"), MetaKey("format").bytes, std::string("\0\0\0\10", 4))
            .ok());
  });
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("newer"));
}

TEST_F(RocksDbEngineTest, FormatsFromBeforeTheFirstReleaseAreRefused) {
  ASSERT_TRUE(Open().ok());
  for (const char older : {'\3', '\2'}) {
    Meddle([&](rocksdb::DB& db, auto& families) {
      ASSERT_TRUE(
          db.Put({}, Find(families, "meta"), MetaKey("format").bytes, std::string(3, '\0') + older)
              .ok());
    });
    EXPECT_THAT(std::string(Open().status().message()),
                testing::HasSubstr("format " + std::to_string(int{older}) + ", older"));
  }
  Meddle([](rocksdb::DB& db, auto& families) {
    ASSERT_TRUE(db.DropColumnFamily(Find(families, "log_index")).ok());  // it had none
    ASSERT_TRUE(
        db.Put({}, Find(families, "meta"), MetaKey("format").bytes, std::string("\0\0\0\1", 4))
            .ok());
  });
  for (int i = 0; i < 2; ++i) {  // and nothing is made of it
    const absl::Status status = Open().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("format 1, older"));
  }
}

TEST_F(RocksDbEngineTest, TableOfANewerFormatIsRefused) {
  ASSERT_TRUE(Open().ok());
  Meddle([](rocksdb::DB& db, auto& families) {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    ASSERT_TRUE(db.CreateColumnFamily({}, "future", &family).ok());
    families.push_back(family);
  });
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

// What somebody put between the rows of a subject is in none of the tables that lie there.
TEST_F(RocksDbEngineTest, RowsWithKeysOfOtherLengthsAreInNoTable) {
  ASSERT_TRUE(Open().ok());
  const Id128 id = *Id128::FromBytes("0123456789abcdef");
  Meddle([&](rocksdb::DB& db, auto& families) {
    const std::string wrap = WrapKey(1, id, id, 1).bytes;
    for (size_t size = 8; size <= wrap.size(); ++size) {
      ASSERT_TRUE(db.Put({}, Find(families, "record"), wrap.substr(0, size), "v").ok());
    }
    ASSERT_TRUE(db.Put({}, Find(families, "record"), wrap + "longer", "v").ok());
  });
  const auto engine = *Open();
  const std::vector<Key> keys = {SubjectKey(1, id), RecordKey(1, id, id), WrapKey(1, id, id, 1)};
  const std::vector<Key> prefixes = {SubjectPrefix(1), RecordPrefix(1), WrapPrefix(1)};
  for (size_t i = 0; i < keys.size(); ++i) {
    std::vector<std::string> found;
    ASSERT_TRUE(engine
                    ->Scan(prefixes[i], "", SIZE_MAX,
                           [&](std::string_view key, std::string_view) {
                             found.emplace_back(key);
                             return true;
                           })
                    .ok());
    EXPECT_THAT(found, testing::ElementsAre(keys[i].bytes));
  }
}

TEST_F(RocksDbEngineTest, MissingTableIsDamage) {
  ASSERT_TRUE(Open().ok());
  Meddle([](rocksdb::DB& db, auto& families) {
    ASSERT_TRUE(db.DropColumnFamily(Find(families, "record")).ok());
  });
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);  // and stays so
}

TEST_F(RocksDbEngineTest, InterruptedMakingIsFinished) {
  ASSERT_TRUE(Open().ok());
  Meddle([](rocksdb::DB& db, auto& families) {
    ASSERT_TRUE(db.DropColumnFamily(Find(families, "log")).ok());
    ASSERT_TRUE(db.Delete({}, Find(families, "meta"), MetaKey("format").bytes).ok());
  });
  auto engine = Open();
  ASSERT_TRUE(engine.ok()) << engine.status();
  Commit1(**engine, "a");
}

TEST_F(RocksDbEngineTest, MissingAndDamagedEntriesAreSaid) {
  {
    auto engine = Open();
    ASSERT_TRUE(engine.ok());
    for (const char* body : {"a", "b", "c", "d"}) Commit1(**engine, body);
  }
  Meddle([](rocksdb::DB& db, auto& families) {
    auto* log = Find(families, "log");
    ASSERT_TRUE(db.Delete({}, log, EntryKey(0, 0, 1).bytes).ok());
    ASSERT_TRUE(db.Put({}, log, EntryKey(0, 0, 3).bytes, "damaged").ok());
  });
  auto engine = Open();
  ASSERT_TRUE(engine.ok());
  EXPECT_EQ((*engine)->ReadEntries(0, 9).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*engine)->ReadEntries(3, 9).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ((*engine)->ReadEntries(2, 1)->size(), 1u);
}

TEST_F(RocksDbEngineTest, DamagedTableFileIsDataLoss) {
  for (int i = 0; i < 2; ++i) {  // the second opening has written the rows to a table
    auto engine = Open();
    ASSERT_TRUE(engine.ok());
    Commit1(**engine, "canary-" + std::to_string(i));
  }
  int damaged = 0;
  for (const auto& file : std::filesystem::directory_iterator(Options().path)) {
    if (file.path().extension() != ".sst") continue;
    std::fstream io(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(io)), std::istreambuf_iterator<char>());
    const size_t at = bytes.find("canary-0");
    if (at == std::string::npos) continue;
    io.clear();
    io.seekp(static_cast<std::streamoff>(at));
    io.put('C');
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  auto engine = Open();
  if (!engine.ok()) {
    EXPECT_EQ(engine.status().code(), absl::StatusCode::kDataLoss);
    return;
  }
  const auto read = (*engine)->Get(MetaKey("canary-0"));
  EXPECT_EQ(read.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(std::string(read.status().message()).find("canary"), std::string::npos);
}

TEST_F(RocksDbEngineTest, TornEndOfTheLogIsCutAndDamageBeforeItRefused) {
  {
    auto engine = Open();
    ASSERT_TRUE(engine.ok());
    for (int i = 0; i < 9; ++i) Commit1(**engine, "canary-" + std::to_string(i));
  }
  const auto log = NewestLog();
  const auto whole = ReadFile(log);
  std::filesystem::resize_file(log, whole.size() - 3);
  {
    auto engine = Open();
    ASSERT_TRUE(engine.ok()) << engine.status();
    EXPECT_EQ((*engine)->LogEnd().index, 8u);
    for (int i = 0; i < 9; ++i) Commit1(**engine, "canary-" + std::to_string(i));
  }
  std::string bytes = ReadFile(NewestLog());
  const size_t at = bytes.find("canary-4");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'C';
  std::ofstream(NewestLog(), std::ios::binary) << bytes;
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(RocksDbEngineTest, LogIsWrittenOverZerosAndEndsWithItsDataWhenClosed) {
  std::string open_log;
  {
    auto engine = Open();
    ASSERT_TRUE(engine.ok());
    for (int i = 0; i < 9; ++i) {
      Commit1(**engine, "body-" + std::to_string(i));
      ASSERT_EQ(std::filesystem::file_size(NewestLog()), WalFileSystem::kChunk);
    }
    auto large = FreshCommit(**engine, absl::InfiniteFuture());
    large->writes.push_back({MetaKey("large"), std::string(WalFileSystem::kChunk, 'x')});
    ASSERT_TRUE(CommitOrError(**engine, std::move(large)).ok());
    open_log = ReadFile(NewestLog());
    ASSERT_EQ(open_log.size(), 2 * WalFileSystem::kChunk);
  }
  const std::string closed_log = ReadFile(NewestLog());
  EXPECT_GT(closed_log.size(), WalFileSystem::kChunk);
  EXPECT_LT(closed_log.size(), open_log.size());
  EXPECT_NE(closed_log.size() % WalFileSystem::kChunk, 0u);
  EXPECT_NE(closed_log.back(), '\0');
  std::string filled = closed_log;
  filled.resize(open_log.size());
  EXPECT_TRUE(open_log == filled);
}

TEST_F(RocksDbEngineTest, ObserverAndFiguresTellWhatHappened) {
  RecordingObserver observer;
  EngineOptions options = Options();
  options.observer = &observer;
  auto engine = RocksDbEngine::Open(options);
  ASSERT_TRUE(engine.ok());
  Commit1(**engine, "a");
  observer.WaitForBatches(1);
  EXPECT_EQ(observer.last().entries, 1u);
  EXPECT_GT(observer.last().write_time, absl::ZeroDuration());
  const EngineStats stats = (*engine)->Stats();
  EXPECT_EQ(stats.commits, 1u);
  EXPECT_TRUE(stats.available);
  EXPECT_NE(stats.last_commit, absl::InfinitePast());
  EXPECT_THAT((*engine)->Properties(), testing::Contains(testing::Key("total-sst-files-size")));
}

}  // namespace
}  // namespace piivault::storage
