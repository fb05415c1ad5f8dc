// Those who should get nothing: the partner with yesterday's token, another partner with this one,
// whoever writes on the disk, and whoever changes something between two messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/vault/disclosures/disclosure_testing.h"
#include "vault/sharing/export_token.h"

namespace piivault::vault {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class HostileTest : public SharingVault, public testing::Test {
 protected:
  storage::Id128 VaultId() { return *storage::Id128::FromBytes(store().snapshot()->vault_id()); }
  // What a token says, as its vault reads it.
  ExportClaims ClaimsOf(const std::string& token, const std::string& recipient = "yamato") {
    return *OpenExportToken(token, store().snapshot()->signing_keys(), VaultId(),
                            "tenants/default/recipients/" + recipient, now);
  }
  // Signed with the vault's own key: by somebody who has stolen it.
  std::string Forge(const ExportClaims& claims) {
    return *SealExportToken(claims, *store().snapshot()->signing_keys().active(), VaultId());
  }
  storage::Key TokenKey(const std::string& token) {
    return storage::ExportTokenKey(TenantNumber("default"), ClaimsOf(token).jti);
  }
};

TEST_F(HostileTest, ATokenThatDoesNotAgreeWithItsRowGivesNothingWhoeverSignedIt) {
  const Parcel parcel = NewParcel();
  const ExportClaims claims = ClaimsOf(parcel.token);
  ASSERT_EQ(Forge(claims), parcel.token);
  const auto with = [&](const std::function<void(ExportClaims*)>& change) {
    ExportClaims changed = claims;
    change(&changed);
    return Redeem("yamato", Forge(changed)).name();
  };
  EXPECT_EQ(with([](ExportClaims* c) { c->purpose = "legal"; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->fields = {"customer.email"}; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->uses = 2; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->exp += absl::Seconds(1); }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->nbf -= absl::Seconds(1); }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->iat -= absl::Seconds(1); }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->gen += 1; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->sub[0] ^= 1; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->jti.bytes[0] ^= 1; }), "EXPORT_TOKEN_INVALID");
  EXPECT_EQ(with([](ExportClaims* c) { c->aud = "tenants/default/recipients/sagawa"; }),
            "EXPORT_TOKEN_INVALID");
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
}

