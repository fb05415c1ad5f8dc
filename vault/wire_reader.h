#ifndef PIIVAULT_VAULT_WIRE_READER_H_
#define PIIVAULT_VAULT_WIRE_READER_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace piivault::vault {

// Goes through the fields of a message in protobuf's wire format without making an object of it.
//
//   WireReader fields(bytes);
//   while (fields.Next()) if (fields.number() == 3) use(fields.bytes());
//   if (!fields.ok()) ... malformed
//
// Knows varints and length-delimited fields, as all stored messages of the hot path have; anything
// else is malformed. Does not: check UTF-8, or that a field has the type that a schema says (then
// varint() is 0 and bytes() empty). Borrows the bytes. Thread-compatible.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  // Moves to the next field; false at the end or where the bytes are malformed.
  bool Next() {
    varint_ = 0;
    bytes_ = {};
    if (rest_.empty()) return false;
    const std::optional<uint64_t> tag = TakeVarint();
    if (!tag.has_value() || *tag >> 3 == 0 || *tag >> 3 > kMaxNumber) return Fail();
    number_ = static_cast<int>(*tag >> 3);
    const std::optional<uint64_t> value = TakeVarint();
    if (!value.has_value()) return Fail();
    switch (*tag & 7) {
      case 0:
        varint_ = *value;
        return true;
      case 2:
        if (*value > rest_.size()) return Fail();
        bytes_ = rest_.substr(0, *value);
        rest_.remove_prefix(*value);
        return true;
      default:
        return Fail();
    }
  }

  bool ok() const { return ok_; }
  int number() const { return number_; }
  uint64_t varint() const { return varint_; }
  std::string_view bytes() const { return bytes_; }

 private:
  static constexpr uint64_t kMaxNumber = (1u << 29) - 1;

  bool Fail() {
    ok_ = false;
    rest_ = {};
    return false;
  }

  std::optional<uint64_t> TakeVarint() {
    uint64_t value = 0;
    for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
      const auto byte = static_cast<uint8_t>(rest_[i]);
      value |= uint64_t{byte & 0x7fu} << (7 * i);
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
  std::string_view bytes_;
  uint64_t varint_ = 0;
  int number_ = 0;
  bool ok_ = true;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_WIRE_READER_H_
