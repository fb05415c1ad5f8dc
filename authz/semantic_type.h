// The catalogue of semantic types: what a policy may say a field holds.
//
// The ids here only name the types and their properties. How a value of a type is validated,
// normalised for search and masked is vault/values' business, which switches over these ids.
// Names are what policies say and what entries and metrics show: they never change meaning. The
// numeric ids are for this process only and are not stored anywhere.
#ifndef PIIVAULT_AUTHZ_SEMANTIC_TYPE_H_
#define PIIVAULT_AUTHZ_SEMANTIC_TYPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace piivault::authz {

enum class SemanticType : uint8_t {
  // Who a person is.
  kPersonName,
  kCompanyName,
  kJobTitle,
  kGender,
  kBirthDate,
  // Where and how to reach a person.
  kEmailAddress,
  kPhoneNumber,
  kFaxNumber,
  kPostalAddress,
  kPostalCode,
  kCountryCode,
  // Money. Never payment cards: those are prohibited, see ProhibitedType.
  kBankName,
  kBankAccountNumber,
  kBankAccountHolder,
  kBillingRecord,
  kPaymentRecord,
  kContractRecord,
  kSupplyRecord,
  kCreditRecord,
  kTaxRecord,
  kNonpayerRecord,
  // Devices and behaviour.
  kIpAddress,
  kUserAgent,
  kDeviceOs,
  kDevicePlatform,
  kDeviceIdentifier,
  kGeoLocation,
  kCookieId,
  kLoginCookie,
  kAnonymousId,
  kBrowsingEvent,
  kMailOpenEvent,
  kClickEvent,
  kUsageRecord,
  // Linked services.
  kExternalAccountId,
  kExternalAttribute,
  // Text and communication.
  kText,
  kFreeText,
  kMailBody,
  kInquiryRecord,
  kDisputeRecord,
  kChangeHistory,
  kDeclaredExtension,
  kAudioRecording,  // A reference to a recording kept elsewhere: the vault holds no blobs.
  // Credentials.
  kSubmissionCredential,
  kPasswordCredential,
  // Plain kinds.
  kTimestamp,
  kDate,
  kInteger,
  kBoolean,
  kChoice,
  kNumberCode,
  kUrl,
};

// How a value may be shown without being shown. "a***@example.jp" is kEmailLocal.
enum class Mask : uint8_t {
  kNone,         // The type cannot be masked.
  kFull,         // Fixed "***", whatever the value.
  kInitial,      // First character, then "***".
  kEmailLocal,   // First character of the local part and the domain.
  kEmailDomain,  // Only the domain.
  kLast4,        // Last four digits, the others as "*", separators kept.
  kAge,          // Full years at the time of the call.
  kYear,         // The year of a date.
  kPrefecture,   // The first administrative part of an address.
  kPrefix3,      // The first three digits or characters.
  kNetwork,      // IPv4 /24, IPv6 /48.
};

// Types whose values must not enter the vault by any field, with no way around. What a policy
// lists under prohibited_types; vault/values holds the detectors.
enum class ProhibitedType : uint8_t {
  kCardNumber,
  kCardExpiry,
  kCardCvv,
};

struct SemanticTypeInfo {
  SemanticType id;
  std::string_view name;
  // A blind index over the normalised value is allowed (unless low_cardinality).
  bool indexable;
  // So few possible values that an index or a deterministic token would reveal them: both refused.
  bool low_cardinality;
  // One way: the policy must say `read: never`; only verification and rotation are possible.
  bool credential;
  // The prohibited-type detectors look into the value. False only for declared numbers, which
  // would be mistaken for cards, and for types that cannot carry text.
  bool detectors_apply;
  // Default upper bound of the UTF-8 value as submitted.
  uint32_t default_max_bytes;
  // Allowed masks, the default first, ended by kNone.
  std::array<Mask, 4> masks;

  constexpr bool maskable() const { return masks[0] != Mask::kNone; }
  constexpr bool AllowsMask(Mask mask) const {
    for (Mask m : masks) {
      if (m == mask && m != Mask::kNone) return true;
    }
    return false;
  }
};

