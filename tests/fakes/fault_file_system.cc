#include "tests/fakes/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
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

std::string ReadRange(const std::string& path, uint64_t offset, uint64_t size) {
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(offset));
  std::string bytes(size, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<size_t>(in.gcount()));
  return bytes;
}

void WriteRange(const std::string& path, uint64_t offset, std::string_view bytes) {
  std::fstream out(path, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(offset));
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// What a disk writes in one piece.
constexpr uint64_t kSector = 512;

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
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    const Verdict verdict = fs_->Judge(Operation::kAppend, path_);
    if (!verdict.status.ok()) {
      if (verdict.half) WriteAt(Slice(data.data(), data.size() / 2), offset, options, debug);
      return verdict.status;
    }
    return WriteAt(data, offset, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return PositionedAppend(data, offset, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    return fs_->PlayTruncate(path_, size, [&] { return target()->Truncate(size, options, debug); });
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
  IOStatus WriteAt(const Slice& data, uint64_t offset, const IOOptions& options,
                   IODebugContext* debug) {
    fs_->NoteOverwrite(path_, offset, data);
    return target()->PositionedAppend(data, offset, options, debug);
  }
  IOStatus PlaySync() {
    const Progress before = fs_->ProgressOf(path_);
    const Verdict verdict = fs_->Judge(Operation::kSync, path_);
    if (!verdict.status.ok()) return verdict.status;
    return fs_->NoteSync(path_, before) ? IOStatus::OK() : PowerIsOff();
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
  FileState& state = files_[path];
  state.written += bytes;
  state.truncation.reset();
}

void FaultFileSystem::NoteOverwrite(const std::string& path, uint64_t offset, const Slice& data) {
  absl::MutexLock lock(&mu_);
  FileState& state = files_[path];
  std::string before = ReadRange(path, offset, data.size());
  before.resize(data.size());
  if (data != Slice(before)) {
    state.overwrites.push_back({state.next_serial++, offset, std::move(before)});
  }
  state.written = std::max(state.written, offset + data.size());
  state.truncation.reset();
}

IOStatus FaultFileSystem::PlayTruncate(const std::string& path, uint64_t size,
                                       const std::function<IOStatus()>& truncate) {
  const Verdict verdict = Judge(Operation::kTruncate, path);
  if (!verdict.status.ok()) return verdict.status;
  absl::MutexLock lock(&mu_);
  FileState& state = files_[path];
  if (size < state.written) {
    state.truncation = Truncation{state.next_serial++, size,
                                  ReadRange(path, size, state.written - size), state.synced};
  }
  IOStatus status = truncate();
  if (!status.ok()) return status;
  state.written = size;
  state.synced = std::min(state.synced, size);
  return status;
}

FaultFileSystem::Progress FaultFileSystem::ProgressOf(const std::string& path) const {
  absl::MutexLock lock(&mu_);
  const auto it = files_.find(path);
  if (it == files_.end()) return {};
  return {it->second.written, it->second.next_serial};
}

bool FaultFileSystem::NoteSync(const std::string& path, const Progress& before) {
  absl::MutexLock lock(&mu_);
  if (power_off_) return false;
  FileState& state = files_[path];
  state.synced = std::max(state.synced, std::min(before.written, state.written));
  std::erase_if(state.overwrites,
                [&](const Overwrite& overwrite) { return overwrite.serial < before.serial; });
  if (state.truncation && state.truncation->serial < before.serial) state.truncation.reset();
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
    files_.try_emplace(path, FileState{size, size, 0, {}, {}});
  }
  *result = std::make_unique<File>(this, path, std::move(file));
  return status;
}

IOStatus FaultFileSystem::Truncate(const std::string& given, size_t size, const IOOptions& options,
                                   IODebugContext* debug) {
  const std::string path = Normal(given);
  {
    absl::MutexLock lock(&mu_);
    std::error_code gone;
    const uint64_t on_disk = std::filesystem::file_size(path, gone);
    if (!gone) files_.try_emplace(path, FileState{on_disk, on_disk, 0, {}, {}});
  }
  return PlayTruncate(path, size, [&] { return target()->Truncate(path, size, options, debug); });
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

void FaultFileSystem::Drop(const std::string& path, FileState& state,
                           const std::function<uint64_t(uint64_t)>& keep) {
  if (state.truncation && keep(1) == 0) {
    WriteRange(path, state.truncation->offset, state.truncation->before);
    state.written = state.truncation->offset + state.truncation->before.size();
    state.synced = state.truncation->synced_before;
  }
  // What each sector held, from the oldest on: any of it may be what is on disk.
  std::map<uint64_t, std::vector<std::pair<uint64_t, std::string>>> sectors;
  for (const Overwrite& overwrite : state.overwrites) {
    const uint64_t end = std::min(overwrite.offset + overwrite.before.size(), state.written);
    for (uint64_t at = overwrite.offset; at < end;) {
      const uint64_t next = std::min(end, (at / kSector + 1) * kSector);
      sectors[at / kSector].emplace_back(at,
                                         overwrite.before.substr(at - overwrite.offset, next - at));
      at = next;
    }
  }
  for (const auto& [sector, changes] : sectors) {
    const uint64_t kept = keep(changes.size());
    for (size_t i = changes.size(); i > kept; --i) {
      WriteRange(path, changes[i - 1].first, changes[i - 1].second);
    }
  }
  const uint64_t end = state.synced + keep(state.written - state.synced);
  if (end < std::filesystem::file_size(path)) std::filesystem::resize_file(path, end);
}

void FaultFileSystem::DropUnsyncedData(const std::function<uint64_t(uint64_t)>& keep) {
  absl::MutexLock lock(&mu_);
  for (auto& [path, state] : files_) {
    if (std::filesystem::exists(path)) Drop(path, state, keep);
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
