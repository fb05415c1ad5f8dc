// What a value is known by: blind indexes, tokens and page tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/types/span.h"
#include "tests/vault/keys/key_fixture.h"
#include "vault/keys/blind_index.h"
#include "vault/keys/byte_io.h"
#include "vault/keys/padding.h"
#include "vault/keys/page_token.h"
#include "vault/keys/tokens.h"

namespace piivault::vault {
namespace {

using absl::StatusCode;

// 002-10: one account id at two linked services is two digests under one tenant's key; whoever
// looks one up does not find the other.
TEST(BlindIndexTest, EachMemberCounts) {
  KeyFixture fixture;
  fixture.Rotate();
  const auto keys = fixture.keys();
  const TenantKeys& tenant = *keys->Tenant(1, 1);
  const storage::IndexDigest digest =
      BlindIndexDigest(tenant, 1, "reader.email", "a@example.jp", KeyClass::kNormal);
  EXPECT_EQ(BlindIndexDigest(tenant, 1, "reader.email", "a@example.jp", KeyClass::kNormal), digest);
  EXPECT_NE(BlindIndexDigest(tenant, 2, "reader.email", "a@example.jp", KeyClass::kNormal), digest);
  EXPECT_NE(BlindIndexDigest(tenant, 1, "reader.phone", "a@example.jp", KeyClass::kNormal), digest);
  EXPECT_NE(BlindIndexDigest(tenant, 1, "reader.email", "b@example.jp", KeyClass::kNormal), digest);
  EXPECT_NE(BlindIndexDigest(tenant, 1, "reader.emaila", "@example.jp", KeyClass::kNormal), digest);
  EXPECT_NE(BlindIndexDigest(tenant, 1, "ext_a.account_id", "17", KeyClass::kNormal),
            BlindIndexDigest(tenant, 1, "ext_b.account_id", "17", KeyClass::kNormal));
  EXPECT_NE(
      BlindIndexDigest(*keys->Tenant(2, 1), 1, "reader.email", "a@example.jp", KeyClass::kNormal),
      digest);
  EXPECT_NE(
      BlindIndexDigest(*keys->Tenant(1, 2), 1, "reader.email", "a@example.jp", KeyClass::kNormal),
      digest);
  EXPECT_NE(BlindIndexDigest(tenant, 1, "reader.email", "a@example.jp", KeyClass::kImportant),
            digest);
}

TEST(RefIndexTest, EachMemberCounts) {
  KeyFixture fixture;
  fixture.Rotate();
  const auto keys = fixture.keys();
  const storage::IndexDigest digest = RefIndexDigest(*keys->Tenant(1, 1), "reader", "17");
  EXPECT_EQ(RefIndexDigest(*keys->Tenant(1, 1), "reader", "17"), digest);
  EXPECT_NE(RefIndexDigest(*keys->Tenant(1, 1), "reader", "18"), digest);
  EXPECT_NE(RefIndexDigest(*keys->Tenant(1, 1), "svc", "17"), digest);
  EXPECT_NE(RefIndexDigest(*keys->Tenant(1, 1), "reader1", "7"), digest);
  EXPECT_NE(RefIndexDigest(*keys->Tenant(2, 1), "reader", "17"), digest);
  EXPECT_NE(RefIndexDigest(*keys->Tenant(1, 2), "reader", "17"), digest);
}

TEST(TokenTest, OneTextForEachToken) {
  const storage::Id128 token = SystemRandom().Id128();
  const std::string text = FormatToken(token);
  EXPECT_EQ(text.size(), 30u);
  EXPECT_EQ(ParseToken(text), token);
  EXPECT_EQ(FormatToken(storage::Id128{}), "tok_aaaaaaaaaaaaaaaaaaaaaaaaaa");
  EXPECT_EQ(FormatToken(IdOf(0xff)), "tok_77777777777777777777777774");
}

TEST(TokenTest, RefusesEveryOtherText) {
  const std::string text = "tok_aaaaaaaaaaaaaaaaaaaaaaaaae";
  ASSERT_TRUE(ParseToken(text).has_value());
  for (std::string_view bad :
       {"", "tok_", "tok_aaaaaaaaaaaaaaaaaaaaaaaaa", "tok_aaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "TOK_aaaaaaaaaaaaaaaaaaaaaaaaaa", "tok_Aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tok_aaaaaaaaaaaaaaaaaaaaaaaaab", "tok_aaaaaaaaaaaaaaaaaaaaaaaaac",
        "tok_aaaaaaaaaaaaaaaaaaaaaaaaad", "tok_1aaaaaaaaaaaaaaaaaaaaaaaaa",
        "tok-aaaaaaaaaaaaaaaaaaaaaaaaaa", " tok_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "tok_aaaaaaaaaaaaaaaaaaaaaaaaaa ", "tok_aaaaaaaaaaaaaaaaaaaaaaaa=="}) {
    EXPECT_FALSE(ParseToken(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ParseToken(std::string("tok_aaaaaaaaaaaaaaaaaaaaaaaaa\0", 30)).has_value());
}

storage::TokenHandle HandleOf(std::string_view hex) {
  return *storage::TokenHandle::FromBytes(absl::HexStringToBytes(std::string(hex)));
}

// Made by a script of its own: HKDF-SHA-256 (RFC 5869) by Python's hmac over the token key 20..3f
// with the label `piivault tenant random token` gives 61dc2242...200a349f; under that, `openssl enc
// -aes-256-ecb -nopad` over handle and number.
TEST(RandomTokenTest, IsAesOfHandleAndNumber) {
  std::string token_key;
  for (char byte = 0x20; byte < 0x40; ++byte) token_key.push_back(byte);
  const TenantKeys keys(7, 1, std::string(32, 't') + token_key, std::string(64, 'i'));
  const struct {
    std::string_view handle;
    uint32_t number;
    std::string_view token;
  } vectors[] = {
      {"a0a1a2a3a4a5a6a7a8a9aaab", 0, "183082bc8078b36d49bd259c3bcf095e"},
      {"a0a1a2a3a4a5a6a7a8a9aaab", 7, "364af3a1d236ba976eab96d658bbc07a"},
      {"a0a1a2a3a4a5a6a7a8a9aaab", 0x01020304, "83527501d2f083863d1290c16d317e8d"},
      {"ffffffffffffffffffffffff", 0xffffffff, "c465c2344e7bea55c03060c07fb26f32"},
  };
  for (const auto& vector : vectors) {
    const RandomTokenName name = {HandleOf(vector.handle), vector.number};
    const storage::Id128 token = RandomTokenOf(keys, name);
    EXPECT_EQ(absl::BytesToHexString(std::string(token.view())), vector.token);
    EXPECT_EQ(NameOfRandomToken(keys, token), name);
  }
}

TEST(RandomTokenTest, GivesItsNameBackInEveryEpochAndToNoOtherTenant) {
  KeyFixture fixture;
  fixture.Rotate();
  const auto keys = fixture.keys();
  const TenantKeys& tenant = *keys->Tenant(1, 1);
  std::set<storage::Id128> tokens;
  for (int i = 0; i < 200; ++i) {
    RandomTokenName name;
    SystemRandom().Fill(absl::MakeSpan(name.handle.bytes));
    for (const uint32_t number :
         {uint32_t{0}, uint32_t{1}, uint32_t{255}, uint32_t{256}, UINT32_MAX}) {
      name.number = number;
      const storage::Id128 token = RandomTokenOf(tenant, name);
      EXPECT_TRUE(tokens.insert(token).second);
      EXPECT_EQ(NameOfRandomToken(tenant, token), name);
      EXPECT_EQ(RandomTokenOf(*keys->Tenant(1, 2), name), token);
      EXPECT_EQ(NameOfRandomToken(*keys->Tenant(1, 2), token), name);
      EXPECT_NE(RandomTokenOf(*keys->Tenant(2, 1), name), token);
      EXPECT_NE(NameOfRandomToken(*keys->Tenant(2, 1), token).handle, name.handle);
    }
    // Any 16 bytes are a name of something.
    const storage::Id128 any = SystemRandom().Id128();
    EXPECT_EQ(RandomTokenOf(tenant, NameOfRandomToken(tenant, any)), any);
  }
}

// Half of the bits differ, wherever they stand, whether or not two tokens are of one record.
TEST(RandomTokenTest, OnesOfOneRecordAreNotAlike) {
  KeyFixture fixture;
  const auto keys = fixture.keys();
  const TenantKeys& tenant = *keys->Tenant(1, 1);
  std::array<int, 128> differ{};
  constexpr int kRounds = 4000;
  RandomTokenName name;
  storage::Id128 before = RandomTokenOf(tenant, name);
  for (int round = 0; round < kRounds; ++round) {
    ++name.number;
    const storage::Id128 token = RandomTokenOf(tenant, name);
    for (size_t bit = 0; bit < differ.size(); ++bit) {
      differ[bit] += ((token.bytes[bit / 8] ^ before.bytes[bit / 8]) >> (bit % 8)) & 1;
    }
    before = token;
  }
  // The key is fixed, and so are the counts; six standard deviations.
  for (const int count : differ) EXPECT_NEAR(count, kRounds / 2, 190);
}

TEST(DeterministicTokenTest, SurvivesRotationAndTellsMembersApart) {
  KeyFixture fixture;
  fixture.Rotate();
  const auto keys = fixture.keys();
  const TenantKeys& tenant = *keys->Tenant(1, 1);
  const storage::Id128 token =
      DeterministicToken(tenant, "svc", "reader.email", "a@example.jp", KeyClass::kNormal);
  EXPECT_EQ(DeterministicToken(*keys->Tenant(1, 2), "svc", "reader.email", "a@example.jp",
                               KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(*keys->Tenant(2, 1), "svc", "reader.email", "a@example.jp",
                               KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(tenant, "pay", "reader.email", "a@example.jp", KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(tenant, "svc", "reader.phone", "a@example.jp", KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(tenant, "svc", "reader.email", "b@example.jp", KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(tenant, "svcr", "eader.email", "a@example.jp", KeyClass::kNormal),
            token);
  EXPECT_NE(DeterministicToken(tenant, "svc", "reader.email", "a@example.jp", KeyClass::kImportant),
            token);
}

class PageTokenTest : public testing::Test {
 protected:
  absl::StatusOr<std::string> Open(std::string_view token, const PageTokenBinding& binding,
                                   absl::Time now = kTestTime) {
    return OpenPageToken(*fixture_.keys(), binding, token, now);
  }

  KeyFixture fixture_;
  const PageTokenBinding binding_ = {"principals/sato", "piivault.v1.VaultService/ListRecords",
                                     Sha256("request")};
  const absl::Time expires_ = kTestTime + absl::Hours(1);
  const std::string token_ =
      SealPageToken(*fixture_.keys(), SystemRandom(), binding_, "cursor", expires_);
};

TEST_F(PageTokenTest, GivesTheCursorBackUntilItExpires) {
  EXPECT_EQ(Open(token_, binding_).value(), "cursor");
  EXPECT_TRUE(Open(token_, binding_, expires_ - absl::Microseconds(1)).ok());
  EXPECT_EQ(Open(token_, binding_, expires_).status().code(), StatusCode::kInvalidArgument);
  const std::string empty = SealPageToken(*fixture_.keys(), SystemRandom(), binding_, "", expires_);
  EXPECT_EQ(Open(empty, binding_).value(), "");
  EXPECT_EQ(empty.size(), token_.size()) << "the cursor's length shows";
}

TEST_F(PageTokenTest, SomeoneElsesOrAnotherQuerysIsRefused) {
  const auto code = [&](const PageTokenBinding& binding) {
    return Open(token_, binding).status().code();
  };
  PageTokenBinding binding = binding_;
  binding.principal = "principals/suzuki";
  EXPECT_EQ(code(binding), StatusCode::kInvalidArgument);
  binding = binding_;
  binding.method = "piivault.v1.VaultService/SearchRecords";
  EXPECT_EQ(code(binding), StatusCode::kInvalidArgument);
  binding = binding_;
  binding.request = Sha256("another request");
  EXPECT_EQ(code(binding), StatusCode::kInvalidArgument);
  KeyFixture twin("seed", IdOf(0xbb));
  EXPECT_EQ(OpenPageToken(*twin.keys(), binding_, token_, kTestTime).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PageTokenTest, EveryOtherTextIsRefused) {
  for (size_t i = 0; i < token_.size(); ++i) {
    for (char c : std::string_view("ABCDefgh0189-_=+/ \n")) {
      if (c == token_[i]) continue;
      std::string altered = token_;
      altered[i] = c;
      EXPECT_EQ(Open(altered, binding_).status().code(), StatusCode::kInvalidArgument);
    }
    EXPECT_EQ(Open(token_.substr(0, i), binding_).status().code(), StatusCode::kInvalidArgument);
  }
  for (std::string_view suffix : {"=", "==", "\n", " ", "A"}) {
    EXPECT_EQ(Open(token_ + std::string(suffix), binding_).status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Open("!", binding_).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(Open(std::string(100'000, 'A'), binding_).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PageTokenTest, SurvivesRotationUntilItsEpochIsDestroyed) {
  fixture_.Rotate();
  EXPECT_TRUE(Open(token_, binding_).ok());
  fixture_.Destroy(1);
  EXPECT_EQ(Open(token_, binding_).status().code(), StatusCode::kInvalidArgument);
}

TEST(PaddingTest, ComesOffExactly) {
  for (size_t size = 0; size < 50; ++size) {
    for (char fill : {'\0', '\x80', 'v'}) {
      const std::string text(size, fill);
      SecretBytes padded = Pad(text);
      EXPECT_EQ(padded.size() % 16, 0u);
      EXPECT_GT(padded.size(), size);
      EXPECT_LE(padded.size(), size + 16);
      ASSERT_TRUE(Unpad(&padded));
      EXPECT_EQ(padded.view(), text);
    }
  }
}

TEST(PaddingTest, RefusesWhatIsNotPadded) {
  for (const std::string& text :
       {std::string(), std::string(16, '\0'), std::string(16, 'v'), std::string("\x80"),
        "\x80" + std::string(31, '\0'), std::string(15, 'v') + "\x81"}) {
    SecretBytes padded = SecretBytes::CopyOf(text);
    EXPECT_FALSE(Unpad(&padded));
  }
}

TEST(ByteIoTest, IntegersAreBigEndianAndComeBack) {
  std::string bytes;
  AppendU16(0x0102, &bytes);
  AppendU32(0x03040506, &bytes);
  AppendU64(0x0708090a0b0c0d0e, &bytes);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e");
  std::string_view in = bytes;
  EXPECT_EQ(TakeU16(&in), 0x0102);
  EXPECT_EQ(TakeU32(&in), 0x03040506u);
  EXPECT_EQ(TakeU64(&in), 0x0708090a0b0c0d0eu);
  EXPECT_EQ(TakeU8(&in), std::nullopt);
  in = "abc";
  EXPECT_EQ(TakeU32(&in), std::nullopt);
  EXPECT_EQ(TakeBytes(4, &in), std::nullopt);
  EXPECT_EQ(TakeBytes(2, &in), "ab");
  EXPECT_EQ(in, "c");
}

TEST(MemberListTest, NoTwoListsAreAlike) {
  const std::set<std::string> lists = {
      std::string(MemberList("l").Add("ab").Add("c").view()),
      std::string(MemberList("l").Add("a").Add("bc").view()),
      std::string(MemberList("l").Add("abc").view()),
      std::string(MemberList("l").Add("abc").Add("").view()),
      std::string(MemberList("la").Add("bc").view()),
      std::string(MemberList("l").AddU32(1).view()),
      std::string(MemberList("l").AddU64(1).view()),
  };
  EXPECT_EQ(lists.size(), 7u);
}

}  // namespace
}  // namespace piivault::vault
