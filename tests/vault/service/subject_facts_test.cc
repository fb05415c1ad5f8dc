// What a decision is told of persons and callers: rows, usage, birthdays, notices, controllers.
#include "vault/service/subject_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "piivault/v1/audit_service.pb.h"
#include "tests/vault/service/people_testing.h"
#include "vault/service/entry_view.h"
#include "vault/service/resource_name.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

SubjectState Somebody() {
  SubjectState subject = NewSubject(SystemRandom(), absl::FromUnixSeconds(1'750'000'000));
  subject.row.set_version(3);
  return subject;
}

std::string NameOf(const storage::Id128& id) { return MakeSubjectName("default", id); }

TEST(PersonFactsTest, WhereNobodySaidAnythingAllIsAllowed) {
  const SubjectState subject = Somebody();
  const PersonFacts person("default", subject);
  const authz::SubjectFacts& facts = person.facts();
  EXPECT_EQ(facts.subject, NameOf(subject.id));
  EXPECT_EQ(person.subject_ref(), subject.row.subject_ref());
  EXPECT_TRUE(facts.contract_active);
  EXPECT_FALSE(facts.unsubscribed);
  EXPECT_FALSE(facts.erased);
  EXPECT_EQ(facts.holder, "");
  EXPECT_FALSE(facts.born.has_value());
  EXPECT_TRUE(facts.stops.empty() && facts.consents.empty() && facts.representatives.empty() &&
              facts.matters.empty());
  EXPECT_EQ(person.ConsentIdOf(nullptr), "");
}

TEST(PersonFactsTest, WhatRequestsFreezeIsFrozen) {
  SubjectState subject = Somebody();
  storage::v1::SubjectRequestRow& request = *subject.row.mutable_use()->add_requests();
  request.add_fields("customer.email");
  request.add_fields("customer.phone");
  request.add_done_fields("customer.phone");
  EXPECT_TRUE(PersonFacts("default", subject).facts().frozen.empty());
  request.set_freezes(true);
  EXPECT_THAT(PersonFacts("default", subject).facts().frozen, ElementsAre("customer.email"));
}

TEST(PersonFactsTest, ATombstoneSaysSo) {
  SubjectState subject = Somebody();
  subject.row.set_erased(true);
  EXPECT_TRUE(PersonFacts("default", subject).facts().erased);
}

TEST(PersonFactsTest, TellsAllThatTheRowSays) {
  SubjectState subject = Somebody();
  storage::v1::SubjectUse& use = *subject.row.mutable_use();
  const storage::Id128 holder = SystemRandom().Id128();
  const storage::Id128 agent = SystemRandom().Id128();
  use.set_unsubscribed(true);
  use.set_contract_ended(true);
  use.set_department("sales");
  use.set_holder(std::string(holder.view()));
  use.set_birth_day(NumberOfDay(absl::CivilDay(1969, 12, 30)));
  storage::v1::UseStopRow& stop = *use.add_stops();
  stop.set_fields("customer.*");
  stop.set_purpose("order");
  for (const char* id : {"first", "second"}) {
    storage::v1::ConsentRow& consent = *use.add_consents();
    consent.set_id(id);
    consent.set_consent("link");
    consent.set_purpose("other");
    consent.add_fields("ext.id");
    consent.add_fields("ext.nick");
    consent.set_give_micros(5'000'000);
  }
  use.mutable_consents(1)->set_withdraw_micros(7'000'000);
  use.mutable_consents(1)->set_guardian_relation("mother");
  use.mutable_consents(1)->set_recipient("yamato");
  storage::v1::MandateRow& mandate = *use.add_mandates();
  mandate.set_agent(std::string(agent.view()));
  mandate.set_not_after_micros(9'000'000);
  storage::v1::MatterRow& matter = *use.add_matters();
  matter.set_kind("consultation");
  matter.set_id("C-1");
  matter.set_state("open");
  matter.set_party("acme");
  matter.add_purposes("advice");

  const PersonFacts person("default", subject);
  const authz::SubjectFacts& facts = person.facts();
  EXPECT_TRUE(facts.unsubscribed);
  EXPECT_FALSE(facts.contract_active);
  EXPECT_EQ(facts.department, "sales");
  EXPECT_EQ(facts.holder, NameOf(holder));
  EXPECT_EQ(facts.born, absl::CivilDay(1969, 12, 30));
  ASSERT_EQ(facts.stops.size(), 1u);
  EXPECT_EQ(facts.stops[0].fields, "customer.*");
  EXPECT_EQ(facts.stops[0].purpose, "order");
  ASSERT_EQ(facts.consents.size(), 2u);
  EXPECT_EQ(facts.consents[0].id, "link");
  EXPECT_EQ(facts.consents[0].purpose, "other");
  EXPECT_THAT(facts.consents[0].fields, ElementsAre("ext.id", "ext.nick"));
  EXPECT_EQ(facts.consents[0].given, absl::FromUnixSeconds(5));
  EXPECT_EQ(facts.consents[0].withdrawn, absl::InfiniteFuture());
  EXPECT_FALSE(facts.consents[0].by_guardian);
  EXPECT_THAT(facts.consents[1].fields, ElementsAre("ext.id", "ext.nick"));
  EXPECT_EQ(facts.consents[1].withdrawn, absl::FromUnixSeconds(7));
  EXPECT_TRUE(facts.consents[1].by_guardian);
  EXPECT_EQ(facts.consents[0].recipient, "");
  EXPECT_EQ(facts.consents[1].recipient, "tenants/default/recipients/yamato");
  EXPECT_EQ(person.ConsentIdOf(&facts.consents[0]), "first");
  EXPECT_EQ(person.ConsentIdOf(&facts.consents[1]), "second");
  ASSERT_EQ(facts.representatives.size(), 1u);
  EXPECT_EQ(facts.representatives[0].subject, NameOf(agent));
  EXPECT_EQ(facts.representatives[0].not_after, absl::FromUnixSeconds(9));
  ASSERT_EQ(facts.matters.size(), 1u);
  EXPECT_EQ(facts.matters[0].kind, "consultation");
  EXPECT_EQ(facts.matters[0].id, "C-1");
  EXPECT_EQ(facts.matters[0].state, "open");
  EXPECT_EQ(facts.matters[0].party, "acme");
  EXPECT_EQ(facts.matters[0].not_after, absl::InfiniteFuture());
  EXPECT_THAT(facts.matters[0].purposes, ElementsAre("advice"));
}

TEST(UsageTest, ArgumentsHaveAForm) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  const auto with = [&](const std::string& name, const std::string& value) {
    v1::Usage usage = PeopleVault::Use("option");
    (*usage.mutable_arguments())["option_id"] = "O-17";
    (*usage.mutable_arguments())[name] = value;
    return vault.Call("shop", "RevealRecord", PeopleVault::Reading(record, {"name"}, usage));
  };
  EXPECT_EQ(with("option_id", "O-17").name(), "OK");
  EXPECT_EQ(with("option_id", "").name(), "TICKET_INVALID");
  EXPECT_EQ(with("option_id", "山田").name(), "TICKET_INVALID");
  EXPECT_EQ(with("option_id", std::string(65, 'x')).name(), "TICKET_INVALID");
  EXPECT_EQ(with("option_id", "4111-1111-1111-1111").name(), "PROHIBITED_TYPE");
  EXPECT_EQ(with("a name", "x").name(), "MALFORMED_REQUEST");
  EXPECT_EQ(with(std::string(65, 'n'), "x").name(), "MALFORMED_REQUEST");
  v1::Usage nine = PeopleVault::Use("option");
  for (char c = '1'; c <= '8'; ++c) (*nine.mutable_arguments())[std::string(1, c)] = "x";
  (*nine.mutable_arguments())["option_id"] = "O-17";
  const auto many = PeopleVault::Reading(record, {"name"}, nine);
  EXPECT_EQ(vault.Call("shop", "RevealRecord", many).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(vault.Read(record, {"name"}, "option").name(), "ARGUMENT_MISSING");
}

TEST(UsageTest, EntriesShowArgumentsThatThePolicyKnows) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  const std::string other =
      PeopleVault::PersonOf(vault.Create({{"name", "鈴木 一郎"}}).record().name());
  v1::Usage usage = PeopleVault::Use("option", other);
  (*usage.mutable_arguments())["option_id"] = "O-17";
  (*usage.mutable_arguments())["consultation"] = "C-1";
  (*usage.mutable_arguments())["parent"] = "order";
  (*usage.mutable_arguments())["Hanako.Yamada"] = "likes-tea";
  const Result result =
      vault.Call("shop", "RevealRecord", PeopleVault::Reading(record, {"name"}, usage));
  ASSERT_TRUE(result.ok()) << result.name();
  EXPECT_THAT(result.entry.arguments(),
              UnorderedElementsAre(Pair("option_id", "O-17"), Pair("consultation", "C-1"),
                                   Pair("parent", "order")));
  EXPECT_EQ(result.entry.on_behalf_of_ref(), "") << "a shop acts for nobody";
  EXPECT_EQ(result.entry.items(0).subject_ref(),
            vault.RowOf(PeopleVault::PersonOf(record)).subject_ref());
  v1::Entry shown;
  FillEntry({}, result.entry, &shown);
  EXPECT_EQ(shown.arguments().at("option_id"), "O-17");
  EXPECT_EQ(shown.on_behalf_of_ref(), "");
}

TEST(UsageTest, ActsForAPersonOfTheTenantOnly) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  const std::string hanako = PeopleVault::PersonOf(record);
  const std::string other =
      PeopleVault::PersonOf(vault.Create({{"name", "鈴木 一郎"}}).record().name());
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu").name(), "SUBJECT_REQUIRED");
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu", other).name(), "NOT_OWN_RECORD");
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu", hanako).name(), "OK");
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu", "hanako").name(), "MALFORMED_REQUEST");
  const std::string elsewhere = "tenants/other" + hanako.substr(hanako.find("/subjects/"));
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "shop", elsewhere).name(), "MALFORMED_REQUEST");
  const std::string nobody = "tenants/default/subjects/" + std::string(26, 'a');
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu", nobody).name(), "MALFORMED_REQUEST");
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "shop", other).name(), "OK");

  v1::DeleteSubjectRequest erase;
  erase.set_name(other);
  ASSERT_TRUE(vault.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(vault.Read(record, {"name"}, "order", "menu", other).name(), "SUBJECT_ERASED");
}

