#include "vault/values/detectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "tests/vault/values/values_testing.h"
#include "vault/values/card_numbers.h"

namespace piivault::vault {
namespace {

bool HasCard(std::string_view text) { return DetectProhibited(text).card_number; }
bool HasExpiry(std::string_view text) { return DetectProhibited(text).card_expiry; }
bool HasCvv(std::string_view text) { return DetectProhibited(text).card_cvv; }

struct Brand {
  std::string name;
  std::vector<std::string> prefixes;
  size_t length;
  std::vector<std::vector<size_t>> groupings;  // beside unbroken and digit by digit
};

const std::vector<Brand>& Brands() {
  static const auto* const brands = new std::vector<Brand>({
      {"visa", {"4"}, 16, {{4, 4, 4, 4}, {8, 8}}},
      {"visa 13", {"42"}, 13, {{4, 4, 4, 1}}},
      {"visa 19", {"4"}, 19, {{4, 4, 4, 4, 3}}},
      {"mastercard", {"51", "55", "2221", "2720"}, 16, {{4, 4, 4, 4}}},
      {"amex", {"34", "37"}, 15, {{4, 6, 5}, {4, 4, 4, 3}}},
      {"jcb", {"3528", "3589"}, 16, {{4, 4, 4, 4}}},
      {"diners", {"300", "305", "3095", "36", "38", "39"}, 14, {{4, 6, 4}, {4, 4, 4, 2}}},
      {"discover", {"6011", "644", "649", "65", "622126", "622925"}, 16, {{4, 4, 4, 4}}},
      {"unionpay 16", {"62"}, 16, {{4, 4, 4, 4}}},
      {"unionpay 19", {"62"}, 19, {{6, 13}, {4, 4, 4, 4, 3}}},
      {"maestro", {"5018", "6304", "6759", "6763"}, 18, {{4, 4, 4, 4, 2}}},
  });
  return *brands;
}

const std::vector<std::string>& Separators() {
  static const auto* const separators =
      new std::vector<std::string>({" ", "-", ".",  "　", "\u00A0", "‐",  "‑",  "‒",  "–",   "—",
                                    "―", "−", "ー", "－", "ｰ",      "．", "・", "\t", " - ", "  "});
  return *separators;
}

std::vector<uint8_t> Values(std::string_view digits) {
  std::vector<uint8_t> out;
  for (const char c : digits) out.push_back(static_cast<uint8_t>(c - '0'));
  return out;
}

// A number of the brand with a valid check digit, that is not also valid as something else.
std::string MakeNumber(const Brand& brand, Dice& dice) {
  for (;;) {
    std::string number = dice.Pick(brand.prefixes);
    number += dice.Digits(brand.length - 1 - number.size());
    for (char last = '0'; last <= '9'; ++last) {
      const std::vector<uint8_t> digits = Values(number + last);
      if (IsLuhnValid(digits) && !IsMoreLikelyNoCard(digits)) return number + last;
    }
  }
}

std::string Grouped(std::string_view number, const std::vector<size_t>& sizes,
                    std::string_view separator) {
  std::string out;
  for (const size_t size : sizes) {
    if (!out.empty()) out += separator;
    out += number.substr(0, size);
    number.remove_prefix(size);
  }
  return out;
}

// Whether some of the groups of four are a card by themselves: they are found then, and rightly.
bool HoldsAnotherNumber(std::string_view number) {
  for (size_t start = 0; start < number.size(); start += 4) {
    for (size_t size = kMinCardDigits; start + size <= number.size(); ++size) {
      if (size < number.size() && IsCardNumber(Values(number.substr(start, size)))) return true;
    }
  }
  return false;
}

// Every way of writing `number` that must be found.
std::vector<std::string> Spellings(const Brand& brand, const std::string& number) {
  std::vector<std::string> out = {number};
  std::vector<std::vector<size_t>> groupings = brand.groupings;
  groupings.emplace_back(number.size(), 1);
  for (const std::vector<size_t>& grouping : groupings) {
    for (const std::string& separator : Separators()) {
      out.push_back(Grouped(number, grouping, separator));
    }
  }
  const size_t plain = out.size();
  for (size_t i = 0; i < plain; ++i) out.push_back(FullWidthDigits(out[i]));
  return out;
}

TEST(DetectorsTest, FindsEachBrandWithEachSeparatorInEachWidth) {
  Dice dice(1);
  for (const Brand& brand : Brands()) {
    for (int round = 0; round < 20; ++round) {
      const std::string number = MakeNumber(brand, dice);
      for (const std::string& spelling : Spellings(brand, number)) {
        EXPECT_TRUE(HasCard(spelling)) << brand.name << ": " << spelling;
        EXPECT_TRUE(HasCard("カードは" + spelling + "です。")) << brand.name << ": " << spelling;
        EXPECT_TRUE(HasCard("pay with " + spelling + ", please")) << spelling;
      }
    }
  }
}

TEST(DetectorsTest, OneWrongDigitIsNoCard) {
  Dice dice(2);
  for (const Brand& brand : Brands()) {
    for (int round = 0; round < 20; ++round) {
      std::string number = MakeNumber(brand, dice);
      const size_t at = 6 + dice.Below(number.size() - 6);
      number[at] = static_cast<char>('0' + (number[at] - '0' + 1 + dice.Below(9)) % 10);
      if (HoldsAnotherNumber(number)) continue;
      for (const std::string& spelling : Spellings(brand, number)) {
        EXPECT_FALSE(HasCard(spelling)) << brand.name << ": " << spelling;
      }
    }
  }
}

TEST(DetectorsTest, FindsPublishedTestNumbers) {
  for (const char* number :
       {"4111111111111111", "4222222222222", "4012888888881881", "5555555555554444",
        "2223003122003222", "378282246310005", "371449635398431", "3530111333300000",
        "3566002020360505", "30569309025904", "38520000023237", "6011111111111117",
        "6200000000000005"}) {
    EXPECT_TRUE(HasCard(number)) << number;
    EXPECT_TRUE(HasCard(FullWidthDigits(number))) << number;
  }
}

TEST(DetectorsTest, PhoneNumbersBesidePostalCodesAreNoCards) {
  Dice dice(3);
  const std::vector<std::string> hyphens = {"-", "−", "ー", "－", "‐", ""};
  const std::vector<std::string> gaps = {" ",  "　", "-",  " / ",   "、",
                                         "\n", ", ", "  ", " TEL ", ""};
  const std::vector<std::string> starts = {"070", "080", "090", "050"};
  for (int i = 0; i < 100'000; ++i) {
    const std::string& h = dice.Pick(hyphens);
    const std::string postal = dice.Digits(3) + h + dice.Digits(4);
    std::string phone;
    switch (dice.Below(4)) {
      case 0:
        phone = dice.Pick(starts) + h + dice.Digits(4) + h + dice.Digits(4);
        break;
      case 1:
        phone = "03" + h + dice.Digits(4) + h + dice.Digits(4);
        break;
      case 2:
        phone = std::string("0") + std::to_string(1 + dice.Below(9)) + dice.Digits(1) + h +
                dice.Digits(3) + h + dice.Digits(4);
        break;
      default:
        phone = "0120" + h + dice.Digits(3) + h + dice.Digits(3);
    }
    std::string text = dice.Below(3) == 0 ? "〒" : "";
    text += postal + dice.Pick(gaps) + phone;
    if (dice.Below(3) == 0) text += dice.Pick(gaps) + "FAX" + phone;
    if (dice.Below(2) == 0) text = FullWidthDigits(text);
    ASSERT_FALSE(DetectProhibited(text).any()) << text;
  }
}

TEST(DetectorsTest, DatesBesidePhoneNumbersAreNoCards) {
  Dice dice(4);
  const std::vector<std::string> gaps = {" ", "-", "　", ", "};
  for (int i = 0; i < 50'000; ++i) {
    const std::string date =
        std::string("20") + dice.Digits(2) + "-" + dice.Digits(2) + "-" + dice.Digits(2);
    const std::string phone = std::string("090-") + dice.Digits(4) + "-" + dice.Digits(4);
    const std::string& gap = dice.Pick(gaps);
    ASSERT_FALSE(DetectProhibited(date + gap + phone).any()) << date + gap + phone;
    ASSERT_FALSE(DetectProhibited(phone + gap + date).any()) << phone + gap + date;
  }
}

TEST(DetectorsTest, OtherGroupsAreNoCards) {
  EXPECT_FALSE(HasCard("41-1111-1111-1111-11"));
  EXPECT_FALSE(HasCard("411-1111-1111-11111"));
  EXPECT_FALSE(HasCard("4111-1111 1111-1111")) << "two kinds of separators";
  EXPECT_FALSE(HasCard("4111\n1111\n1111\n1111")) << "lines are apart";
  EXPECT_FALSE(HasCard("4111    1111    1111    1111")) << "columns are apart";
  EXPECT_FALSE(HasCard("41111111111111111")) << "one digit more";
  EXPECT_FALSE(HasCard("94111111111111111119411111111111111111"));
  EXPECT_FALSE(HasCard("0.4111111111111111")) << "a fraction";
  EXPECT_FALSE(HasCard("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 2 3")) << "a longer list of digits";
  EXPECT_FALSE(HasCard("9999999999999995")) << "no issuer";
  EXPECT_FALSE(HasCard("四一一一一一一一一一一一一一一一"));
  EXPECT_FALSE(HasCard(""));
  // Each of these has a valid number in the middle of the row.
  EXPECT_FALSE(HasCard("090-3836-5019-2099-34-89"));
  EXPECT_FALSE(HasCard("090 3836 5019 2099 34 89"));
  EXPECT_FALSE(HasCard("12-4111-1111-1111-1111"));
  EXPECT_TRUE(HasCard("3836-5019-2099-34"));
  EXPECT_TRUE(HasCard("3836-5019-2099-34 89"));
  EXPECT_FALSE(HasCard("3836-5019-2099-34-89")) << "goes on";
  EXPECT_TRUE(HasCard("12 4111-1111-1111-1111"));
}

TEST(DetectorsTest, CorporateNumbersAndJanCodesAreNoCards) {
  // Both pass for a 13-digit Visa number by prefix and Luhn; each has its own check digit right.
  Dice dice(5);
  int corporate = 0;
  int jan = 0;
  while (corporate < 100 || jan < 100) {
    const std::string number = std::string(dice.Below(2) == 0 ? "4" : "49") + dice.Digits(11);
    const std::vector<uint8_t> digits = Values(std::string_view(number + "0").substr(0, 13));
    if (!IsCardNumber(digits)) continue;
    int weighed = 0;
    int sum = 0;
    for (size_t i = 0; i < 13; ++i) weighed += digits[i] * (i % 2 == 0 ? 1 : 3);
    for (size_t i = 0; i < 12; ++i) sum += digits[12 - i] * (i % 2 == 0 ? 1 : 2);
    const bool is_jan = (digits[1] == 5 || digits[1] == 9) && weighed % 10 == 0;
    const bool is_corporate = digits[0] == 9 - sum % 9;
    jan += is_jan ? 1 : 0;
    corporate += is_corporate ? 1 : 0;
    std::string text;
    for (const uint8_t digit : digits) text += static_cast<char>('0' + digit);
    EXPECT_EQ(HasCard("番号 " + text), !is_jan && !is_corporate) << text;
  }
}

TEST(DetectorsTest, InternationalPhoneNumbersAreNoCards) {
  EXPECT_TRUE(HasCard("4222222222222"));
  EXPECT_FALSE(HasCard("+4222222222222"));
  EXPECT_FALSE(HasCard("＋４２２２２２２２２２２２２"));
  EXPECT_TRUE(HasCard("+ 4222222222222"));
  EXPECT_TRUE(HasCard("+1 4222222222222"));
  EXPECT_TRUE(HasCard("+4111111111111111")) << "longer than E.164";
}

TEST(DetectorsTest, SeesThroughWhatIsInvisible) {
  EXPECT_TRUE(HasCard("4111\u200B1111\u00AD1111\uFEFF1111"));
  EXPECT_TRUE(HasCard("4\uFE0F\u20E3111111111111111"));
  EXPECT_TRUE(HasCard("٤١١١١١١١١١١١١١١١")) << "Arabic-Indic digits";
}

TEST(DetectorsTest, FindsACardAmongOtherNumbers) {
  EXPECT_TRUE(HasCard("〒160-0022 090-1234-5678 4111-1111-1111-1111"));
  EXPECT_TRUE(HasCard("No.12 4111 1111 1111 1111 12/27 123"));
  EXPECT_TRUE(HasCard("5555 4444 5555 5555 5555 4444"));
  EXPECT_TRUE(HasCard("card4111111111111111x"));
  EXPECT_TRUE(HasCard(std::string("\xFF\xFE", 2) + "4111111111111111\x80"));
}

TEST(DetectorsTest, SeesWhatStandsBehindTheNumber) {
  EXPECT_TRUE(HasExpiry("4111 1111 1111 1111 12/27"));
  EXPECT_TRUE(HasExpiry("4111111111111111、12／2027"));
  EXPECT_TRUE(HasCvv("4111 1111 1111 1111 12/27 123"));
  EXPECT_TRUE(HasCvv("4111-1111-1111-1111 CVV 123"));
  EXPECT_TRUE(HasCvv("4111-1111-1111-1111, 123"));
  EXPECT_FALSE(HasExpiry("4111 1111 1111 1111 と 12/27"));
}

TEST(DetectorsTest, FindsLabelledSecurityCodes) {
  for (const char* text : {"CVV: 123", "cvc 1234", "CVV2=123", "CVC2 １２３", "ＣＶＶ：１２３",
                           "CVV123", "my cvv is 123", "security code: 123", "Security-Code 1234",
                           "セキュリティコード123", "セキュリティーコードは「123」です",
                           "ｾｷｭﾘﾃｨｺｰﾄﾞ 987", "カード確認番号：123", "cvv code: 123"}) {
    EXPECT_TRUE(HasCvv(text)) << text;
  }
  for (const char* text :
       {"CVV", "CVV 12", "CVV 12345", "CVV 123-456", "セキュリティコードは123456です", "MCVV 123",
        "cvvx 123", "cvv について 123", "security 123", "12:123"}) {
    EXPECT_FALSE(HasCvv(text)) << text;
  }
}

TEST(DetectorsTest, FindsLabelledExpiryDates) {
  for (const char* text : {"有効期限 12/27", "有効期限：１２／２７", "有効期限は12月27年",
                           "有効期限(月/年) 12/2027", "exp 12/27", "Exp. 1/27", "EXP DATE: 12-27",
                           "valid thru 12/27", "expires 12 / 27", "カード期限12/27"}) {
    EXPECT_TRUE(HasExpiry(text)) << text;
  }
  for (const char* text : {"有効期限 2027/12/31", "有効期限：2027年12月31日", "有効期限 12月27日",
                           "有効期限 12/27/2027", "有効期限 13/27", "有効期限 12/271",
                           "export 12/27", "期限 12/27", "12/27", "exp"}) {
    EXPECT_FALSE(HasExpiry(text)) << text;
  }
}

// Ten times the text must not take a hundred times the processor time, whatever is in it.
TEST(DetectorsTest, TakesLinearTime) {
  for (const char* unit :
       {"4", "4 ", "4-", "0000 ", "0.", "cvv1", "cvv ::::::::::::::::1 ", "有効期限:::: 1 ",
        "expiration 1", "セキュリティ ・・1", "1 - ", "security   1", "is is is is 1 cvv"}) {
    const auto measure = [unit](size_t bytes) {
      std::string text;
      while (text.size() < bytes) text += unit;
      std::clock_t best = std::numeric_limits<std::clock_t>::max();
      for (int i = 0; i < 3; ++i) {
        const std::clock_t start = std::clock();
        (void)DetectProhibited(text);
        best = std::min(best, std::clock() - start);
      }
      return static_cast<double>(best) / CLOCKS_PER_SEC;
    };
    const double small = measure(20'000);
    EXPECT_LT(measure(200'000), 40 * small + 0.05) << unit;
  }
}

}  // namespace
}  // namespace piivault::vault
