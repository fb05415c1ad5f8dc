#include "vault/keys/keyring_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxFile = size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  bool valid() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Failed(const char* what, const std::string& path, int error) {
  const std::string message =
      absl::StrCat("cannot ", what, " ", path, ": ", std::string(std::strerror(error)));
  if (error == ENOENT) return absl::NotFoundError(message);
  return absl::UnavailableError(message);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

absl::Status WriteSynced(const std::string& path, std::string_view contents) {
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return Failed("create", path, errno);
  // A file left behind by a crash may have another mode.
  if (fchmod(file.get(), 0600) != 0) return Failed("protect", path, errno);
  if (!WriteAll(file.get(), contents)) return Failed("write", path, errno);
  if (fsync(file.get()) != 0) return Failed("sync", path, errno);
  return absl::OkStatus();
}

absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash);
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.valid()) return Failed("open", folder, errno);
  if (fsync(opened.get()) != 0) return Failed("sync", folder, errno);
  return absl::OkStatus();
}

// Of a file that has no name any more. An effort, not a promise: journals, snapshots and flash may
// keep what was there; that is why a failure is not one of the replacement.
void OverwriteOld(int fd) {
  struct stat info;
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  const std::string zeros(static_cast<size_t>(info.st_size), '\0');
  if (lseek(fd, 0, SEEK_SET) == 0 && WriteAll(fd, zeros)) static_cast<void>(fdatasync(fd));
}

}  // namespace

absl::StatusOr<std::string> ReadKeyFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return Failed("open", path, errno);
  std::string contents(kMaxFile + 1, '\0');
  size_t size = 0;
  while (size < contents.size()) {
    const ssize_t got = read(file.get(), contents.data() + size, contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > kMaxFile) return absl::DataLossError(absl::StrCat(path, " is too large"));
  contents.resize(size);
  return contents;
}

absl::Status ReplaceKeyFile(const std::string& path, std::string_view contents) {
  const std::string temporary = path + ".tmp";
  // Opened before the rename takes its name away.
  const Descriptor old(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!old.valid() && errno != ENOENT) return Failed("open", path, errno);
  absl::Cleanup remove_temporary = [&temporary] { unlink(temporary.c_str()); };
  if (absl::Status status = WriteSynced(temporary, contents); !status.ok()) return status;
  if (std::rename(temporary.c_str(), path.c_str()) != 0) return Failed("replace", path, errno);
  std::move(remove_temporary).Cancel();
  if (absl::Status status = SyncFolderOf(path); !status.ok()) return status;
  if (old.valid()) OverwriteOld(old.get());
  return absl::OkStatus();
}

}  // namespace piivault::vault
