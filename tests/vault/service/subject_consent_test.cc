// What people agree to: recorded, taken back, asked for before data comes in and before it is used.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/vault/service/people_testing.h"
#include "vault/service/entry_view.h"

namespace piivault::vault {
namespace {

using Result = VaultFixture::Result;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Result Record(PeopleVault& vault, const v1::RecordConsentRequest& request) {
  return vault.Call("shop", "RecordConsent", request);
}

v1::ListConsentsResponse List(PeopleVault& vault, const std::string& person) {
  v1::ListConsentsRequest request;
  request.set_subject(person);
  const Result result = vault.Call("shop", "ListConsents", request);
  EXPECT_TRUE(result.ok()) << result.name();
  return result.ok() ? result.As<v1::ListConsentsResponse>() : v1::ListConsentsResponse();
}

TEST(RecordConsentTest, KeepsWhatWasSaidUnderAnIdOfItsOwn) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const uint64_t version = vault.RowOf(hanako).version();
  v1::RecordConsentRequest request =
      PeopleVault::NewConsent(hanako, "link", "other", {"ext.id", "ext.id"});
  request.mutable_consent()->set_channel("web");
  request.mutable_consent()->set_basis("contract-6b");
  request.mutable_consent()->set_id("mine");
  EXPECT_EQ(Record(vault, request).name(), "MALFORMED_REQUEST") << "a field twice";
  request.mutable_consent()->mutable_fields()->RemoveLast();
  const Result result = Record(vault, request);
  ASSERT_TRUE(result.ok()) << result.name();
  const auto& response = result.As<v1::RecordConsentResponse>();
  EXPECT_EQ(response.subject(), hanako);
  EXPECT_EQ(response.consent().consent(), "link");
  EXPECT_EQ(response.consent().give_time().seconds(), absl::ToUnixSeconds(vault.now));
  EXPECT_THAT(response.consent().id(), SizeIs(26));

  const v1::ListConsentsResponse listed = List(vault, hanako);
  ASSERT_THAT(listed.consents(), SizeIs(1));
  EXPECT_EQ(listed.consents(0).SerializeAsString(), response.consent().SerializeAsString());
  EXPECT_EQ(listed.consents(0).purpose(), "other");
  EXPECT_THAT(listed.consents(0).fields(), ElementsAre("ext.id"));
  EXPECT_EQ(listed.consents(0).wording(), "2025-04");
  EXPECT_EQ(listed.consents(0).channel(), "web");
  EXPECT_EQ(listed.consents(0).basis(), "contract-6b");
  EXPECT_FALSE(listed.consents(0).has_withdraw_time());

  const storage::v1::SubjectRow row = vault.RowOf(hanako);
  EXPECT_EQ(row.version(), version + 1);
  EXPECT_EQ(result.entry.consent(), response.consent().id());
  ASSERT_EQ(result.entry.items_size(), 1);
  EXPECT_EQ(result.entry.items(0).subject_ref(), row.subject_ref());
  EXPECT_THAT(result.entry.items(0).grants(), ElementsAre("shop-tidy"));
  ASSERT_EQ(result.retained.items_size(), 1);
  EXPECT_EQ(result.retained.items(0).subject_ref(), row.subject_ref());
  EXPECT_EQ(result.retained.items(0).version(), row.version());
  v1::Entry shown;
  FillEntry({}, result.entry, &shown);
  EXPECT_EQ(shown.consent(), response.consent().id());
}

TEST(RecordConsentTest, RefusesWhatIsNone) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const auto refused = [&](const std::function<void(v1::RecordConsentRequest&)>& change) {
    v1::RecordConsentRequest request = PeopleVault::NewConsent(hanako, "device");
    change(request);
    const Result result = Record(vault, request);
    std::string text(result.name());
    for (const std::string& field : result.denied_fields) text += " " + field;
    return text;
  };
  const auto bad = [](const std::string& field) { return "MALFORMED_REQUEST " + field; };
  EXPECT_EQ(refused([](auto&) {}), "OK");
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_consent("none"); }),
            bad("consent.consent"));
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_purpose("none"); }),
            bad("consent.purpose"));
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->clear_wording(); }), bad("consent.wording"));
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_wording("a text"); }),
            bad("consent.wording"));
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_wording("4111-1111-1111-1111"); }),
            "PROHIBITED_TYPE consent.wording");
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_basis("山田"); }), bad("consent.basis"));
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_channel("a b"); }),
            bad("consent.channel"));
  for (const char* field : {"dev.os", "dev.*", "customer.name", "none.*", "dev", "dev.none"}) {
    EXPECT_EQ(refused([&](auto& r) { r.mutable_consent()->add_fields(field); }),
              bad("consent.fields"))
        << field;
  }
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_consent("link"); }),
            bad("consent.fields"))
      << "agreed on nothing";
  EXPECT_EQ(refused([](auto& r) {
              r.mutable_consent()->set_consent("other-purpose");
              r.mutable_consent()->set_purpose("other");
              r.mutable_consent()->add_fields("customer.email");
            }),
            bad("consent.fields"))
      << "it would count for all fields";
  EXPECT_EQ(refused([](auto& r) { r.mutable_consent()->set_consent("young"); }),
            bad("consent.guardian"));
  EXPECT_EQ(
      refused([](auto& r) { r.mutable_consent()->mutable_guardian()->set_relation("mother"); }),
      bad("consent.guardian.document_sha256"));
  EXPECT_EQ(refused([](auto& r) {
              r.mutable_consent()->mutable_guardian()->set_document_sha256(std::string(64, 'a'));
            }),
            bad("consent.guardian.relation"));
  EXPECT_EQ(refused([](auto& r) { r.set_subject("hanako"); }), bad("subject"));
  EXPECT_EQ(
      refused([](auto& r) { r.set_subject("tenants/default/subjects/" + std::string(26, 'a')); }),
      "NOT_FOUND");
  EXPECT_THAT(vault.RowOf(hanako).use().consents(), SizeIs(1));
}

