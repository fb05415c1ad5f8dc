// `piivault share issue`, and what becomes of tokens until they are redeemed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class ShareTokenCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::vector<std::string> all = vault_.Flags();
    all.emplace_back("share");
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunPiivault(all, input);
  }
  CliResult Issue(const std::vector<std::string>& more, const std::string& input = "") {
    std::vector<std::string> all = {"issue", "--to",  "yamato",  "--rule",       "carrier",
                                    "--for", "order", "--field", "customer.name"};
    all.insert(all.end(), more.begin(), more.end());
    return Run(all, input);
  }
  // What the vault was asked last.
  std::string Heard() const {
    const std::vector<std::string> said = vault_.said();
    return said.empty() ? "nothing" : said.back();
  }

  FakeVault vault_;
};

TEST_F(ShareTokenCommandsTest, IssuesWithAllThatARequestHas) {
  const std::string line =
      "issue --to yamato --rule carrier --for order --ticket T-1 --argument option=O-1 --role shop "
      "--field customer.name,customer.phone --field account.id --subject p1 "
      "--subject tenants/t7/subjects/p2/records/r1 --assert case=C-1 --requested a.b,c.d "
      "--lifetime 90m --uses 3 --not-before 1h --request-id once --for-notice n1 "
      "--for-notice tenants/t7/correctionNotices/n2";
  const CliResult result = Run(absl::StrSplit(line, ' '));
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_EQ(Heard(),
            "IssueExportTokenRequest parent: \"tenants/default\" "
            "recipient: \"tenants/default/recipients/yamato\" rule: \"carrier\" "
            "usage { purpose: \"order\" ticket: \"T-1\" "
            "arguments { key: \"option\" value: \"O-1\" } role: \"shop\" } "
            "fields: \"customer.name\" fields: \"customer.phone\" fields: \"account.id\" "
            "subjects: \"tenants/default/subjects/p1\" "
            "subjects: \"tenants/t7/subjects/p2/records/r1\" "
            "assertions { key: \"case\" value: \"C-1\" } requested: \"a.b\" requested: \"c.d\" "
            "lifetime_seconds: 5400 uses: 3 not_before { seconds: 1900003600 } "
            "request_id: \"once\" notices: \"tenants/default/correctionNotices/n1\" "
            "notices: \"tenants/t7/correctionNotices/n2\"");
  EXPECT_THAT(result.out, AllOf(HasSubstr("token: v4.public.claims.footer\n"),
                                HasSubstr("exportTokens/e1"), HasSubstr("state: active")));
  EXPECT_THAT(result.err, HasSubstr("warning: BASIS_PUBLISHED_PURPOSE"));
}

TEST_F(ShareTokenCommandsTest, LeavesToTheVaultWhatIsNotGiven) {
  EXPECT_EQ(Issue({"--subject", "p1"}).code, kExitOk);
  EXPECT_EQ(Heard(),
            "IssueExportTokenRequest parent: \"tenants/default\" "
            "recipient: \"tenants/default/recipients/yamato\" rule: \"carrier\" "
            "usage { purpose: \"order\" } fields: \"customer.name\" "
            "subjects: \"tenants/default/subjects/p1\"");
}

TEST_F(ShareTokenCommandsTest, TakesPeopleFromAFileOrStandardInput) {
  const std::string file = vault_.folder().Write("people.txt", "p1\r\n\ntenants/t7/subjects/p2\n");
  for (const CliResult& result :
       {Issue({"--subject", "p0", "--subjects-from", file}),
        Issue({"--subject", "p0", "--subjects-from", "-"}, "p1\n\ntenants/t7/subjects/p2")}) {
    EXPECT_EQ(result.code, kExitOk) << result.err;
    EXPECT_THAT(Heard(), HasSubstr("subjects: \"tenants/default/subjects/p0\" "
                                   "subjects: \"tenants/default/subjects/p1\" "
                                   "subjects: \"tenants/t7/subjects/p2\""));
  }
  const size_t heard = vault_.said().size();
  EXPECT_EQ(Issue({"--subjects-from", vault_.folder().File("none.txt")}).code, kExitNotFound);
  EXPECT_EQ(vault_.said().size(), heard);
}

