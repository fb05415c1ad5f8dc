// `piivault credential set|verify|revoke`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CredentialCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments, const std::string& input = "") {
    const std::vector<std::string> flags = vault_.Flags();
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    arguments.push_back("--config");
    arguments.push_back(vault_.folder().File("contexts.yaml"));
    return RunPiivault(arguments, input);
  }
  std::string Said() {
    const std::vector<std::string> said = vault_.said();
    return said.empty() ? "nothing" : said.back();
  }

  FakeVault vault_;
};

TEST_F(CredentialCommandsTest, TheValueComesFromStandardInput) {
  const CliResult result = Run({"credential", "set", "ref:member:17", "password", "--for", "M1",
                                "--channel", "web", "--request-id", "once"},
                               "canary-Passw0rd\n");
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_EQ(Said(), R"(SetCredentialRequest name: "tenants/default/records/ref:member:17" )"
                    R"(field: "password" value: "canary-Passw0rd" usage { purpose: "M1" } )"
                    R"(provenance { channel: "web" } request_id: "once")");
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("canary")));
  // There is no other way to give it.
  EXPECT_EQ(Run({"credential", "set", "ref:member:17", "password", "canary-Passw0rd"}).code,
            kExitUsage);
  EXPECT_NE(Run({"credential", "set", "ref:member:17", "password"}).code, kExitOk);
}

TEST_F(CredentialCommandsTest, AnEndIsToCome) {
  ASSERT_EQ(Run({"credential", "set", "ref:member:17", "cookie", "--expires", "720h"}, "c").code,
            kExitOk);
  EXPECT_THAT(Said(), HasSubstr("expire_time { seconds: 1902592000 }"));
  ASSERT_EQ(Run({"credential", "set", "ref:member:17", "cookie", "--expires", "30d"}, "c").code,
            kExitOk);
  EXPECT_THAT(Said(), HasSubstr("expire_time { seconds: 1902592000 }"));
  const CliResult result =
      Run({"credential", "set", "ref:member:17", "cookie", "--expires", "soon"}, "c");
  EXPECT_EQ(result.code, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("a duration from now on such as 90m or 2d"));
}

TEST_F(CredentialCommandsTest, VerifySaysSoByItsExitCodeToo) {
  CliResult result = Run({"credential", "verify", "ref:member:17", "password"}, "right");
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("verified"));
  result = Run({"credential", "verify", "ref:member:17", "password"}, "wrong");
  EXPECT_EQ(result.code, kExitDenied);
  EXPECT_THAT(result.out, HasSubstr("verified: no"));
}

TEST_F(CredentialCommandsTest, Revokes) {
  EXPECT_EQ(Run({"credential", "revoke", "ref:member:17", "password", "--for", "M1"}).code,
            kExitOk);
  EXPECT_EQ(Said(), R"(RevokeCredentialRequest name: "tenants/default/records/ref:member:17" )"
                    R"(field: "password" usage { purpose: "M1" })");
}

}  // namespace
}  // namespace piivault::ops
