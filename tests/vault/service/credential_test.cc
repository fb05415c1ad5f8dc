// Setting, trying and revoking credentials.
#include <gmock/gmock.h>

#include "tests/vault/service/credential_testing.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST_F(CredentialTest, WhatWasSetIsVerifiedAndNothingElse) {
  const Result set = Set(kPassword);
  ASSERT_TRUE(set.ok()) << set.name();
  EXPECT_EQ(Try(kPassword), "verified");
  EXPECT_EQ(Try("canary-Passw0rE"), "failed");
  EXPECT_EQ(Try(""), "failed");
  EXPECT_EQ(Try(kPassword), "verified");
  EXPECT_THAT(vault_.credentials_tried, ElementsAre("verified", "failed", "failed", "verified"));
}

TEST_F(CredentialTest, TheAnswerSaysHowLongItHolds) {
  const Result set = Set(kPassword);
  const auto& answer = set.As<v1::SetCredentialResponse>();
  EXPECT_EQ(answer.set_time().seconds(), absl::ToUnixSeconds(vault_.now));
  EXPECT_EQ(answer.expire_time().seconds(), absl::ToUnixSeconds(vault_.now + absl::Hours(7 * 24)));
  EXPECT_FALSE(Set("cookie-value", "cookie").As<v1::SetCredentialResponse>().has_expire_time());
  v1::SetCredentialRequest sooner = SetRequest(kPassword);
  sooner.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(vault_.now) + 60);
  EXPECT_EQ(vault_.Call("shop", "SetCredential", sooner)
                .As<v1::SetCredentialResponse>()
                .expire_time()
                .seconds(),
            absl::ToUnixSeconds(vault_.now) + 60);
}

TEST_F(CredentialTest, WeakOnesAreRefused) {
  for (std::string_view weak : {"passw0rds", "password-", "12345678-", "a-1", "pass word1"}) {
    const Result refused = Set(weak);
    EXPECT_EQ(refused.reason, authz::Reason::kCredentialWeak) << weak;
    EXPECT_THAT(refused.denied_fields, ElementsAre("customer.password"));
    EXPECT_EQ(refused.entry.outcome(), "");
  }
  EXPECT_EQ(vault_.works, 0);
  EXPECT_EQ(Set("abc", "pin").reason, authz::Reason::kCredentialWeak);
  EXPECT_TRUE(Set("abcd", "pin").ok());
  EXPECT_EQ(Set(std::string(65, 'a'), "pin").reason, authz::Reason::kValueTooLarge);
  EXPECT_EQ(Set("two\nlines-1").reason, authz::Reason::kValueInvalid);
}

TEST_F(CredentialTest, SpellingsThatLookTheSameAreTheSame) {
  ASSERT_TRUE(Set("re\u0301sume\u0301\u3000123-").ok());  // decomposed, ideographic space
  EXPECT_EQ(Try("r\u00e9sum\u00e9 123-"), "verified");
  EXPECT_EQ(Try("resume 123-"), "failed");
}

TEST_F(CredentialTest, WhatIsTooOldMustBeChangedAndLetsNobodyIn) {
  ASSERT_TRUE(Set(kPassword).ok());
  vault_.now += absl::Hours(7 * 24);
  EXPECT_EQ(Try(kPassword), "verified");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Try("canary-Passw0rE"), "failed");
  EXPECT_EQ(Try(kPassword), "must_change");
  ASSERT_TRUE(Set("another-Passw0rd").ok());
  EXPECT_EQ(Try("another-Passw0rd"), "verified");
}

TEST_F(CredentialTest, AnEndThatWasAskedForIsAnEnd) {
  v1::SetCredentialRequest request = SetRequest("cookie-value", "cookie");
  request.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(vault_.now) + 60);
  ASSERT_TRUE(vault_.Call("shop", "SetCredential", request).ok());
  vault_.now += absl::Seconds(60);
  EXPECT_EQ(Try("cookie-value", "cookie"), "verified");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Try("cookie-value", "cookie"), "failed");
  request.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(vault_.now));
  EXPECT_EQ(vault_.Call("shop", "SetCredential", request).reason, authz::Reason::kMalformedRequest);
}

TEST_F(CredentialTest, OneThatHoldsOnceHoldsOnce) {
  ASSERT_TRUE(Set("1234", "pin").ok());
  EXPECT_EQ(Try("1234", "pin"), "verified");
  EXPECT_EQ(Try("1234", "pin"), "failed");
  ASSERT_TRUE(Set("1234", "pin").ok());
  EXPECT_EQ(Try("1234", "pin"), "verified");
}

TEST_F(CredentialTest, WhatIsRevokedIsGone) {
  ASSERT_TRUE(Set(kPassword).ok());
  const Result revoked = Revoke();
  ASSERT_TRUE(revoked.ok()) << revoked.name();
  EXPECT_EQ(revoked.retained.items_size(), 1);
  EXPECT_EQ(Try(kPassword), "failed");
  const Result again = Revoke();
  EXPECT_TRUE(again.ok());
  EXPECT_EQ(again.retained.items_size(), 0);
}