TEST_F(ShareTokenCommandsTest, PrintsTheTokenAlone) {
  const CliResult result = Issue({"--subject", "p1", "-q"});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_EQ(result.out, "v4.public.claims.footer\n");
  EXPECT_THAT(result.err, HasSubstr("BASIS_PUBLISHED_PURPOSE"));
  EXPECT_EQ(Run({"show", "e1", "-q"}).out, "v4.public.claims.footer\n");
  EXPECT_EQ(Heard(), "GetExportTokenRequest name: \"tenants/default/exportTokens/e1\" usage { }");
}

TEST_F(ShareTokenCommandsTest, SaysHowManyWereLeftOut) {
  const std::vector<std::string> people = {"--subject", "p1", "--subject", "denied"};
  EXPECT_EQ(Issue(people).code, kExitDenied);
  std::vector<std::string> skipping = people;
  skipping.emplace_back("--skip-denied");
  const CliResult result = Issue(skipping);
  EXPECT_EQ(result.code, kExitPartial);
  EXPECT_THAT(result.err, HasSubstr("1 people were left out"));
}

TEST_F(ShareTokenCommandsTest, SaysWhoHasToDoWhatWhereItWaits) {
  vault_.sharing().Wait();
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--subject", "p1"}, {"--subject", "p1", "-q"}}) {
    const CliResult result = Issue(more);
    EXPECT_EQ(result.code, kExitPartial);
    EXPECT_THAT(result.out, Not(HasSubstr("v4.public")));
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("waits for 2 approvals"),
                      HasSubstr("piivault share approve tenants/default/exportTokens/e1"
                                " --sha256 abc123 --for PURPOSE"),
                      HasSubstr("piivault share show tenants/default/exportTokens/e1")));
  }
  const CliResult shown = Run({"show", "e1", "-q"});
  EXPECT_EQ(shown.code, kExitPartial);
  EXPECT_THAT(shown.out, IsEmpty());
}

TEST_F(ShareTokenCommandsTest, NeedsWhatNoTokenIsWithout) {
  EXPECT_EQ(Run({"issue", "--rule", "r", "--for", "p", "--field", "a.b"}).code, kExitUsage);
  EXPECT_EQ(Run({"issue", "--to", "y", "--for", "p", "--field", "a.b"}).code, kExitUsage);
  EXPECT_EQ(Run({"issue", "--to", "y", "--rule", "r", "--field", "a.b"}).code, kExitUsage);
  EXPECT_EQ(Run({"issue", "--to", "y", "--rule", "r", "--for", "p"}).code, kExitUsage);
  EXPECT_EQ(Issue({"--subject", "p", "--on-behalf-of", "tenants/t/subjects/s"}).code, kExitUsage);
  EXPECT_EQ(Issue({"--subject", "p", "--lifetime", "soon"}).code, kExitUsage);
  EXPECT_EQ(Issue({"--subject", "p", "--lifetime", "0s"}).code, kExitUsage);
  EXPECT_EQ(Issue({"--subject", "p", "--lifetime", "24h1s"}).code, kExitUsage);
  EXPECT_EQ(Issue({"--subject", "p", "--uses", "0"}).code, kExitUsage);
  const CliResult nobody = Issue({});
  EXPECT_EQ(nobody.code, kExitUsage);
  EXPECT_THAT(nobody.err, AllOf(HasSubstr("--subject"), HasSubstr("--subjects-from")));
  EXPECT_EQ(Issue({"--subjects-from", "-"}, "\n").code, kExitError);
  EXPECT_EQ(Issue({"--subject", "p", "--assert", "case"}).code, kExitError);
  EXPECT_THAT(vault_.said(), IsEmpty());
}

TEST_F(ShareTokenCommandsTest, Approves) {
  vault_.sharing().Wait();
  const CliResult by_hash =
      Run({"approve", "e1", "--sha256", "def456", "--for", "review", "--ticket", "T-1"});
  EXPECT_EQ(by_hash.code, kExitOk);
  EXPECT_EQ(vault_.said().size(), 1u);
  EXPECT_EQ(Heard(),
            "ApproveExportTokenRequest name: \"tenants/default/exportTokens/e1\" "
            "sha256: \"def456\" usage { purpose: \"review\" ticket: \"T-1\" }");
  EXPECT_EQ(Run({"approve", "e1", "--yes", "--for", "review"}).code, kExitOk);
  EXPECT_THAT(Heard(), HasSubstr("sha256: \"abc123\" usage { purpose: \"review\" }"));
  EXPECT_EQ(vault_.said()[1],
            "GetExportTokenRequest name: \"tenants/default/exportTokens/e1\" "
            "usage { purpose: \"review\" }");
}

