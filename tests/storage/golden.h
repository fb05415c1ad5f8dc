#ifndef PIIVAULT_TESTS_STORAGE_GOLDEN_H_
#define PIIVAULT_TESTS_STORAGE_GOLDEN_H_

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"

namespace piivault::storage {

// The words of each line of a file in tests/storage/golden; "#" begins a comment.
inline std::vector<std::vector<std::string>> ReadGolden(const std::string& name) {
  std::ifstream in(std::string(PIIVAULT_SOURCE_DIR) + "/tests/storage/golden/" + name);
  std::vector<std::vector<std::string>> lines;
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    auto& row = lines.emplace_back();
    for (std::string word; words >> word;) row.push_back(word);
  }
  return lines;
}

inline std::string ToHex(const std::string& bytes) {
  return bytes.empty() ? "-" : absl::BytesToHexString(bytes);
}
inline std::string FromHex(const std::string& hex) {
  return hex == "-" ? "" : absl::HexStringToBytes(hex);
}

}  // namespace piivault::storage

#endif  // PIIVAULT_TESTS_STORAGE_GOLDEN_H_