TEST(RecordConsentTest, ToGivingDataAwayNamesToWhomAndWhat) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const std::string yamato = "tenants/default/recipients/yamato";
  const auto record = [&](std::string_view consent, const std::string& recipient,
                          const std::vector<std::string>& fields) {
    v1::RecordConsentRequest request = PeopleVault::NewConsent(hanako, consent, "other", fields);
    request.mutable_consent()->set_recipient(recipient);
    return Record(vault, request);
  };
  const auto refused = [&](const std::string& recipient) {
    const Result result = record("third", recipient, {"customer.name"});
    EXPECT_EQ(result.name(), "MALFORMED_REQUEST") << recipient;
    EXPECT_THAT(result.denied_fields, ElementsAre("consent.recipient")) << recipient;
  };
  for (const char* name : {"", "yamato", "recipients/yamato", "tenants/other/recipients/yamato",
                           "tenants/default/recipients/", "tenants/default/recipients/Yamato",
                           "tenants/default/recipients/a/b", "tenants/default/persons/yamato"}) {
    refused(name);
  }
  refused("tenants/default/recipients/" + std::string(64, 'a'));
  EXPECT_THAT(record("third", yamato, {}).denied_fields, ElementsAre("consent.fields"));
  EXPECT_THAT(record("device", yamato, {"dev.location"}).denied_fields,
              ElementsAre("consent.recipient"))
      << "it is about something else";

  const Result result = record("third", yamato, {"customer.name"});
  ASSERT_TRUE(result.ok()) << result.name();
  EXPECT_EQ(result.As<v1::RecordConsentResponse>().consent().recipient(), yamato);
  EXPECT_EQ(List(vault, hanako).consents(0).recipient(), yamato);
  EXPECT_EQ(vault.RowOf(hanako).use().consents(0).recipient(), "yamato");
}

TEST(RecordConsentTest, ToGivingDataAwayLetsNobodyUseIt) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  v1::RecordConsentRequest request =
      PeopleVault::NewConsent(PeopleVault::PersonOf(record), "both", "other", {"customer.name"});
  request.mutable_consent()->set_recipient("tenants/default/recipients/yamato");
  vault.Consent(request);
  const auto reveal = [&] {
    const auto reading = PeopleVault::Reading(record, {"name"}, PeopleVault::Use("other"));
    return std::string(vault.Call("shop", "RevealRecord", reading).name());
  };
  EXPECT_EQ(reveal(), "CONSENT_MISSING");
  request.mutable_consent()->clear_recipient();
  request.mutable_consent()->clear_fields();
  vault.Consent(request);
  EXPECT_EQ(reveal(), "OK");
}

