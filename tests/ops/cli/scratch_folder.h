#ifndef PIIVAULT_TESTS_OPS_CLI_SCRATCH_FOLDER_H_
#define PIIVAULT_TESTS_OPS_CLI_SCRATCH_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace piivault::ops {

// A folder of its own for one test, gone afterwards.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "piivault-cli-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }
  // Writes the file and returns its path.
  std::string Write(const std::string& name, std::string_view contents) const {
    std::ofstream(File(name), std::ios::binary) << contents;
    return File(name);
  }
  std::string Read(const std::string& name) const {
    std::ostringstream out;
    out << std::ifstream(File(name), std::ios::binary).rdbuf();
    return out.str();
  }

 private:
  std::string path_;
};

}  // namespace piivault::ops

#endif  // PIIVAULT_TESTS_OPS_CLI_SCRATCH_FOLDER_H_
