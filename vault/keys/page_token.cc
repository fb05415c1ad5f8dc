#include "vault/keys/page_token.h"

#include <optional>

#include "vault/crypto/base64url.h"
#include "vault/keys/byte_io.h"
#include "vault/keys/padding.h"

namespace piivault::vault {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kMaxText = 8192;

MemberList AssociatedData(const storage::Id128& vault_id, const PageTokenBinding& binding) {
  MemberList members("piivault page token");
  members.Add(vault_id.view())
      .Add(binding.principal)
      .Add(binding.method)
      .Add(AsView(binding.request));
  return members;
}

absl::Status NotForThisRequest() {
  return absl::InvalidArgumentError("the page token is not for this request, or has expired");
}

}  // namespace

std::string SealPageToken(const KeySnapshot& keys, RandomSource& random,
                          const PageTokenBinding& binding, std::string_view cursor,
                          absl::Time expires) {
  std::string plaintext;
  AppendU64(static_cast<uint64_t>(absl::ToUnixMicros(expires)), &plaintext);
  plaintext.append(cursor);
  std::string sealed;
  sealed.push_back(static_cast<char>(kFormat));
  AppendU32(keys.active().id, &sealed);
  keys.active().page_token.Seal(random, AssociatedData(keys.vault_id(), binding).view(),
                                Pad(plaintext).view(), &sealed);
  return Base64UrlEncode(sealed);
}

absl::StatusOr<std::string> OpenPageToken(const KeySnapshot& keys, const PageTokenBinding& binding,
                                          std::string_view token, absl::Time now) {
  if (token.size() > kMaxText) return NotForThisRequest();
  const std::optional<std::string> sealed = Base64UrlDecode(token);
  if (!sealed.has_value()) return NotForThisRequest();
  std::string_view rest = *sealed;
  if (TakeU8(&rest) != kFormat) return NotForThisRequest();
  const std::optional<uint32_t> epoch_id = TakeU32(&rest);
  const EpochKeys* const epoch = epoch_id.has_value() ? keys.Epoch(*epoch_id) : nullptr;
  if (epoch == nullptr) return NotForThisRequest();
  auto plaintext = epoch->page_token.Open(AssociatedData(keys.vault_id(), binding).view(), rest);
  if (!plaintext.ok() || !Unpad(&*plaintext)) return NotForThisRequest();
  std::string_view contents = plaintext->view();
  const std::optional<uint64_t> expires = TakeU64(&contents);
  if (!expires.has_value() || absl::ToUnixMicros(now) >= static_cast<int64_t>(*expires)) {
    return NotForThisRequest();
  }
  return std::string(contents);
}

}  // namespace piivault::vault
