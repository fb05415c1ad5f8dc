#ifndef PIIVAULT_VAULT_KEYS_BYTE_IO_H_
#define PIIVAULT_VAULT_KEYS_BYTE_IO_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace piivault::vault {

// Appends integers big-endian, as all formats here have them.
void AppendU16(uint16_t value, std::string* out);
void AppendU32(uint32_t value, std::string* out);
void AppendU64(uint64_t value, std::string* out);

// Takes what was appended off the front of `*in`; nothing (and `*in` as it was) where too little is
// left.
std::optional<uint8_t> TakeU8(std::string_view* in);
std::optional<uint16_t> TakeU16(std::string_view* in);
std::optional<uint32_t> TakeU32(std::string_view* in);
std::optional<uint64_t> TakeU64(std::string_view* in);
std::optional<std::string_view> TakeBytes(size_t size, std::string_view* in);

// A list of byte strings in a form that only this list has: each is preceded by its length (u32).
// Associated data and HMAC inputs are built of it. The first member is a label that belongs to one
// use, so that no two uses can be taken for each other.
class MemberList {
 public:
  explicit MemberList(std::string_view label);

  MemberList& Add(std::string_view bytes);
  MemberList& AddU32(uint32_t value);
  MemberList& AddU64(uint64_t value);

  std::string_view view() const { return bytes_; }
  // Drops members that were added last. REQUIRES: view() had `size` bytes before them.
  void Truncate(size_t size) { bytes_.resize(size); }

 protected:
  MemberList(std::string_view label, size_t capacity);

  std::string bytes_;

 private:
  // Room for the associated data of a field, so that it is one allocation.
  static constexpr size_t kUsual = 256;
};

// The same where members are secret: wiped at the end of its life.
class SecretMemberList : public MemberList {
 public:
  // `capacity` bytes are enough for all members, so that growth leaves no copies behind.
  SecretMemberList(std::string_view label, size_t capacity);
  ~SecretMemberList();
  SecretMemberList(const SecretMemberList&) = delete;
  SecretMemberList& operator=(const SecretMemberList&) = delete;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_BYTE_IO_H_