// What is not there looks as what is wrong: the answer, the entry, and the work it takes.
TEST_F(CredentialTest, AnswersDoNotTellWhatIsThere) {
  const auto looks = [this](std::string_view value, std::string_view field) {
    const int before = vault_.works;
    const Result result = Verify(value, field);
    v1::VerifyCredentialResponse answer = result.As<v1::VerifyCredentialResponse>();
    EXPECT_EQ(vault_.works, before + 1);
    EXPECT_EQ(result.retained.items_size(), 1);  // the count
    return answer.SerializeAsString() + result.entry.outcome() +
           storage::v1::Decision_Name(result.entry.decision()) + result.entry.reason();
  };
  const std::string never_set = looks("wrong-value-1", "cookie");
  ASSERT_TRUE(Set("cookie-value", "cookie").ok());
  EXPECT_EQ(looks("wrong-value-1", "cookie"), never_set);
  ASSERT_TRUE(Revoke("cookie").ok());
  EXPECT_EQ(looks("cookie-value", "cookie"), never_set);
  v1::SetCredentialRequest request = SetRequest("cookie-value", "cookie");
  request.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(vault_.now) + 60);
  ASSERT_TRUE(vault_.Call("shop", "SetCredential", request).ok());
  vault_.now += absl::Minutes(2);
  EXPECT_EQ(looks("cookie-value", "cookie"), never_set);
  ASSERT_TRUE(Set("1234", "pin").ok());
  ASSERT_EQ(Try("1234", "pin"), "verified");
  EXPECT_EQ(looks("1234", "pin"), never_set);
}

TEST_F(CredentialTest, WhoIsNotGrantedIsRefusedBeforeAnythingIsHashed) {
  ASSERT_TRUE(Set(kPassword).ok());
  const int before = vault_.works;
  v1::VerifyCredentialRequest verify = VerifyRequest(kPassword);
  *verify.mutable_usage() = UsageFor("engineer");
  EXPECT_EQ(vault_.Call("engineer", "VerifyCredential", verify).reason,
            authz::Reason::kOperationNotGranted);
  v1::SetCredentialRequest set = SetRequest("another-Passw0rd");
  *set.mutable_usage() = UsageFor("engineer");
  EXPECT_EQ(vault_.Call("engineer", "SetCredential", set).reason, authz::Reason::kFieldNotGranted);
  v1::RevokeCredentialRequest revoke;
  revoke.set_name(name_);
  revoke.set_field("password");
  *revoke.mutable_usage() = UsageFor("engineer");
  EXPECT_EQ(vault_.Call("engineer", "RevokeCredential", revoke).reason,
            authz::Reason::kFieldNotGranted);
  verify = VerifyRequest(kPassword);
  verify.set_name("tenants/default/records/ref:customer:18");
  EXPECT_EQ(vault_.Call("shop", "VerifyCredential", verify).reason, authz::Reason::kNotFound);
  verify.set_name("tenants/default/records/ref:customer:17");
  EXPECT_EQ(vault_.Call("other-shop", "VerifyCredential", verify).reason,
            authz::Reason::kTenantMismatch);
  EXPECT_EQ(Set("Sato Hanako 1-", "name").reason, authz::Reason::kMalformedRequest);
  EXPECT_EQ(vault_.works, before);
  EXPECT_EQ(Outcome(vault_.Call("shop", "VerifyCredential", verify)), "verified");
}

TEST_F(CredentialTest, RecordsDoNotBringCredentialsAlong) {
  v1::CreateRecordRequest create =
      VaultFixture::NewCustomer({{"name", "Ito"}, {"password", std::string(kPassword)}});
  Result refused = vault_.Call("shop", "CreateRecord", create);
  EXPECT_EQ(refused.reason, authz::Reason::kFieldOneWay);
  EXPECT_THAT(refused.denied_fields, ElementsAre("customer.password"));
  v1::BatchCreateRecordsRequest batch;
  batch.set_parent("tenants/default");
  *batch.add_records() = create.record();
  *batch.mutable_usage() = create.usage();
  EXPECT_EQ(vault_.Call("shop", "BatchCreateRecords", batch).reason, authz::Reason::kFieldOneWay);
  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  *upsert.mutable_record() = create.record();
  upsert.mutable_record()->set_ref("17");
  *upsert.mutable_usage() = create.usage();
  EXPECT_EQ(vault_.Call("shop", "UpsertRecord", upsert).reason, authz::Reason::kFieldOneWay);
  v1::UpdateRecordRequest update;
  update.set_name(name_);
  (*update.mutable_fields())["password"] = kPassword;
  *update.mutable_usage() = create.usage();
  EXPECT_EQ(vault_.Call("shop", "UpdateRecord", update).reason, authz::Reason::kFieldOneWay);
  update.clear_fields();
  update.clear_clear_fields();
  update.add_clear_fields("password");
  EXPECT_EQ(vault_.Call("shop", "UpdateRecord", update).reason, authz::Reason::kFieldOneWay);
  *update.mutable_usage() = UsageFor("engineer");
  EXPECT_EQ(vault_.Call("engineer", "UpdateRecord", update).reason,
            authz::Reason::kFieldNotGranted);
  v1::TokenizeRequest tokenize;
  tokenize.set_parent("tenants/default");
  tokenize.set_type("customer");
  tokenize.set_field("password");
  tokenize.add_items()->set_value(std::string(kPassword));
  *tokenize.mutable_usage() = create.usage();
  // Such a field has no tokens, whoever asks.
  EXPECT_EQ(vault_.Call("shop", "Tokenize", tokenize).reason, authz::Reason::kFieldNotTokenized);
}

