#include "ops/cli/cli.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "ops/cli/exit_code.h"
#include "tests/fakes/test_pki.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class CliTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments, const std::string& input = "") {
    const std::vector<std::string> flags = vault_.Flags();
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    arguments.push_back("--config");
    arguments.push_back(vault_.folder().File("contexts.yaml"));
    return RunPiivault(arguments, input);
  }

  FakeVault vault_;
};

TEST_F(CliTest, ShowsAnswersAndReceipts) {
  const CliResult result = Run({"status"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("version: 9.9"));
  EXPECT_THAT(result.err, HasSubstr("log entry 0/1/42"));
}

TEST_F(CliTest, NamesTheCommandThatThereIsNot) {
  EXPECT_THAT(Run({"foo", "--for", "x"}).err, HasSubstr("no command `piivault foo`\n"));
  const CliResult result = Run({"share", "foo", "bar"});
  EXPECT_EQ(result.code, kExitUsage);
  EXPECT_THAT(result.err, HasSubstr("no command `piivault share foo`\n"));
  EXPECT_THAT(Run({"share", "recipient", "\x1b[2J"}).err,
              HasSubstr("no command `piivault share recipient \\u{1b}[2J`\n"));
  EXPECT_THAT(Run({"share"}).err, HasSubstr("A subcommand is required"));
  // What is missing here is something else.
  EXPECT_THAT(Run({"share", "issue", "foo"}).err, Not(HasSubstr("no command")));
}

TEST_F(CliTest, AKeyThatIsNotTheCertificatesIsNamedBeforeAnythingIsSent) {
  const ScratchFolder folder;
  const std::string other = folder.Write(
      "other.key", fakes::TestAuthority().IssueForUri("spiffe://vault.example/x").key_pem);
  const CliResult result = Run({"status", "--key", other, "--address", "127.0.0.1:1"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, ContainsRegex("other.key is not the key of the certificate in .*x.crt"));
  EXPECT_THAT(Run({"status", "--key", folder.Write("empty", "")}).err, HasSubstr("empty: not an"));
}

TEST_F(CliTest, JsonCanBeReadBack) {
  const CliResult result = Run({"--output", "json", "status"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  v1::GetVaultStatusResponse response;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(result.out, &response).ok());
  EXPECT_EQ(response.receipt().index(), 42u);
}

TEST_F(CliTest, ListsFollowPagesUpToTheLimit) {
  v1::ListTenantsResponse response;
  CliResult result = Run({"tenant", "list", "--output", "json", "--limit", "100000"});
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(result.out, &response).ok());
  EXPECT_EQ(response.tenants_size(), FakeVault::kTenants);
  EXPECT_EQ(response.next_page_token(), "");
  response.Clear();
  result = Run({"tenant", "list", "--output", "json", "--limit", "1234"});
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(result.out, &response).ok());
  EXPECT_EQ(response.tenants_size(), 1234);
}

TEST_F(CliTest, AListThatWasCutSaysSo) {
  EXPECT_THAT(Run({"tenant", "list", "--limit", "1234"}).err, HasSubstr("there is more"));
  EXPECT_THAT(Run({"tenant", "list", "--limit", "100000"}).err, Not(HasSubstr("there is more")));
}

TEST_F(CliTest, ATenantIsShownWithTheWorkOnItsIndexes) {
  const CliResult result = Run({"tenant", "show", "t2"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("name: tenants/t2\n"));
  EXPECT_THAT(result.out, HasSubstr("index_rebuild:\n  fields: reader.email\n  percent: 62"));
  EXPECT_EQ(Run({"tenant", "show", "none"}).code, kExitNotFound);
}

TEST_F(CliTest, ARefusalSaysReasonFieldsRemedyAndEntry) {
  const CliResult result =
      Run({"record", "reveal", "ref:reader:17", "--fields", "email,phone", "--for", "support"});
  EXPECT_EQ(result.code, kExitDenied);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("NDA_EXPIRED"));
  EXPECT_THAT(result.err, HasSubstr("fields:     phone"));
  EXPECT_THAT(result.err, HasSubstr("what to do: "));
  EXPECT_THAT(result.err, HasSubstr("0/1/7"));
}

TEST_F(CliTest, ARefusalAsJson) {
  const CliResult result = Run({"--output", "json", "record", "reveal", "r", "--fields", "phone"});
  EXPECT_EQ(result.code, kExitDenied);
  EXPECT_THAT(result.err, HasSubstr("\"reason\":\"NDA_EXPIRED\""));
  EXPECT_THAT(result.err, HasSubstr("\"index\":\"7\""));
}

TEST_F(CliTest, WhatIsRevealedInPartEndsWithItsOwnCode) {
  const CliResult result =
      Run({"record", "reveal", "r", "--fields", "email,phone", "--allow-partial"});
  EXPECT_EQ(result.code, kExitPartial);
  EXPECT_THAT(result.err, HasSubstr("denied: phone: NDA_EXPIRED"));
}

TEST_F(CliTest, WhatFieldsHeldBefore) {
  CliResult result = Run({"record", "history", "ref:reader:17", "--field", "email", "--field",
                          "name", "--for", "support"});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("tenants/default/records/ref:reader:17"));
  EXPECT_THAT(result.out, HasSubstr("\\u{1b}[31mold email"));
  EXPECT_THAT(result.out, HasSubstr("?-3"));
  EXPECT_THAT(result.out, HasSubstr("2023-11-14T22:13:20Z"));
  EXPECT_THAT(result.out, HasSubstr("principals/sato"));
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  result = Run({"record", "history", "r", "--field", "email,phone", "--allow-partial"});
  EXPECT_EQ(result.code, kExitPartial);
  EXPECT_THAT(result.err, HasSubstr("denied: phone: FIELD_WITHOUT_HISTORY"));
}

