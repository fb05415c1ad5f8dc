#include "vault/crypto/secret_bytes.h"

#include <openssl/crypto.h>

#include <cassert>
#include <cstring>

namespace piivault::vault {

SecretBytes::SecretBytes(size_t size) : size_(size) {
  if (size > kInline) {
    heap_ = new uint8_t[size]();
    capacity_ = size;
  } else {
    std::memset(inline_.data(), 0, size);
  }
}

SecretBytes SecretBytes::CopyOf(std::string_view bytes) {
  SecretBytes copy(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.mutable_data(), bytes.data(), bytes.size());
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept { TakeFrom(other); }

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Clear();
    TakeFrom(other);
  }
  return *this;
}

SecretBytes::~SecretBytes() { Clear(); }

void SecretBytes::TakeFrom(SecretBytes& other) {
  size_ = other.size_;
  capacity_ = other.capacity_;
  heap_ = other.heap_;
  if (heap_ == nullptr) {
    std::memcpy(inline_.data(), other.inline_.data(), size_);
  } else {
    other.heap_ = nullptr;
    other.capacity_ = 0;
    other.size_ = 0;
  }
  other.Clear();
}

void SecretBytes::Clear() {
  if (heap_ != nullptr) {
    OPENSSL_cleanse(heap_, capacity_);
    delete[] heap_;
    heap_ = nullptr;
    capacity_ = 0;
  } else if (size_ > 0) {
    OPENSSL_cleanse(inline_.data(), size_);
  }
  size_ = 0;
}

void SecretBytes::Truncate(size_t size) {
  assert(size <= size_);
  if (size >= size_) return;
  OPENSSL_cleanse(mutable_data() + size, size_ - size);
  size_ = size;
}

bool operator==(const SecretBytes& a, const SecretBytes& b) {
  return ConstantTimeEquals(a.view(), b.view());
}

void Wipe(std::string* text) {
  // Bytes between size and capacity are ours to write only once they are part of the string. They
  // may hold what an earlier, longer value left.
  text->resize(text->capacity());
  OPENSSL_cleanse(text->data(), text->size());
  text->clear();
}

void Wipe(absl::Span<uint8_t> bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace piivault::vault