TEST(UsageTest, AWrittenRecordIsThePersonsOwn) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  v1::RecordConsentRequest request = PeopleVault::NewConsent(hanako, "other-purpose", "other");
  *request.mutable_usage() = PeopleVault::Use("", hanako);
  EXPECT_EQ(vault.Call("menu", "RecordConsent", request).name(), "OK");
  const std::string other =
      PeopleVault::PersonOf(vault.Create({{"name", "鈴木 一郎"}}).record().name());
  *request.mutable_usage() = PeopleVault::Use("", other);
  EXPECT_EQ(vault.Call("menu", "RecordConsent", request).name(), "NOT_OWN_RECORD");
  EXPECT_EQ(vault.RowOf(hanako).use().consents_size(), 1);
}

TEST(UsageTest, TheRoleIsTheOneThatTheCallerNames) {
  PeopleVault vault;
  v1::RevealRecordRequest request =
      PeopleVault::Reading(vault.Hanako(), {"name"}, PeopleVault::Use("order"));
  request.mutable_usage()->set_role("shop");
  const Result result = vault.Call("shop", "RevealRecord", request);
  EXPECT_EQ(result.name(), "OK");
  EXPECT_EQ(result.entry.role(), "shop");
  request.mutable_usage()->set_role("helper");
  EXPECT_EQ(vault.Call("shop", "RevealRecord", request).name(), "ROLE_NOT_GRANTED");
  request.mutable_usage()->set_role("a role");
  EXPECT_EQ(vault.Call("shop", "RevealRecord", request).name(), "MALFORMED_REQUEST");
}

