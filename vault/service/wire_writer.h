#ifndef PIIVAULT_VAULT_SERVICE_WIRE_WRITER_H_
#define PIIVAULT_VAULT_SERVICE_WIRE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace piivault::vault {

// Writes a message in protobuf's wire format (https://protobuf.dev/programming-guides/encoding)
// straight into memory that is overwritten before it is let go of. For answers with released
// values: a message object would hold each of them in a string of its own, to be found and wiped.
//
// Fields may come in any order; as in proto3, those with their default value are left out.
// Guarantees: no copy of what was written stays behind, also not by growth or Truncate().
// Does not: check UTF-8. Ownership: owns the memory until Release(). Thread-compatible.
class WireWriter {
 public:
  WireWriter() = default;
  WireWriter(WireWriter&& other) noexcept { *this = std::move(other); }
  WireWriter& operator=(WireWriter&& other) noexcept;
  ~WireWriter();

  void AddBytes(int field, std::string_view value);
  void AddVarint(int field, uint64_t value);

  // What is added between Open() and Close() is the embedded message of that field; Close() takes
  // what Open() returned. Embedded messages nest. An empty one is written too.
  [[nodiscard]] size_t Open(int field);
  void Close(size_t begin);

  // Repeats bytes [begin, end) of what was written: whole fields.
  void Repeat(size_t begin, size_t end);
  // Takes back what is behind `size`.
  void Truncate(size_t size);

  size_t size() const { return size_; }
  std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

  // The memory: free with WipeAndFree(data, size).
  std::pair<uint8_t*, size_t> Release();
  static void WipeAndFree(void* data, size_t size);

 private:
  // Makes room for `more` bytes and returns where they go.
  uint8_t* Extend(size_t more);

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SERVICE_WIRE_WRITER_H_
