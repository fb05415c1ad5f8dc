#ifndef PIIVAULT_TESTS_STORAGE_SCRATCH_DIR_H_
#define PIIVAULT_TESTS_STORAGE_SCRATCH_DIR_H_

#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>

namespace piivault::storage {

// A new folder, removed at the end. In $TEST_TMPDIR, $TMPDIR or /tmp.
class ScratchDir {
 public:
  ScratchDir() {
    const char* base = ::getenv("TEST_TMPDIR");
    if (base == nullptr) base = ::getenv("TMPDIR");
    path_ = std::string(base == nullptr ? "/tmp" : base) + "/piivault.XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) {
      std::perror("mkdtemp");
      std::abort();
    }
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_SCRATCH_DIR_H_
