// What of sharing is dropped when, and what stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "tests/vault/disclosures/sweep_testing.h"
#include "vault/ledger/disclosure_sweep.h"
#include "vault/ledger/token_sweep.h"

namespace piivault::vault {
namespace {

using storage::SharingKind;
using storage::v1::ExportTokenRow;
using storage::v1::HoldingRow;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kLedgerKept = absl::Hours(24 * (3 * 365 + 1));

class SweepTest : public SweepVault, public testing::Test {
 protected:
  // A token that waits for an approval, and is good for a day then.
  v1::ExportToken AskByLaw() {
    v1::IssueExportTokenRequest request = ByLaw(PersonOf(Customer()));
    request.set_lifetime_seconds(24 * 60 * 60);
    const Result issued = Issue("clerk", request);
    EXPECT_TRUE(issued.ok()) << issued.name();
    return issued.ok() ? issued.As<v1::IssueExportTokenResponse>().description()
                       : v1::ExportToken();
  }
  Result Approve(const v1::ExportToken& token) {
    v1::ApproveExportTokenRequest request;
    request.set_name(token.name());
    request.set_sha256(token.sha256());
    request.mutable_usage()->set_purpose("legal");
    return Call("boss", "ApproveExportToken", request);
  }
};

TEST_F(SweepTest, PeopleOfACallThatBrokeOffGoAfterADay) {
  const Parcel parcel = NewParcel();  // whose token is there
  StrayParts(3);
  now += kDay - absl::Microseconds(1);
  Sweep();
  // The token has ended by then.
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 3u);
  now += absl::Microseconds(1);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 0u);
  EXPECT_EQ(Count(SharingKind::kToken), 1u);
}

TEST_F(SweepTest, PeopleOfATokenGoWithItsEndAndItsRowAfterThat) {
  const Parcel parcel = NewParcel();
  const absl::Time end = absl::FromUnixMicros(
      Rows<ExportTokenRow>(SharingKind::kToken).begin()->second.expire_micros());
  now = end - absl::Microseconds(1);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 1u);
  now = end;
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 0u);
  now = end + 90 * kDay - absl::Microseconds(1);
  const uint64_t quiet = engine().LogEnd().index;
  Sweep();
  EXPECT_EQ(Count(SharingKind::kToken), 1u);
  EXPECT_EQ(engine().LogEnd().index, quiet);
  now += absl::Microseconds(1);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kToken), 0u);
}

// One of people who have many records each, so that hardly any are in a part.
TEST_F(SweepTest, PartsWithoutNumberGoInSeveralSteps) {
  const int parts = 4'500;
  ExportTokenRow row;
  row.set_version(1);
  row.set_expire_micros(absl::ToUnixMicros(now));
  for (int i = 0; i < parts; ++i) row.add_parts(1);
  const storage::Id128 token = StrayParts(parts);
  const storage::Key key = storage::ExportTokenKey(TenantNumber("default"), token);
  Write(key, SealRow(store().snapshot()->keys(), SystemRandom(), key, 1, row));
  SharingSweeper sweeper = NewSweeper();
  while (Count(SharingKind::kTokenSubjects) == parts) ASSERT_TRUE(*sweeper.Step());
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 500u);
  EXPECT_FALSE(Rows<ExportTokenRow>(SharingKind::kToken).at(key.bytes).people_dropped());
  Pass(&sweeper);
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 0u);
  EXPECT_TRUE(Rows<ExportTokenRow>(SharingKind::kToken).at(key.bytes).people_dropped());
  EXPECT_EQ(sweeper.entries(), 2u);
  EXPECT_EQ(sweeper.dropped(), 4'500u);
}

