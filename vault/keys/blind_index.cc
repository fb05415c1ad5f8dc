#include "vault/keys/blind_index.h"

#include <algorithm>

#include "vault/keys/byte_io.h"

namespace piivault::vault {
namespace {

// Lengths and a number, besides the members' bytes.
constexpr size_t kListOverhead = 64;

storage::IndexDigest Truncated(HmacKey::Tag tag) {
  storage::IndexDigest digest;
  std::copy_n(tag.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace

storage::IndexDigest BlindIndexDigest(const TenantKeys& keys, uint32_t normaliser_version,
                                      std::string_view type_and_field,
                                      std::string_view normalised_value, KeyClass key_class) {
  SecretMemberList members("piivault blind index",
                           kListOverhead + type_and_field.size() + normalised_value.size());
  members.AddU32(normaliser_version).Add(type_and_field).Add(normalised_value);
  return Truncated(keys.IndexOf(key_class).Compute(members.view()));
}

storage::IndexDigest RefIndexDigest(const TenantKeys& keys, std::string_view type,
                                    std::string_view ref) {
  SecretMemberList members("piivault ref index", kListOverhead + type.size() + ref.size());
  members.Add(type).Add(ref);
  return Truncated(keys.ref_index.Compute(members.view()));
}

}  // namespace piivault::vault
