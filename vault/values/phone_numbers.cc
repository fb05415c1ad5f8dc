#include "vault/values/phone_numbers.h"

#include <phonenumbers/logger.h>
#include <phonenumbers/phonenumber.pb.h>
#include <phonenumbers/phonenumberutil.h>

#include <array>
#include <cstring>
#include <string>

#include "vault/values/unicode_text.h"

namespace piivault::vault {
namespace {

namespace pn = i18n::phonenumbers;

constexpr size_t kMaxDigits = 17;
// Longer texts are no phone numbers, and the library refuses them too.
constexpr size_t kMaxBytes = 250;
constexpr std::string_view kExtension = "内線";

// Digits of a number that consists of nothing but digits, blanks, hyphens, dots and brackets, with
// an optional plus in front.
struct PlainDigits {
  std::array<char, kMaxDigits> digits{};
  size_t count = 0;
  bool plus = false;

  std::string_view view() const { return {digits.data(), count}; }
};

bool IsPhoneSeparator(char32_t c) {
  return IsSpace(c) || IsDash(c) || c == kProlongedSound || c == kHalfWidthProlongedSound ||
         c == U'(' || c == U')' || c == U'\uFF08' || c == U'\uFF09' || c == U'.';
}

std::optional<PlainDigits> ReadPlain(std::string_view text) {
  PlainDigits out;
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if ((c >= U'0' && c <= U'9') || (c >= U'\uFF10' && c <= U'\uFF19')) {
      if (out.count == kMaxDigits) return std::nullopt;
      out.digits[out.count++] = static_cast<char>('0' + DecimalDigit(c));
    } else if (c == U'+' || c == U'\uFF0B') {
      if (out.count > 0 || out.plus) return std::nullopt;
      out.plus = true;
    } else if (!IsPhoneSeparator(c)) {
      return std::nullopt;
    }
  }
  return out;
}

SecretBytes Join(std::string_view a, std::string_view b) {
  SecretBytes out(a.size() + b.size());
  std::memcpy(out.span().data(), a.data(), a.size());
  std::memcpy(out.span().data() + a.size(), b.data(), b.size());
  return out;
}

// 0 and nine or ten digits, of which the first is no zero. 010 is the international prefix of
// Japan, 0 0 leads to carriers and services: the library knows.
bool IsPlainNational(std::string_view digits) {
  return (digits.size() == 10 || digits.size() == 11) && digits[0] == '0' && digits[1] != '0' &&
         digits.substr(0, 3) != "010";
}

std::optional<SecretBytes> ShortWay(const PlainDigits& plain) {
  std::string_view digits = plain.view();
  if (!plain.plus) {
    if (!IsPlainNational(digits)) return std::nullopt;
    return Join("+81", digits.substr(1));
  }
  if (digits.substr(0, 2) != "81") return std::nullopt;
  digits.remove_prefix(2);
  if (IsPlainNational(digits)) return Join("+81", digits.substr(1));  // +81 (0)90 ...
  if ((digits.size() != 9 && digits.size() != 10) || digits[0] == '0') return std::nullopt;
  return Join("+81", digits);
}

void WipeNumber(pn::PhoneNumber* number) {
  Wipe(number->mutable_extension());
  number->set_national_number(0);
}

// The text as the library reads it best: its own digits, blanks and hyphens.
std::string ForLibrary(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (size_t pos = 0; pos < text.size();) {
    if (text.substr(pos, kExtension.size()) == kExtension) {
      out += " ext ";
      pos += kExtension.size();
      continue;
    }
    const size_t start = pos;
    const char32_t c = NextCodePoint(text, &pos);
    if (const int digit = DecimalDigit(c); digit >= 0) {
      out += static_cast<char>('0' + digit);
    } else if (IsSpace(c)) {
      out += ' ';
    } else if (IsDash(c) || c == kProlongedSound || c == kHalfWidthProlongedSound) {
      out += '-';
    } else {
      out += text.substr(start, pos - start);
    }
  }
  return out;
}

}  // namespace

PhoneNumbers::PhoneNumbers() : util_(pn::PhoneNumberUtil::GetInstance()) {
  // The instance is the library's and there is one for the process, so it is silenced once: another
  // thread may be parsing already.
  [[maybe_unused]] static const bool silenced = [] {
    pn::PhoneNumberUtil::GetInstance()->SetLogger(new pn::NullLogger());  // taken over
    return true;
  }();
}

bool PhoneNumbers::HasOnlyPhoneCharacters(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if (DecimalDigit(c) < 0 && (!IsPhoneSeparator(c) || IsControl(c)) && c != U'+' &&
        c != U'\uFF0B' && c != U'#' && c != U'内' && c != U'線') {
      return false;
    }
  }
  return true;
}

std::optional<SecretBytes> PhoneNumbers::ToE164(std::string_view text) const {
  if (text.size() > kMaxBytes) return std::nullopt;
  std::optional<PlainDigits> plain = ReadPlain(text);
  if (plain.has_value()) {
    std::optional<SecretBytes> out = ShortWay(*plain);
    Wipe(absl::MakeSpan(reinterpret_cast<uint8_t*>(plain->digits.data()), kMaxDigits));
    if (out.has_value()) return out;
  }
  return ToE164BySlowWay(text);
}

std::optional<SecretBytes> PhoneNumbers::ToE164BySlowWay(std::string_view text) const {
  if (text.size() > kMaxBytes) return std::nullopt;
  std::string input = ForLibrary(text);
  pn::PhoneNumber number;
  const auto error = util_->Parse(input, "JP", &number);
  Wipe(&input);
  std::optional<SecretBytes> out;
  if (error == pn::PhoneNumberUtil::NO_PARSING_ERROR && util_->IsPossibleNumber(number)) {
    std::string e164;
    util_->Format(number, pn::PhoneNumberUtil::E164, &e164);
    if (number.has_extension() && !number.extension().empty()) {
      e164.reserve(e164.size() + 5 + number.extension().size());
      e164.append(";ext=").append(number.extension());
    }
    out = SecretBytes::CopyOf(e164);
    Wipe(&e164);
  }
  WipeNumber(&number);
  return out;
}

}  // namespace piivault::vault
