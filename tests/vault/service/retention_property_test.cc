// Random histories of people, records, matters and destructions against a naive model: what may be
// used, what nobody erases, what goes, and what is left.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "piivault/v1/subject_service.pb.h"
#include "tests/vault/service/retention_model.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/records/record_loader.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Names = std::set<std::string>;
using Values = std::map<std::string, std::string>;

constexpr std::string_view kHead = R"(policy: periods
timezone: Asia/Tokyo
laws: [Tax, Trade]
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, unique: true, index: true}
      phone: {type: phone_number, index: true, token: deterministic, audience: crm}
      note: free_text
  pay:
    fields:
      paid: {type: free_text, token: random}
      booked: {type: free_text, history: 2}
      claim: {type: free_text, token: random}
      memo: free_text
      only: free_text
      note: free_text
matters:
  consultation: {types: [inquiry, complaint, dispute], states: [open, closed]}
purposes:
  order: {label: {en: Orders}}
  law: {label: {en: What the law asks}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal, detokenize], fields: [customer.*, pay.*], for: [order, law]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, manage_matters], types: [customer, pay]}
  - {id: desk-selects, role: desk, may: [select_destruction], for: [law]}
  - {id: chief-approves, role: chief, may: [approve_destruction], for: [law]}
  - {id: person-sees, role: person, may: [reveal], fields: [customer.*, pay.*], for: [order]}
)";

const std::map<std::string, Names> kTypes = {
    {"customer", {"name", "email", "phone", "note"}},
    {"pay", {"paid", "booked", "claim", "memo", "only", "note"}}};
const std::map<std::string, size_t> kHistory = {{"pay.booked", 2}};
const std::vector<std::string> kMatterTypes = {"inquiry", "complaint", "dispute"};
const std::vector<std::string> kEvents = {"purpose_complete", "supplied", "settled",
                                          "goods_supplied"};
constexpr absl::Duration kDay = absl::Hours(24);

// Of the policy that is in force at first, or of the one that takes its place now and then.
ModelRules RulesOf(bool earlier_of, bool others) {
  ModelRules made;
  made.earlier_of = earlier_of;
  made.approved = {"customer.phone", "pay.memo"};
  made.rules = {
      {"tax", {"pay.paid"}, {"cancelled"}, false, others ? "3mo" : "1y", "Tax", "destroy"},
      {"books",
       {"pay.booked"},
       {"record_made"},
       false,
       others ? "100d" : "40d",
       "Trade",
       "destroy"},
      {"over", {"pay.paid", "pay.booked"}, {"purpose_complete"}, false, "0", "", "destroy"},
      {"names", {"customer.name"}, {"case_closed"}, false, "3mo", "Trade", "destroy", true},
      {"memos", {"pay.memo"}, {"purpose_complete", "cancelled"}, false, "5d", "", "destroy"},
      {"only", {"pay.only"}, {"goods_supplied", "case_closed"}, false, "60d", "Tax", "destroy"},
      {"told", {"customer.phone"}, {"purpose_complete"}, false, "10d", "", "destroy"},
      {"mails", {"customer.email"}, {"purpose_complete"}, false, "10d", "", "destroy"},
  };
  if (!others) {
    made.rules.push_back(
        {"parts", {"pay.memo"}, {"supplied", "settled"}, true, "30d", "Tax", "keep"});
    made.rules.push_back(
        {"disputes", {"pay.claim"}, {"case_closed"}, false, "3mo", "Trade", "destroy", true});
    made.rules.push_back({"talks", {"pay.claim"}, {"case_closed"}, false, "0", "", "destroy"});
  }
  return made;
}

