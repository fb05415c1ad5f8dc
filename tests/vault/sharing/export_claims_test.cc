// Claims of export tokens. What they are is decided here a second time, by a regular expression,
// and the two have to agree on every text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "tests/vault/sharing/export_testing.h"
#include "vault/sharing/export_token.h"

namespace piivault::vault {
namespace {

bool Encodes(const ExportClaims& claims) { return EncodeClaims(claims).ok(); }

TEST(ExportClaimsTest, OnlyWhatHasOneTextIsWritten) {
  const ExportClaims good = TestClaims();
  ASSERT_TRUE(Encodes(good));
  const auto with = [&good](auto change) {
    ExportClaims claims = good;
    change(claims);
    return Encodes(claims);
  };
  for (const char* aud :
       {"", "auditor", "tenants/acme", "tenants/acme/recipients/", "tenants//recipients/a",
        "tenants/acme/recipients/a/b", "tenants/acme/recipients/A", "tenants/acme/recipients/a\"",
        "tenants/acme/recipients/a\\", "tenants/acme/recipients/a\n",
        "tenants/acme/recipients/\xc3\xa9", "tenants/acme/recipients/a.b",
        "Tenants/acme/recipients/a", "tenants/a/principals/a"}) {
    EXPECT_FALSE(with([aud](ExportClaims& c) { c.aud = aud; })) << aud;
  }
  for (const char* purpose : {"", "a b", "a\"b", "a\\b", "a/b", "a\x01", "\xc3\xa9", "a\x7f"}) {
    EXPECT_FALSE(with([purpose](ExportClaims& c) { c.purpose = purpose; })) << purpose;
  }
  EXPECT_FALSE(with([](ExportClaims& c) { c.purpose = std::string("a\0b", 3); }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.purpose = std::string(65, 'p'); }));
  EXPECT_TRUE(with([](ExportClaims& c) { c.purpose = std::string(64, 'p'); }));
  for (const char* field : {"", "user", ".", "user.", ".email", "user.email.x", "user.e mail",
                            "user.\"", "user/email", "user.*", "\xc3\xa9.x"}) {
    EXPECT_FALSE(with([field](ExportClaims& c) { c.fields = {field}; })) << field;
  }
  EXPECT_FALSE(with([](ExportClaims& c) { c.fields = {}; }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.fields = {"a.b", "a.b"}; }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.fields = {"a.c", "a.b"}; }));
  EXPECT_TRUE(with([](ExportClaims& c) { c.fields = {"a.b", "a.c"}; }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.fields.assign(1'000'000, "a.b"); }));

  EXPECT_FALSE(with([](ExportClaims& c) { c.uses = 0; }));
  EXPECT_TRUE(with([](ExportClaims& c) { c.uses = kMaxClaimNumber; }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.uses = kMaxClaimNumber + 1; }));
  EXPECT_TRUE(with([](ExportClaims& c) { c.gen = 0; }));
  EXPECT_TRUE(with([](ExportClaims& c) { c.gen = kMaxClaimNumber; }));
  EXPECT_FALSE(with([](ExportClaims& c) { c.gen = kMaxClaimNumber + 1; }));
}

