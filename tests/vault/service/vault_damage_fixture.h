#ifndef PIIVAULT_TESTS_VAULT_SERVICE_VAULT_DAMAGE_FIXTURE_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_VAULT_DAMAGE_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/vault/service/vault_fixture.h"
#include "vault/service/resource_name.h"
#include "vault/state/vault_keys.h"

namespace piivault::vault {

inline std::string SubjectOf(const std::string& record) {
  return record.substr(0, record.find("/records/"));
}

// A vault whose rows are damaged, planted or taken away.
class VaultDamageTest : public testing::Test {
 protected:
  storage::TenantId Tenant() { return vault_.TenantNumber("default"); }

  storage::Key WrapOf(const std::string& record) {
    const RecordName name = *ParseRecordName(record);
    return storage::WrapKey(Tenant(), name.subject, name.record, 1);
  }
  storage::Key RowOf(const std::string& record) {
    const RecordName name = *ParseRecordName(record);
    return storage::RecordKey(Tenant(), name.subject, name.record);
  }
  storage::Key SubjectRowOf(const std::string& record) {
    return storage::SubjectKey(Tenant(), ParseRecordName(record)->subject);
  }
  storage::Key NoteOf(const std::string& record) {
    return storage::ErasureKey(Tenant(), ParseRecordName(record)->subject);
  }

  // Alters the last byte, and remembers what was there.
  void Damage(const storage::Key& key) {
    std::string value = *vault_.engine().Get(key);
    before_[key.bytes] = {key, value};
    value.back() = static_cast<char>(value.back() ^ 1);
    vault_.engine().Tamper(key, value);
  }
  void Garble(const storage::Key& key) {
    before_[key.bytes] = {key, *vault_.engine().Get(key)};
    vault_.engine().Tamper(key, "garbage");
  }
  void PutBack() {
    for (const auto& [name, row] : before_) vault_.engine().Tamper(row.first, row.second);
    before_.clear();
  }

  VaultFixture::Result Erase(const std::string& record) {
    v1::DeleteSubjectRequest request;
    request.set_name(SubjectOf(record));
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "DeleteSubject", request);
  }

  // A person with more records than an erasure takes at once; returns the first.
  v1::CreateRecordResponse Large(const std::string& email) {
    const v1::CreateRecordResponse first = vault_.Create({{"email", email}});
    v1::BatchCreateRecordsRequest batch;
    batch.set_parent("tenants/default");
    *batch.mutable_usage() = UsageFor("shop");
    for (size_t i = 0; i < kErasureBatch + 4; ++i) {
      *batch.add_records() = VaultFixture::NewCustomer({{"note", "n"}}).record();
      batch.mutable_records(static_cast<int>(i))->set_subject(SubjectOf(first.record().name()));
    }
    EXPECT_TRUE(vault_.Call("shop", "BatchCreateRecords", batch).ok());
    return first;
  }

  // Wraps of a person, with their values.
  std::map<std::string, std::string> WrapsOf(const std::string& record) {
    const storage::Key prefix = storage::WrapPrefix(Tenant(), ParseRecordName(record)->subject);
    std::map<std::string, std::string> wraps;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kWrap)) {
      if (key.starts_with(prefix.bytes)) wraps[key] = value;
    }
    return wraps;
  }

  const storage::v1::KeyringRow::Epoch& Recorded(uint32_t epoch) {
    state_ = vault_.store().snapshot();
    return *FindEpoch(state_->keyring(), epoch);
  }

  void Rotate() {
    vault_.damaged.clear();
    vault_.Rotate();
    vault_.ReWrapAll();
  }

  VaultFixture vault_;

 private:
  std::map<std::string, std::pair<storage::Key, std::string>> before_;
  std::shared_ptr<const StateSnapshot> state_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_VAULT_DAMAGE_FIXTURE_H_