TEST(RecordConsentTest, IsForThoseWhoMay) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const auto request = PeopleVault::NewConsent(hanako, "device");
  EXPECT_EQ(vault.Call("helper", "RecordConsent", request).name(), "OPERATION_NOT_GRANTED");
  EXPECT_EQ(vault.Call("nobody", "RecordConsent", request).name(), "ROLE_NOT_GRANTED");
  EXPECT_EQ(vault.Call("stranger", "RecordConsent", request).name(), "PRINCIPAL_UNKNOWN");
  v1::ListConsentsRequest list;
  list.set_subject(hanako);
  EXPECT_EQ(vault.Call("helper", "ListConsents", list).name(), "OPERATION_NOT_GRANTED");
  v1::WithdrawConsentRequest withdraw;
  withdraw.set_subject(hanako);
  withdraw.set_consent("device");
  EXPECT_EQ(vault.Call("helper", "WithdrawConsent", withdraw).name(), "OPERATION_NOT_GRANTED");
  EXPECT_THAT(vault.RowOf(hanako).use().consents(), IsEmpty());
}

TEST(RecordConsentTest, ComesBeforeTheData) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const std::string place = "35.6586, 139.7454 by the tower";
  const Result before = vault.AddRecord("dev", {{"location", place}}, hanako);
  EXPECT_EQ(before.name(), "CONSENT_MISSING");
  EXPECT_THAT(vault.AllBytes(), Not(testing::Contains(HasSubstr(place))));
  EXPECT_EQ(vault.AddRecord("dev", {{"location", place}}, "").name(), "CONSENT_MISSING");
  EXPECT_EQ(vault.AddRecord("dev", {{"os", "plan9"}}, hanako).name(), "OK") << "not asked for this";

  ASSERT_TRUE(Record(vault, PeopleVault::NewConsent(hanako, "device")).ok());
  EXPECT_EQ(vault.AddRecord("dev", {{"location", place}}, hanako).name(), "CONSENT_MISSING")
      << "given at the same time, not before";
  vault.now += absl::Seconds(1);
  const Result after = vault.AddRecord("dev", {{"location", place}}, hanako);
  ASSERT_TRUE(after.ok()) << after.name();
  EXPECT_EQ(after.entry.consent(), vault.RowOf(hanako).use().consents(0).id());

  v1::UpdateRecordRequest update;
  update.set_name(after.As<v1::CreateRecordResponse>().record().name());
  (*update.mutable_fields())["location"] = "elsewhere";
  *update.mutable_usage() = PeopleVault::Use("order");
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", update).name(), "OK");
  ASSERT_TRUE(vault.Withdraw(hanako, vault.RowOf(hanako).use().consents(0).id()).ok());
  EXPECT_EQ(vault.Call("shop", "UpdateRecord", update).name(), "CONSENT_MISSING");
  EXPECT_EQ(vault.AddRecord("dev", {{"location", place}}, hanako).name(), "CONSENT_MISSING");
}

TEST(RecordConsentTest, MakesANewPersonWhoseDataMayComeThen) {
  PeopleVault vault;
  const Result result = Record(vault, PeopleVault::NewConsent("", "device"));
  ASSERT_TRUE(result.ok()) << result.name();
  const std::string person = result.As<v1::RecordConsentResponse>().subject();
  EXPECT_EQ(vault.RowOf(person).version(), 1u);
  EXPECT_EQ(result.entry.items(0).subject_ref(), vault.RowOf(person).subject_ref());
  vault.now += absl::Seconds(1);
  EXPECT_EQ(vault.AddRecord("dev", {{"location", "here"}}, person).name(), "OK");
}

TEST(RecordConsentTest, OfALinkCoversWhatWasAgreedOn) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  EXPECT_EQ(vault.AddRecord("ext", {{"id", "@hanako"}}, hanako).name(), "CONSENT_MISSING");
  ASSERT_TRUE(Record(vault, PeopleVault::NewConsent(hanako, "link", "", {"ext.id"})).ok());
  EXPECT_EQ(vault.AddRecord("ext", {{"id", "@hanako"}}, hanako).name(), "OK");
}

