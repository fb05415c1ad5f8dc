// A vault and a model to which the same happens by chance.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_HISTORY_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_HISTORY_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "piivault/v1/retention_service.pb.h"
#include "tests/vault/service/retention_model.h"
#include "tests/vault/service/rights_testing.h"

namespace piivault::vault {

// A history of a few people and records under two policies, which take turns: with several holds,
// with and without `if`, triggers of which all or any have to happen, and approvals.
class RetentionHistory : public RightsTestBase {
 protected:
  using Names = std::set<std::string>;
  using Values = std::map<std::string, std::string>;
  static constexpr absl::Duration kDay = absl::Hours(24);

  explicit RetentionHistory(uint32_t seed);

  // Chance.
  size_t Below(size_t n) { return rng_() % n; }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename T>
  const T& AnyOf(const std::vector<T>& items) {
    return items[Below(items.size())];
  }
  ModelPerson* AnyPerson() { return people_.empty() ? nullptr : &people_[Below(people_.size())]; }
  ModelRecord* AnyRecord(ModelPerson* person) {
    if (person == nullptr || person->records.empty()) return nullptr;
    return &person->records[Below(person->records.size())];
  }
  Values SomeValues(const std::string& type);
  std::string AnyValue(const std::string& type, const std::string& field) {
    if (field == "email") return absl::StrCat("a", ++number_, "@example.jp");
    if (field == "phone") return absl::StrCat("090-1234-", 1000 + ++number_ % 9000);
    if (field == "name") return OneIn(2) ? "山田 花子" : "鈴木 花子";
    return absl::StrCat(type, Below(4));
  }
  std::string AnyPurpose() { return OneIn(3) ? "law" : "order"; }

  // The model as it stands.
  const ModelRules& rules() const { return policies_[policy_]; }
  // One of the two policies.
  void Activate(size_t policy);
  ModelStates States(const ModelPerson& person, const ModelRecord& record) const {
    return StatesOf(rules(), person, record, vault_.now);
  }
  bool AnyHeld(const ModelPerson& person) const {
    for (const ModelRecord& record : person.records) {
      for (const auto& [field, state] : States(person, record)) {
        if (state.held) return true;
      }
    }
    return false;
  }
  // Why a use of the fields is refused, each of which would do; empty: it is not.
  static Names Closed(const ModelStates& states, const Names& fields, const std::string& purpose,
                      bool own = false) {
    Names reasons;
    for (const std::string& field : fields) {
      const auto state = states.find(field);
      if (state == states.end()) continue;
      if (state->second.due) reasons.insert("RETENTION_OVER");
      if (state->second.kept_by_law() && purpose != "law" && !own) reasons.insert("KEPT_BY_LAW");
    }
    return reasons;
  }

  // Of an answer.
  template <typename Response>
  void TakeTokens(const Response& response, ModelRecord* record) {
    for (const auto& [field, token] : response.tokens()) {
      if (field == "phone") continue;  // it stands for the value
      EXPECT_FALSE(dead_.contains(token));
      const auto before = record->tokens.find(field);
      if (before != record->tokens.end()) {
        EXPECT_EQ(before->second, token);
      }
      record->tokens[field] = token;
    }
  }
  // What is known to have gone.
  void Bury(const ModelRecord& record, const Names& fields) {
    for (const auto& [field, token] : record.tokens) {
      if (fields.contains(field)) dead_.insert(token);
    }
  }
  static Names FieldsOf(const ModelRecord& record) {
    Names fields;
    for (const auto& [field, value] : record.values) fields.insert(field);
    return fields;
  }
  void BuryRecord(const ModelRecord& record) {
    Bury(record, FieldsOf(record));
    gone_.push_back(record.name);
  }
  void BuryPerson(ModelPerson* person) {
    for (const ModelRecord& record : person->records) BuryRecord(record);
    gone_.push_back(person->name);
    person->records.clear();
    person->gone = true;
  }
  void DestroyFields(ModelPerson* person, const std::string& name, const ModelStates& states,
                     const Names& fields);

  // Each is one call, or a few, with the answer that the model expects. They do nothing where
  // chance names nobody.
  void Create();
  void Update();
  void Upsert(ModelPerson* person, ModelRecord* record);
  void Changed(const Result& result, ModelPerson* person, ModelRecord* record, const Values& set,
               const Names& cleared);
  void DeleteRecord();
  void DeleteSubject();
  void OpenMatter(ModelPerson* person, const std::string& record);
  void ChangeMatter();
  void ChangePerson();
  void Wait();
  void Sweep();
  void Select();
  void Decide();
  // All that periods are counted from happens, and they pass.
  void EndAll();

  struct List {
    v1::Destruction list;
    size_t policy = 0;
    bool decided = false;
  };

  std::mt19937 rng_;
  std::vector<ModelRules> policies_;
  size_t policy_ = 0;
  size_t number_ = 0;
  std::vector<ModelPerson> people_;
  std::vector<List> lists_;
  std::set<std::string> dead_;     // tokens
  std::vector<std::string> gone_;  // names of people and records
  size_t index_rows_ = 0;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_RETENTION_HISTORY_H_