TEST_F(HostileTest, NeitherWhatIsNoTokenNorAnotherVaultsGivesAnything) {
  const Parcel parcel = NewParcel();
  for (const std::string& text :
       {std::string(), std::string("v4.public."), std::string("../../keyring"),
        std::string("https://vault.example/token"), std::string("' OR 1=1 --"),
        std::string(10'000, 'A'), parcel.token + "=", parcel.token + "\n",
        "v4.local" + parcel.token.substr(9), parcel.token.substr(1)}) {
    EXPECT_EQ(Redeem("yamato", text).name(), "EXPORT_TOKEN_INVALID") << text.substr(0, 40);
  }
  SharingVault other;
  other.now = now;
  EXPECT_EQ(other.Redeem("yamato", parcel.token).name(), "EXPORT_TOKEN_INVALID");
}

TEST_F(HostileTest, ANameOfAnotherTenantIsAnotherRecipient) {
  Put([&](StateChange& change) {
    storage::v1::RecipientRow row = RecipientRowOf("yamato");
    row.set_tenant("other");
    row.set_principal("other-yamato");
    change.PutRecipient(row);
    storage::v1::PrincipalRow principal;
    principal.set_name("other-yamato");
    principal.set_kind(v1::PRINCIPAL_KIND_RECIPIENT);
    principal.set_recipient("other/yamato");
    principal.add_identities()->set_uri("spiffe://test/other-yamato");
    change.PutPrincipal(principal);
  });
  const Parcel parcel = NewParcel();
  EXPECT_EQ(Redeem("other-yamato", parcel.token).name(), "EXPORT_TOKEN_INVALID");
  v1::ListCorrectionNoticesRequest request;
  request.set_parent("tenants/default");
  EXPECT_EQ(Call("other-yamato", "ListCorrectionNotices", request).name(), "TENANT_MISMATCH");
}

TEST_F(HostileTest, ATokenOfAKeyThatIsNoLongerTrustedGivesNothing) {
  const std::string person = PersonOf(Customer());
  ASSERT_TRUE(OpenMatter(person, "shipment", "P-1").ok());
  v1::IssueExportTokenRequest request = ForCarrier(person);
  request.set_lifetime_seconds(86'400);
  const std::string token = Token("sender", request);
  Put([&](StateChange& change) {
    storage::v1::SigningKeyRow row = store().snapshot()->signing_key_rows().begin()->second.row;
    row.clear_seed();
    row.set_retire_micros(absl::ToUnixMicros(now - absl::Hours(24)));
    change.PutSigningKeys({row});
  });
  EXPECT_EQ(Redeem("yamato", token).name(), "EXPORT_TOKEN_INVALID");
}

TEST_F(HostileTest, AClockSetBackMakesNoTokenGoodBeforeItsTime) {
  const Parcel parcel = NewParcel();
  now -= absl::Seconds(2);
  EXPECT_EQ(Redeem("yamato", parcel.token).name(), "TOKEN_NOT_YET_VALID");
}

TEST_F(HostileTest, RowsThatWereMovedOrChangedAreDamage) {
  const Parcel a = NewParcel();
  const Parcel b = NewParcel();
  engine().Tamper(TokenKey(a.token), *engine().Get(TokenKey(b.token)));
  EXPECT_EQ(Redeem("yamato", a.token).name(), "DATA_LOSS");
  std::string altered = *engine().Get(TokenKey(b.token));
  altered.back() = static_cast<char>(altered.back() ^ 1);
  engine().Tamper(TokenKey(b.token), altered);
  EXPECT_EQ(Redeem("yamato", b.token).name(), "DATA_LOSS");
  // The people of one token are not those of another.
  const Parcel c = NewParcel();
  const Parcel d = NewParcel();
  const auto people = [&](const std::string& token) {
    return storage::ExportSubjectsKey(TenantNumber("default"), ClaimsOf(token).jti, 0);
  };
  engine().Tamper(people(c.token), *engine().Get(people(d.token)));
  EXPECT_EQ(Redeem("yamato", c.token).name(), "DATA_LOSS");
  engine().Tamper(people(d.token), std::nullopt);
  EXPECT_EQ(Redeem("yamato", d.token).name(), "DATA_LOSS");
}

// The row that is put back is genuine, and older; but what was given stands in the ledger.
TEST_F(HostileTest, AUsePutBackOnTheDiskIsNoUseMore) {
  const Parcel parcel = NewParcel();
  const std::string unused = *engine().Get(TokenKey(parcel.token));
  ASSERT_TRUE(Redeem("yamato", parcel.token, "first").ok());
  engine().Tamper(TokenKey(parcel.token), unused);
  EXPECT_EQ(Redeem("yamato", parcel.token, "second").name(), "DATA_LOSS");
  EXPECT_THAT(Listed(Disclosures("officer", parcel.person)).disclosures(), SizeIs(1));
}

// A policy that comes between issue and redemption, and gives the rule's name to another.
TEST_F(HostileTest, ATokenIsNotRedeemedOnAnotherLegalBasisThanItWasIssuedOn) {
  const Parcel parcel = NewParcel();
  std::string changed(kSharingPolicy);
  const std::string_view basis = "basis: published_clause";
  changed.replace(changed.find(basis), basis.size(), "basis: prior_consent");
  SetPolicy("default", changed);
  EXPECT_EQ(Redeem("yamato", parcel.token).name(), "SHARING_RULE_UNKNOWN");
  SetPolicy("default", std::string(kSharingPolicy));
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
}

TEST_F(HostileTest, WhoIssuesDoesNotLearnWhoWasErased) {
  const Parcel parcel = NewParcel();
  v1::DeleteSubjectRequest erase;
  erase.set_name(parcel.person);
  ASSERT_TRUE(Call("shop", "DeleteSubject", erase).ok());
  const Result erased = Issue("sender", ForCarrier(parcel.person));
  const Result unknown =
      Issue("sender", ForCarrier("tenants/default/subjects/" + SystemRandom().Id128().ToText()));
  EXPECT_EQ(erased.name(), "NOT_FOUND");
  EXPECT_EQ(unknown.name(), "NOT_FOUND");
  EXPECT_EQ(erased.denied_fields, unknown.denied_fields);
  ASSERT_THAT(erased.entry.items(), SizeIs(1));
  EXPECT_EQ(erased.entry.items(0).reason(), "SUBJECT_ERASED");
}

TEST_F(HostileTest, ADisclosureThatWasTakenOutOfThePersonsListIsMissed) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  for (const auto& [key, value] : engine().Dump(storage::Table::kSharing)) {
    if (key[0] == static_cast<char>(storage::SharingKind::kBySubject)) {
      engine().Tamper({storage::Table::kSharing, key}, std::nullopt);
    }
  }
  EXPECT_EQ(Disclosures("officer", parcel.person).name(), "DATA_LOSS");
}

// What comes between the decision and the commit is decided anew.
TEST_F(HostileTest, NoGrantFollowsWhatWouldHaveRefusedIt) {
  const auto refused_after = [&](const Parcel& parcel, const std::function<void()>& change) {
    Open open(*this, "yamato", "RedeemExportToken", ForRedemption(parcel.token, "r"));
    EXPECT_EQ(open.Next().reason, authz::Reason::kOk);
    change();
    const Result first = open.Commit();
    EXPECT_TRUE(first.conflict || first.reason == authz::Reason::kConflict);
    return authz::ReasonName(open.Next().reason);
  };
  const Parcel revoked = NewParcel();
  EXPECT_EQ(refused_after(revoked,
                          [&] {
                            v1::RevokeExportTokensRequest request;
                            request.set_parent("tenants/default");
                            request.set_purpose("delivery");
                            ASSERT_TRUE(Call("officer", "RevokeExportTokens", request).ok());
                          }),
            "TOKEN_REVOKED");
  now += absl::Seconds(2);
  const Parcel stopped = NewParcel();
  EXPECT_EQ(refused_after(stopped,
                          [&] {
                            v1::StopUseRequest stop;
                            stop.set_subject(stopped.person);
                            stop.mutable_stop()->set_purpose("delivery");
                            stop.mutable_usage()->set_purpose("support");
                            ASSERT_TRUE(Call("shop", "StopUse", stop).ok());
                          }),
            "EXPORT_WITHHELD");
  const Parcel raced = NewParcel();
  EXPECT_EQ(refused_after(raced, [&] { ASSERT_TRUE(Redeem("yamato", raced.token, "other").ok()); }),
            "TOKEN_EXHAUSTED");
  const Parcel left = NewParcel();
  EXPECT_EQ(refused_after(left,
                          [&] {
                            Put([&](StateChange& change) {
                              storage::v1::PrincipalRow sender =
                                  store().snapshot()->FindPrincipal("sender")->row;
                              sender.clear_bindings();
                              change.PutPrincipal(sender);
                            });
                          }),
            "ROLE_NOT_GRANTED");
}

TEST_F(HostileTest, NoGrantFollowsTheDisablingOfItsRecipient) {
  const Parcel disabled = NewParcel("sagawa");
  Open open(*this, "sagawa", "RedeemExportToken", ForRedemption(disabled.token, "r"));
  ASSERT_EQ(open.Next().reason, authz::Reason::kOk);
  storage::v1::RecipientRow row = RecipientRowOf("sagawa");
  row.set_disable_time_micros(absl::ToUnixMicros(now));
  PutRecipient(row);
  EXPECT_NE(open.Commit().reason, authz::Reason::kOk);
  EXPECT_EQ(authz::ReasonName(open.Next().reason), "RECIPIENT_DISABLED");
}

// And a correction does not pass by a disclosure that is under way.
TEST_F(HostileTest, ACorrectionAndADisclosureAtOnceLeaveTheNewValueOrANotice) {
  const Parcel parcel = NewParcel();
  v1::UpdateRecordRequest update;
  update.set_name(parcel.record);
  (*update.mutable_fields())["phone"] = "090-9999-0000";
  update.mutable_usage()->set_purpose("support");
  Open correction(*this, "shop", "UpdateRecord", update);
  ASSERT_EQ(correction.Next().reason, authz::Reason::kOk);
  const Result given = Redeem("yamato", parcel.token);
  ASSERT_TRUE(given.ok());
  EXPECT_EQ(Given(given).subjects(0).records(0).fields().at("phone").value(), "090-1234-5678");
  EXPECT_NE(correction.Commit().reason, authz::Reason::kOk);
  ASSERT_EQ(correction.Next().reason, authz::Reason::kOk);
  ASSERT_EQ(correction.Commit().reason, authz::Reason::kOk);
  EXPECT_THAT(Noticed(Notices("yamato")).notices(), SizeIs(1));
}

// Whoever spoils the row of a token that a notice offers keeps no notice from its recipient.
TEST_F(HostileTest, ANoticeIsToldWhateverBecameOfItsToken) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  v1::IssueExportTokenRequest request = ForCarrier(parcel.person);
  request.add_notices(Noticed(Notices("yamato")).notices(0).name());
  const std::string token = Token("sender", request);
  ASSERT_EQ(Noticed(Notices("yamato")).notices(0).token(), token);
  std::string row = *engine().Get(TokenKey(token));
  row.back() = static_cast<char>(row.back() ^ 1);
  engine().Tamper(TokenKey(token), row);
  const Result listed = Notices("yamato");
  ASSERT_TRUE(listed.ok()) << listed.name();
  ASSERT_THAT(Noticed(listed).notices(), SizeIs(1));
  EXPECT_EQ(Noticed(listed).notices(0).token(), "");
}

