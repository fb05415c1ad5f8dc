#include "tests/authz/hostile_policies.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/authz/grounds_policy.h"

namespace piivault::authz {

const std::string_view kGoodPolicy = R"yaml(policy: good
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
const std::string_view kGoodValues = "policy: good\nvalues: {keep: 30}\n";

void PrintTo(const HostilePolicy& policy, std::ostream* out) { *out << policy.name; }

namespace {

struct BadPolicy {
  const char* name;
  const char* find;  // Replaced in the good policy; empty: appended.
  const char* replace;
  int line;
  const char* message;
};

struct BadGrounds {
  const char* name;
  const char* find;     // In the policy of grounds, with notices.
  const char* replace;  // By this; the diagnostic is in the line of its last line's beginning.
  const char* message;
};

struct Odd {
  const char* name;
  const char* yaml;
  int line;
  const char* message;
};

constexpr std::string_view kNotices = R"yaml(collection_notices:
  general: {label: on the form, clause: 003-14, purposes: [plain, known]}
)yaml";

constexpr BadPolicy kBadPolicies[] = {
    {"HoldOfNoLaw", "",
     "  - {id: tax, hold: JP-tax, fields: [user.*], trigger: cancelled, keep: 7y, then: keep}\n"
     "laws: [JP-APPI, JP-taxes]\n",
     24, "'JP-tax' is none of the policy's laws"},
    {"HoldWithoutLaws", "",
     "  - {id: tax, hold: JP-tax, fields: [user.*], trigger: cancelled, keep: 7y, then: keep}\n",
     24, "'JP-tax' is none of the policy's laws"},
    {"DisputesWithoutTypes", "",
     "  - {id: told, fields: [user.*], if: case_is_complaint_or_dispute, trigger: case_closed,\n"
     "     keep: 3y, then: destroy}\n"
     "matters: {case: {types: [inquiry]}, plea: {about: tenant, types: [dispute]}, other: {}}\n",
     24, "no matter of persons is a complaint or a dispute"},
    {"TypeOfMatterTwice", "", "matters: {case: {types: [inquiry, dispute, inquiry]}}\n", 24,
     "'types' twice"},
    {"NoTypesOfMatter", "", "matters: {case: {types: []}}\n", 24, "no type is named"},
    {"ApprovalByWhoMayNot", "",
     "  - {id: more, fields: [user.*], trigger: cancelled, keep: 0, then: destroy,\n"
     "     approval: engineer}\n",
     25, "'engineer' may not approve destructions"},
    {"DestructionsApprovedByWhoMayNot", "recipients: []",
     "  - {id: approve, role: engineer, may: [approve_destruction], for: [work]}\n"
     "retention_rules: {approval: app}\nrecipients: []",
     22, "'app' may not approve destructions"},
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

constexpr BadGrounds kBadGrounds[] = {
    {"UnknownAgeRule", "timezone: Asia/Tokyo", "timezone: Asia/Tokyo\nage: {reached: at_noon}",
     "on_birthday"},
    {"AcknowledgementWithinForEver", "from: 2025-05-01, within: 30d", "from: 2025-05-01",
     "go together"},
    {"MatterNamedAsAnArgument", "  project: {about", "  parent: {about", "not a kind of matter"},
    {"MatterWithoutStates", "states: [open, cancelled, completed]", "states: []",
     "at least one state"},
    {"MatterAboutNobody", "about: tenant", "about: nobody", "unknown about"},
    {"MatterDiffersInCase", "  project: {about", "  Order: {about", "only in case"},
    {"UnknownMatter", "consult: {matter: consultation}", "consult: {matter: consultaton}",
     "did you mean 'consultation'"},
    {"UnknownState", "state: [cancelled, completed]", "state: [cancelled, complete]",
     "did you mean 'completed'"},
    {"NoState", "state: [cancelled, completed]", "state: []", "no state is named"},
    {"NoMatter", "consult: {matter: consultation}", "consult: {matter: []}", "no matter is named"},
    {"MatterTwice", "consult: {matter: consultation}",
     "consult: {matter: [consultation, {kind: consultation, state: closed}]}", "twice"},
    {"UnknownMatterOfARole", "matter: [consultation, project]", "matter: [consultation, projet]",
     "did you mean 'project'"},
    {"NeedThatIsAMatter", "move: {matter: project}", "move: {needs: [project]}", "kind of matter"},
    {"FollowsFromNothing", "follows: [plain, known]", "follows: []", "follows from no purpose"},
    {"FollowsFromTheUnknown", "follows: [plain, known]", "follows: [plane]",
     "did you mean 'plain'"},
    {"FollowsFromItself", "follows: [plain, known]", "follows: [close]",
     "follows from another purpose itself"},
    {"FollowsFromWhatFollows", "  known: {}", "  known: {}\n  far: {follows: close}",
     "follows from another purpose itself"},
    {"FollowsAndDespiteNotice", "needs: [reason]", "needs: [reason], despite_notice: true",
     "that one's notice counts"},
    {"FollowsFromConsentWithout", "follows: [plain, known]", "follows: [plain, extra]",
     "without it"},
    {"ConsentToAPurposeNotRequired", "extra: {consent: required}", "extra: {consent: wanted}",
     "one of: required"},
    {"ResumeUseByStaff", "role: other, may: [reveal, list]", "role: other, may: [resume_use]",
     "for the person alone"},
    {"AcknowledgementOfNoHash", "acknowledgement: {document: aaaa", "acknowledgement: {document: A",
     "hexadecimal"},
    {"AcknowledgementWithoutDocument",
     "{document: aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd, from", "{from",
     "'document' is missing"},
    {"AcknowledgementInMonths", "within: 30d", "within: 1mo", "days or weeks"},
    {"AcknowledgementFromNoDay", "from: 2025-05-01", "from: 2025-02-30", "not a day"},
    {"AcknowledgementAsNda", "staffer: {kind: staff, nda: none",
     "staffer: {kind: staff, nda: [acknowledgement]", "not an NDA"},
    {"FieldNeedOfOldName", "needs: [fields]", "needs: [field_subset]", "unknown needs"},
    {"UnknownChannelOfAField", "channels: [cookie]", "channels: [cooky]", "did you mean 'cookie'"},
    {"UnknownChannelOfAType", "    channels: [web, phone]", "    channels: [web, phon]",
     "did you mean 'phone'"},
    {"NoChannel", "channels: [cookie]", "channels: []", "no channel at all"},
    {"RetiredAndRequired", "retired: true", "retired: true, required: true", "neither required"},
    {"RetiredAndUnique", "old: {type: text, retired: true}",
     "old: {type: external_account_id, retired: true, unique: true}", "nor unique"},
    {"ConsentTwice", "- {id: third, event: third_party", "- {id: other-purpose, event: third_party",
     "there already"},
    {"ConsentUnderAgeZero", "when: before_provision}",
     "when: before_provision}\n  - {id: y, event: collection, under_age: 0, when: at_collection}",
     "1 to 120"},
    {"ConsentUnderAgeMethuselah", "when: before_provision}",
     "when: before_provision}\n  - {id: y, event: collection, under_age: 121, when: at_collection}",
     "1 to 120"},
    {"ConsentOfOldCondition", "when: before_provision}",
     "when: before_provision, if: age_under_16}", "unknown key 'if'"},
    {"LinkWithoutFields", "when: before_provision}",
     "when: before_provision}\n  - {id: l, event: link, when: at_link}", "brings fields"},
    {"CollectionTooLate", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: before_use}", "too late"},
    {"CollectionByAUser", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: at_collection, who: "
     "registered_user}",
     "subject or guardian"},
    {"AgreedItemsOfNothing", "when: before_provision}",
     "when: before_provision}\n  - {id: c, event: collection, when: at_collection, scope: "
     "agreed_items}",
     "agreed items are of fields"},
    {"GuardianOfAThirdParty", "when: before_provision}", "when: before_provision, who: guardian}",
     "when data comes in"},
    {"AgeOfAThirdParty", "when: before_provision}", "when: before_provision, under_age: 16}",
     "when data comes in"},
    {"NoticeOfNothing", "purposes: [plain, known]", "purposes: []", "what the data is for"},
    {"NoticeWithoutPurposes", "clause: 003-14, purposes: [plain, known]}", "clause: 003-14}",
     "'purposes' is missing"},
    {"NoticeOfTheUnknown", "purposes: [plain, known]", "purposes: [plain, knows]",
     "did you mean 'known'"},
    {"NoticeTwice", "  general: {label: on the form",
     "  GENERAL: {purposes: [plain]}\n  general: {label: on the form", "only in case"},
};

constexpr Odd kOdd[] = {
    {"OnlyALineEnd", "\n", 1, ""},
    {"OnlyAComment", "# only a comment\n", 1, ""},
    {"List", "[]", 1, "a map"},
    {"Word", "policy", 1, "a map"},
    {"Null", "~", 1, "a map"},
    {"EmptyDocument", "---\n...\n", 2, ""},
    {"NameThatIsAList", "policy: [a]", 1, ""},
    {"NameThatIsAMap", "policy: {a: b}", 1, ""},
    {"NumbersAsSections", "types: 1\nroles: 2\ngrants: 3\n", 1, ""},
};

// REQUIRES: `find` is there.
std::string Replaced(std::string text, std::string_view find, std::string_view replace) {
  const size_t at = text.find(find);
  EXPECT_NE(at, std::string::npos) << find;
  return at == std::string::npos ? text : text.replace(at, find.size(), replace);
}

// 1 for the first.
int LineOf(const std::string& text, std::string_view part) {
  const size_t at = std::min(text.find(part), text.size());
  return 1 + static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n'));
}

PolicyText TextOf(std::string yaml, std::string values = "") {
  PolicyText text;
  text.yaml = std::move(yaml);
  text.values_yaml = std::move(values);
  return text;
}

std::string Repeated(std::string_view part, size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) text += part;
  return text;
}

// Nine of nine of nine …
std::string AliasBomb() {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [*" + before + Repeated(", *" + before, 8) + "]\n";
  }
  return bomb;
}

