#include "vault/values/folding.h"

#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

char* Chars(SecretBytes& bytes) { return reinterpret_cast<char*>(bytes.span().data()); }

bool IsAsciiDigit(char32_t c) { return c >= U'0' && c <= U'9'; }

SecretBytes AsciiLower(std::string_view text) {
  SecretBytes out(text.size());
  char* to = Chars(out);
  for (size_t i = 0; i < text.size(); ++i)
    to[i] = absl::ascii_tolower(static_cast<unsigned char>(text[i]));
  return out;
}

// `text` without white space at its ends.
std::string_view Trim(std::string_view text) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t pos = 0; pos < text.size();) {
    const size_t start = pos;
    if (!IsSpace(NextCodePoint(text, &pos))) {
      if (begin == text.size()) begin = start;
      end = pos;
    }
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

// The code point behind `pos`, 0 at the end.
char32_t Peek(std::string_view text, size_t pos) {
  return pos < text.size() ? NextCodePoint(text, &pos) : 0;
}

// Blanks and hyphens of case-folded text; never longer than its input.
SecretBytes FoldBlanks(std::string_view text, Folder::Hyphens hyphens) {
  SecretBytes out(text.size());
  char* to = Chars(out);
  size_t size = 0;
  bool blank = false;
  char32_t before = 0;
  for (size_t pos = 0; pos < text.size();) {
    char32_t c = NextCodePoint(text, &pos);
    if (IsSpace(c)) {
      blank = size > 0;
      continue;
    }
    if (IsDash(c) ||
        (c == kProlongedSound && !blank && IsAsciiDigit(before) && IsAsciiDigit(Peek(text, pos)))) {
      c = U'-';
    }
    if (blank) {
      const bool joined = (IsCjk(before) && IsCjk(c)) ||
                          (hyphens == Folder::Hyphens::kJoin && (before == U'-' || c == U'-'));
      if (!joined) to[size++] = ' ';
      blank = false;
    }
    size += PutUtf8(c, to + size);
    before = c;
  }
  out.Truncate(size);
  return out;
}

}  // namespace

struct Folder::Icu {
  const icu::Normalizer2* casefold = nullptr;  // owned by ICU
  std::unique_ptr<icu::IDNA> idna;
};

Folder::Folder(std::unique_ptr<Icu> icu) : icu_(std::move(icu)) {}
Folder::~Folder() = default;

absl::StatusOr<std::unique_ptr<Folder>> Folder::Create() {
  UErrorCode error = U_ZERO_ERROR;
  auto icu = std::make_unique<Icu>();
  icu->casefold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  icu->idna.reset(
      icu::IDNA::createUTS46Instance(UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_CHECK_BIDI, error));
  if (U_FAILURE(error) || icu->casefold == nullptr || icu->idna == nullptr) {
    return absl::InternalError("ICU has no normalisation data");
  }
  return std::unique_ptr<Folder>(new Folder(std::move(icu)));
}

SecretBytes Folder::CaseFold(std::string_view text) const {
  if (IsAscii(text)) return AsciiLower(text);
  size_t capacity = text.size() + text.size() / 2 + 32;
  for (;;) {
    SecretBytes out(capacity);
    icu::CheckedArrayByteSink sink(Chars(out), static_cast<int32_t>(capacity));
    UErrorCode error = U_ZERO_ERROR;
    icu_->casefold->normalizeUTF8(
        0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink, nullptr, error);
    if (U_FAILURE(error)) return SecretBytes::CopyOf(text);
    const auto size = static_cast<size_t>(sink.NumberOfBytesAppended());
    if (!sink.Overflowed()) {
      out.Truncate(size);
      return out;
    }
    capacity = size;
  }
}

SecretBytes Folder::FoldText(std::string_view text, Hyphens hyphens) const {
  const SecretBytes folded = CaseFold(text);
  return FoldBlanks(folded.view(), hyphens);
}

SecretBytes Folder::FoldCompact(std::string_view text) const {
  SecretBytes folded = FoldText(text, Hyphens::kJoin);
  // Again, because what stood apart may compose, and a prolonged sound may be a hyphen, now that
  // it touches. The third round at the latest finds nothing.
  for (;;) {
    char* chars = Chars(folded);
    size_t size = 0;
    for (size_t i = 0; i < folded.size(); ++i) {
      if (chars[i] != ' ' && chars[i] != '-') chars[size++] = chars[i];
    }
    if (size == folded.size()) return folded;
    folded.Truncate(size);
    folded = FoldText(folded.view(), Hyphens::kJoin);
  }
}

SecretBytes Folder::ToALabels(std::string_view domain) const {
  if (IsAscii(domain)) return SecretBytes::CopyOf(domain);
  SecretBytes out(1024);
  icu::CheckedArrayByteSink sink(Chars(out), static_cast<int32_t>(out.size()));
  icu::IDNAInfo info;
  UErrorCode error = U_ZERO_ERROR;
  icu_->idna->nameToASCII_UTF8(icu::StringPiece(domain.data(), static_cast<int32_t>(domain.size())),
                               sink, info, error);
  if (U_FAILURE(error) || info.hasErrors() || sink.Overflowed()) return SecretBytes::CopyOf(domain);
  out.Truncate(static_cast<size_t>(sink.NumberOfBytesAppended()));
  return out;
}

SecretBytes Folder::FoldEmail(std::string_view text) const {
  const SecretBytes folded = CaseFold(text);
  const std::string_view address = Trim(folded.view());
  const size_t at = address.rfind('@');
  if (at == std::string_view::npos || IsAscii(address.substr(at))) {
    return SecretBytes::CopyOf(address);
  }
  const SecretBytes domain = ToALabels(address.substr(at + 1));
  SecretBytes out(at + 1 + domain.size());
  std::memcpy(Chars(out), address.data(), at + 1);
  if (!domain.empty()) std::memcpy(Chars(out) + at + 1, domain.view().data(), domain.size());
  return out;
}

SecretBytes Folder::FoldEmailDomain(std::string_view text) const {
  const SecretBytes folded = CaseFold(text);
  const std::string_view address = Trim(folded.view());
  const size_t at = address.rfind('@');
  return ToALabels(at == std::string_view::npos ? address : address.substr(at + 1));
}

}  // namespace piivault::vault
