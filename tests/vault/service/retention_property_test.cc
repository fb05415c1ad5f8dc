// Random histories of people, records, matters and destructions against a naive model: what may be
// used, what nobody erases, what goes, and what is left.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "tests/vault/service/retention_history.h"
#include "vault/records/record_loader.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

class RetentionPropertyTest : public RetentionHistory,
                              public testing::WithParamInterface<uint32_t> {
 protected:
  RetentionPropertyTest() : RetentionHistory(GetParam()) {}

  void Step();
  void ExpectUses(const ModelPerson& person);
  void ExpectStored(const ModelPerson& person);
  void ExpectShown(const ModelPerson& person);
  void ExpectTokens();
  void ExpectNothingLeft();
};

// Each field is open, kept by law or over, as the model says, for everybody.
void RetentionPropertyTest::ExpectUses(const ModelPerson& person) {
  for (const ModelRecord& record : person.records) {
    const ModelStates states = States(person, record);
    for (const auto& [field, state] : states) {
      for (const auto& [caller, purpose] : std::vector<std::pair<std::string, std::string>>{
               {"shop", "order"}, {"shop", "law"}, {"person", "order"}}) {
        v1::RevealRecordRequest request;
        request.set_name(record.name);
        request.add_fields(field);
        request.mutable_usage()->set_purpose(purpose);
        const bool own = caller == "person";
        if (own) request.mutable_usage()->set_on_behalf_of(person.name);
        const Result result = vault_.Call(caller, "RevealRecord", request);
        const Names closed = Closed(states, {field}, purpose, own);
        ASSERT_EQ(result.name(), closed.empty() ? "OK" : *closed.begin()) << field << " " << caller;
        if (!result.ok()) continue;
        const auto& shown = result.As<v1::RevealRecordResponse>().record().fields();
        EXPECT_EQ(shown.at(field).value(), record.values.at(field));
      }
    }
  }
}

// Every value that there is to be, in its place and among the earlier ones, and no other.
void RetentionPropertyTest::ExpectStored(const ModelPerson& person) {
  const auto state = vault_.store().snapshot();
  const auto scope = TenantScope::Create(*state, *state->FindTenant("default"));
  for (const ModelRecord& record : person.records) {
    const std::optional<RecordName> name = ParseRecordName(record.name);
    ChangeSet changes;
    auto loaded = LoadRecord(vault_.engine(), *scope, {name->subject, name->record}, &changes);
    ASSERT_TRUE(loaded.ok() && loaded->ok()) << record.name;
    LoadedRecord& row = *loaded->record;
    Values values;
    for (const auto& field : row.header().fields()) {
      if (!field.absent()) values[field.name()] = row.reader->DecryptField(field)->view();
    }
    EXPECT_EQ(values, record.values);
    std::map<std::string, std::vector<std::string>> earlier;
    for (const auto& one : row.header().earlier()) {
      earlier[one.name()].emplace_back(row.reader->DecryptEarlier(one)->view());
    }
    std::map<std::string, std::vector<std::string>> expected = record.earlier;
    std::erase_if(expected, [](const auto& one) { return one.second.empty(); });
    EXPECT_EQ(earlier, expected);
  }
}

void RetentionPropertyTest::ExpectShown(const ModelPerson& person) {
  v1::GetRetentionRequest request;
  request.set_subject(person.name);
  request.mutable_usage()->set_purpose("law");
  const Result result = vault_.Call("desk", "GetRetention", request);
  if (person.gone) {
    EXPECT_EQ(result.name(), "SUBJECT_ERASED");
    return;
  }
  ASSERT_EQ(result.name(), "OK");
  std::map<std::string, std::string> shown;
  for (const v1::FieldRetention& one : result.As<v1::GetRetentionResponse>().fields()) {
    const bool due =
        one.has_due_time() && one.due_time().seconds() <= absl::ToUnixSeconds(vault_.now);
    shown[one.record() + " " + one.field()] =
        absl::StrCat(!one.law().empty(), " ", one.kept_by_law(), " ", due);
  }
  for (const ModelRecord& record : person.records) {
    for (const auto& [field, state] : States(person, record)) {
      const auto found = shown.find(absl::StrCat(record.name, " ", record.type, ".", field));
      const std::string expected =
          absl::StrCat(state.held, " ", state.kept_by_law(), " ", state.due);
      // Of an erased person all that is left is shown, else what a rule is about.
      if (field == "note" && !person.is_erased()) {
        EXPECT_TRUE(found == shown.end()) << field;
        continue;
      }
      EXPECT_EQ(found == shown.end() ? "0 0 0" : found->second, expected) << field;
      if (found != shown.end()) shown.erase(found);
    }
  }
  EXPECT_TRUE(shown.empty());
}