class RetentionPropertyTest : public RightsTestBase, public testing::WithParamInterface<uint32_t> {
 protected:
  RetentionPropertyTest() {
    for (const bool others : {false, true}) {
      policies_.push_back(RulesOf(GetParam() % 4 == 0, others));
    }
    Activate(0);
    vault_.BuildIndexes();
    PutPapers({});
    for (const char* staff : {"desk", "chief"}) PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    PutPrincipal("person", v1::PRINCIPAL_KIND_SERVICE);
    vault_.Put([](StateChange& change) {
      storage::v1::PersonRow person;
      person.set_name("kuroda");
      person.set_employment(v1::EMPLOYMENT_FULL_TIME);
      change.PutPerson(person);
      storage::v1::PrincipalRow row;
      row.set_name("chief");
      row.set_kind(v1::PRINCIPAL_KIND_STAFF);
      row.set_person("kuroda");
      row.add_identities()->set_uri("spiffe://test/chief");
      row.add_bindings()->set_role("chief");
      row.mutable_bindings(0)->set_tenant("default");
      change.PutPrincipal(row);
    });
    index_rows_ = vault_.engine().Dump(storage::Table::kIndex).size();
  }

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
  Values SomeValues(const std::string& type) {
    Values values;
    for (const std::string& field : kTypes.at(type)) {
      if (!OneIn(3)) values[field] = AnyValue(type, field);
    }
    if (values.empty()) values["note"] = "n";
    return values;
  }
  std::string AnyValue(const std::string& type, const std::string& field) {
    if (field == "email") return absl::StrCat("a", ++number_, "@example.jp");
    if (field == "phone") return absl::StrCat("090-1234-", 1000 + ++number_ % 9000);
    if (field == "name") return OneIn(2) ? "山田 花子" : "鈴木 花子";
    return absl::StrCat(type, Below(4));
  }
  std::string AnyPurpose() { return OneIn(3) ? "law" : "order"; }

  const ModelRules& rules() const { return policies_[policy_]; }
  void Activate(size_t policy) {
    policy_ = policy;
    vault_.SetPolicy("default", std::string(kHead) + rules().Text());
  }
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
                     const Names& fields) {
    for (const ModelRecord& record : person->records) {
      if (record.name != name) continue;
      Bury(record, fields);
      if (fields.size() >= record.values.size()) gone_.push_back(name);
    }
    Destroy(states, kHistory, fields, person, name);
  }

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

  void ExpectUses(const ModelPerson& person);
  void ExpectStored(const ModelPerson& person);
  void ExpectShown(const ModelPerson& person);
  void ExpectTokens();
  void ExpectNothingLeft();
  void Step();
  void EndAll();

  struct List {
    v1::Destruction list;
    size_t policy = 0;
    bool decided = false;
  };

  std::mt19937 rng_{GetParam()};
  std::vector<ModelRules> policies_;
  size_t policy_ = 0;
  size_t number_ = 0;
  std::vector<ModelPerson> people_;
  std::vector<List> lists_;
  std::set<std::string> dead_;     // tokens
  std::vector<std::string> gone_;  // names of people and records
  size_t index_rows_ = 0;
};

void RetentionPropertyTest::Create() {
  ModelPerson* person = people_.size() < 4 || OneIn(20) ? nullptr : AnyPerson();
  if (person != nullptr && person->records.size() >= 5) return;
  ModelRecord record;
  record.type = OneIn(3) ? "customer" : "pay";
  record.values = SomeValues(record.type);
  record.made = vault_.now;
  if (OneIn(2)) record.ref = absl::StrCat("ref", ++number_);
  v1::CreateRecordRequest request = VaultFixture::NewCustomer(record.values, record.ref);
  request.mutable_record()->set_type(record.type);
  if (person != nullptr) request.mutable_record()->set_subject(person->name);
  const Result result = vault_.Call("shop", "CreateRecord", request);
  if (person != nullptr && (person->gone || person->is_erased())) {
    EXPECT_EQ(result.name(), "SUBJECT_ERASED");
    return;
  }
  ASSERT_EQ(result.name(), "OK");
  record.name = result.As<v1::CreateRecordResponse>().record().name();
  TakeTokens(result.As<v1::CreateRecordResponse>(), &record);
  if (person == nullptr) {
    person = &people_.emplace_back();
    person->name = PersonOf(record.name);
  }
  person->records.push_back(std::move(record));
}

void RetentionPropertyTest::Update() {
  ModelPerson* const person = AnyPerson();
  ModelRecord* const record = AnyRecord(person);
  if (record == nullptr) return;
  if (!record->ref.empty() && OneIn(4)) return Upsert(person, record);
  v1::UpdateRecordRequest request;
  request.set_name(record->name);
  Values set;
  Names cleared;
  for (const std::string& field : kTypes.at(record->type)) {
    if (OneIn(4)) {
      set[field] = AnyValue(record->type, field);
    } else if (OneIn(6)) {
      cleared.insert(field);
    }
  }
  for (const auto& [field, value] : set) (*request.mutable_fields())[field] = value;
  for (const std::string& field : cleared) request.add_clear_fields(field);
  if (set.empty() && cleared.empty()) return;
  request.mutable_usage()->set_purpose(AnyPurpose());
  const Result result = vault_.Call("shop", "UpdateRecord", request);
  Changed(result, person, record, set, cleared);
  if (result.ok()) TakeTokens(result.As<v1::UpdateRecordResponse>(), record);
}

