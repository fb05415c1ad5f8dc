#ifndef PIIVAULT_VAULT_VALUES_TEXT_ENCODING_H_
#define PIIVAULT_VAULT_VALUES_TEXT_ENCODING_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "vault/crypto/secret_bytes.h"

namespace piivault::vault {

enum class TextEncoding : uint8_t {
  kDetect,  // As a hint only: UTF-8 if the bytes are UTF-8, else CP932.
  kUtf8,
  kCp932,  // Windows-31J: what Japanese spreadsheets call Shift_JIS.
};

struct DecodedText {
  SecretBytes utf8;                             // Without byte order mark.
  TextEncoding encoding = TextEncoding::kUtf8;  // What it was.
};

// Brings a whole file's bytes to UTF-8. A UTF-8 byte order mark is dropped and settles the
// detection. Text that is valid in both is taken for UTF-8: no Japanese text of more than a few
// characters in CP932 is valid UTF-8.
// INVALID_ARGUMENT for bytes that are neither (or not what the hint says), with the offset of the
// first such byte and never the byte itself; UTF-16 is recognised by its mark and refused by name.
absl::StatusOr<DecodedText> DetectAndConvertToUtf8(std::string_view bytes, TextEncoding hint);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_TEXT_ENCODING_H_
