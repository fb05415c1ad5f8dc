// A small policy around which tests put sharing rules, and a disclosure that is in order.
#ifndef PIIVAULT_TESTS_AUTHZ_SHARING_POLICY_H_
#define PIIVAULT_TESTS_AUTHZ_SHARING_POLICY_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "authz/share_decision.h"
#include "tests/authz/test_policy.h"

namespace piivault::authz {

inline constexpr std::string_view kSharingBase = R"yaml(policy: sharing
timezone: Asia/Tokyo
types:
  pi: {fields: {name: person_name, address: postal_address, phone: phone_number, email: email_address, birth: birth_date}}
  pay: {fields: {bank: bank_account_number, holder: person_name, secret: {type: password_credential, read: never}}}
matters:
  shipment: {states: [open, sent, closed]}
  option: {}
  transfer: {}
  notice: {}
  project: {about: tenant}
  instruction: {about: controller}
purposes:
  ship: {}
  bill: {}
  extra: {consent: required}
  stats: {output: tokenized}
roles:
  desk: {kind: staff, nda: [nda_contract]}
  shipping: {kind: service}
grants:
  - {id: desk, role: desk, may: [export], fields: [pi.*, pay.*], for: [ship, bill, extra]}
  - {id: shipping, role: shipping, may: [export], fields: [pi.name, pi.address, pi.phone], for: [ship]}
consent:
  - {id: third, event: third_party, when: before_provision}
  - {id: contact, event: third_party, when: before_provision, fields: [pi.*]}
  - {id: widen, event: purpose_extension, when: before_use}
)yaml";

// The base and, at its end, `rules`: recipients, recipient_rules, governance.
inline PolicyText SharingText(std::string_view rules) {
  PolicyText text;
  text.yaml = std::string(kSharingBase) + std::string(rules);
  return text;
}

inline std::shared_ptr<const Policy> LoadSharingPolicy(std::string_view rules) {
  Diagnostics diagnostics;
  auto policy = Policy::Load(SharingText(rules), &diagnostics);
  if (policy == nullptr) ADD_FAILURE() << diagnostics.ToString();
  return policy;
}

// Owns what a disclosure borrows. Tests change one thing and decide.
struct Share {
  explicit Share(std::shared_ptr<const Policy> its_policy, std::string_view its_rule);
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  // All fields of one type; by their full names.
  void Ask(const std::vector<std::string>& names);
  std::vector<FieldId> Ids(const std::vector<std::string>& names) const;
  ShareInput Input() const;
  ShareDecision Decide() const;  // With the person, of the type of the first field.
  ShareDecision DecideFirst() const { return DecideShare(*policy, Input()); }
  Reason reason() const { return Decide().reason; }
  // "pi.email" for each denied field.
  std::vector<std::string> Denied() const;
  RecipientAttestation& Attest(AttestationKind kind);

  std::shared_ptr<const Policy> policy;
  std::string rule;
  absl::Time now;
  Principal principal;
  Person person;
  std::vector<Attestation> attestations;
  Recipient recipient;
  std::string purpose = "ship";
  std::vector<FieldId> fields;
  std::vector<FieldId> requested;
  std::vector<FieldId> held;
  std::vector<Argument> arguments;
  std::vector<Argument> assertions;
  std::vector<MatterFact> tenant_matters;
  std::vector<MatterFact> matters;
  std::vector<ConsentFact> consents;
  SubjectFacts facts;
  ShareInput terms;  // Uses, lifetime, approvals and the like; the rest is put in by Input().
};

}  // namespace piivault::authz

#endif  // PIIVAULT_TESTS_AUTHZ_SHARING_POLICY_H_
