// What laws keep, and what is destroyed: attacks on both, and what hangs on it.
#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "piivault/v1/retention_service.pb.h"
#include "tests/vault/service/rights_testing.h"
#include "vault/records/record_loader.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

constexpr std::string_view kKeeping = R"(policy: keeping
timezone: Asia/Tokyo
laws: [JP-tax, JP-books]
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, unique: true, index: true}
      phone: {type: phone_number, index: true, token: deterministic, audience: crm}
  pay: {fields: {paid: {type: free_text, token: random}, booked: free_text, note: free_text}}
purposes:
  order: {label: {en: Orders}}
  law: {label: {en: What the law asks}}
roles:
  shop: {kind: service}
  desk: {kind: staff, nda: none}
  chief: {kind: staff, nda: none}
  person: {kind: subject, scope: own_record}
grants:
  - {id: shop-all, role: shop, may: [create, update, reveal, search, lookup, detokenize], fields: [customer.*, pay.*], for: [order]}
  - {id: shop-law, role: shop, may: [reveal], fields: [customer.*, pay.*], for: [law]}
  - {id: shop-tidy, role: shop, may: [delete, delete_subject, update_subject, manage_matters, record_consent, unsubscribe], types: [customer, pay]}
  - {id: desk-selects, role: desk, may: [select_destruction], for: [law]}
  - {id: chief-approves, role: chief, may: [approve_destruction], for: [law]}
  - {id: person-sees, role: person, may: [reveal, lookup], fields: [customer.*, pay.*], for: [order]}
consent:
  - {id: other, event: purpose_extension, when: before_use}
retention:
  - {id: tax, hold: JP-tax, fields: [pay.paid], trigger: cancelled, keep: 7y, then: destroy}
  - {id: books, hold: JP-books, fields: [pay.booked], trigger: record_made, keep: 30d, then: destroy}
  - {id: over, fields: [pay.paid, pay.booked], trigger: purpose_complete, keep: 0, then: destroy}
  - {id: told, fields: [customer.phone], trigger: purpose_complete, keep: 10d, then: destroy, approval: chief}
  - {id: mails, fields: [customer.email], trigger: purpose_complete, keep: 10d, then: destroy}
retention_rules: {open_purposes: [law]}
)";

class RetentionTest : public RightsTestBase {
 protected:
  RetentionTest() {
    vault_.SetPolicy("default", kKeeping);
    vault_.BuildIndexes();
    PutPapers({});
    for (const char* staff : {"desk", "chief"}) PutPrincipal(staff, v1::PRINCIPAL_KIND_STAFF);
    PutPrincipal("person", v1::PRINCIPAL_KIND_SERVICE);
    speak_for_ = {"person"};
    purpose_ = "order";
    customer_ =
        vault_
            .Create(
                {{"name", "山田 花子"}, {"email", "hanako@example.jp"}, {"phone", "090-1234-5678"}},
                "c-1")
            .record()
            .name();
    hanako_ = PersonOf(customer_);
    pay_ = AddPay({{"paid", "100"}, {"booked", "7"}, {"note", "cash"}});
  }

