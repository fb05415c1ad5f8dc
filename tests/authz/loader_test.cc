// What is refused, where it says so, and that it says everything at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/authz/policy_files.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

using ::testing::HasSubstr;

// A good policy in lines that are easy to count. Line 1 is "policy: good".
constexpr std::string_view kGood = R"yaml(policy: good
params:
  keep: {type: days}
types:
  user:
    fields:
      email: {type: email_address, index: true}
      birth: birth_date
      memo: free_text
      login: {type: password_credential, read: never}
groups:
  contact: [user.email]
purposes:
  work: {needs: [ticket]}
  count: {output: aggregate_only}
roles:
  engineer: {kind: staff, nda: [pledge]}
  app: {kind: service}
grants:
  - {id: read, role: engineer, may: [reveal], fields: [user.*], for: [work]}
recipients: []
retention:
  - {id: all, fields: [user.*], trigger: account_deleted, keep: "${keep}", then: destroy}
)yaml";
constexpr std::string_view kValues = "policy: good\nvalues: {keep: 30}\n";

std::shared_ptr<const Policy> Load(std::string yaml, std::string values, Diagnostics* diagnostics) {
  PolicyText text;
  text.yaml = std::move(yaml);
  text.values_yaml = std::move(values);
  return Policy::Load(text, diagnostics);
}

struct BadPolicy {
  const char* name;
  const char* find;  // Replaced in the good policy; empty: appended.
  const char* replace;
  int line;
  const char* message;  // Part of the diagnostic in that line.
};

void PrintTo(const BadPolicy& bad, std::ostream* out) { *out << bad.name; }

class BadPolicyTest : public ::testing::TestWithParam<BadPolicy> {};

TEST_P(BadPolicyTest, IsRefusedInItsLine) {
  const BadPolicy& bad = GetParam();
  std::string yaml(kGood);
  if (*bad.find == '\0') {
    yaml += bad.replace;
  } else {
    const size_t at = yaml.find(bad.find);
    ASSERT_NE(at, std::string::npos);
    yaml.replace(at, std::string_view(bad.find).size(), bad.replace);
  }
  Diagnostics diagnostics;
  EXPECT_EQ(Load(yaml, std::string(kValues), &diagnostics), nullptr);
  const bool found = std::any_of(
      diagnostics.items().begin(), diagnostics.items().end(), [&](const Diagnostic& item) {
        return item.severity == Severity::kError && item.file == "policy.yaml" &&
               item.line == bad.line &&
               (item.message + " " + item.hint).find(bad.message) != std::string::npos;
      });
  EXPECT_TRUE(found) << "wanted line " << bad.line << " with \"" << bad.message << "\", got:\n"
                     << diagnostics.ToString();
}

