// Commands about changes of the policy and break-glass roles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class GovernanceCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments) {
    std::vector<std::string> all = vault_.Flags();
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunPiivault(all);
  }
  std::string Asked() { return vault_.administered().empty() ? "" : vault_.administered().back(); }

  FakeVault vault_;
};

TEST_F(GovernanceCommandsTest, ActivateSaysWhatIsSaidOfTheChange) {
  const CliResult result = Run(
      {"policy", "activate", std::string(64, 'a'), "--reason", "more mail", "--notice-time",
       "2025-04-01", "--notice-where", "https://example.jp", "--notice-sha256",
       std::string(64, 'c'), "--content", "reason=a new service", "--content", "diff=chapter = 4"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(Asked(),
              AllOf(HasSubstr("published_time { seconds: 1743465600 }"),
                    HasSubstr("where: \"https://example.jp\""), HasSubstr("document_sha256: \"ccc"),
                    HasSubstr("content { kind: \"reason\" text: \"a new service\" }"),
                    HasSubstr("content { kind: \"diff\" text: \"chapter = 4\" }")));
  EXPECT_THAT(Run({"policy", "activate", std::string(64, 'a'), "--reason", "x"}).out,
              AllOf(HasSubstr("reason: x\n"), Not(HasSubstr("change:"))));
  EXPECT_EQ(
      Run({"policy", "activate", std::string(64, 'a'), "--reason", "x", "--content", "reason"})
          .code,
      kExitError);
}

TEST_F(GovernanceCommandsTest, HistoryIsATable) {
  const CliResult result = Run({"policy", "history", "t7"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(Asked(), HasSubstr("tenant: \"tenants/t7\""));
  EXPECT_THAT(result.out, AllOf(HasSubstr("principals/suzuki"), HasSubstr("2023-11-14T22:13:20Z"),
                                HasSubstr("2020-09-13T12:26:40Z")));
  Run({"policy", "history"});
  EXPECT_THAT(Asked(), HasSubstr("tenant: \"tenants/default\""));
}

TEST_F(GovernanceCommandsTest, ChangelogIsTextOrMarkdown) {
  CliResult result = Run({"policy", "changelog"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("2  combzmail  from 2023-11-14T22:13:20Z  in force"),
                    HasSubstr("why: more mail"), HasSubstr("reason: a *new*\n"),
                    HasSubstr("1  combzmail  from 2020-09-13T12:26:40Z  to 2023-11-14T22:13:20Z"),
                    Not(HasSubstr("\x1b"))));
  result = Run({"policy", "changelog", "--markdown"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("# Changes of the policy\n"), HasSubstr("\n## 2. combzmail, from "),
                    HasSubstr("- Policy: `bbb"), HasSubstr("example\\.jp/\\_privacy\\_"),
                    HasSubstr("a \\*new\\*"), HasSubstr("\\<b\\>"), Not(HasSubstr("<b>")),
                    Not(HasSubstr("\x1b"))));
  EXPECT_THAT(Run({"--output", "json", "policy", "changelog"}).out, HasSubstr("\"activations\""));
}

TEST_F(GovernanceCommandsTest, WhoApprovesIsShownWhatIsSaidOfTheChange) {
  vault_.KnowPolicies({{std::string(64, 'a'), "policy: a\n"}});
  const CliResult result = Run({"approvals", "show", "activate"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("the top page"), HasSubstr("a new"), HasSubstr("service"),
                                HasSubstr("2027-01-15T08:00:00Z")));
}

TEST_F(GovernanceCommandsTest, BreakGlassStart) {
  const CliResult result = Run({"break-glass", "start", "rescuer", "--reason",
                                "the gateway is down", "--ticket", "INC-7", "--for", "90m"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(Asked(),
              AllOf(HasSubstr("tenant: \"tenants/default\""), HasSubstr("role: \"rescuer\""),
                    HasSubstr("ticket: \"INC-7\""), HasSubstr("seconds: 5400")));
  EXPECT_THAT(result.out, HasSubstr("breakGlassUses/u1"));
  for (const char* length : {"0s", "x", "-1m", "25h"}) {
    EXPECT_EQ(Run({"break-glass", "start", "rescuer", "--reason", "x", "--for", length}).code,
              kExitUsage)
        << length;
  }
  EXPECT_EQ(Run({"break-glass", "start", "rescuer"}).code, kExitUsage);
  EXPECT_THAT(vault_.administered(), SizeIs(1));
}

TEST_F(GovernanceCommandsTest, BreakGlassReviewSaysWhetherItWasRight) {
  EXPECT_EQ(Run({"break-glass", "review", "u1", "--findings", "nothing wrong"}).code, kExitUsage);
  EXPECT_EQ(Run({"break-glass", "review", "u1", "--findings", "nothing wrong", "--justified",
                 "--unjustified"})
                .code,
            kExitUsage);
  EXPECT_THAT(vault_.administered(), IsEmpty());
  ASSERT_EQ(Run({"break-glass", "review", "u1", "--findings", "nothing wrong", "--justified"}).code,
            kExitOk);
  EXPECT_THAT(Asked(),
              AllOf(HasSubstr("name: \"breakGlassUses/u1\""), HasSubstr("justified: true")));
  ASSERT_EQ(Run({"break-glass", "review", "u1", "--findings", "for fun", "--unjustified"}).code,
            kExitOk);
  EXPECT_THAT(Asked(), Not(HasSubstr("justified")));
}

TEST_F(GovernanceCommandsTest, BreakGlassList) {
  const CliResult result =
      Run({"break-glass", "list", "--state", "unreviewed", "--principal", "cho"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(Asked(), AllOf(HasSubstr("tenants/default"), HasSubstr("STATE_UNREVIEWED"),
                             HasSubstr("principals/cho")));
  EXPECT_THAT(result.out, AllOf(HasSubstr("breakGlassUses/u1"), HasSubstr("unreviewed")));
  Run({"break-glass", "list", "--all-tenants"});
  EXPECT_THAT(Asked(), Not(HasSubstr("tenants/")));
}

}  // namespace
}  // namespace piivault::ops
