#include "storage/wal_tail.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>

#include "tests/fakes/fault_file_system.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {
namespace {

constexpr size_t kBlock = 32768;
constexpr size_t kSector = 512;
constexpr size_t kZeros = 70'000;  // behind the data

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// A database of RocksDB's and the one log it has written.
class MadeLog {
 public:
  // Each record has a row with so many random bytes, none of them zero. A negative size is one that
  // leaves so many bytes of the block, and one: -1 leaves none, -8 leaves seven.
  explicit MadeLog(const std::vector<int>& sizes, const rocksdb::Options& more = {}) {
    rocksdb::Options options = more;
    options.create_if_missing = true;
    rocksdb::DB* raw = nullptr;
    EXPECT_TRUE(rocksdb::DB::Open(options, dir_.path(), &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
      if (file.path().extension() == ".log") name_ = file.path().filename();
    }
    std::mt19937 random(static_cast<uint32_t>(sizes.size()));
    rocksdb::WriteOptions synced;
    synced.sync = true;
    for (int size : sizes) {
      rocksdb::WriteBatch batch;
      // Header of the batch 12, tag 1, key 1 + 2; the value's length 2 where it is below 16 kB.
      const auto room = static_cast<int>(kBlock - end() % kBlock) - 7 - 18;
      const int value_size = size >= 0 ? size : room + 1 + size;
      EXPECT_TRUE(size >= 0 || (value_size > 127 && value_size < 16384));
      std::string value(static_cast<size_t>(value_size), ' ');
      for (char& c : value) c = static_cast<char>(1 + random() % 255);
      EXPECT_TRUE(batch.Put(Row(ends_.size()), value).ok());
      EXPECT_TRUE(db->Write(synced, &batch).ok());
      ends_.push_back(std::filesystem::file_size(dir_.path() + "/" + name_));
    }
    bytes_ = ReadFile(dir_.path() + "/" + name_);
    EXPECT_EQ(bytes_.size(), end());
  }

  const std::string& name() const { return name_; }
  const std::string& bytes() const { return bytes_; }
  const std::vector<size_t>& ends() const { return ends_; }
  size_t end() const { return ends_.empty() ? 0 : ends_.back(); }
  // Where the last record begins.
  size_t last() const { return ends_.size() < 2 ? 0 : ends_[ends_.size() - 2]; }
  std::string filled() const { return bytes_ + std::string(kZeros, '\0'); }
  // End of the last record that is whole in so many bytes.
  size_t WholeEnd(size_t size) const {
    const auto after = std::upper_bound(ends_.begin(), ends_.end(), size);
    return after == ends_.begin() ? 0 : *(after - 1);
  }

  // How many records RocksDB finds with this as the log; none where it refuses it or finds others
  // than the first ones.
  std::optional<size_t> RecordsIn(const std::string& log) const {
    ScratchDir copy;
    std::filesystem::copy(dir_.path(), copy.path(), std::filesystem::copy_options::recursive);
    std::ofstream(copy.path() + "/" + name_, std::ios::binary) << log;
    rocksdb::Options options;
    options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
    rocksdb::DB* raw = nullptr;
    if (!rocksdb::DB::Open(options, copy.path(), &raw).ok()) return std::nullopt;
    const std::unique_ptr<rocksdb::DB> db(raw);
    size_t found = 0;
    std::string value;
    while (db->Get({}, Row(found), &value).ok()) ++found;
    for (size_t i = found; i < ends_.size(); ++i) {
      if (db->Get({}, Row(i), &value).ok()) return std::nullopt;
    }
    return found;
  }

 private:
  static std::string Row(size_t number) {
    return {static_cast<char>('a' + number / 26), static_cast<char>('a' + number % 26)};
  }

  ScratchDir dir_;
  std::string name_;
  std::string bytes_;
  std::vector<size_t> ends_;
};

class WalTailTest : public testing::Test {
 protected:
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }
  void Put(const std::string& bytes, const std::string& name = "000007.log") const {
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }
  std::string Found(const std::string& name = "000007.log") const { return ReadFile(Path(name)); }
  rocksdb::Status Cut() { return CutWalTails(*rocksdb::FileSystem::Default(), dir_.path()); }

  // Whether this log is cut there.
  testing::AssertionResult IsCut(const std::string& log, size_t end) {
    Put(log);
    if (rocksdb::Status status = Cut(); !status.ok()) {
      return testing::AssertionFailure() << status.ToString();
    }
    const std::string found = Found();
    if (found == log.substr(0, end)) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "is of " << found.size() << " bytes, not " << end;
  }
  // Whether this log is refused, and left alone.
  testing::AssertionResult IsRefused(const std::string& log) {
    Put(log);
    if (rocksdb::Status status = Cut(); !status.IsCorruption()) {
      return testing::AssertionFailure() << status.ToString() << ", is of " << Found().size();
    }
    if (Found() == log) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "was changed";
  }

