#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/vault/values/values_testing.h"
#include "vault/values/phone_numbers.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {
namespace {

using authz::SemanticType;

class NormalizeTest : public testing::Test {
 protected:
  std::string Of(SemanticType type, std::string_view value) const {
    return Normal(*rules_, type, value);
  }
  void ExpectAlike(SemanticType type, const std::string& normal,
                   const std::vector<std::string>& spellings) const {
    for (const std::string& spelling : spellings) {
      EXPECT_EQ(Of(type, spelling), normal) << spelling;
    }
  }

  std::unique_ptr<ValueRules> rules_ = *ValueRules::Create();
};

// What is under the blind indexes of version 1. If this changes, kNormaliserVersion must.
TEST_F(NormalizeTest, GoldenFormsOfVersion1) {
  ASSERT_EQ(kNormaliserVersion, 1u);
  EXPECT_EQ(Of(SemanticType::kEmailAddress, " A..B.@DoCoMo.example.ne.jp "),
            "a..b.@docomo.example.ne.jp");
  EXPECT_EQ(Of(SemanticType::kPhoneNumber, "０７０-６４３０-７９７０"), "+817064307970");
  EXPECT_EQ(Of(SemanticType::kPersonName, "Ａｎｎ　 Straße"), "ann strasse");
  EXPECT_EQ(Of(SemanticType::kPersonName, "山田 太郎"), "山田太郎");
  EXPECT_EQ(Of(SemanticType::kPostalAddress, "東京都 港区 １ー２−３ ハイツＡ １０１"),
            "東京都港区 1-2-3 ハイツa 101");
  EXPECT_EQ(Of(SemanticType::kPostalCode, "〒１６０－００２２"), "1600022");
  EXPECT_EQ(Of(SemanticType::kBirthDate, "１９８０年１月２日"), "1980-01-02");
  EXPECT_EQ(Of(SemanticType::kTimestamp, "2022-06-17T14:53:59.130+09:00"),
            "2022-06-17T05:53:59.13z");
  EXPECT_EQ(Of(SemanticType::kIpAddress, "2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
  EXPECT_EQ(Of(SemanticType::kBankAccountNumber, "みずほ銀行 ６４７ 7289603"),
            "みずほ銀行6477289603");
  EXPECT_EQ(Of(SemanticType::kUrl, " HTTPS://User@Example.JP/Path?Q=A "),
            "https://User@example.jp/Path?Q=A");
  EXPECT_EQ(Of(SemanticType::kCookieId, " AbC "), " AbC ");
}

TEST_F(NormalizeTest, EmailSpellingsAreAlike) {
  ExpectAlike(SemanticType::kEmailAddress, "taro.yamada@example.jp",
              {"taro.yamada@example.jp", "Taro.Yamada@EXAMPLE.jp", "　taro.yamada@example.jp\n",
               "ｔａｒｏ．ｙａｍａｄａ＠ｅｘａｍｐｌｅ．ｊｐ", "TARO．YAMADA＠example.jp"});
  ExpectAlike(
      SemanticType::kEmailAddress, "a@xn--wgv71a.example",
      {"a@日本.example", "a@xn--wgv71a.example", "A@XN--WGV71A.Example", "a@日本。example"});
  EXPECT_NE(Of(SemanticType::kEmailAddress, "a.b@example.jp"),
            Of(SemanticType::kEmailAddress, "ab@example.jp"));
}

TEST_F(NormalizeTest, EmailDomainIsThatOfTheAddress) {
  for (const char* value :
       {"a@Example.JP", "@example.jp", "example.jp", "ａ＠ｅｘａｍｐｌｅ．ｊｐ"}) {
    const absl::StatusOr<SecretBytes> domain = rules_->NormalizeEmailDomain(value);
    ASSERT_TRUE(domain.ok()) << value;
    EXPECT_EQ(domain->view(), "example.jp") << value;
  }
  EXPECT_FALSE(rules_->NormalizeEmailDomain("a@").ok());
  EXPECT_FALSE(rules_->NormalizeEmailDomain("\xFF").ok());
}

TEST_F(NormalizeTest, PhoneSpellingsAreAlike) {
  std::vector<std::string> spellings = {"07064307970",
                                        "070-6430-7970",
                                        "070 6430 7970",
                                        "０７０-６４３０-７９７０",
                                        "０７０６４３０７９７０",
                                        "+81 70 6430 7970",
                                        "+81 (0)70 6430 7970",
                                        "＋８１ 70 6430 7970",
                                        "+817064307970",
                                        "(070)6430-7970",
                                        "070(6430)7970",
                                        "070.6430.7970",
                                        "０７０（６４３０）７９７０",
                                        "81-70-6430-7970",
                                        "010 81 70 6430 7970",
                                        " 070　6430　7970 "};
  for (const char* hyphen : {"‐", "‑", "‒", "–", "—", "―", "−", "ー", "－", "ｰ", "─", "﹣"}) {
    spellings.push_back(std::string("070") + hyphen + "6430" + hyphen + "7970");
    spellings.push_back(std::string("０７０") + hyphen + "６４３０" + hyphen + "７９７０");
  }
  ExpectAlike(SemanticType::kPhoneNumber, "+817064307970", spellings);
  ExpectAlike(SemanticType::kFaxNumber, "+81312345678", {"03-1234-5678", "+81 3 1234 5678"});
  ExpectAlike(SemanticType::kPhoneNumber, "+81312345678;ext=12",
              {"03-1234-5678 内線12", "03-1234-5678 ext. 12", "03-1234-5678（内線１２）"});
  ExpectAlike(SemanticType::kPhoneNumber, "+16502530000", {"+1 650-253-0000", "+1 (650) 253 0000"});
}

TEST_F(NormalizeTest, NameSpellingsAreAlike) {
  ExpectAlike(SemanticType::kPersonName, "ヤマダタロウ",
              {"ヤマダ タロウ", "ﾔﾏﾀﾞ ﾀﾛｳ", "ヤマダ　タロウ", " ﾔﾏﾀﾞ  ﾀﾛｳ ", "ヤマタ\u3099タロウ"});
  ExpectAlike(SemanticType::kPersonName, "佐々木健",
              {"佐々木 健", "佐々木　健", "佐々木健", "\t佐々木 \u3000 健"});
  ExpectAlike(SemanticType::kPersonName, "john smith", {"John  Smith", "ＪＯＨＮ　ＳＭＩＴＨ"});
  EXPECT_NE(Of(SemanticType::kPersonName, "ann e"), Of(SemanticType::kPersonName, "anne"));
  EXPECT_EQ(Of(SemanticType::kPersonName, "スーザン"), "スーザン") << "ー is a letter here";
  EXPECT_NE(Of(SemanticType::kPersonName, "はな"), Of(SemanticType::kPersonName, "ハナ"));
}

TEST_F(NormalizeTest, AddressSpellingsAreAlike) {
  std::vector<std::string> spellings = {"福岡県勉市旭町4 - 16", "福岡県 勉市 旭町4-16",
                                        "福岡県勉市旭町４ー１６", "福岡県勉市旭町４－１６"};
  for (const char* hyphen : {"‐", "‑", "‒", "–", "—", "―", "−", "ー", "－", "ｰ", "─"}) {
    spellings.push_back(std::string("福岡県勉市旭町4") + hyphen + "16");
  }
  ExpectAlike(SemanticType::kPostalAddress, "福岡県勉市旭町4-16", spellings);
}

TEST_F(NormalizeTest, CodesDatesAndAddressesOfHostsAreAlike) {
  ExpectAlike(
      SemanticType::kPostalCode, "1600022",
      {"160-0022", "1600022", "〒160-0022", "〒 １６０－００２２", "160 0022", "160ー0022"});
  ExpectAlike(SemanticType::kPostalCode, "sw1a1aa", {"SW1A 1AA", "sw1a1aa"});
  ExpectAlike(
      SemanticType::kBirthDate, "1980-01-02",
      {"1980-01-02", "1980/1/2", "１９８０－０１－０２", "19800102", "1980.01.02", "1980年1月2日"});
  EXPECT_EQ(Of(SemanticType::kBirthDate, "1980-02-30"), "1980-02-30") << "no day: as text";
  ExpectAlike(SemanticType::kIpAddress, "192.0.2.7",
              {"192.0.2.7", "::ffff:192.0.2.7", " 192.0.2.7"});
  ExpectAlike(SemanticType::kTimestamp, "2022-06-17T05:53:59z",
              {"2022-06-17T05:53:59Z", "2022-06-17t05:53:59.000z", "2022-06-17T14:53:59+09:00"});
}

TEST_F(NormalizeTest, RefusesWhatIsNotUtf8) {
  for (const std::string& value :
       {std::string("\xC3\x28"), std::string("a\0b", 3), std::string("\xED\xA0\x80"),
        std::string("\xEF\xBF\xBF"), std::string("\xC0\x80")}) {
    EXPECT_EQ(rules_->NormalizeForSearch(SemanticType::kText, value).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// Every type, with texts made of what could upset it.
TEST_F(NormalizeTest, IsIdempotent) {
  const std::vector<std::string> pieces = {
      "0",      "1",      "7",  "９",        "-",      "ー",   "−",   "―",   " ",
      "　",     "\t",     "\n", "@",         ".",      "＠",   "．",  "。",  "+",
      "＋",     "(",      ")",  "/",         "A",      "b",    "ß",   "İ",   "ｶ",
      "ﾞ",      "か",     "゛", "゜",        "々",     "漢",   "ﷺ",   "株",  "㈱",
      "\u0301", "\u3099", "é",  "\u200B",    "\u00AD", "〒",   "年",  "月",  "日",
      ":",      "T",      "Z",  "e",         "ᄀ",     "ᅡ",   "각",  "ᆨ",  "\u2028",
      "x",      ";ext=",  "#",  "内線",      "010",    "81",   "090", "+81", "😀",
      "¨",      "\u0345", "ͺ",  "http://",   "xn--",   "日本", "�",   "19",  "2001",
      "::",     "ﬁ",      "Ω",  "\U000E0101"};
  Dice dice(6);
  for (int i = 0; i < 30'000; ++i) {
    std::string value;
    for (size_t n = dice.Below(14); n > 0; --n) value += dice.Pick(pieces);
    for (const authz::SemanticTypeInfo& type : authz::kSemanticTypes) {
      if (i % 8 != 0 && type.id > SemanticType::kBankName && type.id != SemanticType::kTimestamp &&
          type.id != SemanticType::kIpAddress) {
        continue;
      }
      const std::string once = Of(type.id, value);
      ASSERT_EQ(Of(type.id, once), once) << type.name << ": " << value;
    }
  }
}

// Numbers as people type them, right and wrong.
TEST(PhoneNumbersTest, ShortWayGivesWhatTheLibraryGives) {
  const PhoneNumbers phones;
  Dice dice(7);
  const std::vector<std::string> starts = {"0",  "0",  "0", "+81", "+81 ", "+81(0)",
                                           "81", "00", "+", "010", ""};
  const std::vector<std::string> gaps = {"",  "",   "-",  " ",  "(", ")",
                                         ".", "　", "－", "ー", "−", "―"};
  int found = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = dice.Pick(starts);
    const size_t digits = 7 + dice.Below(6);
    for (size_t n = 0; n < digits; ++n) {
      if (n % 3 == 2) text += dice.Pick(gaps);
      text += dice.Digit();
    }
    if (dice.Below(4) == 0) text = FullWidthDigits(text);
    const std::optional<SecretBytes> any = phones.ToE164(text);
    const std::optional<SecretBytes> slow = phones.ToE164BySlowWay(text);
    ASSERT_EQ(any.has_value(), slow.has_value()) << text;
    if (!any.has_value()) continue;
    ++found;
    ASSERT_EQ(any->view(), slow->view()) << text;
  }
  EXPECT_GT(found, 10'000);
}

TEST(PhoneNumbersTest, RefusesWhatIsNoNumber) {
  const PhoneNumbers phones;
  for (const char* text : {"", "-", "12", "none", "+", "０", "+999 1234567890"}) {
    EXPECT_FALSE(phones.ToE164(text).has_value()) << text;
  }
  EXPECT_FALSE(phones.ToE164(std::string(100'000, '0')).has_value());
}

}  // namespace
}  // namespace piivault::vault
