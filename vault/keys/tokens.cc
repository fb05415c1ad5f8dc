#include "vault/keys/tokens.h"

#include <algorithm>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kPrefix = "tok_";
constexpr size_t kListOverhead = 64;

}  // namespace

std::string FormatToken(const storage::Id128& token) {
  return std::string(kPrefix) + token.ToText();
}

std::optional<storage::Id128> ParseToken(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  return storage::Id128::FromText(text.substr(kPrefix.size()));
}

storage::Id128 RandomToken(RandomSource& random) { return random.Id128(); }

storage::Id128 DeterministicToken(const TenantKeys& keys, std::string_view audience,
                                  std::string_view type_and_field,
                                  std::string_view normalised_value) {
  SecretMemberList members(
      "piivault deterministic token",
      kListOverhead + audience.size() + type_and_field.size() + normalised_value.size());
  members.Add(audience).Add(type_and_field).Add(normalised_value);
  const HmacKey::Tag tag = keys.token.Compute(members.view());
  storage::Id128 token;
  std::copy_n(tag.begin(), token.bytes.size(), token.bytes.begin());
  return token;
}

}  // namespace piivault::vault