// Writes to people of the token make messages shorter, so that the rest gets on; and they grow
// again.
TEST_F(HostileTest, AStreamGetsOnWherePeopleAreWrittenToAllTheTime) {
  std::vector<std::string> people;
  std::vector<std::string> records;
  for (int i = 0; i < 300; ++i) {
    records.push_back(Customer());
    people.push_back(PersonOf(records.back()));
  }
  int writes = 0;
  const auto write = [&](size_t who) {
    const std::string phone = "090-0000-" + std::to_string(1000 + ++writes);
    ASSERT_TRUE(Update(records[who], {{"phone", phone}}).ok());
  };
  const auto run = [&](std::string_view principal, std::string_view method, const auto& request) {
    std::vector<int> sizes;
    Open open(*this, principal, method, request);
    for (int message = 0; open.HasMore() || message == 0; ++message) {
      for (int conflicts = message < 2 ? 2 : 0; conflicts >= 0; --conflicts) {
        EXPECT_EQ(open.Next().reason, authz::Reason::kOk);
        if (conflicts > 0) write(static_cast<size_t>(10 * message));
        const Result result = open.Commit();
        EXPECT_EQ(result.ok(), conflicts == 0) << result.name();
        if (result.ok()) sizes.push_back(result.entry.items_size());
      }
    }
    return sizes;
  };
  const std::vector<int> issued = run("clerk", "IssueExportToken", ForPartner(people));
  EXPECT_THAT(issued, testing::ElementsAre(10, 10, 10, 100, 170));
  const std::string token = Token("clerk", ForPartner(people));
  const std::vector<int> given = run("mailer-co", "RedeemExportToken", ForRedemption(token, "r"));
  EXPECT_THAT(given, testing::ElementsAre(10, 10, 10, 100, 170));
}

