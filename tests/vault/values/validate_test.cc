#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/vault/values/values_testing.h"
#include "vault/values/value_rules.h"

namespace piivault::vault {
namespace {

using authz::FieldSpec;
using authz::SemanticType;
using authz::Validation;

FieldSpec Field(SemanticType type, Validation validation = Validation::kStrict) {
  FieldSpec field;
  field.semantic = type;
  field.validation = validation;
  return field;
}

class ValidateTest : public testing::Test {
 protected:
  ValueVerdict Of(const FieldSpec& field, std::string_view value) const {
    return rules_->Validate(field, value);
  }
  void ExpectStrict(SemanticType type, const std::vector<std::string>& good,
                    const std::vector<std::string>& bad) const {
    const std::string_view name = authz::GetSemanticType(type).name;
    for (const std::string& value : good) {
      EXPECT_EQ(Of(Field(type), value).outcome, ValueOutcome::kOk) << name << ": " << value;
    }
    for (const std::string& value : bad) {
      EXPECT_EQ(Of(Field(type), value).outcome, ValueOutcome::kInvalid) << name << ": " << value;
      EXPECT_EQ(Of(Field(type, Validation::kAcceptAndFlag), value).outcome, ValueOutcome::kFlagged)
          << name << ": " << value;
    }
  }