// Nobody is told of damage, and the hash that approvers have approved is still the same.
TEST_F(SweepTest, ATokenWithoutItsPeopleIsStillDescribed) {
  const Parcel parcel = NewParcel();
  const auto describe = [this] {
    v1::ListExportTokensRequest request;
    request.set_parent("tenants/default");
    const Result listed = Call("sender", "ListExportTokens", request);
    v1::GetExportTokenRequest get;
    get.set_name(listed.As<v1::ListExportTokensResponse>().tokens(0).name());
    const Result result = Call("sender", "GetExportToken", get);
    EXPECT_TRUE(result.ok()) << result.name();
    return result.ok() ? result.As<v1::GetExportTokenResponse>() : v1::GetExportTokenResponse();
  };
  const v1::GetExportTokenResponse before = describe();
  EXPECT_THAT(before.subjects(), ElementsAre(parcel.person));
  now += kDay;
  Sweep();
  const v1::GetExportTokenResponse after = describe();
  EXPECT_EQ(after.description().sha256(), before.description().sha256());
  EXPECT_EQ(after.description().state(), v1::EXPORT_TOKEN_STATE_EXPIRED);
  EXPECT_THAT(after.subjects(), IsEmpty());
}

TEST_F(SweepTest, ATokenThatWaitsEndsAfterADay) {
  ExportTokenRow row;
  row.set_create_micros(absl::ToUnixMicros(now));
  EXPECT_EQ(EndOfToken(row), now + kDay);
  row.set_expire_micros(absl::ToUnixMicros(now + absl::Hours(40)));
  EXPECT_EQ(EndOfToken(row), now + absl::Hours(40));
}

TEST_F(SweepTest, ARejectedTokenHasEnded) {
  const v1::ExportToken token = AskByLaw();
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 1u);
  v1::RejectExportTokenRequest reject;
  reject.set_name(token.name());
  reject.mutable_usage()->set_purpose("legal");
  ASSERT_TRUE(Call("boss", "RejectExportToken", reject).ok());
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 0u);
  EXPECT_EQ(Count(SharingKind::kToken), 1u);
}

// It was approved late, and its people were stored more than a day ago.
TEST_F(SweepTest, PeopleOfATokenThatIsGoodStayHoweverOldTheyAre) {
  const v1::ExportToken token = AskByLaw();
  now += absl::Hours(20);
  ASSERT_TRUE(Approve(token).ok());
  now += absl::Hours(20);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 1u);
  now += absl::Hours(4);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 0u);
}

TEST_F(SweepTest, TheLedgerGoesWhenItsTimeIsOverAndNotBefore) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  const Result kept = Disclosures("officer", parcel.person);
  const absl::Time until =
      absl::FromUnixSeconds(Listed(kept).disclosures(0).keep_until().seconds());
  now = until - absl::Seconds(1);
  Sweep();
  EXPECT_THAT(Listed(Disclosures("officer", parcel.person)).disclosures(), SizeIs(1));
  EXPECT_EQ(Count(SharingKind::kToken), 1u);  // the disclosure is of it
  now = until;
  const uint64_t before = engine().LogEnd().index;
  Sweep();
  EXPECT_EQ(Count(SharingKind::kToken), 1u);
  Sweep();
  EXPECT_THAT(Keys(), IsEmpty());
  const auto entries = Entries(before);
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].tenant(), "tenants/default");
  EXPECT_EQ(entries[0].count(), 3u);
  const auto& arguments = entries[0].arguments();
  EXPECT_EQ(arguments.size(), 3u);
  EXPECT_EQ(arguments.at("disclosures"), "1");
  EXPECT_EQ(arguments.at("people"), "1");
  EXPECT_EQ(arguments.at("holdings"), "1");
  EXPECT_EQ(entries[1].arguments().at("tokens"), "1");
  EXPECT_THAT(entries[1].items(), IsEmpty());
  EXPECT_THAT(Listed(Disclosures("officer", parcel.person)).disclosures(), IsEmpty());
  EXPECT_THAT(Listed(Disclosures("officer", "", "yamato")).disclosures(), IsEmpty());
}

