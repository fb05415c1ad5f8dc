#include "ops/pki/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace piivault::ops {
namespace {

absl::Status Errno(int error, const char* what, const std::string& path) {
  return absl::ErrnoToStatus(error, absl::StrCat(what, " ", path));
}

absl::Status WriteAll(int fd, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Errno(errno, "write", path);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status Sync(int fd, const std::string& path) {
  return fsync(fd) == 0 ? absl::OkStatus() : Errno(errno, "fsync", path);
}

std::filesystem::path FolderOf(const std::string& path) {
  std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent;
}

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::filesystem::path parent = FolderOf(path);
  const int fd = open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Errno(errno, "open", parent.string());
  const int result = fsync(fd);
  const int error = errno;
  close(fd);
  return result == 0 ? absl::OkStatus() : Errno(error, "fsync", parent.string());
}

// Writes a temporary file beside `path` and returns its name.
absl::StatusOr<std::string> WriteBeside(const std::string& path, std::string_view contents,
                                        mode_t mode) {
  std::string name = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return Errno(errno, "create", name);
  absl::Status status = fchmod(fd, mode) == 0 ? absl::OkStatus() : Errno(errno, "chmod", name);
  if (status.ok()) status = WriteAll(fd, contents, name);
  if (status.ok()) status = Sync(fd, name);
  close(fd);
  if (!status.ok()) {
    unlink(name.c_str());
    return status;
  }
  return name;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_size) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Errno(errno, "open", path);
  absl::Cleanup close_fd = [fd] { close(fd); };
  std::string contents;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Errno(errno, "read", path);
    if (got == 0) return contents;
    if (contents.size() + static_cast<size_t>(got) > max_size) {
      return absl::InvalidArgumentError(absl::StrCat(path, " has more than ", max_size, " bytes"));
    }
    contents.append(buffer.data(), static_cast<size_t>(got));
  }
}

absl::Status WriteFile(const std::string& path, std::string_view contents, mode_t mode) {
  absl::StatusOr<std::string> temporary = WriteBeside(path, contents, mode);
  if (!temporary.ok()) return temporary.status();
  if (rename(temporary->c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary->c_str());
    return Errno(error, "rename to", path);
  }
  return SyncDirectoryOf(path);
}

absl::Status WriteNewFile(const std::string& path, std::string_view contents, mode_t mode) {
  absl::StatusOr<NewFile> file = NewFile::Create(path, mode);
  if (!file.ok()) return file.status();
  const absl::Status written = file->Append(contents);
  return written.ok() ? file->Finish() : written;
}

NewFile::NewFile(std::string path, int fd, std::string temporary)
    : path_(std::move(path)), fd_(fd), temporary_(std::move(temporary)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      temporary_(std::exchange(other.temporary_, std::string())) {}

NewFile::~NewFile() {
  if (fd_ >= 0) close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

absl::StatusOr<NewFile> NewFile::Create(const std::string& path, mode_t mode) {
  struct stat there {};
  if (lstat(path.c_str(), &there) == 0) return Errno(EEXIST, "create", path);
  if (errno != ENOENT) return Errno(errno, "create", path);
  int fd = open(FolderOf(path).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  std::string temporary;
  if (fd < 0) {
    temporary = absl::StrCat(path, ".XXXXXX");
    fd = mkostemp(temporary.data(), O_CLOEXEC);
  }
  if (fd < 0) return Errno(errno, "create", path);
  NewFile file(path, fd, std::move(temporary));
  // Whatever the umask leaves out.
  if (fchmod(fd, mode) != 0) return Errno(errno, "chmod", path);
  return file;
}

absl::Status NewFile::Append(std::string_view contents) { return WriteAll(fd_, contents, path_); }

absl::Status NewFile::Finish() {
  if (absl::Status synced = Sync(fd_, path_); !synced.ok()) return synced;
  const std::string open_file = absl::StrCat("/proc/self/fd/", fd_);
  // Fails where the name is taken, as link() does.
  const int result = linkat(AT_FDCWD, temporary_.empty() ? open_file.c_str() : temporary_.c_str(),
                            AT_FDCWD, path_.c_str(), temporary_.empty() ? AT_SYMLINK_FOLLOW : 0);
  if (result != 0) return Errno(errno, "create", path_);
  return SyncDirectoryOf(path_);
}

absl::Status MakePrivateDirectory(const std::string& path) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    made /= part;
    if (mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
      return Errno(errno, "make directory", made.string());
    }
  }
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return absl::FailedPreconditionError(absl::StrCat(path, " is not a directory"));
  }
  return absl::OkStatus();
}

}  // namespace piivault::ops