TEST(BirthdayTest, IsThatOfTheNewestRecordAndGoesWithIt) {
  PeopleVault vault;
  const auto day = [&](const std::string& person) -> std::string {
    const storage::v1::SubjectUse use = vault.RowOf(person).use();
    if (!use.has_birth_day()) return "none";
    return std::string(StdView(absl::FormatCivilTime(DayOfNumber(use.birth_day()))));
  };
  const std::string record = vault.Hanako({{"birth_date", "1990-02-03"}});
  const std::string hanako = PeopleVault::PersonOf(record);
  EXPECT_EQ(day(hanako), "1990-02-03");
  const auto update = [&](const std::string& value) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    *request.mutable_usage() = PeopleVault::Use("order");
    if (value.empty()) {
      request.add_clear_fields("birth_date");
    } else {
      (*request.mutable_fields())["birth_date"] = value;
    }
    return vault.Call("shop", "UpdateRecord", request).name();
  };
  EXPECT_EQ(update("1991-03-04"), "OK");
  EXPECT_EQ(day(hanako), "1991-03-04");
  EXPECT_EQ(update(""), "OK");
  EXPECT_EQ(day(hanako), "none");

  const Result second = vault.AddRecord("customer", {{"birth_date", "1985-01-01"}}, hanako);
  ASSERT_TRUE(second.ok()) << second.name();
  EXPECT_EQ(day(hanako), "1985-01-01");
  EXPECT_EQ(update("1992-05-06"), "OK");
  v1::DeleteRecordRequest remove;
  remove.set_name(second.As<v1::CreateRecordResponse>().record().name());
  ASSERT_TRUE(vault.Call("shop", "DeleteRecord", remove).ok());
  EXPECT_EQ(day(hanako), "1992-05-06") << "another record's";
  remove.set_name(record);
  ASSERT_TRUE(vault.Call("shop", "DeleteRecord", remove).ok());
  EXPECT_EQ(day(hanako), "none");
}