constexpr BadPolicy kBadPolicies[] = {
    {"UnknownTopKey", "recipients: []", "recipient: []", 21, "did you mean 'recipients'"},
    {"UnknownGrantKey", "fields: [user.*], for", "feilds: [user.*], for", 20,
     "unknown key 'feilds'"},
    {"DuplicateKey", "  app: {kind: service}", "  engineer: {kind: service}", 18, "duplicate key"},
    {"DuplicateKeyInFlowMap", "role: engineer, may", "role: engineer, role: app, may", 20,
     "duplicate key 'role'"},
    {"DuplicateGrantId", "recipients: []",
     "  - {id: read, role: app, may: [list], types: [user]}\nrecipients: []", 21, "there already"},
    {"GrantIdDiffersInCase", "recipients: []",
     "  - {id: Read, role: app, may: [list], types: [user]}\nrecipients: []", 21, "only in case"},
    {"Anchor", "email: {type", "email: &a {type", 7, "anchors"},
    {"MergeKey", "      birth: birth_date", "      <<: birth_date", 8, "not a field name"},
    {"Tag", "birth: birth_date", "birth: !!str birth_date", 8, "tags are not allowed"},
    {"SecondDocument", "", "---\npolicy: other\n", 0, "more than one document"},
    {"BareStar", "fields: [user.*], for", "fields: ['*'], for", 20, "bare '*'"},
    {"UnknownField", "fields: [user.*], for", "fields: [user.emial], for", 20,
     "did you mean 'email'"},
    {"UnknownType", "fields: [user.*], for", "fields: [usr.*], for", 20, "did you mean 'user'"},
    {"UnknownGroup", "fields: [user.*], for", "fields: [contacts], for", 20,
     "did you mean 'contact'"},
    {"TypeUsedAsGroup", "fields: [user.*], for", "fields: [user], for", 20, "'user.*'"},
    {"GroupOfNothing", "contact: [user.email]", "contact: []", 12, "matches nothing"},
    {"UnknownPurpose", "for: [work]", "for: [works]", 20, "did you mean 'work'"},
    {"UnknownVerb", "may: [reveal]", "may: [reveel]", 20, "did you mean 'reveal'"},
    {"UnknownRole", "role: engineer", "role: enginer", 20, "did you mean 'engineer'"},
    {"RoleWithCyrillicLetter", "  engineer: {", "  \xd0\xb5ngineer: {", 17, "not a role name"},
    {"RoleInFullWidth", "  engineer: {", "  \xef\xbd\x85ngineer: {", 17, "not a role name"},
    {"RoleWithCombiningAccent", "  engineer: {", "  engine\xcc\x81r: {", 17, "not a role name"},
    {"RoleWithZeroWidthSpace", "  engineer: {", "  engi\xe2\x80\x8bneer: {", 17, "not a role name"},
    {"RoleDiffersInCase", "  app: {kind", "  Engineer: {kind", 18, "only in case"},
    {"RightToLeftOverride", "recipients: []", "recipients: [] # \xe2\x80\xae", 21, "U+202e"},
    {"SystemRole", "  app: {", "  vault_admin: {", 18, "role of the vault itself"},
    {"SystemRolePrivacyOfficer", "  app: {", "  privacy_officer: {", 18, "vault itself"},
    {"InvalidUtf8", "recipients: []", "recipients: [] # \xff", 21, "UTF-8"},
    {"OverlongUtf8", "recipients: []", "recipients: [] # \xc0\xaf", 21, "UTF-8"},
    {"ControlCharacter", "recipients: []", "recipients: [] # \x01", 21, "U+0001"},
    {"UnknownSemanticType", "birth: birth_date", "birth: birth_day", 8,
     "did you mean 'birth_date'"},
    {"IndexOnLowCardinality", "birth: birth_date", "birth: {type: birth_date, index: true}", 8,
     "so few values"},
    {"UniqueOnLowCardinality", "birth: birth_date", "birth: {type: birth_date, unique: true}", 8,
     "so few values"},
    {"DeterministicTokenOnLowCardinality", "birth: birth_date",
     "birth: {type: birth_date, token: deterministic}", 8, "deterministic"},
    {"IndexOnSecret", "memo: free_text", "memo: {type: text, class: comm_secret, index: true}", 9,
     "no index"},
    {"CredentialThatIsRead", ", read: never}", "}", 10, "read: never"},
    {"TokenOfWhatIsNeverRead", "read: never}", "read: never, token: random}", 10, "no tokens"},
    {"MaskOfAnotherType", "birth: birth_date", "birth: {type: birth_date, mask: last4}", 8,
     "no such mask"},
    {"BadPattern", "memo: free_text", "memo: {type: text, pattern: '(a'}", 9, "RE2"},
    {"ChoiceWithoutChoices", "memo: free_text", "memo: {type: choice}", 9, "'choices' is missing"},
    {"RevealOfWhatIsNeverRead", "fields: [user.*], for", "fields: [user.login], for", 20,
     "never shown"},
    {"SearchWithoutIndex", "may: [reveal], fields: [user.*]", "may: [search], fields: [user.memo]",
     20, "no index"},
    {"VerbMatchesNothing", "may: [reveal], fields: [user.*]", "may: [search], fields: [user.login]",
     20, "cannot be granted"},
    {"PurposeMissingInGrant", ", for: [work]", "", 20, "needs purposes"},
    {"AggregateOnlyPurposeRevealed", "for: [work]", "for: [count]", 20, "limits the output"},
    {"ViewWithoutValues", "may: [reveal], fields: [user.*], for: [work]",
     "may: [list], types: [user], view: masked", 20, "view goes with verbs"},
    {"StaffRoleSilentAboutNda", "{kind: staff, nda: [pledge]}", "{kind: staff}", 17, "which NDA"},
    {"NdaEmptyList", "nda: [pledge]", "nda: []", 17, "never admit"},
    {"NdaNotStatedWithoutDefault", "nda: [pledge]", "nda: not_stated", 17, "nda_when_not_stated"},
    {"NdaUnknownKind", "nda: [pledge]", "nda: [handshake]", 17, "unknown kind of attestation"},
    {"ScopeOfAnotherKind", "{kind: service}", "{kind: service, scope: own_tenant}", 18,
     "does not go with"},
    {"ParameterUnset", "keep: {type: days}", "keep: {type: days}\n  more: {type: days}", 4,
     "'more' is not set"},
    {"ParameterUnused", "\"${keep}\"", "30d", 3, "is not used"},
    {"ParameterUnknown", "\"${keep}\"", "\"${kept}\"", 23, "no such parameter"},
    {"ParameterInsideText", "\"${keep}\"", "\"about ${keep}\"", 23, "stands alone"},
    {"EmptyValue", "recipients: []", "recipients:", 21, "has no value"},
    {"ListWhereMapIsNeeded", "roles:\n", "roles: []\nchannels:\n", 16, "map"},
    {"UnknownTimezone", "recipients: []", "recipients: []\ntimezone: Mars/Olympus", 22,
     "unknown time zone"},
    {"UnknownTrigger", "account_deleted", "account_delete", 23, "did you mean 'account_deleted'"},
    {"ProcessorForbidden", "recipients: []",
     "recipients: [{id: p, kind: processor, fields: [contact], purposes: [work], basis: contract}]",
     21, "processors are forbidden"},
    {"UnknownBasis", "recipients: []",
     "recipients: [{id: p, kind: any, fields: [contact], purposes: [work], basis: because}]", 21,
     "unknown basis"},
    {"CaseWithUnknownExpectation", "",
     "cases:\n  - {as: engineer, does: reveal, expect: NDA_GONE}\n", 25, "unknown expect"},
    {"TabIndentation", "  app: {kind: service}", "\tapp: {kind: service}", 18, "not valid YAML"},
    {"KeyThatIsAList", "recipients: []", "[a, b]: c", 21, "plain word"},
};

