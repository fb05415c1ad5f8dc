#ifndef PIIVAULT_TESTS_VAULT_SERVICE_MATTER_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_MATTER_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/keys/sealed_row.h"
#include "vault/records/subject_rows.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {

// A vault whose policy knows matters of each sort. `shop` may do everything, `helper` may see what
// is known of people, `engineer` and `owner` may do other things.
class MatterTestBase : public testing::Test {
 protected:
  static constexpr std::string_view kMattersPolicy = R"(policy: matters
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: person_name
matters:
  consultation: {label: {en: Consultation}}
  order: {about: subject, states: [open, cancelled, completed]}
  migration: {about: tenant, states: [planned, running, done]}
  instruction: {about: controller}
purposes:
  order: {label: {en: Orders}}
  moving: {label: {en: Moving}, matter: [{kind: migration, state: [running]}]}
  support: {label: {en: Support}}
  own_list: {label: {en: The tenant's own}}
roles:
  shop: {kind: service}
  helper: {kind: staff, nda: none}
  owner: {kind: tenant}
  engineer: {kind: staff, employment: [full_time], nda: [nda_contract]}
grants:
  - {id: shop-write, role: shop, may: [create, reveal], fields: [customer.*], for: [order]}
  - {id: shop-move, role: shop, may: [reveal], fields: [customer.*], for: [moving]}
  - {id: shop-tidy, role: shop, may: [delete_subject], types: [customer]}
  - {id: shop-matters, role: shop, may: [manage_matters, update_subject]}
  - {id: helper-see, role: helper, may: [read_subject]}
  - {id: owner-read, role: owner, may: [reveal], fields: [customer.*], for: [own_list]}
  - {id: engineer-read, role: engineer, may: [reveal], fields: [customer.*], for: [order]}
)";

  MatterTestBase() {
    for (const char* tenant : {"default", "other"}) vault_.SetPolicy(tenant, kMattersPolicy);
  }

  // A new person's name.
  std::string NewPerson() {
    const std::string record = vault_.Create({{"name", "山田 花子"}}).record().name();
    return record.substr(0, record.find("/records/"));
  }
  // The person's row, as it is stored.
  storage::v1::SubjectRow RowOf(const std::string& subject) {
    const std::optional<SubjectName> name = ParseSubjectName(subject);
    const storage::Key key =
        storage::SubjectKey(vault_.TenantNumber(std::string(name->tenant)), name->subject);
    const auto row = OpenRow<storage::v1::SubjectRow>(vault_.store().snapshot()->keys(), key,
                                                      vault_.engine().Get(key).value());
    EXPECT_TRUE(row.ok()) << row.status();
    return row->message;
  }
  void Erase(const std::string& subject) {
    v1::DeleteSubjectRequest request;
    request.set_name(subject);
    EXPECT_EQ(vault_.Call("shop", "DeleteSubject", request).name(), "OK");
  }
  static google::protobuf::Timestamp At(absl::Time time) {
    google::protobuf::Timestamp stamp;
    stamp.set_seconds(absl::ToUnixSeconds(time));
    return stamp;
  }

  VaultFixture vault_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_MATTER_TESTING_H_