TEST_F(CliTest, CountsAreATableOfGroups) {
  const CliResult result = Run({"record", "count", "--type", "reader", "--by", "title,plan"});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("TITLE"));
  EXPECT_THAT(result.out, HasSubstr("a plan  20"));
  EXPECT_THAT(result.out, HasSubstr("in smaller groups: 10"));
  EXPECT_THAT(result.err, HasSubstr("10000 records so far"));
  EXPECT_THAT(Run({"record", "count", "--type", "reader", "--by", "title", "--output", "json"}).out,
              HasSubstr("\"examinedRecords\":\"10000\""));
}

TEST_F(CliTest, ValuesCannotReachTheTerminalAsCommands) {
  const CliResult result = Run({"record", "reveal", "r", "--fields", "email"});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(result.out, HasSubstr("email: \\u{1b}[31memail"));
}

TEST_F(CliTest, NamesAreCompletedByTheTenant) {
  EXPECT_THAT(Run({"record", "reveal", "ref:reader:17", "--fields", "email"}).out,
              HasSubstr("tenants/default/records/ref:reader:17  "));
  EXPECT_THAT(Run({"--tenant", "t9", "record", "reveal", "ref:reader:17", "--fields", "email"}).out,
              HasSubstr("tenants/t9/records/ref:reader:17  "));
}

TEST_F(CliTest, ValuesComeFromArgumentsFilesAndStandardInput) {
  const std::string file = vault_.folder().Write("value", "from file\n");
  const CliResult result = Run({"record", "create", "--type", "reader", "--field", "a=plain=text",
                                "--field", "b=@" + file, "--field", "c=-", "--field", "d=@@at"},
                               "from stdin\n");
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("a: tok_plain=text\n"));
  EXPECT_THAT(result.out, HasSubstr("b: tok_from file\n"));
  EXPECT_THAT(result.out, HasSubstr("c: tok_from stdin\n"));
  EXPECT_THAT(result.out, HasSubstr("d: tok_@at\n"));
}

