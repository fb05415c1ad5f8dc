#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "piivault/v1/rights_service.pb.h"
#include "tests/vault/disclosures/disclosure_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RedeemTest : public SharingVault, public testing::Test {};

TEST_F(RedeemTest, ACarrierGetsTheAddresseeOnce) {
  const Parcel parcel = NewParcel();
  const Result result = Redeem("yamato", parcel.token);
  ASSERT_TRUE(result.ok()) << result.name();
  const v1::RedeemExportTokenResponse& given = Given(result);
  ASSERT_THAT(given.subjects(), SizeIs(1));
  ASSERT_THAT(given.subjects(0).records(), SizeIs(1));
  const auto& fields = given.subjects(0).records(0).fields();
  EXPECT_THAT(fields, SizeIs(3));
  EXPECT_EQ(fields.at("name").value(), "山田 花子");
  EXPECT_EQ(fields.at("phone").value(), "090-1234-5678");
  EXPECT_EQ(given.subjects(0).records(0).name(), "");
  EXPECT_TRUE(given.complete());
  EXPECT_EQ(given.position(), 1u);
  EXPECT_EQ(given.tag().purpose(), "delivery");
  EXPECT_EQ(given.tag().purpose_labels().at("ja"), "配送");
  EXPECT_EQ(given.tag().recipient(), "tenants/default/recipients/yamato");
  EXPECT_EQ(Redeem("yamato", parcel.token, "r-2").name(), "TOKEN_EXHAUSTED");
  // Who repeats the call with its key gets its data again.
  const Result again = Redeem("yamato", parcel.token, "r-1");
  ASSERT_TRUE(again.ok()) << again.name();
  EXPECT_EQ(Given(again).subjects(0).handle(), given.subjects(0).handle());
  EXPECT_EQ(Given(again).tag().disclosure(), given.tag().disclosure());
}

TEST_F(RedeemTest, TheLedgerNamesWhatWasGiven) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());  // again: counts nobody twice
  const Result result = Disclosures("officer", parcel.person);
  ASSERT_TRUE(result.ok()) << result.name();
  ASSERT_THAT(Listed(result).disclosures(), SizeIs(1));
  const v1::Disclosure& disclosure = Listed(result).disclosures(0);
  EXPECT_EQ(disclosure.recipient(), "tenants/default/recipients/yamato");
  EXPECT_EQ(disclosure.recipient_display_name(), "Recipient yamato");
  EXPECT_EQ(disclosure.purpose(), "delivery");
  EXPECT_EQ(disclosure.basis(), "published_clause");
  EXPECT_EQ(disclosure.issuer(), "principals/sender");
  EXPECT_EQ(disclosure.subjects(), 1u);
  EXPECT_EQ(disclosure.omitted(), 0u);
  EXPECT_TRUE(disclosure.has_end_time());
  ASSERT_THAT(disclosure.records(), SizeIs(1));
  EXPECT_THAT(disclosure.records(0).fields(), ElementsAre("address", "name", "phone"));
  EXPECT_EQ(disclosure.records(0).version(), 1u);
  const Result to = Disclosures("officer", "", "yamato");
  ASSERT_TRUE(to.ok()) << to.name();
  EXPECT_THAT(Listed(to).disclosures(), SizeIs(1));
  EXPECT_THAT(Listed(Disclosures("officer", "", "sagawa")).disclosures(), IsEmpty());
}

// Each disclosure is outdated in what it has given, and not in what another has of the same
// version.
TEST_F(RedeemTest, OutdatedIsWhatWasGiven) {
  const std::string record = Customer();
  const std::string person = PersonOf(record);
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  for (const char* field : {"customer.name", "customer.phone"}) {
    v1::IssueExportTokenRequest request = ForCarrier(person);
    request.clear_fields();
    request.add_fields(field);
    ASSERT_TRUE(Redeem("yamato", Token("sender", request), field).ok());
  }
  ASSERT_TRUE(Update(record, {{"phone", "090-9999-0000"}}).ok());
  const Result listed = Disclosures("officer", person);
  ASSERT_THAT(Listed(listed).disclosures(), SizeIs(2));
  for (const v1::Disclosure& one : Listed(listed).disclosures()) {
    const bool phone = one.records(0).fields(0) == "phone";
    EXPECT_THAT(one.records(0).outdated_fields(), SizeIs(phone ? 1 : 0));
    // As entries call them.
    EXPECT_EQ(one.records(0).subject_ref().size(), 26u);
  }
}