TEST_F(HostileTest, AStreamEndsWithTheMessageAfterARevocation) {
  std::vector<std::string> people;
  for (int i = 0; i < 1001; ++i) people.push_back(PersonOf(Customer()));
  const std::string token = Token("clerk", ForPartner(people));
  Open open(*this, "mailer-co", "RedeemExportToken", ForRedemption(token, "r"));
  ASSERT_EQ(open.Next().reason, authz::Reason::kOk);
  ASSERT_EQ(open.Commit().reason, authz::Reason::kOk);
  ASSERT_TRUE(open.HasMore());
  storage::v1::RecipientRow row = RecipientRowOf("mailer-co");
  row.mutable_attestations(0)->set_revoked_micros(absl::ToUnixMicros(now));
  PutRecipient(row);
  EXPECT_EQ(authz::ReasonName(open.Next().reason), "NDA_REVOKED");
}

TEST_F(HostileTest, AnErasureDoesNotWaitForADamagedRowOfTheLedger) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  for (const auto& [key, value] : engine().Dump(storage::Table::kSharing)) {
    if (key[0] != static_cast<char>(storage::SharingKind::kHolding)) continue;
    engine().Tamper({storage::Table::kSharing, key}, value.substr(0, value.size() - 1) + "x");
  }
  EXPECT_EQ(Update(parcel.record, {{"phone", "090-9999-0000"}}).name(), "DATA_LOSS");
  v1::DeleteSubjectRequest erase;
  erase.set_name(parcel.person);
  EXPECT_TRUE(Call("shop", "DeleteSubject", erase).ok());
}

