#ifndef PIIVAULT_VAULT_VALUES_PHONE_NUMBERS_H_
#define PIIVAULT_VAULT_VALUES_PHONE_NUMBERS_H_

#include <optional>
#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace i18n::phonenumbers {
class PhoneNumberUtil;
}  // namespace i18n::phonenumbers

namespace piivault::vault {

// Phone numbers by libphonenumber, with Japan as the region of numbers without country code.
//
// Guarantees: plain Japanese numbers take a short way that gives what libphonenumber gives (a
// property test compares them); the copies made for the library are wiped.
// Ownership: borrows the library's process-wide instance. Thread-safe.
class PhoneNumbers {
 public:
  // Silences the library's logger, which would print numbers that it cannot parse.
  PhoneNumbers();

  // Whether nothing but digits, blanks, hyphens, dots, brackets, '+', '#' and 内線 is in it.
  static bool HasOnlyPhoneCharacters(std::string_view text);

  // E.164, an extension appended as ";ext="; nullopt if it is no number of a possible length.
  std::optional<SecretBytes> ToE164(std::string_view text) const;
  // The same without the short way.
  std::optional<SecretBytes> ToE164BySlowWay(std::string_view text) const;

 private:
  const i18n::phonenumbers::PhoneNumberUtil* util_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_PHONE_NUMBERS_H_