void RetentionPropertyTest::Upsert(ModelPerson* person, ModelRecord* record) {
  const Values set = SomeValues(record->type);
  Names cleared = FieldsOf(*record);
  for (const auto& [field, value] : set) cleared.erase(field);
  v1::UpsertRecordRequest request;
  request.set_parent("tenants/default");
  *request.mutable_record() = VaultFixture::NewCustomer(set, record->ref).record();
  request.mutable_record()->set_type(record->type);
  request.mutable_usage()->set_purpose(AnyPurpose());
  const Result result = vault_.Call("shop", "UpsertRecord", request);
  Changed(result, person, record, set, cleared);
  if (result.ok()) TakeTokens(result.As<v1::UpsertRecordResponse>(), record);
}

void RetentionPropertyTest::Changed(const Result& result, ModelPerson* person, ModelRecord* record,
                                    const Values& set, const Names& cleared) {
  const ModelStates states = States(*person, *record);
  bool held = false;
  for (const std::string& field : cleared) held |= states.contains(field) && states.at(field).held;
  // A write is no use, so that nothing is closed to it.
  if (person->is_erased() && !set.empty()) {
    EXPECT_EQ(result.name(), "SUBJECT_ERASED");
  } else if (held) {
    EXPECT_EQ(result.name(), "RETENTION_HOLD");
  } else {
    ASSERT_EQ(result.name(), "OK");
    Bury(*record, cleared);
    Write(states, kHistory, set, cleared, record);
  }
}

void RetentionPropertyTest::DeleteRecord() {
  ModelPerson* const person = AnyPerson();
  const ModelRecord* const record = AnyRecord(person);
  if (record == nullptr) return;
  bool held = false;
  for (const auto& [field, state] : States(*person, *record)) held |= state.held;
  v1::DeleteRecordRequest request;
  request.set_name(record->name);
  const Result result = vault_.Call("shop", "DeleteRecord", request);
  const char* const otherwise = person->is_erased() ? "SUBJECT_ERASED" : "OK";
  ASSERT_EQ(result.name(), held ? "RETENTION_HOLD" : otherwise);
  if (!result.ok()) return;
  BuryRecord(*record);
  Remove(std::string(record->name), person);
}

void RetentionPropertyTest::DeleteSubject() {
  ModelPerson* const person = AnyPerson();
  if (person == nullptr) return;
  const bool keep = !OneIn(3);
  v1::DeleteSubjectRequest request;
  request.set_name(person->name);
  request.set_keep_held(keep);
  const bool held = AnyHeld(*person);
  const Result result = vault_.Call("shop", "DeleteSubject", request);
  if (person->gone) {
    EXPECT_EQ(result.name(), "SUBJECT_ERASED");
    return;
  }
  ASSERT_EQ(result.name(), held && !keep ? "RETENTION_HOLD" : "OK");
  if (!result.ok()) return;
  if (!held) return BuryPerson(person);
  Names kept;
  for (const v1::HeldFields& one : result.As<v1::DeleteSubjectResponse>().held()) {
    for (const std::string& field : one.fields()) kept.insert(one.record() + " " + field);
  }
  const std::vector<ModelRecord> before = person->records;
  std::map<std::string, ModelStates> states;
  for (const ModelRecord& record : before) states[record.name] = States(*person, record);
  for (const ModelRecord& record : before) {
    Names others;
    for (const auto& [field, state] : states[record.name]) {
      if (!state.held) others.insert(field);
      EXPECT_EQ(kept.erase(record.name + " " + field), state.held ? 1u : 0u);
    }
    if (!others.empty() || record.values.empty()) {
      DestroyFields(person, record.name, states[record.name], others);
    }
  }
  EXPECT_TRUE(kept.empty());
  if (!person->is_erased()) person->erased = vault_.now;
}