// A policy that keeps nothing for long does not take a use away that is under way.
TEST_F(SweepTest, ADisclosureOutlivesItsToken) {
  storage::v1::DisclosureRow row;
  row.set_start_micros(absl::ToUnixMicros(now));
  EXPECT_FALSE(IsOver(row, now + 100'000 * kDay));  // does not say until when
  row.set_keep_micros(absl::ToUnixMicros(now + absl::Seconds(1)));
  EXPECT_FALSE(IsOver(row, now + kDay - absl::Microseconds(1)));
  EXPECT_TRUE(IsOver(row, now + kDay));
}

TEST_F(SweepTest, WhatIsHeldStaysWithTheLastDisclosure) {
  const Parcel parcel = NewParcel();
  const Result first = Redeem("yamato", parcel.token);
  const std::string handle = Given(first).subjects(0).handle();
  now += 100 * kDay;
  const Result second = Redeem("yamato", NextToken(parcel));
  ASSERT_TRUE(second.ok()) << second.name();
  ASSERT_TRUE(Redeem("sagawa", NextToken(parcel, "sagawa")).ok());
  now += kLedgerKept - 100 * kDay;
  Sweep(2);
  EXPECT_EQ(Count(SharingKind::kDisclosure), 2u);
  EXPECT_EQ(Count(SharingKind::kHolding), 2u);
  for (const auto& [key, row] : Rows<HoldingRow>(SharingKind::kHolding)) {
    EXPECT_EQ(row.disclosures(), 1u);
  }
  EXPECT_THAT(Listed(Disclosures("officer", parcel.person)).disclosures(), SizeIs(2));
  // Whoever holds the value is told that it has changed, under the handle that it knows.
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  ASSERT_THAT(Noticed(Notices("yamato")).notices(), SizeIs(1));
  EXPECT_EQ(Noticed(Notices("yamato")).notices(0).handle(), handle);
  now += 100 * kDay;
  Sweep(2);
  EXPECT_EQ(Count(SharingKind::kHolding), 0u);
  // As for the first time.
  const Result anew = Redeem("yamato", NextToken(parcel));
  ASSERT_TRUE(anew.ok()) << anew.name();
  EXPECT_NE(Given(anew).subjects(0).handle(), handle);
  EXPECT_THAT(Listed(Disclosures("officer", parcel.person)).disclosures(), SizeIs(1));
}

TEST_F(SweepTest, NoticesGoWhenAcknowledgedAndNothingIsHeldAnyMore) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0001"}}).ok());
  ASSERT_THAT(Noticed(Notices("yamato")).notices(), SizeIs(2));
  Acknowledge("yamato", 1);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kNotice), 2u);
  now += kLedgerKept;
  Sweep();
  EXPECT_EQ(Count(SharingKind::kHolding), 0u);
  EXPECT_EQ(Count(SharingKind::kNotice), 1u);
  EXPECT_THAT(Noticed(Notices("yamato")).notices(), SizeIs(1));  // the open one
  Acknowledge("yamato");
  Sweep();
  EXPECT_EQ(Count(SharingKind::kNotice), 0u);
}

// The recipient has got something of the person anew before the sweeper came by.
TEST_F(SweepTest, ANoticeOfAnEarlierHoldingDoesNotStayForALaterOne) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  now += kLedgerKept;
  Sweep();
  ASSERT_TRUE(Redeem("yamato", NextToken(parcel)).ok());
  Acknowledge("yamato");
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0001"}}).ok());
  Acknowledge("yamato");
  ASSERT_EQ(Count(SharingKind::kNotice), 2u);
  Sweep();
  EXPECT_EQ(Count(SharingKind::kNotice), 1u);
  EXPECT_EQ(Count(SharingKind::kHolding), 1u);
}

