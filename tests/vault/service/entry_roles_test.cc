// A caller with several roles gets each record by one of them, and the entry says by which.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vault/service/people_testing.h"
#include "vault/audit/entry_terms.h"
#include "vault/service/break_glass.h"
#include "vault/service/entry_view.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kPolicy[] = R"yaml(
policy: roles
timezone: UTC
types:
  customer: {fields: {name: {type: person_name, index: true}, title: job_title}}
purposes:
  order: {}
  work: {}
  count: {output: aggregate_only}
roles:
  shop: {kind: service}
  clerk: {kind: staff, nda: none}
  rescuer: {kind: staff, nda: none, break_glass: 1h}
  teller: {kind: service}
  person: {kind: subject, scope: own_record}
grants:
  - {id: shop, role: shop, may: [create, update], fields: [customer.*], for: [order]}
  - {id: clerk, role: clerk, may: [reveal, lookup, search], fields: [customer.*], for: [work], when: [contract_active]}
  - {id: clerk-lists, role: clerk, may: [list, read_metadata], types: [customer], when: [contract_active]}
  - {id: clerk-counts, role: clerk, may: [aggregate], fields: [customer.*], for: [count], when: [contract_active]}
  - {id: clerk-knows, role: clerk, may: [read_subject], types: [customer]}
  - {id: rescue, role: rescuer, may: [reveal, lookup, search], fields: [customer.*], for: [work]}
  - {id: rescue-lists, role: rescuer, may: [list, read_metadata], types: [customer]}
  - {id: rescue-counts, role: rescuer, may: [aggregate], fields: [customer.*], for: [count]}
  - {id: tell, role: teller, may: [reveal, search], fields: [customer.*], for: [work], when: [contract_active]}
  - {id: tell-counts, role: teller, may: [aggregate], fields: [customer.*], for: [count], when: [contract_active]}
  - {id: own, role: person, may: [reveal, search], fields: [customer.*], for: [work]}
  - {id: own-counts, role: person, may: [aggregate], fields: [customer.*], for: [count]}
)yaml";

constexpr char kUse[] = "aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kUseName[] = "breakGlassUses/aaaaaaaaaaaaaaaaaaaaaaaaaa";
constexpr char kTenant[] = "tenants/default";

// Jiro's contract is active and Taro's is not: his record is for who rescues, or acts for him.
class EntryRolesTest : public testing::Test {
 protected:
  EntryRolesTest() {
    vault_.SetPolicy("default", kPolicy);
    jiro_ = Add();
    taro_ = Add();
    vault_.ChangeRow(PeopleVault::PersonOf(taro_),
                     [](storage::v1::SubjectUse& use) { use.set_contract_ended(true); });
    Bind("engineer", {"clerk", "rescuer"});
    Bind("menu", {"teller", "person"});
  }
  std::string Add() {
    const Result made = vault_.AddRecord("customer", {{"name", "山田"}, {"title", "clerk"}}, "");
    EXPECT_TRUE(made.ok()) << made.name();
    return made.As<v1::CreateRecordResponse>().record().name();
  }
  void Bind(const std::string& principal, const std::vector<std::string>& roles) {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row = vault_.store().snapshot()->FindPrincipal(principal)->row;
      row.clear_bindings();
      for (const std::string& role : roles) {
        storage::v1::RoleBindingRow& binding = *row.add_bindings();
        binding.set_role(role);
        binding.set_tenant("default");
        if (role != "rescuer") continue;
        binding.set_break_glass(kUse);
        binding.set_active_until_micros(absl::ToUnixMicros(vault_.now + absl::Hours(1)));
      }
      change.PutPrincipal(row);
    });
  }
  template <typename Request>
  Request New(const std::string& purpose = "work", const std::string& actor = "") {
    Request request;
    request.set_parent(kTenant);
    *request.mutable_usage() = PeopleVault::Use(purpose, actor);
    return request;
  }
  v1::SearchRecordsRequest SearchRequest(const std::string& actor = "") {
    auto request = New<v1::SearchRecordsRequest>("work", actor);
    request.set_type("customer");
    request.set_field("name");
    request.set_value("山田");
    return request;
  }
  v1::CountRecordsRequest CountRequest(const std::string& actor = "") {
    auto request = New<v1::CountRecordsRequest>("count", actor);
    request.set_type("customer");
    request.add_group_by("title");
    return request;
  }
  Result Batch(const std::vector<std::string>& names) {
    auto request = New<v1::BatchRevealRecordsRequest>();
    request.add_fields("title");
    for (const std::string& name : names) request.add_names(name);
    return vault_.Call("engineer", "BatchRevealRecords", request);
  }
  std::string RefOf(const std::string& record) {
    return vault_.RowOf(PeopleVault::PersonOf(record)).subject_ref();
  }
  // The roles of the items that are about the record's person.
  std::vector<std::string> RolesOf(const Result& result, const std::string& record) {
    std::vector<std::string> roles;
    for (const storage::v1::EntryItem& item : result.entry.items()) {
      if (item.subject_ref() != RefOf(record)) continue;
      roles.push_back(item.role().empty() ? result.entry.role() : item.role());
    }
    return roles;
  }
  void ExpectEachByItsRole(const Result& result) {
    ASSERT_TRUE(result.ok()) << result.name();
    EXPECT_EQ(result.entry.role(), "clerk");
    EXPECT_EQ(result.entry.break_glass(), kUseName);
    EXPECT_THAT(RolesOf(result, jiro_), ElementsAre("clerk"));
    EXPECT_THAT(RolesOf(result, taro_), ElementsAre("rescuer"));
  }

  PeopleVault vault_;
  std::string jiro_;
  std::string taro_;
};