  std::unique_ptr<ValueRules> rules_ = *ValueRules::Create();
};

TEST_F(ValidateTest, OldCarrierAddressesAreFlaggedOrRefused) {
  const std::string address = "a..b.@docomo.example.ne.jp";
  const ValueVerdict strict = Of(Field(SemanticType::kEmailAddress), address);
  EXPECT_EQ(strict.outcome, ValueOutcome::kInvalid);
  EXPECT_EQ(strict.reason(), "VALUE_INVALID");
  const ValueVerdict lenient =
      Of(Field(SemanticType::kEmailAddress, Validation::kAcceptAndFlag), address);
  EXPECT_TRUE(lenient.accepted());
  EXPECT_TRUE(lenient.flagged());
  EXPECT_EQ(lenient.reason(), "");
  EXPECT_TRUE(lenient.ToStatus().ok());
}

TEST_F(ValidateTest, Emails) {
  ExpectStrict(SemanticType::kEmailAddress,
               {"a@example.jp", "Taro.Yamada+tag@EXAMPLE.co.jp", "a_b-c@x-1.example.jp",
                "!#$%&'*+-/=?^_`{|}~@example.jp", std::string(64, 'a') + "@example.jp"},
               {"", "a", "@example.jp", "a@", "a@b", "a@b..jp", "a@-b.jp", "a@b-.jp", ".a@b.jp",
                "a b@b.jp", "a@b.jp ", "a@@b.jp", "ａ@example.jp", "a@日本.jp", "a@192.0.2.1",
                std::string(65, 'a') + "@example.jp", "\"a b\"@example.jp", "a@b.jp\n"});
}

TEST_F(ValidateTest, PhonesAndFaxes) {
  for (const SemanticType type : {SemanticType::kPhoneNumber, SemanticType::kFaxNumber}) {
    ExpectStrict(type,
                 {"070-6430-7970", "０７０-６４３０-７９７０", "07064307970", "+81 70 6430 7970",
                  "03(1234)5678", "０３（１２３４）５６７８", "0120-123-456", "096-2242-0953",
                  "+1 650 253 0000", "03-1234-5678 内線12"},
                 {"", "12", "070-6430-7970-1234-5678-9", "TEL 03-1234-5678", "a@example.jp", "なし",
                  "03-1234-5678\n"});
  }
}

TEST_F(ValidateTest, DatesAndTimes) {
  for (const SemanticType type : {SemanticType::kBirthDate, SemanticType::kDate}) {
    ExpectStrict(type, {"1980-01-02", "2000-02-29", "１９８０－０１－０２", "1980‐01‐02"},
                 {"", "1980-1-2", "1980/01/02", "1980-02-30", "1900-02-29", "1980-13-01",
                  "1980-00-10", "19800102", "1980-01-02 ", "1799-01-01", "80-01-02", "1980年1月2日",
                  "-1980-01-02", "1980-01-02-03", "昭和55年1月2日"});
  }
  ExpectStrict(SemanticType::kTimestamp,
               {"2021-01-20T14:02:31.029Z", "2021-01-20t14:02:31z", "2021-01-20T14:02:31+09:00",
                "2016-12-31T23:59:60Z", "2021-01-20T14:02:31.123456789012Z"},
               {"", "2021-01-20", "2021-01-20T14:02:31", "2021-01-20 14:02:31Z",
                "2021-02-30T14:02:31Z", "2021-01-20T24:02:31Z", "2021-01-20T14:02:31.Z",
                "2021-01-20T14:02:31+0900", "infinite-future", "2021-01-20T14:02:31ZZ"});
}

TEST_F(ValidateTest, CodesAndNumbers) {
  ExpectStrict(SemanticType::kPostalCode,
               {"160-0022", "1600022", "〒160-0022", "１６０－００２２", "160ー0022", "160 0022"},
               {"", "160-002", "160-00222", "16-00022", "SW1A 1AA", "160--0022", "160-0022x"});
  ExpectStrict(SemanticType::kIpAddress, {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"},
               {"", "192.0.2", "192.0.2.256", "fe80::1%eth0", "192.0.2.1/24", "example.jp"});
  ExpectStrict(SemanticType::kBankAccountNumber,
               {"三井住友銀行 164 9055827", "9055827", "１２３４"},
               {"", "三井住友銀行", "123", "9055827\n"});
  ExpectStrict(SemanticType::kNumberCode, {"1", "A-4111111111111111"}, {"", "A"});
  ExpectStrict(SemanticType::kCountryCode, {"JP", "US"}, {"", "jp", "JPN", "XX", "日本"});
  ExpectStrict(SemanticType::kInteger, {"0", "-12", "+3", "999999999999999999"},
               {"", "-", "1.0", "1e3", "１", "1000000000000000000", " 1"});
  ExpectStrict(SemanticType::kBoolean, {"true", "false"}, {"", "True", "1"});
  ExpectStrict(SemanticType::kUrl, {"https://example.jp/a?b=c", "mailto:a@example.jp"},
               {"", "example.jp", "https:", "1a:b", "https://example.jp/a b", ":x"});
}

TEST_F(ValidateTest, NamesAndTexts) {
  ExpectStrict(SemanticType::kPersonName, {"武藤 智美", "ﾔﾏﾀﾞ", "O'Neil", "佐々木　健"},
               {"", " ", "　", "a\nb", "a\x1B[0m", "a\x7F"});
  ExpectStrict(SemanticType::kPostalAddress, {"福岡県勉市旭町4-16\n745号室"}, {"", "\n", "a\x01"});
  ExpectStrict(SemanticType::kFreeText, {"", "a\r\n\tb", "😀"}, {"a\x1B[0m", "a\u0085"});
}

TEST_F(ValidateTest, PatternMustMatchTheWholeValue) {
  FieldSpec field = Field(SemanticType::kText);
  field.pattern = "[A-Z]{2}[0-9]+|漢+";
  EXPECT_TRUE(Of(field, "AB12").accepted());
  EXPECT_TRUE(Of(field, "漢漢").accepted());
  EXPECT_EQ(Of(field, "AB12x").outcome, ValueOutcome::kInvalid);
  EXPECT_EQ(Of(field, "xAB12").outcome, ValueOutcome::kInvalid);
  field.validation = Validation::kAcceptAndFlag;
  EXPECT_EQ(Of(field, "AB12x").outcome, ValueOutcome::kFlagged);
  field.validation = Validation::kStrict;
  field.pattern = "(";
  EXPECT_EQ(Of(field, "(").outcome, ValueOutcome::kInvalid) << "a broken pattern matches nothing";
}

TEST_F(ValidateTest, ChoicesAreExact) {
  FieldSpec field = Field(SemanticType::kChoice);
  field.choices = {"web_tls", "web_plain"};
  EXPECT_TRUE(Of(field, "web_tls").accepted());
  EXPECT_EQ(Of(field, "web").outcome, ValueOutcome::kInvalid);
  EXPECT_EQ(Of(field, "WEB_TLS").outcome, ValueOutcome::kInvalid);
}

TEST_F(ValidateTest, SizeBindsEvenWhereFlagging) {
  FieldSpec field = Field(SemanticType::kFreeText, Validation::kAcceptAndFlag);
  field.max_bytes = 6;
  EXPECT_TRUE(Of(field, "漢字").accepted());
  const ValueVerdict verdict = Of(field, "漢字a");
  EXPECT_EQ(verdict.outcome, ValueOutcome::kTooLarge);
  EXPECT_EQ(verdict.reason(), "VALUE_TOO_LARGE");
  EXPECT_EQ(Of(Field(SemanticType::kMailBody), std::string(10 << 20, 'a')).outcome,
            ValueOutcome::kTooLarge);
  EXPECT_EQ(Of(Field(SemanticType::kEmailAddress), std::string(321, 'a')).outcome,
            ValueOutcome::kTooLarge);
}

TEST_F(ValidateTest, EncodingBindsEvenWhereFlagging) {
  for (const std::string& value :
       {std::string("a\0b", 3), std::string("\xC3\x28"), std::string("\xE3\x81"),
        std::string("\xED\xA0\x80"), std::string("\xC0\xAF"), std::string("\xF5\x80\x80\x80"),
        std::string("\xEF\xBF\xBE"), std::string("\xEF\xB7\x90"), std::string("\x83\x84")}) {
    for (const authz::SemanticTypeInfo& type : authz::kSemanticTypes) {
      const ValueVerdict verdict = Of(Field(type.id, Validation::kAcceptAndFlag), value);
      EXPECT_EQ(verdict.outcome, ValueOutcome::kNotUtf8) << type.name;
      EXPECT_EQ(verdict.reason(), "VALUE_NOT_UTF8");
    }
  }
}

TEST_F(ValidateTest, CardsAreRefusedInEveryTypeThatCanHoldThem) {
  for (const authz::SemanticTypeInfo& type : authz::kSemanticTypes) {
    for (const Validation validation : {Validation::kStrict, Validation::kAcceptAndFlag}) {
      for (const char* card : {"4111111111111111", "４１１１　１１１１　１１１１　１１１１"}) {
        const ValueVerdict verdict = Of(Field(type.id, validation), card);
        if (!type.detectors_apply) {
          EXPECT_NE(verdict.outcome, ValueOutcome::kProhibited) << type.name;
          continue;
        }
        if (verdict.outcome == ValueOutcome::kTooLarge) continue;
        EXPECT_EQ(verdict.outcome, ValueOutcome::kProhibited) << type.name;
        EXPECT_EQ(verdict.reason(), "PROHIBITED_TYPE") << type.name;
        EXPECT_TRUE(verdict.prohibited.card_number);
      }
    }
  }
  EXPECT_EQ(Of(Field(SemanticType::kFreeText), "セキュリティコードは123です").outcome,
            ValueOutcome::kProhibited);
  EXPECT_EQ(Of(Field(SemanticType::kFreeText), "有効期限 12/27").outcome,
            ValueOutcome::kProhibited);
}

TEST_F(ValidateTest, ErrorsNeverRepeatTheValue) {
  const std::string canary = "canary7Q";
  for (const authz::SemanticTypeInfo& type : authz::kSemanticTypes) {
    FieldSpec field = Field(type.id);
    field.pattern = "x";
    field.choices = {"y"};
    for (const std::string& value :
         {canary, canary + "\xFF", canary + " 4111111111111111", std::string(2 << 20, 'a')}) {
      const ValueVerdict verdict = Of(field, value);
      ASSERT_FALSE(verdict.accepted()) << type.name;
      EXPECT_FALSE(verdict.detail.empty());
      EXPECT_EQ(verdict.ToStatus().code(), absl::StatusCode::kInvalidArgument);
      EXPECT_EQ(verdict.ToStatus().ToString().find(canary), std::string::npos) << type.name;
      EXPECT_EQ(verdict.ToStatus().ToString().find("4111"), std::string::npos) << type.name;
    }
  }
}

}  // namespace
}  // namespace piivault::vault