TEST_F(SweepTest, SigningKeysAndRevocationsGoWhenTheyConcernNothingAnyMore) {
  const Parcel parcel = NewParcel();
  v1::RevokeExportTokensRequest revoke;
  revoke.set_parent("tenants/default");
  revoke.set_rule("carrier");
  ASSERT_TRUE(Call("officer", "RevokeExportTokens", revoke).ok());
  const std::string first = store().snapshot()->signing_key_rows().begin()->first;
  now += 31 * kDay;
  NewParcel();  // under a new key
  ASSERT_THAT(store().snapshot()->signing_key_rows(), SizeIs(2));
  now += 2 * kDay - absl::Microseconds(1);
  Sweep();
  EXPECT_THAT(store().snapshot()->signing_key_rows(), SizeIs(2));
  EXPECT_THAT(store().snapshot()->revocations("default"), IsEmpty());
  now += absl::Microseconds(1);
  const uint64_t before = engine().LogEnd().index;
  Sweep();
  EXPECT_THAT(store().snapshot()->signing_key_rows(), SizeIs(1));
  EXPECT_EQ(store().snapshot()->signing_key_rows().count(first), 0u);
  ASSERT_THAT(Entries(before), SizeIs(1));
  EXPECT_EQ(Entries(before)[0].tenant(), "");
  EXPECT_EQ(Entries(before)[0].arguments().at("signing_keys"), "1");
  // The rows say the same.
  ASSERT_TRUE(store().Reload().ok());
  EXPECT_THAT(store().snapshot()->signing_key_rows(), SizeIs(1));
  EXPECT_THAT(store().snapshot()->revocations("default"), IsEmpty());
  EXPECT_TRUE(Redeem("yamato", NewParcel().token).ok());
}

TEST_F(SweepTest, ARevocationStaysAsLongAsATokenCanBeThatItIsAbout) {
  NewParcel();
  v1::RevokeExportTokensRequest revoke;
  revoke.set_parent("tenants/default");
  revoke.set_rule("carrier");
  ASSERT_TRUE(Call("officer", "RevokeExportTokens", revoke).ok());
  now += kExportRevocationKept + absl::Seconds(1);  // and a second for what was being issued
  Sweep();
  EXPECT_THAT(store().snapshot()->revocations("default"), SizeIs(1));
  now += absl::Microseconds(1);
  const uint64_t before = engine().LogEnd().index;
  Sweep();
  EXPECT_THAT(store().snapshot()->revocations("default"), IsEmpty());
  EXPECT_EQ(Entries(before)[0].arguments().at("revocations"), "1");
}

// What does not open is reported once, and stays with what hangs on it; all else goes.
class SweepDamageTest
    : public SweepVault,
      public testing::TestWithParam<std::tuple<SharingKind, size_t /* rows of a step */>> {};

TEST_P(SweepDamageTest, DamagedRowsStay) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  const Parcel other = NewParcel();
  ASSERT_TRUE(Redeem("yamato", other.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  ASSERT_TRUE(Update(other.record, {{"phone", "090-9999-0000"}}).ok());
  Acknowledge("yamato");
  StrayParts(2);
  // All but what is damaged may go.
  const SharingKind kind = std::get<0>(GetParam());
  const storage::Key row = kind == SharingKind::kTokenSubjects
                               ? [this] {
                                   now += kDay;
                                   Sweep();  // those of the tokens
                                   StrayParts(2);
                                   return Damage(SharingKind::kTokenSubjects);
                                 }()
                               : Damage(kind);
  now += kLedgerKept;
  SharingSweeper sweeper = NewSweeper(std::get<1>(GetParam()));
  for (int pass = 0; pass < 3; ++pass) Pass(&sweeper);
  EXPECT_THAT(damaged, ElementsAre(row));
  EXPECT_EQ(Count(kind), 1u);
  const bool of_people = kind == SharingKind::kDisclosed || kind == SharingKind::kDisclosure;
  EXPECT_EQ(Count(SharingKind::kDisclosure), of_people ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kDisclosed), of_people ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kBySubject), of_people ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kByRecipient), of_people ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kHolding), of_people || kind == SharingKind::kHolding ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kToken), of_people || kind == SharingKind::kToken ? 1u : 0u);
  EXPECT_EQ(Count(SharingKind::kNotice),
            of_people || kind == SharingKind::kHolding || kind == SharingKind::kNotice ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, SweepDamageTest,
    testing::Combine(testing::Values(SharingKind::kToken, SharingKind::kTokenSubjects,
                                     SharingKind::kDisclosure, SharingKind::kDisclosed,
                                     SharingKind::kHolding, SharingKind::kNotice),
                     testing::Values(1, 256)));