void RetentionPropertyTest::OpenMatter(ModelPerson* person, const std::string& record) {
  ModelMatter& matter = person->matters.emplace_back();
  matter.id = absl::StrCat("C-", ++number_);
  matter.type = AnyOf(kMatterTypes);
  v1::OpenMatterRequest request;
  request.set_parent(person->name);
  request.mutable_matter()->set_kind("consultation");
  request.mutable_matter()->set_id(matter.id);
  request.mutable_matter()->set_type(matter.type);
  if (!record.empty()) {
    request.mutable_matter()->add_records(record);
    matter.records.insert(record);
  }
  ASSERT_EQ(vault_.Call("shop", "OpenMatter", request).name(), "OK");
}

void RetentionPropertyTest::ChangeMatter() {
  ModelPerson* const person = AnyPerson();
  if (person == nullptr || person->gone) return;
  const ModelRecord* const record = AnyRecord(person);
  if (person->matters.empty() || (person->matters.size() < 3 && OneIn(3))) {
    return OpenMatter(person, record != nullptr && OneIn(2) ? record->name : "");
  }
  ModelMatter& matter = person->matters[Below(person->matters.size())];
  ModelMatter changed = matter;
  v1::UpdateMatterRequest request;
  request.set_parent(person->name);
  request.set_kind("consultation");
  request.set_id(matter.id);
  bool refused = false;
  switch (Below(5)) {
    case 0:
      changed.type = AnyOf(kMatterTypes);
      request.set_type(changed.type);
      refused = std::find(kMatterTypes.begin(), kMatterTypes.end(), changed.type) <
                std::find(kMatterTypes.begin(), kMatterTypes.end(), matter.type);
      break;
    case 1:
      if (record == nullptr) return;
      request.add_add_records(record->name);
      changed.records.insert(record->name);
      break;
    case 2:
      request.add_events(AnyOf(kEvents));
      changed.events.insert({request.events(0), vault_.now});
      break;
    default:
      const bool close = !OneIn(3);
      request.set_state(close ? "closed" : "open");
      changed.closed = close ? std::min(matter.closed, vault_.now) : absl::InfiniteFuture();
  }
  // `parts` is not a rule of both policies.
  if (policy_ == 1 && (request.events_size() > 0) &&
      (request.events(0) == "supplied" || request.events(0) == "settled")) {
    refused = true;
  }
  EXPECT_EQ(vault_.Call("shop", "UpdateMatter", request).name(),
            refused ? "MALFORMED_REQUEST" : "OK");
  if (!refused) matter = changed;
}

void RetentionPropertyTest::ChangePerson() {
  ModelPerson* const person = AnyPerson();
  if (person == nullptr || person->gone) return;
  v1::UpdateSubjectRequest request;
  request.set_subject(person->name);
  if (OneIn(2)) {
    const bool ends = !OneIn(4);
    request.set_contract_active(!ends);
    person->contract_ended =
        ends ? std::min(person->contract_ended, vault_.now) : absl::InfiniteFuture();
  } else {
    const std::string event = OneIn(2) || policy_ == 1 ? "purpose_complete" : AnyOf(kEvents);
    request.add_events(event);
    person->events.insert({event, vault_.now});
  }
  ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
}

void RetentionPropertyTest::Wait() {
  const std::vector<absl::Duration> times = {absl::Hours(1), kDay,       5 * kDay,  10 * kDay,
                                             40 * kDay,      100 * kDay, 370 * kDay};
  vault_.now += AnyOf(times);
}

void RetentionPropertyTest::Sweep() {
  uint64_t expected = 0;
  uint64_t expected_waiting = 0;
  for (ModelPerson& person : people_) {
    if (person.gone || person.records.empty()) continue;
    if (person.is_erased() && !AnyHeld(person)) {
      BuryPerson(&person);
      continue;
    }
    const std::vector<ModelRecord> before = person.records;
    for (const ModelRecord& record : before) {
      const ModelStates states = States(person, record);
      Names fields;
      for (const auto& [field, state] : states) {
        // Whose erasure has been decided waits for nobody.
        const bool goes = person.is_erased() ? !state.held : state.goes();
        if (goes) fields.insert(field);
        if (!person.is_erased() && state.waits()) ++expected_waiting;
      }
      expected += fields.size();
      if (!fields.empty()) DestroyFields(&person, record.name, states, fields);
    }
  }
  uint64_t waiting = 0;
  EXPECT_EQ(vault_.Sweep(&waiting), expected);
  EXPECT_EQ(waiting, expected_waiting);
  for (const ModelPerson& person : people_) ExpectStored(person);
}