  std::string AddPay(std::map<std::string, std::string> fields, const std::string& ref = "") {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer(std::move(fields), ref);
    request.mutable_record()->set_type("pay");
    request.mutable_record()->set_subject(hanako_);
    const Result made = vault_.Call("shop", "CreateRecord", request);
    EXPECT_EQ(made.name(), "OK");
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  Result Update(const std::string& record, const std::map<std::string, std::string>& set,
                const std::vector<std::string>& clear = {}) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    for (const auto& [field, value] : set) (*request.mutable_fields())[field] = value;
    for (const std::string& field : clear) request.add_clear_fields(field);
    request.mutable_usage()->set_purpose("order");
    return vault_.Call("shop", "UpdateRecord", request);
  }
  Result DeleteRecord(const std::string& record) {
    v1::DeleteRecordRequest request;
    request.set_name(record);
    return vault_.Call("shop", "DeleteRecord", request);
  }
  Result DeleteSubject(bool keep_held, const std::string& request_id = "") {
    v1::DeleteSubjectRequest request;
    request.set_name(hanako_);
    request.set_keep_held(keep_held);
    request.set_request_id(request_id);
    return vault_.Call("shop", "DeleteSubject", request);
  }
  // What the caller gets of a field; the refusal's name in brackets.
  std::string Get(const std::string& record, const std::string& field,
                  const std::string& purpose = "order", const std::string& caller = "shop") {
    v1::RevealRecordRequest request;
    request.set_name(record);
    request.add_fields(field);
    *request.mutable_usage() = Use(caller, hanako_);
    request.mutable_usage()->set_purpose(purpose);
    const Result result = vault_.Call(caller, "RevealRecord", request);
    if (!result.ok()) return "(" + std::string(result.name()) + ")";
    const auto& fields = result.As<v1::RevealRecordResponse>().record().fields();
    return fields.contains(field) ? fields.at(field).value() : "";
  }
  void ChangePerson(const std::function<void(v1::UpdateSubjectRequest&)>& change) {
    v1::UpdateSubjectRequest request;
    request.set_subject(hanako_);
    change(request);
    ASSERT_EQ(vault_.Call("shop", "UpdateSubject", request).name(), "OK");
  }
  void Cancel() {
    ChangePerson([](auto& r) { r.set_contract_active(false); });
  }
  void CompletePurpose() {
    ChangePerson([](auto& r) { r.add_events("purpose_complete"); });
  }
  v1::Usage Law() {
    v1::Usage usage;
    usage.set_purpose("law");
    return usage;
  }
  Result Select(const std::string& parent = "tenants/default") {
    v1::SelectDestructionRequest request;
    request.set_parent(parent);
    *request.mutable_usage() = Law();
    return vault_.Call("desk", "SelectDestruction", request);
  }
  Result Approve(const v1::Destruction& list) {
    v1::ApproveDestructionRequest request;
    request.set_name(list.name());
    request.set_sha256(list.sha256());
    *request.mutable_usage() = Law();
    return vault_.Call("chief", "ApproveDestruction", request);
  }
  // `field law` of what GetRetention says is held.
  std::vector<std::string> Shown() {
    v1::GetRetentionRequest request;
    request.set_subject(hanako_);
    *request.mutable_usage() = Law();
    const Result result = vault_.Call("desk", "GetRetention", request);
    EXPECT_EQ(result.name(), "OK");
    std::vector<std::string> held;
    for (const v1::FieldRetention& field : result.As<v1::GetRetentionResponse>().fields()) {
      if (!field.law().empty()) held.push_back(field.field() + " " + field.law());
    }
    return held;
  }
  size_t EarlierOf(const std::string& record, const std::string& field) {
    const auto state = vault_.store().snapshot();
    const auto scope = TenantScope::Create(*state, *state->FindTenant("default"));
    const std::optional<RecordName> name = ParseRecordName(record);
    ChangeSet changes;
    const auto loaded =
        LoadRecord(vault_.engine(), *scope, {name->subject, name->record}, &changes);
    if (!loaded.ok() || !loaded->ok()) return 0;
    size_t count = 0;
    for (const auto& earlier : loaded->record->header().earlier()) {
      if (earlier.name() == field) ++count;
    }
    return count;
  }

  std::string customer_, pay_, hanako_;
};

