#ifndef PIIVAULT_STORAGE_WAL_TAIL_H_
#define PIIVAULT_STORAGE_WAL_TAIL_H_

#include <string>

#include "rocksdb/file_system.h"

namespace piivault::storage {

// Makes every write-ahead log of a directory end with its last whole record, before RocksDB reads
// them: cuts off the zeros that a crash left (storage/wal_file_system.h), and what is there of a
// record that was being written.
//
// One record at most was not synced when the machine stopped, the last one; of its sectors any may
// be on disk, and zeros in the place of the others. So what stands behind the last whole record is
// such remains only if no record begins in it: one that does was written after something before it
// had been synced. Nor has a log remains when there is anything in a later one.
//
// Guarantees: changes nothing where it returns Corruption, and no log that ends with a whole
// record; what it cuts off is synced away, so that it does not come back beside a later log. Reads
// a block at a time. Does not: notice that a log was cut at the end of a record, nor tell damage
// within the last record from remains of it; that takes an anchor outside.
//
// Holds the directory's lock meanwhile. Returns OK where there is no such directory, Corruption
// where a log is damaged, and else what the file system says, as for a lock that is taken.
rocksdb::Status CutWalTails(rocksdb::FileSystem& files, const std::string& directory);

}  // namespace piivault::storage

#endif  // PIIVAULT_STORAGE_WAL_TAIL_H_