HostilePolicy ParameterBomb() {
  std::string values = "policy: p\nvalues: {big: [";
  for (int i = 0; i < 4000; ++i) values += "x" + std::to_string(i) + ", ";
  return {"ParameterBomb",
          TextOf("policy: p\nparams: {big: {type: list}}\nlaws: [" +
                     Repeated("\"${big}\", ", 4000) + "]\n",
                 values + "]}\n"),
          3, "too large"};
}

std::string ManyKeys() {
  std::string keys;
  for (int i = 0; i < 60'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  return keys;
}

// What costs more than it seems to.
void AddBombs(std::vector<HostilePolicy>* out) {
  out->push_back({"AliasBomb", TextOf(AliasBomb()), 1, "anchors and aliases"});
  out->push_back(ParameterBomb());
  out->push_back({"DeepLists", TextOf("policy: " + Repeated("[", 5000) + "x" + Repeated("]", 5000)),
                  1, "nested deeper than 16"});
  out->push_back({"DeepMaps",
                  TextOf("policy: " + Repeated("{a: ", 5000) + "x" + Repeated("}", 5000)), 1,
                  "nested deeper than 16"});
  out->push_back({"ManyKeys", TextOf(ManyKeys()), 4097, "more than 4096 keys"});
  out->push_back({"ManyItems", TextOf("policy: p\nlaws: [" + Repeated("x,", 5000) + "]\n"), 2,
                  "more than 4096 items"});
  // Lists of lists, none of them long: 3 bytes for each node.
  out->push_back(
      {"ManyNodes",
       TextOf("policy: p\nlaws:\n" + Repeated("- [" + Repeated("[],", 3000) + "]\n", 68)), 69,
       "more than 200000 words, lists and maps"});
  out->push_back(
      {"OneByteTooLarge", TextOf(std::string(Policy::kMaxBytes + 1, '#')), 0, "larger than"});
  out->push_back({"TenMegabytes", TextOf(std::string(10'000'000, '#')), 0, "larger than"});
}

}  // namespace

std::vector<HostilePolicy> HostilePolicies() {
  std::vector<HostilePolicy> out;
  for (const BadPolicy& bad : kBadPolicies) {
    std::string yaml = *bad.find == '\0'
                           ? std::string(kGoodPolicy) + bad.replace
                           : Replaced(std::string(kGoodPolicy), bad.find, bad.replace);
    out.push_back(
        {bad.name, TextOf(std::move(yaml), std::string(kGoodValues)), bad.line, bad.message});
  }
  const std::string grounds = std::string(kGroundsPolicy) + std::string(kNotices);
  for (const BadGrounds& bad : kBadGrounds) {
    std::string yaml = Replaced(grounds, bad.find, bad.replace);
    const std::string_view replaced(bad.replace);
    const size_t last = replaced.rfind('\n');
    const int line = LineOf(yaml, replaced.substr(last == replaced.npos ? 0 : last + 1));
    out.push_back({bad.name, TextOf(std::move(yaml)), line, bad.message});
  }
  for (const Odd& odd : kOdd) out.push_back({odd.name, TextOf(odd.yaml), odd.line, odd.message});
  AddBombs(&out);
  return out;
}

}  // namespace piivault::authz
