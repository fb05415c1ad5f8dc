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
