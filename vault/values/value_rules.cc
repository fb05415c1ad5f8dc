#include "vault/values/value_rules.h"

#include <re2/re2.h>
#include <unicode/uloc.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "vault/values/dates.h"
#include "vault/values/unicode_text.h"
#include "vault/values/value_rules_impl.h"

namespace piivault::vault {
namespace {

using authz::SemanticType;

constexpr std::string_view kOk;

bool HasControl(std::string_view text, bool lines_allowed) {
  for (size_t pos = 0; pos < text.size();) {
    const char32_t c = NextCodePoint(text, &pos);
    if (!IsControl(c)) continue;
    if (lines_allowed && (c == '\t' || c == '\n' || c == '\r')) continue;
    return true;
  }
  return false;
}

bool IsBlank(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    if (!IsSpace(NextCodePoint(text, &pos))) return false;
  }
  return true;
}

int CountDigits(std::string_view text) {
  int count = 0;
  for (size_t pos = 0; pos < text.size();) {
    if (DecimalDigit(NextCodePoint(text, &pos)) >= 0) ++count;
  }
  return count;
}

std::string_view CheckLine(std::string_view value) {
  if (IsBlank(value)) return "the value is empty";
  if (HasControl(value, false)) return "control characters or line breaks are in the value";
  return kOk;
}

std::string_view CheckLines(std::string_view value) {
  return HasControl(value, true) ? "control characters are in the value" : kOk;
}

// RFC 5321 dot-string: atext with single dots in between.
bool IsDotAtom(std::string_view local) {
  constexpr std::string_view kAtextSpecials = "!#$%&'*+-/=?^_`{|}~";
  bool dot = true;  // none at the start
  for (const char c : local) {
    if (c == '.') {
      if (dot) return false;
      dot = true;
    } else {
      if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
          kAtextSpecials.find(c) == std::string_view::npos) {
        return false;
      }
      dot = false;
    }
  }
  return !dot;
}

bool IsLdhLabel(std::string_view label) {
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) {
           return c == '-' || absl::ascii_isalnum(static_cast<unsigned char>(c));
         });
}

std::string_view CheckEmail(std::string_view value) {
  constexpr std::string_view kBad = "not an RFC 5321 e-mail address";
  const size_t at = value.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || value.size() > 254) return kBad;
  if (!IsDotAtom(value.substr(0, at))) return kBad;
  std::string_view domain = value.substr(at + 1);
  int labels = 0;
  std::string_view label;
  for (;; ++labels) {
    const size_t dot = domain.find('.');
    label = domain.substr(0, dot);
    if (!IsLdhLabel(label)) return kBad;
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  const bool numeric = std::all_of(label.begin(), label.end(), absl::ascii_isdigit);
  return labels < 1 || numeric ? kBad : kOk;
}

std::string_view CheckPhone(const PhoneNumbers& phones, std::string_view value) {
  constexpr std::string_view kBad = "not a telephone number";
  if (!PhoneNumbers::HasOnlyPhoneCharacters(value)) return kBad;
  return phones.ToE164(value).has_value() ? kOk : kBad;
}

std::string_view CheckPostalCode(std::string_view value) {
  constexpr std::string_view kBad = "not a Japanese postal code";
  int digits = 0;
  bool hyphen = false;
  for (size_t pos = 0; pos < value.size();) {
    const char32_t c = NextCodePoint(value, &pos);
    if (DecimalDigit(c) >= 0) {
      ++digits;
    } else if (c == U'〒' && digits == 0) {
      continue;
    } else if (IsSpace(c) && (digits == 0 || digits == 3) && !IsControl(c)) {
      continue;
    } else if ((IsDash(c) || c == kProlongedSound || c == kHalfWidthProlongedSound) &&
               digits == 3 && !hyphen) {
      hyphen = true;
    } else {
      return kBad;
    }
  }
  return digits == 7 ? kOk : kBad;
}

std::string_view CheckCountry(std::string_view value) {
  if (value.size() == 2) {
    for (const char* const* code = uloc_getISOCountries(); *code != nullptr; ++code) {
      if (value == *code) return kOk;
    }
  }
  return "not an ISO 3166-1 alpha-2 country code in capitals";
}

std::string_view CheckInteger(std::string_view value) {
  std::string_view digits = value;
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  const bool good = !digits.empty() && digits.size() <= 18 &&
                    std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit);
  return good ? kOk : "not an integer of at most 18 digits";
}

// RFC 3986: a scheme, a colon, something, and no blanks or control characters.
std::string_view CheckUrl(std::string_view value) {
  constexpr std::string_view kBad = "not a URL";
  const size_t colon = value.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == value.size()) return kBad;
  const bool scheme =
      absl::ascii_isalpha(static_cast<unsigned char>(value[0])) &&
      std::all_of(value.begin(), value.begin() + static_cast<ptrdiff_t>(colon), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' ||
               c == '.';
      });
  if (!scheme) return kBad;
  for (size_t pos = 0; pos < value.size();) {
    const char32_t c = NextCodePoint(value, &pos);
    if (IsSpace(c) || IsControl(c)) return kBad;
  }
  return kOk;
}

std::string_view CheckNumber(std::string_view value, int least_digits) {
  if (const std::string_view bad = CheckLine(value); !bad.empty()) return bad;
  return CountDigits(value) >= least_digits ? kOk : "there are too few digits in the value";
}

std::string_view CheckIsoDay(std::string_view value) {
  bool iso = false;
  return ParseDay(value, &iso).has_value() && iso ? kOk : "not a date as YYYY-MM-DD";
}

