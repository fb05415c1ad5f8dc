#include "tests/vault/service/retention_history.h"

#include <algorithm>
#include <utility>

#include "piivault/v1/subject_service.pb.h"

namespace piivault::vault {
namespace {

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

const std::map<std::string, std::set<std::string>> kTypes = {
    {"customer", {"name", "email", "phone", "note"}},
    {"pay", {"paid", "booked", "claim", "memo", "only", "note"}}};
const std::map<std::string, size_t> kHistory = {{"pay.booked", 2}};
const std::vector<std::string> kMatterTypes = {"inquiry", "complaint", "dispute"};
const std::vector<std::string> kEvents = {"purpose_complete", "supplied", "settled",
                                          "goods_supplied"};

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

}  // namespace

RetentionHistory::RetentionHistory(uint32_t seed) : rng_(seed) {
  for (const bool others : {false, true}) {
    policies_.push_back(RulesOf(seed % 4 == 0, others));
  }
  Activate(0);
  vault_.BuildIndexes();
  PutPapers({});
  PutPrincipal("desk", v1::PRINCIPAL_KIND_STAFF);
  PutPrincipal("person", v1::PRINCIPAL_KIND_SERVICE);
  PutOfficer("chief");
  index_rows_ = vault_.engine().Dump(storage::Table::kIndex).size();
}

void RetentionHistory::Activate(size_t policy) {
  policy_ = policy;
  vault_.SetPolicy("default", std::string(kHead) + rules().Text());
}

RetentionHistory::Values RetentionHistory::SomeValues(const std::string& type) {
  Values values;
  for (const std::string& field : kTypes.at(type)) {
    if (!OneIn(3)) values[field] = AnyValue(type, field);
  }
  if (values.empty()) values["note"] = "n";
  return values;
}

void RetentionHistory::DestroyFields(ModelPerson* person, const std::string& name,
                                     const ModelStates& states, const Names& fields) {
  for (const ModelRecord& record : person->records) {
    if (record.name != name) continue;
    Bury(record, fields);
    if (fields.size() >= record.values.size()) gone_.push_back(name);
  }
  Destroy(states, kHistory, fields, person, name);
}

void RetentionHistory::Create() {
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

void RetentionHistory::Update() {
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

void RetentionHistory::Upsert(ModelPerson* person, ModelRecord* record) {
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

void RetentionHistory::Changed(const Result& result, ModelPerson* person, ModelRecord* record,
                               const Values& set, const Names& cleared) {
  const ModelStates states = States(*person, *record);
  bool held = false;
  for (const std::string& field : cleared) held |= states.contains(field) && states.at(field).held;
  Names closed;
  for (const auto& [field, value] : set) {
    if (!states.contains(field)) continue;
    if (states.at(field).due) closed.insert("RETENTION_OVER");
    if (states.at(field).kept_by_law()) closed.insert("KEPT_BY_LAW");
  }
  if (person->is_erased() && !set.empty()) {
    EXPECT_EQ(result.name(), "SUBJECT_ERASED");
  } else if (!closed.empty()) {
    EXPECT_TRUE(closed.contains(std::string(result.name()))) << result.name();
  } else if (held) {
    EXPECT_EQ(result.name(), "RETENTION_HOLD");
  } else {
    ASSERT_EQ(result.name(), "OK");
    Bury(*record, cleared);
    Write(states, kHistory, set, cleared, record);
  }
}

void RetentionHistory::DeleteRecord() {
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

void RetentionHistory::DeleteSubject() {
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
  for (ModelRecord& record : person->records) record.ref.clear();
  std::erase_if(person->matters, [](const ModelMatter& matter) {
    return matter.records.empty() && matter.type == "inquiry";
  });
  if (!person->is_erased()) person->erased = vault_.now;
}

void RetentionHistory::OpenMatter(ModelPerson* person, const std::string& record) {
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
  const Result result = vault_.Call("shop", "OpenMatter", request);
  ASSERT_EQ(result.name(), person->is_erased() ? "SUBJECT_ERASED" : "OK");
  if (!result.ok()) person->matters.pop_back();
}

void RetentionHistory::ChangeMatter() {
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
  bool longer = false;  // is kept what is left of an erased person
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
      refused = matter.closed != absl::InfiniteFuture();
      longer = true;
      break;
    case 2:
      request.add_events(AnyOf(kEvents));
      changed.events.insert({request.events(0), vault_.now});
      break;
    default:
      const bool close = !OneIn(3);
      request.set_state(close ? "closed" : "open");
      changed.closed = close ? std::min(matter.closed, vault_.now) : absl::InfiniteFuture();
      longer = !close && matter.closed != absl::InfiniteFuture();
  }
  // `parts` is not a rule of both policies.
  if (policy_ == 1 && (request.events_size() > 0) &&
      (request.events(0) == "supplied" || request.events(0) == "settled")) {
    refused = true;
  }
  const Result result = vault_.Call("shop", "UpdateMatter", request);
  const char* const otherwise = longer && person->is_erased() ? "SUBJECT_ERASED" : "OK";
  EXPECT_EQ(result.name(), refused ? "MALFORMED_REQUEST" : otherwise);
  if (result.ok()) matter = changed;
}

void RetentionHistory::ChangePerson() {
  ModelPerson* const person = AnyPerson();
  if (person == nullptr || person->gone) return;
  v1::UpdateSubjectRequest request;
  request.set_subject(person->name);
  if (OneIn(2)) {
    const bool ends = !OneIn(4);
    request.set_contract_active(!ends);
    if (person->is_erased() && !ends) {
      EXPECT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "SUBJECT_ERASED");
      return;
    }
    person->contract_ended =
        ends ? std::min(person->contract_ended, vault_.now) : absl::InfiniteFuture();
  } else {
    const std::string event = OneIn(2) || policy_ == 1 ? "purpose_complete" : AnyOf(kEvents);
    request.add_events(event);
    person->Tell(event, vault_.now);
  }
  ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
}

void RetentionHistory::Wait() {
  const std::vector<absl::Duration> times = {absl::Hours(1), kDay,       5 * kDay,  10 * kDay,
                                             40 * kDay,      100 * kDay, 370 * kDay};
  vault_.now += AnyOf(times);
}

void RetentionHistory::Sweep() {
  uint64_t expected = 0;
  uint64_t expected_waiting = 0;
  for (ModelPerson& person : people_) {
    if (person.gone) continue;
    if (person.is_erased() && !AnyHeld(person)) {
      for (const ModelRecord& record : person.records) expected += record.values.size();
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
      // Of who was erased a record that somebody has cleared goes as well.
      const bool cleared = person.is_erased() && record.values.empty();
      if (!fields.empty() || cleared) DestroyFields(&person, record.name, states, fields);
    }
  }
  uint64_t waiting = 0;
  EXPECT_EQ(vault_.Sweep(&waiting), expected);
  EXPECT_EQ(waiting, expected_waiting);
}

// All that waits, and nothing else, is on the list.
void RetentionHistory::Select() {
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
void RetentionHistory::Decide() {
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
          const bool held = states.contains(field) && states.at(field).held;
          if (kept.empty() && !due) kept = held ? "RETENTION_HOLD" : "PROPOSAL_STALE";
        }
        if (kept.empty()) DestroyFields(&person, std::string(name), states, fields);
        break;
      }
    }
    EXPECT_EQ(decided.items(i).kept(), kept);
  }
}

void RetentionHistory::EndAll() {
  Activate(0);
  for (ModelPerson& person : people_) {
    if (person.gone) continue;
    v1::UpdateSubjectRequest request;
    request.set_subject(person.name);
    request.set_contract_active(false);
    person.contract_ended = std::min(person.contract_ended, vault_.now);
    for (const std::string& event : kEvents) {
      request.add_events(event);
      person.Tell(event, vault_.now);
    }
    ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
    // What was told of the person before a record was made is told of it by a matter alone.
    if (person.matters.empty() && !person.is_erased()) OpenMatter(&person, "");
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

}  // namespace piivault::vault
