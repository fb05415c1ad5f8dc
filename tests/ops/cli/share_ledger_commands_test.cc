// `piivault share disclosures` and `share notices`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kHeading[] =
    "date,recipient,recipient_name,recipient_address,representative,country,person,items,purpose,"
    "basis,rule,consents,assertions,token,issuer,disclosure\r\n";

// The row of one person of a disclosure.
std::string Row(const std::string& person, const std::string& disclosure) {
  return absl::StrCat(
      "2030-03-17T17:46:40Z,tenants/default/recipients/yamato,\"Example, \"\"Logistics\"\"\","
      "1-1 Example,A. Head,JP,",
      person, ",account.login account.name customer.name,order,consent,carrier,c1,case=C-1,",
      "tenants/default/exportTokens/e1,principals/shop,tenants/default/disclosures/", disclosure,
      "\r\n");
}

class ShareLedgerCommandsTest : public ::testing::Test {
 protected:
  CliResult Run(const std::vector<std::string>& arguments) {
    std::vector<std::string> all = vault_.Flags();
    all.emplace_back("share");
    all.insert(all.end(), arguments.begin(), arguments.end());
    return RunPiivault(all);
  }
  // What the vault was asked, all of it.
  std::vector<std::string> Heard() const { return vault_.said(); }

  const ScratchFolder folder_;
  FakeVault vault_;
};

TEST_F(ShareLedgerCommandsTest, ListsDisclosures) {
  const CliResult result = Run({"disclosures", "--subject", "p1", "--recipient", "yamato", "--for",
                                "own_data", "--ticket", "T-1"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("RECIPIENT"), HasSubstr("disclosures/d1"),
                                HasSubstr("disclosures/d2"), HasSubstr("consent")));
  EXPECT_EQ(Heard()[0],
            "ListDisclosuresRequest parent: \"tenants/default\" "
            "subject: \"tenants/default/subjects/p1\" "
            "recipient: \"tenants/default/recipients/yamato\" "
            "usage { purpose: \"own_data\" ticket: \"T-1\" } page_size: 1000");
}

TEST_F(ShareLedgerCommandsTest, TheProvisionRecordHasARowForEachPerson) {
  const CliResult result =
      Run({"disclosures", "--recipient", "yamato", "--provision-record", "--for", "x"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_EQ(result.out,
            kHeading + Row("aa", "d1") + Row("bb", "d1") + Row("aa", "d2") + Row("bb", "d2"));
  EXPECT_EQ(result.err, "4 rows\n");
  ASSERT_EQ(Heard().size(), 3u);
  EXPECT_EQ(Heard()[2],
            "StreamDisclosedRecordsRequest disclosure: \"tenants/default/disclosures/d2\" "
            "usage { purpose: \"x\" }");
}

TEST_F(ShareLedgerCommandsTest, TheProvisionRecordOfAPersonHasNobodyElse) {
  const CliResult result = Run({"disclosures", "--subject", "p1", "--provision-record"});
  EXPECT_EQ(result.out, kHeading + Row("aa", "d1") + Row("aa", "d2"));
  EXPECT_EQ(Heard().size(), 1u);
}

TEST_F(ShareLedgerCommandsTest, TheProvisionRecordOfOneDisclosureGoesToANewFile) {
  const std::vector<std::string> command = {
      "disclosures",        "--disclosure", "tenants/default/disclosures/d1",
      "--provision-record", "--out",        folder_.File("record.csv")};
  EXPECT_EQ(Run(command).code, kExitOk);
  EXPECT_EQ(folder_.Read("record.csv"), kHeading + Row("aa", "d1") + Row("bb", "d1"));
  EXPECT_EQ(Heard().size(), 1u);
  EXPECT_EQ(Run(command).code, kExitError);
  EXPECT_EQ(Heard().size(), 1u);
}

TEST_F(ShareLedgerCommandsTest, TheProvisionRecordAsJsonLines) {
  const CliResult result = Run({"--output", "json", "disclosures", "--disclosure",
                                "tenants/default/disclosures/d1", "--provision-record"});
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 2);
  EXPECT_THAT(result.out, StartsWith("{\"date\":\"2030-03-17T17:46:40Z\",\"recipient\":"
                                     "\"tenants/default/recipients/yamato\",\"recipient_name\":"
                                     "\"Example, \\\"Logistics\\\"\""));
}

TEST_F(ShareLedgerCommandsTest, ARecordThatLeavesSomeOutIsNone) {
  const CliResult result = Run({"disclosures", "--recipient", "yamato", "--provision-record",
                                "--limit", "1", "--out", folder_.File("record.csv")});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("more disclosures than --limit"));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("record.csv")));
}

