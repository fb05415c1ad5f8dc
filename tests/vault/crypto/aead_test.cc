#include "vault/crypto/aead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"

namespace piivault::vault {
namespace {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(std::string(bytes)); }
std::string Raw(std::string_view hex) { return absl::HexStringToBytes(std::string(hex)); }

GcmNonce NonceOf(std::string_view raw) {
  GcmNonce nonce;
  std::copy(raw.begin(), raw.end(), nonce.begin());
  return nonce;
}

struct GcmVector {
  const char* key;
  const char* nonce;
  const char* plaintext;
  const char* aad;
  const char* sealed;
};

// Test cases 13 to 16 of the GCM submission to NIST (McGrew, Viega), which CAVP took over.
const GcmVector kGcmVectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "00000000000000000000000000000000", "",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
     "a6b525b16aedf5aa0de657ba637b391aafd255",
     "",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
     "828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449"
     "a6b525b16aedf5aa0de657ba637b39",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
     "828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST(AesGcmKeyTest, KnownAnswers) {
  for (const GcmVector& vector : kGcmVectors) {
    AesGcmKey key(Raw(vector.key));
    std::string sealed = "prefix";
    key.Seal(NonceOf(Raw(vector.nonce)), Raw(vector.aad), Raw(vector.plaintext), &sealed);
    EXPECT_EQ(Hex(sealed.substr(6)), vector.sealed);
    const auto opened = key.Open(NonceOf(Raw(vector.nonce)), Raw(vector.aad), sealed.substr(6));
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(Hex(opened->view()), vector.plaintext);
  }
}

TEST(AesGcmKeyTest, EveryAlterationIsRefusedUniformly) {
  AesGcmKey key(std::string(32, 'k'));
  std::string sealed;
  key.Seal(OrdinalNonce(3), "aad", "plaintext of some length", &sealed);
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string altered = sealed;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(key.Open(OrdinalNonce(3), "aad", altered).status(), DecryptionFailed());
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(key.Open(OrdinalNonce(3), "aad", sealed.substr(0, size)).status(),
              DecryptionFailed());
  }
  EXPECT_EQ(key.Open(OrdinalNonce(3), "aad", sealed + '\0').status(), DecryptionFailed());
  EXPECT_EQ(key.Open(OrdinalNonce(4), "aad", sealed).status(), DecryptionFailed());
  EXPECT_EQ(key.Open(OrdinalNonce(3), "aae", sealed).status(), DecryptionFailed());
  EXPECT_EQ(key.Open(OrdinalNonce(3), "", sealed).status(), DecryptionFailed());
  AesGcmKey other(std::string(32, 'K'));
  EXPECT_EQ(other.Open(OrdinalNonce(3), "aad", sealed).status(), DecryptionFailed());
  // A refusal leaves the key fit for use.
  EXPECT_EQ(key.Open(OrdinalNonce(3), "aad", sealed)->view(), "plaintext of some length");
}

TEST(AesGcmKeyTest, ManyLiveKeysOfOneThreadDoNotMix) {
  std::vector<AesGcmKey> keys;
  std::vector<std::string> sealed(40);
  for (int i = 0; i < 40; ++i) keys.emplace_back(std::string(32, static_cast<char>('a' + i)));
  for (size_t i = 0; i < keys.size(); ++i) keys[i].Seal(OrdinalNonce(0), "", "text", &sealed[i]);
  std::set<std::string> distinct(sealed.begin(), sealed.end());
  EXPECT_EQ(distinct.size(), keys.size());
  keys.erase(keys.begin(), keys.begin() + 20);
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(keys[i].Open(OrdinalNonce(0), "", sealed[i + 20])->view(), "text");
  }
}

TEST(OrdinalNonceTest, IsBigEndian) {
  const GcmNonce nonce = OrdinalNonce(0x0102030405060708);
  EXPECT_EQ(Hex({reinterpret_cast<const char*>(nonce.data()), nonce.size()}),
            "000000000102030405060708");
}