  ScratchDir dir_;
};

// Shapes of logs: last records that are small, in two blocks, in many; ends of blocks.
std::vector<std::vector<int>> Shapes() {
  return {{10, 300, 5000, 40'000, 20, 700, 100},
          {300, 15'000, 9000, 20'000, 50'000},
          {100, 200, 90'000, 3, 200'000},
          {16'000, 9000, -1, 16'000, 9000, -7, 100, 16'000, 9000, -8, 300},
          {16'000, 9000, -5, 16'000, 9000, -8, 60'000}};
}

TEST_F(WalTailTest, EveryTruncationLeavesTheWholeRecords) {
  const MadeLog log({10, 28'000, 300, 5000, 20, 700, 100});
  ASSERT_LT(log.ends()[2], kBlock);
  ASSERT_GT(log.ends()[3], kBlock);
  for (size_t size = 0; size <= log.end();) {
    ASSERT_TRUE(IsCut(log.bytes().substr(0, size), log.WholeEnd(size))) << size;
    if (size % 3 == 0) {
      std::string filled = log.bytes().substr(0, size);
      filled.resize(log.end() + kZeros);
      ASSERT_TRUE(IsCut(filled, log.WholeEnd(size))) << size;
    }
    // Not every byte of the one large payload.
    size += size > log.ends()[0] + 100 && size < log.ends()[1] - 100 ? 97 : 1;
  }
}

TEST_F(WalTailTest, RecordsEndAnywhereInABlock) {
  for (int left = 0; left <= 16; ++left) {
    const MadeLog log({16'000, 10'000, -1 - left, 100});
    ASSERT_EQ((kBlock - log.ends()[2]) % kBlock, static_cast<size_t>(left));
    for (size_t size = log.last() - 20; size <= log.end(); ++size) {
      ASSERT_TRUE(IsCut(log.bytes().substr(0, size), log.WholeEnd(size))) << left << ", " << size;
      std::string filled = log.bytes().substr(0, size);
      filled.resize(log.end() + kZeros);
      ASSERT_TRUE(IsCut(filled, log.WholeEnd(size))) << left << ", " << size;
    }
  }
}

TEST_F(WalTailTest, AnySectorsOfTheLastWriteMayBeMissing) {
  std::mt19937_64 random(11);
  int torn = 0;
  for (const std::vector<int>& shape : Shapes()) {
    const MadeLog log(shape);
    ASSERT_EQ(log.RecordsIn(log.bytes()), shape.size());
    for (int round = 0; round < 150; ++round) {
      std::string left = log.filled();
      const uint64_t one_in = 2 + random() % 8;
      const bool few_missing = random() % 2 == 0;
      for (size_t at = log.last(); at < log.end();) {
        const size_t next = std::min((at / kSector + 1) * kSector, log.end());
        if ((random() % one_in == 0) == few_missing) left.replace(at, next - at, next - at, '\0');
        at = next;
      }
      const bool whole = left == log.filled();
      torn += whole ? 0 : 1;
      ASSERT_TRUE(IsCut(left, whole ? log.end() : log.last())) << round;
      if (round % 50 == 0) {
        ASSERT_EQ(log.RecordsIn(Found()), shape.size() - (whole ? 0 : 1));
      }
    }
  }
  EXPECT_GT(torn, 500);
}

TEST_F(WalTailTest, FlippedBytesBeforeTheLastRecordAreDamage) {
  std::mt19937_64 random(12);
  for (const std::vector<int>& shape : Shapes()) {
    const MadeLog log(shape);
    for (int round = 0; round < 300; ++round) {
      size_t at = random() % log.last();
      // Every other one in a header: the crc, the length, the type, or the trailer before it.
      if (round % 2 == 0) {
        const size_t record = random() % (shape.size() - 1);
        at = std::min(log.last() - 1, (record == 0 ? 0 : log.ends()[record - 1]) + random() % 14);
      }
      std::string damaged = round % 3 == 0 ? log.bytes() : log.filled();
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 + random() % 255));
      ASSERT_TRUE(IsRefused(damaged)) << at;
    }
  }
}

TEST_F(WalTailTest, FlippedByteInTheLastRecordCutsItOff) {
  std::mt19937_64 random(13);
  for (const std::vector<int>& shape : Shapes()) {
    const MadeLog log(shape);
    for (int round = 0; round < 150; ++round) {
      std::string damaged = round % 3 == 0 ? log.bytes() : log.filled();
      const size_t length = round % 2 == 0 ? log.end() - log.last() : 14;
      const size_t at = log.last() + random() % length;
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 + random() % 255));
      ASSERT_TRUE(IsCut(damaged, log.last())) << at;
      if (round % 50 == 0) {
        ASSERT_EQ(log.RecordsIn(Found()), shape.size() - 1);
      }
    }
  }
}

TEST_F(WalTailTest, ZerosBeforeTheLastRecordAreDamage) {
  for (const std::vector<int>& shape : Shapes()) {
    const MadeLog log(shape);
    for (size_t size : {kSector, size_t{4096}, kBlock}) {
      for (size_t at = 0; at + size <= log.last(); at += size) {
        std::string damaged = log.filled();
        damaged.replace(at, size, size, '\0');
        ASSERT_TRUE(IsRefused(damaged)) << at << ", " << size;
      }
    }
  }
}

TEST_F(WalTailTest, BytesBehindTheRecordsThatBeginNoneAreCutOff) {
  const MadeLog log({100, 50'000, 200});
  EXPECT_TRUE(IsCut(log.bytes() + "x", log.end()));
  EXPECT_TRUE(IsCut(log.filled() + "x", log.end()));
  EXPECT_TRUE(IsCut("", 0));
  EXPECT_TRUE(IsCut(std::string(100, '\0'), 0));
  EXPECT_TRUE(IsCut(std::string(kZeros, '\0'), 0));
  // The end of a record whose beginning is missing.
  EXPECT_TRUE(IsCut(log.bytes().substr(kBlock, log.ends()[1] - kBlock), 0));
  EXPECT_TRUE(IsRefused(log.bytes().substr(kBlock)));
}

TEST_F(WalTailTest, OnlyTheLastLogWithDataMayHaveRemains) {
  const MadeLog log({100, 50'000, 200});
  const std::string torn = log.bytes().substr(0, log.end() - 1);
  const std::string newer = log.bytes().substr(0, log.ends()[0]);
  // 1000000 is newer than 999999, though not in the order of names.
  Put(torn, "999999.log");
  for (const std::string& later : {newer, newer.substr(0, 20)}) {
    Put(later, "1000000.log");
    EXPECT_TRUE(Cut().IsCorruption());
    EXPECT_EQ(Found("999999.log"), torn);
    EXPECT_EQ(Found("1000000.log"), later);
  }
  Put(log.filled(), "999999.log");
  Put(newer + torn.substr(newer.size(), 100), "1000000.log");
  ASSERT_TRUE(Cut().ok());
  EXPECT_EQ(Found("999999.log"), log.bytes());
  EXPECT_EQ(Found("1000000.log"), newer);
  for (const std::string& empty : {std::string(), std::string(kZeros, '\0')}) {
    Put(torn, "999999.log");
    Put(empty, "1000000.log");
    ASSERT_TRUE(Cut().ok());
    EXPECT_EQ(Found("999999.log"), log.bytes().substr(0, log.last()));
    EXPECT_EQ(Found("1000000.log"), "");
  }
}

TEST_F(WalTailTest, LogsOfOtherMakeAreRefused) {
  rocksdb::Options recycling;
  recycling.recycle_log_file_num = 1;
  recycling.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
  EXPECT_TRUE(IsRefused(MadeLog({10, 50'000, 20}, recycling).bytes()));
  rocksdb::Options compressing;
  compressing.wal_compression = rocksdb::kZSTD;
  EXPECT_TRUE(IsRefused(MadeLog({10, 50'000, 20}, compressing).bytes()));
}

TEST_F(WalTailTest, TouchesNoLogThatEndsWellAndNoOtherFile) {
  const MadeLog log({100, 50'000, 200});
  fakes::FaultFileSystem files;
  files.PowerOff();
  Put(log.bytes());
  Put(log.filled(), "LOG");
  Put(log.filled(), "x7.log");
  Put(log.filled(), "000007.log.old");
  EXPECT_TRUE(CutWalTails(files, dir_.path()).ok());
  Put(log.filled());
  EXPECT_TRUE(CutWalTails(files, dir_.path()).IsIOError());
  EXPECT_EQ(Found("LOG"), log.filled());
  EXPECT_EQ(Found("x7.log"), log.filled());
  EXPECT_TRUE(CutWalTails(files, dir_.path() + "/none").ok());
}

TEST_F(WalTailTest, WhatIsCutOffStaysOff) {
  const MadeLog log({100, 50'000, 200});
  fakes::FaultFileSystem files;
  Put(log.bytes().substr(0, log.end() - 1));
  ASSERT_TRUE(CutWalTails(files, dir_.path()).ok());
  files.PowerOff();
  files.DropUnsyncedData([](uint64_t) { return 0; });
  EXPECT_EQ(Found(), log.bytes().substr(0, log.last()));
}

TEST_F(WalTailTest, TouchesNoDirectoryThatIsInUse) {
  const MadeLog log({100, 50'000, 200});
  Put(log.filled());
  auto files = rocksdb::FileSystem::Default();
  rocksdb::FileLock* lock = nullptr;
  ASSERT_TRUE(files->LockFile(Path("LOCK"), {}, &lock, nullptr).ok());
  EXPECT_TRUE(Cut().IsIOError());
  EXPECT_EQ(Found(), log.filled());
  ASSERT_TRUE(files->UnlockFile(lock, {}, nullptr).ok());
  EXPECT_TRUE(Cut().ok());
  EXPECT_EQ(Found(), log.bytes());
}

}  // namespace
}  // namespace piivault::storage
