#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "vault/values/dates.h"
#include "vault/values/unicode_text.h"
#include "vault/values/value_rules.h"
#include "vault/values/value_rules_impl.h"

namespace piivault::vault {
namespace {

using authz::SemanticType;

// Makes the bytes the property of a SecretBytes and leaves none behind.
SecretBytes TakeText(std::string text) {
  SecretBytes out = SecretBytes::CopyOf(text);
  Wipe(&text);
  return out;
}

SecretBytes NormalizeDay(const Folder& folder, std::string_view value) {
  const std::optional<absl::CivilDay> day = ParseDay(value);
  if (!day.has_value()) return folder.FoldText(value, Folder::Hyphens::kAsText);
  return TakeText(absl::StrFormat("%04d-%02d-%02d", day->year(), day->month(), day->day()));
}

SecretBytes NormalizeTimestamp(const Folder& folder, std::string_view value) {
  const SecretBytes folded = folder.FoldText(value, Folder::Hyphens::kAsText);
  const std::optional<absl::Time> time = ParseRfc3339(folded.view());
  if (!time.has_value()) return folded.Clone();
  return TakeText(absl::FormatTime("%E4Y-%m-%dT%H:%M:%E*Sz", *time, absl::UTCTimeZone()));
}

SecretBytes NormalizeIp(const Folder& folder, std::string_view value) {
  SecretBytes folded = folder.FoldText(value, Folder::Hyphens::kAsText);
  const std::optional<IpAddress> address = ParseIp(folded.view());
  return address.has_value() ? TakeText(FormatIp(*address)) : std::move(folded);
}

// Scheme and host of a URL do not care for case, the rest may.
SecretBytes NormalizeUrl(std::string_view value) {
  while (!value.empty() && absl::ascii_isspace(static_cast<unsigned char>(value.front()))) {
    value.remove_prefix(1);
  }
  while (!value.empty() && absl::ascii_isspace(static_cast<unsigned char>(value.back()))) {
    value.remove_suffix(1);
  }
  SecretBytes out = SecretBytes::CopyOf(value);
  const size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return out;
  const size_t host_end = value.find_first_of("/?#", scheme + 3);
  const size_t at = value.substr(0, host_end).rfind('@');
  const size_t host = at == std::string_view::npos ? scheme + 3 : at + 1;
  const absl::Span<uint8_t> bytes = out.span();
  for (size_t i = 0; i < value.size() && i < host_end; ++i) {
    if (i < scheme || i >= host) bytes[i] = static_cast<uint8_t>(absl::ascii_tolower(bytes[i]));
  }
  return out;
}

// The digits of a Japanese postal code; the compact folding of any other.
SecretBytes NormalizePostalCode(const Folder& folder, std::string_view value) {
  constexpr std::string_view kPostalMark = "〒";
  SecretBytes folded = folder.FoldCompact(value);
  while (folded.view().starts_with(kPostalMark)) {
    folded = folder.FoldCompact(folded.view().substr(kPostalMark.size()));
  }
  return folded;
}

// E.164, or what is left without blanks and hyphens if it is no number.
SecretBytes NormalizePhone(const Folder& folder, const PhoneNumbers& phones,
                           std::string_view value) {
  if (std::optional<SecretBytes> e164 = phones.ToE164(value)) return *std::move(e164);
  SecretBytes folded = folder.CaseFold(value);
  if (std::optional<SecretBytes> e164 = phones.ToE164(folded.view())) return *std::move(e164);
  folded = folder.FoldCompact(folded.view());
  if (std::optional<SecretBytes> e164 = phones.ToE164(folded.view())) return *std::move(e164);
  return folded;
}

}  // namespace

std::optional<IpAddress> ParseIp(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.empty() || text.size() >= buffer.size()) return std::nullopt;
  std::memcpy(buffer.data(), text.data(), text.size());
  IpAddress out;
  if (inet_pton(AF_INET, buffer.data(), out.bytes) == 1) {
    out.v4 = true;
    return out;
  }
  if (inet_pton(AF_INET6, buffer.data(), out.bytes) != 1) return std::nullopt;
  constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::memcmp(out.bytes, kMapped, sizeof(kMapped)) == 0) {
    std::memmove(out.bytes, out.bytes + 12, 4);
    out.v4 = true;
  }
  return out;
}

std::string FormatIp(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (inet_ntop(address.v4 ? AF_INET : AF_INET6, address.bytes, buffer.data(),
                static_cast<socklen_t>(buffer.size())) == nullptr) {
    return "";
  }
  return buffer.data();
}

absl::StatusOr<SecretBytes> ValueRules::NormalizeForSearch(SemanticType type,
                                                           std::string_view value,
                                                           uint32_t version) const {
  if (version != kNormaliserVersion) return absl::InvalidArgumentError("no such normal form");
  if (!IsStorableUtf8(value)) return absl::InvalidArgumentError("the value is not UTF-8");
  const Folder& folder = *impl_->folder;
  switch (type) {
    case SemanticType::kEmailAddress:
      return folder.FoldEmail(value);
    case SemanticType::kPhoneNumber:
    case SemanticType::kFaxNumber:
      return NormalizePhone(folder, impl_->phones, value);
    case SemanticType::kPostalCode:
      return NormalizePostalCode(folder, value);
    case SemanticType::kPostalAddress:
      return folder.FoldText(value, Folder::Hyphens::kJoin);
    case SemanticType::kBirthDate:
    case SemanticType::kDate:
      return NormalizeDay(folder, value);
    case SemanticType::kTimestamp:
      return NormalizeTimestamp(folder, value);
    case SemanticType::kIpAddress:
      return NormalizeIp(folder, value);
    case SemanticType::kUrl:
      return NormalizeUrl(value);
    case SemanticType::kBankAccountNumber:
    case SemanticType::kNumberCode:
      return folder.FoldCompact(value);
    case SemanticType::kDeviceIdentifier:
    case SemanticType::kCookieId:
    case SemanticType::kLoginCookie:
    case SemanticType::kAnonymousId:
    case SemanticType::kExternalAccountId:
    case SemanticType::kSubmissionCredential:
    case SemanticType::kPasswordCredential:
      return SecretBytes::CopyOf(value);
    default:
      return folder.FoldText(value, Folder::Hyphens::kAsText);
  }
}

absl::StatusOr<SecretBytes> ValueRules::NormalizeEmailDomain(std::string_view value,
                                                             uint32_t version) const {
  if (version != kNormaliserVersion) return absl::InvalidArgumentError("no such normal form");
  if (!IsStorableUtf8(value)) return absl::InvalidArgumentError("the value is not UTF-8");
  SecretBytes domain = impl_->folder->FoldEmailDomain(value);
  if (domain.empty()) return absl::InvalidArgumentError("there is no domain");
  return domain;
}

}  // namespace piivault::vault