// Bytes as the system's, and something that happens before the first ones are handed out: a step
// takes some when all is planned.
class Interruption : public RandomSource {
 public:
  explicit Interruption(std::function<void()> act) : act_(std::move(act)) {}
  void Fill(absl::Span<uint8_t> out) override {
    if (act_) std::exchange(act_, nullptr)();
    SystemRandom().Fill(out);
  }

 private:
  std::function<void()> act_;
};

TEST_F(SweepTest, AStepThatIsOvertakenPlansAgain) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  now += kLedgerKept - kDay;
  ASSERT_TRUE(Redeem("yamato", NextToken(parcel)).ok());
  now += absl::Hours(1);
  Sweep();  // its token
  now += kDay;
  // The holding changes, of which a step has just planned that it counts one less.
  Interruption random([&] {
    EXPECT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  });
  SharingSweeper sweeper = NewSweeper(256, random);
  Pass(&sweeper);
  const auto holdings = Rows<HoldingRow>(SharingKind::kHolding);
  ASSERT_THAT(holdings, SizeIs(1));
  EXPECT_EQ(holdings.begin()->second.disclosures(), 1u);
  bool outdated = false;
  for (const auto& held : holdings.begin()->second.held()) outdated |= held.outdated();
  EXPECT_TRUE(outdated);
  EXPECT_EQ(Count(SharingKind::kDisclosure), 1u);
}

// By an approval that was decided just before the token would have ended.
TEST_F(SweepTest, ATokenThatIsApprovedMeanwhileKeepsItsPeople) {
  const v1::ExportToken token = AskByLaw();
  const absl::Time end = now + kDay;
  now = end;
  Interruption random([&] {
    now = end - absl::Seconds(1);
    EXPECT_TRUE(Approve(token).ok());
    now = end;
  });
  SharingSweeper sweeper = NewSweeper(256, random);
  Pass(&sweeper);
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 1u);
  EXPECT_NE(Rows<ExportTokenRow>(SharingKind::kToken).begin()->second.start_micros(), 0);
}

// By a call that has taken longer than any should.
TEST_F(SweepTest, PeopleWhoseTokenIsIssuedMeanwhileStay) {
  const storage::Id128 token = StrayParts(1);
  now += kDay;
  ExportTokenRow row;
  row.set_version(1);
  row.set_expire_micros(absl::ToUnixMicros(now + absl::Hours(1)));
  row.add_parts(1);
  const storage::Key key = storage::ExportTokenKey(TenantNumber("default"), token);
  Interruption random(
      [&] { Write(key, SealRow(store().snapshot()->keys(), SystemRandom(), key, 1, row)); });
  SharingSweeper sweeper = NewSweeper(256, random);
  Pass(&sweeper);
  EXPECT_EQ(Count(SharingKind::kTokenSubjects), 1u);
}

TEST_F(SweepTest, AWriteThatTheSweeperOvertakesIsDecidedAgain) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  now += kLedgerKept;
  v1::UpdateRecordRequest request;
  request.set_name(parcel.record);
  (*request.mutable_fields())["phone"] = "090-9999-0000";
  request.mutable_usage()->set_purpose("support");
  Open update(*this, "shop", "UpdateRecord", request);
  update.Next();
  Sweep();
  EXPECT_EQ(update.Commit().name(), "CONFLICT");
  update.Next();
  EXPECT_EQ(update.Commit().reason, authz::Reason::kOk);
  // Nobody holds it any more.
  EXPECT_EQ(Count(SharingKind::kNotice), 0u);
}

TEST_F(SweepTest, AListThatTheSweeperOvertakesIsMadeAgain) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  now += kLedgerKept;
  v1::ListDisclosuresRequest request;
  request.set_parent("tenants/default");
  request.set_subject(parcel.person);
  Open list(*this, "officer", "ListDisclosures", request);
  list.Next();
  Sweep();
  EXPECT_EQ(list.Commit().name(), "CONFLICT");
}

