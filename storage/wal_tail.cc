#include "storage/wal_tail.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/file_checksum.h"

namespace piivault::storage {
namespace {

using rocksdb::IOOptions;
using rocksdb::IOStatus;

// The format of LevelDB's logs (doc/log_format.md there). A block is a sequence of fragments; where
// fewer bytes than a header are left at its end they are zeros. A fragment:
//   crc     u32, little-endian: masked CRC-32C of type and payload
//   length  u16, little-endian: of the payload
//   type    u8
//   payload
constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr size_t kRecyclableHeader = 11;  // the log's number follows the type; the crc covers it
enum FragmentType : uint8_t {
  kNone = 0,  // zeros, where nothing was written yet
  kFull = 1,
  kFirst = 2,
  kMiddle = 3,
  kLast = 4,
  // RocksDB's further ones: never in our logs, but not to be cut off where another program or
  // version wrote them.
  kRecyclableFull = 5,
  kRecyclableLast = 8,
  kLastKnown = 10,
};

uint32_t LittleEndian(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    value = (value << 8) | static_cast<uint8_t>(bytes[i - 1]);
  }
  return value;
}

uint32_t MaskedCrc(std::string_view bytes) {
  // RocksDB's own, by the one door to it that is public.
  const std::unique_ptr<rocksdb::FileChecksumGenerator> generator =
      rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
  generator->Update(bytes.data(), bytes.size());
  generator->Finalize();
  uint32_t crc = 0;
  for (char c : generator->GetChecksum()) crc = (crc << 8) | static_cast<uint8_t>(c);
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

struct Fragment {
  uint8_t type = kNone;
  size_t size = 0;  // with its header
  bool begins_record() const { return type != kMiddle && type != kLast; }
};

// The fragment at the beginning of what is left of a block; none where none is whole and valid.
std::optional<Fragment> FragmentAt(std::string_view rest) {
  if (rest.size() < kHeader) return std::nullopt;
  const auto type = static_cast<uint8_t>(rest[6]);
  if (type == kNone || type > kLastKnown) return std::nullopt;
  const bool recyclable = type >= kRecyclableFull && type <= kRecyclableLast;
  const size_t size = (recyclable ? kRecyclableHeader : kHeader) + LittleEndian(rest.substr(4, 2));
  if (size > rest.size()) return std::nullopt;
  if (LittleEndian(rest.substr(0, 4)) != MaskedCrc(rest.substr(6, size - 6))) return std::nullopt;
  return Fragment{type, size};
}

// Takes a log, block by block, and tells where its records end.
class RecordFinder {
 public:
  // REQUIRES: all blocks but the last are of kBlock bytes.
  void AddBlock(std::string_view block) {
    size_t at = 0;
    if (!lost_) at = FollowRecords(block);
    if (lost_ && !damaged_) damaged_ = FindsRecord(block.substr(at));
    if (const size_t last = block.find_last_not_of('\0'); last != std::string_view::npos) {
      data_end_ = size_ + last + 1;
    }
    size_ += block.size();
  }

  uint64_t size() const { return size_; }
  // End of the last whole record before the first place where none is.
  uint64_t records_end() const { return records_end_; }
  bool holds_data() const { return data_end_ > 0; }
  bool has_remains() const { return data_end_ > records_end_; }
  bool damaged() const { return damaged_; }

 private:
  // Goes on from fragment to fragment; lost_ where it cannot. Returns how far it came.
  size_t FollowRecords(std::string_view block) {
    size_t at = 0;
    while (block.size() - at >= kHeader) {
      const std::optional<Fragment> fragment = FragmentAt(block.substr(at));
      if (!fragment || fragment->type > kLast || fragment->begins_record() == in_record_) {
        lost_ = true;
        return at;
      }
      at += fragment->size;
      in_record_ = fragment->type == kFirst || fragment->type == kMiddle;
      if (!in_record_) records_end_ = size_ + at;
    }
    lost_ = block.find_first_not_of('\0', at) != std::string_view::npos;
    return at;
  }

  // Whether a record begins anywhere in these bytes. At every byte, as the length that would lead
  // to the next one may be what is damaged. Payloads do not look like records: they are ciphertext,
  // names and numbers.
  static bool FindsRecord(std::string_view bytes) {
    for (size_t at = 0; at + kHeader <= bytes.size();) {
      const std::optional<Fragment> fragment = FragmentAt(bytes.substr(at));
      if (fragment && fragment->begins_record()) return true;
      at += fragment ? fragment->size : 1;
    }
    return false;
  }

  uint64_t size_ = 0;
  uint64_t records_end_ = 0;
  uint64_t data_end_ = 0;   // of what is not zeros
  bool in_record_ = false;  // its first fragment was there, its last not yet
  bool lost_ = false;       // met a place that is not a whole record
  bool damaged_ = false;    // and a record behind it
};

IOStatus ReadLog(rocksdb::FileSystem& files, const std::string& path, RecordFinder* finder) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  IOStatus status = files.NewSequentialFile(path, rocksdb::FileOptions(), &file, nullptr);
  std::string scratch(kBlock, '\0');
  while (status.ok()) {
    rocksdb::Slice read;
    status = file->Read(kBlock, IOOptions(), &read, scratch.data(), nullptr);
    if (!status.ok() || read.empty()) break;
    finder->AddBlock({read.data(), read.size()});
    if (read.size() < kBlock) break;
  }
  return status;
}

IOStatus CutLog(rocksdb::FileSystem& files, const std::string& path, uint64_t end) {
  rocksdb::FileOptions options;
  options.use_mmap_writes = false;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status = files.ReopenWritableFile(path, options, &file, nullptr);
  if (!status.ok()) return status;
  status = file->Truncate(end, IOOptions(), nullptr);
  if (status.ok()) status = file->Fsync(IOOptions(), nullptr);
  IOStatus closed = file->Close(IOOptions(), nullptr);
  return status.ok() ? closed : status;
}

// Paths of the logs, the newest first.
std::vector<std::string> FindLogs(rocksdb::FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  // Where there is no directory, whoever opens the database says so.
  files.GetChildren(directory, IOOptions(), &names, nullptr).PermitUncheckedError();
  std::erase_if(names, [](const std::string& name) {
    const std::string_view number = std::string_view(name).substr(0, name.find('.'));
    return !name.ends_with(".log") || number.size() + 4 != name.size() || number.empty() ||
           !std::all_of(number.begin(), number.end(), absl::ascii_isdigit);
  });
  // By number: it has leading zeros up to a certain size.
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::tuple(b.size(), std::string_view(b)) < std::tuple(a.size(), std::string_view(a));
  });
  for (std::string& name : names) name = absl::StrCat(directory, "/", name);
  return names;
}