TEST_F(RedeemTest, WhatIsGivenAnewIsNotOutdated) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  ASSERT_TRUE(Redeem("yamato", Token("sender", ForCarrier(parcel.person))).ok());
  const Result listed = Disclosures("officer", parcel.person);
  ASSERT_THAT(Listed(listed).disclosures(), SizeIs(2));
  for (const v1::Disclosure& one : Listed(listed).disclosures()) {
    EXPECT_THAT(one.records(0).outdated_fields(), IsEmpty());
  }
}

// Three years of the calendar, or as the policy says.
TEST_F(RedeemTest, TheLedgerIsKeptAsLongAsThePolicySays) {
  now = absl::FromCivil(absl::CivilSecond(2026, 1, 31, 12, 0, 0), absl::UTCTimeZone());
  const auto kept = [this] {
    const Parcel parcel = NewParcel();
    if (!Redeem("yamato", parcel.token).ok()) std::abort();
    const Result listed = Disclosures("officer", parcel.person);
    return absl::FormatTime(
        "%Y-%m-%d", absl::FromUnixSeconds(Listed(listed).disclosures(0).keep_until().seconds()),
        absl::UTCTimeZone());
  };
  EXPECT_EQ(kept(), "2029-01-31");
  std::string policy(kSharingPolicy);
  const std::string_view rules = "recipient_rules: {home: [JP]}";
  policy.replace(policy.find(rules), rules.size(), "recipient_rules: {home: [JP], keep: 5y}");
  SetPolicy("default", policy);
  EXPECT_EQ(kept(), "2031-01-31");
}