// All that waits, and nothing else, is on the list.
void RetentionPropertyTest::Select() {
  const ModelPerson* const of = OneIn(3) ? AnyPerson() : nullptr;
  std::map<std::string, Names> expected;
  for (const ModelPerson& person : people_) {
    if (person.is_erased() || (of != nullptr && of != &person)) continue;
    for (const ModelRecord& record : person.records) {
      for (const auto& [field, state] : States(person, record)) {
        if (state.waits()) expected[record.name].insert(record.type + "." + field);
      }
    }
  }
  v1::SelectDestructionRequest request;
  request.set_parent(of == nullptr ? "tenants/default" : of->name);
  request.mutable_usage()->set_purpose("law");
  const Result result = vault_.Call("desk", "SelectDestruction", request);
  ASSERT_EQ(result.name(), "OK");
  const auto& list = result.As<v1::SelectDestructionResponse>().destruction();
  std::map<std::string, Names> listed;
  for (const v1::DestructionItem& item : list.items()) {
    listed[item.record()].insert(item.fields().begin(), item.fields().end());
  }
  EXPECT_EQ(listed, expected);
  if (!list.name().empty()) lists_.push_back({list, policy_, false});
}

// A list may have waited for long: what is not due any more stays, and so does what has gone.
void RetentionPropertyTest::Decide() {
  if (lists_.empty()) return;
  List& one = lists_[Below(lists_.size())];
  if (OneIn(4)) {
    v1::RejectDestructionRequest reject;
    reject.set_name(one.list.name());
    reject.mutable_usage()->set_purpose("law");
    EXPECT_EQ(vault_.Call("chief", "RejectDestruction", reject).name(),
              one.decided ? "PROPOSAL_STALE" : "OK");
    one.decided = true;
    return;
  }
  v1::ApproveDestructionRequest approve;
  approve.set_name(one.list.name());
  approve.set_sha256(one.list.sha256());
  approve.mutable_usage()->set_purpose("law");
  const Result result = vault_.Call("chief", "ApproveDestruction", approve);
  if (one.decided || one.policy != policy_) {
    EXPECT_EQ(result.name(), "PROPOSAL_STALE");
    return;
  }
  ASSERT_EQ(result.name(), "OK");
  one.decided = true;
  const auto& decided = result.As<v1::ApproveDestructionResponse>().destruction();
  ASSERT_EQ(decided.items_size(), one.list.items_size());
  for (int i = 0; i < decided.items_size(); ++i) {
    const std::string& name = one.list.items(i).record();
    std::string kept = "NOT_FOUND";
    for (ModelPerson& person : people_) {
      for (const ModelRecord& record : person.records) {
        if (record.name != name) continue;
        const ModelStates states = States(person, record);
        Names fields;
        kept = person.is_erased() ? "SUBJECT_ERASED" : "";
        for (const std::string& full : one.list.items(i).fields()) {
          const std::string field = full.substr(record.type.size() + 1);
          fields.insert(field);
          const bool due = states.contains(field) && states.at(field).due;
          if (kept.empty() && !due) kept = "RETENTION_HOLD";
        }
        if (kept.empty()) DestroyFields(&person, std::string(name), states, fields);
        break;
      }
    }
    EXPECT_EQ(decided.items(i).kept(), kept);
  }
}

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
      return Sweep();
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

// All that periods are counted from happens, and they pass.
void RetentionPropertyTest::EndAll() {
  Activate(0);
  for (ModelPerson& person : people_) {
    if (person.gone) continue;
    v1::UpdateSubjectRequest request;
    request.set_subject(person.name);
    request.set_contract_active(false);
    person.contract_ended = std::min(person.contract_ended, vault_.now);
    for (const std::string& event : kEvents) {
      request.add_events(event);
      person.events.insert({event, vault_.now});
    }
    ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
    // What was told of the person before a record was made is told of it by a matter alone.
    if (person.matters.empty()) OpenMatter(&person, "");
    for (ModelMatter& matter : person.matters) {
      v1::UpdateMatterRequest close;
      close.set_parent(person.name);
      close.set_kind("consultation");
      close.set_id(matter.id);
      close.set_state("closed");
      for (const std::string& event : kEvents) {
        close.add_events(event);
        matter.events.insert({event, vault_.now});
      }
      matter.closed = std::min(matter.closed, vault_.now);
      ASSERT_EQ(vault_.Call("shop", "UpdateMatter", close).name(), "OK");
    }
  }
  vault_.now += 1000 * kDay;
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
