// `piivault subject request open|confirm|refuse|complete|list`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/cli/digest.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RequestCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"subject", "request"});
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
  void ExpectWrongUse(const std::vector<std::vector<std::string>>& lines) {
    for (const std::vector<std::string>& line : lines) {
      EXPECT_EQ(Run(line).code, kExitUsage) << ::testing::PrintToString(line);
    }
    EXPECT_THAT(vault_.said(), IsEmpty());
  }

  FakeVault vault_;
};

TEST_F(RequestCommandsTest, TakesARequestDown) {
  EXPECT_EQ(
      Asked({"open", "s1", "--right", "correct", "--kind", "erase", "--fields", "svc.phone,ext.*",
             "--ground", "untrue", "--for", "rights", "--ticket", "T-1", "--request-id", "once"}),
      R"(OpenRequestRequest subject: "tenants/default/subjects/s1" )"
      R"(request { right: "correct" kind: "erase" fields: "svc.phone" fields: "ext.*" )"
      R"(ground: "untrue" } usage { purpose: "rights" ticket: "T-1" } request_id: "once")");
  const CliResult shown =
      Run({"open", "s1", "--right", "own", "--kind", "access", "--fields", "svc.phone"});
  EXPECT_THAT(shown.out, AllOf(HasSubstr("name: tenants/default/subjects/s1/requests/r1\n"),
                               HasSubstr("state: open\n")));
  EXPECT_EQ(shown.err, "log entry 0/0/42\n");
}

TEST_F(RequestCommandsTest, ARequestNeedsItsRightKindAndFields) {
  ExpectWrongUse({{"open", "--right", "own", "--kind", "erase", "--fields", "svc.phone"},
                  {"open", "s1", "--kind", "erase", "--fields", "svc.phone"},
                  {"open", "s1", "--right", "own", "--fields", "svc.phone"},
                  {"open", "s1", "--right", "own", "--kind", "erase"},
                  {"open", "s1", "--right", "own", "--kind", "erase", "--fields", ""}});
}

TEST_F(RequestCommandsTest, OfWhatWasSeenOnlyTheDigestIsSent) {
  const std::string file = vault_.folder().Write("passport", "a page with a face");
  EXPECT_EQ(Asked({"confirm", "s1/requests/r1", "--method", "passport", "--document", file,
                   "--ticket", "T-1"}),
            R"(ConfirmIdentityRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(evidence { method: "passport" document_sha256: ")" +
                Sha256Hex("a page with a face") + R"(" } usage { ticket: "T-1" })");
  EXPECT_EQ(Asked({"confirm", "s1/requests/r1", "--method", "login"}),
            R"(ConfirmIdentityRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(evidence { method: "login" } usage { })");
  EXPECT_THAT(Run({"confirm", "s1/requests/r1", "--method", "login"}).out,
              HasSubstr("method: login\n"));
}

TEST_F(RequestCommandsTest, AnIdentityNeedsItsMethodAndADocumentThatIsThere) {
  ExpectWrongUse({{"confirm", "s1/requests/r1"},
                  {"confirm", "--method", "passport"},
                  {"confirm", "s1/requests/r1", "--method", "passport", "--document", ""}});
  const std::string none = vault_.folder().File("none");
  EXPECT_EQ(Run({"confirm", "s1/requests/r1", "--method", "passport", "--document", none}).code,
            kExitNotFound);
  EXPECT_EQ(
      Run({"refuse", "s1/requests/r1", "--ground", "harm_to_others", "--document", none}).code,
      kExitNotFound);
  EXPECT_THAT(vault_.said(), IsEmpty());
}

TEST_F(RequestCommandsTest, RefusesAllThatIsOpenOrSomeFields) {
  EXPECT_EQ(Asked({"refuse", "s1/requests/r1", "--ground", "g"}),
            R"(RefuseRequestRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(refusal { ground: "g" } usage { })");
  EXPECT_EQ(Asked({"refuse", "s1/requests/r1", "--ground", "statute_or_legal_duty", "--fields",
                   "svc.payment_record,ext.*", "--law", "tax_act", "--article", "85-3", "--for",
                   "rights"}),
            R"(RefuseRequestRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(refusal { fields: "svc.payment_record" fields: "ext.*" )"
            R"(ground: "statute_or_legal_duty" law: "tax_act" article: "85-3" } )"
            R"(usage { purpose: "rights" })");
  EXPECT_THAT(Run({"refuse", "s1/requests/r1", "--ground", "g"}).out,
              AllOf(HasSubstr("state: partly_refused\n"), HasSubstr("ground: g\n")));
}

TEST_F(RequestCommandsTest, OfWhatWeighsTheInterestsOnlyTheDigestIsSent) {
  const std::string file = vault_.folder().Write("weighed", "theirs weigh more");
  EXPECT_EQ(Asked({"refuse", "s1/requests/r1", "--ground", "harm_to_others", "--document", file}),
            R"(RefuseRequestRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(refusal { ground: "harm_to_others" document_sha256: ")" +
                Sha256Hex("theirs weigh more") + R"(" } usage { })");
}

TEST_F(RequestCommandsTest, ARefusalNeedsItsGroundAndALawItsArticle) {
  const std::string name = "s1/requests/r1";
  ExpectWrongUse({{"refuse", name},
                  {"refuse", "--ground", "g"},
                  {"refuse", name, "--ground", "g", "--law", "tax_act"},
                  {"refuse", name, "--ground", "g", "--article", "85-3"},
                  {"refuse", name, "--ground", "g", "--document", ""}});
}