TEST(ExportClaimsTest, TimesAreWholeSecondsOfOneDayAtMost) {
  const ExportClaims good = TestClaims();
  for (absl::Time time :
       {good.iat + absl::Nanoseconds(1), good.iat + absl::Milliseconds(500), absl::InfiniteFuture(),
        absl::InfinitePast(), absl::UnixEpoch() - absl::Seconds(1),
        absl::FromCivil(absl::CivilYear(10'000), absl::UTCTimeZone())}) {
    ExportClaims claims = good;
    claims.iat = time;
    EXPECT_FALSE(Encodes(claims)) << time;
    claims = good;
    claims.exp = time;
    EXPECT_FALSE(Encodes(claims)) << time;
    claims = good;
    claims.nbf = time;
    EXPECT_FALSE(Encodes(claims)) << time;
  }
  ExportClaims claims = good;
  claims.exp = claims.nbf;
  EXPECT_FALSE(Encodes(claims));
  claims.exp = claims.nbf + absl::Seconds(1);
  EXPECT_TRUE(Encodes(claims));
  claims.exp = claims.nbf + absl::Hours(24);
  EXPECT_TRUE(Encodes(claims));
  claims.exp += absl::Seconds(1);
  EXPECT_FALSE(Encodes(claims));
}

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text = kClaims;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ExportClaimsTest, OtherTextsOfTheSameClaimsAreRefused) {
  ASSERT_TRUE(ParseClaims(kClaims).ok());
  const std::string good = kClaims;
  const std::vector<std::string> bad = {
      "", " " + good, good + " ", good + "\n", good + std::string(1, '\0'), "\xef\xbb\xbf" + good,
      good + good, "[" + good + "]", good.substr(0, good.size() - 1),
      // White space, order, escapes.
      Replaced("{\"aud\"", "{ \"aud\""), Replaced("\"gen\":3", "\"gen\": 3"),
      Replaced("\"user.email\",", "\"user.email\", "), Replaced(",\"uses\":2", ",\n\"uses\":2"),
      Replaced("\"purpose\":\"audit\",", "").insert(1, "\"purpose\":\"audit\","),
      Replaced("\"user.email\",\"user.name\"", "\"user.name\",\"user.email\""),
      Replaced("\"audit\"", "\"\\u0061udit\""), Replaced("acme", "a\\u0063me"),
      Replaced("tenants/", "tenants\\/"), Replaced("\"gen\"", "\"g\\u0065n\""),
      // Members twice, unknown, missing, of another type.
      Replaced("\"uses\":2", "\"uses\":2,\"uses\":2"),
      Replaced("\"uses\":2", "\"uses\":9,\"uses\":2"),
      Replaced("{\"aud\"", "{\"aud\":\"x\",\"aud\""), Replaced("\"uses\":2", "\"uses\":2,\"x\":1"),
      Replaced("\"uses\":2", "\"uses\":2,\"\":{}"), Replaced("\"gen\":3,", ""),
      Replaced("\"purpose\":\"audit\",", ""), Replaced("\"gen\":3", "\"gen\":null"),
      Replaced("\"purpose\":\"audit\"", "\"purpose\":null"),
      Replaced("\"purpose\":\"audit\"", "\"purpose\":[\"audit\"]"),
      Replaced("[\"user.email\",\"user.name\"]", "\"user.email\""),
      Replaced("[\"user.email\",\"user.name\"]", "[]"),
      Replaced("\"user.email\"", "\"user.email\",\"user.email\""),
      Replaced("[\"user.email\",\"user.name\"]", "[[\"user.email\",\"user.name\"]]"),
      Replaced("\"user.name\"]", "\"user.name\",]"), Replaced("\"uses\":2", "\"uses\":2,"),
      Replaced("\"gen\"", "'gen'"), Replaced("\"gen\"", "gen"), Replaced("\"gen\"", "\"Gen\""),
      Replaced(",\"gen\"", "/**/,\"gen\""),
      // Numbers.
      Replaced("\"gen\":3", "\"gen\":3.0"), Replaced("\"gen\":3", "\"gen\":3e0"),
      Replaced("\"gen\":3", "\"gen\":0.3e1"), Replaced("\"gen\":3", "\"gen\":03"),
      Replaced("\"gen\":3", "\"gen\":+3"), Replaced("\"gen\":3", "\"gen\":-3"),
      Replaced("\"gen\":3", "\"gen\":-0"), Replaced("\"gen\":3", "\"gen\":\"3\""),
      Replaced("\"gen\":3", "\"gen\":0x3"), Replaced("\"gen\":3", "\"gen\":true"),
      Replaced("\"gen\":3", "\"gen\":NaN"), Replaced("\"gen\":3", "\"gen\":Infinity"),
      Replaced("\"gen\":3", "\"gen\":9007199254740992"),
      Replaced("\"gen\":3", "\"gen\":18446744073709551616"),
      Replaced("\"gen\":3", "\"gen\":3.0000000000000000001"), Replaced("\"uses\":2", "\"uses\":0"),
      // Times.
      Replaced("11:00:00Z", "11:00:00+00:00"), Replaced("11:00:00Z", "12:00:00+01:00"),
      Replaced("11:00:00Z", "11:00:00.0Z"), Replaced("11:00:00Z", "11:00:00.5Z"),
      Replaced("11:00:00Z", "11:00:00z"), Replaced("T11:00:00Z", "t11:00:00Z"),
      Replaced("T11:00:00Z", " 11:00:00Z"), Replaced("11:00:00Z", "11:00:00"),
      Replaced("11:00:00Z", "10:59:60Z"), Replaced("11:00:00Z", "10:60:00Z"),
      Replaced("11:00:00Z", "11:0:00Z"), Replaced("11:00:00Z", " 11:00:00Z"),
      Replaced("2026-11-22T11", "+2026-11-22T11"), Replaced("2026-11-22T11", "02026-11-22T11"),
      Replaced("2026-11-22T11", "2026-10-53T11"),
      Replaced("2026-11-22T11:00:00Z", "infinite-future"),
      Replaced("\"2026-11-22T11:00:00Z\"", "1795345200"),
      Replaced("2026-11-22T11", "2026-11-31T11"), Replaced("2026-11-22T11", "2026-11-24T11"),
      Replaced("2026-11-22T11", "2026-11-22T09"),
      // Ids.
      Replaced("bee\"", "bef\""), Replaced("piivault:e", "piivault:E"), Replaced("piivault:", ""),
      Replaced("bee\"", "bee=\""), Replaced("eqscii\"", "eqscij\""), Replaced("68c89\"", "68C89\""),
      Replaced("68c89\"", "68c8\""), Replaced("68c89\"", "68c899\""),
      Replaced("68c89\"", "68c8g\""),
      // What is not UTF-8, or not ASCII.
      Replaced("audit\"", "audit\xff\""), Replaced("audit\"", "aud\xc0\xaf\""),
      Replaced("audit\"", "aud\xc3\xa9\""), Replaced("audit\"", std::string_view("a\0t\"", 4)),
      // Deep, and long.
      Replaced("\"gen\":3", "\"gen\":" + std::string(2000, '[')), std::string(5000, '['),
      std::string(5000, '{'),
      Replaced("\"uses\":2", "\"uses\":2,\"x\":" + std::string(900, '[') + std::string(900, ']')),
      std::string(1 << 20, ' ') + good, Replaced("audit\"", std::string(5000, 'a') + "\"")};
  for (const std::string& text : bad) {
    ASSERT_NE(text, good);
    EXPECT_TRUE(Refused(ParseClaims(text))) << text.substr(0, 500);
  }
}

// --- The reference: what the design note says, in other words.

std::optional<absl::CivilSecond> ReferenceTime(const std::string& text) {
  const auto number = [&text](size_t at, size_t size) {
    return std::atoi(text.substr(at, size).c_str());
  };
  const absl::CivilSecond time(number(0, 4), number(5, 2), number(8, 2), number(11, 2),
                               number(14, 2), number(17, 2));
  // Days and hours that are none become others.
  if (time.year() < 1970 || time.month() != number(5, 2) || time.day() != number(8, 2) ||
      time.hour() != number(11, 2) || time.minute() != number(14, 2) ||
      time.second() != number(17, 2)) {
    return std::nullopt;
  }
  return time;
}

bool ReferenceTakes(const std::string& text) {
  static const std::string kId = "[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?";
  static const std::string kTime = R"((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))";
  static const std::string kId128 = "[a-z2-7]{25}[aeimquy4]";
  static const std::string kField = R"("[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{1,64}")";
  static const std::string kNumber = "(0|[1-9][0-9]{0,15})";
  static const std::regex kPattern(
      R"(\{"aud":"tenants/)" + kId + "/recipients/" + kId + R"(","exp":")" + kTime +
          R"(","fields":\[()" + kField + "(?:," + kField + R"()*)\],"gen":)" + kNumber +
          R"(,"iat":")" + kTime + R"(","iss":"piivault:)" + kId128 + R"(","jti":")" + kId128 +
          R"(","nbf":")" + kTime +
          R"(","purpose":"[A-Za-z0-9_.-]{1,64}","sub":"[0-9a-f]{64}","uses":)" + kNumber + R"(\})",
      std::regex::ECMAScript | std::regex::optimize);
  std::smatch match;
  if (text.size() > 6000 || !std::regex_match(text, match, kPattern)) return false;
  // Groups 1 and 2 are inside the recipient's name.
  const auto exp = ReferenceTime(match[3]);
  const auto nbf = ReferenceTime(match[7]);
  if (!exp || !nbf || !ReferenceTime(match[6])) return false;
  if (*exp <= *nbf || *exp - *nbf > 86'400) return false;
  const std::vector<std::string> fields = absl::StrSplit(std::string(match[4]), ',');
  std::vector<std::string> bare;
  for (const std::string& field : fields) bare.push_back(field.substr(1, field.size() - 2));
  for (size_t i = 1; i < bare.size(); ++i) {
    if (bare[i - 1].compare(bare[i]) >= 0) return false;
  }
  const uint64_t gen = std::strtoull(match[5].str().c_str(), nullptr, 10);
  const uint64_t uses = std::strtoull(match[8].str().c_str(), nullptr, 10);
  return gen < uint64_t{1} << 53 && uses >= 1 && uses < uint64_t{1} << 53;
}