// A rotation that begins and ends while a step is planned.
TEST_F(SweepTest, WhatANewEpochHasSealedMeanwhileIsNoDamage) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  now += kLedgerKept;
  int asked = 0;
  SharingSweeper sweeper({engine(), store(), SystemRandom(),
                          [this, &asked] {
                            // Of the first steps each takes the keys, then the time, then the rows.
                            if (++asked <= 5) {
                              Rotate();
                              ReWrapAll();
                            }
                            return now;
                          },
                          [this](const storage::Key& row) { damaged.push_back(row); }});
  Pass(&sweeper);
  Pass(&sweeper);
  EXPECT_THAT(damaged, IsEmpty());
  EXPECT_THAT(Keys(), IsEmpty());
}

// Within one disclosure of many, and over several of few.
TEST_F(SweepTest, AStepIsBounded) {
  std::vector<std::string> people;
  for (int i = 0; i < 10; ++i) people.push_back(PersonOf(Customer()));
  ASSERT_TRUE(Redeem("mailer-co", Token("clerk", ForPartner(people))).ok());
  for (int i = 0; i < 4; ++i) {
    const std::string token = Token("clerk", ForPartner({people[0], people[1]}));
    ASSERT_TRUE(Redeem("mailer-co", token).ok());
  }
  ASSERT_EQ(Count(SharingKind::kDisclosed), 18u);
  now += kLedgerKept;
  SharingSweeper sweeper = NewSweeper(3);
  size_t before = 18;
  while (*sweeper.Step()) {
    const size_t after = Count(SharingKind::kDisclosed);
    EXPECT_LE(before - after, 3u);
    before = after;
    // It stays until nobody is left in it.
    std::set<std::string> disclosures;
    for (const auto& [key, value] : RawRows(SharingKind::kDisclosure)) {
      disclosures.insert(key.substr(9));
    }
    for (const auto& [key, value] : RawRows(SharingKind::kDisclosed)) {
      EXPECT_TRUE(disclosures.contains(key.substr(9, 16)));
    }
  }
  EXPECT_EQ(Count(SharingKind::kDisclosure), 0u);
  EXPECT_EQ(Count(SharingKind::kHolding), 0u);
  EXPECT_GE(sweeper.entries(), 7u);
  EXPECT_EQ(sweeper.dropped(), 18u + 10u + 5u + 5u);  // people, holdings, disclosures, parts
}

TEST_F(SweepTest, NoticesAreCounted) {
  NoticeCounter counter(
      engine(), store(), [this] { return now; }, 2);
  const auto count = [&counter] {
    while (*counter.Step()) {
    }
    return counter.counts();
  };
  EXPECT_EQ(counter.counts().as_of, absl::InfinitePast());
  EXPECT_EQ(count().open, 0u);
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Redeem("sagawa", NextToken(parcel, "sagawa")).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  now += absl::Hours(1);
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0001"}}).ok());
  EXPECT_EQ(count().open, 4u);
  EXPECT_EQ(count().overdue, 0u);
  // Of one beginning to one end.
  now += 7 * kDay - absl::Hours(1);
  ASSERT_TRUE(*counter.Step());
  EXPECT_EQ(counter.counts().overdue, 0u);
  EXPECT_EQ(count().overdue, 2u);
  EXPECT_EQ(count().as_of, now);
  EXPECT_THAT(Noticed(Notices("officer", false, true)).notices(), SizeIs(2));
  Acknowledge("yamato");
  EXPECT_EQ(count().open, 2u);
  EXPECT_EQ(count().overdue, 1u);
  Damage(SharingKind::kNotice);
  EXPECT_LE(count().open, 2u);
  // After a restart.
  NoticeCounter again(engine(), store(), [this] { return now; });
  while (*again.Step()) {
  }
  EXPECT_EQ(again.counts().open, count().open);
}

}  // namespace
}  // namespace piivault::vault