TEST_F(CliTest, AFieldGivenTwiceIsRefusedWithoutItsValue) {
  const CliResult result =
      Run({"record", "create", "--type", "reader", "--field", "a=secret1", "--field", "a=secret2"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, Not(HasSubstr("secret")));
}

TEST_F(CliTest, ApprovalShowsTheActAndAsks) {
  CliResult result = Run({"approvals", "approve", "p1"}, "no\n");
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("principals/tanaka"));
  EXPECT_THAT(result.err, HasSubstr("abc123"));
  EXPECT_THAT(vault_.approvals(), IsEmpty());

  result = Run({"approvals", "approve", "p1"}, "yes\n");
  EXPECT_EQ(result.code, kExitOk) << result.err;
  ASSERT_THAT(vault_.approvals(), SizeIs(1));
  EXPECT_EQ(vault_.approvals()[0].sha256(), "abc123");
  EXPECT_EQ(vault_.approvals()[0].name(), "proposals/p1");
}

TEST_F(CliTest, ApprovalByHashApprovesWhatWasRead) {
  EXPECT_EQ(Run({"approvals", "approve", "p1", "--sha256", "fff"}).code, kExitOk);
  ASSERT_THAT(vault_.approvals(), SizeIs(1));
  EXPECT_EQ(vault_.approvals()[0].sha256(), "fff");
}

TEST_F(CliTest, SystemRolesAreProposedWithoutTenant) {
  EXPECT_THAT(Run({"principal", "grant", "tanaka", "engineer"}).out,
              HasSubstr("tenant: tenants/default"));
  EXPECT_THAT(Run({"principal", "grant", "tanaka", "vault_auditor"}).out,
              Not(HasSubstr("tenant:")));
}

TEST_F(CliTest, ARoleIsProposedForSomeFieldsAndHandedOver) {
  const CliResult grant =
      Run({"principal", "grant", "tanaka", "engineer", "--field", "svc.name", "--field", "log.*"});
  EXPECT_THAT(grant.out, HasSubstr("svc.name"));
  EXPECT_THAT(grant.out, HasSubstr("log.*"));
  const CliResult over =
      Run({"principal", "hand-over", "tanaka", "sato", "engineer", "--justification", "CASE-1"});
  EXPECT_EQ(over.code, kExitOk);
  for (const char* text : {"principal: principals/tanaka", "successor: principals/sato",
                           "role: engineer", "tenant: tenants/default", "CASE-1"}) {
    EXPECT_THAT(over.out, HasSubstr(text));
  }
}

TEST_F(CliTest, AJobIsPlannedForAPurposeAndAWhile) {
  const CliResult job =
      Run({"principal", "plan-job", "mailer", "--for", "send", "--records", "5000", "--until",
           "2030-01-01T10:00:00Z", "--reason", "the yearly letter"});
  EXPECT_EQ(job.code, kExitOk) << job.err;
  for (const char* text : {"principal: principals/mailer", "purpose: send", "records: 5000",
                           "2030-01-01T10:00:00Z", "tenant: tenants/default"}) {
    EXPECT_THAT(job.out, HasSubstr(text));
  }
  EXPECT_NE(Run({"principal", "plan-job", "mailer", "--for", "send", "--records", "5000",
                 "--reason", "no end"})
                .code,
            kExitOk);
}

TEST_F(CliTest, JobsAreListedWithTheirTenant) {
  const CliResult result = Run({"tenant", "list", "--limit", "2"});
  EXPECT_THAT(result.out, HasSubstr("PLANNED JOBS"));
  EXPECT_THAT(result.out, HasSubstr("job1 principals/mailer"));
}

