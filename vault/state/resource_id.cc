#include "vault/state/resource_id.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

constexpr size_t kMaxIdentity = 512;

bool IsLowerOrDigit(char c) {
  const auto u = static_cast<unsigned char>(c);
  return absl::ascii_islower(u) || absl::ascii_isdigit(u);
}

template <typename Allowed>
bool All(std::string_view text, Allowed allowed) {
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool IsHostName(std::string_view text) {
  return text.size() <= 255 &&
         All(text, [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '.' || c == '_'; });
}

}  // namespace

bool IsResourceId(std::string_view id) {
  return id.size() <= 40 && All(id, [](char c) { return IsLowerOrDigit(c) || c == '-'; }) &&
         id.front() != '-' && id.back() != '-';
}

bool IsSha256Hex(std::string_view text) {
  return text.size() == 64 && All(text, [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

bool IsIdentityUri(std::string_view uri) {
  if (uri.size() > kMaxIdentity) return false;
  if (ConsumePrefix(&uri, "dns:")) return IsHostName(uri);
  if (!ConsumePrefix(&uri, "spiffe://")) return false;
  const size_t slash = uri.find('/');
  if (slash == std::string_view::npos || !IsHostName(uri.substr(0, slash))) return false;
  const std::string_view path = uri.substr(slash + 1);
  return All(path,
             [](char c) {
               return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' ||
                      c == '_' || c == '/';
             }) &&
         path.front() != '/' && path.back() != '/' && path.find("//") == std::string_view::npos;
}

bool IsPolicyIdentifier(std::string_view text) {
  return text.size() <= 64 && All(text, [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' ||
                  c == '.';
         });
}

}  // namespace piivault::vault
