#ifndef PIIVAULT_TESTS_VAULT_KEYS_RECORD_PARTS_H_
#define PIIVAULT_TESTS_VAULT_KEYS_RECORD_PARTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vault/keys/byte_io.h"

namespace piivault::vault {

// A record's row cut into what it is made of, to be put together otherwise.
struct RecordParts {
  std::string prefix;  // format, suite, version
  std::vector<std::string> parts;

  explicit RecordParts(std::string_view row) : prefix(row.substr(0, 10)) {
    row.remove_prefix(10);
    const uint16_t count = *TakeU16(&row);
    for (uint16_t i = 0; i < count; ++i) {
      parts.emplace_back(*TakeBytes(*TakeU32(&row), &row));
    }
  }
  std::string Join() const {
    std::string row = prefix;
    AppendU16(static_cast<uint16_t>(parts.size()), &row);
    for (const std::string& part : parts) {
      AppendU32(static_cast<uint32_t>(part.size()), &row);
      row += part;
    }
    return row;
  }
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_KEYS_RECORD_PARTS_H_