INSTANTIATE_TEST_SUITE_P(All, BadPolicyTest, ::testing::ValuesIn(kBadPolicies),
                         [](const auto& bad) { return std::string(bad.param.name); });

TEST(LoaderTest, GoodPolicyLoads) {
  Diagnostics diagnostics;
  const auto policy = Load(std::string(kGood), std::string(kValues), &diagnostics);
  ASSERT_NE(policy, nullptr) << diagnostics.ToString();
  EXPECT_TRUE(diagnostics.items().empty());
  EXPECT_EQ(policy->retention()[0].keep, "30d");
  EXPECT_EQ(policy->FindField("user.email"), policy->FindField(policy->FindType("user"), "email"));
  EXPECT_EQ(policy->FindField("user.emai"), kNoField);
  EXPECT_EQ(policy->FindField(kNoType, "email"), kNoField);
}

TEST(LoaderTest, HashCoversBothTextsToTheByte) {
  Diagnostics diagnostics;
  const auto hash = [&](std::string yaml, std::string values) {
    const auto policy = Load(std::move(yaml), std::move(values), &diagnostics);
    return policy == nullptr ? std::string() : policy->hash_hex();
  };
  const std::string good(kGood);
  const std::string values(kValues);
  const std::string first = hash(good, values);
  ASSERT_EQ(first.size(), 64u);
  EXPECT_EQ(hash(good, values), first);
  EXPECT_NE(hash(good + "# more\n", values), first);
  EXPECT_NE(hash(good, values + "# more\n"), first);
  // The border between the two is part of what is hashed.
  EXPECT_NE(hash(good + "#", values), hash(good, "#\n" + values));
}

