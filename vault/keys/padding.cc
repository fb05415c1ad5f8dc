#include "vault/keys/padding.h"

#include <algorithm>
#include <cstdint>

namespace piivault::vault {
namespace {

constexpr size_t kMultiple = 16;
constexpr uint8_t kMark = 0x80;

}  // namespace

SecretBytes Pad(std::string_view plaintext) {
  SecretBytes padded(plaintext.size() + kMultiple - plaintext.size() % kMultiple);
  std::copy(plaintext.begin(), plaintext.end(), padded.span().begin());
  padded.span()[plaintext.size()] = kMark;
  return padded;
}

bool Unpad(SecretBytes* padded) {
  if (padded->empty() || padded->size() % kMultiple != 0) return false;
  size_t size = padded->size();
  const size_t least = size - kMultiple;
  while (size > least && padded->data()[size - 1] == 0) --size;
  if (size == least || padded->data()[size - 1] != kMark) return false;
  padded->Truncate(size - 1);
  return true;
}

}  // namespace piivault::vault