TEST_F(RetentionTest, NobodyDeletesClearsOrReplacesAwayWhatALawKeeps) {
  EXPECT_THAT(Shown(), UnorderedElementsAre("pay.paid JP-tax", "pay.booked JP-books"));
  const Result deleted = DeleteRecord(pay_);
  EXPECT_EQ(deleted.name(), "RETENTION_HOLD");
  EXPECT_THAT(deleted.denied_fields, UnorderedElementsAre("pay.paid", "pay.booked"));
  EXPECT_THAT(deleted.entry.items(0).denied_fields(),
              UnorderedElementsAre("pay.paid", "pay.booked"));
  EXPECT_EQ(Update(pay_, {}, {"paid"}).name(), "RETENTION_HOLD");
  EXPECT_EQ(Update(pay_, {{"note", "card"}}, {"booked"}).name(), "RETENTION_HOLD");
  EXPECT_EQ(Get(pay_, "note"), "cash") << "wholly or not at all";
  EXPECT_EQ(Update(pay_, {}, {"note"}).name(), "OK");
  EXPECT_EQ(DeleteSubject(false).name(), "RETENTION_HOLD");
  EXPECT_EQ(DeleteRecord(customer_).name(), "OK") << "no law keeps it";

  const std::string by_ref = AddPay({{"paid", "1"}, {"note", "n"}}, "p-1");
  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  upsert.mutable_record()->set_type("pay");
  upsert.mutable_record()->set_subject(hanako_);
  upsert.mutable_record()->set_ref("p-1");
  (*upsert.mutable_record()->mutable_fields())["note"] = "nothing else";
  upsert.mutable_usage()->set_purpose("order");
  EXPECT_EQ(vault_.Call("shop", "UpsertRecord", upsert).name(), "RETENTION_HOLD");
  EXPECT_EQ(Get(by_ref, "paid"), "1");
}

TEST_F(RetentionTest, AValueThatIsReplacedIsKeptAsLongAsTheLawKeepsTheField) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(Update(pay_, {{"paid", std::to_string(i)}, {"note", "n" + std::to_string(i)}}).name(),
              "OK");
  }
  EXPECT_EQ(EarlierOf(pay_, "paid"), 3u);
  EXPECT_EQ(EarlierOf(pay_, "note"), 0u) << "no law, and no history";
  // A change of something else takes nothing of it.
  ASSERT_EQ(Update(pay_, {{"note", "x"}}).name(), "OK");
  EXPECT_EQ(EarlierOf(pay_, "paid"), 3u);
  Cancel();
  vault_.now += absl::Hours(24 * 366 * 8);
  ASSERT_EQ(Update(pay_, {{"note", "y"}}).name(), "OK");
  EXPECT_EQ(EarlierOf(pay_, "paid"), 0u) << "released";
}

TEST_F(RetentionTest, WhatALawKeepsIsNotChurnedAway) {
  std::string last = "OK";
  int writes = 0;
  for (; writes < 1100 && last == "OK"; ++writes) {
    last = std::string(Update(pay_, {{"paid", std::to_string(writes)}}).name());
  }
  EXPECT_EQ(last, "HISTORY_FULL");
  EXPECT_EQ(EarlierOf(pay_, "paid"), 1000u);
}