TEST_F(RedeemTest, NobodyElseRedeems) {
  const Parcel parcel = NewParcel();
  EXPECT_EQ(Redeem("sagawa", parcel.token).name(), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(Redeem("sender", parcel.token).name(), "PRINCIPAL_KIND_NOT_ADMITTED");
  EXPECT_EQ(Redeem("stranger", parcel.token).name(), "PRINCIPAL_UNKNOWN");
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
}

TEST_F(RedeemTest, ATokenIsGoodFromItsFirstSecondToTheOneBeforeItsLast) {
  const std::string person = PersonOf(Customer());
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  v1::IssueExportTokenRequest request = ForCarrier(person);
  request.set_lifetime_seconds(60);
  request.mutable_not_before()->set_seconds(absl::ToUnixSeconds(now) + 10);
  const std::string token = Token("sender", request);
  const absl::Time issued = now;
  now = issued + absl::Seconds(10) - absl::Microseconds(1);
  EXPECT_EQ(Redeem("yamato", token).name(), "TOKEN_NOT_YET_VALID");
  now = issued + absl::Seconds(70);
  EXPECT_EQ(Redeem("yamato", token).name(), "TOKEN_EXPIRED");
  now = issued + absl::Seconds(70) - absl::Microseconds(1);
  EXPECT_TRUE(Redeem("yamato", token).ok());
}

TEST_F(RedeemTest, WhatWasRevokedGivesNothing) {
  const Parcel by_token = NewParcel();
  const Parcel by_recipient = NewParcel("sagawa");
  const Parcel left = NewParcel();
  v1::RevokeExportTokensRequest request;
  request.set_parent("tenants/default");
  EXPECT_EQ(Call("officer", "RevokeExportTokens", request).name(), "MALFORMED_REQUEST");
  request.set_recipient("tenants/default/recipients/sagawa");
  EXPECT_EQ(Call("clerk", "RevokeExportTokens", request).name(), "SYSTEM_ROLE_REQUIRED");
  const Result revoked = Call("officer", "RevokeExportTokens", request);
  ASSERT_TRUE(revoked.ok()) << revoked.name();
  EXPECT_EQ(revoked.As<v1::RevokeExportTokensResponse>().revoked(), 1u);
  EXPECT_EQ(Redeem("sagawa", by_recipient.token).name(), "TOKEN_REVOKED");
  EXPECT_TRUE(Redeem("yamato", left.token).ok());
  // The issuer takes the own ones back.
  request.clear_recipient();
  request.set_issuer("principals/sender");
  ASSERT_TRUE(Call("sender", "RevokeExportTokens", request).ok());
  EXPECT_EQ(Redeem("yamato", by_token.token).name(), "TOKEN_REVOKED");
  now += absl::Seconds(2);
  EXPECT_TRUE(Redeem("yamato", NewParcel().token).ok());
}

// 001-39: what somebody has asked to correct is not handed out until that is done, on a token of
// before either; then the token gives the new value.
TEST_F(RedeemTest, WhatIsToBeCorrectedIsNotHandedOut) {
  const Parcel parcel = NewParcel();
  v1::OpenRequestRequest open;
  open.set_subject(parcel.person);
  open.mutable_request()->set_right("freezing");
  open.mutable_request()->set_kind("correct");
  open.mutable_request()->add_fields("customer.phone");
  open.mutable_usage()->set_purpose("support");
  const Result opened = Call("shop", "OpenRequest", open);
  ASSERT_EQ(opened.name(), "OK");
  EXPECT_EQ(Withheld("yamato", parcel.token), "SUBJECT_RESTRICTED");
  EXPECT_EQ(Issue("sender", ForCarrier(parcel.person)).name(), "SUBJECT_RESTRICTED");
  now += absl::Seconds(1);
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  EXPECT_EQ(Withheld("yamato", parcel.token), "SUBJECT_RESTRICTED") << "nobody said it is done";
  v1::CompleteRequestRequest done;
  done.set_name(opened.As<v1::OpenRequestResponse>().request().name());
  done.mutable_usage()->set_purpose("support");
  ASSERT_EQ(Call("shop", "CompleteRequest", done).name(), "OK");
  const Result given = Redeem("yamato", parcel.token);
  ASSERT_EQ(given.name(), "OK");
  EXPECT_THAT(given.response->Utf8DebugString(), testing::HasSubstr("090-9999-0000"));
}

TEST_F(RedeemTest, EverythingIsDecidedAnew) {
  // Stop of use.
  const Parcel stopped = NewParcel();
  v1::StopUseRequest stop;
  stop.set_subject(stopped.person);
  stop.mutable_stop()->set_purpose("delivery");
  stop.mutable_stop()->set_fields("customer.*");
  stop.mutable_usage()->set_purpose("support");
  ASSERT_TRUE(Call("shop", "StopUse", stop).ok());
  EXPECT_EQ(Withheld("yamato", stopped.token), "USE_STOPPED");
  // Erasure.
  const Parcel erased = NewParcel();
  v1::DeleteSubjectRequest erase;
  erase.set_name(erased.person);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  EXPECT_EQ(Withheld("yamato", erased.token), "SUBJECT_ERASED");
  // The recipient is disabled.
  const Parcel disabled = NewParcel("sagawa");
  storage::v1::RecipientRow row = RecipientRowOf("sagawa");
  row.set_disable_time_micros(absl::ToUnixMicros(now));
  PutRecipient(row);
  EXPECT_EQ(Redeem("sagawa", disabled.token).name(), "RECIPIENT_DISABLED");
  // The issuer is.
  const Parcel left = NewParcel();
  Put([&](StateChange& change) {
    storage::v1::PrincipalRow sender = store().snapshot()->FindPrincipal("sender")->row;
    sender.set_disabled(true);
    change.PutPrincipal(sender);
  });
  EXPECT_EQ(Redeem("yamato", left.token).name(), "PRINCIPAL_DISABLED");
}

TEST_F(RedeemTest, AnNdaThatEndsEndsItsTokens) {
  const std::string person = PersonOf(Customer());
  v1::IssueExportTokenRequest request = ForPartner({person});
  request.set_lifetime_seconds(86'400);
  const std::string token = Token("clerk", request);
  storage::v1::RecipientRow row = RecipientRowOf("mailer-co");
  row.mutable_attestations(0)->set_revoked_micros(absl::ToUnixMicros(now));
  PutRecipient(row);
  EXPECT_EQ(Redeem("mailer-co", token).name(), "NDA_REVOKED");
  row.mutable_attestations(0)->clear_revoked_micros();
  row.mutable_attestations(0)->set_valid_until_micros(absl::ToUnixMicros(now));
  PutRecipient(row);
  now += absl::Seconds(1);
  EXPECT_EQ(Redeem("mailer-co", token).name(), "NDA_EXPIRED");
}

TEST_F(RedeemTest, ManyPeopleComeInSeveralMessagesAndMissingOnesAreLeftOut) {
  std::vector<std::string> people;
  for (int i = 0; i < 2500; ++i) people.push_back(PersonOf(Customer()));
  const std::string token = Token("clerk", ForPartner(people));
  v1::DeleteSubjectRequest erase;
  erase.set_name(people[1200]);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  const std::vector<Result> results = RedeemAll("mailer-co", token);
  ASSERT_THAT(results, SizeIs(3));
  int given = 0;
  int omitted = 0;
  for (const Result& result : results) {
    ASSERT_TRUE(result.ok()) << result.name();
    given += Given(result).subjects_size();
    omitted += static_cast<int>(Given(result).omitted());
  }
  EXPECT_EQ(given, 2499);
  EXPECT_EQ(omitted, 1);
  EXPECT_EQ(Given(results[0]).position(), 1000u);
  EXPECT_TRUE(Given(results[0]).has_tag());
  EXPECT_FALSE(Given(results[1]).has_tag());
  EXPECT_FALSE(Given(results[1]).complete());
  EXPECT_TRUE(Given(results[2]).complete());
  const auto counts = [this] {
    const Result to = Disclosures("officer", "", "mailer-co");
    std::vector<std::pair<uint32_t, uint32_t>> pairs;
    for (const auto& one : Listed(to).disclosures()) {
      pairs.emplace_back(one.subjects(), one.omitted());
    }
    return pairs;
  };
  EXPECT_THAT(counts(), ElementsAre(testing::Pair(2499u, 1u)));
  // Going on from the middle is the same disclosure, and counts nobody twice.
  const std::vector<Result> rest = RedeemAll("mailer-co", token, "r-1", 1000);
  ASSERT_THAT(rest, SizeIs(2));
  EXPECT_EQ(Given(rest[0]).subjects_size(), 999);
  EXPECT_THAT(counts(), ElementsAre(testing::Pair(2499u, 1u)));
  EXPECT_EQ(RedeemAll("mailer-co", token, "r-1", 2501).back().name(), "MALFORMED_REQUEST");
}

TEST_F(RedeemTest, ACorrectionIsANoticeToThoseWhoHoldTheValue) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  const std::string handle = Given(Redeem("yamato", parcel.token)).subjects(0).handle();
  ASSERT_TRUE(Update(parcel.record, {{"email", "new@example.jp"}}).ok());
  EXPECT_THAT(Noticed(Notices("yamato")).notices(), IsEmpty());  // nobody has it
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-1234-5678"}}).ok());
  EXPECT_THAT(Noticed(Notices("yamato")).notices(), IsEmpty());  // it is the same
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  const Result listed = Notices("yamato");
  ASSERT_TRUE(listed.ok()) << listed.name();
  ASSERT_THAT(Noticed(listed).notices(), SizeIs(1));
  const v1::CorrectionNotice& notice = Noticed(listed).notices(0);
  // Not when exactly: another recipient has a notice of the same write.
  EXPECT_EQ(notice.create_time().seconds() % 3600, 0);
  EXPECT_EQ(notice.create_time().nanos(), 0);
  EXPECT_GT(notice.create_time().seconds(), absl::ToUnixSeconds(now) - 3600);
  EXPECT_THAT(notice.fields(), ElementsAre("customer.phone"));
  EXPECT_THAT(notice.held_versions(), ElementsAre(1u));
  EXPECT_EQ(notice.version(), 4u);
  EXPECT_EQ(notice.kind(), v1::CORRECTION_KIND_CHANGED);
  EXPECT_EQ(notice.handle(), handle);
  EXPECT_THAT(Noticed(Notices("sagawa")).notices(), IsEmpty());
  EXPECT_THAT(Noticed(Notices("officer")).notices(), SizeIs(1));
  EXPECT_THAT(Noticed(Notices("officer", false, true)).notices(), IsEmpty());
  now += absl::Hours(24 * 8);
  EXPECT_THAT(Noticed(Notices("officer", false, true)).notices(), SizeIs(1));

  const Result held = Disclosures("officer", parcel.person);
  EXPECT_THAT(Listed(held).disclosures(0).records(0).outdated_fields(), ElementsAre("phone"));

  v1::AcknowledgeCorrectionNoticesRequest request;
  request.add_names(notice.name());
  EXPECT_EQ(Call("sagawa", "AcknowledgeCorrectionNotices", request).name(), "NOT_FOUND");
  EXPECT_EQ(Call("officer", "AcknowledgeCorrectionNotices", request).name(),
            "PRINCIPAL_KIND_NOT_ADMITTED");
  ASSERT_TRUE(Call("yamato", "AcknowledgeCorrectionNotices", request).ok());
  EXPECT_THAT(Noticed(Notices("yamato")).notices(), IsEmpty());
  const Result all = Notices("officer", true);
  ASSERT_THAT(Noticed(all).notices(), SizeIs(1));
  EXPECT_TRUE(Noticed(all).notices(0).has_acknowledge_time());
}

// 001-41: who has an old value is offered the new one, by a token that is about this person.
TEST_F(RedeemTest, ANoticeOffersANewToken) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  const Parcel other = NewParcel("sagawa");
  ASSERT_TRUE(Redeem("sagawa", other.token).ok());
  ASSERT_TRUE(Update(other.record, {{"phone", "090-9999-0000"}}).ok());
  v1::ListCorrectionNoticesRequest of_person;
  of_person.set_parent("tenants/default");
  of_person.set_subject(parcel.person);
  EXPECT_EQ(Call("yamato", "ListCorrectionNotices", of_person).name(), "MALFORMED_REQUEST");
  const Result of = Call("officer", "ListCorrectionNotices", of_person);
  ASSERT_THAT(Noticed(of).notices(), SizeIs(1));
  const std::string name = Noticed(of).notices(0).name();
  EXPECT_EQ(Noticed(of).notices(0).recipient(), "tenants/default/recipients/yamato");
  EXPECT_EQ(Noticed(of).notices(0).export_token(), "");

  v1::IssueExportTokenRequest request = ForCarrier(parcel.person);
  // Another recipient's, and one about somebody else.
  request.add_notices(Noticed(Notices("sagawa")).notices(0).name());
  EXPECT_EQ(Issue("sender", request).name(), "NOT_FOUND");
  const Parcel second = NewParcel();
  v1::IssueExportTokenRequest of_second = ForCarrier(second.person);
  of_second.add_notices(name);
  EXPECT_THAT(Issue("sender", of_second).denied_fields, ElementsAre("notices"));
  request.set_notices(0, name);
  ASSERT_TRUE(Issue("sender", request).ok());

  // Nobody hides it behind one that is over sooner.
  v1::IssueExportTokenRequest shorter = request;
  shorter.set_lifetime_seconds(1);
  ASSERT_TRUE(Issue("sender", shorter).ok());
  now += absl::Seconds(2);
  const Result offered = Notices("yamato");
  ASSERT_THAT(Noticed(offered).notices(), SizeIs(1));
  const std::string token = Noticed(offered).notices(0).token();
  ASSERT_NE(token, "");
  const Result watched = Call("officer", "ListCorrectionNotices", of_person);
  EXPECT_EQ(Noticed(watched).notices(0).token(), "");
  const Result given = Redeem("yamato", token, "r-2");
  ASSERT_TRUE(given.ok()) << given.name();
  EXPECT_EQ(Given(given).subjects(0).handle(), Noticed(offered).notices(0).handle());
  EXPECT_EQ(Given(given).subjects(0).records(0).fields().at("phone").value(), "090-9999-0000");
  // The officer sees which one it is, and not the token; and nobody sees it once it is used up.
  const Result seen = Call("officer", "ListCorrectionNotices", of_person);
  EXPECT_NE(Noticed(seen).notices(0).export_token(), "");
  EXPECT_EQ(Noticed(seen).notices(0).token(), "");
  EXPECT_EQ(Noticed(Notices("yamato")).notices(0).token(), "");
  v1::AcknowledgeCorrectionNoticesRequest acknowledge;
  acknowledge.add_names(name);
  ASSERT_TRUE(Call("yamato", "AcknowledgeCorrectionNotices", acknowledge).ok());
  EXPECT_EQ(Issue("sender", request).name(), "NOT_FOUND");
}