// The rule of the type that `value` breaks, or empty.
std::string_view CheckType(SemanticType type, const PhoneNumbers& phones, std::string_view value) {
  switch (type) {
    case SemanticType::kEmailAddress:
      return CheckEmail(value);
    case SemanticType::kPhoneNumber:
    case SemanticType::kFaxNumber:
      return CheckPhone(phones, value);
    case SemanticType::kPostalCode:
      return CheckPostalCode(value);
    case SemanticType::kCountryCode:
      return CheckCountry(value);
    case SemanticType::kBirthDate:
    case SemanticType::kDate:
      return CheckIsoDay(value);
    case SemanticType::kTimestamp:
      return ParseRfc3339(value).has_value() ? kOk : "not an RFC 3339 time";
    case SemanticType::kIpAddress:
      return ParseIp(value).has_value() ? kOk : "not an IP address";
    case SemanticType::kBankAccountNumber:
      return CheckNumber(value, 4);
    case SemanticType::kNumberCode:
      return CheckNumber(value, 1);
    case SemanticType::kInteger:
      return CheckInteger(value);
    case SemanticType::kBoolean:
      return value == "true" || value == "false" ? kOk : "neither true nor false";
    case SemanticType::kUrl:
      return CheckUrl(value);
    case SemanticType::kPersonName:
    case SemanticType::kCompanyName:
    case SemanticType::kJobTitle:
    case SemanticType::kGender:
    case SemanticType::kBankName:
    case SemanticType::kBankAccountHolder:
    case SemanticType::kUserAgent:
    case SemanticType::kDeviceOs:
    case SemanticType::kDevicePlatform:
    case SemanticType::kDeviceIdentifier:
    case SemanticType::kGeoLocation:
    case SemanticType::kCookieId:
    case SemanticType::kLoginCookie:
    case SemanticType::kAnonymousId:
    case SemanticType::kExternalAccountId:
    case SemanticType::kAudioRecording:
    case SemanticType::kSubmissionCredential:
    case SemanticType::kPasswordCredential:
    case SemanticType::kChoice:
      return CheckLine(value);
    case SemanticType::kPostalAddress:
      return IsBlank(value) ? "the value is empty" : CheckLines(value);
    default:
      return CheckLines(value);
  }
}

}  // namespace

std::string_view ValueVerdict::reason() const {
  switch (outcome) {
    case ValueOutcome::kOk:
    case ValueOutcome::kFlagged:
      return "";
    case ValueOutcome::kInvalid:
      return "VALUE_INVALID";
    case ValueOutcome::kTooLarge:
      return "VALUE_TOO_LARGE";
    case ValueOutcome::kNotUtf8:
      return "VALUE_NOT_UTF8";
    case ValueOutcome::kProhibited:
      return "PROHIBITED_TYPE";
  }
  return "VALUE_INVALID";
}

absl::Status ValueVerdict::ToStatus() const {
  return accepted() ? absl::OkStatus() : absl::InvalidArgumentError({detail.data(), detail.size()});
}

PatternCache::PatternCache() = default;
PatternCache::~PatternCache() = default;

bool PatternCache::Matches(const std::string& pattern, std::string_view value) const {
  std::shared_ptr<const re2::RE2> compiled;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (const auto it = patterns_.find(pattern); it != patterns_.end()) compiled = it->second;
  }
  if (compiled == nullptr) {
    re2::RE2::Options options;
    options.set_log_errors(false);
    compiled = std::make_shared<const re2::RE2>(pattern, options);
    absl::MutexLock lock(&mutex_);
    if (patterns_.size() >= kMaxPatterns) patterns_.clear();
    patterns_.insert_or_assign(pattern, compiled);
  }
  return compiled->ok() &&
         re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *compiled);
}

ValueRules::ValueRules(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ValueRules::~ValueRules() = default;

absl::StatusOr<std::unique_ptr<ValueRules>> ValueRules::Create() {
  absl::StatusOr<std::unique_ptr<Folder>> folder = Folder::Create();
  if (!folder.ok()) return folder.status();
  auto impl = std::make_unique<Impl>();
  impl->folder = *std::move(folder);
  return std::unique_ptr<ValueRules>(new ValueRules(std::move(impl)));
}

ValueVerdict ValueRules::Validate(const authz::FieldSpec& field, std::string_view value) const {
  const authz::SemanticTypeInfo& type = authz::GetSemanticType(field.semantic);
  const size_t max_bytes = field.max_bytes != 0 ? field.max_bytes : type.default_max_bytes;
  if (value.size() > max_bytes) {
    return {ValueOutcome::kTooLarge, "the value is longer than the field takes", {}};
  }
  if (!IsStorableUtf8(value)) return {ValueOutcome::kNotUtf8, "the value is not UTF-8", {}};
  if (type.detectors_apply) {
    const ProhibitedFindings found = DetectProhibited(value);
    if (found.any()) {
      return {ValueOutcome::kProhibited, "payment card data must not be stored", found};
    }
  }
  std::string_view broken = CheckType(field.semantic, impl_->phones, value);
  if (broken.empty() && !field.pattern.empty() && !impl_->patterns.Matches(field.pattern, value)) {
    broken = "the value does not match the field's pattern";
  }
  if (broken.empty() && !field.choices.empty() &&
      std::find(field.choices.begin(), field.choices.end(), value) == field.choices.end()) {
    broken = "not one of the field's choices";
  }
  if (broken.empty()) return {};
  const bool flag = field.validation == authz::Validation::kAcceptAndFlag;
  return {flag ? ValueOutcome::kFlagged : ValueOutcome::kInvalid, broken, {}};
}

}  // namespace piivault::vault
