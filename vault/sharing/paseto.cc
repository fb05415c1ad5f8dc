#include "vault/sharing/paseto.h"

#include <cstdint>
#include <tuple>

#include "vault/crypto/base64url.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kHeader = "v4.public.";
constexpr size_t kSignatureSize = std::tuple_size_v<Ed25519Signature>;

// Little-endian, unlike our own formats; the specification keeps the top bit clear.
void AppendLe64(uint64_t value, std::string* out) {
  for (int shift = 0; shift < 64; shift += 8) {
    out->push_back(static_cast<char>(value >> shift & (shift == 56 ? 0x7f : 0xff)));
  }
}

// The encoded parts of a token, views into its text.
struct Parts {
  std::string_view payload;
  std::string_view footer;
};

std::optional<Parts> Split(std::string_view text) {
  if (text.size() > kMaxPasetoText || !ConsumePrefix(&text, kHeader)) return std::nullopt;
  const size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  // A further dot is in the footer, where it is no character of base64url.
  return Parts{text.substr(0, dot), text.substr(dot + 1)};
}

}  // namespace

std::string PreAuthEncode(std::initializer_list<std::string_view> pieces) {
  std::string out;
  AppendLe64(pieces.size(), &out);
  for (std::string_view piece : pieces) {
    AppendLe64(piece.size(), &out);
    out.append(piece);
  }
  return out;
}

std::string SignPaseto(const Ed25519PrivateKey& key, std::string_view message,
                       std::string_view footer, std::string_view implicit) {
  const Ed25519Signature signature = key.Sign(PreAuthEncode({kHeader, message, footer, implicit}));
  const std::string payload = Base64UrlEncode(Concat({message, AsView(signature)}));
  if (footer.empty()) return Concat({kHeader, payload});
  return Concat({kHeader, payload, ".", Base64UrlEncode(footer)});
}

std::optional<std::string> OpenPasetoOffline(std::string_view text, PasetoKeyLookup lookup,
                                             PasetoImplicitOf implicit_of) {
  const std::optional<Parts> parts = Split(text);
  if (!parts.has_value()) return std::nullopt;
  const std::optional<std::string> footer = Base64UrlDecode(parts->footer);
  if (!footer.has_value() || footer->empty() || footer->size() > kMaxPasetoFooter) {
    return std::nullopt;
  }
  const Ed25519PublicKey* const key = lookup(*footer);
  if (key == nullptr) return std::nullopt;

  std::optional<std::string> payload = Base64UrlDecode(parts->payload);
  if (!payload.has_value() || payload->size() < kSignatureSize) return std::nullopt;
  const size_t size = payload->size() - kSignatureSize;
  const std::string_view message = std::string_view(*payload).substr(0, size);
  const std::optional<std::string> implicit = implicit_of(message);
  if (!implicit.has_value() || !key->Verify(PreAuthEncode({kHeader, message, *footer, *implicit}),
                                            std::string_view(*payload).substr(size))) {
    return std::nullopt;
  }
  payload->resize(size);
  return payload;
}

std::optional<std::string> OpenPaseto(std::string_view text, PasetoKeyLookup lookup,
                                      std::string_view implicit) {
  return OpenPasetoOffline(text, lookup,
                           [implicit](std::string_view) { return std::string(implicit); });
}

}  // namespace piivault::vault
