#include "vault/sharing/paseto.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "vault/crypto/base64url.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFooter[] = R"({"kid":"k"})";

Ed25519PrivateKey TestKey(char fill = 's') {
  return Ed25519PrivateKey(SecretBytes::CopyOf(std::string(32, fill)));
}

// Opens with one key under one footer; remembers what it was asked for.
struct Opener {
  Ed25519PublicKey key = TestKey().PublicKey();
  std::string footer = kFooter;
  std::vector<std::string> asked;

  std::optional<std::string> Open(std::string_view text, std::string_view implicit = "") {
    return OpenPaseto(
        text,
        [this](std::string_view given) {
          asked.emplace_back(given);
          return given == footer ? &key : nullptr;
        },
        implicit);
  }
};

TEST(PasetoTest, PreAuthEncodeAsTheSpecificationHasIt) {
  EXPECT_EQ(ToHex(PreAuthEncode({})), "0000000000000000");
  EXPECT_EQ(ToHex(PreAuthEncode({""})), "01000000000000000000000000000000");
  EXPECT_EQ(ToHex(PreAuthEncode({"test"})), "0100000000000000040000000000000074657374");
  EXPECT_NE(PreAuthEncode({"ab", "c"}), PreAuthEncode({"a", "bc"}));
}

// --- The published vectors, tests/vectors/paseto_v4.json.

using Vector = std::map<std::string, std::string>;

std::vector<Vector> ReadVectors() {
  std::ostringstream text;
  text << std::ifstream(PIIVAULT_SOURCE_DIR "/tests/vectors/paseto_v4.json").rdbuf();
  google::protobuf::Struct file;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text.str(), &file).ok());
  std::vector<Vector> vectors;
  for (const auto& test : file.fields().at("tests").list_value().values()) {
    Vector vector;
    for (const auto& [name, value] : test.struct_value().fields()) {
      vector[name] =
          value.has_bool_value() ? (value.bool_value() ? "true" : "false") : value.string_value();
    }
    vectors.push_back(vector);
  }
  return vectors;
}

Opener OpenerOf(const Vector& vector, const std::string& key_name) {
  Opener opener;
  opener.key = *Ed25519PublicKey::FromBytes(FromHex(vector.at(key_name)));
  opener.footer = vector.at("footer");
  return opener;
}

void CheckSigned(const Vector& vector) {
  const std::string& footer = vector.at("footer");
  const std::string& implicit = vector.at("implicit-assertion");
  const Ed25519PrivateKey key(SecretBytes::CopyOf(FromHex(vector.at("secret-key-seed"))));
  EXPECT_EQ(SignPaseto(key, vector.at("payload"), footer, implicit), vector.at("token"));
  EXPECT_EQ(Ed25519PublicKey::FromPem(vector.at("public-key-pem") + "\n")->bytes(),
            key.PublicKey().bytes());
  Opener opener = OpenerOf(vector, "public-key");
  if (footer.empty()) {
    // Ours have a footer always; the signature is good all the same.
    EXPECT_FALSE(opener.Open(vector.at("token"), implicit).has_value());
    const std::string payload = *Base64UrlDecode(vector.at("token").substr(10));
    EXPECT_EQ(payload.substr(0, payload.size() - 64), vector.at("payload"));
    EXPECT_TRUE(
        opener.key.Verify(PreAuthEncode({"v4.public.", vector.at("payload"), footer, implicit}),
                          payload.substr(payload.size() - 64)));
    return;
  }
  EXPECT_EQ(opener.Open(vector.at("token"), implicit), vector.at("payload"));
  EXPECT_FALSE(opener.Open(vector.at("token"), implicit + "x").has_value());
}

TEST(PasetoTest, PublishedVectors) {
  std::map<char, int> seen;
  for (const Vector& vector : ReadVectors()) {
    SCOPED_TRACE(vector.at("name"));
    const char kind = vector.at("name").at(2);
    ++seen[kind];
    EXPECT_EQ(vector.at("expect-fail"), kind == 'F' ? "true" : "false");
    if (kind == 'S') {
      CheckSigned(vector);
      continue;
    }
    // Those that must fail, and those of v4.local, which is for others: under any of their keys.
    for (const char* key_name : {"public-key", "key"}) {
      if (vector.count(key_name) == 0) continue;
      EXPECT_FALSE(OpenerOf(vector, key_name)
                       .Open(vector.at("token"), vector.at("implicit-assertion"))
                       .has_value());
    }
  }
  EXPECT_EQ(seen, (std::map<char, int>{{'E', 9}, {'S', 3}, {'F', 5}}));
}