void RetentionPropertyTest::ExpectTokens() {
  const auto failure = [this](const std::string& token) {
    const Result result = vault_.Detokenize("shop", {token});
    if (!result.ok()) return std::string(result.name());
    const auto& one = result.As<v1::DetokenizeResponse>().results(0);
    return one.has_failure() ? one.failure().reason() : std::string();
  };
  for (const std::string& token : dead_) EXPECT_EQ(failure(token), "TOKEN_INVALID");
  for (const ModelPerson& person : people_) {
    for (const ModelRecord& record : person.records) {
      const ModelStates states = States(person, record);
      for (const auto& [field, token] : record.tokens) {
        const Names closed = Closed(states, {field}, "order");
        EXPECT_EQ(failure(token), closed.empty() ? "" : *closed.begin()) << field;
      }
    }
  }
}

// No row names a record or a person that has gone, but the person's own.
void RetentionPropertyTest::ExpectNothingLeft() {
  std::set<std::string> ids;
  for (const std::string& name : gone_) {
    const size_t records = name.find("/records/");
    const auto id = storage::Id128::FromText(name.substr(name.rfind('/') + 1));
    ASSERT_TRUE(id.has_value()) << records;
    ids.insert(std::string(id->view()));
  }
  for (const storage::Table table :
       {storage::Table::kRecord, storage::Table::kWrap, storage::Table::kIndex,
        storage::Table::kState, storage::Table::kSharing}) {
    for (const auto& [key, value] : vault_.engine().Dump(table)) {
      for (const std::string& id : ids) {
        EXPECT_EQ(key.find(id), std::string::npos);
        EXPECT_EQ(value.find(id), std::string::npos);
      }
    }
  }
}

void RetentionPropertyTest::Step() {
  switch (Below(20)) {
    case 0:
    case 1:
    case 2:
      return Create();
    case 3:
    case 4:
    case 5:
      return Update();
    case 6:
      return DeleteRecord();
    case 7:
      return OneIn(2) ? DeleteSubject() : DeleteRecord();
    case 8:
    case 9:
    case 10:
      return ChangeMatter();
    case 11:
    case 12:
      return ChangePerson();
    case 13:
    case 14:
      return Wait();
    case 15:
      Sweep();
      for (const ModelPerson& person : people_) ExpectStored(person);
      return;
    case 16:
      return Select();
    case 17:
      return Decide();
    case 18:
      if (OneIn(8)) return Activate(1 - policy_);
      if (OneIn(8)) {
        vault_.Rotate();
        return vault_.ReWrapAll();
      }
      return Wait();
    default:
      if (const ModelPerson* const person = AnyPerson()) {
        ExpectUses(*person);
        ExpectShown(*person);
        ExpectStored(*person);
      }
  }
}

TEST_P(RetentionPropertyTest, WhatALawKeepsStaysAndWhatIsDueGoes) {
  for (int step = 0; step < 250; ++step) {
    Step();
    if (HasFailure()) FAIL() << "at step " << step;
  }
  for (const ModelPerson& person : people_) {
    ExpectStored(person);
    ExpectUses(person);
  }
  ExpectTokens();
  ExpectNothingLeft();
  EndAll();
  Sweep();
  for (const ModelPerson& person : people_) {
    EXPECT_TRUE(person.gone || !person.is_erased());
    v1::DeleteSubjectRequest request;
    request.set_name(person.name);
    EXPECT_EQ(vault_.Call("shop", "DeleteSubject", request).name(),
              person.gone ? "SUBJECT_ERASED" : "OK");
    gone_.push_back(person.name);
  }
  ExpectNothingLeft();
  EXPECT_TRUE(vault_.engine().Dump(storage::Table::kRecord).empty());
  EXPECT_TRUE(vault_.engine().Dump(storage::Table::kWrap).empty());
  EXPECT_EQ(vault_.engine().Dump(storage::Table::kIndex).size(), index_rows_);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RetentionPropertyTest,
                         testing::Range(1u, std::getenv("PIIVAULT_LONG") == nullptr ? 61u : 2001u));

}  // namespace
}  // namespace piivault::vault
