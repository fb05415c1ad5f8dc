// `piivault share redeem` and `share enrol`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "ops/cli/exit_code.h"
#include "ops/cli/redemption.h"
#include "ops/pki/files.h"
#include "tests/fakes/test_pki.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ShareRedeemCommandsTest : public ::testing::Test {
 protected:
  CliResult Redeem(const std::vector<std::string>& more, const std::string& input = "") {
    std::vector<std::string> all = vault_.Flags();
    all.insert(all.end(), {"share", "redeem"});
    all.insert(all.end(), more.begin(), more.end());
    return RunPiivault(all, input);
  }
  std::string File(const std::string& name) const { return folder_.File(name); }
  // The people of JSON lines, in order.
  static std::vector<std::string> Handles(const std::string& lines) {
    std::vector<std::string> handles;
    for (const auto line : absl::StrSplit(lines, '\n')) {
      const std::vector<std::string> parts = absl::StrSplit(line, "{\"subject\":{\"handle\":\"");
      if (parts.size() == 2) handles.push_back(parts[1].substr(0, parts[1].find('"')));
    }
    return handles;
  }
  size_t Calls() const { return vault_.said().size(); }

  const std::vector<std::string> all_ = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8"};
  const ScratchFolder folder_;
  FakeVault vault_;
};

TEST_F(ShareRedeemCommandsTest, WritesJsonLines) {
  const CliResult result = Redeem({FakeSharing::kToken, "--out", File("out")});
  // The last person is left out.
  EXPECT_EQ(result.code, kExitPartial) << result.err;
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(result.err, "9 people, 1 left out\n");
  const std::string lines = folder_.Read("out");
  EXPECT_EQ(Handles(lines), all_);
  EXPECT_THAT(lines, testing::StartsWith("{\"tag\":{\"purpose\":\"order\""));
  EXPECT_THAT(lines, testing::EndsWith("{\"complete\":true,\"given\":9,\"omitted\":1}\n"));
  EXPECT_THAT(lines, HasSubstr("Hanako \\\"0\\\""));
}

TEST_F(ShareRedeemCommandsTest, ShowsPeopleOnATerminalWithoutHarm) {
  const CliResult result = Redeem({FakeSharing::kToken});
  EXPECT_THAT(result.out, AllOf(HasSubstr("terms: PURPOSE_ONLY\n"), HasSubstr("\nh0\n"),
                                HasSubstr("    name: \\u{1b}[31mHanako \"8\"\n")));
  EXPECT_THAT(result.err, Not(HasSubstr("Hanako")));
}

TEST_F(ShareRedeemCommandsTest, TakesTheSameUseAgainForTheSameToken) {
  EXPECT_EQ(Redeem({"-"}, std::string(FakeSharing::kToken) + "\n").code, kExitPartial);
  EXPECT_EQ(Redeem({FakeSharing::kToken}).code, kExitPartial);
  const std::string file = folder_.Write("t", std::string(FakeSharing::kToken) + "\r\n");
  EXPECT_EQ(Redeem({"@" + file}).code, kExitPartial);
  EXPECT_EQ(Redeem({"@" + File("none")}).code, kExitNotFound);
  ASSERT_EQ(Calls(), 3u);
  EXPECT_EQ(vault_.said()[0], vault_.said()[1]);
  EXPECT_EQ(vault_.said()[0], vault_.said()[2]);
  EXPECT_THAT(vault_.said()[0], HasSubstr("request_id: \"cli-"));
  EXPECT_NE(RequestIdOf("one"), RequestIdOf("another"));
  EXPECT_LE(RequestIdOf("one").size(), 64u);
  Redeem({FakeSharing::kToken, "--request-id", "second"});
  EXPECT_THAT(vault_.said().back(), HasSubstr("request_id: \"second\""));
}

TEST_F(ShareRedeemCommandsTest, TheFileIsPrivateAndNeverOverwritten) {
  const mode_t before = umask(0);
  EXPECT_EQ(Redeem({FakeSharing::kToken, "--out", File("out")}).code, kExitPartial);
  umask(before);
  struct stat made {};
  ASSERT_EQ(stat(File("out").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 07777, 0600u);
  const size_t calls = Calls();
  // Nothing is asked of the vault: no use is taken for what could not be kept.
  folder_.Write("mine", "mine");
  std::filesystem::create_symlink(File("nowhere"), File("link"));
  for (const char* name : {"out", "mine", "link", "no/such/folder"}) {
    EXPECT_NE(Redeem({FakeSharing::kToken, "--out", File(name)}).code, kExitPartial) << name;
  }
  EXPECT_EQ(Calls(), calls);
  EXPECT_EQ(folder_.Read("mine"), "mine");
  EXPECT_FALSE(std::filesystem::exists(File("nowhere")));
}

TEST_F(ShareRedeemCommandsTest, LeavesNoFileWhereItFails) {
  EXPECT_EQ(Redeem({"another", "--out", File("out")}).code, kExitDenied);
  vault_.sharing().BreakRedemptions(
      1, 2, Refusal(grpc::StatusCode::FAILED_PRECONDITION, "TOKEN_REVOKED"));
  const CliResult result = Redeem({FakeSharing::kToken, "--out", File("out")});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, AllOf(HasSubstr("TOKEN_REVOKED"), HasSubstr("takes the same use up"),
                                Not(HasSubstr("Hanako"))));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.File(".")));
}

