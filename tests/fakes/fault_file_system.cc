#include "tests/fakes/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace piivault::fakes {

using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSSequentialFile;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

std::string FolderOf(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().parent_path().string();
}

std::string Normal(const std::string& path) {
  std::string normal = std::filesystem::path(path).lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

IOStatus PowerIsOff() { return IOStatus::IOError("the power is off"); }

}  // namespace

// Appends and syncs of one file go by the rules; what is written is counted.
class FaultFileSystem::File : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultFileSystem* fs, std::string path, std::unique_ptr<FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), fs_(fs), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    const Verdict verdict = fs_->Judge(Operation::kAppend, path_);
    if (!verdict.status.ok()) {
      if (verdict.half) Write(Slice(data.data(), data.size() / 2), options, debug);
      return verdict.status;
    }
    return Write(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return PlaySync(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return PlaySync(); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // promises nothing
  }

 private:
  IOStatus Write(const Slice& data, const IOOptions& options, IODebugContext* debug) {
    IOStatus status = target()->Append(data, options, debug);
    if (status.ok()) fs_->NoteAppend(path_, data.size());
    return status;
  }
  IOStatus PlaySync() {
    const uint64_t written = fs_->Written(path_);
    const Verdict verdict = fs_->Judge(Operation::kSync, path_);
    if (!verdict.status.ok()) return verdict.status;
    return fs_->NoteSync(path_, written) ? IOStatus::OK() : PowerIsOff();
  }

  FaultFileSystem* const fs_;
  const std::string path_;
};

class FaultFileSystem::Directory : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultFileSystem* fs, std::string path, std::unique_ptr<FSDirectory> target)
      : FSDirectoryWrapper(std::move(target)), fs_(fs), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return PlaySync(); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return PlaySync();
  }

 private:
  IOStatus PlaySync() {
    const Verdict verdict = fs_->Judge(Operation::kSyncDirectory, path_);
    if (!verdict.status.ok()) return verdict.status;
    return fs_->NoteSyncDirectory(path_) ? IOStatus::OK() : PowerIsOff();
  }

  FaultFileSystem* const fs_;
  const std::string path_;
};

FaultFileSystem::FaultFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::Inject(Rule rule) {
  absl::MutexLock lock(&mu_);
  rules_.push_back(std::move(rule));
}

void FaultFileSystem::ClearFaults() {
  absl::MutexLock lock(&mu_);
  rules_.clear();
}

int FaultFileSystem::strikes() const {
  absl::MutexLock lock(&mu_);
  return strikes_;
}

void FaultFileSystem::WaitForStrikes(int count) const {
  absl::MutexLock lock(&mu_);
  auto reached = [this, count]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return strikes_ >= count; };
  mu_.Await(absl::Condition(&reached));
}

void FaultFileSystem::ReleaseHanging() {
  absl::MutexLock lock(&mu_);
  ++release_;
}

void FaultFileSystem::PowerOff() {
  absl::MutexLock lock(&mu_);
  power_off_ = true;
}

void FaultFileSystem::PowerOffAfter(int operations) {
  absl::MutexLock lock(&mu_);
  power_off_in_ = operations;
}

bool FaultFileSystem::power_is_off() const {
  absl::MutexLock lock(&mu_);
  return power_off_;
}

void FaultFileSystem::WaitForPowerOff() const {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&power_off_));
}

FaultFileSystem::Rule* FaultFileSystem::FindRule(Operation operation, const std::string& path) {
  for (Rule& rule : rules_) {
    if (rule.operation != operation || path.find(rule.path_part) == std::string::npos) continue;
    if (rule.skip > 0) {
      --rule.skip;
      continue;
    }
    if (rule.times == 0) continue;
    if (rule.times > 0) --rule.times;
    return &rule;
  }
  return nullptr;
}

FaultFileSystem::Verdict FaultFileSystem::Judge(Operation operation, const std::string& path) {
  absl::MutexLock lock(&mu_);
  const bool counted = operation == Operation::kAppend || operation == Operation::kSync;
  if (counted && power_off_in_ >= 0 && power_off_in_-- == 0) power_off_ = true;
  if (power_off_ && operation != Operation::kRead) return {PowerIsOff()};
  const Rule* rule = FindRule(operation, path);
  if (rule == nullptr) return {};
  ++strikes_;
  const Fault fault = rule->fault;  // the rule may go while this waits
  switch (fault) {
    case Fault::kEio:
      return {IOStatus::IOError("injected EIO")};
    case Fault::kEnospc:
      return {IOStatus::NoSpace("injected ENOSPC")};
    case Fault::kShortWrite:
      return {IOStatus::IOError("injected short write"), true};
    case Fault::kHang:
    case Fault::kHangThenEio:
      break;
  }
  const uint64_t before = release_;
  auto released = [this, before]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return release_ > before; };
  mu_.Await(absl::Condition(&released));
  if (power_off_) return {PowerIsOff()};
  if (fault == Fault::kHangThenEio) return {IOStatus::IOError("injected EIO")};
  return {};
}

