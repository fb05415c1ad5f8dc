#ifndef PIIVAULT_VAULT_CRYPTO_SECRET_BYTES_H_
#define PIIVAULT_VAULT_CRYPTO_SECRET_BYTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace piivault::vault {

// Bytes that must not be left behind: a key, a passphrase, a plaintext.
//
// Guarantees: the memory is wiped when the object dies, is assigned to, is moved from or shrinks;
// equality takes the same time whatever the contents (the sizes are not hidden); there is no way to
// stream, print or implicitly convert it.
// Does not: lock pages in memory, or keep the reader of view() from making copies.
// Ownership: owns its bytes (up to kInline of them inside the object); move-only, copies are asked
// for by Clone().
// Thread-compatible.
class SecretBytes {
 public:
  SecretBytes() = default;
  // `size` zero bytes, to be filled through span().
  explicit SecretBytes(size_t size);
  static SecretBytes CopyOf(std::string_view bytes);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes Clone() const { return CopyOf(view()); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Valid until the object is moved, assigned to or destroyed.
  std::string_view view() const { return {reinterpret_cast<const char*>(data()), size_}; }
  absl::Span<uint8_t> span() { return {mutable_data(), size_}; }
  const uint8_t* data() const { return heap_ != nullptr ? heap_ : inline_.data(); }

  // Drops what is behind `size`, wiped. REQUIRES: size <= size().
  void Truncate(size_t size);

  friend bool operator==(const SecretBytes& a, const SecretBytes& b);

 private:
  static constexpr size_t kInline = 64;

  uint8_t* mutable_data() { return heap_ != nullptr ? heap_ : inline_.data(); }
  void Clear();
  void TakeFrom(SecretBytes& other);

  size_t size_ = 0;
  size_t capacity_ = 0;      // of heap_
  uint8_t* heap_ = nullptr;  // owned; null while the bytes fit inline_
  std::array<uint8_t, kInline> inline_;
};

// Overwrites the contents (the unused capacity too) and leaves the string empty.
void Wipe(std::string* text);
void Wipe(absl::Span<uint8_t> bytes);

// Equality whose time depends on the sizes alone.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_SECRET_BYTES_H_