TEST_F(CredentialTest, ChangesOfTheRecordLeaveItAlone) {
  ASSERT_TRUE(Set(kPassword).ok());
  v1::UpdateRecordRequest update;
  update.set_name(name_);
  (*update.mutable_fields())["name"] = "Sato Haruko";
  *update.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "UpdateRecord", update).ok());
  EXPECT_EQ(Try(kPassword), "verified");
  v1::UpsertRecordRequest upsert;
  upsert.set_parent("tenants/default");
  *upsert.mutable_record() = VaultFixture::NewCustomer({{"name", "Sato Haruka"}}, "17").record();
  *upsert.mutable_usage() = UsageFor("shop");
  const Result replaced = vault_.Call("shop", "UpsertRecord", upsert);
  ASSERT_TRUE(replaced.ok()) << replaced.name();
  EXPECT_FALSE(replaced.As<v1::UpsertRecordResponse>().created());
  EXPECT_EQ(Try(kPassword), "verified");
}

TEST_F(CredentialTest, ARequestIdSetsOnce) {
  v1::SetCredentialRequest request = SetRequest(kPassword);
  request.set_request_id("r-1");
  const Result first = vault_.Call("shop", "SetCredential", request);
  ASSERT_TRUE(first.ok()) << first.name();
  ASSERT_TRUE(Set("another-Passw0rd").ok());
  vault_.now += absl::Seconds(5);
  const int works = vault_.works;
  const Result replayed = vault_.Call("shop", "SetCredential", request);
  ASSERT_TRUE(replayed.ok()) << replayed.name();
  EXPECT_EQ(replayed.As<v1::SetCredentialResponse>().set_time().seconds(),
            first.As<v1::SetCredentialResponse>().set_time().seconds());
  EXPECT_EQ(vault_.works, works) << "a repetition needs no hash";
  EXPECT_EQ(Try("another-Passw0rd"), "verified");  // it took no effect again
  request.set_field("cookie");
  EXPECT_EQ(vault_.Call("shop", "SetCredential", request).reason, authz::Reason::kRequestIdReused);
}

TEST_F(CredentialTest, WhatThePolicyMadeACredentialLaterIsNone) {
  // As a policy had it that did not say one_way: a value, which nobody reads.
  std::string before(kCredentialPolicy);
  before.replace(before.find("store: one_way, key_class"), 14, "read: never   ");
  before.resize(before.find("credentials:\n"));
  vault_.SetPolicy("default", before);
  v1::UpdateRecordRequest update;
  update.set_name(name_);
  (*update.mutable_fields())["password"] = kPassword;
  *update.mutable_usage() = UsageFor("shop");
  ASSERT_TRUE(vault_.Call("shop", "UpdateRecord", update).ok());
  vault_.SetPolicy("default", kCredentialPolicy);
  EXPECT_EQ(Try(kPassword), "failed");
  ASSERT_TRUE(Set(kPassword).ok());
  EXPECT_EQ(Try(kPassword), "verified");
}

TEST_F(CredentialTest, EntriesNameTheFieldAndNoValue) {
  const Result set = Set(kPassword);
  ASSERT_EQ(set.entry.items_size(), 1);
  EXPECT_THAT(set.entry.items(0).fields(), ElementsAre("customer.password"));
  EXPECT_EQ(set.entry.decision(), storage::v1::DECISION_GRANTED);
  const Result failed = Verify("canary-Passw0rE");
  ASSERT_EQ(failed.entry.items_size(), 1);
  EXPECT_THAT(failed.entry.items(0).fields(), ElementsAre("customer.password"));
  EXPECT_THAT(failed.entry.items(0).grants(), ElementsAre("shop-write"));
  EXPECT_EQ(failed.entry.method(), "piivault.v1.CredentialService/VerifyCredential");
  for (const std::string& bytes : vault_.AllBytes()) {
    EXPECT_EQ(bytes.find("canary-Passw0r"), std::string::npos);
  }
}

}  // namespace
}  // namespace piivault::vault
