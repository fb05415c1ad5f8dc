// A vault whose policy asks for consents, and requests about persons.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_PEOPLE_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_PEOPLE_TESTING_H_

#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "piivault/v1/admin_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "storage/commit_and_wait.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/records/subject_rows.h"
#include "vault/text.h"

namespace piivault::vault {

inline constexpr std::string_view kPeoplePolicy = R"(policy: people
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, index: true, token: deterministic, audience: crm}
      phone: {type: phone_number, index: true, essential: true}
      birth_date: birth_date
      note: free_text
      old: {type: free_text, retired: true}
  dev: {fields: {location: free_text, os: free_text}}
  ext: {fields: {id: free_text, nick: free_text}}
matters:
  consultation: {label: {en: A case}}
  migration: {about: tenant}
purposes:
  order: {label: {en: Orders}}
  mailing: {label: {en: Mail}}
  other: {label: {en: Something else}, consent: required}
  option: {label: {en: An option}, needs: [option_id]}
  advice: {label: {en: A case}, matter: consultation}
collection_notices:
  general: {label: {en: General}, purposes: [order, advice, option, other]}
  wide: {label: {en: Wide}, purposes: [order, mailing, advice, option, other]}
  orders: {label: {en: Orders}, purposes: [order]}
roles:
  shop: {kind: service}
  helper: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
  agent: {kind: subject, scope: represented}
consent:
  - {id: device, event: collection, fields: [dev.location], when: before_collection}
  - {id: young, event: collection, fields: [ext.nick], under_age: 16, who: guardian, when: before_collection}
  - {id: link, event: link, fields: [ext.id], when: at_link, scope: agreed_items}
  - {id: other-purpose, event: purpose_extension, when: before_use}
  - {id: third, event: third_party, when: before_provision}
  - {id: both, event: [third_party, purpose_extension], when: before_provision}
groups:
  all: [customer.*, dev.*, ext.*]
grants:
  - {id: shop-write, role: shop, may: [create, update, tokenize], fields: [all], for: [order]}
  - {id: shop-read, role: shop, may: [reveal, detokenize, lookup, search, download], fields: [customer.name, customer.email, customer.phone], for: [order, mailing, other, option, advice]}
  - {id: shop-rest, role: shop, may: [reveal], fields: [customer.birth_date, customer.note, dev.*, ext.*], for: [order, other]}
  - {id: shop-send, role: shop, may: [send_list], fields: [customer.email], for: [mailing], when: [subscribed]}
  - {id: shop-tidy, role: shop, may: [delete, list, read_subject, delete_subject, record_consent, unsubscribe], types: [customer, dev, ext]}
  - {id: shop-stop, role: shop, may: [stop_use], fields: [all], for: [order]}
  - {id: helper-stop, role: helper, may: [stop_use], fields: [customer.email], for: [order]}
  - {id: person-stop, role: person, may: [stop_use, resume_use, reveal], fields: [all], for: [order]}
  - {id: person-mail, role: person, may: [unsubscribe, record_consent, read_subject, update_subject, manage_matters], types: [customer]}
  - {id: agent-stop, role: agent, may: [stop_use, resume_use, reveal], fields: [all], for: [order]}
  - {id: agent-mail, role: agent, may: [unsubscribe, update_subject], types: [customer]}
)";

inline constexpr std::string_view kHanakosMail = "hanako.yamada@example.jp";

// VaultFixture under that policy, with two services more: `menu` speaks for a person, `proxy` for a
// person's representative.
class PeopleVault : public VaultFixture {
 public:
  PeopleVault() {
    SetPolicy("default", kPeoplePolicy);
    Put([](StateChange& change) {
      for (const auto& [name, role] :
           std::map<std::string, std::string>{{"menu", "person"}, {"proxy", "agent"}}) {
        storage::v1::PrincipalRow row;
        row.set_name(name);
        row.set_kind(v1::PRINCIPAL_KIND_SERVICE);
        row.add_identities()->set_uri("spiffe://test/" + name);
        row.add_bindings()->set_role(role);
        row.mutable_bindings(0)->set_tenant("default");
        change.PutPrincipal(row);
      }
    });
  }

  // A customer, Hanako; her record's name.
  std::string Hanako(std::map<std::string, std::string> fields = {}) {
    fields.insert({"name", "山田 花子"});
    fields.insert({"email", std::string(kHanakosMail)});
    fields.insert({"phone", "090-1234-5678"});
    return Create(std::move(fields)).record().name();
  }
  static std::string PersonOf(const std::string& record) {
    return record.substr(0, record.find("/records/"));
  }

