#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_replace.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"
#include "tests/vault/sharing/export_testing.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using vault::ExportClaims;

class ShareInspectTest : public ::testing::Test {
 protected:
  static vault::SigningKeys Keys(uint8_t byte) {
    vault::ConstantRandom random(byte);
    return *vault::SigningKeys::Create({vault::NewSigningKey(random, absl::UnixEpoch())});
  }
  // In time at the clock that stands in these tests.
  static ExportClaims Claims() {
    ExportClaims claims = vault::TestClaims();
    claims.nbf = absl::FromUnixSeconds(1'900'000'000);
    claims.exp = claims.nbf + absl::Hours(1);
    claims.iat = claims.nbf;
    return claims;
  }
  std::string Token(const ExportClaims& claims = Claims()) const {
    return *SealExportToken(claims, *keys_.active(), claims.iss);
  }
  CliResult Inspect(const std::string& token, const std::string& input = "") const {
    return RunPiivault({"share", "inspect", "--key", key_file_, token}, input);
  }
  void ExpectNothingShown(const CliResult& result) const {
    EXPECT_EQ(result.code, kExitError);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("none of these keys has signed"));
    for (const char* claim : {"audit", "acme", "user.email", "eeqsc", "ijbee", "2030"}) {
      EXPECT_THAT(result.err, Not(HasSubstr(claim)));
    }
  }

  const ScratchFolder folder_;
  const vault::SigningKeys keys_ = Keys(7);
  const std::string pem_ = keys_.active()->public_key.ToPem();
  const std::string other_pem_ = Keys(8).active()->public_key.ToPem();
  const std::string key_file_ = folder_.Write("keys.pem", pem_);
};

TEST_F(ShareInspectTest, ShowsTheTagOfAGoodToken) {
  const CliResult result = Inspect(Token());
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_EQ(result.out,
            "signature: good, by key gyuu5yxotc4il3lflvxkfgghjy\n"
            "purpose: audit\n"
            "recipient: tenants/acme/recipients/auditor\n"
            "fields: user.email, user.name\n"
            "issued: 2030-03-17T17:46:40Z\n"
            "valid from: 2030-03-17T17:46:40Z\n"
            "valid until: 2030-03-17T18:46:40Z\n"
            "state: in time\n"
            "uses: 2\n"
            "token: ijbeeqscijbeeqscijbeeqscii\n"
            "vault: eeqscijbeeqscijbeeqscijbee\n");
}

TEST_F(ShareInspectTest, AsJson) {
  const CliResult result =
      RunPiivault({"--output", "json", "share", "inspect", "--key", key_file_, Token()});
  EXPECT_EQ(result.code, kExitOk);
  google::protobuf::Struct shown;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(result.out, &shown).ok()) << result.out;
  EXPECT_EQ(shown.fields().at("purpose").string_value(), "audit");
  EXPECT_EQ(shown.fields().at("fields").list_value().values_size(), 2);
  EXPECT_EQ(shown.fields().at("uses").number_value(), 2);
  EXPECT_FALSE(shown.fields().at("expired").bool_value());
  EXPECT_EQ(shown.fields().at("valid_until").string_value(), "2030-03-17T18:46:40Z");
}

