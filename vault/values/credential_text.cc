#include "vault/values/credential_text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <utility>

#include "absl/status/status.h"
#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

absl::Status NotOne() { return absl::InvalidArgumentError("not a credential"); }

// Every space that is not ASCII becomes one that is.
absl::StatusOr<SecretBytes> MapSpaces(std::string_view text) {
  SecretBytes out(text.size());
  char* const to = reinterpret_cast<char*>(out.span().data());
  size_t size = 0;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if (IsControl(c)) return NotOne();
    const bool space = u_charType(static_cast<UChar32>(c)) == U_SPACE_SEPARATOR;
    size += PutUtf8(space ? U' ' : c, to + size);
  }
  out.Truncate(size);
  return out;
}

}  // namespace

absl::StatusOr<SecretBytes> PrepareCredential(std::string_view text) {
  if (text.empty() || !IsStorableUtf8(text)) return NotOne();
  absl::StatusOr<SecretBytes> mapped = MapSpaces(text);
  if (!mapped.ok() || IsAscii(text)) return mapped;
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(error);
  if (U_FAILURE(error)) return NotOne();
  // UTF-8 in NFC is at most three times as long (UAX #15, section 5).
  SecretBytes out(3 * mapped->size());
  icu::CheckedArrayByteSink sink(reinterpret_cast<char*>(out.span().data()),
                                 static_cast<int32_t>(out.size()));
  const std::string_view from = mapped->view();
  nfc->normalizeUTF8(0, icu::StringPiece(from.data(), static_cast<int32_t>(from.size())), sink,
                     nullptr, error);
  if (U_FAILURE(error) || sink.Overflowed()) return NotOne();
  out.Truncate(static_cast<size_t>(sink.NumberOfBytesAppended()));
  return out;
}

bool CredentialShape::Has(std::string_view character_class) const {
  if (character_class == "letter") return letter;
  if (character_class == "upper") return upper;
  if (character_class == "lower") return lower;
  if (character_class == "digit") return digit;
  return character_class == "symbol" && symbol;
}

CredentialShape ShapeOf(std::string_view prepared) {
  CredentialShape shape;
  for (size_t pos = 0; pos < prepared.size();) {
    const auto c = static_cast<UChar32>(NextCodePoint(prepared, &pos));
    ++shape.characters;
    const int8_t type = u_charType(c);
    if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK ||
        type == U_COMBINING_SPACING_MARK || type == U_SPACE_SEPARATOR) {
      continue;  // a part of the character before, or nothing to see
    }
    if (u_isalpha(c)) {
      shape.letter = true;
      shape.upper = shape.upper || u_isupper(c);
      shape.lower = shape.lower || u_islower(c);
    } else if (u_isdigit(c)) {
      shape.digit = true;
    } else {
      shape.symbol = true;
    }
  }
  return shape;
}

}  // namespace piivault::vault
