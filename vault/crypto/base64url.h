#ifndef PIIVAULT_VAULT_CRYPTO_BASE64URL_H_
#define PIIVAULT_VAULT_CRYPTO_BASE64URL_H_

#include <optional>
#include <string>
#include <string_view>

namespace piivault::vault {

// Base64url (RFC 4648 section 5) without padding, for what is public. Not for secrets: copies are
// made and not wiped.
std::string Base64UrlEncode(std::string_view bytes);

// Strict, so that bytes have one text: this alphabet only, no padding, no white space, spare bits
// zero, no impossible length. Nothing where the text breaks one of these.
std::optional<std::string> Base64UrlDecode(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_CRYPTO_BASE64URL_H_
