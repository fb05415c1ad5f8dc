#include "vault/keys/tokens.h"

#include <algorithm>
#include <tuple>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kPrefix = "tok_";
constexpr size_t kListOverhead = 64;

using Block = AesBlockKey::Block;
static_assert(storage::TokenHandle::kSize + sizeof(uint32_t) == std::tuple_size_v<Block>);

}  // namespace

std::string FormatToken(const storage::Id128& token) {
  return std::string(kPrefix) + token.ToText();
}

std::optional<storage::Id128> ParseToken(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  return storage::Id128::FromText(text.substr(kPrefix.size()));
}

storage::Id128 RandomTokenOf(const TenantKeys& keys, const RandomTokenName& name) {
  Block block;
  auto out = std::copy(name.handle.bytes.begin(), name.handle.bytes.end(), block.begin());
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = static_cast<uint8_t>(name.number >> shift);
  return {keys.token_block.Encrypt(block)};
}

RandomTokenName NameOfRandomToken(const TenantKeys& keys, const storage::Id128& token) {
  const Block block = keys.token_block.Decrypt(token.bytes);
  RandomTokenName name;
  auto in = block.begin();
  for (uint8_t& byte : name.handle.bytes) byte = *in++;
  while (in != block.end()) name.number = name.number << 8 | *in++;
  return name;
}

storage::Id128 DeterministicToken(const TenantKeys& keys, std::string_view audience,
                                  std::string_view type_and_field,
                                  std::string_view normalised_value, KeyClass key_class) {
  SecretMemberList members(
      "piivault deterministic token",
      kListOverhead + audience.size() + type_and_field.size() + normalised_value.size());
  members.Add(audience).Add(type_and_field).Add(normalised_value);
  const HmacKey::Tag tag = keys.TokenOf(key_class).Compute(members.view());
  storage::Id128 token;
  std::copy_n(tag.begin(), token.bytes.size(), token.bytes.begin());
  return token;
}

}  // namespace piivault::vault
