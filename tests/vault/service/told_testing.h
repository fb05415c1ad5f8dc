// A vault that counts periods of storage, and what is told it of people and matters.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_TOLD_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_TOLD_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/people_testing.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {

// `types` is what the policy says of consultations.
inline std::string PolicyWith(const std::string& types) {
  return R"(policy: storage
timezone: Asia/Tokyo
laws: [Ecommerce, Tax]
types:
  customer:
    fields:
      name: person_name
      supply: supply_record
      payment: payment_record
      talk: free_text
      dispute: dispute_record
matters:
  consultation: {)" +
         types + R"(}
  breach: {types: [dispute]}
  order: {states: [open, cancelled, completed]}
  commission: {about: tenant, types: [small, large]}
purposes:
  order: {label: {en: Orders}}
retention:
  - {id: account, fields: [customer.name], trigger: account_deleted, keep: 30d, then: destroy}
  - {id: supplied, fields: [customer.supply], trigger: {all: [supplied, settled, liability_ended]}, keep: 0, then: destroy}
  - {id: tax, hold: Tax, fields: [customer.payment], trigger: cancelled, keep: 7y, then: destroy}
  - {id: talks, fields: [customer.talk, customer.dispute], trigger: case_closed, keep: 0, then: destroy}
  - {id: disputes, hold: Ecommerce, fields: [customer.dispute], if: case_is_complaint_or_dispute, trigger: case_closed, keep: 3y, then: destroy}
  - {id: told, fields: [customer.talk], trigger: goods_supplied, keep: unspecified, then: operator_rule}
retention_rules: {combine: later_of}
roles:
  shop: {kind: service}
grants:
  - {id: shop-use, role: shop, may: [create, reveal], fields: [customer.*], for: [order]}
  - {id: shop-tidy, role: shop, may: [delete], types: [customer]}
  - {id: shop-tell, role: shop, may: [manage_matters, update_subject]}
)";
}

// Of consultations, as it is at first.
inline constexpr char kTypes[] = "types: [inquiry, complaint, dispute]";

// A vault whose policy counts periods of storage from contracts, matters and what is told; `shop`
// and `other-shop` may do everything.
class ToldTestBase : public testing::Test {
 protected:
  using Result = VaultFixture::Result;
  static constexpr std::string_view kTenant = "tenants/default";

  ToldTestBase() {
    for (const char* tenant : {"default", "other"}) vault_.SetPolicy(tenant, PolicyWith(kTypes));
  }

  // A record that no law keeps, of a new person, or of `person`.
  std::string NewRecord(const std::string& person = "") {
    return vault_.Create({{"name", "山田 花子"}, {"talk", "asked for tea"}}, "", person)
        .record()
        .name();
  }
  // The same with all fields.
  std::string NewFullRecord(const std::string& person = "") {
    return vault_
        .Create({{"name", "山田 花子"},
                 {"supply", "one crate of tea"},
                 {"payment", "1,200 yen"},
                 {"talk", "asked for tea"},
                 {"dispute", "says that it was coffee"}},
                "", person)
        .record()
        .name();
  }
  static std::string PersonOf(const std::string& record) { return PeopleVault::PersonOf(record); }
  std::string RefOf(const std::string& record) {
    v1::RevealRecordRequest request;
    request.set_name(record);
    request.add_fields("name");
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "RevealRecord", request).entry.items(0).record_ref();
  }
  storage::v1::SubjectUse UseOf(const std::string& person) { return vault_.RowOf(person).use(); }
  int64_t Now() const { return absl::ToUnixMicros(vault_.now); }
  static absl::Time InTokyo(int year, int month, int day, int hour, int minute, int second) {
    return absl::FromCivil(absl::CivilSecond(year, month, day, hour, minute, second),
                           absl::FixedTimeZone(9 * 60 * 60));
  }
  void Wait(absl::Duration time) { vault_.now += time; }

  Result Open(std::string_view parent, const std::string& kind, const std::string& id,
              const std::string& type = "", const std::vector<std::string>& records = {},
              std::string_view caller = "shop") {
    v1::OpenMatterRequest request;
    request.set_parent(std::string(parent));
    request.mutable_matter()->set_kind(kind);
    request.mutable_matter()->set_id(id);
    request.mutable_matter()->set_type(type);
    for (const std::string& record : records) request.mutable_matter()->add_records(record);
    return vault_.Call(caller, "OpenMatter", request);
  }
  using Change = std::function<void(v1::UpdateMatterRequest&)>;
  static v1::UpdateMatterRequest UpdateRequest(std::string_view parent, const std::string& kind,
                                               const std::string& id, const Change& change) {
    v1::UpdateMatterRequest request;
    request.set_parent(std::string(parent));
    request.set_kind(kind);
    request.set_id(id);
    change(request);
    return request;
  }
  Result Update(std::string_view parent, const std::string& kind, const std::string& id,
                const Change& change) {
    return vault_.Call("shop", "UpdateMatter", UpdateRequest(parent, kind, id, change));
  }
  static Change State(const std::string& state) {
    return [state](auto& r) { r.set_state(state); };
  }
  static Change Type(const std::string& type) {
    return [type](auto& r) { r.set_type(type); };
  }
  static Change Records(const std::vector<std::string>& records) {
    return [records](auto& r) { r.mutable_add_records()->Assign(records.begin(), records.end()); };
  }
  static Change Events(const std::vector<std::string>& events) {
    return [events](auto& r) { r.mutable_events()->Assign(events.begin(), events.end()); };
  }
  static const v1::Matter& MatterOf(const Result& result) {
    return result.As<v1::UpdateMatterResponse>().matter();
  }
  Result UpdatePerson(const std::string& person,
                      const std::function<void(v1::UpdateSubjectRequest&)>& change) {
    v1::UpdateSubjectRequest request;
    request.set_subject(person);
    change(request);
    return vault_.Call("shop", "UpdateSubject", request);
  }
  Result SetContract(const std::string& person, bool active) {
    return UpdatePerson(person, [active](auto& r) { r.set_contract_active(active); });
  }
  Result TellPerson(const std::string& person, const std::vector<std::string>& events) {
    return UpdatePerson(
        person, [&events](auto& r) { r.mutable_events()->Assign(events.begin(), events.end()); });
  }
  static v1::DeleteRecordRequest DeleteRequest(const std::string& record) {
    v1::DeleteRecordRequest request;
    request.set_name(record);
    return request;
  }
  void Delete(const std::string& record) {
    ASSERT_EQ(vault_.Call("shop", "DeleteRecord", DeleteRequest(record)).name(), "OK");
  }
  // Reason and first field.
  static std::string Refusal(const Result& result) {
    return std::string(result.name()) + " " +
           (result.denied_fields.empty() ? "" : result.denied_fields.front());
  }
  static std::string ArgumentOf(const Result& result, const std::string& name) {
    const auto found = result.entry.arguments().find(name);
    return found == result.entry.arguments().end() ? "" : found->second;
  }
  // Whether the field can still be used.
  std::string Reveal(const std::string& record, const std::string& field) {
    return std::string(vault_.Reveal("shop", record, {field}).name());
  }
  // `event seconds since `start`` of each.
  template <typename Events>
  static std::vector<std::string> Told(const Events& events, absl::Time start) {
    std::vector<std::string> texts;
    for (const auto& event : events) {
      const int64_t seconds = event.time().seconds() - absl::ToUnixSeconds(start);
      texts.push_back(event.event() + " " + std::to_string(seconds));
    }
    return texts;
  }

  PeopleVault vault_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_TOLD_TESTING_H_