// One small change, mostly of characters that mean something here.
std::string Mutated(std::string text, std::mt19937* random) {
  static constexpr std::string_view kCharacters =
      "\"\\{}[]:,./-_ \t\n0123456789abefgijmnqstuvyzAEZT+=\x01\x7f\xc3\xff";
  const auto below = [random](size_t end) { return static_cast<size_t>((*random)() % end); };
  const size_t at = below(text.size());
  const size_t size = std::min(text.size() - at, 1 + below(12));
  switch (below(6)) {
    case 0:
    case 1:
      text[at] = kCharacters[below(kCharacters.size())];
      break;
    case 2:
      text.insert(at, 1, kCharacters[below(kCharacters.size())]);
      break;
    case 3:
      text.erase(at, below(4) == 0 ? size : 1);
      break;
    case 4:
      text.insert(below(text.size()), text.substr(at, size));
      break;
    default:
      std::swap(text[at], text[below(text.size())]);
  }
  return text;
}

TEST(ExportClaimsTest, ReaderAndReferenceAgree) {
  ASSERT_TRUE(ReferenceTakes(kClaims));
  std::mt19937 random(20261122);
  int taken = 0;
  int refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string text = kClaims;
    const size_t changes = 1 + random() % 3;
    for (size_t c = 0; c < changes; ++c) text = Mutated(text, &random);
    const absl::StatusOr<ExportClaims> claims = ParseClaims(text);
    ASSERT_EQ(claims.ok(), ReferenceTakes(text)) << text;
    if (!claims.ok()) {
      ++refused;
      ASSERT_TRUE(Refused(claims));
      continue;
    }
    ++taken;
    ASSERT_EQ(*EncodeClaims(*claims), text);
  }
  EXPECT_GT(taken, 1000);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace piivault::vault
