#ifndef PIIVAULT_VAULT_VALUES_VALUE_RULES_H_
#define PIIVAULT_VAULT_VALUES_VALUE_RULES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "authz/field_spec.h"
#include "authz/semantic_type.h"
#include "vault/crypto/secret_bytes.h"
#include "vault/values/detectors.h"

namespace piivault::vault {

// Version of NormalizeForSearch. It is in the key of every blind index: any change of what a value
// normalises to, a new ICU or libphonenumber release included, makes a new version beside the ones
// that vaults still have indexes of; these are built anew (IndexBuilder). A golden test notices
// such a change.
inline constexpr uint32_t kNormaliserVersion = 1;
// The oldest one that is still here.
inline constexpr uint32_t kOldestNormaliserVersion = 1;

enum class ValueOutcome : uint8_t {
  kOk,          // Of the type.
  kFlagged,     // Not of the type, and the field says accept_and_flag. Stored as given.
  kInvalid,     // Not of the type, and the field is strict.
  kTooLarge,    // Longer than the field's max_bytes.
  kNotUtf8,     // Not UTF-8, or with U+0000, a surrogate or a noncharacter.
  kProhibited,  // A payment card, its expiry date or its security code is in it.
};

// What Validate says about one value. Holds no part of the value, so it may be logged.
struct ValueVerdict {
  ValueOutcome outcome = ValueOutcome::kOk;
  // The rule that was broken, for people ("not an e-mail address"); empty for kOk. Static storage.
  std::string_view detail;
  ProhibitedFindings prohibited;

  bool accepted() const {
    return outcome == ValueOutcome::kOk || outcome == ValueOutcome::kFlagged;
  }
  bool flagged() const { return outcome == ValueOutcome::kFlagged; }
  // VALUE_INVALID, VALUE_TOO_LARGE, VALUE_NOT_UTF8, PROHIBITED_TYPE; empty if accepted.
  std::string_view reason() const;
  // OK if accepted, else INVALID_ARGUMENT with the detail as message.
  absl::Status ToStatus() const;
};

// What the semantic types do: which values they take, what they normalise to and how they mask.
//
// Guarantees: nothing here logs, stores or repeats a value; every function takes time linear in
// the value; values are never changed by validation, the vault gives back exactly what it got.
// Does not: decide who may see what, or know today's date (it is an argument).
// The intermediate buffers are wiped, except those that ICU and libphonenumber make themselves.
// Ownership: owns compiled patterns; ICU and libphonenumber objects are theirs and live as long as
// the process. Thread-safe.
class ValueRules {
 public:
  // Fetches the ICU and libphonenumber objects once, and silences libphonenumber's logger, which
  // would print numbers. INTERNAL if ICU's data is missing.
  static absl::StatusOr<std::unique_ptr<ValueRules>> Create();
  ~ValueRules();
  ValueRules(const ValueRules&) = delete;
  ValueRules& operator=(const ValueRules&) = delete;

  // In this order: size, UTF-8, prohibited types (unless the catalogue exempts the semantic type),
  // then the type itself, the field's pattern and its choices. Only the last three are subject to
  // `validation: accept_and_flag`.
  //
  // What strict takes, where it is not obvious:
  //  email_address  dot-atom @ two or more LDH labels (RFC 5321, without quoted and non-ASCII
  //                 local parts). The addresses with dots in a row or before the @ that Japanese
  //                 carriers gave out (a..b.@docomo...) are not RFC 5321: flagged or refused.
  //  phone, fax     what libphonenumber (region JP) parses to a possible length, without letters.
  //                 Not "valid": numbering plans are opened faster than libraries are updated.
  //                 Full-width digits and any hyphen will do.
  //  birth_date, date  YYYY-MM-DD of the calendar, 1800 to 2199; full-width digits and hyphens too.
  //  postal_code    seven digits, 3-4, with or without hyphen and postal mark; full-width too.
  //  ip_address     IPv4 or IPv6 text without zone.
  //  timestamp      RFC 3339.
  //  bank_account_number, number_code  one line with a digit in it (4 for a bank account): free
  //                 shape, as bank and branch are often written in front.
  ValueVerdict Validate(const authz::FieldSpec& field, std::string_view value) const;

  // The form that is compared and put under the blind index: spellings that people hold for the
  // same become the same bytes. Idempotent. Any UTF-8 value of any type has one, flagged values
  // too; they fall back to the folding of text.
  //
  //  text, names    NFKC_Casefold; whitespace (U+3000 too) trimmed and collapsed to one space, and
  //                 dropped between two characters of Han, kana or hangul; hyphens, dashes and
  //                 minus signs (U+2010..2015, U+2212, U+2500, ...) are '-'; U+30FC is '-' between
  //                 digits only.
  //  postal_address as text, and without spaces around '-'.
  //  email_address  NFKC_Casefold, trimmed; local part and domain in lower case (no provider of
  //                 note tells local parts apart by case); a non-ASCII domain as A-label.
  //  phone, fax     E.164 by libphonenumber, region JP; an extension is appended as ";ext=".
  //  postal_code    the digits. birth_date, date: YYYY-MM-DD, from 1999/1/2 and 1999年1月2日 too.
  //  ip_address     RFC 5952; IPv4-mapped IPv6 as IPv4. timestamp: UTC, without trailing zeros.
  //  bank_account_number, number_code  as text, without spaces and hyphens.
  //  identifiers    (device, cookie, account ids, credentials) exactly as given, case and all.
  // INVALID_ARGUMENT if the value is not UTF-8, or there is no such version.
  absl::StatusOr<SecretBytes> NormalizeForSearch(authz::SemanticType type, std::string_view value,
                                                 uint32_t version = kNormaliserVersion) const;

  // The domain of an e-mail address in the form NormalizeForSearch gives it, for the second index
  // of `index_domain`. Takes an address or a bare domain (with or without '@' in front).
  // INVALID_ARGUMENT if there is none, or no such version.
  absl::StatusOr<SecretBytes> NormalizeEmailDomain(std::string_view value,
                                                   uint32_t version = kNormaliserVersion) const;

 private:
  struct Impl;
  explicit ValueRules(std::unique_ptr<Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

// Where and when a masked value is shown: ages change on the birthday in this zone.
struct MaskContext {
  absl::Time now;
  absl::TimeZone zone;  // of the policy
};

// The value behind the mask. Never splits a character as people see it (grapheme cluster); a value
// that does not have the shape the mask needs is shown as "***", and so is one that is so short
// that the mask would show all of it. Born on 29 February: one year older on 1 March.
// REQUIRES: valid UTF-8. INVALID_ARGUMENT if the catalogue does not allow `mask` for `type`.
absl::StatusOr<std::string> MaskValue(authz::SemanticType type, authz::Mask mask,
                                      std::string_view value, const MaskContext& context);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_VALUE_RULES_H_