TEST(RecordConsentTest, OfTheYoungIsTheirGuardians) {
  PeopleVault vault;
  const auto customer = [&](const char* born) {
    return PeopleVault::PersonOf(vault.Hanako({{"birth_date", born}}));
  };
  // The vault's day is 2025-06-16 in Tokyo.
  const std::string adult = customer("2009-06-16");
  const std::string child = customer("2009-06-17");
  EXPECT_EQ(vault.AddRecord("ext", {{"nick", "hana"}}, adult).name(), "OK");
  EXPECT_EQ(vault.AddRecord("ext", {{"nick", "hana"}}, child).name(), "GUARDIAN_CONSENT_MISSING");
  EXPECT_EQ(vault.AddRecord("ext", {{"nick", "hana"}}, "").name(), "AGE_UNKNOWN");

  v1::RecordConsentRequest request = PeopleVault::NewConsent(child, "young");
  request.mutable_consent()->mutable_guardian()->set_relation("mother");
  request.mutable_consent()->mutable_guardian()->set_document_sha256(std::string(64, 'a'));
  vault.Consent(request);
  EXPECT_EQ(vault.AddRecord("ext", {{"nick", "hana"}}, child).name(), "OK");
  const v1::ListConsentsResponse listed = List(vault, child);
  EXPECT_EQ(listed.consents(0).guardian().relation(), "mother");
  EXPECT_EQ(listed.consents(0).guardian().document_sha256(), std::string(64, 'a'));
}

TEST(RecordConsentTest, IsAskedForBeforeEachUse) {
  PeopleVault vault;
  const std::string record = vault.Hanako();
  const std::string hanako = PeopleVault::PersonOf(record);
  EXPECT_EQ(vault.Read(record, {"name"}, "order").name(), "OK");
  EXPECT_EQ(vault.Read(record, {"name"}, "other").name(), "CONSENT_MISSING");
  const std::string id = vault.Consent(PeopleVault::NewConsent(hanako, "other-purpose", "other"));
  const Result granted = vault.Read(record, {"name"}, "other");
  EXPECT_EQ(granted.name(), "OK");
  EXPECT_EQ(granted.entry.consent(), id);
  EXPECT_EQ(vault.Read(record, {"name"}, "order").entry.consent(), "");
  ASSERT_TRUE(vault.Withdraw(hanako, id).ok());
  EXPECT_EQ(vault.Read(record, {"name"}, "other").name(), "CONSENT_MISSING");
}

TEST(RecordConsentTest, TakesEffectOnceForARequestId) {
  PeopleVault vault;
  v1::RecordConsentRequest request = PeopleVault::NewConsent("", "device");
  request.set_request_id("once");
  const Result first = Record(vault, request);
  vault.now += absl::Seconds(1);
  const Result again = Record(vault, request);
  ASSERT_TRUE(first.ok() && again.ok()) << first.name() << " " << again.name();
  EXPECT_EQ(first.response->SerializeAsString(), again.response->SerializeAsString());
  const std::string person = first.As<v1::RecordConsentResponse>().subject();
  EXPECT_THAT(vault.RowOf(person).use().consents(), SizeIs(1));
  EXPECT_EQ(again.retained.items_size(), 0);
  EXPECT_EQ(again.entry.consent(), first.entry.consent());
  request.mutable_consent()->set_wording("2025-05");
  EXPECT_EQ(Record(vault, request).name(), "REQUEST_ID_REUSED");
  request.mutable_consent()->set_wording("2025-04");
  v1::DeleteSubjectRequest erase;
  erase.set_name(person);
  ASSERT_TRUE(vault.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(Record(vault, request).name(), "SUBJECT_ERASED");
}

TEST(RecordConsentTest, TheTwoHundredAndFirstTakesAWithdrawnOnesPlace) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  vault.ChangeRow(hanako, [](storage::v1::SubjectUse& use) {
    for (int i = 0; i < 200; ++i) {
      storage::v1::ConsentRow& row = *use.add_consents();
      row.set_id("c" + std::to_string(i));
      row.set_consent("device");
      row.set_give_micros(1 + i);
    }
  });
  EXPECT_EQ(Record(vault, PeopleVault::NewConsent(hanako, "device")).name(), "BATCH_TOO_LARGE");
  ASSERT_TRUE(vault.Withdraw(hanako, "c7").ok());
  ASSERT_TRUE(vault.Withdraw(hanako, "c5").ok());
  EXPECT_EQ(Record(vault, PeopleVault::NewConsent(hanako, "device")).name(), "OK");
  const storage::v1::SubjectUse use = vault.RowOf(hanako).use();
  ASSERT_THAT(use.consents(), SizeIs(200));
  EXPECT_EQ(use.consents(4).id(), "c4");
  EXPECT_EQ(use.consents(5).id(), "c6");
  EXPECT_EQ(use.consents(6).id(), "c7") << "not the oldest that was withdrawn";
}

