// A small policy that has one of everything the decision looks at, and callers for it.
#ifndef PIIVAULT_TESTS_AUTHZ_TEST_POLICY_H_
#define PIIVAULT_TESTS_AUTHZ_TEST_POLICY_H_

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "authz/decision.h"

namespace piivault::authz {

// For failures of expectations.
inline void PrintTo(Reason reason, std::ostream* out) { *out << ReasonName(reason); }

inline constexpr std::string_view kTestPolicy = R"yaml(
policy: test
timezone: Asia/Tokyo
types:
  user:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, unique: true}
      phone: phone_number
      birth: birth_date
      memo: {type: free_text, token: none}
      secret: {type: password_credential, read: never}
  mail:
    fields:
      body: {type: mail_body, class: comm_secret}
      topic: text
purposes:
  work: {needs: [ticket]}
  send: {}
  option: {needs: [option_id]}
  stats: {output: tokenized}
  idle: {}
roles:
  engineer: {kind: staff, employment: [officer, full_time, equivalent], nda: [nda_contract, pledge]}
  trained: {kind: staff, nda: none, attested: [training]}
  boss: {kind: staff, employment: [officer], duty: supervises, nda: none}
  legal: {kind: staff, nda: none, department: legal}
  clerk: {kind: staff, nda: none, per: department}
  temp: {kind: staff, nda: none, needs: [justification, end_date], holders: 2}
  app: {kind: service}
  owner: {kind: tenant}
  reader: {kind: subject}
  visitor: {kind: subject, access: in_person}
forbidden_employment: [outsourced]
consent:
  - {id: extension, event: purpose_extension, when: before_use}
grants:
  - {id: eng, role: engineer, may: [reveal, update], fields: [user.*], for: [work]}
  - {id: eng-mail, role: engineer, may: [reveal], fields: [mail.*], for: [work]}
  - {id: eng-stats, role: engineer, may: [reveal], fields: [user.name, user.email], for: [stats], view: token}
  - {id: trained, role: trained, may: [reveal], fields: [user.phone, user.birth], for: [send], view: masked}
  - {id: boss, role: boss, may: [reveal], fields: [user.name], for: [idle]}
  - {id: legal, role: legal, may: [reveal], fields: [user.name], for: [idle]}
  - {id: clerk, role: clerk, may: [reveal], fields: [user.name], for: [idle], when: [own_department]}
  - {id: temp, role: temp, may: [reveal], fields: [user.name], for: [idle]}
  - {id: app, role: app, may: [create, tokenize, lookup, search, detokenize], fields: [user.*], for: [send, option]}
  - {id: app-reveal, role: app, may: [reveal], fields: [user.name, user.email], for: [send], when: [subscribed]}
  - {id: app-mask, role: app, may: [reveal], fields: [user.email], for: [send], view: masked}
  - {id: app-list, role: app, may: [list, delete], types: [user], for: [send, option]}
  - {id: app-option, role: app, may: [delete], types: [mail], for: [option]}
  - {id: app-subject, role: app, may: [delete_subject]}
  - {id: app-consent, role: app, may: [reveal], fields: [user.phone], for: [send], when: [consented, contract_active]}
  - {id: own, role: owner, may: [create, reveal, download], fields: [user.*, mail.*], for: [send]}
  - {id: reader, role: reader, may: [create, update, reveal], fields: [user.email], for: [send]}
  - {id: visitor, role: visitor, may: [reveal], fields: [user.email], for: [send]}
)yaml";

// A caller with every fact in order; tests break one at a time. Owns what the input borrows.
struct Call {
  explicit Call(std::shared_ptr<const Policy> policy, std::string_view role = "engineer");

  // The input borrows from this object: build it last.
  DecisionInput Input() const;
  Decision Decide() const;       // With the subject.
  Decision DecideFirst() const;  // Without it.
  Reason reason() const { return Decide().reason; }

  std::shared_ptr<const Policy> policy;
  Principal principal;
  Person person;
  bool has_person = true;
  std::vector<Attestation> attestations;
  std::string tenant = "tenants/a";
  Verb verb = Verb::kReveal;
  std::string type = "user";
  std::vector<std::string> fields = {"email"};
  std::string purpose = "work";
  std::string ticket = "T-1";
  std::vector<Argument> arguments;
  std::vector<MatterFact> matters;
  absl::Time now;
  std::string role;
  std::string on_behalf_of;
  std::string channel;
  FrontHop front_hop = FrontHop::kUnspecified;
  bool tenant_allows_plain = false;
  std::string notice;
  absl::Time collected_at = absl::InfiniteFuture();
  std::optional<absl::CivilDay> born;
  std::vector<FieldId> cleared;
  View wanted = View::kPlain;
  std::string subject_name = "subjects/s";
  SubjectFacts facts;
  mutable std::vector<FieldId> ids;
};

// The policy of the text; null where it is none, and `*problems` says why.
std::shared_ptr<const Policy> LoadPolicy(std::string yaml, std::string* problems = nullptr);

std::shared_ptr<const Policy> LoadTestPolicy();
// Under that policy, something that the role is granted.
Call MakeTestCall(std::shared_ptr<const Policy> policy, std::string_view role);
// The yaml of the test policy with `extra` added at its end.
std::shared_ptr<const Policy> LoadTestPolicy(std::string_view extra);

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_TEST_POLICY_H_
