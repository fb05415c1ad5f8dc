#include "vault/crypto/ed25519.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_replace.h"
#include "vault/crypto/base64url.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

struct Rfc8032Vector {
  std::string_view seed, public_key, message, signature;
};

// RFC 8032 section 7.1, tests 1 to 3 and SHA(abc).
constexpr Rfc8032Vector kVectors[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
    {"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
     "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3fe"
     "ebbd454d4423643ce80e2a9ac94fa54ca49f",
     "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431"
     "e0303dca179c138ac17ad9bef1177331a704"},
};

Ed25519PrivateKey KeyOf(const Rfc8032Vector& vector) {
  return Ed25519PrivateKey(SecretBytes::CopyOf(FromHex(vector.seed)));
}

TEST(Ed25519Test, Rfc8032) {
  for (const Rfc8032Vector& vector : kVectors) {
    const Ed25519PrivateKey key = KeyOf(vector);
    const std::string message = FromHex(vector.message);
    EXPECT_EQ(ToHex(key.PublicKey().bytes()), vector.public_key);
    EXPECT_EQ(ToHex(AsView(key.Sign(message))), vector.signature);
    const auto public_key = Ed25519PublicKey::FromBytes(FromHex(vector.public_key));
    ASSERT_TRUE(public_key.has_value());
    EXPECT_TRUE(public_key->Verify(message, FromHex(vector.signature)));
    EXPECT_FALSE(public_key->Verify(message + "x", FromHex(vector.signature)));
  }
}

TEST(Ed25519Test, EveryOtherSignatureIsRefusedAndLeavesNoErrors) {
  const Ed25519PrivateKey key = KeyOf(kVectors[1]);
  const Ed25519PublicKey public_key = key.PublicKey();
  const std::string good(AsView(key.Sign("message")));
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(public_key.Verify("message", bad)) << bit;
  }
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(public_key.Verify("message", good.substr(0, size)));
  }
  EXPECT_FALSE(public_key.Verify("message", good + std::string(1, '\0')));
  EXPECT_FALSE(KeyOf(kVectors[0]).PublicKey().Verify("message", good));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

// Adds the group's order L to the scalar: the same to careless verifiers.
TEST(Ed25519Test, ScalarIsReduced) {
  const std::string order =
      FromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const Ed25519PrivateKey key = KeyOf(kVectors[0]);
  std::string signature(AsView(key.Sign("message")));
  unsigned carry = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    carry += static_cast<unsigned>(static_cast<uint8_t>(signature[32 + i])) +
             static_cast<uint8_t>(order[i]);
    signature[32 + i] = static_cast<char>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(key.PublicKey().Verify("message", signature));
}

TEST(Ed25519Test, PublicKeysOfOtherSizesAreNone) {
  for (size_t size : {0, 1, 31, 33, 64}) {
    EXPECT_FALSE(Ed25519PublicKey::FromBytes(std::string(size, 'k')).has_value()) << size;
  }
}

// The key of the PASETO vectors, as published.
constexpr char kPem[] =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAHrnbu7wEfAP9cGBOAHHwmH4Wsot1ciXBHwBBXQ4gsaI=\n"
    "-----END PUBLIC KEY-----\n";

TEST(Ed25519Test, PemIsStrict) {
  const auto key = Ed25519PublicKey::FromPem(kPem);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(ToHex(key->bytes()),
            "1eb9dbbbbc047c03fd70604e0071f0987e16b28b757225c11f00415d0e20b1a2");
  EXPECT_EQ(key->ToPem(), kPem);

  const std::string pem = kPem;
  std::vector<std::string> bad = {
      "", "x", "x\n" + pem, pem + "\n", pem + pem, " " + pem, pem.substr(0, pem.size() - 1),
      // A byte behind the key, another algorithm (X25519), a private key, an encrypted block.
      absl::StrReplaceAll(pem, {{"gsaI=", "gsaIA"}}), absl::StrReplaceAll(pem, {{"K2Vw", "K2Vu"}}),
      "-----BEGIN PRIVATE KEY-----\n"
      "MC4CAQAwBQYDK2VwBCIEILTL+0PfTOIQcn2VPkpxMwf6Gbt9n4UEFDjZ4RuUKjd0\n"
      "-----END PRIVATE KEY-----\n",
      absl::StrReplaceAll(pem, {{"KEY-----\nM",
                                 "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
                                 "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nM"}}),
      pem + std::string(10'000, '\n')};
  for (const std::string& text : bad) {
    EXPECT_NE(text, pem);
    EXPECT_FALSE(Ed25519PublicKey::FromPem(text).has_value()) << text;
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Ed25519Test, OneKeyServesManyThreads) {
  const Ed25519PrivateKey key = KeyOf(kVectors[2]);
  const Ed25519PublicKey public_key = key.PublicKey();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::string message = std::to_string(t);
      for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(public_key.Verify(message, AsView(key.Sign(message))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// RFC 4648 section 10, without padding.
TEST(Base64UrlTest, Rfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xfe", "-__-"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64UrlEncode(bytes), text);
    EXPECT_EQ(Base64UrlDecode(text), bytes);
  }
}

TEST(Base64UrlTest, OneTextForEachBytes) {
  const std::string_view bad[] = {"Zg==",  "Zg=",  "Zg.",  "Zh",  "Zm9=", "Zm9",   "Z",
                                  "Zm9vY", "+//+", "-_/-", " Zg", "Z g",  "Zg\n",  "Zg\r",
                                  "Zg\t",  "=",    "\n",   "Zg!", "Zm8=", "Zg\xff"};
  for (std::string_view text : bad) {
    EXPECT_FALSE(Base64UrlDecode(text).has_value()) << text;
  }
  EXPECT_FALSE(Base64UrlDecode(std::string_view("Zg\0", 3)).has_value());
  // Of all texts of two characters, those for one byte, each once.
  int good = 0;
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text = {static_cast<char>(a), static_cast<char>(b)};
      const std::optional<std::string> bytes = Base64UrlDecode(text);
      if (!bytes.has_value()) continue;
      ++good;
      EXPECT_EQ(bytes->size(), 1U);
    }
  }
  EXPECT_EQ(good, 256);
}

}  // namespace
}  // namespace piivault::vault