// Each read of the person opens the row.
TEST(RecordConsentTest, APersonsRowDoesNotGrowBeyondMeasure) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  v1::RecordConsentRequest request = PeopleVault::NewConsent(hanako, "device");
  request.mutable_consent()->set_wording(std::string(63, 'w'));
  request.mutable_consent()->set_basis(std::string(63, 'b'));
  request.mutable_consent()->set_channel("web");
  vault.ChangeRow(hanako, [&](storage::v1::SubjectUse& use) {
    for (int i = 0; i < 100; ++i) {
      storage::v1::ConsentRow& row = *use.add_consents();
      row.set_id("c" + std::to_string(i));
      row.set_consent("device");
      for (int f = 0; f < 64; ++f) row.add_fields("device." + std::to_string(f));
      row.set_give_micros(1 + i);
    }
  });
  EXPECT_EQ(Record(vault, request).name(), "BATCH_TOO_LARGE");
  for (int i = 50; i < 100; ++i) ASSERT_TRUE(vault.Withdraw(hanako, "c" + std::to_string(i)).ok());
  EXPECT_EQ(Record(vault, request).name(), "OK");
  EXPECT_LE(vault.RowOf(hanako).use().ByteSizeLong(), size_t{48} << 10);
}

// Whoever guesses at credentials pushes no consent out, nor keeps one from being recorded.
TEST(RecordConsentTest, FailedTrialsTakeNoRoom) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  vault.ChangeRow(hanako, [](storage::v1::SubjectUse& use) {
    for (int i = 0; i < 201; ++i) {
      storage::v1::CredentialFailuresRow& row = *use.add_credential_failures();
      row.set_record(std::string(16, 'r'));
      row.set_field(std::string(300, 'f') + std::to_string(i));
      row.set_failures(1);
    }
    for (int i = 0; i < 3; ++i) {
      storage::v1::ConsentRow& row = *use.add_consents();
      row.set_id("c" + std::to_string(i));
      row.set_consent("device");
      row.set_give_micros(1);
      if (i < 2) row.set_withdraw_micros(2);
    }
  });
  ASSERT_GT(vault.RowOf(hanako).use().ByteSizeLong(), size_t{48} << 10);
  EXPECT_EQ(Record(vault, PeopleVault::NewConsent(hanako, "device")).name(), "OK");
  const storage::v1::SubjectUse use = vault.RowOf(hanako).use();
  EXPECT_THAT(use.consents(), SizeIs(4));
  EXPECT_THAT(use.credential_failures(), SizeIs(201));
}

TEST(WithdrawConsentTest, ByIdOrByKind) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  const std::string first =
      vault.Consent(PeopleVault::NewConsent(hanako, "other-purpose", "other"));
  vault.Consent(PeopleVault::NewConsent(hanako, "other-purpose", "mailing"));
  vault.Consent(PeopleVault::NewConsent(hanako, "device"));
  const Result by_id = vault.Withdraw(hanako, first);
  ASSERT_TRUE(by_id.ok()) << by_id.name();
  ASSERT_THAT(by_id.As<v1::WithdrawConsentResponse>().consents(), SizeIs(1));
  EXPECT_EQ(by_id.As<v1::WithdrawConsentResponse>().consents(0).withdraw_time().seconds(),
            absl::ToUnixSeconds(vault.now));
  EXPECT_EQ(by_id.entry.consent(), first);
  EXPECT_EQ(by_id.retained.items_size(), 1);
  const uint64_t version = vault.RowOf(hanako).version();
  EXPECT_THAT(vault.Withdraw(hanako, first).As<v1::WithdrawConsentResponse>().consents(),
              IsEmpty());
  EXPECT_EQ(vault.RowOf(hanako).version(), version) << "nothing was left to change";
  EXPECT_EQ(vault.Withdraw(hanako, "none").name(), "NOT_FOUND");

  v1::WithdrawConsentRequest request;
  request.set_subject(hanako);
  EXPECT_EQ(vault.Call("shop", "WithdrawConsent", request).name(), "MALFORMED_REQUEST");
  request.set_purpose("other");
  EXPECT_EQ(vault.Call("shop", "WithdrawConsent", request).name(), "MALFORMED_REQUEST");
  request.set_consent("other-purpose");
  request.set_purpose("order");
  EXPECT_THAT(
      vault.Call("shop", "WithdrawConsent", request).As<v1::WithdrawConsentResponse>().consents(),
      IsEmpty());
  request.clear_purpose();
  const Result by_kind = vault.Call("shop", "WithdrawConsent", request);
  ASSERT_THAT(by_kind.As<v1::WithdrawConsentResponse>().consents(), SizeIs(1));
  EXPECT_EQ(by_kind.As<v1::WithdrawConsentResponse>().consents(0).purpose(), "mailing");
  const v1::ListConsentsResponse listed = List(vault, hanako);
  ASSERT_THAT(listed.consents(), SizeIs(3));
  EXPECT_FALSE(listed.consents(2).has_withdraw_time());
  request.set_id(first);
  EXPECT_EQ(vault.Call("shop", "WithdrawConsent", request).name(), "MALFORMED_REQUEST");
}

