#include "vault/keys/byte_io.h"

#include <cstddef>

#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {
namespace {

template <typename T>
void AppendBigEndian(T value, std::string* out) {
  for (size_t shift = sizeof(T) * 8; shift > 0; shift -= 8) {
    out->push_back(static_cast<char>(value >> (shift - 8)));
  }
}

template <typename T>
std::optional<T> TakeBigEndian(std::string_view* in) {
  if (in->size() < sizeof(T)) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<uint8_t>((*in)[i]);
  in->remove_prefix(sizeof(T));
  return static_cast<T>(value);
}

}  // namespace

void AppendU16(uint16_t value, std::string* out) { AppendBigEndian(value, out); }
void AppendU32(uint32_t value, std::string* out) { AppendBigEndian(value, out); }
void AppendU64(uint64_t value, std::string* out) { AppendBigEndian(value, out); }

std::optional<uint8_t> TakeU8(std::string_view* in) { return TakeBigEndian<uint8_t>(in); }
std::optional<uint16_t> TakeU16(std::string_view* in) { return TakeBigEndian<uint16_t>(in); }
std::optional<uint32_t> TakeU32(std::string_view* in) { return TakeBigEndian<uint32_t>(in); }
std::optional<uint64_t> TakeU64(std::string_view* in) { return TakeBigEndian<uint64_t>(in); }

std::optional<std::string_view> TakeBytes(size_t size, std::string_view* in) {
  if (in->size() < size) return std::nullopt;
  const std::string_view bytes = in->substr(0, size);
  in->remove_prefix(size);
  return bytes;
}

MemberList::MemberList(std::string_view label) {
  bytes_.reserve(kUsual);
  Add(label);
}

MemberList::MemberList(std::string_view label, size_t capacity) {
  bytes_.reserve(capacity);
  Add(label);
}

MemberList& MemberList::Add(std::string_view bytes) {
  AppendU32(static_cast<uint32_t>(bytes.size()), &bytes_);
  bytes_.append(bytes);
  return *this;
}

MemberList& MemberList::AddU32(uint32_t value) {
  AppendU32(sizeof(value), &bytes_);
  AppendU32(value, &bytes_);
  return *this;
}

MemberList& MemberList::AddU64(uint64_t value) {
  AppendU32(sizeof(value), &bytes_);
  AppendU64(value, &bytes_);
  return *this;
}

SecretMemberList::SecretMemberList(std::string_view label, size_t capacity)
    : MemberList(label, capacity) {}

SecretMemberList::~SecretMemberList() { Wipe(&bytes_); }

}  // namespace piivault::vault