TEST(NoticeTest, ALaterOneNeverWidensOlderData) {
  PeopleVault vault;
  const auto made = [&](std::string_view notice) {
    const Result result = vault.AddRecord("customer", {{"name", "山田 花子"}}, "", notice);
    EXPECT_TRUE(result.ok()) << result.name();
    return result.As<v1::CreateRecordResponse>().record().name();
  };
  const auto change = [&](const std::string& record, std::string_view notice) {
    v1::UpdateRecordRequest request;
    request.set_name(record);
    (*request.mutable_fields())["note"] = "likes tea";
    request.mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    request.mutable_provenance()->set_notice(std::string(notice));
    *request.mutable_usage() = PeopleVault::Use("order");
    return vault.Call("shop", "UpdateRecord", request);
  };
  const auto notice_of = [](const Result& result) {
    return result.As<v1::UpdateRecordResponse>().record().provenance().notice();
  };
  const std::string record = made("general");
  EXPECT_EQ(change(record, "wide").name(), "NOTICE_FORBIDS");
  EXPECT_EQ(change(record, "made-up").name(), "NOTICE_UNKNOWN");
  EXPECT_EQ(notice_of(change(record, "")), "general") << "kept, as without one nothing binds";
  EXPECT_EQ(notice_of(change(record, "orders")), "orders");
  EXPECT_EQ(change(record, "general").name(), "NOTICE_FORBIDS");
  // 003-35: nor is a notice given to what came in without one.
  EXPECT_EQ(change(made(""), "wide").name(), "NOTICE_FORBIDS");
  EXPECT_EQ(change(made(""), "made-up").name(), "NOTICE_UNKNOWN");

  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  *upsert.mutable_record() = VaultFixture::NewCustomer({{"name", "鈴木 一郎"}}, "17").record();
  upsert.mutable_record()->mutable_provenance()->set_notice("orders");
  *upsert.mutable_usage() = PeopleVault::Use("order");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "OK");
  upsert.mutable_record()->mutable_provenance()->set_notice("wide");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "NOTICE_FORBIDS");
}