// --- What is ours.

TEST(PasetoTest, RoundTrips) {
  for (const std::string& message :
       {std::string(), std::string("m"), std::string("\0\xff", 2), std::string(5000, 'm')}) {
    Opener opener;
    const std::string text = SignPaseto(TestKey(), message, kFooter, "implicit");
    EXPECT_EQ(opener.Open(text, "implicit"), message);
    EXPECT_FALSE(opener.Open(text, "").has_value());
    EXPECT_FALSE(opener.Open(text, "implicit ").has_value());
    opener.key = TestKey('t').PublicKey();
    EXPECT_FALSE(opener.Open(text, "implicit").has_value());
  }
}

TEST(PasetoTest, FooterIsLookedUpAsItCameBeforeAnythingElse) {
  Opener opener;
  const std::string text = SignPaseto(TestKey(), "m", "other", "");
  EXPECT_FALSE(opener.Open(text).has_value());
  EXPECT_THAT(opener.asked, ElementsAre("other"));
  // The payload is no base64url and has no signature; the look-up has been before that.
  opener.asked.clear();
  EXPECT_FALSE(opener.Open("v4.public.!!!." + Base64UrlEncode(kFooter)).has_value());
  EXPECT_THAT(opener.asked, ElementsAre(kFooter));
  // Nothing in the message is looked at under an unknown footer.
  bool looked = false;
  const auto implicit_of = [&looked](std::string_view) -> std::optional<std::string> {
    looked = true;
    return "";
  };
  EXPECT_FALSE(OpenPasetoOffline(
                   text, [](std::string_view) { return nullptr; }, implicit_of)
                   .has_value());
  EXPECT_FALSE(looked);
  EXPECT_EQ(OpenPasetoOffline(
                text, [&opener](std::string_view) { return &opener.key; }, implicit_of),
            "m");
  EXPECT_TRUE(looked);
  EXPECT_FALSE(OpenPasetoOffline(
                   text, [&opener](std::string_view) { return &opener.key; },
                   [](std::string_view) { return std::nullopt; })
                   .has_value());
}

TEST(PasetoTest, EveryBitFlipAndEveryTruncationIsRefused) {
  Opener opener;
  const std::string good = SignPaseto(TestKey(), R"({"a":1})", kFooter, "i");
  ASSERT_TRUE(opener.Open(good, "i").has_value());
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(opener.Open(bad, "i").has_value()) << bad;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(opener.Open(good.substr(0, size), "i").has_value()) << size;
    EXPECT_FALSE(opener.Open(good.substr(size + 1), "i").has_value()) << size;
    for (char c : {'A', '=', '.', ' ', '\n', '\0', '-'}) {
      std::string longer = good;
      longer.insert(size, 1, c);
      EXPECT_FALSE(opener.Open(longer, "i").has_value()) << longer;
    }
  }
}

TEST(PasetoTest, HeadersOfOthersAreRefused) {
  Opener opener;
  const std::string rest = SignPaseto(TestKey(), "m", kFooter, "").substr(10);
  ASSERT_TRUE(opener.Open("v4.public." + rest).has_value());
  opener.asked.clear();
  for (const char* header :
       {"v3.public.", "v4.local.", "V4.PUBLIC.", "V4.public.", "v4.Public.", "v5.public.", "v4.",
        "v4.public", "v4..public.", ".v4.public.", " v4.public.", "v4.public .", "v4c.public.", "",
        "\xef\xbb\xbfv4.public.", "v4.public.v4.public."}) {
    EXPECT_FALSE(opener.Open(header + rest).has_value()) << header;
  }
  EXPECT_THAT(opener.asked, IsEmpty());
}

TEST(PasetoTest, FourPartsAndNoOther) {
  Opener opener;
  const std::string good = SignPaseto(TestKey(), "m", kFooter, "");
  const std::string no_footer = SignPaseto(TestKey(), "m", "", "");
  const std::string payload = no_footer.substr(10);
  const std::string footer = good.substr(good.rfind('.') + 1);
  // Even where the look-up would know a key for no footer.
  opener.footer = "";
  for (const std::string& bad : {no_footer, no_footer + ".", no_footer + ".."}) {
    EXPECT_FALSE(opener.Open(bad).has_value()) << bad;
  }
  EXPECT_THAT(opener.asked, IsEmpty());
  opener.footer = kFooter;
  for (const std::string& bad :
       {good + ".", good + "." + footer, "v4.public.." + footer,
        "v4.public." + payload + ".." + footer, "v4.public.." + payload + "." + footer,
        std::string("v4.public."), std::string("v4.public.."), std::string("v4.public..."),
        std::string(".."), std::string()}) {
    EXPECT_FALSE(opener.Open(bad).has_value()) << bad;
  }
}

