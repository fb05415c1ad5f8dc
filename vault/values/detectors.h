#ifndef PIIVAULT_VAULT_VALUES_DETECTORS_H_
#define PIIVAULT_VAULT_VALUES_DETECTORS_H_

#include <string_view>

namespace piivault::vault {

// Which prohibited types (authz::ProhibitedType) are in a text. Says not where, nor which digits.
struct ProhibitedFindings {
  bool card_number = false;
  bool card_expiry = false;
  bool card_cvv = false;

  bool any() const { return card_number || card_expiry || card_cvv; }
};

// Looks for payment card data anywhere in a text.
//
// card_number: digits (ASCII, full-width, any decimal digits of Unicode) with an issuer's prefix, a
// length of that issuer, a valid Luhn digit, and one way of grouping: unbroken; fours (the last
// group may be shorter); 4-6-5 and 4-6-4; 6-13; 8-8; or digit by digit. The separators of one
// number are all of one kind: blanks (U+3000 too), hyphens and dashes (U+2010..2015, U+2212,
// U+30FC, ...) or dots. Invisible characters (U+200B, U+00AD, ...) do not count.
// No card is the middle of a longer row of groups (090-4111-1111-1111-1111), unless blanks are in
// between; nor what Japanese texts are full of: 13-digit corporate numbers and JAN codes, E.164
// numbers behind a '+', a postal code run together with a telephone number.
//
// card_expiry: a month and a year (12/27) right behind a card number, or behind 有効期限, "exp",
// "valid thru" and the like. A full date behind 有効期限 is not one: coupons and licences have
// that.
//
// card_cvv: three or four digits behind CVV, CVC, セキュリティコード and the like, or behind a card
// number and its expiry date.
//
// Guarantees: linear time, no memory that depends on the text, no copies of it. Bytes that are not
// UTF-8 only separate.
// Does not: find a number broken into other groups (2021-01-01 090-1234-5678 must pass), into other
// fields, or spelt out in words. Callers skip values of types that the catalogue declares as
// numbers (detectors_apply): of random strings of 16 digits 2.7 % are taken for cards (27 % have an
// issuer's prefix, a tenth of these is valid by Luhn), unbroken or in fours alike; of 12 digits
// 0.006 %, 13: 1.0 %, 14: 0.4 %, 15: 0.2 %, 17 and 18: 0.1 %, 19: 1.7 %.
ProhibitedFindings DetectProhibited(std::string_view text);

}  // namespace piivault::vault

#endif  // PIIVAULT_VAULT_VALUES_DETECTORS_H_
