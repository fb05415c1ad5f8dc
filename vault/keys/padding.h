#ifndef PIIVAULT_VAULT_KEYS_PADDING_H_
#define PIIVAULT_VAULT_KEYS_PADDING_H_

#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

// ISO/IEC 7816-4 padding to a multiple of 16: a byte 0x80, then zeros; at least one byte is added.
// Hides a value's exact length, as its ciphertext would tell it.
SecretBytes Pad(std::string_view plaintext);

// Takes the padding off; false where there is none. For authenticated plaintexts only: what it says
// would help whoever could ask it about others.
[[nodiscard]] bool Unpad(SecretBytes* padded);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_KEYS_PADDING_H_