TEST_F(ShareRedeemCommandsTest, GoesOnBehindWhatCameWhereTheConnectionBreaks) {
  vault_.sharing().BreakRedemptions(3, 1, {grpc::StatusCode::UNAVAILABLE, "Socket closed"});
  const CliResult result = Redeem({FakeSharing::kToken, "--out", File("out")});
  EXPECT_EQ(result.code, kExitPartial) << result.err;
  EXPECT_EQ(result.err, "9 people, 1 left out; taken up again 3 times\n");
  EXPECT_EQ(Handles(folder_.Read("out")), all_);
  ASSERT_EQ(Calls(), 4u);
  EXPECT_THAT(vault_.said()[1], HasSubstr("resume_from: 2"));
  EXPECT_THAT(vault_.said()[3], HasSubstr("resume_from: 6"));
  // What it is for, once.
  EXPECT_EQ(folder_.Read("out").find("\"tag\""), folder_.Read("out").rfind("\"tag\""));
}

TEST_F(ShareRedeemCommandsTest, IsAnErrorAtOnceWhereNothingCame) {
  vault_.sharing().BreakRedemptions(1, 0, {grpc::StatusCode::UNAVAILABLE, "down"});
  EXPECT_EQ(Redeem({FakeSharing::kToken}).code, kExitUnavailable);
  EXPECT_EQ(Calls(), 1u);
}

TEST_F(ShareRedeemCommandsTest, AnAnswerThatEndsTooEarlyIsNone) {
  vault_.sharing().BreakRedemptions(1, 2, grpc::Status::OK);
  const CliResult result = Redeem({FakeSharing::kToken, "--out", File("out")});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("before it was complete"));
  EXPECT_FALSE(std::filesystem::exists(File("out")));
}

TEST_F(ShareRedeemCommandsTest, GivesUpAfterSoManyCallsThatBringNothing) {
  Profile profile;
  profile.address = vault_.address();
  profile.ca = vault_.folder().File("ca.crt");
  profile.certificate = vault_.folder().File("x.crt");
  profile.key = vault_.folder().File("x.key");
  auto vault = Connection::Open(profile, absl::Seconds(10));
  ASSERT_TRUE(vault.ok()) << vault.status();
  const RedemptionOptions options{.attempts = 3, .pause = absl::ZeroDuration()};
  int messages = 0;
  const auto redeem = [&](const absl::Status& kept) {
    return ops::Redeem(**vault, FakeSharing::kToken, "x", options, [&](const auto&) {
      // One message comes, and nothing after it.
      vault_.sharing().BreakRedemptions(100, 0, {grpc::StatusCode::UNAVAILABLE, "down"});
      ++messages;
      return kept;
    });
  };
  vault_.sharing().BreakRedemptions(1, 1, {grpc::StatusCode::UNAVAILABLE, "down"});
  EXPECT_EQ(redeem(absl::OkStatus()).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(messages, 1);
  EXPECT_EQ(Calls(), 4u);
  // What takes the data has failed: another call would not help.
  vault_.sharing().BreakRedemptions(0, 0, grpc::Status::OK);
  EXPECT_EQ(redeem(absl::ResourceExhaustedError("disk full")).status().message(), "disk full");
  EXPECT_EQ(Calls(), 5u);
}

TEST_F(ShareRedeemCommandsTest, EnrolsACertificate) {
  fakes::TestAuthority partners;
  const fakes::TestCertificate next = partners.IssueForUri("spiffe://partners.example/new");
  const fakes::TestCertificate other = partners.IssueForUri("spiffe://partners.example/other");
  const auto enrol = [&](const std::string& pem, const std::string& key) {
    std::vector<std::string> all = vault_.Flags();
    all.insert(all.end(), {"share", "enrol", folder_.Write("new.pem", pem), "--new-key",
                           folder_.Write("new.key", key)});
    return RunPiivault(all);
  };
  const CliResult result = enrol(next.certificate_pem, next.key_pem);
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("identity: spiffe://partners.example/new"));
  EXPECT_THAT(vault_.said().back(), HasSubstr("certificate_chain_pem: \"-----BEGIN CERTIFICATE"));
  EXPECT_THAT(vault_.said().back(), HasSubstr(" proof: \""));
  const size_t calls = vault_.said().size();
  EXPECT_THAT(enrol(next.certificate_pem, other.key_pem).err,
              HasSubstr("new.key is not the key of the certificate in"));
  EXPECT_THAT(enrol(next.certificate_pem, "nothing").err, HasSubstr("not a private key in PEM"));
  EXPECT_THAT(enrol("nothing", next.key_pem).err, HasSubstr("not a PEM text of certificates"));
  EXPECT_EQ(vault_.said().size(), calls);
}

TEST(NewFileTest, IsThereOnceFinishedAndNotBefore) {
  const ScratchFolder folder;
  {
    auto file = NewFile::Create(folder.File("a"));
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE(file->Append("one").ok());
    EXPECT_TRUE(std::filesystem::is_empty(folder.File(".")));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.File(".")));
  auto file = NewFile::Create(folder.File("a"));
  auto other = NewFile::Create(folder.File("a"));
  ASSERT_TRUE(file.ok() && other.ok());
  EXPECT_TRUE(file->Append("one").ok());
  EXPECT_TRUE(file->Append("two").ok());
  EXPECT_TRUE(file->Finish().ok());
  EXPECT_EQ(folder.Read("a"), "onetwo");
  // Whoever is later does not replace it.
  EXPECT_TRUE(other->Append("three").ok());
  EXPECT_EQ(other->Finish().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(folder.Read("a"), "onetwo");
}

}  // namespace
}  // namespace piivault::ops