rocksdb::Status CutLogs(rocksdb::FileSystem& files, const std::vector<std::string>& logs) {
  struct Cut {
    std::string path;
    uint64_t end = 0;
  };
  std::vector<Cut> cuts;
  bool later_data = false;
  for (const std::string& path : logs) {
    RecordFinder found;
    if (IOStatus status = ReadLog(files, path, &found); !status.ok()) return status;
    if (found.damaged() || (later_data && found.has_remains())) {
      return rocksdb::Status::Corruption(
          absl::StrCat("the write-ahead log is damaged behind byte ", found.records_end()), path);
    }
    if (found.size() > found.records_end()) cuts.push_back({path, found.records_end()});
    later_data = later_data || found.holds_data();
  }
  for (const Cut& cut : cuts) {
    if (IOStatus status = CutLog(files, cut.path, cut.end); !status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

}  // namespace

rocksdb::Status CutWalTails(rocksdb::FileSystem& files, const std::string& directory) {
  const std::vector<std::string> logs = FindLogs(files, directory);
  if (logs.empty()) return rocksdb::Status::OK();
  // Another process may be writing to them.
  rocksdb::FileLock* lock = nullptr;
  IOStatus status = files.LockFile(absl::StrCat(directory, "/LOCK"), IOOptions(), &lock, nullptr);
  if (!status.ok()) return status;
  rocksdb::Status done = CutLogs(files, logs);
  status = files.UnlockFile(lock, IOOptions(), nullptr);
  return done.ok() ? status : done;
}

}  // namespace piivault::storage