TEST_F(ShareTokenCommandsTest, ApprovesWhatWasSeenAndOnlyOnYes) {
  vault_.sharing().Wait();
  for (const char* answer : {"no\n", "", "Yes\n", "yes please\n"}) {
    const CliResult result = Run({"approve", "e1"}, answer);
    EXPECT_EQ(result.code, kExitError);
    EXPECT_THAT(result.err, AllOf(HasSubstr("sha256: abc123"), HasSubstr("subjects/p1"),
                                  HasSubstr("and others, 10 in all")));
    EXPECT_THAT(Heard(), StartsWith("GetExportTokenRequest"));
  }
  EXPECT_EQ(Run({"approve", "e1"}, "yes\n").code, kExitOk);
  EXPECT_THAT(Heard(), AllOf(StartsWith("ApproveExportTokenRequest"), HasSubstr("abc123")));
}

TEST_F(ShareTokenCommandsTest, RejectsAndRevokes) {
  EXPECT_EQ(Run({"reject", "e1", "--for", "review"}).code, kExitOk);
  EXPECT_EQ(Heard(),
            "RejectExportTokenRequest name: \"tenants/default/exportTokens/e1\" "
            "usage { purpose: \"review\" }");
  EXPECT_EQ(Run({"revoke", "e1"}).code, kExitOk);
  EXPECT_EQ(Heard(),
            "RevokeExportTokensRequest parent: \"tenants/default\" "
            "token: \"tenants/default/exportTokens/e1\"");
  const CliResult result = Run({"revoke", "--recipient", "yamato", "--rule", "carrier", "--for",
                                "order", "--issuer", "shop"});
  EXPECT_THAT(result.out, HasSubstr("revoked: 3"));
  EXPECT_EQ(Heard(),
            "RevokeExportTokensRequest parent: \"tenants/default\" "
            "recipient: \"tenants/default/recipients/yamato\" rule: \"carrier\" "
            "purpose: \"order\" issuer: \"principals/shop\"");
}

TEST_F(ShareTokenCommandsTest, RevokesWhatIsNamedAndSaysWhereThatIsNothing) {
  const CliResult any = Run({"revoke"});
  EXPECT_EQ(any.code, kExitUsage);
  EXPECT_THAT(any.err, AllOf(HasSubstr("NAME"), HasSubstr("--recipient"), HasSubstr("--issuer")));
  EXPECT_THAT(vault_.said(), IsEmpty());
  vault_.sharing().BeNew();
  const CliResult none = Run({"revoke", "--recipient", "yamato"});
  EXPECT_EQ(none.code, kExitOk);
  EXPECT_EQ(none.out, "revoked: 0\n");
}

TEST_F(ShareTokenCommandsTest, Lists) {
  const CliResult result = Run({"list", "--recipient", "yamato", "--state", "active"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("exportTokens/e1"), HasSubstr("TAKEN")));
  EXPECT_EQ(Heard(),
            "ListExportTokensRequest parent: \"tenants/default\" "
            "recipient: \"tenants/default/recipients/yamato\" state: EXPORT_TOKEN_STATE_ACTIVE "
            "page_size: 1000");
  EXPECT_EQ(Run({"list"}).code, kExitOk);
  EXPECT_EQ(Heard(), "ListExportTokensRequest parent: \"tenants/default\" page_size: 1000");
}

TEST_F(ShareTokenCommandsTest, PrintsKeysOneAfterTheOther) {
  const CliResult result = Run({"keys"});
  EXPECT_EQ(result.out, "-----BEGIN PUBLIC KEY-----\nnew\n-----BEGIN PUBLIC KEY-----\nold\n");
  EXPECT_EQ(vault_.said().size(), 1u);
  const CliResult rotated = Run({"keys", "--rotate"});
  EXPECT_EQ(rotated.out, result.out);
  EXPECT_THAT(rotated.err, HasSubstr("new key thenewone"));
  EXPECT_THAT(vault_.said()[1], StartsWith("RotateSigningKeyRequest"));
}

TEST_F(ShareTokenCommandsTest, SaysWhereThereIsNoKeyYet) {
  vault_.sharing().BeNew();
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"keys"}, {"--output", "json", "keys"}}) {
    const CliResult result = Run(more);
    EXPECT_EQ(result.code, kExitNotFound);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, HasSubstr("share keys --rotate"));
  }
}

}  // namespace
}  // namespace piivault::ops