TEST_F(RetentionTest, ErasingAllElseLeavesNothingButWhatIsHeld) {
  const std::string second = AddPay({{"note", "only a note"}});
  v1::RecordConsentRequest consent;
  consent.set_parent("tenants/default");
  consent.set_subject(hanako_);
  consent.mutable_consent()->set_consent("other");
  consent.mutable_consent()->set_wording("v1");
  ASSERT_EQ(vault_.Call("shop", "RecordConsent", consent).name(), "OK");

  const Result erased = DeleteSubject(true);
  ASSERT_EQ(erased.name(), "OK");
  EXPECT_EQ(erased.entry.decision(), storage::v1::DECISION_PARTIAL);
  EXPECT_EQ(erased.entry.reason(), "RETENTION_HOLD");
  const auto& response = erased.As<v1::DeleteSubjectResponse>();
  EXPECT_EQ(response.records(), 3);
  std::map<std::string, std::string> held;
  for (const v1::HeldFields& one : response.held()) {
    EXPECT_EQ(one.record(), pay_);
    held[one.law()] = absl::StrJoin(one.fields(), ",") + (one.has_until() ? " ends" : " open");
  }
  EXPECT_EQ(held["JP-tax"], "paid open");
  EXPECT_EQ(held["JP-books"], "booked ends");

  EXPECT_EQ(Get(customer_, "name"), "(NOT_FOUND)");
  EXPECT_EQ(Get(second, "note"), "(NOT_FOUND)");
  EXPECT_EQ(Get(pay_, "note"), "");
  EXPECT_EQ(Get(pay_, "paid"), "(KEPT_BY_LAW)");
  EXPECT_EQ(Get(pay_, "paid", "law"), "100");
  EXPECT_EQ(Get(pay_, "paid", "order", "person"), "100") << "it is hers to see";
  EXPECT_EQ(vault_.Lookup("shop", "email", "hanako@example.jp", {"name"}).name(), "NOT_FOUND");

  // Nothing comes to it, and what she has said is gone.
  v1::CreateRecordRequest more = VaultFixture::NewCustomer({{"name", "山田 花子"}});
  more.mutable_record()->set_subject(hanako_);
  EXPECT_EQ(vault_.Call("shop", "CreateRecord", more).name(), "SUBJECT_ERASED");
  EXPECT_EQ(Update(pay_, {{"note", "again"}}).name(), "SUBJECT_ERASED");
  v1::ListConsentsRequest list;
  list.set_subject(hanako_);
  const Result consents = vault_.Call("shop", "ListConsents", list);
  ASSERT_EQ(consents.name(), "OK");
  EXPECT_THAT(consents.As<v1::ListConsentsResponse>().consents(), IsEmpty());
  // Her address is anybody's again.
  EXPECT_EQ(vault_.Create({{"email", "hanako@example.jp"}}).record().type(), "customer");

  // The years begin when the contract ends, after all.
  EXPECT_EQ(vault_.Sweep(), 0u);
  Cancel();
  vault_.now += absl::Hours(24 * 40);
  EXPECT_EQ(Get(pay_, "booked", "law"), "(RETENTION_OVER)");
  EXPECT_EQ(DeleteSubject(true).name(), "OK") << "the books are released, the payment is not";
  EXPECT_EQ(Get(pay_, "booked", "law"), "");
  EXPECT_EQ(Get(pay_, "paid", "law"), "100");
  vault_.now += absl::Hours(24 * 366 * 8);
  vault_.Sweep();
  EXPECT_EQ(Get(pay_, "paid", "law"), "(NOT_FOUND)");
  EXPECT_EQ(DeleteSubject(false).name(), "SUBJECT_ERASED");
}

TEST_F(RetentionTest, ACallThatComesAgainIsAnsweredAsBefore) {
  const Result first = DeleteSubject(true, "once");
  ASSERT_EQ(first.name(), "OK");
  const Result again = DeleteSubject(true, "once");
  ASSERT_EQ(again.name(), "OK");
  EXPECT_EQ(again.response->SerializeAsString(), first.response->SerializeAsString());
  EXPECT_THAT(again.retained.items(), IsEmpty());
}

// However many records there are: all but what is held is closed at once, and goes in the
// background.
TEST_F(RetentionTest, AnErasureOfManyRecordsIsFinishedInTheBackground) {
  std::vector<std::string> records;
  for (int i = 0; i < 130; ++i) records.push_back(AddPay({{"note", "n"}, {"booked", "7"}}));
  const int woken = vault_.erasures_pending();
  const Result erased = DeleteSubject(true);
  ASSERT_EQ(erased.name(), "OK");
  EXPECT_EQ(vault_.erasures_pending(), woken + 1);
  EXPECT_EQ(erased.As<v1::DeleteSubjectResponse>().records(), 132);
  EXPECT_THAT(erased.As<v1::DeleteSubjectResponse>().held(), SizeIs(132));
  int over = 0;
  for (const std::string& record : records) {
    const std::string note = Get(record, "note");
    EXPECT_TRUE(note.empty() || note == "(RETENTION_OVER)") << note;
    over += note.empty() ? 0 : 1;
    EXPECT_EQ(Get(record, "booked", "law"), "7");
  }
  EXPECT_GT(over, 0);
  EXPECT_GE(vault_.Sweep(), static_cast<uint64_t>(over));
  for (const std::string& record : records) EXPECT_EQ(Get(record, "note"), "");
  EXPECT_EQ(vault_.Sweep(), 0u);
}

