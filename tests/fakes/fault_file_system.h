#ifndef PIIVAULT_TESTS_FAKES_FAULT_FILE_SYSTEM_H_
#define PIIVAULT_TESTS_FAKES_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/file_system.h"

namespace piivault::fakes {

// A file system for RocksDB that fails as told and can lose its power.
//
// Faults: Inject() makes chosen operations on chosen files fail, or hang until released.
// Power loss: PowerOff() makes every operation that changes something fail; when the database is
// closed, DropUnsyncedData() takes back what no sync had covered: the ends of files, sectors that
// were written at a position, truncations, and creations and renames in folders that were not
// synced since. Deletions stay done.
// Syncs are played, not done: nothing of a test needs to survive the machine's own power loss.
// The rest is the default file system's. Thread-safe. Give it to the engine as a shared_ptr.
class FaultFileSystem : public rocksdb::FileSystemWrapper {
 public:
  // Writing at a position is kAppend, too.
  enum class Operation { kCreate, kAppend, kSync, kSyncDirectory, kTruncate, kRename, kRead };
  enum class Fault {
    kEio,
    kEnospc,
    kShortWrite,  // half of the data, then EIO; for kAppend
    kHang,        // waits for ReleaseHanging(), then goes on as if nothing was
    kHangThenEio,
  };
  struct Rule {
    Operation operation = Operation::kAppend;
    Fault fault = Fault::kEio;
    std::string path_part;  // of the file's path, e.g. ".log" or ".sst"; empty for all
    int skip = 0;           // how many operations to let pass first
    int times = 1;          // how often it strikes; kAlways until ClearFaults()
  };
  static constexpr int kAlways = -1;

  FaultFileSystem();
  ~FaultFileSystem() override;
  const char* Name() const override { return "FaultFileSystem"; }

  void Inject(Rule rule);
  void ClearFaults();
  // How many operations have failed or hung because of a rule.
  int strikes() const;
  void WaitForStrikes(int count) const;
  // Lets everything go on that hangs now.
  void ReleaseHanging();

  // From now, or after that many more appends and syncs, nothing changes on disk any more.
  void PowerOff();
  void PowerOffAfter(int operations);
  bool power_is_off() const;
  void WaitForPowerOff() const;
  // REQUIRES: no file is open for writing. `keep` says how much of what may be lost stays: given
  // n, a number from 0 to n. Switches the power on again.
  void DropUnsyncedData(const std::function<uint64_t(uint64_t)>& keep);

  // FileSystem.
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* result,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;
  // How far a file had come; what came before it is durable after a sync.
  struct Progress {
    uint64_t written = 0;
    uint64_t serial = 0;
  };
  // What stood where something was written at a position: zeros beyond the file's end.
  struct Overwrite {
    uint64_t serial = 0;
    uint64_t offset = 0;
    std::string before;
  };
  struct Truncation {
    uint64_t serial = 0;
    uint64_t offset = 0;
    std::string before;
    uint64_t synced_before = 0;
  };
  struct FileState {
    uint64_t written = 0;  // its size
    uint64_t synced = 0;
    uint64_t next_serial = 0;
    std::vector<Overwrite> overwrites;     // since the last sync, in order
    std::optional<Truncation> truncation;  // the last one, if nothing was written or synced since
  };
  // A change of a folder that it may forget.
  struct FolderChange {
    std::string path;                     // what was made, or the new name
    std::optional<std::string> old_name;  // where it was a rename
    std::optional<std::string> replaced;  // content of the file that the new name stood for
  };
  struct Verdict {
    rocksdb::IOStatus status;
    bool half = false;  // do half of it before failing
  };

  // Decides an operation before it is done; waits where it is to hang.
  Verdict Judge(Operation operation, const std::string& path) ABSL_LOCKS_EXCLUDED(mu_);
  Rule* FindRule(Operation operation, const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteAppend(const std::string& path, uint64_t bytes);
  void NoteOverwrite(const std::string& path, uint64_t offset, const rocksdb::Slice& data);
  // Truncates by `truncate` as the rules have it.
  rocksdb::IOStatus PlayTruncate(const std::string& path, uint64_t size,
                                 const std::function<rocksdb::IOStatus()>& truncate);
  // False if the power went off meanwhile.
  bool NoteSync(const std::string& path, const Progress& before);
  bool NoteSyncDirectory(const std::string& folder);
  Progress ProgressOf(const std::string& path) const;
  void Undo(const FolderChange& change);
  static void Drop(const std::string& path, FileState& state,
                   const std::function<uint64_t(uint64_t)>& keep);

  mutable absl::Mutex mu_;
  std::vector<Rule> rules_ ABSL_GUARDED_BY(mu_);
  int strikes_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t release_ ABSL_GUARDED_BY(mu_) = 0;  // grows with each ReleaseHanging()
  bool power_off_ ABSL_GUARDED_BY(mu_) = false;
  int power_off_in_ ABSL_GUARDED_BY(mu_) = -1;
  std::map<std::string, FileState> files_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<FolderChange>> folders_ ABSL_GUARDED_BY(mu_);
};

}  // namespace piivault::fakes

#endif  // PIIVAULT_TESTS_FAKES_FAULT_FILE_SYSTEM_H_