TEST(WithdrawConsentTest, HoldsFromTheNextMessageOfARunningStream) {
  PeopleVault vault;
  std::vector<std::string> records;
  v1::StreamRevealRecordsRequest stream;
  stream.set_parent("tenants/default");
  stream.add_fields("name");
  *stream.mutable_usage() = PeopleVault::Use("other");
  // More than one message has room for.
  for (int i = 0; i < 1001; ++i) {
    const Result made = vault.AddRecord("customer", {{"name", "山田"}}, "");
    records.push_back(made.As<v1::CreateRecordResponse>().record().name());
    stream.mutable_names()->add_names(records.back());
  }
  const std::string last = PeopleVault::PersonOf(records.back());
  for (const std::string& record : {records[0], records.back()}) {
    vault.Consent(PeopleVault::NewConsent(PeopleVault::PersonOf(record), "other-purpose", "other"));
  }
  VaultFixture::Open call(vault, "shop", "StreamRevealRecords", stream);
  call.Next();
  const Result first = call.Commit();
  ASSERT_TRUE(first.ok()) << first.name();
  EXPECT_THAT(first.As<v1::StreamRevealRecordsResponse>().records(), SizeIs(1));
  ASSERT_TRUE(call.HasMore());
  // The message is planned while the consent stands, and may not leave any more.
  call.Next();
  ASSERT_TRUE(vault.Withdraw(last, vault.RowOf(last).use().consents(0).id()).ok());
  EXPECT_EQ(call.Commit().name(), "CONFLICT");
  call.Next();
  const Result second = call.Commit();
  EXPECT_THAT(second.As<v1::StreamRevealRecordsResponse>().records(), IsEmpty());
  EXPECT_EQ(second.As<v1::StreamRevealRecordsResponse>().omitted(), 1);
}

TEST(ErasureTest, LeavesNothingOfWhatAPersonSaid) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako({{"birth_date", "1990-02-03"}}));
  const std::string id = vault.Consent(PeopleVault::NewConsent(hanako, "device"));
  ASSERT_TRUE(vault.Stop("shop", hanako, "customer.email").ok());
  v1::DeleteSubjectRequest erase;
  erase.set_name(hanako);
  ASSERT_TRUE(vault.Call("shop", "DeleteSubject", erase).ok());
  EXPECT_TRUE(vault.RowOf(hanako).erased());
  EXPECT_FALSE(vault.RowOf(hanako).has_use());
  EXPECT_EQ(Record(vault, PeopleVault::NewConsent(hanako, "device")).name(), "SUBJECT_ERASED");
  EXPECT_EQ(vault.Withdraw(hanako, id).name(), "SUBJECT_ERASED");
  EXPECT_EQ(vault.Stop("shop", hanako, "customer.email").name(), "SUBJECT_ERASED");
  v1::ListConsentsRequest list;
  list.set_subject(hanako);
  EXPECT_EQ(vault.Call("shop", "ListConsents", list).name(), "SUBJECT_ERASED");
}

TEST(RotationTest, KeepsWhatAPersonSaid) {
  PeopleVault vault;
  const std::string hanako = PeopleVault::PersonOf(vault.Hanako());
  vault.Consent(PeopleVault::NewConsent(hanako, "device"));
  vault.Rotate();
  vault.ReWrapAll();
  EXPECT_THAT(List(vault, hanako).consents(), SizeIs(1));
  EXPECT_THAT(vault.damaged, IsEmpty());
}

}  // namespace
}  // namespace piivault::vault
