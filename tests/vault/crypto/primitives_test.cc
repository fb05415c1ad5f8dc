#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "vault/crypto/base32.h"
#include "vault/crypto/hkdf.h"
#include "vault/crypto/hmac.h"
#include "vault/crypto/scrypt.h"
#include "vault/crypto/sha256.h"

namespace piivault::vault {
namespace {

std::string Raw(std::string_view hex) { return absl::HexStringToBytes(std::string(hex)); }
std::string Hex(std::string_view bytes) { return absl::BytesToHexString(std::string(bytes)); }
template <size_t N>
std::string Hex(const std::array<uint8_t, N>& bytes) {
  return Hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), N));
}

// FIPS 180-4 examples.
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(Hex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hex(Sha256("abcdbcdecdefdefgefghfghighij", "hijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

struct HmacVector {
  std::string key, message, tag;
};

// RFC 4231 section 4, test cases 1 to 4, 6 and 7.
TEST(HmacKeyTest, Rfc4231) {
  const HmacVector vectors[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {Raw("0102030405060708090a0b0c0d0e0f10111213141516171819"), std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const HmacVector& vector : vectors) {
    const HmacKey key(vector.key);
    EXPECT_EQ(Hex(key.Compute(vector.message)), vector.tag);
    // Again: the kept context starts anew.
    EXPECT_EQ(Hex(key.Compute(vector.message)), vector.tag);
    EXPECT_TRUE(key.Verify(vector.message, Raw(vector.tag)));
    EXPECT_FALSE(key.Verify(vector.message + "x", Raw(vector.tag)));
    EXPECT_FALSE(key.Verify(vector.message, Raw(vector.tag).substr(0, 31)));
    EXPECT_FALSE(key.Verify(vector.message, ""));
  }
}

TEST(HmacKeyTest, OneKeyServesManyThreads) {
  const HmacKey key("key");
  const HmacKey::Tag expected = HmacKey("key").Compute("message");
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) ASSERT_EQ(key.Compute("message"), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// RFC 5869 appendix A.1 to A.3.
TEST(HkdfTest, Rfc5869) {
  EXPECT_EQ(Hex(HkdfSha256(std::string(22, '\x0b'), Raw("000102030405060708090a0b0c"),
                           Raw("f0f1f2f3f4f5f6f7f8f9"), 42)
                    .view()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  std::string ikm, salt, info;
  for (int i = 0; i < 80; ++i) {
    ikm += static_cast<char>(i);
    salt += static_cast<char>(0x60 + i);
    info += static_cast<char>(0xb0 + i);
  }
  EXPECT_EQ(Hex(HkdfSha256(ikm, salt, info, 82).view()),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41"
            "c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(Hex(HkdfSha256(std::string(22, '\x0b'), "", "", 42).view()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// RFC 7914 section 12, all but the one that takes a gigabyte.
TEST(ScryptTest, Rfc7914) {
  EXPECT_EQ(Hex(Scrypt("", "", {16, 1, 1}, 64)->view()),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a75"
            "3a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
  EXPECT_EQ(Hex(Scrypt("password", "NaCl", {1024, 8, 16}, 64)->view()),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109"
            "279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
  EXPECT_EQ(Hex(Scrypt("pleaseletmein", "SodiumChloride", {16384, 8, 1}, 64)->view()),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d497"
            "05242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST(ScryptTest, RefusesInvalidAndCostlyParameters) {
  for (const ScryptParameters& parameters :
       {ScryptParameters{0, 8, 1}, ScryptParameters{1, 8, 1}, ScryptParameters{1000, 8, 1},
        ScryptParameters{1024, 0, 1}, ScryptParameters{1024, 8, 0}, ScryptParameters{1024, 65, 1},
        ScryptParameters{1024, 8, 17}, ScryptParameters{uint64_t{1} << 21, 8, 1},
        ScryptParameters{uint64_t{1} << 63, 64, 1}}) {
    EXPECT_EQ(Scrypt("p", "s", parameters, 32).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

// RFC 4648 section 10, in lower case and without padding.
TEST(Base32Test, Rfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                   {"f", "my"},
                                                                   {"fo", "mzxq"},
                                                                   {"foo", "mzxw6"},
                                                                   {"foob", "mzxw6yq"},
                                                                   {"fooba", "mzxw6ytb"},
                                                                   {"foobar", "mzxw6ytboi"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base32Encode(bytes).view(), text);
    ASSERT_TRUE(Base32Decode(text).has_value());
    EXPECT_EQ(Base32Decode(text)->view(), bytes);
  }
}

TEST(Base32Test, RefusesWhatEncodeDoesNotMake) {
  for (std::string_view text : {"m", "mz", "mzx", "mzxw6y", "MY", "my======", "m1", "m0", "m8",
                                " my", "mzxw6ytb\n", "mzxw6ytbm", "mzxr"}) {
    EXPECT_FALSE(Base32Decode(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace piivault::vault
