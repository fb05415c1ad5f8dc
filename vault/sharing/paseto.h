#ifndef PIIVAULT_VAULT_SHARING_PASETO_H_
#define PIIVAULT_VAULT_SHARING_PASETO_H_

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "vault/crypto/ed25519.h"

namespace piivault::vault {

// PASETO v4.public (paseto.io, github.com/paseto-standard/paseto-spec, Version4.md): a message that
// is signed and not encrypted. Narrower than the specification: a token has a footer, and its text
// is short.

inline constexpr size_t kMaxPasetoText = 8192;
inline constexpr size_t kMaxPasetoFooter = 64;  // bytes

// Pre-authentication encoding (Common.md): one text for each list of pieces.
std::string PreAuthEncode(std::initializer_list<std::string_view> pieces);

// `v4.public.` base64url(message ‖ signature) `.` base64url(footer); without the last part where
// the footer is empty. `implicit` is signed too and not in the text.
std::string SignPaseto(const Ed25519PrivateKey& key, std::string_view message,
                       std::string_view footer, std::string_view implicit);

// The key that a footer names, or null. It is given the footer's bytes as they came, at most
// kMaxPasetoFooter of them and at least one: they are anybody's, so they are to be compared whole
// with known ones, never parsed.
using PasetoKeyLookup = absl::FunctionRef<const Ed25519PublicKey*(std::string_view footer)>;

// The message of a token that one of our keys has signed with this footer and `implicit`. Nothing
// for anything else, without saying why. What is not exactly `v4.public.` and two parts of strict
// base64url in at most kMaxPasetoText bytes is refused first; then an unknown footer, before the
// signature is looked at.
[[nodiscard]] std::optional<std::string> OpenPaseto(std::string_view text, PasetoKeyLookup lookup,
                                                    std::string_view implicit);

// What the implicit assertion is, told by a message that nothing has verified yet; nothing where
// the message says nothing of the kind.
using PasetoImplicitOf = absl::FunctionRef<std::optional<std::string>(std::string_view message)>;

// As above, for who does not know what the token is for: the implicit assertion comes from the
// message itself, so that what is said there goes for nothing until the signature has verified it.
// A vault, which knows, must not use it.
[[nodiscard]] std::optional<std::string> OpenPasetoOffline(std::string_view text,
                                                           PasetoKeyLookup lookup,
                                                           PasetoImplicitOf implicit_of);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_SHARING_PASETO_H_
