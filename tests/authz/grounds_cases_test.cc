// Test cases of policies that speak of matters, notices, consent.

#include <gtest/gtest.h>

#include <string>

#include "authz/policy_cases.h"
#include "tests/authz/grounds_policy.h"

namespace piivault::authz {
namespace {

constexpr std::string_view kCases = R"yaml(
  - {id: device, event: collection, fields: [user.place], when: before_collection}
  - {id: young, event: collection, under_age: 16, who: guardian, when: before_collection}
age: {unknown: allow}
collection_notices:
  general: {purposes: [plain, known]}
cases:
  - {name: open, as: app, does: reveal, fields: [user.name], for: consult, with: {consultation: C-1}, subject: {matters: [{kind: consultation, id: C-1}]}, expect: granted}
  - {name: another, as: app, does: reveal, fields: [user.name], for: consult, with: {consultation: C-2}, subject: {matters: [{kind: consultation, id: C-1}]}, expect: MATTER_UNKNOWN}
  - {name: closed, as: app, does: reveal, fields: [user.name], for: consult, with: consultation, subject: {matters: [{kind: consultation, state: closed}]}, expect: MATTER_UNKNOWN}
  - {name: over, as: app, does: reveal, fields: [user.name], for: consult, with: consultation, subject: {matters: [{kind: consultation, until: 2024-12-30}]}, expect: MATTER_UNKNOWN}
  - {name: for others, as: app, does: reveal, fields: [user.name], for: consult, with: consultation, subject: {matters: [{kind: consultation, for: [plain]}]}, expect: MATTER_UNKNOWN}
  - {name: project, as: app, does: reveal, fields: [user.name], for: move, with: [project], matters: [{kind: project}], expect: granted}
  - {name: no project, as: app, does: reveal, fields: [user.name], for: move, with: [project], expect: MATTER_UNKNOWN}
  - {name: instructed, as: app, does: reveal, fields: [user.name], for: entrusted, with: [instruction], matters: [{kind: instruction, party: acme}], subject: {controller: acme}, expect: granted}
  - {name: not instructed, as: app, does: reveal, fields: [user.name], for: entrusted, with: [instruction], matters: [{kind: instruction, party: acme}], subject: {controller: other}, expect: MATTER_UNKNOWN}
  - {name: consented, as: app, does: reveal, fields: [user.name], for: extra, subject: {consented: true}, expect: granted}
  - {name: not consented, as: app, does: reveal, fields: [user.name], for: extra, expect: CONSENT_MISSING}
  - {name: two purposes, as: app, does: reveal, fields: [user.name], for: extra, subject: {consents: [{id: other-purpose, for: [plain, extra]}]}, expect: granted}
  - {name: to another, as: app, does: reveal, fields: [user.name], for: extra, subject: {consents: [{id: other-purpose, for: plain}]}, expect: CONSENT_MISSING}
  - {name: withdrawn, as: app, does: reveal, fields: [user.name], for: extra, subject: {consents: [{id: other-purpose, for: extra, withdrawn: 2024-12-01}]}, expect: CONSENT_MISSING}
  - {name: yet to come, as: app, does: reveal, fields: [user.name], for: extra, subject: {consents: [{id: other-purpose, for: extra, given: 2025-02-01}]}, expect: CONSENT_MISSING}
  - {name: notice, as: app, does: reveal, fields: [user.name], for: plain, subject: {notice: general}, expect: granted}
  - {name: no such notice, as: app, does: reveal, fields: [user.name], for: plain, subject: {notice: old}, expect: NOTICE_FORBIDS}
  - {name: notice stated, as: app, does: create, fields: [user.name], for: plain, channel: web, notice: old, expect: NOTICE_UNKNOWN}
  - {name: young, as: app, does: create, fields: [user.name], for: plain, channel: web, born: 2015-01-01, expect: GUARDIAN_CONSENT_MISSING}
  - {name: young known, as: app, does: create, fields: [user.name], for: plain, channel: web, subject: {born: 2015-01-01, consents: [{id: young}]}, expect: GUARDIAN_CONSENT_MISSING}
  - {name: by guardian, as: app, does: create, fields: [user.name], for: plain, channel: web, born: 2015-01-01, subject: {consents: [{id: young, guardian: true, fields: [user.*]}]}, expect: granted}
  - {name: of other fields, as: app, does: create, fields: [user.name], for: plain, channel: web, born: 2015-01-01, subject: {consents: [{id: young, guardian: true, fields: [user.email]}]}, expect: GUARDIAN_CONSENT_MISSING}
  - {name: of age, as: app, does: create, fields: [user.name], for: plain, channel: web, born: 2008-12-01, collected_at: 2024-12-02, expect: granted}
  - {name: not yet, as: app, does: create, fields: [user.name], for: plain, channel: web, born: 2008-12-01, collected_at: 2024-11-30, expect: GUARDIAN_CONSENT_MISSING}
  - {name: cleared, as: app, does: update, fields: [user.place, user.old], clear: [user.place, user.old], for: plain, channel: web, expect: granted}
  - {name: retired, as: app, does: update, fields: [user.place, user.old], clear: [user.place], for: plain, channel: web, expect: FIELD_RETIRED}
  - {name: in time, as: staffer, does: reveal, fields: [user.name], for: plain, at: 2025-05-31, expect: granted}
  - {name: acknowledged, as: staffer, does: reveal, fields: [user.name], for: plain, at: 2025-06-01, expect: granted}
  - {name: missing, as: {role: staffer, acknowledged: missing}, does: reveal, fields: [user.name], for: plain, at: 2025-06-01, expect: ATTESTATION_MISSING}
  - {name: missing in time, as: {role: staffer, acknowledged: missing}, does: reveal, fields: [user.name], for: plain, at: 2025-05-31, expect: granted}
  - {name: expired, as: {role: staffer, acknowledged: expired}, does: reveal, fields: [user.name], for: plain, at: 2025-06-01, expect: ATTESTATION_EXPIRED}
  - {name: other text, as: {role: staffer, acknowledged: other_document}, does: reveal, fields: [user.name], for: plain, at: 2025-06-01, expect: ATTESTATION_MISSING}
  - {name: bound, as: {role: other, fields: [user.name]}, does: reveal, fields: [user.name], for: plain, expect: granted}
  - {name: bound to others, as: {role: other, fields: [ext.*]}, does: reveal, fields: [user.name], for: plain, expect: FIELD_NOT_GRANTED}
  - {name: admit, as: other, does: admit, expect: FIELD_MISSING}
  - {name: admit for, as: {role: other, fields: [ext.*]}, does: admit, expect: granted}
  - {name: member, as: person, on_behalf_of: self, does: reveal, fields: [user.name], for: plain, subject: {holder: subjects/h}, expect: MEMBER_WITHOUT_ID}
  - {name: holder, as: holder, on_behalf_of: subjects/h, does: reveal, fields: [user.name], for: plain, subject: {holder: subjects/h}, expect: granted}
  - {name: agent, as: agent, on_behalf_of: subjects/a, does: reveal, fields: [user.name], for: plain, subject: {represented_by: [{subject: subjects/a, until: 2025-01-01}]}, expect: granted}
  - {name: agent no more, as: agent, on_behalf_of: subjects/a, does: reveal, fields: [user.name], for: plain, subject: {represented_by: [{subject: subjects/a, until: 2024-12-31}]}, expect: NOT_OWN_RECORD}
)yaml";

// Each fact of the cases has one case where it decides.
TEST(GroundsCasesTest, SayEverythingThatADecisionLooksAt) {
  const auto policy = LoadGroundsPolicy(kCases);
  ASSERT_NE(policy, nullptr);
  const CaseReport report = RunPolicyCases(*policy);
  EXPECT_EQ(report.run, policy->cases().size());
  EXPECT_GT(report.run, 35u);
  for (const CaseFailure& failure : report.failures) ADD_FAILURE() << failure.ToString();
}

TEST(GroundsCasesTest, TypingErrorsInFactsAreReported) {
  for (const auto& [find, replace] :
       {std::pair("{kind: consultation, id: C-1}", "{kind: consultaton, id: C-1}"),
        std::pair("state: closed", "state: close"), std::pair("until: 2024-12-30", "until: soon"),
        std::pair("born: 2015-01-01", "born: 2015"), std::pair("for: [plain, extra]}", "for: [x]}"),
        std::pair("guardian: true, fields: [user.*]", "guardian: true, fields: [usr.*]"),
        std::pair("acknowledged: expired", "acknowledged: revoked"),
        std::pair("fields: [ext.*]}, does: reveal", "fields: [et.*]}, does: reveal"),
        std::pair("with: {consultation: C-1}", "with: {consultation: [C-1]}")}) {
    PolicyText text;
    text.yaml = std::string(kGroundsPolicy) + std::string(kCases);
    const size_t at = text.yaml.find(find);
    ASSERT_NE(at, std::string::npos) << find;
    text.yaml.replace(at, std::string_view(find).size(), replace);
    Diagnostics diagnostics;
    EXPECT_EQ(Policy::Load(text, &diagnostics), nullptr) << replace;
    EXPECT_EQ(diagnostics.error_count(), 1u) << replace << "\n" << diagnostics.ToString();
  }
}

}  // namespace
}  // namespace piivault::authz
