#include "vault/service/wire_writer.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace piivault::vault {
namespace {

constexpr size_t kLeast = 512;
constexpr uint32_t kVarint = 0;
constexpr uint32_t kLengthDelimited = 2;
constexpr size_t kMaxVarint = 10;

size_t PutVarint(uint64_t value, uint8_t* out) {
  size_t size = 0;
  while (value >= 0x80) {
    out[size++] = static_cast<uint8_t>(value | 0x80);
    value >>= 7;
  }
  out[size++] = static_cast<uint8_t>(value);
  return size;
}

uint64_t TagOf(int field, uint32_t type) {
  return uint64_t{static_cast<uint32_t>(field)} << 3 | type;
}

}  // namespace

WireWriter& WireWriter::operator=(WireWriter&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

WireWriter::~WireWriter() { WipeAndFree(data_, size_); }

void WireWriter::WipeAndFree(void* data, size_t size) {
  if (data == nullptr) return;
  OPENSSL_cleanse(data, size);
  std::free(data);
}

uint8_t* WireWriter::Extend(size_t more) {
  if (size_ + more > capacity_) {
    const size_t capacity = std::max({kLeast, 2 * capacity_, size_ + more});
    auto* const grown = static_cast<uint8_t*>(std::malloc(capacity));
    if (grown == nullptr) throw std::bad_alloc();
    if (size_ > 0) std::memcpy(grown, data_, size_);
    WipeAndFree(std::exchange(data_, grown), size_);
    capacity_ = capacity;
  }
  return data_ + size_;
}

void WireWriter::AddBytes(int field, std::string_view value) {
  if (value.empty()) return;
  uint8_t* const begin = Extend(2 * kMaxVarint + value.size());
  uint8_t* out = begin + PutVarint(TagOf(field, kLengthDelimited), begin);
  out += PutVarint(value.size(), out);
  std::memcpy(out, value.data(), value.size());
  size_ += static_cast<size_t>(out - begin) + value.size();
}

void WireWriter::AddVarint(int field, uint64_t value) {
  if (value == 0) return;
  uint8_t* const begin = Extend(2 * kMaxVarint);
  uint8_t* out = begin + PutVarint(TagOf(field, kVarint), begin);
  out += PutVarint(value, out);
  size_ += static_cast<size_t>(out - begin);
}

// The length takes one byte until it is known; most embedded messages are short.
size_t WireWriter::Open(int field) {
  uint8_t* const begin = Extend(kMaxVarint + 1);
  size_ += PutVarint(TagOf(field, kLengthDelimited), begin);
  data_[size_++] = 0;
  return size_;
}

void WireWriter::Close(size_t begin) {
  const size_t length = size_ - begin;
  uint8_t prefix[kMaxVarint];
  const size_t size = PutVarint(length, prefix);
  if (size > 1) {
    Extend(size - 1);
    std::memmove(data_ + begin + size - 1, data_ + begin, length);
    size_ += size - 1;
  }
  std::memcpy(data_ + begin - 1, prefix, size);
}

void WireWriter::Repeat(size_t begin, size_t end) {
  uint8_t* const out = Extend(end - begin);
  std::memcpy(out, data_ + begin, end - begin);
  size_ += end - begin;
}

void WireWriter::Truncate(size_t size) {
  if (size >= size_) return;
  OPENSSL_cleanse(data_ + size, size_ - size);
  size_ = size;
}

std::pair<uint8_t*, size_t> WireWriter::Release() {
  capacity_ = 0;
  return {std::exchange(data_, nullptr), std::exchange(size_, 0)};
}

}  // namespace piivault::vault
