#include "vault/values/text_encoding.h"

#include <unicode/ucnv.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
// Code page 932 as Windows has it: with the NEC and IBM extensions.
constexpr char kCp932[] = "ibm-943_P15A-2003";

absl::Status Undecodable(const char* encoding, size_t offset) {
  return absl::InvalidArgumentError(
      absl::StrCat("not ", encoding, ": undecodable byte at offset ", offset));
}

// Offset of the first byte that is not UTF-8.
std::optional<size_t> FindNotUtf8(std::string_view bytes) {
  if (IsAscii(bytes)) return std::nullopt;
  for (size_t pos = 0; pos < bytes.size();) {
    const size_t start = pos;
    if (NextCodePoint(bytes, &pos) == kBadCodePoint) return start;
  }
  return std::nullopt;
}

struct ConverterCloser {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, ConverterCloser>;

// A converter that stops at what it cannot map.
absl::StatusOr<Converter> OpenCp932() {
  UErrorCode error = U_ZERO_ERROR;
  Converter converter(ucnv_open(kCp932, &error));
  if (U_FAILURE(error)) return absl::InternalError("ICU has no converter for CP932");
  ucnv_setToUCallBack(converter.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &error);
  if (U_FAILURE(error)) return absl::InternalError("ICU does not take the callback");
  return converter;
}

// Converts piece by piece: the pieces are on the stack and wiped.
absl::StatusOr<SecretBytes> FromCp932(std::string_view bytes) {
  absl::StatusOr<Converter> converter = OpenCp932();
  if (!converter.ok()) return converter.status();

  // A byte becomes at most one UTF-16 unit here, that is at most three bytes.
  SecretBytes out(bytes.size() * 3);
  char* to = reinterpret_cast<char*>(out.span().data());
  size_t size = 0;
  std::array<char16_t, 1024> units;
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  absl::Status status;
  for (;;) {
    UChar* unit_end = units.data();
    UErrorCode error = U_ZERO_ERROR;
    ucnv_toUnicode(converter->get(), &unit_end, units.data() + units.size(), &from, end, nullptr,
                   /*flush=*/true, &error);
    for (const char16_t* unit = units.data(); unit != unit_end; ++unit) {
      size += PutUtf8(*unit, to + size);  // no surrogates: CP932 is within the BMP
    }
    if (error == U_BUFFER_OVERFLOW_ERROR) continue;
    if (U_FAILURE(error)) {
      std::array<char, 8> bad;
      auto bad_size = static_cast<int8_t>(bad.size());
      UErrorCode ignored = U_ZERO_ERROR;
      ucnv_getInvalidChars(converter->get(), bad.data(), &bad_size, &ignored);
      status = Undecodable("CP932", static_cast<size_t>(from - bytes.data() - bad_size));
    }
    break;
  }
  Wipe(absl::MakeSpan(reinterpret_cast<uint8_t*>(units.data()), sizeof(units)));
  if (!status.ok()) return status;
  out.Truncate(size);
  return out;
}

}  // namespace

absl::StatusOr<DecodedText> DetectAndConvertToUtf8(std::string_view bytes, TextEncoding hint) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
    return absl::InvalidArgumentError("the text is UTF-16; UTF-8 and CP932 are understood");
  }
  const bool marked = bytes.starts_with(kUtf8Mark);
  if (hint != TextEncoding::kCp932 || marked) {
    const size_t skipped = marked ? kUtf8Mark.size() : 0;
    const std::string_view text = bytes.substr(skipped);
    const std::optional<size_t> bad = FindNotUtf8(text);
    if (!bad.has_value()) return DecodedText{SecretBytes::CopyOf(text), TextEncoding::kUtf8};
    if (hint == TextEncoding::kUtf8 || marked) return Undecodable("UTF-8", *bad + skipped);
  }
  absl::StatusOr<SecretBytes> utf8 = FromCp932(bytes);
  if (!utf8.ok()) return utf8.status();
  return DecodedText{*std::move(utf8), TextEncoding::kCp932};
}

}  // namespace piivault::vault