TEST(PasetoTest, OtherSpellingsOfBase64AreRefused) {
  // 64 bytes of signature and 3 more leave spare bits; so do the 11 of the footer.
  Opener opener;
  std::string message = "mmm";
  std::string good;
  // A message whose payload has both characters that the other alphabet spells otherwise.
  for (int i = 0; good.find('-') == std::string::npos || good.find('_') == std::string::npos; ++i) {
    message = std::to_string(100 + i);
    good = SignPaseto(TestKey(), message, kFooter, "");
  }
  ASSERT_EQ(opener.Open(good), message);
  const size_t dot = good.rfind('.');
  const std::string payload = good.substr(0, dot);
  const std::string footer = good.substr(dot + 1);
  const auto next = [](std::string text) { return ++text.back(), text; };
  std::string other = good;
  for (char& c : other) c = c == '-' ? '+' : c == '_' ? '/' : c;
  for (const std::string& bad :
       {other, payload + "=." + footer, payload + "==." + footer, good + "=", good + "==",
        next(payload) + "." + footer, payload + "." + next(footer), payload + "\n." + footer,
        payload + " ." + footer, payload + ". " + footer, good + "\n", good + "\r\n", good + " ",
        "\n" + good, payload + "A." + footer, good + "A", good + std::string(1, '\0')}) {
    ASSERT_NE(bad, good);
    EXPECT_FALSE(opener.Open(bad).has_value()) << bad;
  }
}

TEST(PasetoTest, WhateverIsInAFooterIsOnlyCompared) {
  Opener opener;
  for (const std::string& footer :
       {std::string("../../etc/passwd"), std::string("/dev/zero"), std::string("k' OR '1'='1' --"),
        std::string("https://attacker.example/key.pem"), std::string(R"({"kid":"k"} )"),
        std::string(R"({ "kid":"k"})"), std::string(R"({"kid":"x","kid":"k"})"),
        std::string(R"({"kid":"k","kid":"k"})"), std::string(R"({"kid":{"kid":{"kid":"k"}}})"),
        std::string(R"({"kid":"\u006b"})"), std::string(R"({"KID":"k"})"),
        std::string("{\"kid\":\"k\"}\0", 12), std::string("k"), std::string("\xff\xfe")}) {
    opener.asked.clear();
    EXPECT_FALSE(opener.Open(SignPaseto(TestKey(), "m", footer, "")).has_value()) << footer;
    EXPECT_THAT(opener.asked, ElementsAre(footer));
  }
}

TEST(PasetoTest, LengthsAreBoundedBeforeTheLookUp) {
  Opener opener;
  opener.footer = std::string(kMaxPasetoFooter, 'f');
  EXPECT_TRUE(opener.Open(SignPaseto(TestKey(), "m", opener.footer, "")).has_value());
  EXPECT_EQ(opener.asked.size(), 1U);
  for (size_t size : {kMaxPasetoFooter + 1, size_t{1000}, size_t{10'000}}) {
    opener.footer = std::string(size, 'f');
    EXPECT_FALSE(opener.Open(SignPaseto(TestKey(), "m", opener.footer, "")).has_value());
  }
  EXPECT_EQ(opener.asked.size(), 1U);

  opener.footer = kFooter;
  size_t longest = 0;
  for (size_t size = 6000; size < 6100; ++size) {
    const std::string text = SignPaseto(TestKey(), std::string(size, 'm'), kFooter, "");
    EXPECT_EQ(opener.Open(text).has_value(), text.size() <= 8192) << text.size();
    if (text.size() <= 8192) longest = text.size();
  }
  EXPECT_GE(longest, 8190U);
  // Long and hopeless: refused by its length.
  opener.asked.clear();
  EXPECT_FALSE(
      opener.Open("v4.public." + std::string(1 << 20, 'A') + "." + Base64UrlEncode(kFooter))
          .has_value());
  EXPECT_THAT(opener.asked, IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