  Result AddRecord(const std::string& type, std::map<std::string, std::string> fields,
                   const std::string& subject, std::string_view notice = "") {
    v1::CreateRecordRequest request = NewCustomer(std::move(fields));
    request.mutable_record()->set_type(type);
    request.mutable_record()->set_subject(subject);
    request.mutable_record()->mutable_provenance()->set_notice(std::string(notice));
    return Call("shop", "CreateRecord", request);
  }

  static v1::RecordConsentRequest NewConsent(const std::string& subject, std::string_view consent,
                                             std::string_view purpose = "",
                                             const std::vector<std::string>& fields = {}) {
    v1::RecordConsentRequest request;
    request.set_parent("tenants/default");
    request.set_subject(subject);
    request.mutable_consent()->set_consent(std::string(consent));
    request.mutable_consent()->set_purpose(std::string(purpose));
    request.mutable_consent()->set_wording("2025-04");
    for (const std::string& field : fields) request.mutable_consent()->add_fields(field);
    return request;
  }
  // Records it; its id. The clock goes on, so that what follows is later.
  std::string Consent(const v1::RecordConsentRequest& request) {
    const Result result = Call("shop", "RecordConsent", request);
    if (!result.ok()) std::abort();
    now += absl::Seconds(1);
    return result.As<v1::RecordConsentResponse>().consent().id();
  }
  Result Withdraw(const std::string& subject, std::string_view id) {
    v1::WithdrawConsentRequest request;
    request.set_subject(subject);
    request.set_id(std::string(id));
    return Call("shop", "WithdrawConsent", request);
  }

  static v1::Usage Use(std::string_view purpose, const std::string& on_behalf_of = "") {
    v1::Usage usage;
    usage.set_purpose(std::string(purpose));
    usage.set_on_behalf_of(on_behalf_of);
    return usage;
  }
  Result Stop(std::string_view principal, const std::string& subject, std::string_view fields,
              std::string_view purpose = "", const std::string& on_behalf_of = "") {
    v1::StopUseRequest request;
    request.set_subject(subject);
    request.mutable_stop()->set_fields(std::string(fields));
    request.mutable_stop()->set_purpose(std::string(purpose));
    *request.mutable_usage() = Use("order", on_behalf_of);
    return Call(principal, "StopUse", request);
  }
  Result Resume(std::string_view principal, const std::string& subject, std::string_view fields,
                std::string_view purpose, const std::string& on_behalf_of) {
    v1::ResumeUseRequest request;
    request.set_subject(subject);
    request.mutable_stop()->set_fields(std::string(fields));
    request.mutable_stop()->set_purpose(std::string(purpose));
    *request.mutable_usage() = Use("order", on_behalf_of);
    return Call(principal, "ResumeUse", request);
  }
  Result Read(const std::string& record, const std::vector<std::string>& fields,
              std::string_view purpose, std::string_view principal = "shop",
              const std::string& on_behalf_of = "") {
    return Call(principal, "RevealRecord", Reading(record, fields, Use(purpose, on_behalf_of)));
  }
  static v1::RevealRecordRequest Reading(const std::string& record,
                                         const std::vector<std::string>& fields,
                                         const v1::Usage& usage) {
    v1::RevealRecordRequest request;
    request.set_name(record);
    for (const std::string& field : fields) request.add_fields(field);
    *request.mutable_usage() = usage;
    return request;
  }

  // The person's row as it is stored.
  storage::v1::SubjectRow RowOf(const std::string& subject) {
    ChangeSet changes;
    const auto state = store().snapshot();
    const auto scope = TenantScope::Create(*state, *state->FindTenant("default"));
    const auto id = storage::Id128::FromText(subject.substr(subject.rfind('/') + 1));
    const auto loaded = LoadSubject(engine(), *scope, *id, &changes);
    if (!loaded.ok() || !loaded->has_value()) std::abort();
    return (*loaded)->row;
  }
  // Changes the person's row behind the handlers' back.
  void ChangeRow(const std::string& subject,
                 const std::function<void(storage::v1::SubjectUse&)>& change) {
    ChangeSet changes;
    const auto state = store().snapshot();
    const auto scope = TenantScope::Create(*state, *state->FindTenant("default"));
    const auto id = storage::Id128::FromText(subject.substr(subject.rfind('/') + 1));
    SubjectState person{*id, RowOf(subject)};
    change(*person.row.mutable_use());
    person.row.set_version(person.row.version() + 1);
    PutSubject(*scope, SystemRandom(), person, &changes);
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = engine().AppliedSequence();
    commit->decided_at = now;
    commit->writes = std::move(changes.writes);
    if (!storage::CommitOrError(engine(), std::move(commit)).ok()) std::abort();
  }
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_PEOPLE_TESTING_H_
