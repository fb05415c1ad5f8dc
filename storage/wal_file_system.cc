#include "storage/wal_file_system.h"

#include <cstdint>
#include <string_view>
#include <utility>

namespace piivault::storage {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// Used by one thread at a time, but for syncs.
class WalFileSystem::File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  // Borrows the zeros: a file does not outlive its file system.
  File(std::unique_ptr<rocksdb::FSWritableFile> target, std::string_view zeros)
      : FSWritableFileOwnerWrapper(std::move(target)), zeros_(zeros) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const uint64_t end = end_ + data.size();
    const uint64_t filled = end <= filled_ ? filled_ : (end + kChunk - 1) / kChunk * kChunk;
    IOStatus status = target()->PositionedAppend(data, end_, options, debug);
    if (status.ok() && filled > filled_ && filled > end) {
      const Slice zeros(zeros_.data(), filled - end);
      status = target()->PositionedAppend(zeros, end, options, debug);
    }
    if (!status.ok()) return status;
    end_ = end;
    filled_ = filled;
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  // RocksDB writes to positions only past the page cache, which logs do not.
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("a log is appended to");
  }
  IOStatus PositionedAppend(const Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("a log is appended to");
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = target()->Truncate(size, options, debug);
    if (status.ok()) end_ = filled_ = size;
    return status;
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return end_; }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    // Also what a failed append left.
    IOStatus cut = target()->Truncate(end_, options, debug);
    IOStatus closed = target()->Close(options, debug);
    return cut.ok() ? closed : cut;
  }

  // Space that is only reserved is no help: writing to it is for the journal, too.
  void PrepareWrite(size_t, size_t, const IOOptions&, IODebugContext*) override {}
  IOStatus Allocate(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  const std::string_view zeros_;
  uint64_t end_ = 0;     // of the data
  uint64_t filled_ = 0;  // from end_ up to here are zeros
};

WalFileSystem::WalFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target)
    : FileSystemWrapper(target), zeros_(kChunk, '\0') {}

IOStatus WalFileSystem::NewWritableFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* result,
                                        IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, result, debug);
  if (status.ok() && path.ends_with(".log")) {
    *result = std::make_unique<File>(std::move(*result), zeros_);
  }
  return status;
}

}  // namespace piivault::storage