// https://c2sp.org/XAES-256-GCM, "Test vectors": MSB of L 0, then 1.
TEST(XaesKeyTest, KnownAnswers) {
  std::string sealed;
  XaesKey(std::string(32, '\1'))
      .SealWithNonce("ABCDEFGHIJKLMNOPQRSTUVWX", "", "XAES-256-GCM", &sealed);
  EXPECT_EQ(Hex(sealed), "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  sealed.clear();
  XaesKey(std::string(32, '\3'))
      .SealWithNonce("ABCDEFGHIJKLMNOPQRSTUVWX", "c2sp.org/XAES-256-GCM", "XAES-256-GCM", &sealed);
  EXPECT_EQ(Hex(sealed), "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

std::string Shake128(std::string_view message, size_t size) {
  std::string out(size, '\0');
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EXPECT_EQ(EVP_DigestInit_ex(context, EVP_shake128(), nullptr), 1);
  EXPECT_EQ(EVP_DigestUpdate(context, message.data(), message.size()), 1);
  EXPECT_EQ(EVP_DigestFinalXOF(context, reinterpret_cast<unsigned char*>(out.data()), size), 1);
  EVP_MD_CTX_free(context);
  return out;
}

// https://c2sp.org/XAES-256-GCM, "Accumulated randomized tests", 10,000 iterations.
TEST(XaesKeyTest, AccumulatedRandomizedTest) {
  constexpr int kIterations = 10000;
  const std::string stream = Shake128("", kIterations * (32 + 24 + 2 * 256));
  ASSERT_EQ(Hex(stream.substr(0, 16)), "7f9c2ba4e88f827d616045507605853e");
  std::string_view rest = stream;
  const auto take = [&rest](size_t size) {
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  };
  std::string all;
  for (int i = 0; i < kIterations; ++i) {
    const XaesKey key(take(32));
    const std::string_view nonce = take(24);
    const std::string_view plaintext = take(static_cast<uint8_t>(take(1)[0]));
    const std::string_view aad = take(static_cast<uint8_t>(take(1)[0]));
    std::string sealed;
    key.SealWithNonce(nonce, aad, plaintext, &sealed);
    ASSERT_EQ(key.OpenWithNonce(nonce, aad, sealed)->view(), plaintext);
    all += sealed;
  }
  EXPECT_EQ(Hex(Shake128(all, 32)),
            "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(XaesKeyTest, EveryAlterationIsRefusedUniformly) {
  const XaesKey key(std::string(32, 'k'));
  std::string sealed;
  key.Seal(SystemRandom(), "aad", "plaintext", &sealed);
  ASSERT_EQ(sealed.size(), 9 + XaesKey::kOverhead);
  EXPECT_EQ(key.Open("aad", sealed)->view(), "plaintext");
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string altered = sealed;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    EXPECT_EQ(key.Open("aad", altered).status(), DecryptionFailed());
  }
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_EQ(key.Open("aad", sealed.substr(0, size)).status(), DecryptionFailed());
  }
  EXPECT_EQ(key.Open("aae", sealed).status(), DecryptionFailed());
  EXPECT_EQ(XaesKey(std::string(32, 'K')).Open("aad", sealed).status(), DecryptionFailed());
}

TEST(XaesKeyTest, TwoSealingsOfOneTextDiffer) {
  const XaesKey key(std::string(32, 'k'));
  std::string first, second;
  key.Seal(SystemRandom(), "", "plaintext", &first);
  key.Seal(SystemRandom(), "", "plaintext", &second);
  EXPECT_NE(first, second);
  EXPECT_NE(first.substr(0, 24), second.substr(0, 24));
}

TEST(XaesKeyTest, OneKeyServesManyThreads) {
  const XaesKey key(std::string(32, 'k'));
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&key, t] {
      const std::string text(static_cast<size_t>(t) * 7, static_cast<char>('a' + t));
      for (int i = 0; i < 500; ++i) {
        std::string sealed;
        key.Seal(SystemRandom(), text, text, &sealed);
        ASSERT_EQ(key.Open(text, sealed)->view(), text);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace piivault::vault
