// Contracts, NDAs, reviews and memberships of recipients.
#include <string>

#include "tests/vault/service/sharing_testing.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using authz::Reason;
using testing::ElementsAre;

class RecipientAttestationsTest : public SharingTest {
 protected:
  RecipientAttestationsTest() { MakeRecipient("yamato"); }

  Answer<RevokeRecipientAttestationResponse> Revoke(const std::string& name) {
    RevokeRecipientAttestationRequest request;
    request.set_name(name);
    return Call<RevokeRecipientAttestationResponse>(
        "aoki", "SharingService/RevokeRecipientAttestation", request);
  }
};

TEST_F(RecipientAttestationsTest, EachKindIsRecordedWithWhoDidIt) {
  for (const char* kind : {"contract", "partner_nda", "supervision", "membership"}) {
    auto request = ContractRequest("yamato");
    request.mutable_attestation()->set_kind(kind);
    request.mutable_attestation()->add_fields("customer.name");
    request.mutable_attestation()->add_fields("customer.*");
    request.mutable_attestation()->add_purposes("delivery");
    const auto answer = Record(request, "baba");
    ASSERT_TRUE(answer.ok()) << kind;
    EXPECT_EQ(answer.response.attestation().kind(), kind);
    EXPECT_EQ(answer.response.attestation().document_sha256(), std::string(64, 'a'));
    EXPECT_EQ(answer.response.attestation().recorded_by(), "principals/baba");
    EXPECT_FALSE(answer.response.attestation().has_valid_until());
    EXPECT_EQ(answer.entry.resource(), Name("yamato"));
  }
  const authz::Recipient& recipient = Recipient("yamato")->recipient;
  ASSERT_EQ(recipient.attestations.size(), 4u);
  EXPECT_EQ(recipient.attestations[0].kind, authz::AttestationKind::kContract);
  EXPECT_EQ(recipient.attestations[3].kind, authz::AttestationKind::kMembership);
  EXPECT_EQ(recipient.attestations[0].recorded_by_person, "persons/baba");
  EXPECT_THAT(recipient.attestations[0].fields, ElementsAre("customer.name", "customer.*"));
  EXPECT_THAT(recipient.attestations[0].purposes, ElementsAre("delivery"));
  EXPECT_EQ(recipient.attestations[0].valid_until, absl::InfiniteFuture());
}

TEST_F(RecipientAttestationsTest, WhatIsMalformedIsRefusedByItsName) {
  const auto refused = [&](auto with, Reason reason = Reason::kMalformedRequest) {
    auto request = ContractRequest("yamato");
    with(request.mutable_attestation());
    const auto answer = Record(request);
    EXPECT_EQ(answer.reason, reason);
    return answer.fields;
  };
  using Attestation = v1::RecipientAttestation;
  for (const char* kind : {"", "nda_contract", "pledge", "training", "unspecified"}) {
    EXPECT_THAT(refused([&](Attestation* a) { a->set_kind(kind); }),
                ElementsAre("attestation.kind"));
  }
  EXPECT_THAT(refused([](Attestation* a) { a->set_document_sha256("abc"); }),
              ElementsAre("attestation.document_sha256"));
  EXPECT_THAT(refused([](Attestation* a) { a->clear_signed_at(); }),
              ElementsAre("attestation.signed_at"));
  EXPECT_THAT(refused([&](Attestation* a) {
                a->mutable_signed_at()->set_seconds(absl::ToUnixSeconds(vault_.now()) + 1);
              }),
              ElementsAre("attestation.signed_at"));
  EXPECT_THAT(refused([&](Attestation* a) {
                a->mutable_valid_until()->set_seconds(absl::ToUnixSeconds(vault_.now()) - 61);
              }),
              ElementsAre("attestation.valid_until"));
  EXPECT_THAT(refused([](Attestation* a) { a->set_valid_until_date("2027-3-31"); }),
              ElementsAre("attestation.valid_until_date"));
  EXPECT_THAT(refused([](Attestation* a) {
                a->set_valid_until_date("2099-03-31");
                a->mutable_valid_until()->set_seconds(4'000'000'000);
              }),
              ElementsAre("attestation.valid_until_date"));
  EXPECT_THAT(
      refused([](Attestation* a) { a->add_fields("customer.shoe"); }, Reason::kFieldUnknown),
      ElementsAre("attestation.fields"));
  EXPECT_THAT(refused([](Attestation* a) { a->add_fields("stranger.*"); }, Reason::kFieldUnknown),
              ElementsAre("attestation.fields"));
  EXPECT_THAT(refused([](Attestation* a) { a->add_purposes("fun"); }, Reason::kPurposeUnknown),
              ElementsAre("attestation.purposes"));
  EXPECT_EQ(Record(ContractRequest("nobody")).reason, Reason::kNotFound);
  EXPECT_EQ(Recipient("yamato")->row.attestations_size(), 0);
}

// The end of the day in Tokyo, where the policy is from.
TEST_F(RecipientAttestationsTest, ALastDayIsOfThePolicysZone) {
  auto request = ContractRequest("yamato");
  request.mutable_attestation()->set_valid_until_date("2099-03-31");
  ASSERT_TRUE(Record(request).ok());
  absl::TimeZone tokyo;
  ASSERT_TRUE(absl::LoadTimeZone("Asia/Tokyo", &tokyo));
  const absl::Time next_day = absl::FromCivil(absl::CivilDay(2099, 4, 1), tokyo);
  EXPECT_EQ(Recipient("yamato")->recipient.attestations[0].valid_until,
            next_day - absl::Microseconds(1));
}

TEST_F(RecipientAttestationsTest, ARetryRecordsOnce) {
  auto request = ContractRequest("yamato");
  request.set_request_id("once");
  const auto first = Record(request);
  const auto second = Record(request);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first.response.attestation().name(), second.response.attestation().name());
  EXPECT_EQ(Recipient("yamato")->row.attestations_size(), 1);
}

TEST_F(RecipientAttestationsTest, RevocationIsFromNowOnAndOnce) {
  const std::string name = Record(ContractRequest("yamato")).response.attestation().name();
  const std::string other = Record(ContractRequest("yamato")).response.attestation().name();
  vault_.Pass(absl::Seconds(5));
  const auto answer = Revoke(name);
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer.entry.resource(), name);
  EXPECT_EQ(answer.response.attestation().revoke_time().seconds(),
            absl::ToUnixSeconds(vault_.now()));
  const absl::Time revoked = vault_.now();
  vault_.Pass(absl::Seconds(5));
  EXPECT_TRUE(Revoke(name).ok());
  EXPECT_EQ(Recipient("yamato")->recipient.attestations[0].revoked_at, revoked);
  EXPECT_EQ(Recipient("yamato")->recipient.attestations[1].revoked_at, absl::InfiniteFuture());
  EXPECT_EQ(Revoke(Name("yamato") + "/attestations/aaaaaaaaaaaaaaaaaaaaaaaaaa").reason,
            Reason::kNotFound);
  EXPECT_EQ(Revoke(Name("yamato")).reason, Reason::kMalformedRequest);
}

TEST_F(RecipientAttestationsTest, APersonHasNoContractAsARecipientHas) {
  MakePerson("sato");
  for (const char* kind : {"contract", "membership"}) {
    RecordAttestationRequest request = NdaRequest("sato");
    request.mutable_attestation()->set_kind(kind);
    EXPECT_THAT((Call<RecordAttestationResponse>("aoki", "RecordAttestation", request).fields),
                ElementsAre("attestation.kind"));
  }
}

}  // namespace
}  // namespace piivault::vault