TEST(ProvenanceTest, WhoSaysOnlyWhenDataWasGivenLeavesTheWayThatItCame) {
  PeopleVault vault;
  const Result made = vault.AddRecord("customer", {{"name", "山田 花子"}}, "", "general");
  ASSERT_TRUE(made.ok()) << made.name();
  const auto change = [&](const std::function<void(v1::Provenance&)>& state) {
    v1::UpdateRecordRequest request;
    request.set_name(made.As<v1::CreateRecordResponse>().record().name());
    (*request.mutable_fields())["note"] = "likes tea";
    state(*request.mutable_provenance());
    *request.mutable_usage() = PeopleVault::Use("order");
    const Result result = vault.Call("shop", "UpdateRecord", request);
    EXPECT_TRUE(result.ok()) << result.name();
    return result.ok() ? result.As<v1::UpdateRecordResponse>().record().provenance()
                       : v1::Provenance();
  };
  const v1::Provenance by_web = change([](v1::Provenance& provenance) {
    provenance.set_channel("web");
    provenance.set_front_hop(v1::FRONT_HOP_TLS);
  });
  EXPECT_EQ(by_web.channel(), "web");
  const v1::Provenance later = change([&](v1::Provenance& provenance) {
    provenance.mutable_collected_at()->set_seconds(absl::ToUnixSeconds(vault.now) - 60);
  });
  EXPECT_EQ(later.channel(), "web");
  EXPECT_EQ(later.front_hop(), v1::FRONT_HOP_TLS);
  EXPECT_EQ(later.collected_at().seconds(), absl::ToUnixSeconds(vault.now) - 60);
  const v1::Provenance noticed =
      change([](v1::Provenance& provenance) { provenance.set_notice("orders"); });
  EXPECT_EQ(noticed.channel(), "web");
  const v1::Provenance in_clear =
      change([](v1::Provenance& provenance) { provenance.set_front_hop(v1::FRONT_HOP_TLS); });
  EXPECT_EQ(in_clear.channel(), "") << "the way was stated anew";
}

TEST(ControllerTest, StaysWithTheRecord) {
  PeopleVault vault;
  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  *upsert.mutable_record() = VaultFixture::NewCustomer({{"name", "鈴木 一郎"}}, "17").record();
  upsert.mutable_record()->set_controller("a name");
  *upsert.mutable_usage() = PeopleVault::Use("order");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "MALFORMED_REQUEST");
  upsert.mutable_record()->set_controller("acme");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "OK");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "OK");
  upsert.mutable_record()->clear_controller();
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "OK");
  upsert.mutable_record()->set_controller("other");
  EXPECT_EQ(vault.Call("shop", "UpsertRecord", upsert).name(), "ALREADY_EXISTS");
}

TEST(RetiredFieldTest, IsClearedAndNotWritten) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  v1::UpdateRecordRequest request;
  request.set_name(record);
  *request.mutable_usage() = PeopleVault::Use("order");
  (*request.mutable_fields())["old"] = "x";
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", request).name(), "FIELD_RETIRED");
  request.clear_fields();
  request.add_clear_fields("old");
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", request).name(), "OK");
}

TEST(MatterTest, OfThePersonIsAFact) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  v1::Usage usage = PeopleVault::Use("advice");
  (*usage.mutable_arguments())["consultation"] = "C-1";
  const auto request = PeopleVault::Reading(record, {"name"}, usage);
  EXPECT_EQ(vault.Call("shop", "RevealRecord", request).name(), "MATTER_UNKNOWN");
  const auto put = [&](const std::string& state) {
    vault.ChangeRow(PeopleVault::PersonOf(record), [&](storage::v1::SubjectUse& use) {
      use.clear_matters();
      use.add_matters()->set_kind("consultation");
      use.mutable_matters(0)->set_id("C-1");
      use.mutable_matters(0)->set_state(state);
    });
  };
  put("open");
  EXPECT_EQ(vault.Call("shop", "RevealRecord", request).name(), "OK");
  put("closed");
  EXPECT_EQ(vault.Call("shop", "RevealRecord", request).name(), "MATTER_UNKNOWN");
}

}  // namespace
}  // namespace piivault::vault