TEST_F(HostileTest, APartnerTakesNothingBackThatIsNotItsOwn) {
  const Parcel parcel = NewParcel();
  const size_t rows = store().snapshot()->revocations("default").size();
  v1::RevokeExportTokensRequest request;
  request.set_parent("tenants/default");
  request.set_issuer("principals/yamato");
  EXPECT_EQ(Call("yamato", "RevokeExportTokens", request).name(), "PRINCIPAL_KIND_NOT_ADMITTED");
  request.set_issuer("principals/shop");
  Call("shop", "RevokeExportTokens", request);
  EXPECT_EQ(store().snapshot()->revocations("default").size(), rows);
  request.set_parent("tenants/other");
  request.set_issuer("principals/yamato");
  EXPECT_EQ(Call("yamato", "RevokeExportTokens", request).name(), "TENANT_MISMATCH");
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
}

TEST_F(HostileTest, ACompletedUseIsNoSubscription) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  now += absl::Minutes(10) - absl::Seconds(1);
  EXPECT_TRUE(Redeem("yamato", parcel.token).ok());
  now += absl::Seconds(1);
  EXPECT_EQ(Redeem("yamato", parcel.token).name(), "TOKEN_EXHAUSTED");
}

TEST_F(HostileTest, WhatWasGivenStaysInTheLedgerWhenItIsGivenAgain) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {}, {"phone"}).ok());
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  const Result listed = Disclosures("officer", parcel.person);
  ASSERT_THAT(Listed(listed).disclosures(0).records(), SizeIs(2));
  EXPECT_THAT(Listed(listed).disclosures(0).records(0).fields(), SizeIs(3));
  EXPECT_EQ(Listed(listed).disclosures(0).records(0).version(), 1u);
  EXPECT_THAT(Listed(listed).disclosures(0).records(1).fields(), SizeIs(2));
}

TEST_F(HostileTest, ADisclosureIsNotListedInAnothersPlace) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  for (const auto& [key, value] : engine().Dump(storage::Table::kSharing)) {
    if (key[0] != static_cast<char>(storage::SharingKind::kBySubject)) continue;
    std::string moved = key;
    moved[key.size() - storage::Id128::kSize - 1] ^= 1;
    engine().Tamper({storage::Table::kSharing, key}, std::nullopt);
    engine().Tamper({storage::Table::kSharing, moved}, value);
  }
  EXPECT_EQ(Disclosures("officer", parcel.person).name(), "DATA_LOSS");
}

TEST_F(HostileTest, AUseIsTakenUpSoManyTimesAndNoMore) {
  const Parcel parcel = NewParcel();
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(Redeem("yamato", parcel.token).ok()) << i;
  EXPECT_EQ(Redeem("yamato", parcel.token).name(), "TOKEN_EXHAUSTED");
}

TEST_F(HostileTest, OnePersonsListIsForThatPerson) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  v1::ListDisclosuresRequest request;
  request.set_parent("tenants/default");
  request.set_subject(parcel.person);
  request.mutable_usage()->set_purpose("legal");
  request.mutable_usage()->set_on_behalf_of(parcel.person);
  const Result own = Call("menu", "ListDisclosures", request);
  ASSERT_TRUE(own.ok()) << own.name();
  EXPECT_THAT(Listed(own).disclosures(), SizeIs(1));
  request.mutable_usage()->set_on_behalf_of(PersonOf(Customer()));
  EXPECT_EQ(Call("menu", "ListDisclosures", request).name(), "NOT_OWN_RECORD");
  request.clear_subject();
  request.set_recipient("tenants/default/recipients/yamato");
  EXPECT_FALSE(Call("menu", "ListDisclosures", request).ok());
  v1::StreamDisclosedRecordsRequest stream;
  stream.set_disclosure(Listed(own).disclosures(0).name());
  *stream.mutable_usage() = request.usage();
  EXPECT_FALSE(Stream("menu", "StreamDisclosedRecords", stream).back().ok());
  EXPECT_EQ(Disclosures("shop", parcel.person).name(), "OPERATION_NOT_GRANTED");
  EXPECT_FALSE(Disclosures("yamato", parcel.person).ok());
}

TEST_F(HostileTest, NothingOfThePersonIsInAnyRowOrEntry) {
  const Parcel parcel = NewParcel();
  ASSERT_TRUE(Redeem("yamato", parcel.token).ok());
  ASSERT_TRUE(Update(parcel.record, {{"phone", "090-9999-0000"}}).ok());
  for (const std::string& bytes : AllBytes()) {
    for (const char* value : {"山田", "丸の内", "1234-5678", "9999-0000", "hanako@"}) {
      ASSERT_THAT(bytes, Not(HasSubstr(value)));
    }
  }
}

}  // namespace
}  // namespace piivault::vault