TEST_F(CliTest, ARecordMayComeWithABirthdayAndAController) {
  EXPECT_EQ(Run({"record", "create", "--type", "reader", "--field", "a=b", "--birth-date", "-",
                 "--controller", "partner-1"},
                "2009-04-01\n")
                .code,
            kExitOk);
  ASSERT_THAT(vault_.said(), SizeIs(1));
  EXPECT_THAT(vault_.said()[0], AllOf(HasSubstr("birth_date: \"2009-04-01\""),
                                      HasSubstr("controller: \"partner-1\"")));
}

TEST_F(CliTest, DurationsOfWhatIsToComeCountFromNowOn) {
  // Now is 2030-03-17T17:46:40Z.
  EXPECT_THAT(
      Run({"principal", "grant", "tanaka", "engineer", "--not-before", "90m", "--until", "2d"}).out,
      AllOf(HasSubstr("not_before: 2030-03-17T19:16:40Z"),
            HasSubstr("not_after: 2030-03-19T17:46:40Z")));
  EXPECT_THAT(Run({"principal", "plan-job", "mailer", "--for", "send", "--records", "5", "--from",
                   "1h", "--until", "2h", "--reason", "letters"})
                  .out,
              AllOf(HasSubstr("start_time: 2030-03-17T18:46:40Z"),
                    HasSubstr("end_time: 2030-03-17T19:46:40Z")));
  ASSERT_EQ(Run({"matter", "open", "migration", "M-1", "--until", "1d"}).code, kExitOk);
  EXPECT_EQ(vault_.opened().back().matter().not_after().seconds(), 1'900'086'400);
  ASSERT_EQ(Run({"subject", "update", "abc", "--mandate", "def=00ff", "--until", "1d"}).code,
            kExitOk);
  EXPECT_EQ(vault_.updated().back().mandates(0).not_after().seconds(), 1'900'086'400);
  for (const char* none : {"-1h", "1dd", "d", "100001d", "-1d"}) {
    EXPECT_EQ(Run({"principal", "grant", "tanaka", "engineer", "--until", none}).code, kExitUsage)
        << none;
  }
}

TEST_F(CliTest, AMatterIsAPersonsOrTheTenants) {
  EXPECT_EQ(Run({"matter", "open", "migration", "M-1", "--purpose", "order", "--until",
                 "2030-01-01", "--ticket", "T-1"})
                .code,
            kExitOk);
  EXPECT_EQ(Run({"matter", "open", "order", "O-1", "--subject", "abc", "--state", "open"}).code,
            kExitOk);
  ASSERT_THAT(vault_.opened(), SizeIs(2));
  EXPECT_EQ(vault_.opened()[0].parent(), "tenants/default");
  EXPECT_EQ(vault_.opened()[0].matter().kind(), "migration");
  EXPECT_EQ(vault_.opened()[0].matter().id(), "M-1");
  EXPECT_EQ(vault_.opened()[0].matter().purposes(0), "order");
  EXPECT_EQ(vault_.opened()[0].matter().not_after().seconds(), 1'893'456'000);
  EXPECT_EQ(vault_.opened()[0].usage().ticket(), "T-1");
  EXPECT_EQ(vault_.opened()[1].parent(), "tenants/default/subjects/abc");
  EXPECT_EQ(vault_.opened()[1].matter().state(), "open");
  EXPECT_FALSE(vault_.opened()[1].matter().has_not_after());
  EXPECT_THAT(Run({"matter", "list", "--subject", "abc"}).out,
              HasSubstr("tenants/default/subjects/abc"));
  EXPECT_THAT(Run({"matter", "update", "order", "O-1", "completed", "--subject", "abc"}).out,
              HasSubstr("completed"));
  EXPECT_EQ(Run({"matter", "open", "order"}).code, kExitUsage);
}

TEST_F(CliTest, WhatPeriodsOfStorageAreCountedFromIsToldWithAMatter) {
  const std::string record = "tenants/default/subjects/abc/records/r1";
  ASSERT_EQ(Run({"matter", "open", "consultation", "C-1", "--subject", "abc", "--type", "complaint",
                 "--record", record, "--record", record + "2"})
                .code,
            kExitOk);
  const v1::Matter opened = vault_.opened().back().matter();
  EXPECT_EQ(opened.type(), "complaint");
  EXPECT_THAT(opened.records(), ElementsAre(record, record + "2"));

  // A state after an option that may be repeated is none of its values.
  const CliResult updated =
      Run({"matter", "update", "consultation", "C-1", "--subject", "abc", "--type", "dispute",
           "--record", record, "--event", "settled", "--event", "supplied", "closed"});
  ASSERT_EQ(updated.code, kExitOk) << updated.err;
  EXPECT_EQ(vault_.said().back(),
            "UpdateMatterRequest parent: \"tenants/default/subjects/abc\" kind: \"consultation\" "
            "id: \"C-1\" state: \"closed\" usage { } type: \"dispute\" add_records: \"" +
                record + "\" events: \"settled\" events: \"supplied\"");
  EXPECT_THAT(updated.out,
              AllOf(HasSubstr("type: dispute"), HasSubstr("records: " + record),
                    HasSubstr("event: settled"), HasSubstr("time: 2030-01-01T00:00:00Z")));
  ASSERT_EQ(Run({"matter", "update", "order", "O-1", "--event", "settled"}).code, kExitOk);
  EXPECT_EQ(vault_.said().back(),
            "UpdateMatterRequest parent: \"tenants/default\" kind: \"order\" id: \"O-1\" usage { } "
            "events: \"settled\"");
  EXPECT_THAT(
      Run({"matter", "list", "--subject", "abc"}).out,
      AllOf(HasSubstr("TYPE"), HasSubstr("dispute"), HasSubstr("RECORDS"), HasSubstr(record),
            HasSubstr("EVENTS"), HasSubstr("settled 2030-01-01T00:00:00Z")));
}

TEST_F(CliTest, OfASubjectWhatHasHappenedIsToldAndShown) {
  const CliResult result =
      Run({"subject", "update", "abc", "--event", "settled", "--event", "purpose_complete"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(vault_.updated().back().events(), ElementsAre("settled", "purpose_complete"));
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("event: settled"), HasSubstr("time: 2030-01-01T00:00:00Z")));
}

TEST_F(CliTest, OfASubjectOnlyWhatIsGivenIsChanged) {
  EXPECT_EQ(Run({"subject", "update", "abc", "--department", "sales"}).code, kExitOk);
  EXPECT_EQ(Run({"subject", "update", "abc", "--no-holder", "--contract-active", "false",
                 "--mandate", "def=00ff", "--until", "2030-01-01", "--end-mandate", "ghi"})
                .code,
            kExitOk);
  EXPECT_EQ(Run({"subject", "update", "abc", "--holder", "def"}).code, kExitOk);
  ASSERT_THAT(vault_.updated(), SizeIs(3));
  const v1::UpdateSubjectRequest department = vault_.updated()[0];
  EXPECT_EQ(department.subject(), "tenants/default/subjects/abc");
  EXPECT_EQ(department.department(), "sales");
  EXPECT_FALSE(department.has_holder() || department.has_contract_active());
  const v1::UpdateSubjectRequest rest = vault_.updated()[1];
  EXPECT_TRUE(rest.has_holder() && rest.holder().empty());
  EXPECT_TRUE(rest.has_contract_active() && !rest.contract_active());
  ASSERT_EQ(rest.mandates_size(), 1);
  EXPECT_EQ(rest.mandates(0).agent(), "tenants/default/subjects/def");
  EXPECT_EQ(rest.mandates(0).document_sha256(), "00ff");
  EXPECT_EQ(rest.mandates(0).not_after().seconds(), 1'893'456'000);
  EXPECT_EQ(rest.end_mandates(0), "tenants/default/subjects/ghi");
  EXPECT_EQ(vault_.updated()[2].holder(), "tenants/default/subjects/def");
  EXPECT_EQ(Run({"subject", "update", "abc", "--mandate", "def"}).code, kExitUsage);
  EXPECT_EQ(Run({"subject", "update", "abc", "--holder", "x", "--no-holder"}).code, kExitUsage);
}

TEST_F(CliTest, AnEntryThatStandsForManyCallsSaysHowMany) {
  const CliResult list = Run({"audit", "list"});
  EXPECT_THAT(list.out, HasSubstr("NDA_EXPIRED  -      -"));
  EXPECT_THAT(list.out, HasSubstr("NDA_EXPIRED  ×37 "));
  const CliResult tail = Run({"audit", "tail"});
  EXPECT_THAT(tail.out, HasSubstr("denied  reason=NDA_EXPIRED\n"));
  EXPECT_THAT(tail.out, HasSubstr("denied  ×37  reason=NDA_EXPIRED\n"));
  EXPECT_THAT(Run({"--output", "json", "audit", "list"}).out, HasSubstr("\"count\": \"37\""));
}

TEST_F(CliTest, ExitCodesHaveMeaning) {
  EXPECT_EQ(Run({"person", "get", "nobody"}).code, kExitNotFound);
  EXPECT_EQ(Run({"person", "create"}).code, kExitUsage);
  EXPECT_EQ(Run({"frobnicate"}).code, kExitUsage);
  EXPECT_EQ(Run({"person", "create", "x", "--employment", "wizard"}).code, kExitUsage);
  EXPECT_EQ(Run({"audit", "list", "--since", "yesterday"}).code, kExitUsage);
  EXPECT_EQ(Run({"--help"}).code, kExitOk);
  EXPECT_EQ(Run({"--address", "127.0.0.1:1", "--timeout", "1", "status"}).code, kExitUnavailable);
}

// 004-38: a server proves who it is, by an authority that the caller knows and by its name.
TEST_F(CliTest, AServerOfAnotherAuthorityIsNotTrusted) {
  const fakes::TestAuthority other;
  const std::string ca = vault_.folder().Write("other.crt", other.certificate_pem());
  EXPECT_EQ(Run({"--ca", ca, "--timeout", "2", "status"}).code, kExitUnavailable);
}

// 004-38: nor one that has its certificate for another name.
TEST_F(CliTest, AServerOfAnotherNameIsNotTrusted) {
  EXPECT_EQ(Run({"--server-name", "localhost", "--timeout", "2", "status"}).code, kExitOk);
  EXPECT_EQ(Run({"--server-name", "vault.example", "--timeout", "2", "status"}).code,
            kExitUnavailable);
}

TEST_F(CliTest, ContextsServeAndFlagsOverride) {
  ASSERT_EQ(Run({"context", "set", "dev"}).code, kExitOk);
  const std::string config = vault_.folder().File("contexts.yaml");
  EXPECT_EQ(RunPiivault({"--config", config, "status"}).code, kExitOk);
  EXPECT_EQ(RunPiivault({"--config", config, "--context", "none", "status"}).code, kExitNotFound);
  EXPECT_THAT(
      RunPiivault({"context", "show"}, "", {{"PIIVAULT_CONFIG", config}, {"PIIVAULT_TENANT", "t9"}})
          .out,
      HasSubstr("tenant: t9"));
  EXPECT_THAT(RunPiivault({"--tenant", "t1", "context", "show"}, "",
                          {{"PIIVAULT_CONFIG", config}, {"PIIVAULT_TENANT", "t9"}})
                  .out,
              HasSubstr("tenant: t1"));
}

TEST(CliWithoutVaultTest, SaysWhatToSet) {
  const ScratchFolder folder;
  const CliResult result = RunPiivault({"--config", folder.File("none.yaml"), "status"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("--address"));
  EXPECT_THAT(result.err, HasSubstr("PIIVAULT_ADDRESS"));
}

TEST(CliPkiTest, KeysArePrivateAndNothingIsOverwritten) {
  const ScratchFolder folder;
  const std::string dir = folder.File("pki");
  ASSERT_EQ(RunPiivault({"pki", "init", "--dir", dir, "--name", "CA"}).code, kExitOk);
  ASSERT_EQ(RunPiivault({"pki", "issue", "x", "--dir", dir, "--uri", "spiffe://v.example/x"}).code,
            kExitOk);
  for (const char* name : {"pki/ca.key", "pki/x.key"}) {
    struct stat info {};
    ASSERT_EQ(stat(folder.File(name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  const std::string before = folder.Read("pki/x.key");
  EXPECT_NE(RunPiivault({"pki", "init", "--dir", dir, "--name", "CA"}).code, kExitOk);
  EXPECT_NE(RunPiivault({"pki", "issue", "x", "--dir", dir, "--uri", "spiffe://v.example/y"}).code,
            kExitOk);
  EXPECT_EQ(folder.Read("pki/x.key"), before);
  EXPECT_EQ(RunPiivault({"pki", "renew", "x", "--dir", dir}).code, kExitOk);
  EXPECT_NE(folder.Read("pki/x.key"), before);
  EXPECT_NE(
      RunPiivault({"pki", "issue", "../x", "--dir", dir, "--uri", "spiffe://v.example/x"}).code,
      kExitOk);
}

TEST(CliInitTest, MakesNothingThatNobodyCouldUse) {
  const ScratchFolder folder;
  const std::string pki = folder.File("pki");
  ASSERT_EQ(RunPiivault({"pki", "init", "--dir", pki, "--name", "CA"}).code, kExitOk);
  ASSERT_EQ(RunPiivault({"pki", "issue", "s", "--dir", pki, "--server", "--dns", "localhost"}).code,
            kExitOk);
  const auto init = [&](const std::string& certificate, const std::string& identities) {
    return RunPiivault({"init", "--dir", folder.File("vault"), "--server-cert", pki + certificate,
                        "--server-key", pki + "/s.key", "--client-ca", pki + "/ca.crt",
                        "--client-identities", identities, "--admin", "a=spiffe://v.example/a",
                        "--admin", "b=spiffe://v.example/b"});
  };
  EXPECT_THAT(init("/s.crt", "spiffe://other.example/*").err,
              HasSubstr("spiffe://v.example/a is none of the identities"));
  EXPECT_EQ(init("/none.crt", "spiffe://v.example/*").code, kExitNotFound);
  EXPECT_FALSE(std::filesystem::exists(folder.File("vault")));
  const CliResult made = init("/s.crt", "spiffe://v.example/*");
  ASSERT_EQ(made.code, kExitOk) << made.err;
  EXPECT_THAT(init("/s.crt", "spiffe://v.example/*").err, HasSubstr("there is a vault"));
}

TEST(CliPolicyTest, ChecksOfflineWithPlaces) {
  const ScratchFolder folder;
  const std::string good = std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/starter.yaml";
  CliResult result = RunPiivault({"policy", "check", good});
  EXPECT_EQ(result.code, kExitOk) << result.out;
  EXPECT_THAT(result.out, HasSubstr(" 0 failed"));

  std::string text = (std::ostringstream() << std::ifstream(good).rdbuf()).str();
  const size_t at = text.find("expect: NDA_EXPIRED");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 19, "expect: NDA_REVOKED");
  result = RunPiivault({"policy", "check", folder.Write("wrong.yaml", text)});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.out, HasSubstr("1 failed"));

  result = RunPiivault({"policy", "check", folder.Write("bad.yaml", "policy: x\nfeilds: 1\n")});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.out, HasSubstr("bad.yaml:2:1"));
}

}  // namespace
}  // namespace piivault::ops