TEST(LoaderTest, HashIsAsWrittenDown) {
  PolicyText text;
  text.yaml =
      "policy: p\ntypes: {t: {fields: {a: text}}}\nroles: {r: {kind: service}}\ngrants: []\n";
  const auto policy = Policy::Load(text);
  ASSERT_TRUE(policy.ok()) << policy.status();
  // SHA-256 of the header, both lengths and both texts, by another implementation.
  EXPECT_EQ((*policy)->hash_hex(),
            "c9d15ebc6b68aefe4815d1f443f1a2ccd3da626e8af0ad17e94fa7584a9d41e3");
}

TEST(LoaderTest, AllProblemsAreReportedAtOnceInOrder) {
  Diagnostics diagnostics;
  std::string yaml(kGood);
  yaml.replace(yaml.find("birth_date"), 10, "birth_day");
  yaml.replace(yaml.find("[reveal]"), 8, "[reveel]");
  yaml += "colour: blue\n";
  EXPECT_EQ(Load(yaml, std::string(kValues), &diagnostics), nullptr);
  ASSERT_EQ(diagnostics.error_count(), 3u) << diagnostics.ToString();
  EXPECT_EQ(diagnostics.items()[0].line, 8);
  EXPECT_EQ(diagnostics.items()[1].line, 20);
  EXPECT_EQ(diagnostics.items()[2].line, 24);
  EXPECT_EQ(diagnostics.items()[0].column, 14);
  EXPECT_THAT(diagnostics.items()[0].ToString(), HasSubstr("policy.yaml:8:14: error: "));
}

TEST(LoaderTest, StatusNamesTheFirstErrors) {
  PolicyText text;
  text.yaml = "policy: p\ncolour: blue\n";
  const auto policy = Policy::Load(text);
  EXPECT_EQ(policy.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(policy.status().message()), HasSubstr("unknown key 'colour'"));
}

TEST(LoaderTest, ValuesFileIsCheckedInItsOwnLines) {
  Diagnostics diagnostics;
  EXPECT_EQ(Load(std::string(kGood), "policy: good\nvalues:\n  keep: soon\n", &diagnostics),
            nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("policy.values.yaml:3:9: error: "));
  Diagnostics other;
  EXPECT_EQ(Load(std::string(kGood), "policy: bad\nvalues:\n  keep: 1\n  hold: 2\n", &other),
            nullptr);
  EXPECT_THAT(other.ToString(), HasSubstr("policy.values.yaml:1:9: error: "));
  EXPECT_THAT(other.ToString(), HasSubstr("no parameter 'hold'"));
}

TEST(LoaderTest, ForbiddenEmploymentIsNotAdmittedByARole) {
  Diagnostics diagnostics;
  std::string yaml(kGood);
  yaml.replace(yaml.find("nda: [pledge]}"), 14, "nda: [pledge], employment: [outsourced]}");
  yaml += "forbidden_employment: [outsourced]\n";
  EXPECT_EQ(Load(yaml, std::string(kValues), &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr(":24:"));
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("forbidden to everybody"));
}