namespace semantic_internal {
inline constexpr std::array<Mask, 4> kMaskFull = {Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskNone = {};
inline constexpr std::array<Mask, 4> kMaskName = {Mask::kInitial, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskEmail = {Mask::kEmailLocal, Mask::kEmailDomain,
                                                   Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskNumber = {Mask::kLast4, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskBirth = {Mask::kAge, Mask::kYear, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskDate = {Mask::kYear, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskAddress = {Mask::kPrefecture, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskPostal = {Mask::kPrefix3, Mask::kFull};
inline constexpr std::array<Mask, 4> kMaskNetwork = {Mask::kNetwork, Mask::kFull};
}  // namespace semantic_internal

// In the order of SemanticType; checked below.
// Columns: id, name, indexable, low_cardinality, credential, detectors_apply, bytes, masks.
inline constexpr auto kSemanticTypes = std::to_array<SemanticTypeInfo>({
    {SemanticType::kPersonName, "person_name", true, false, false, true, 512,
     semantic_internal::kMaskName},
    {SemanticType::kCompanyName, "company_name", true, false, false, true, 512,
     semantic_internal::kMaskName},
    {SemanticType::kJobTitle, "job_title", false, true, false, true, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kGender, "gender", false, true, false, true, 64, semantic_internal::kMaskFull},
    {SemanticType::kBirthDate, "birth_date", false, true, false, false, 32,
     semantic_internal::kMaskBirth},
    {SemanticType::kEmailAddress, "email_address", true, false, false, true, 320,
     semantic_internal::kMaskEmail},
    {SemanticType::kPhoneNumber, "phone_number", true, false, false, true, 64,
     semantic_internal::kMaskNumber},
    {SemanticType::kFaxNumber, "fax_number", true, false, false, true, 64,
     semantic_internal::kMaskNumber},
    {SemanticType::kPostalAddress, "postal_address", true, false, false, true, 1024,
     semantic_internal::kMaskAddress},
    {SemanticType::kPostalCode, "postal_code", false, true, false, true, 32,
     semantic_internal::kMaskPostal},
    {SemanticType::kCountryCode, "country_code", false, true, false, true, 8,
     semantic_internal::kMaskFull},
    {SemanticType::kBankName, "bank_name", false, true, false, true, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kBankAccountNumber, "bank_account_number", true, false, false, false, 64,
     semantic_internal::kMaskNumber},
    {SemanticType::kBankAccountHolder, "bank_account_holder", true, false, false, true, 512,
     semantic_internal::kMaskName},
    {SemanticType::kBillingRecord, "billing_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kPaymentRecord, "payment_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kContractRecord, "contract_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kSupplyRecord, "supply_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kCreditRecord, "credit_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kTaxRecord, "tax_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kNonpayerRecord, "nonpayer_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kIpAddress, "ip_address", true, false, false, false, 64,
     semantic_internal::kMaskNetwork},
    {SemanticType::kUserAgent, "user_agent", false, false, false, true, 1024,
     semantic_internal::kMaskFull},
    {SemanticType::kDeviceOs, "device_os", false, true, false, true, 128,
     semantic_internal::kMaskFull},
    {SemanticType::kDevicePlatform, "device_platform", false, true, false, true, 128,
     semantic_internal::kMaskFull},
    {SemanticType::kDeviceIdentifier, "device_identifier", true, false, false, false, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kGeoLocation, "geo_location", false, false, false, false, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kCookieId, "cookie_id", true, false, false, false, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kLoginCookie, "login_cookie", false, false, true, false, 1024,
     semantic_internal::kMaskNone},
    {SemanticType::kAnonymousId, "anonymous_id", true, false, false, false, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kBrowsingEvent, "browsing_event", false, false, false, true, 4096,
     semantic_internal::kMaskFull},
    {SemanticType::kMailOpenEvent, "mail_open_event", false, false, false, true, 4096,
     semantic_internal::kMaskFull},
    {SemanticType::kClickEvent, "click_event", false, false, false, true, 4096,
     semantic_internal::kMaskFull},
    {SemanticType::kUsageRecord, "usage_record", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kExternalAccountId, "external_account_id", true, false, false, false, 256,
     semantic_internal::kMaskFull},
    {SemanticType::kExternalAttribute, "external_attribute", false, false, false, true, 4096,
     semantic_internal::kMaskFull},
    {SemanticType::kText, "text", true, false, false, true, 1024, semantic_internal::kMaskName},
    {SemanticType::kFreeText, "free_text", false, false, false, true, 16384,
     semantic_internal::kMaskFull},
    {SemanticType::kMailBody, "mail_body", false, false, false, true, 1048576,
     semantic_internal::kMaskNone},
    {SemanticType::kInquiryRecord, "inquiry_record", false, false, false, true, 65536,
     semantic_internal::kMaskFull},
    {SemanticType::kDisputeRecord, "dispute_record", false, false, false, true, 65536,
     semantic_internal::kMaskFull},
    {SemanticType::kChangeHistory, "change_history", false, false, false, true, 65536,
     semantic_internal::kMaskFull},
    {SemanticType::kDeclaredExtension, "declared_extension", false, false, false, true, 4096,
     semantic_internal::kMaskFull},
    {SemanticType::kAudioRecording, "audio_recording", false, false, false, true, 1024,
     semantic_internal::kMaskNone},
    {SemanticType::kSubmissionCredential, "submission_credential", false, false, true, true, 320,
     semantic_internal::kMaskNone},
    {SemanticType::kPasswordCredential, "password_credential", false, false, true, false, 1024,
     semantic_internal::kMaskNone},
    {SemanticType::kTimestamp, "timestamp", false, false, false, false, 64,
     semantic_internal::kMaskDate},
    {SemanticType::kDate, "date", false, true, false, false, 32, semantic_internal::kMaskDate},
    {SemanticType::kInteger, "integer", false, true, false, true, 32, semantic_internal::kMaskFull},
    {SemanticType::kBoolean, "boolean", false, true, false, false, 8, semantic_internal::kMaskFull},
    {SemanticType::kChoice, "choice", false, true, false, true, 128, semantic_internal::kMaskFull},
    {SemanticType::kNumberCode, "number_code", true, false, false, false, 64,
     semantic_internal::kMaskNumber},
    {SemanticType::kUrl, "url", true, false, false, true, 2048, semantic_internal::kMaskFull},
});
inline constexpr size_t kSemanticTypeCount = kSemanticTypes.size();

// Entry of the catalogue for `type`.
constexpr const SemanticTypeInfo& GetSemanticType(SemanticType type) {
  return kSemanticTypes[static_cast<size_t>(type)];
}

// Type of that exact name, or nullopt.
constexpr std::optional<SemanticType> FindSemanticType(std::string_view name) {
  for (const SemanticTypeInfo& info : kSemanticTypes) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

struct MaskInfo {
  Mask id;
  std::string_view name;
};
inline constexpr auto kMasks = std::to_array<MaskInfo>({
    {Mask::kNone, "none"},
    {Mask::kFull, "full"},
    {Mask::kInitial, "initial"},
    {Mask::kEmailLocal, "email_local"},
    {Mask::kEmailDomain, "email_domain"},
    {Mask::kLast4, "last4"},
    {Mask::kAge, "age"},
    {Mask::kYear, "year"},
    {Mask::kPrefecture, "prefecture"},
    {Mask::kPrefix3, "prefix3"},
    {Mask::kNetwork, "network"},
});

constexpr std::string_view MaskName(Mask mask) { return kMasks[static_cast<size_t>(mask)].name; }

constexpr std::optional<Mask> FindMask(std::string_view name) {
  for (const MaskInfo& info : kMasks) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

struct ProhibitedTypeInfo {
  ProhibitedType id;
  std::string_view name;
};
inline constexpr auto kProhibitedTypes = std::to_array<ProhibitedTypeInfo>({
    {ProhibitedType::kCardNumber, "card_number"},
    {ProhibitedType::kCardExpiry, "card_expiry"},
    {ProhibitedType::kCardCvv, "card_cvv"},
});

constexpr std::optional<ProhibitedType> FindProhibitedType(std::string_view name) {
  for (const ProhibitedTypeInfo& info : kProhibitedTypes) {
    if (info.name == name) return info.id;
  }
  return std::nullopt;
}

namespace semantic_internal {
constexpr bool TablesInOrder() {
  for (size_t i = 0; i < kSemanticTypes.size(); ++i) {
    if (static_cast<size_t>(kSemanticTypes[i].id) != i) return false;
  }
  for (size_t i = 0; i < kMasks.size(); ++i) {
    if (static_cast<size_t>(kMasks[i].id) != i) return false;
  }
  return true;
}
static_assert(TablesInOrder(), "the tables follow the order of their enums");
}  // namespace semantic_internal

}  // namespace piivault::authz

#endif  // PIIVAULT_AUTHZ_SEMANTIC_TYPE_H_