// Left out, `--fields` means all that are open: a list that came out empty must not mean it.
TEST_F(RequestCommandsTest, AnEmptyListOfFieldsRefusesNothing) {
  const std::string name = "s1/requests/r1";
  ExpectWrongUse({{"refuse", name, "--ground", "g", "--fields", ""},
                  {"refuse", name, "--ground", "g", "--fields"},
                  {"refuse", name, "--ground", "g", "--fields", "{}"},
                  {"refuse", name, "--ground", "g", "--fields", ","},
                  {"refuse", name, "--ground", "g", "--fields", "--ticket", "T-1"}});
}

TEST_F(RequestCommandsTest, CompletesWhatWasCarriedOut) {
  EXPECT_EQ(Asked({"complete", "s1/requests/r1", "--ticket", "T-1"}),
            R"(CompleteRequestRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(usage { ticket: "T-1" })");
  EXPECT_THAT(Run({"complete", "s1/requests/r1"}).out, HasSubstr("state: completed\n"));
  const CliResult undone = Run({"complete", "s1/requests/r2"});
  EXPECT_EQ(undone.code, kExitError);
  EXPECT_THAT(undone.err, AllOf(HasSubstr("REQUEST_NOT_CARRIED_OUT"), HasSubstr("svc.phone"),
                                HasSubstr("carry it out for the fields named")));
}

TEST_F(RequestCommandsTest, TakesARequestBack) {
  EXPECT_EQ(Asked({"withdraw", "s1/requests/r1", "--ticket", "T-1"}),
            R"(WithdrawRequestRequest name: "tenants/default/subjects/s1/requests/r1" )"
            R"(usage { ticket: "T-1" })");
  EXPECT_THAT(Run({"withdraw", "s1/requests/r1"}).out, HasSubstr("state: withdrawn\n"));
}

TEST_F(RequestCommandsTest, ARequestIsNamedWholeOrByItsPerson) {
  const std::string whole = "tenants/t7/subjects/s1/requests/r1";
  EXPECT_THAT(Asked({"complete", whole}), HasSubstr("name: \"" + whole + "\""));
  EXPECT_THAT(Asked({"--tenant", "t7", "complete", "s1/requests/r1"}),
              HasSubstr("name: \"" + whole + "\""));
}

TEST_F(RequestCommandsTest, WhatNamesNoRequestIsWrongUse) {
  for (const char* name :
       {"", "r1", "s1", "requests/r1", "s1/requests", "s1/requests/", "/requests/r1",
        "s1/records/r1", "s1/requests/r1/x", "tenants/t7", "tenants/requests/r1",
        "tenants/t7/subjects/s1", "tenants/t7/subjects/s1/records/r1",
        "tenants/t7/subjects/s1/requests/", "tenants//subjects/s1/requests/r1",
        "tenants/t7/people/s1/requests/r1", "x/t7/subjects/s1/requests/r1"}) {
    ExpectWrongUse({{"complete", name},
                    {"confirm", name, "--method", "passport"},
                    {"refuse", name, "--ground", "g"}});
  }
}

TEST_F(RequestCommandsTest, ListsRequestsWithWhatIsOpenAndRefused) {
  const CliResult result = Run({"list", "s1"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_EQ(vault_.said().back(),
            R"(ListRequestsRequest subject: "tenants/default/subjects/s1" usage { })");
  EXPECT_EQ(result.out,
            "REQUEST                                  KIND   STATE      OPEN                  "
            "REFUSED                        OPENED                IDENTITY\n"
            "tenants/default/subjects/s1/requests/r1  erase  open       svc.phone, svc.email  "
            "no_legal_duty, harm_to_others  2027-01-15T08:00:00Z  passport\n"
            "tenants/default/subjects/s1/requests/r2  erase  completed  -                     "
            "-                              -                     -\n");
  EXPECT_EQ(result.err, "log entry 0/0/42\n");
}

TEST_F(RequestCommandsTest, ListsThoseThatAreOpen) {
  const CliResult result = Run({"list", "s1", "--open", "--for", "rights"});
  EXPECT_EQ(vault_.said().back(),
            R"(ListRequestsRequest subject: "tenants/default/subjects/s1" open_only: true )"
            R"(usage { purpose: "rights" })");
  EXPECT_THAT(result.out, AllOf(HasSubstr("/requests/r1 "), Not(HasSubstr("/requests/r2 "))));
  EXPECT_EQ(Run({"list"}).code, kExitUsage);
}

// Programs get the answer as it came, with what no longer holds.
TEST_F(RequestCommandsTest, AsJsonTheListHasAllRefusals) {
  EXPECT_THAT(Run({"list", "s1", "--output", "json"}).out,
              AllOf(HasSubstr("contract_active_without_termination"), HasSubstr("\"lapsed\": true"),
                    HasSubstr("SUBJECT_REQUEST_STATE_COMPLETED")));
}

TEST_F(RequestCommandsTest, HelpSaysWhatFollows) {
  for (const auto& [command, follows] :
       {std::pair{"open", "nobody uses the fields"}, std::pair{"confirm", "before its requests"},
        std::pair{"refuse", "closed as long as the ground"},
        std::pair{"complete", "closes the request"}, std::pair{"list", "oldest first"}}) {
    const CliResult help = Run({command, "--help"});
    EXPECT_EQ(help.code, kExitOk);
    EXPECT_THAT(help.out, HasSubstr(follows)) << command;
  }
}

}  // namespace
}  // namespace piivault::ops
