#include "vault/crypto/base64url.h"

#include "absl/strings/escaping.h"
#include "vault/text.h"

namespace piivault::vault {

std::string Base64UrlEncode(std::string_view bytes) {
  return absl::WebSafeBase64Escape(AbslView(bytes));
}

std::optional<std::string> Base64UrlDecode(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape(AbslView(text), &bytes)) {
    return std::nullopt;
  }
  // The library is lenient in more ways than we could list; only the one text encodes back.
  if (Base64UrlEncode(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace piivault::vault