TEST_F(RedeemTest, ACorrectionIsOfItsOwnRecord) {
  const std::string first = Customer();
  const std::string person = PersonOf(first);
  const std::string second = Customer({{"phone", "03-1234-5678"}}, person);
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  const Result given = Redeem("yamato", Token("sender", ForCarrier(person)));
  ASSERT_TRUE(given.ok()) << given.name();
  ASSERT_THAT(Given(given).subjects(0).records(), SizeIs(2));
  ASSERT_TRUE(Update(second, {{"phone", "03-9999-0000"}}).ok());
  const Result listed = Notices("yamato");
  ASSERT_THAT(Noticed(listed).notices(), SizeIs(1));
  EXPECT_THAT(Noticed(listed).notices(0).fields(), ElementsAre("customer.phone"));
  // One record alone can be named, too.
  v1::IssueExportTokenRequest one = ForCarrier(first);
  const Result alone = Redeem("yamato", Token("sender", one));
  ASSERT_TRUE(alone.ok()) << alone.name();
  EXPECT_THAT(Given(alone).subjects(0).records(), SizeIs(1));
  EXPECT_EQ(Given(alone).subjects(0).handle(), Given(given).subjects(0).handle());
}

TEST_F(RedeemTest, AnErasureIsANoticeAndTheLedgerStaysWithoutNamingAnybody) {
  const Parcel parcel = NewParcel();
  const std::string handle = Given(Redeem("yamato", parcel.token)).subjects(0).handle();
  v1::DeleteSubjectRequest erase;
  erase.set_name(parcel.person);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  const Result listed = Notices("yamato");
  ASSERT_THAT(Noticed(listed).notices(), SizeIs(1));
  EXPECT_EQ(Noticed(listed).notices(0).kind(), v1::CORRECTION_KIND_WITHDRAWN);
  EXPECT_EQ(Noticed(listed).notices(0).handle(), handle);
  EXPECT_EQ(Disclosures("officer", parcel.person).name(), "SUBJECT_ERASED");
  const Result to = Disclosures("officer", "", "yamato");
  ASSERT_THAT(Listed(to).disclosures(), SizeIs(1));
  v1::StreamDisclosedRecordsRequest request;
  request.set_disclosure(Listed(to).disclosures(0).name());
  const std::vector<Result> streamed = Stream("officer", "StreamDisclosedRecords", request);
  ASSERT_TRUE(streamed.back().ok()) << streamed.back().name();
  const auto& response = streamed.back().As<v1::StreamDisclosedRecordsResponse>();
  ASSERT_THAT(response.records(), SizeIs(1));
  EXPECT_THAT(response.records(0).fields(), ElementsAre("address", "name", "phone"));
}

}  // namespace
}  // namespace piivault::vault