TEST_F(EntryRolesTest, OfAList) {
  v1::ListRecordsRequest request;
  request.set_parent(kTenant);
  request.set_type("customer");
  ExpectEachByItsRole(vault_.Call("engineer", "ListRecords", request));
}

TEST_F(EntryRolesTest, OfASearch) {
  ExpectEachByItsRole(vault_.Call("engineer", "SearchRecords", SearchRequest()));
}

TEST_F(EntryRolesTest, OfWhatIsShownAlone) {
  v1::SearchRecordsRequest request = SearchRequest();
  request.set_page_size(1);
  const Result first = vault_.Call("engineer", "SearchRecords", request);
  ASSERT_TRUE(first.ok());
  const bool jiro = first.As<v1::SearchRecordsResponse>().records(0).name() == jiro_;
  // The other one was decided too, but is on the next page.
  EXPECT_EQ(first.entry.break_glass(), jiro ? "" : kUseName);
}

TEST_F(EntryRolesTest, OfABatch) {
  ExpectEachByItsRole(Batch({jiro_, taro_, jiro_.substr(0, 30)}));
  const Result other = Batch({taro_, jiro_});
  EXPECT_EQ(other.entry.role(), "rescuer");
  EXPECT_EQ(other.entry.break_glass(), kUseName);
  EXPECT_THAT(RolesOf(other, jiro_), ElementsAre("clerk"));
  EXPECT_THAT(Batch({jiro_}).entry.break_glass(), IsEmpty());
}

TEST_F(EntryRolesTest, OfAStream) {
  auto request = New<v1::StreamRevealRecordsRequest>();
  request.add_fields("title");
  request.mutable_selector()->set_type("customer");
  const std::vector<Result> messages = vault_.Stream("engineer", "StreamRevealRecords", request);
  ASSERT_THAT(messages, SizeIs(1));
  ExpectEachByItsRole(messages[0]);
}

TEST_F(EntryRolesTest, OfACount) {
  const std::vector<Result> messages = vault_.Stream("engineer", "CountRecords", CountRequest());
  const Result& result = messages.back();
  ASSERT_TRUE(result.ok()) << result.name();
  EXPECT_EQ(result.entry.role(), "clerk");
  EXPECT_EQ(result.entry.break_glass(), kUseName);
  ASSERT_EQ(result.entry.items_size(), 2);
  for (const storage::v1::EntryItem& item : result.entry.items()) {
    EXPECT_THAT(item.fields(), ElementsAre("customer.title"));
    EXPECT_EQ(item.counted_records(), 1u);
  }
  EXPECT_THAT(result.entry.items(0).role(), IsEmpty());
  EXPECT_THAT(result.entry.items(0).grants(), ElementsAre("clerk-counts"));
  EXPECT_EQ(result.entry.items(1).role(), "rescuer");
  EXPECT_THAT(result.entry.items(1).grants(), ElementsAre("rescue-counts"));
}