TEST_F(ShareLedgerCommandsTest, DisclosuresAreAboutSomebodyOrToSomebody) {
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"disclosures"}, {"disclosures", "--provision-record"}}) {
    const CliResult result = Run(more);
    EXPECT_EQ(result.code, kExitUsage);
    EXPECT_THAT(result.err, AllOf(HasSubstr("--subject"), HasSubstr("--recipient")));
  }
  EXPECT_TRUE(Heard().empty());
  EXPECT_EQ(Run({"disclosures", "--help"}).code, kExitOk);
}

TEST_F(ShareLedgerCommandsTest, TheRecordIsOfOneDisclosureOrOfAList) {
  EXPECT_EQ(Run({"disclosures", "--out", folder_.File("x"), "--subject", "p"}).code, kExitUsage);
  EXPECT_EQ(Run({"disclosures", "--disclosure", "d1"}).code, kExitUsage);
  EXPECT_EQ(Run({"disclosures", "--provision-record", "--subject", "p", "--disclosure", "d1"}).code,
            kExitUsage);
  EXPECT_TRUE(Heard().empty());
}

TEST_F(ShareLedgerCommandsTest, ListsNotices) {
  const CliResult result =
      Run({"notices", "--overdue", "--recipient", "yamato", "--limit", "3", "--for", "x"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("correctionNotices/n2"), HasSubstr("withdrawn"),
                                Not(HasSubstr("correctionNotices/n3"))));
  EXPECT_THAT(result.err, HasSubstr("there is more"));
  // Which of them offers new values.
  EXPECT_THAT(result.out, AllOf(HasSubstr("OFFERS"),
                                ContainsRegex("/n1 [^\n]* tenants/default/exportTokens/e7 "),
                                Not(ContainsRegex("/n[02] [^\n]*exportTokens"))));
  EXPECT_EQ(Heard()[0],
            "ListCorrectionNoticesRequest parent: \"tenants/default\" "
            "recipient: \"tenants/default/recipients/yamato\" overdue: true page_size: 3 "
            "usage { purpose: \"x\" }");
  Run({"notices", "--all", "--subject", "p1"});
  EXPECT_THAT(Heard()[1], AllOf(HasSubstr("show_acknowledged: true"),
                                HasSubstr("subject: \"tenants/default/subjects/p1\"")));
}

TEST_F(ShareLedgerCommandsTest, AcknowledgesSome) {
  const CliResult result =
      Run({"notices", "--ack", "n1", "--ack", "tenants/t7/correctionNotices/n2"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  ASSERT_EQ(Heard().size(), 1u);
  EXPECT_EQ(Heard()[0],
            "AcknowledgeCorrectionNoticesRequest names: \"tenants/default/correctionNotices/n1\" "
            "names: \"tenants/t7/correctionNotices/n2\" names: \"2\"");
  EXPECT_THAT(result.out, HasSubstr("correctionNotices/n1"));
}

TEST_F(ShareLedgerCommandsTest, AcknowledgesAllThatAreOpenAThousandAtATime) {
  EXPECT_EQ(Run({"notices", "--ack-all", "--limit", "5000"}).code, kExitOk);
  const std::vector<std::string> heard = Heard();
  ASSERT_EQ(heard.size(), 4u);
  EXPECT_EQ(heard[2],
            "AcknowledgeCorrectionNoticesRequest names: \"tenants/default/correctionNotices/n0\" "
            "names: \"1000\"");
  EXPECT_EQ(heard[3],
            "AcknowledgeCorrectionNoticesRequest "
            "names: \"tenants/default/correctionNotices/n1000\" names: \"500\"");
  EXPECT_EQ(Run({"notices", "--ack-all", "--ack", "n1"}).code, kExitUsage);
  EXPECT_EQ(Run({"notices", "--ack-all", "--all"}).code, kExitUsage);
}

}  // namespace
}  // namespace piivault::ops
