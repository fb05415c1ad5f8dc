// `piivault retention show|select|list|approve|reject`, and `piivault subject delete --keep-held`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const std::string kHash = FakeRetention::Sha256();

class RetentionCommandsTest : public ::testing::Test {
 protected:
  CliResult RunAll(std::vector<std::string> arguments) {
    const std::vector<std::string> flags = vault_.Flags();
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    arguments.push_back("--config");
    arguments.push_back(vault_.folder().File("contexts.yaml"));
    return RunPiivault(arguments);
  }
  CliResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "retention");
    return RunAll(std::move(arguments));
  }
  // What the vault was asked by a command that succeeded.
  std::string Asked(std::vector<std::string> arguments) {
    const CliResult result = Run(std::move(arguments));
    EXPECT_EQ(result.code, kExitOk) << result.err;
    return Said();
  }
  // What the vault was asked last.
  std::string Said() const {
    const std::vector<std::string> said = vault_.said();
    return said.empty() ? "nothing" : said.back();
  }
  void ExpectWrongUse(const std::vector<std::vector<std::string>>& lines) {
    for (const std::vector<std::string>& line : lines) {
      EXPECT_EQ(Run(line).code, kExitUsage) << ::testing::PrintToString(line);
    }
    EXPECT_THAT(vault_.said(), IsEmpty());
  }

  FakeVault vault_;
};

TEST_F(RetentionCommandsTest, ShowsByWhichLawAndUntilWhenAndByWhichRule) {
  const CliResult shown = Run({"show", "s1", "--for", "rights", "--ticket", "T-1"});
  EXPECT_EQ(shown.code, kExitOk);
  EXPECT_THAT(vault_.said(),
              ElementsAre(R"(GetRetentionRequest subject: "tenants/default/subjects/s1" )"
                          R"(usage { purpose: "rights" ticket: "T-1" })"));
  EXPECT_EQ(shown.out,
            "RECORD                                  FIELD         LAW     HELD UNTIL            "
            "DUE                   RULE     CLOSED\n"
            "tenants/default/subjects/s1/records/r1  pay.record    JP-tax  2030-03-17T17:46:40Z  "
            "2030-03-17T17:46:40Z  tax      yes\n"
            "tenants/default/subjects/s1/records/r1  pay.bill      JP-tax  not begun             "
            "-                     -        no\n"
            "tenants/default/subjects/s1/records/r2  consult.name  -       -                     "
            "2027-01-15T08:00:00Z  consult  no\n");
  EXPECT_EQ(shown.err, "log entry 0/0/42\n");
  EXPECT_THAT(Run({"show", "s1", "--output", "json"}).out,
              AllOf(HasSubstr("\"heldUntil\": \"2030-03-17T17:46:40Z\""),
                    HasSubstr("\"keptByLaw\": true")));
}

TEST_F(RetentionCommandsTest, SelectsOfAllPeopleOrOfOne) {
  EXPECT_EQ(Asked({"select", "--for", "rights"}),
            R"(SelectDestructionRequest parent: "tenants/default" usage { purpose: "rights" })");
  EXPECT_EQ(Asked({"select", "s1", "--page-token", "p2", "--ticket", "T-1"}),
            R"(SelectDestructionRequest parent: "tenants/default/subjects/s1" )"
            R"(usage { ticket: "T-1" } page_token: "p2")");
  EXPECT_THAT(Asked({"--tenant", "t7", "select"}), HasSubstr(R"(parent: "tenants/t7" )"));
}