TEST_F(RetentionTest, NothingComesToWhoIsErasedAndNothingIsKeptLonger) {
  const std::string by_ref = AddPay({{"booked", "1"}}, "p-1");
  ASSERT_EQ(DeleteSubject(true).name(), "OK");
  v1::RecordConsentRequest consent;
  consent.set_parent("tenants/default");
  consent.set_subject(hanako_);
  consent.mutable_consent()->set_consent("other");
  consent.mutable_consent()->set_wording("v1");
  EXPECT_EQ(vault_.Call("shop", "RecordConsent", consent).name(), "SUBJECT_ERASED");
  v1::UpdateSubjectRequest change;
  change.set_subject(hanako_);
  change.set_department("sales");
  EXPECT_EQ(vault_.Call("shop", "UpdateSubject", change).name(), "SUBJECT_ERASED");
  Cancel();
  change.clear_department();
  change.set_contract_active(true);
  EXPECT_EQ(vault_.Call("shop", "UpdateSubject", change).name(), "SUBJECT_ERASED");
  // The key of a record that is kept is anybody's again.
  EXPECT_EQ(Get(by_ref, "booked", "law"), "1");
  v1::CreateRecordRequest other = VaultFixture::NewCustomer({{"note", "n"}}, "p-1");
  other.mutable_record()->set_type("pay");
  EXPECT_EQ(vault_.Call("shop", "CreateRecord", other).name(), "OK");
}

// Whatever policy comes: who was erased stays closed, and what no law keeps then goes.
TEST_F(RetentionTest, AnotherPolicyOpensNothingOfWhoIsErased) {
  ASSERT_EQ(DeleteSubject(true).name(), "OK");
  std::string without(kKeeping);
  without.resize(without.find("retention:\n"));
  vault_.SetPolicy("default", without);
  EXPECT_EQ(Get(pay_, "paid"), "(RETENTION_OVER)");
  EXPECT_EQ(Get(pay_, "paid", "law"), "(RETENTION_OVER)");
  vault_.Sweep();
  EXPECT_EQ(Get(pay_, "paid"), "(NOT_FOUND)");
  EXPECT_EQ(DeleteSubject(true).name(), "SUBJECT_ERASED");
}

TEST_F(RetentionTest, WhatIsOverOrKeptByLawIsNotWritten) {
  CompletePurpose();
  EXPECT_EQ(Update(pay_, {{"paid", "nothing"}}).name(), "KEPT_BY_LAW");
  EXPECT_EQ(Update(pay_, {{"note", "still"}}).name(), "OK");
  Cancel();
  vault_.now += absl::Hours(24 * 366 * 8);
  EXPECT_EQ(Update(pay_, {{"paid", "nothing"}}).name(), "RETENTION_OVER");
}

// A clock that was set ahead releases nothing.
TEST_F(RetentionTest, AHoldLastsAsLongAsTimeIsVouchedFor) {
  Cancel();
  vault_.vouched = vault_.now + absl::Hours(24);
  vault_.now += absl::Hours(24 * 366 * 8);
  EXPECT_EQ(DeleteRecord(pay_).name(), "RETENTION_HOLD");
  EXPECT_EQ(Update(pay_, {}, {"paid"}).name(), "RETENTION_HOLD");
  EXPECT_EQ(DeleteSubject(false).name(), "RETENTION_HOLD");
  EXPECT_EQ(vault_.Sweep(), 0u);
  vault_.vouched = vault_.now;
  EXPECT_EQ(DeleteRecord(pay_).name(), "OK");
}

