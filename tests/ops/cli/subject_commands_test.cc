// `piivault subject consent|stop|resume|unsubscribe`, and what every use states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/cli/digest.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SubjectCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments) {
    const std::vector<std::string> flags = vault_.Flags();
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    arguments.push_back("--config");
    arguments.push_back(vault_.folder().File("contexts.yaml"));
    return RunPiivault(arguments);
  }
  // What the vault was asked by a command that succeeded.
  std::string Asked(std::vector<std::string> arguments) {
    const CliResult result = Run(std::move(arguments));
    EXPECT_EQ(result.code, kExitOk) << result.err;
    const std::vector<std::string> said = vault_.said();
    return said.empty() ? "nothing" : said.back();
  }

  FakeVault vault_;
};

TEST_F(SubjectCommandsTest, RecordsAConsent) {
  EXPECT_EQ(
      Asked({"subject", "consent", "record", "s1", "--consent", "link", "--wording", "2025-04",
             "--about", "other", "--fields", "ext.id,dev.*", "--channel", "web", "--basis", "b",
             "--request-id", "once"}),
      R"(RecordConsentRequest parent: "tenants/default" subject: "tenants/default/subjects/s1" )"
      R"(consent { consent: "link" purpose: "other" fields: "ext.id" fields: "dev.*" )"
      R"(wording: "2025-04" channel: "web" basis: "b" } usage { } request_id: "once")");
  EXPECT_THAT(Run({"subject", "consent", "record", "--consent", "link", "--wording", "w"}).out,
              HasSubstr("subject: tenants/default/subjects/new"));
  EXPECT_EQ(Run({"subject", "consent", "record", "s1", "--consent", "link"}).code, kExitUsage);
}

TEST_F(SubjectCommandsTest, OfAGuardiansDocumentOnlyTheDigestIsSent) {
  const std::string file = vault_.folder().Write("proof", "signed by the mother");
  EXPECT_THAT(Asked({"subject", "consent", "record", "s1", "--consent", "young", "--wording", "w",
                     "--guardian", "mother", "--guardian-document", file}),
              HasSubstr(R"(guardian { relation: "mother" document_sha256: ")" +
                        Sha256Hex("signed by the mother") + "\" }"));
  EXPECT_EQ(Run({"subject", "consent", "record", "s1", "--consent", "young", "--wording", "w",
                 "--guardian", "mother"})
                .code,
            kExitUsage);
}

TEST_F(SubjectCommandsTest, WithdrawsOneOrAKind) {
  EXPECT_EQ(Asked({"subject", "consent", "withdraw", "s1", "--id", "c1"}),
            R"(WithdrawConsentRequest subject: "tenants/default/subjects/s1" id: "c1" usage { })");
  EXPECT_THAT(Asked({"subject", "consent", "withdraw", "s1", "--consent", "other-purpose",
                     "--about", "other"}),
              HasSubstr(R"(consent: "other-purpose" purpose: "other")"));
  EXPECT_EQ(Run({"subject", "consent", "withdraw", "s1", "--id", "c1", "--consent", "x"}).code,
            kExitUsage);
}

TEST_F(SubjectCommandsTest, ListsWhatWasSaid) {
  const CliResult result = Run({"subject", "consent", "list", "s1"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("young"));
  EXPECT_THAT(result.out, HasSubstr("mother"));
  EXPECT_EQ(result.err, "log entry 0/0/42\n");
}

TEST_F(SubjectCommandsTest, StopsAndResumesUse) {
  EXPECT_EQ(Asked({"subject", "stop", "s1", "--fields", "reader.*", "--about", "mailing", "--for",
                   "rights", "--ticket", "T-1"}),
            R"(StopUseRequest subject: "tenants/default/subjects/s1" )"
            R"(stop { fields: "reader.*" purpose: "mailing" } )"
            R"(usage { purpose: "rights" ticket: "T-1" })");
  EXPECT_EQ(Asked({"subject", "stop", "s1"}),
            R"(StopUseRequest subject: "tenants/default/subjects/s1" stop { } usage { })");
  EXPECT_THAT(Asked({"subject", "resume", "s1", "--fields", "reader.*", "--on-behalf-of",
                     "tenants/default/subjects/s1"}),
              HasSubstr(R"(on_behalf_of: "tenants/default/subjects/s1")"));
}

TEST_F(SubjectCommandsTest, UnsubscribesARecordOrAToken) {
  EXPECT_EQ(Asked({"subject", "unsubscribe", "ref:reader:17"}),
            R"(UnsubscribeRequest name: "tenants/default/records/ref:reader:17" usage { })");
  EXPECT_EQ(
      Asked({"subject", "unsubscribe", "tok_abc", "--again"}),
      R"(UnsubscribeRequest token: "tok_abc" parent: "tenants/default" usage { } resume: true)");
}

TEST_F(SubjectCommandsTest, StatesWhatTheUseAsksFor) {
  const std::string asked =
      Asked({"subject", "stop", "s1", "--argument", "option_id=O-17", "--argument", "parent=a=b",
             "--on-behalf-of", "tenants/default/subjects/s2", "--role", "desk"});
  EXPECT_THAT(asked, HasSubstr(R"(arguments { key: "option_id" value: "O-17" })"));
  EXPECT_THAT(asked, HasSubstr(R"(arguments { key: "parent" value: "a=b" })"));
  EXPECT_THAT(asked, HasSubstr(R"(on_behalf_of: "tenants/default/subjects/s2" role: "desk")"));
  for (const char* wrong : {"option_id", "=O-17"}) {
    EXPECT_EQ(Run({"subject", "stop", "s1", "--argument", wrong}).code, kExitUsage) << wrong;
  }
  EXPECT_EQ(Run({"record", "search", "--type", "reader", "email", "x", "--argument", "x"}).code,
            kExitUsage);
}

}  // namespace
}  // namespace piivault::ops
