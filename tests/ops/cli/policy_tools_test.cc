// The tools around policies, with and without a vault.
#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "authz/policy.h"
#include "ops/cli/exit_code.h"
#include "tests/ops/cli/fake_vault.h"

namespace piivault::ops {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string Source(const std::string& path) {
  return std::string(PIIVAULT_SOURCE_DIR) + "/" + path;
}

std::string Read(const std::string& path) {
  return (std::ostringstream() << std::ifstream(path).rdbuf()).str();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// The starter policy in which support sees a whole number that it saw masked, and addresses.
std::string Wider(const std::string& starter) {
  return Replaced(
      Replaced(starter,
               "fields: [customer.phone, customer.birth_date], for: [support], view: masked",
               "fields: [customer.phone, customer.birth_date], for: [support]"),
      "customer.email, customer.note]", "customer.email, customer.note, customer.address]");
}

bool IsJson(const std::string& text) {
  google::protobuf::Value value;
  return google::protobuf::util::JsonStringToMessage(text, &value).ok();
}

class PolicyToolsTest : public ::testing::Test {
 protected:
  ScratchFolder folder_;
  const std::string starter_ = Source("ops/policies/starter.yaml");
  const std::string text_ = Read(starter_);
};

TEST_F(PolicyToolsTest, CheckAsJson) {
  CliResult result = RunPiivault({"policy", "check", starter_, "--format", "json"});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_TRUE(IsJson(result.out)) << result.out;
  EXPECT_THAT(result.out, HasSubstr("\"ok\":true"));
  result = RunPiivault(
      {"policy", "check", folder_.Write("bad.yaml", "policy: x\nfeilds: 1\n"), "--format", "json"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_TRUE(IsJson(result.out)) << result.out;
  EXPECT_THAT(result.out, HasSubstr("\"line\":2"));
}

TEST_F(PolicyToolsTest, TestNamesEachFailingCaseWithItsPlace) {
  const std::string wrong = folder_.Write(
      "wrong.yaml", Replaced(text_, "expect: NDA_EXPIRED", "clause: 000-14, expect: NDA_REVOKED"));
  const CliResult result = RunPiivault({"policy", "test", starter_, wrong});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.out, HasSubstr("wrong.yaml:38: case 'expired NDA' (000-14): expected "
                                    "NDA_REVOKED, got NDA_EXPIRED"));
  EXPECT_THAT(result.out, HasSubstr("starter.yaml: 4 cases passed, 0 failed; clauses: none"));
  EXPECT_THAT(result.out, HasSubstr("3 cases passed, 1 failed; clauses: 000-14"));
  EXPECT_THAT(result.out, HasSubstr("8 cases in 2 files: 7 passed, 1 failed"));
  EXPECT_EQ(RunPiivault({"policy", "test", starter_}).code, kExitOk);
  const std::string bad = folder_.Write("bad.yaml", "policy: x\nfeilds: 1\n");
  EXPECT_EQ(RunPiivault({"policy", "test", starter_, bad}).code, kExitError);
  EXPECT_TRUE(IsJson(RunPiivault({"policy", "test", starter_, wrong, "--format", "json"}).out));
}

TEST_F(PolicyToolsTest, TestPassesOverTheValuesOfPoliciesThatAreNamedToo) {
  const std::string policy = Source("ops/policies/combzmail.yaml");
  const std::string values = Source("ops/policies/combzmail.values.yaml");
  const CliResult result = RunPiivault({"policy", "test", values, policy, starter_});
  EXPECT_EQ(result.code, kExitOk) << result.out;
  EXPECT_THAT(result.out, HasSubstr(" cases in 2 files: "));
  EXPECT_EQ(RunPiivault({"policy", "test", values, starter_}).code, kExitError);
}

TEST_F(PolicyToolsTest, WhatDoesNotLoadIsSaidOnLinesOfItsOwn) {
  const std::string bad = folder_.Write("bad.yaml", "policy: x\nfeilds: 1\n");
  const CliResult result = RunPiivault({"policy", "diff", starter_, bad});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("the policy does not load:\n    " + bad));
  EXPECT_THAT(result.err, HasSubstr("unknown key 'feilds'"));
}

TEST_F(PolicyToolsTest, ExplainSaysWhichGrantGivesOrWhatIsMissing) {
  const std::vector<std::string> call = {"policy",         "explain", starter_,        "--as",
                                         "engineer",       "--does",  "reveal",        "--fields",
                                         "customer.email", "--for",   "technical_work"};
  CliResult result = RunPiivault(call);
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, HasSubstr("refused: TICKET_MISSING"));
  EXPECT_THAT(result.out, HasSubstr("missing: ticket"));
  std::vector<std::string> with_ticket = call;
  with_ticket.insert(with_ticket.end(), {"--ticket", "T-1"});
  result = RunPiivault(with_ticket);
  EXPECT_THAT(result.out, HasSubstr("customer.email: plain by grant engineer-work"));
  with_ticket.insert(with_ticket.end(), {"--format", "json"});
  result = RunPiivault(with_ticket);
  EXPECT_TRUE(IsJson(result.out)) << result.out;
  EXPECT_THAT(result.out, HasSubstr("\"verdict\":\"granted\""));
}

TEST_F(PolicyToolsTest, ExplainTakesCasesOfThePolicyAndOthers) {
  CliResult result = RunPiivault({"policy", "explain", starter_, "--case-name", "expired NDA"});
  EXPECT_THAT(result.out, HasSubstr("role engineer: not admitted: NDA_EXPIRED"));
  result = RunPiivault({"policy", "explain", starter_, "--case",
                        "{as: support, does: reveal, fields: [customer.address], for: support, "
                        "ticket: T-1}"});
  EXPECT_THAT(result.out, HasSubstr("customer.address: refused: FIELD_NOT_GRANTED"));
  EXPECT_THAT(result.out, HasSubstr("grant engineer-work of role engineer"));
  result = RunPiivault({"policy", "explain", starter_, "--as",
                        "{role: engineer, employment: outsourced}", "--does", "admit"});
  EXPECT_THAT(result.out, HasSubstr("OUTSOURCING_FORBIDDEN"));
  result = RunPiivault({"policy", "explain", starter_, "--role", "nobody", "--does", "reveal"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, AllOf(HasSubstr("nobody"), HasSubstr("ops/docs/policy.md")));
  EXPECT_EQ(RunPiivault({"policy", "explain", starter_, "--case-name", "no such"}).code,
            kExitNotFound);
  EXPECT_THAT(RunPiivault({"policy", "explain", starter_}).err, HasSubstr("--as and --does"));
  EXPECT_THAT(RunPiivault({"policy", "explain"}).err, HasSubstr("--entry"));
}

TEST_F(PolicyToolsTest, DiffShowsWhatIsGrantedAndEndsWithOne) {
  const std::string wider = folder_.Write("wider.yaml", Wider(text_));
  CliResult result = RunPiivault({"policy", "diff", starter_, wider});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.out, HasSubstr("role support\n"));
  EXPECT_THAT(result.out,
              HasSubstr("  + reveal customer.address for support: plain by grant support-read\n"));
  for (const std::string field : {"phone", "birth_date"}) {
    EXPECT_THAT(result.out,
                HasSubstr("  > wider: reveal customer." + field +
                          " for support: masked by grant support-hint -> plain by grant "
                          "support-hint\n"));
  }
  EXPECT_THAT(result.out, HasSubstr("1 newly granted, 0 no longer granted, 2 granted differently"));
  result = RunPiivault({"policy", "diff", starter_, wider, "--format", "json"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_TRUE(IsJson(result.out)) << result.out;

  const std::string style = folder_.Write("style.yaml", "# a comment\n" + text_);
  result = RunPiivault({"policy", "diff", starter_, style});
  EXPECT_EQ(result.code, kExitOk);
  EXPECT_THAT(result.out, HasSubstr("the two mean the same"));
  EXPECT_THAT(RunPiivault({"policy", "diff", starter_}).err, HasSubstr("--in-force"));
}

// What Python's own parser makes of the page: open tags that are not closed, and everything that
// could load something or run.
constexpr char kHtmlCheck[] = R"py(
import html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
VOID = {"meta", "input", "br", "link", "img"}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.ids, self.targets, self.cells = [], set(), set(), 0
    def handle_starttag(self, tag, attributes):
        assert tag not in {"script", "link", "img", "iframe", "object", "form"}, tag
        for name, value in attributes:
            assert not name.startswith("on") and name not in {"src", "style"}, (tag, name)
            if name == "id":
                assert value not in self.ids, value
                self.ids.add(value)
            if name == "href":
                assert value.startswith("#"), value
                self.targets.add(value[1:])
        if tag == "th":
            assert dict(attributes).get("scope") in {"col", "row", "rowgroup"}
        self.cells += tag == "td"
        if tag not in VOID:
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()
page = Page()
page.feed(text)
page.close()
assert not page.open, page.open
assert page.targets <= page.ids, page.targets - page.ids
assert page.cells > 20
assert not re.search(r"https?:|//|@import|url\(", text)
assert text.count("Content-Security-Policy") == 1 and "default-src 'none'" in text
)py";

TEST_F(PolicyToolsTest, TheMatrixPageIsWholeAndKeepsToItself) {
  const std::string check = folder_.Write("check.py", kHtmlCheck);
  const std::string page = folder_.File("page.html");
  for (const char* policy : {"ops/policies/starter.yaml", "ops/policies/combzmail.yaml"}) {
    const CliResult result = RunPiivault({"policy", "matrix", Source(policy), "--html", page});
    ASSERT_EQ(result.code, kExitOk) << result.err;
    EXPECT_EQ(std::system(("python3 " + check + " " + page).c_str()), 0) << policy;
  }
  EXPECT_THAT(Read(page), AllOf(HasSubstr("コンビーズメール"), HasSubstr("000-23")));
}

TEST_F(PolicyToolsTest, TextsOfThePolicyAreNoMarkup) {
  const std::string evil = folder_.Write(
      "evil.yaml",
      Replaced(text_, "shop: {kind: service}",
               "shop: {kind: service, label: \"<script>alert('1')</script> & \\\"x\"}"));
  const std::string page = folder_.File("page.html");
  ASSERT_EQ(RunPiivault({"policy", "matrix", evil, "--html", page}).code, kExitOk);
  EXPECT_THAT(Read(page),
              AllOf(Not(HasSubstr("<script")), HasSubstr("&lt;script&gt;alert(&#39;1")));
  EXPECT_EQ(std::system(("python3 " + folder_.Write("check.py", kHtmlCheck) + " " + page).c_str()),
            0);
  const CliResult markdown = RunPiivault({"policy", "matrix", evil, "--markdown", "-"});
  EXPECT_THAT(markdown.out, AllOf(StartsWith("# starter"), Not(HasSubstr("<script")),
                                  HasSubstr("| customer.email |")));
  EXPECT_THAT(RunPiivault({"policy", "matrix", evil}).err, HasSubstr("--html"));
}

class PolicyToolsWithVaultTest : public PolicyToolsTest {
 protected:
  PolicyToolsWithVaultTest() { vault_.KnowPolicies({{Hash(text_), text_}, {Hash(new_), new_}}); }

  static std::string Hash(const std::string& yaml) {
    authz::PolicyText text;
    text.yaml = yaml;
    return (*authz::Policy::Load(text))->hash_hex();
  }
  CliResult Run(std::vector<std::string> arguments, const std::string& input = "") {
    const std::vector<std::string> flags = vault_.Flags();
    arguments.insert(arguments.begin(), flags.begin(), flags.end());
    arguments.push_back("--config");
    arguments.push_back(vault_.folder().File("contexts.yaml"));
    return RunPiivault(arguments, input);
  }

  const std::string new_ = Wider(text_);
  FakeVault vault_;
};

TEST_F(PolicyToolsWithVaultTest, ExplainsAnEntryByThePolicyOfItsTime) {
  CliResult result = Run({"policy", "explain", "--entry", "1", "--language", "ja"});
  ASSERT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("principals/tanaka"), HasSubstr("reason: NDA_EXPIRED: "),
                    HasSubstr("what to do: have a new one signed and recorded"),
                    HasSubstr("role: engineer"), HasSubstr("nda nda_contract or pledge"),
                    HasSubstr("purpose: technical_work (技術対応)"),
                    HasSubstr("grant engineer-work"), HasSubstr(Hash(text_))));
  result = Run({"policy", "explain", "--entry", "1", "--format", "json"});
  EXPECT_TRUE(IsJson(result.out)) << result.out;
  EXPECT_EQ(Run({"policy", "explain", "--entry", "7"}).code, kExitNotFound);
}