TEST_F(RetentionCommandsTest, AListIsShownWithWhatApprovesItAndHowToGoOn) {
  const CliResult selected = Run({"select", "--for", "rights"});
  EXPECT_EQ(selected.out,
            "tenants/default/destructions/d1: waits for approval, 2 records\n"
            "RECORD                                  FIELDS                       RULES          "
            "DUE\n"
            "tenants/default/subjects/s1/records/r1  consult.name, consult.phone  consult, done  "
            "2027-01-15T08:00:00Z\n"
            "tenants/default/subjects/s2/records/r2  consult.name, consult.phone  consult, done  "
            "2027-01-15T08:00:00Z\n"
            "sha256: " +
                kHash +
                "\n"
                "somebody else approves it with:\n"
                "  piivault retention approve tenants/default/destructions/d1 --sha256 " +
                kHash + " --for rights\n");
  EXPECT_EQ(selected.err,
            "log entry 0/0/42\n"
            "5000 records looked at\n"
            "there is more; the same command goes on with --page-token=p2, and to the end with "
            "--all\n");
  EXPECT_EQ(vault_.said().size(), 1u);
}

TEST_F(RetentionCommandsTest, TheCommandThatIsPrintedApproves) {
  for (const std::vector<std::string>& purpose :
       {std::vector<std::string>{"--for", "rights"}, std::vector<std::string>()}) {
    std::vector<std::string> select = {"select"};
    select.insert(select.end(), purpose.begin(), purpose.end());
    const std::string out = Run(select).out;
    const std::string program = "  piivault ";
    const size_t begin = out.rfind(program) + program.size();
    std::istringstream line(out.substr(begin, out.find('\n', begin) - begin));
    std::vector<std::string> words;
    for (std::string word; line >> word;) words.push_back(word);
    EXPECT_EQ(RunAll(words).code, kExitOk) << line.str();
    EXPECT_EQ(Said(),
              R"(ApproveDestructionRequest name: "tenants/default/destructions/d1" sha256: ")" +
                  kHash +
                  (purpose.empty() ? R"(" usage { })" : R"(" usage { purpose: "rights" })"));
  }
}

TEST_F(RetentionCommandsTest, GoesOnToTheEnd) {
  const CliResult all = Run({"select", "--all", "--for", "rights"});
  EXPECT_EQ(all.code, kExitOk);
  const std::string asked =
      R"(SelectDestructionRequest parent: "tenants/default" usage { purpose: "rights" })";
  EXPECT_THAT(vault_.said(),
              ElementsAre(asked, asked + R"( page_token: "p2")", asked + R"( page_token: "p3")"));
  EXPECT_THAT(all.out, AllOf(HasSubstr("retention approve tenants/default/destructions/d1 "),
                             HasSubstr("retention approve tenants/default/destructions/d2 ")));
  EXPECT_THAT(all.err, AllOf(HasSubstr("10007 records looked at\n"), Not(HasSubstr("more"))));
}

// One object a line: each is a response.
TEST_F(RetentionCommandsTest, AsJsonEachAnswerIsALine) {
  const std::string lines = Run({"select", "--all", "--output", "json"}).out;
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 3);
  const CliResult one = Run({"select", "--output", "json"});
  EXPECT_THAT(one.out, AllOf(HasSubstr("\"nextPageToken\": \"p2\""), HasSubstr(kHash)));
  EXPECT_EQ(one.err, "");
}

TEST_F(RetentionCommandsTest, SaysWhenNothingIsDueAndWhatDoesNotOpen) {
  const CliResult none = Run({"select", "empty"});
  EXPECT_EQ(none.code, kExitOk);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("5000 records looked at: nothing to select\n"));
  const CliResult damaged = Run({"select", "damaged"});
  EXPECT_EQ(damaged.code, kExitPartial);
  EXPECT_THAT(damaged.err, HasSubstr("5000 records looked at, 2 of them do not open\n"));
  EXPECT_EQ(Run({"select", "damaged", "--output", "json"}).code, kExitPartial);
}

TEST_F(RetentionCommandsTest, ListsWhatWasSelectedAndDecided) {
  const CliResult listed = Run({"list", "--for", "rights"});
  EXPECT_EQ(Said(),
            R"(ListDestructionsRequest parent: "tenants/default" usage { purpose: "rights" })");
  EXPECT_THAT(
      listed.out,
      AllOf(
          HasSubstr("LIST                             STATE      RECORDS  KEPT  SELECTED BY       "
                    "SELECTED              DECIDED BY          DECIDED               SHA256\n"),
          HasSubstr("tenants/default/destructions/d3  selected   2        0     principals/staff  "
                    "2027-01-15T08:01:00Z  -                   -                     " +
                    kHash + "\n"),
          HasSubstr("tenants/default/destructions/d2  destroyed  2        1     principals/staff  "
                    "2027-01-15T08:01:00Z  principals/officer  2027-01-15T08:02:00Z  " +
                    kHash + "\n"),
          HasSubstr("tenants/default/destructions/d1  rejected   2 ")));
  EXPECT_EQ(listed.err, "log entry 0/0/42\n");
}