TEST(LoaderTest, AliasBombIsRefusedBeforeItGoesOff) {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const char before = static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) bomb += std::string(i == 0 ? "*" : ", *") + before;
    bomb += "]\n";
  }
  Diagnostics diagnostics;
  EXPECT_EQ(Load(bomb, "", &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("anchors and aliases"));
}

TEST(LoaderTest, ParameterBombIsRefused) {
  std::string yaml = "policy: p\nparams: {big: {type: list}}\nlaws: [";
  std::string values = "policy: p\nvalues: {big: [";
  for (int i = 0; i < 4000; ++i) {
    yaml += "\"${big}\", ";
    values += "x" + std::to_string(i) + ", ";
  }
  Diagnostics diagnostics;
  EXPECT_EQ(Load(yaml + "]\n", values + "]}\n", &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("too large"));
}

TEST(LoaderTest, DepthIsBounded) {
  for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{a: ", "}")}) {
    std::string deep = "policy: ";
    for (int i = 0; i < 5000; ++i) deep += open;
    deep += "x";
    for (int i = 0; i < 5000; ++i) deep += close;
    Diagnostics diagnostics;
    EXPECT_EQ(Load(deep, "", &diagnostics), nullptr);
    EXPECT_THAT(diagnostics.ToString(), HasSubstr("nested deeper than 16"));
  }
}

TEST(LoaderTest, SizeAndCountsAreBounded) {
  Diagnostics diagnostics;
  EXPECT_EQ(Load(std::string(Policy::kMaxBytes + 1, '#'), "", &diagnostics), nullptr);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("larger than"));

  std::string keys;
  for (int i = 0; i < 60000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  Diagnostics many;
  EXPECT_EQ(Load(keys, "", &many), nullptr);
  EXPECT_THAT(many.ToString(), HasSubstr("more than 4096 keys"));
}

TEST(LoaderTest, DiagnosticsAreBounded) {
  std::string yaml = "policy: p\n";
  for (int i = 0; i < 1000; ++i) yaml += "k" + std::to_string(i) + ": 1\n";
  Diagnostics diagnostics;
  EXPECT_EQ(Load(yaml, "", &diagnostics), nullptr);
  EXPECT_EQ(diagnostics.items().size(), Diagnostics::kMax);
  EXPECT_GE(diagnostics.error_count(), 1000u);
  EXPECT_THAT(diagnostics.ToString(), HasSubstr("more errors"));
}

// Cuts and flips of a real policy: whatever comes of it, it comes back.
TEST(LoaderTest, DamagedPoliciesComeBack) {
  const PolicyText good = ReadPolicy("ops/policies/starter");
  for (size_t i = 0; i < good.yaml.size(); i += 7) {
    PolicyText cut = good;
    cut.yaml.resize(i);
    Diagnostics diagnostics;
    Policy::Load(cut, &diagnostics);
    PolicyText flipped = good;
    flipped.yaml[i] = "{}[]:,&*!|>'\"%@`#-?\n"[i % 20];
    Policy::Load(flipped, &diagnostics);
  }
}

TEST(LoaderTest, EmptyAndOddDocuments) {
  for (const char* yaml : {"", "\n", "# only a comment\n", "[]", "policy", "~", "---\n...\n",
                           "policy: [a]", "policy: {a: b}", "types: 1\nroles: 2\ngrants: 3\n"}) {
    Diagnostics diagnostics;
    EXPECT_EQ(Load(yaml, "", &diagnostics), nullptr) << yaml;
    EXPECT_TRUE(diagnostics.has_errors()) << yaml;
  }
}

TEST(LoaderTest, EndOfDayIsInThePolicysZone) {
  const auto policy = LoadTestPolicy();
  const absl::Time end = policy->EndOfDay(absl::CivilDay(2025, 3, 31));
  EXPECT_EQ(end + absl::Nanoseconds(1),
            absl::FromCivil(absl::CivilSecond(2025, 3, 31, 15, 0, 0), absl::UTCTimeZone()));
}

}  // namespace
}  // namespace piivault::authz
