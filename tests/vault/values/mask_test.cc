#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "vault/values/unicode_text.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {
namespace {

using authz::Mask;
using authz::SemanticType;

// Midnight in Japan that begins 2024-03-01; the 29th of February in UTC.
MaskContext Context() {
  const absl::TimeZone japan = absl::FixedTimeZone(9 * 3600);
  return {absl::FromCivil(absl::CivilSecond(2024, 3, 1, 0, 0, 0), japan), japan};
}

std::string Masked(SemanticType type, Mask mask, std::string_view value) {
  const absl::StatusOr<std::string> masked = MaskValue(type, mask, value, Context());
  return masked.ok() ? *masked : "error";
}

TEST(MaskTest, Emails) {
  const auto local = [](std::string_view value) {
    return Masked(SemanticType::kEmailAddress, Mask::kEmailLocal, value);
  };
  EXPECT_EQ(local("taro@example.jp"), "t***@example.jp");
  EXPECT_EQ(local("a..b.@docomo.example.ne.jp"), "a***@docomo.example.ne.jp");
  EXPECT_EQ(local("a@example.jp"), "***@example.jp") << "one character is all of it";
  EXPECT_EQ(local("\"a@b\"@example.jp"), "\"***@example.jp");
  EXPECT_EQ(local("ｔａｒｏ＠ｅｘａｍｐｌｅ.jp"), "ｔ***@ｅｘａｍｐｌｅ.jp");
  EXPECT_EQ(local("@example.jp"), "***@example.jp");
  for (const char* value : {"", "taro", "taro@"}) EXPECT_EQ(local(value), "***") << value;
  EXPECT_EQ(Masked(SemanticType::kEmailAddress, Mask::kEmailDomain, "taro@example.jp"),
            "example.jp");
}

TEST(MaskTest, Numbers) {
  const auto last4 = [](std::string_view value) {
    return Masked(SemanticType::kPhoneNumber, Mask::kLast4, value);
  };
  EXPECT_EQ(last4("090-1234-1234"), "***-****-1234");
  EXPECT_EQ(last4("０９０－１２３４－５６７８"), "***－****－５６７８");
  EXPECT_EQ(last4("+81 90 1234 5678"), "+** ** **** 5678");
  EXPECT_EQ(last4("09012345678 (自宅)"), "*******5678 (**)");
  EXPECT_EQ(last4("12345"), "***") << "too short to show four of it";
  EXPECT_EQ(last4(""), "***");
  EXPECT_EQ(Masked(SemanticType::kBankAccountNumber, Mask::kLast4, "みずほ銀行 647 7289603"),
            "***** *** ***9603");
}

TEST(MaskTest, Names) {
  const auto initial = [](std::string_view value) {
    return Masked(SemanticType::kPersonName, Mask::kInitial, value);
  };
  EXPECT_EQ(initial("武藤 智美"), "武***");
  EXPECT_EQ(initial("　武藤"), "武***");
  EXPECT_EQ(initial("武"), "***");
  EXPECT_EQ(initial(""), "***");
  EXPECT_EQ(initial("e\u0301mile"), "e\u0301***");
  EXPECT_EQ(initial("か\u3099く"), "か\u3099***");
  EXPECT_EQ(initial("葛\U000E0100城"), "葛\U000E0100***");
  EXPECT_EQ(initial("👩\u200D👧x"), "👩\u200D👧***");
  EXPECT_EQ(initial("🇯🇵🇺🇸"), "🇯🇵***");
  EXPECT_EQ(initial("각\u11A8x"), "각\u11A8***");
}

TEST(MaskTest, AgesChangeOnTheBirthdayInThePolicysZone) {
  const auto age = [](std::string_view value) {
    return Masked(SemanticType::kBirthDate, Mask::kAge, value);
  };
  EXPECT_EQ(age("2000-02-29"), "24");
  EXPECT_EQ(age("2000-03-01"), "24") << "it is the first of March in Japan";
  EXPECT_EQ(age("2000-03-02"), "23");
  EXPECT_EQ(age("１９８０/１/２"), "44");
  EXPECT_EQ(age("2024-03-02"), "***") << "not yet born";
  EXPECT_EQ(age("unknown"), "***");
  const MaskContext utc{Context().now, absl::UTCTimeZone()};
  EXPECT_EQ(*MaskValue(SemanticType::kBirthDate, Mask::kAge, "2000-03-01", utc), "23");
}

TEST(MaskTest, BornOnALeapDay) {
  const absl::TimeZone utc = absl::UTCTimeZone();
  const auto age_on = [utc](absl::CivilDay day) {
    return *MaskValue(SemanticType::kBirthDate, Mask::kAge, "2004-02-29",
                      {absl::FromCivil(day, utc), utc});
  };
  EXPECT_EQ(age_on(absl::CivilDay(2023, 2, 28)), "18");
  EXPECT_EQ(age_on(absl::CivilDay(2023, 3, 1)), "19");
  EXPECT_EQ(age_on(absl::CivilDay(2024, 2, 29)), "20");
}

TEST(MaskTest, Years) {
  EXPECT_EQ(Masked(SemanticType::kBirthDate, Mask::kYear, "1980-01-02"), "1980");
  EXPECT_EQ(Masked(SemanticType::kTimestamp, Mask::kYear, "2020-12-31T20:00:00Z"), "2021");
  EXPECT_EQ(Masked(SemanticType::kDate, Mask::kYear, "1980"), "***");
}

TEST(MaskTest, PlacesAndNetworks) {
  const auto prefecture = [](std::string_view value) {
    return Masked(SemanticType::kPostalAddress, Mask::kPrefecture, value);
  };
  EXPECT_EQ(prefecture("福岡県勉市旭町4-16"), "福岡県***");
  EXPECT_EQ(prefecture("〒224-7021 神奈川県横浜市"), "神奈川県***");
  EXPECT_EQ(prefecture("京都府京都市"), "京都府***");
  EXPECT_EQ(prefecture("東京都"), "***") << "that would be all of it";
  EXPECT_EQ(prefecture("1 Main Street"), "***");
  const auto prefix3 = [](std::string_view value) {
    return Masked(SemanticType::kPostalCode, Mask::kPrefix3, value);
  };
  EXPECT_EQ(prefix3("160-0022"), "160-****");
  EXPECT_EQ(prefix3("〒１６０００２２"), "〒１６０****");
  EXPECT_EQ(prefix3("1600"), "***");
  const auto network = [](std::string_view value) {
    return Masked(SemanticType::kIpAddress, Mask::kNetwork, value);
  };
  EXPECT_EQ(network("192.0.2.77"), "192.0.2.0/24");
  EXPECT_EQ(network("2001:db8:1:2:3::4"), "2001:db8:1::/48");
  EXPECT_EQ(network("example.jp"), "***");
}

TEST(MaskTest, OnlyTheCataloguesMasks) {
  EXPECT_EQ(
      MaskValue(SemanticType::kPersonName, Mask::kLast4, "1234567", Context()).status().code(),
      absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(MaskValue(SemanticType::kMailBody, Mask::kFull, "a", Context()).ok());
  EXPECT_FALSE(MaskValue(SemanticType::kText, Mask::kNone, "a", Context()).ok());
}

// No mask of any type breaks a character, whatever it is given.
TEST(MaskTest, EveryMaskOfEveryTypeGivesUtf8AndNeverTheWholeValue) {
  for (const authz::SemanticTypeInfo& type : authz::kSemanticTypes) {
    for (const Mask mask : type.masks) {
      if (mask == Mask::kNone) break;
      for (const char* value : {"武藤 智美 ０９０", "a@example.jp", "1", "😀", "\u0301",
                                "090-1234-5678", "192.0.2.1", "東京都港区1-2-3"}) {
        const std::string masked = Masked(type.id, mask, value);
        EXPECT_TRUE(IsStorableUtf8(masked)) << type.name;
        EXPECT_NE(masked, value) << type.name;
        EXPECT_NE(masked, "error") << type.name;
      }
    }
  }
}

}  // namespace
}  // namespace piivault::vault