TEST_F(EntryRolesTest, OfAPersonsRecords) {
  v1::GetSubjectRequest request;
  request.set_name(PeopleVault::PersonOf(jiro_));
  const Result usual = vault_.Call("engineer", "GetSubject", request);
  ASSERT_TRUE(usual.ok()) << usual.name();
  EXPECT_THAT(usual.entry.break_glass(), IsEmpty());
  EXPECT_THAT(RolesOf(usual, jiro_), ElementsAre("clerk"));
  request.set_name(PeopleVault::PersonOf(taro_));
  const Result result = vault_.Call("engineer", "GetSubject", request);
  ASSERT_THAT(result.As<v1::GetSubjectResponse>().records(), SizeIs(1));
  EXPECT_EQ(result.entry.break_glass(), kUseName);
  EXPECT_THAT(RolesOf(result, taro_), ElementsAre("clerk", "rescuer"));
  EXPECT_EQ(result.entry.items(1).version(), 1u);
}

TEST_F(EntryRolesTest, OfALookUp) {
  v1::UpdateRecordRequest update;
  update.set_name(taro_);
  (*update.mutable_fields())["name"] = "佐藤";
  *update.mutable_usage() = PeopleVault::Use("order");
  ASSERT_TRUE(vault_.Call("shop", "UpdateRecord", update).ok());
  auto request = New<v1::LookupRecordRequest>();
  request.set_type("customer");
  request.set_field("name");
  request.set_value("佐藤");
  request.add_fields("title");
  const Result result = vault_.Call("engineer", "LookupRecord", request);
  ASSERT_TRUE(result.ok()) << result.name();
  EXPECT_EQ(result.entry.role(), "rescuer");
  EXPECT_EQ(result.entry.break_glass(), kUseName);
}

// Whom the caller acted for stays in the entry where one record was shown for that reason.
TEST_F(EntryRolesTest, WhoIsActedForIsNamedWhereARecordRestsOnIt) {
  const std::string taro = PeopleVault::PersonOf(taro_);
  const Result found = vault_.Call("menu", "SearchRecords", SearchRequest(taro));
  ASSERT_THAT(found.As<v1::SearchRecordsResponse>().records(), SizeIs(2));
  EXPECT_EQ(found.entry.role(), "teller");
  EXPECT_EQ(found.entry.on_behalf_of_ref(), RefOf(taro_));
  EXPECT_THAT(RolesOf(found, taro_), ElementsAre("person"));
  const std::vector<Result> counted = vault_.Stream("menu", "CountRecords", CountRequest(taro));
  EXPECT_EQ(counted.back().entry.on_behalf_of_ref(), RefOf(taro_));
  ASSERT_EQ(counted.back().entry.items_size(), 2);
  EXPECT_EQ(counted.back().entry.items(1).role(), "person");
}

TEST_F(EntryRolesTest, AreShownAndFound) {
  storage::v1::EntryBody body;
  AddBreakGlass("", &body);
  EXPECT_THAT(body.break_glass(), IsEmpty());
  for (const char* name : {kUseName, "breakGlassUses/b", kUseName, "breakGlassUses/b"}) {
    AddBreakGlass(name, &body);
  }
  EXPECT_EQ(body.break_glass(), kUseName);
  EXPECT_THAT(body.further_break_glass(), ElementsAre("breakGlassUses/b"));
  body.add_items()->set_role("rescuer");
  v1::Entry shown;
  FillEntry({}, body, &shown);
  EXPECT_THAT(shown.further_break_glass(), ElementsAre("breakGlassUses/b"));
  EXPECT_EQ(shown.items(0).role(), "rescuer");
  EntryQuery query;
  query.break_glass = "breakGlassUses/b";
  EXPECT_TRUE(query.Matches(body));
  query.break_glass = "breakGlassUses/c";
  EXPECT_FALSE(query.Matches(body));
  storage::StoredEntry stored;
  stored.entry.body = body.SerializeAsString();
  std::vector<std::string> terms;
  TermsOf(stored, [&](std::string_view term) { terms.emplace_back(term); });
  EXPECT_THAT(terms, ElementsAre(BreakGlassTerm(kUseName), BreakGlassTerm("breakGlassUses/b")));
}

}  // namespace
}  // namespace piivault::vault
