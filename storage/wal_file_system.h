#ifndef PIIVAULT_STORAGE_WAL_FILE_SYSTEM_H_
#define PIIVAULT_STORAGE_WAL_FILE_SYSTEM_H_

#include <cstddef>
#include <memory>
#include <string>

#include "rocksdb/file_system.h"

namespace piivault::storage {

// A file system that writes new write-ahead logs (`*.log`) over zeros.
//
// Why: syncing an append commits the file's new size to the file system's journal, and waits for
// whatever else the journal commits. Syncing bytes that were there already does neither. So a log
// is filled up with zeros, a chunk at a time, and records are put over them.
//
// Guarantees: GetFileSize() is the end of the data, Close() cuts the file there; an append fails
// when the zeros behind it cannot be written, and then the data's end is where it was. What a crash
// leaves is for CutWalTails() (storage/wal_tail.h). Does not: change other files, logs that are
// opened again, or how anything is read. Shares the wrapped file system. Thread-safe as that is.
class WalFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // One sync in so many bytes waits for the journal. With batches of a few kB that is less than one
  // in a hundred; twice as much would write for as long as the wait that it saves.
  static constexpr size_t kChunk = size_t{1} << 20;

  explicit WalFileSystem(const std::shared_ptr<rocksdb::FileSystem>& target);
  const char* Name() const override { return "WalFileSystem"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;

 private:
  class File;
  const std::string zeros_;  // a chunk
};

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_WAL_FILE_SYSTEM_H_
