// Files that belong to one person: read and replaced whole.
#ifndef PIIVAULT_OPS_PKI_FILES_H_
#define PIIVAULT_OPS_PKI_FILES_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace piivault::ops {

inline constexpr size_t kMaxFileSize = size_t{1} << 30;

// Reads a regular file or a pipe to its end. NOT_FOUND, PERMISSION_DENIED, UNKNOWN (I/O), and
// INVALID_ARGUMENT for more than `max_size` bytes.
[[nodiscard]] absl::StatusOr<std::string> ReadFile(const std::string& path,
                                                   size_t max_size = kMaxFileSize);

// Replaces `path` by `contents` with exactly this mode, so that a crash leaves the old or the new
// file whole. Never follows a symbolic link at `path`: it is replaced.
[[nodiscard]] absl::Status WriteFile(const std::string& path, std::string_view contents,
                                     mode_t mode);

// As WriteFile(), but ALREADY_EXISTS where there is a file.
[[nodiscard]] absl::Status WriteNewFile(const std::string& path, std::string_view contents,
                                        mode_t mode);

// A new file that is there whole or not at all: what is appended has no name until
// Finish(), so that nothing of it stays where the program ends before. Thread-compatible.
class NewFile {
 public:
  // ALREADY_EXISTS where there is a file; the codes of WriteFile().
  [[nodiscard]] static absl::StatusOr<NewFile> Create(const std::string& path, mode_t mode = 0600);
  ~NewFile();
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;

  [[nodiscard]] absl::Status Append(std::string_view contents);
  // Gives the file its name. ALREADY_EXISTS where there is one by now.
  [[nodiscard]] absl::Status Finish();

 private:
  NewFile(std::string path, int fd, std::string temporary);

  std::string path_;
  int fd_;
  std::string temporary_;  // its name until then, on file systems that have no files without one
};

// Makes the directory and its parents, mode 0700; leaves what exists as it is.
[[nodiscard]] absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace piivault::ops

#endif  // PIIVAULT_OPS_PKI_FILES_H_
