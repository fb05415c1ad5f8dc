#include "vault/keys/recovery_key.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/status/status.h"
#include "vault/crypto/base32.h"
#include "vault/crypto/sha256.h"

namespace piivault::vault {
namespace {

constexpr size_t kKeySize = 32;
constexpr size_t kKeyText = 52;  // 256 bits, 5 a character
constexpr size_t kChecksumText = 4;
constexpr size_t kText = kKeyText + kChecksumText;
constexpr size_t kGroup = 4;

SecretBytes Checksum(std::string_view key) {
  Sha256Digest digest = Sha256("piivault recovery key", key);
  SecretBytes text = Base32Encode(AsView(digest));
  text.Truncate(kChecksumText);
  return text;
}

absl::Status Mistyped() { return absl::InvalidArgumentError("the recovery key is mistyped"); }

}  // namespace

SecretBytes NewRecoveryKey(RandomSource& random) { return random.Bytes(kKeySize); }

SecretBytes FormatRecoveryKey(const SecretBytes& key) {
  SecretBytes plain(kText);
  const SecretBytes key_text = Base32Encode(key.view());
  const SecretBytes checksum = Checksum(key.view());
  std::copy_n(key_text.data(), kKeyText, plain.span().begin());
  std::copy_n(checksum.data(), kChecksumText, plain.span().begin() + kKeyText);

  SecretBytes grouped(kText + kText / kGroup - 1);
  uint8_t* out = grouped.span().data();
  for (size_t i = 0; i < kText; ++i) {
    if (i > 0 && i % kGroup == 0) *out++ = '-';
    *out++ = plain.data()[i];
  }
  return grouped;
}

absl::StatusOr<SecretBytes> ParseRecoveryKey(std::string_view text) {
  SecretBytes plain(kText);
  size_t size = 0;
  for (char c : text) {
    if (c == ' ' || c == '-' || c == '\n' || c == '\r' || c == '\t') continue;
    if (size == kText) return Mistyped();
    const bool upper = c >= 'A' && c <= 'Z';
    plain.span()[size++] = static_cast<uint8_t>(upper ? c - 'A' + 'a' : c);
  }
  if (size != kText) return Mistyped();
  std::optional<SecretBytes> key = Base32Decode(plain.view().substr(0, kKeyText));
  if (!key.has_value()) return Mistyped();
  if (!ConstantTimeEquals(Checksum(key->view()).view(), plain.view().substr(kKeyText))) {
    return Mistyped();
  }
  return *std::move(key);
}

}  // namespace piivault::vault
