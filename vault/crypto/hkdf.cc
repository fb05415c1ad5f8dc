#include "vault/crypto/hkdf.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "vault/crypto/hmac.h"
#include "vault/crypto/openssl_internal.h"

namespace piivault::vault {

SecretBytes HkdfSha256(std::string_view key, std::string_view salt, std::string_view info,
                       size_t size) {
  constexpr size_t kHash = std::tuple_size_v<HmacKey::Tag>;
  CheckCrypto(size <= 255 * kHash, "HKDF output too long");
  // An empty salt counts as a string of zeros, which as an HMAC key is the same.
  HmacKey::Tag pseudo_random_key = HmacKey(salt).Compute(key);
  const HmacKey expand({reinterpret_cast<const char*>(pseudo_random_key.data()), kHash});

  SecretBytes out(size);
  // T(i - 1) ‖ info ‖ i
  SecretBytes block(kHash + info.size() + 1);
  uint8_t* const bytes = block.span().data();
  if (!info.empty()) std::memcpy(bytes + kHash, info.data(), info.size());
  size_t done = 0;
  for (uint8_t i = 1; done < size; ++i) {
    bytes[kHash + info.size()] = i;
    HmacKey::Tag t = expand.Compute(block.view().substr(i == 1 ? kHash : 0));
    const size_t part = std::min(kHash, size - done);
    std::memcpy(out.span().data() + done, t.data(), part);
    std::memcpy(bytes, t.data(), kHash);
    Wipe(absl::MakeSpan(t));
    done += part;
  }
  Wipe(absl::MakeSpan(pseudo_random_key));
  return out;
}

}  // namespace piivault::vault