TEST_F(RetentionCommandsTest, ListsWhatWaitsWithItsItems) {
  const CliResult waiting = Run({"list", "--waiting", "--items"});
  EXPECT_EQ(Said(),
            R"(ListDestructionsRequest parent: "tenants/default" usage { } selected_only: true)");
  EXPECT_THAT(waiting.out,
              AllOf(HasSubstr("destructions/d3: waits for approval, 2 records\n"),
                    HasSubstr("\ntenants/default/subjects/s2/records/r2  consult.name, "),
                    HasSubstr("\nsha256: " + kHash + "\n"), Not(HasSubstr("destructions/d2"))));
  EXPECT_THAT(Run({"list", "--items"}).out, HasSubstr("d2: 1 of 2 records destroyed\n"));
}

TEST_F(RetentionCommandsTest, AnApprovalSaysWhatWasDestroyed) {
  const CliResult approved = Run({"approve", "d1", "--sha256", kHash, "--for", "rights"});
  EXPECT_EQ(approved.code, kExitOk);
  EXPECT_EQ(Said(),
            R"(ApproveDestructionRequest name: "tenants/default/destructions/d1" sha256: ")" +
                kHash + R"(" usage { purpose: "rights" })");
  EXPECT_EQ(approved.out,
            "tenants/default/destructions/d1: 2 of 2 records destroyed\n"
            "RECORD   FIELDS                       RULES          DUE\n"
            "entry-1  consult.name, consult.phone  consult, done  2027-01-15T08:00:00Z\n"
            "entry-2  consult.name, consult.phone  consult, done  2027-01-15T08:00:00Z\n");
  EXPECT_EQ(approved.err, "log entry 0/0/42\n");
}

TEST_F(RetentionCommandsTest, AnApprovalSaysWhatWasKeptAndWhy) {
  const CliResult approved = Run({"approve", "d2", "--sha256", kHash});
  EXPECT_EQ(approved.code, kExitPartial);
  EXPECT_EQ(approved.out,
            "tenants/default/destructions/d2: 1 of 2 records destroyed\n"
            "RECORD   FIELDS                       RULES          DUE\n"
            "entry-1  consult.name, consult.phone  consult, done  2027-01-15T08:00:00Z\n"
            "RECORD   FIELDS                       RULES          KEPT\n"
            "entry-2  consult.name, consult.phone  consult, done  RETENTION_HOLD: a law keeps "
            "these fields\n");
  const CliResult json = Run({"approve", "d2", "--sha256", kHash, "--output", "json"});
  EXPECT_EQ(json.code, kExitPartial);
  EXPECT_THAT(json.out, HasSubstr("\"kept\": \"RETENTION_HOLD\""));
}

TEST_F(RetentionCommandsTest, AListThatIsAnotherIsNotApproved) {
  const CliResult other = Run({"approve", "d1", "--sha256", std::string(64, 'b')});
  EXPECT_EQ(other.code, kExitError);
  EXPECT_THAT(other.err, AllOf(HasSubstr("PROPOSAL_STALE"), HasSubstr("0/1/7")));
  EXPECT_THAT(vault_.said(), IsEmpty());
}

TEST_F(RetentionCommandsTest, RejectsAList) {
  const CliResult rejected = Run({"reject", "d1", "--ticket", "T-1"});
  EXPECT_EQ(rejected.code, kExitOk);
  EXPECT_EQ(Said(), R"(RejectDestructionRequest name: "tenants/default/destructions/d1" )"
                    R"(usage { ticket: "T-1" })");
  EXPECT_THAT(rejected.out,
              HasSubstr("tenants/default/destructions/d1: rejected, 2 records stay\n"));
  EXPECT_THAT(Run({"reject", "d1", "--output", "json"}).out,
              HasSubstr("DESTRUCTION_STATE_REJECTED"));
}

