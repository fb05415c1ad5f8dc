// A small policy that has one of everything that a use may rest on besides a grant.
#ifndef PIIVAULT_TESTS_AUTHZ_GROUNDS_POLICY_H_
#define PIIVAULT_TESTS_AUTHZ_GROUNDS_POLICY_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "tests/authz/test_policy.h"

namespace piivault::authz {

inline constexpr std::string_view kGroundsPolicy = R"yaml(policy: grounds
timezone: Asia/Tokyo
channels: [web, phone, cookie]
matters:
  consultation: {label: a case}
  order: {states: [open, cancelled, completed]}
  project: {about: tenant}
  instruction: {about: controller}
types:
  user:
    channels: [web, phone]
    fields:
      name: person_name
      email: {type: email_address, index: true}
      place: {type: geo_location, channels: [cookie]}
      old: {type: text, retired: true}
      hidden: {type: submission_credential, read: never}
  ext:
    fields: {id: external_account_id, name: person_name}
purposes:
  plain: {}
  consult: {matter: consultation}
  refund: {matter: [{kind: order, state: [cancelled, completed]}, project]}
  move: {matter: project}
  entrusted: {matter: instruction}
  extra: {consent: required}
  duty: {despite_notice: true}
  known: {}
  close: {follows: [plain, known], needs: [reason]}
acknowledgement: {document: aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd, from: 2025-05-01, within: 30d}
roles:
  app: {kind: service}
  caller: {kind: service, matter: [consultation, project]}
  staffer: {kind: staff, nda: none, attested: [acknowledgement]}
  other: {kind: staff, nda: none, needs: [fields]}
  person: {kind: subject}
  holder: {kind: subject, scope: own_account}
  agent: {kind: subject, scope: represented}
grants:
  - {id: app, role: app, may: [create, update, reveal, tokenize], fields: [user.*, ext.*], for: [plain, consult, refund, move, entrusted, extra, duty, close]}
  - {id: app-known, role: app, may: [reveal], fields: [user.email], for: [known]}
  - {id: app-list, role: app, may: [list], types: [user], for: [plain, extra, close]}
  - {id: caller, role: caller, may: [reveal, delete_subject], fields: [user.*], for: [plain]}
  - {id: caller-reads, role: caller, may: [read_subject]}
  - {id: staffer, role: staffer, may: [reveal], fields: [user.*], for: [plain]}
  - {id: other, role: other, may: [reveal, list], fields: [user.*, ext.*], for: [plain]}
  - {id: person, role: person, may: [create, reveal, resume_use], fields: [user.*], for: [plain]}
  - {id: holder, role: holder, may: [reveal], fields: [user.*], for: [plain]}
  - {id: agent, role: agent, may: [reveal], fields: [user.*], for: [plain]}
consent:
  - {id: other-purpose, event: purpose_extension, when: before_use}
  - {id: third, event: third_party, when: before_provision}
  - {id: new-terms, event: policy_change, when: before_use}
)yaml";

// To stand at its end: more rules, and a case for each fact that a case can state.
inline constexpr std::string_view kGroundsCases = R"yaml(
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

// With `extra` at the end of the policy, for example more consents.
inline std::shared_ptr<const Policy> LoadGroundsPolicy(std::string_view extra = "") {
  PolicyText text;
  text.yaml = std::string(kGroundsPolicy) + std::string(extra);
  Diagnostics diagnostics;
  auto policy = Policy::Load(text, &diagnostics);
  if (policy == nullptr) ADD_FAILURE() << diagnostics.ToString();
  return policy;
}

// A call of `app` that reveals user.email for `plain`; all of it may be changed.
inline Call MakeGroundsCall(std::shared_ptr<const Policy> policy, std::string_view role = "app") {
  Call call(std::move(policy), role);
  call.purpose = "plain";
  call.ticket.clear();
  return call;
}

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_GROUNDS_POLICY_H_