TEST_F(ShareInspectTest, FromStandardInput) {
  for (const char* end : {"", "\n", "\r\n"}) {
    EXPECT_EQ(Inspect("-", Token() + end).code, kExitOk);
  }
  EXPECT_EQ(RunPiivault({"share", "inspect", "--key", key_file_}, Token()).code, kExitOk);
  ExpectNothingShown(Inspect("-", ""));
  ExpectNothingShown(Inspect("-", Token() + "\n\n"));
  ExpectNothingShown(Inspect("-", Token() + "\n" + Token()));
  ExpectNothingShown(Inspect("-", Token() + std::string(100'000, '\n')));
}

TEST_F(ShareInspectTest, SaysWhetherItHasExpired) {
  ExportClaims claims = Claims();
  claims.nbf -= absl::Hours(1);
  claims.exp -= absl::Hours(1);
  CliResult result = Inspect(Token(claims));
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("state: expired\n"));
  result = RunPiivault({"--output", "json", "share", "inspect", "--key", key_file_, Token(claims)});
  EXPECT_THAT(result.out, HasSubstr("\"expired\":true"));
  claims.exp += absl::Seconds(1);
  EXPECT_THAT(Inspect(Token(claims)).out, HasSubstr("state: in time\n"));
  claims = Claims();
  claims.nbf += absl::Seconds(1);
  EXPECT_THAT(Inspect(Token(claims)).out, HasSubstr("state: not valid yet\n"));
}

TEST_F(ShareInspectTest, ShowsNothingOfWhatNoKeyHasSigned) {
  // The claims of another token before the signature of this one.
  const std::string token = Token();
  ExportClaims claims = Claims();
  claims.uses = 3;
  const std::string other = Token(claims);
  const size_t signature = token.rfind('.') - 86;
  ExpectNothingShown(Inspect(other.substr(0, signature) + token.substr(signature)));
  ExpectNothingShown(Inspect(token.substr(0, token.size() - 1)));
  ExpectNothingShown(Inspect(token + "\n"));
  ExpectNothingShown(Inspect(" " + token));
  ExpectNothingShown(Inspect("v4.public.x.y"));
  ExpectNothingShown(Inspect(std::string(100'000, 'x')));
  ExpectNothingShown(
      RunPiivault({"share", "inspect", "--key", folder_.Write("other.pem", other_pem_), token}));
}

TEST_F(ShareInspectTest, TakesSeveralKeys) {
  for (const std::string& text :
       {pem_ + other_pem_, other_pem_ + pem_, "\n" + other_pem_ + "\n\n" + pem_ + "\n", pem_ + pem_,
        absl::StrReplaceAll(pem_ + other_pem_, {{"\n", "\r\n"}})}) {
    const CliResult result =
        RunPiivault({"share", "inspect", "--key", folder_.Write("several.pem", text), Token()});
    EXPECT_EQ(result.code, kExitOk) << result.err;
    EXPECT_THAT(result.out, HasSubstr("by key gyuu5yxotc4il3lflvxkfgghjy\n"));
  }
}

TEST_F(ShareInspectTest, RefusesOtherFilesOfKeys) {
  const std::string secret = absl::StrReplaceAll(pem_, {{"PUBLIC", "PRIVATE"}});
  for (const std::string& text :
       {std::string(), std::string("\n"), std::string("hello\n"), "# keys\n" + pem_,
        pem_ + "hello\n", pem_.substr(0, pem_.size() - 1), pem_ + secret, secret + pem_,
        absl::StrReplaceAll(pem_, {{"K2Vw", "K2Vu"}})}) {
    const CliResult result =
        RunPiivault({"share", "inspect", "--key", folder_.Write("bad.pem", text), Token()});
    EXPECT_EQ(result.code, kExitError) << text;
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("not a file of the vault's public keys"));
  }
  EXPECT_EQ(RunPiivault({"share", "inspect", "--key", folder_.File("none.pem"), Token()}).code,
            kExitNotFound);
  EXPECT_EQ(RunPiivault({"share", "inspect", "--key",
                         folder_.Write("large.pem", std::string(70'000, '\n') + pem_), Token()})
                .code,
            kExitError);
}

TEST_F(ShareInspectTest, NeedsAFileOfKeysAndNotTheCallersOwn) {
  const CliResult result = RunPiivault({"--key", key_file_, "share", "inspect", Token()});
  EXPECT_EQ(result.code, kExitUsage);
  EXPECT_EQ(RunPiivault({"share", "inspect", Token()}).code, kExitUsage);
  EXPECT_EQ(RunPiivault({"share"}).code, kExitUsage);
  EXPECT_THAT(RunPiivault({"share", "inspect", "--help"}).out,
              AllOf(HasSubstr("--key"), HasSubstr("TOKEN"), HasSubstr("only the vault knows")));
}

}  // namespace
}  // namespace piivault::ops