TEST_F(PolicyToolsWithVaultTest, PoliciesComeFromTheVaultByTheirHash) {
  CliResult result =
      Run({"--tenant", "t7", "policy", "diff", "--in-force", "policies/" + Hash(new_)});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.out, HasSubstr("+ reveal customer.address for support"));
  // A tenant without a policy: all of it is new.
  result = Run({"--tenant", "t8", "policy", "diff", "--in-force", "policies/" + Hash(text_)});
  EXPECT_THAT(result.out, HasSubstr("+ reveal customer.name"));
  EXPECT_EQ(Run({"--tenant", "nowhere", "policy", "diff", "--in-force", starter_}).code,
            kExitNotFound);
  result = Run({"policy", "show", Hash(text_), "--cells"});
  EXPECT_THAT(result.out,
              HasSubstr("reveal customer.phone, customer.birth_date for support: masked "
                        "by grant support-hint; needs ticket"));
  EXPECT_TRUE(IsJson(Run({"--output", "json", "policy", "show", Hash(text_), "--cells"}).out));
}

TEST_F(PolicyToolsWithVaultTest, AnotherTextUnderTheHashIsNotBelieved) {
  vault_.KnowPolicies({{Hash(text_), new_}});
  const CliResult result = Run({"policy", "show", Hash(text_), "--cells"});
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, HasSubstr("another text"));
}

TEST_F(PolicyToolsWithVaultTest, ApprovalShowsWhatAPolicyNewlyGrants) {
  CliResult result = Run({"approvals", "show", "activate"});
  EXPECT_EQ(result.code, kExitOk) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("abc123"), HasSubstr("+ reveal customer.address")));
  result = Run({"approvals", "approve", "activate"}, "no\n");
  EXPECT_EQ(result.code, kExitError);
  EXPECT_THAT(result.err, AllOf(HasSubstr("tenants/t7"), HasSubstr("+ reveal customer.address")));
  EXPECT_LT(result.err.find("+ reveal"), result.err.find("Type yes"));
  EXPECT_THAT(vault_.approvals(), IsEmpty());
  // Who cannot be shown it is not asked.
  vault_.KnowPolicies({{Hash(text_), text_}, {Hash(new_), text_}});
  EXPECT_EQ(Run({"approvals", "approve", "activate"}, "yes\n").code, kExitError);
  EXPECT_THAT(vault_.approvals(), IsEmpty());
}

}  // namespace
}  // namespace piivault::ops