TEST_F(RetentionTest, WhatGoesByItselfGoesAndTheRestWaitsForApproval) {
  CompletePurpose();
  vault_.now += absl::Hours(24 * 10) - absl::Seconds(1);
  uint64_t waiting = 7;
  EXPECT_EQ(vault_.Sweep(&waiting), 0u);
  EXPECT_EQ(waiting, 0u);
  EXPECT_EQ(Get(customer_, "email"), "hanako@example.jp");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Get(customer_, "email"), "(RETENTION_OVER)");
  EXPECT_EQ(Get(customer_, "email", "law", "person"), "(PURPOSE_NOT_GRANTED)");
  EXPECT_EQ(Get(customer_, "email", "order", "person"), "(RETENTION_OVER)");
  EXPECT_EQ(vault_.Lookup("shop", "email", "hanako@example.jp", {"name"}).name(), "NOT_FOUND");
  EXPECT_EQ(vault_.Sweep(&waiting), 1u);
  EXPECT_EQ(waiting, 1u);
  EXPECT_EQ(Get(customer_, "email"), "");
  EXPECT_EQ(Get(customer_, "phone"), "(RETENTION_OVER)");
  EXPECT_EQ(vault_.Sweep(), 0u);

  PutOfficer("chief");
  const Result selected = Select();
  ASSERT_EQ(selected.name(), "OK");
  const v1::Destruction& list = selected.As<v1::SelectDestructionResponse>().destruction();
  ASSERT_THAT(list.items(), SizeIs(1));
  EXPECT_THAT(list.items(0).fields(), ElementsAre("customer.phone"));
  EXPECT_THAT(list.items(0).rules(), ElementsAre("told"));
  const Result approved = Approve(list);
  ASSERT_EQ(approved.name(), "OK");
  EXPECT_THAT(approved.entry.items(0).fields(), ElementsAre("customer.phone"));
  EXPECT_EQ(Get(customer_, "phone"), "");
  EXPECT_EQ(Get(customer_, "name"), "山田 花子");
}

TEST_F(RetentionTest, TokensOfWhatIsDueGiveNothingAndThenStandForNothing) {
  v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"paid", "1"}, {"note", "n"}});
  request.mutable_record()->set_type("pay");
  request.mutable_record()->set_subject(hanako_);
  const Result made = vault_.Call("shop", "CreateRecord", request);
  ASSERT_EQ(made.name(), "OK");
  const std::string token = made.As<v1::CreateRecordResponse>().tokens().at("paid");
  ASSERT_FALSE(token.empty());
  const auto detokenize = [&] {
    const Result result = vault_.Detokenize("shop", {token});
    if (!result.ok()) return std::string(result.name());
    const auto& one = result.As<v1::DetokenizeResponse>().results(0);
    return one.has_failure() ? one.failure().reason() : std::string("OK");
  };
  EXPECT_EQ(detokenize(), "OK");
  CompletePurpose();
  EXPECT_EQ(detokenize(), "KEPT_BY_LAW");
  Cancel();
  vault_.now += absl::Hours(24 * 366 * 8);
  EXPECT_EQ(detokenize(), "RETENTION_OVER");
  EXPECT_EQ(vault_.Sweep(), 4u) << "both records' payments, the books, and the mail address";
  EXPECT_EQ(detokenize(), "TOKEN_INVALID");
}

// A list of another policy, of another tenant, or that somebody has decided, is nobody's to
// approve.
TEST_F(RetentionTest, AListIsOfItsPolicyAndItsTenant) {
  CompletePurpose();
  vault_.now += absl::Hours(24 * 11);
  PutOfficer("chief");
  const v1::Destruction list = Select().As<v1::SelectDestructionResponse>().destruction();
  v1::Destruction other = list;
  other.set_name("tenants/other" + list.name().substr(15));
  EXPECT_NE(Approve(other).name(), "OK");
  std::string changed(kKeeping);
  changed.replace(changed.find("keep: 30d"), 9, "keep: 31d");
  vault_.SetPolicy("default", changed);
  EXPECT_EQ(Approve(list).name(), "PROPOSAL_STALE");
  vault_.SetPolicy("default", kKeeping);
  v1::RejectDestructionRequest reject;
  reject.set_name(list.name());
  *reject.mutable_usage() = Law();
  EXPECT_EQ(vault_.Call("desk", "RejectDestruction", reject).name(), "OPERATION_NOT_GRANTED");
  const Result rejected = vault_.Call("chief", "RejectDestruction", reject);
  ASSERT_EQ(rejected.name(), "OK");
  EXPECT_EQ(rejected.As<v1::RejectDestructionResponse>().destruction().state(),
            v1::DESTRUCTION_STATE_REJECTED);
  EXPECT_EQ(Approve(list).name(), "PROPOSAL_STALE");
  EXPECT_EQ(Get(customer_, "phone"), "(RETENTION_OVER)") << "nothing was destroyed";
  v1::ListDestructionsRequest all;
  all.set_parent("tenants/default");
  *all.mutable_usage() = Law();
  const Result lists = vault_.Call("desk", "ListDestructions", all);
  ASSERT_EQ(lists.name(), "OK");
  EXPECT_THAT(lists.As<v1::ListDestructionsResponse>().destructions(), SizeIs(1));
  all.set_selected_only(true);
  EXPECT_THAT(vault_.Call("desk", "ListDestructions", all)
                  .As<v1::ListDestructionsResponse>()
                  .destructions(),
              IsEmpty());
}

