#ifndef PIIVAULT_TESTS_VAULT_SERVICE_INDEX_REBUILD_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_INDEX_REBUILD_TESTING_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/commit_and_wait.h"
#include "tests/vault/service/vault_fixture.h"
#include "vault/state/index_pass.h"
#include "vault/text.h"

namespace piivault::vault {

// A vault whose policies differ in the indexes of `customer.code`.
class IndexRebuildTest : public testing::Test {
 protected:
  // A policy with these fields of `customer`, besides a note.
  void SetFields(std::string_view fields, std::string_view find = "customer.code",
                 std::string_view more_types = "") {
    vault_.SetPolicy(
        "default",
        Concat({R"(policy: test
timezone: Asia/Tokyo
types:
  customer:
    fields:
      note: free_text
)",
                fields, more_types, R"(
purposes: {order: {label: {en: Orders}}}
roles: {shop: {kind: service}}
forbidden_employment: [outsourced]
grants:
  - {id: write, role: shop, may: [create, update], fields: [customer.*], for: [order]}
  - {id: tidy, role: shop, may: [delete, delete_subject], types: [customer]}
)",
                find.empty()
                    ? ""
                    : Concat({R"(  - {id: find, role: shop, may: [search, lookup], fields: [)",
                              find, "], for: [order]}\n"})}));
  }
  std::string Create(const std::string& code) {
    return vault_.Create({{"note", "n"}, {"code", code}}).record().name();
  }
  VaultFixture::Result Update(const std::string& name, const std::string& code) {
    v1::UpdateRecordRequest request;
    request.set_name(name);
    (*request.mutable_fields())["code"] = code;
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "UpdateRecord", request);
  }
  // Names of the records that a search finds; or the reason of a refusal alone.
  std::vector<std::string> Find(const std::string& code) {
    const VaultFixture::Result result = vault_.Search("shop", "code", code);
    if (!result.ok()) return {std::string(result.name())};
    std::vector<std::string> names;
    for (const auto& record : result.As<v1::SearchRecordsResponse>().records()) {
      names.push_back(record.name());
    }
    return names;
  }
  IndexBuilder Builder(size_t step_records) {
    return IndexBuilder({vault_.engine(), vault_.store(), vault_.rules(), SystemRandom(),
                         [this] { return vault_.now; },
                         [this](const storage::Key& row) { vault_.damaged.push_back(row); },
                         step_records});
  }
  storage::v1::IndexPassRow Pass() {
    const auto pass = ReadIndexPass(vault_.engine(), vault_.store().snapshot()->keys(), "default");
    return pass.ok() && pass->has_value() ? (*pass)->row : storage::v1::IndexPassRow();
  }
  const TenantIndexes& Indexes() {
    state_ = vault_.store().snapshot();
    return *state_->FindTenant("default")->indexes;
  }
  // Rows of the tenant's blind index.
  size_t Rows() {
    const std::string any =
        storage::BlindIndexPrefix(vault_.TenantNumber("default"), 0, {}).bytes.substr(0, 9);
    size_t rows = 0;
    for (const auto& [key, value] : vault_.engine().Dump(storage::Table::kIndex)) {
      rows += key.compare(0, any.size(), any) == 0;
    }
    return rows;
  }

  void Write(const storage::Key& key, std::optional<std::string> value) {
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now;
    commit->writes.push_back({key, std::move(value)});
    EXPECT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }

  VaultFixture vault_;
  std::shared_ptr<const StateSnapshot> state_;
};

inline constexpr std::string_view kPlain = "      code: number_code\n";
inline constexpr std::string_view kIndexed = "      code: {type: number_code, index: true}\n";
inline constexpr std::string_view kUnique = "      code: {type: number_code, unique: true}\n";
inline constexpr std::string_view kExact = "      code: {type: external_account_id, index: true}\n";
inline constexpr std::string_view kUniqueExact =
    "      code: {type: external_account_id, unique: true}\n";
inline constexpr std::string_view kImportant =
    "      code: {type: number_code, index: true, key_class: important}\n";

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_INDEX_REBUILD_TESTING_H_