TEST_F(RetentionCommandsTest, AListIsNamedWholeOrByItsId) {
  const std::string whole = "tenants/t7/destructions/d1";
  EXPECT_THAT(Asked({"reject", whole}), HasSubstr("name: \"" + whole + "\""));
  EXPECT_THAT(Asked({"--tenant", "t7", "reject", "d1"}), HasSubstr("name: \"" + whole + "\""));
}

TEST_F(RetentionCommandsTest, WhatNamesNoListOrNoHashIsWrongUse) {
  for (const char* name :
       {"", "/", "d1/", "destructions/d1", "tenants/t7", "tenants/t7/destructions",
        "tenants/t7/destructions/", "tenants//destructions/d1", "tenants/t7/subjects/s1",
        "tenants/t7/destructions/d1/x", "x/t7/destructions/d1"}) {
    ExpectWrongUse({{"approve", name, "--sha256", kHash}, {"reject", name}});
  }
  for (const std::string& hash : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                                  std::string(64, 'A'), std::string(64, 'g')}) {
    ExpectWrongUse({{"approve", "d1", "--sha256", hash}});
  }
  ExpectWrongUse(
      {{"approve", "d1"}, {"approve", "--sha256", kHash}, {"reject"}, {"show"}, {"select", ""}});
}

TEST_F(RetentionCommandsTest, HelpHasAnExampleOfEach) {
  for (const char* command : {"show", "select", "list", "approve", "reject"}) {
    const CliResult help = Run({command, "--help"});
    EXPECT_EQ(help.code, kExitOk);
    EXPECT_THAT(help.out, HasSubstr(std::string("Example: piivault retention ") + command));
  }
}

TEST_F(RetentionCommandsTest, APersonOfWhomTheLawKeepsSomeIsNotErasedUnasked) {
  const CliResult refused = RunAll({"subject", "delete", "s2", "--for", "rights"});
  EXPECT_EQ(refused.code, kExitError);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("RETENTION_HOLD"), HasSubstr("fields:     pay.record"),
                                 HasSubstr("piivault retention show")));
  EXPECT_THAT(vault_.said(), IsEmpty());
}

TEST_F(RetentionCommandsTest, ErasesThePersonButForWhatTheLawKeeps) {
  const CliResult erased = RunAll({"subject", "delete", "s2", "--keep-held", "--for", "rights"});
  EXPECT_EQ(erased.code, kExitPartial);
  EXPECT_EQ(Said(), R"(DeleteSubjectRequest name: "tenants/default/subjects/s2" )"
                    R"(usage { purpose: "rights" } keep_held: true)");
  EXPECT_EQ(erased.out,
            "records: 3, all erased but what the law keeps:\n"
            "RECORD                                  FIELDS        LAW     HELD UNTIL\n"
            "tenants/default/subjects/s2/records/r1  record, bill  JP-tax  2030-03-17T17:46:40Z\n"
            "tenants/default/subjects/s2/records/r2  record        JP-tax  not begun\n");
  EXPECT_EQ(erased.err, "log entry 0/0/42\n");
  const CliResult json = RunAll({"subject", "delete", "s2", "--keep-held", "--output", "json"});
  EXPECT_EQ(json.code, kExitPartial);
  EXPECT_THAT(json.out, HasSubstr("\"until\": \"2030-03-17T17:46:40Z\""));
}

TEST_F(RetentionCommandsTest, APersonOfWhomNoLawKeepsAnythingIsErased) {
  for (const char* flag : {"--keep-held", "--for=rights"}) {
    const CliResult erased = RunAll({"subject", "delete", "s1", flag});
    EXPECT_EQ(erased.code, kExitOk);
    EXPECT_EQ(erased.out, "records: 3\n");
  }
}

}  // namespace
}  // namespace piivault::ops