TEST_F(RetentionTest, ALongSelectionGoesOnWhereItStopped) {
  for (int i = 0; i < 130; ++i) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer({{"phone", "090-1234-5678"}});
    request.mutable_record()->set_subject(hanako_);
    ASSERT_EQ(vault_.Call("shop", "CreateRecord", request).name(), "OK");
  }
  CompletePurpose();
  vault_.now += absl::Hours(24 * 11);
  for (const std::string& parent : {std::string("tenants/default"), hanako_}) {
    v1::SelectDestructionRequest request;
    request.set_parent(parent);
    *request.mutable_usage() = Law();
    std::vector<int> items;
    int looked_at = 0;
    std::set<std::string> records;
    do {
      const Result result = vault_.Call("desk", "SelectDestruction", request);
      ASSERT_EQ(result.name(), "OK");
      const auto& response = result.As<v1::SelectDestructionResponse>();
      items.push_back(response.destruction().items_size());
      looked_at += response.looked_at();
      for (const v1::DestructionItem& item : response.destruction().items()) {
        EXPECT_TRUE(records.insert(item.record()).second);
      }
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    EXPECT_THAT(items, ElementsAre(100, 31));
    EXPECT_EQ(looked_at, 132);
    request.set_page_token("nonsense");
    EXPECT_EQ(vault_.Call("desk", "SelectDestruction", request).name(), "PAGE_TOKEN_INVALID");
  }
}

// A record that does not open keeps nothing else from going, and stays.
TEST_F(RetentionTest, WhatDoesNotOpenIsPassedOverAndReported) {
  const std::string whole =
      vault_.Create({{"phone", "090-1111-2222"}, {"email", "a@example.jp"}}, "", hanako_)
          .record()
          .name();
  const RecordName name = *ParseRecordName(customer_);
  const storage::Key row =
      storage::RecordKey(vault_.TenantNumber("default"), name.subject, name.record);
  CompletePurpose();
  vault_.now += absl::Hours(24 * 11);
  PutOfficer("chief");
  const v1::Destruction list = Select().As<v1::SelectDestructionResponse>().destruction();
  ASSERT_THAT(list.items(), SizeIs(2));
  // The last field's value; the header opens still.
  std::string value = *vault_.engine().Get(row);
  value.back() = static_cast<char>(value.back() ^ 1);
  vault_.engine().Tamper(row, value);
  EXPECT_EQ(vault_.Sweep(), 1u);
  EXPECT_THAT(vault_.damaged, ElementsAre(row));
  EXPECT_EQ(Get(whole, "email"), "");

  const Result approved = Approve(list);
  ASSERT_EQ(approved.name(), "OK");
  for (const v1::DestructionItem& item :
       approved.As<v1::ApproveDestructionResponse>().destruction().items()) {
    const bool damaged = item.kept() == "DATA_LOSS";
    EXPECT_TRUE(damaged || item.kept().empty()) << item.kept();
  }
  EXPECT_EQ(Get(whole, "phone"), "(NOT_FOUND)");
}

}  // namespace
}  // namespace piivault::vault