void FaultFileSystem::NoteAppend(const std::string& path, uint64_t bytes) {
  absl::MutexLock lock(&mu_);
  files_[path].written += bytes;
}

uint64_t FaultFileSystem::Written(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const auto it = files_.find(path);
  return it == files_.end() ? 0 : it->second.written;
}

bool FaultFileSystem::NoteSync(const std::string& path, uint64_t written_before) {
  absl::MutexLock lock(&mu_);
  if (power_off_) return false;
  FileSize& size = files_[path];
  size.synced = std::max(size.synced, written_before);
  return true;
}

bool FaultFileSystem::NoteSyncDirectory(const std::string& folder) {
  absl::MutexLock lock(&mu_);
  if (power_off_) return false;
  folders_.erase(folder);
  return true;
}

IOStatus FaultFileSystem::NewSequentialFile(const std::string& path, const FileOptions& options,
                                            std::unique_ptr<FSSequentialFile>* result,
                                            IODebugContext* debug) {
  const Verdict verdict = Judge(Operation::kRead, path);
  if (!verdict.status.ok()) return verdict.status;
  return target()->NewSequentialFile(path, options, result, debug);
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& given, const FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* result,
                                          IODebugContext* debug) {
  const std::string path = Normal(given);
  const Verdict verdict = Judge(Operation::kCreate, path);
  if (!verdict.status.ok()) return verdict.status;
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = target()->NewWritableFile(path, options, &file, debug);
  if (!status.ok()) return status;
  {
    absl::MutexLock lock(&mu_);
    // A file that is written anew keeps its place in the folder.
    if (files_.find(path) == files_.end()) folders_[FolderOf(path)].push_back({path, {}, {}});
    files_[path] = {};
  }
  *result = std::make_unique<File>(this, path, std::move(file));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string& given, const FileOptions& options,
                                             std::unique_ptr<FSWritableFile>* result,
                                             IODebugContext* debug) {
  const std::string path = Normal(given);
  const Verdict verdict = Judge(Operation::kCreate, path);
  if (!verdict.status.ok()) return verdict.status;
  std::unique_ptr<FSWritableFile> file;
  IOStatus status = target()->ReopenWritableFile(path, options, &file, debug);
  if (!status.ok()) return status;
  {
    absl::MutexLock lock(&mu_);
    const uint64_t size = file->GetFileSize(IOOptions(), debug);
    files_.try_emplace(path, FileSize{size, size});
  }
  *result = std::make_unique<File>(this, path, std::move(file));
  return status;
}

IOStatus FaultFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<FSDirectory>* result,
                                       IODebugContext* debug) {
  std::unique_ptr<FSDirectory> directory;
  IOStatus status = target()->NewDirectory(path, options, &directory, debug);
  if (status.ok()) {
    *result = std::make_unique<Directory>(this, Normal(path), std::move(directory));
  }
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& given, const IOOptions& options,
                                     IODebugContext* debug) {
  const std::string path = Normal(given);
  {
    absl::MutexLock lock(&mu_);
    if (power_off_) return PowerIsOff();
    files_.erase(path);
  }
  return target()->DeleteFile(path, options, debug);
}

IOStatus FaultFileSystem::RenameFile(const std::string& given_from, const std::string& given_to,
                                     const IOOptions& options, IODebugContext* debug) {
  const std::string from = Normal(given_from);
  const std::string to = Normal(given_to);
  const Verdict verdict = Judge(Operation::kRename, to);
  if (!verdict.status.ok()) return verdict.status;
  FolderChange change{to, from, std::nullopt};
  if (std::filesystem::exists(to)) change.replaced = ReadAll(to);
  IOStatus status = target()->RenameFile(from, to, options, debug);
  if (!status.ok()) return status;
  absl::MutexLock lock(&mu_);
  const auto it = files_.find(from);
  if (it != files_.end()) {
    files_[to] = it->second;
    files_.erase(it);
  }
  folders_[FolderOf(to)].push_back(std::move(change));
  return status;
}

void FaultFileSystem::Undo(const FolderChange& change) {
  std::error_code ignored;
  if (!change.old_name) {
    std::filesystem::remove(change.path, ignored);
    return;
  }
  std::filesystem::rename(change.path, *change.old_name, ignored);
  if (change.replaced) std::ofstream(change.path, std::ios::binary) << *change.replaced;
}

void FaultFileSystem::DropUnsyncedData(const std::function<uint64_t(uint64_t)>& keep) {
  absl::MutexLock lock(&mu_);
  for (const auto& [path, size] : files_) {
    std::error_code gone;
    const uint64_t on_disk = std::filesystem::file_size(path, gone);
    if (gone) continue;
    const uint64_t end = size.synced + keep(size.written - size.synced);
    if (end < on_disk) std::filesystem::resize_file(path, end);
  }
  for (auto& [folder, changes] : folders_) {
    const uint64_t kept = keep(changes.size());
    while (changes.size() > kept) {
      Undo(changes.back());
      changes.pop_back();
    }
  }
  // What is left counts as durable.
  files_.clear();
  folders_.clear();
  rules_.clear();
  power_off_ = false;
  power_off_in_ = -1;
}

}  // namespace piivault::fakes
