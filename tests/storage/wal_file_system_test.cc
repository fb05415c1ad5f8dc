#include "storage/wal_file_system.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fakes/fault_file_system.h"
#include "tests/storage/scratch_dir.h"

namespace piivault::storage {
namespace {

using fakes::FaultFileSystem;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
constexpr size_t kChunk = WalFileSystem::kChunk;

class WalFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<rocksdb::FSWritableFile> Make(const std::string& name) {
    rocksdb::FileOptions options;
    options.use_mmap_writes = false;
    std::unique_ptr<rocksdb::FSWritableFile> file;
    EXPECT_TRUE(files_.NewWritableFile(Path(name), options, &file, nullptr).ok());
    std::unique_ptr<rocksdb::FSDirectory> directory;
    EXPECT_TRUE(files_.NewDirectory(dir_.path(), {}, &directory, nullptr).ok());
    EXPECT_TRUE(directory->Fsync({}, nullptr).ok());
    return file;
  }
  static IOStatus Append(rocksdb::FSWritableFile& file, const std::string& data) {
    return file.Append(data, IOOptions(), nullptr);
  }
  static uint64_t SizeOf(rocksdb::FSWritableFile& file) {
    return file.GetFileSize(IOOptions(), nullptr);
  }
  static void Close(rocksdb::FSWritableFile& file) {
    EXPECT_TRUE(file.Close(IOOptions(), nullptr).ok());
  }
  static void Sync(rocksdb::FSWritableFile& file) {
    ASSERT_TRUE(file.Sync(IOOptions(), nullptr).ok());
  }

  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string OnDisk(const std::string& name) const {
    std::ifstream in(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }
  static std::string Filled(std::string data) {
    data.resize((data.size() + kChunk - 1) / kChunk * kChunk);
    return data;
  }

  ScratchDir dir_;
  std::shared_ptr<FaultFileSystem> faults_ = std::make_shared<FaultFileSystem>();
  WalFileSystem files_{faults_};
};

TEST_F(WalFileSystemTest, LogsHaveZerosBehindTheirDataUntilTheyAreClosed) {
  std::mt19937 random(7);
  auto log = Make("000001.log");
  EXPECT_EQ(OnDisk("000001.log"), "");
  std::string data;
  for (size_t size : {size_t{10}, size_t{1}, size_t{70'000}, kChunk - 70'011, size_t{1}, kChunk,
                      3 * kChunk + 5, kChunk - 6, size_t{100}}) {
    const std::string more(size, static_cast<char>('a' + random() % 26));
    ASSERT_TRUE(Append(*log, more).ok());
    data += more;
    EXPECT_EQ(SizeOf(*log), data.size());
    ASSERT_TRUE(OnDisk("000001.log") == Filled(data)) << data.size();
  }
  Close(*log);
  EXPECT_TRUE(OnDisk("000001.log") == data);
}

TEST_F(WalFileSystemTest, OtherFilesAreLeftAsTheyAre) {
  for (const char* name : {"000001.sst", "MANIFEST-000001", "LOG", "000001.dbtmp"}) {
    auto file = Make(name);
    ASSERT_TRUE(Append(*file, "data").ok());
    ASSERT_TRUE(file->Flush(IOOptions(), nullptr).ok());
    EXPECT_EQ(OnDisk(name), "data");
    Close(*file);
  }
}

TEST_F(WalFileSystemTest, NothingIsReservedForLogs) {
  auto log = Make("000001.log");
  log->SetPreallocationBlockSize(size_t{4} << 20);
  log->PrepareWrite(0, 100, IOOptions(), nullptr);
  ASSERT_TRUE(log->Allocate(0, size_t{4} << 20, IOOptions(), nullptr).ok());
  struct stat info;
  ASSERT_EQ(::stat(Path("000001.log").c_str(), &info), 0);
  EXPECT_EQ(info.st_blocks, 0);
  Close(*log);
}

TEST_F(WalFileSystemTest, AppendFailsWhereItsZerosHaveNoRoom) {
  using Rule = FaultFileSystem::Rule;
  auto log = Make("000001.log");
  faults_->Inject(Rule{FaultFileSystem::Operation::kAppend, FaultFileSystem::Fault::kEnospc, ".log",
                       /*skip=*/1});
  EXPECT_TRUE(Append(*log, "lost").IsNoSpace());
  EXPECT_EQ(faults_->strikes(), 1);
  EXPECT_EQ(SizeOf(*log), 0u);
  ASSERT_TRUE(Append(*log, "data").ok());
  EXPECT_TRUE(OnDisk("000001.log") == Filled("data"));

  faults_->Inject(
      Rule{FaultFileSystem::Operation::kAppend, FaultFileSystem::Fault::kShortWrite, ".log"});
  EXPECT_TRUE(Append(*log, "half").IsIOError());
  EXPECT_TRUE(OnDisk("000001.log") == Filled("dataha"));
  Close(*log);
  EXPECT_EQ(OnDisk("000001.log"), "data");
}

// Of the fake, too: it is what other tests take a disk to be.
TEST_F(WalFileSystemTest, PowerLossLeavesAnySectorsOfWhatWasNotSynced) {
  const std::string synced(700, 's');
  const std::string lost(3000, 'l');
  std::mt19937_64 random(8);
  int kept = 0;
  int gone = 0;
  for (int round = 0; round < 50; ++round) {
    auto log = Make("000001.log");
    ASSERT_TRUE(Append(*log, synced).ok());
    Sync(*log);
    ASSERT_TRUE(Append(*log, lost).ok());
    faults_->PowerOff();
    EXPECT_FALSE(Append(*log, lost).ok());
    EXPECT_FALSE(log->Truncate(0, IOOptions(), nullptr).ok());
    EXPECT_FALSE(faults_->Truncate(Path("000001.log"), 0, IOOptions(), nullptr).ok());
    EXPECT_FALSE(log->Close(IOOptions(), nullptr).ok());
    faults_->DropUnsyncedData([&](uint64_t n) { return random() % (n + 1); });

    const std::string left = OnDisk("000001.log");
    ASSERT_EQ(left.size(), kChunk);
    ASSERT_EQ(left.substr(0, 700), synced);
    for (size_t at = 700; at < 3700;) {
      const size_t next = std::min<size_t>(3700, (at / 512 + 1) * 512);
      const std::string sector = left.substr(at, next - at);
      const bool is_kept = sector == std::string(next - at, 'l');
      ASSERT_TRUE(is_kept || sector == std::string(next - at, '\0'));
      ++(is_kept ? kept : gone);
      at = next;
    }
  }
  EXPECT_GT(kept, 100);
  EXPECT_GT(gone, 100);
}

TEST_F(WalFileSystemTest, PowerLossBringsBackWhatWasCutOffUnsynced) {
  for (bool sync : {false, true}) {
    auto log = Make("000001.log");
    ASSERT_TRUE(Append(*log, "data").ok());
    Sync(*log);
    ASSERT_TRUE(log->Truncate(2, IOOptions(), nullptr).ok());
    if (sync) Sync(*log);
    faults_->PowerOff();
    EXPECT_FALSE(log->Close(IOOptions(), nullptr).ok());
    faults_->DropUnsyncedData([](uint64_t) { return 0; });
    EXPECT_TRUE(OnDisk("000001.log") == (sync ? "da" : Filled("data")));
  }
}

}  // namespace
}  // namespace piivault::storage
