// Credentials under the policies as they ship: clauses of the operators' texts, by number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "piivault/storage/v1/state.pb.h"
#include "piivault/v1/admin_service.pb.h"
#include "piivault/v1/credential_service.pb.h"
#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {
namespace {

using testing::ElementsAre;

std::string ReadPolicy(const std::string& name) {
  std::ifstream file(std::string(PIIVAULT_SOURCE_DIR) + "/ops/policies/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class CredentialOperatorsTest : public testing::Test {
 protected:
  using Result = VaultFixture::Result;

  // `values` are appended to those of the operator.
  void Use(const std::string& policy, const std::string& values = "") {
    vault_.SetPolicy("default", ReadPolicy(policy + ".yaml"),
                     ReadPolicy(policy + ".values.yaml") + values);
  }
  void PutService(const std::string& name, const std::vector<std::string>& roles) {
    vault_.Put([&](StateChange& change) {
      storage::v1::PrincipalRow row;
      row.set_name(name);
      row.set_kind(v1::PRINCIPAL_KIND_SERVICE);
      row.add_identities()->set_uri("spiffe://test/" + name);
      for (const std::string& role : roles) {
        storage::v1::RoleBindingRow& binding = *row.add_bindings();
        binding.set_role(role);
        binding.set_tenant("default");
      }
      change.PutPrincipal(row);
    });
  }
  std::string Create(const std::string& type, const std::string& field, const std::string& value) {
    v1::CreateRecordRequest request = VaultFixture::NewCustomer({{field, value}});
    request.mutable_record()->set_type(type);
    request.mutable_record()->mutable_provenance()->set_front_hop(v1::FRONT_HOP_TLS);
    request.mutable_record()->mutable_provenance()->set_channel(channel_);
    request.mutable_usage()->set_purpose(purpose_);
    const Result made = vault_.Call(caller_, "CreateRecord", request);
    EXPECT_TRUE(made.ok()) << made.name();
    return made.ok() ? made.As<v1::CreateRecordResponse>().record().name() : "";
  }
  // The one whom the record is about sets it, through the service.
  Result Set(const std::string& value, bool own = true, absl::Duration end = absl::ZeroDuration()) {
    v1::SetCredentialRequest request;
    request.set_name(name_);
    request.set_field(field_);
    request.set_value(value);
    request.mutable_usage()->set_purpose(purpose_);
    if (own) {
      request.mutable_usage()->set_on_behalf_of(name_.substr(0, name_.find("/records/")));
      request.mutable_usage()->set_role(own_role_);
    }
    if (end != absl::ZeroDuration()) {
      request.mutable_expire_time()->set_seconds(absl::ToUnixSeconds(vault_.now + end));
    }
    return vault_.Call(caller_, "SetCredential", request);
  }
  std::string Try(const std::string& value) {
    v1::VerifyCredentialRequest request;
    request.set_name(name_);
    request.set_field(field_);
    request.set_value(value);
    request.mutable_usage()->set_purpose(purpose_);
    const Result result = vault_.Call(caller_, "VerifyCredential", request);
    return result.ok() ? result.entry.outcome() : std::string(result.name());
  }
  std::string Reveal() {
    v1::RevealRecordRequest request;
    request.set_name(name_);
    request.add_fields(field_);
    request.mutable_usage()->set_purpose(purpose_);
    return std::string(vault_.Call(caller_, "RevealRecord", request).name());
  }

  VaultFixture vault_;
  std::string caller_;
  std::string own_role_;
  std::string purpose_;
  std::string channel_;
  std::string field_ = "password";
  std::string name_;
};

class SnsHelperCredentialTest : public CredentialOperatorsTest {
 protected:
  SnsHelperCredentialTest() {
    Use("sns-helper");
    PutService("web", {"shop", "customer"});
    caller_ = "web";
    own_role_ = "customer";
    purpose_ = "M1";
    channel_ = "web";
    name_ = Create("member", "email", "hanako@example.jp");
  }
};

// 001-06: stored one way, verified, never read, and not tried without end.
TEST_F(SnsHelperCredentialTest, AMembersPasswordIsVerifiedAndNeverRead) {
  const Result set = Set("canary-Passw0rd");
  ASSERT_TRUE(set.ok()) << set.name();
  EXPECT_EQ(Try("canary-Passw0rd"), "verified");
  EXPECT_EQ(Try("canary-Passw0rE"), "failed");
  EXPECT_NE(Reveal(), "OK");
  for (const std::string& bytes : vault_.AllBytes()) {
    EXPECT_EQ(bytes.find("canary-Passw0r"), std::string::npos);
  }
}

// 001-51: who has no credential or a wrong one is not let in, and after so many failures nobody is;
// each is in the log.
TEST_F(SnsHelperCredentialTest, FailuresLockAMemberOut) {
  EXPECT_EQ(Try("canary-Passw0rd"), "failed");
  ASSERT_TRUE(Set("canary-Passw0rd").ok());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Try("a guess"), "failed");
  EXPECT_EQ(Try("canary-Passw0rd"), "locked");
  vault_.now += absl::Minutes(15);
  EXPECT_EQ(Try("canary-Passw0rd"), "verified");
  EXPECT_EQ(vault_.credentials_tried.size(), 13u);
}

// 003-49: a login cookie is verified until it ends or is revoked, and never shown.
TEST_F(CredentialOperatorsTest, ALoginCookieIsVerifiedUntilItIsRevoked) {
  Use("biglobe");
  caller_ = "intake";
  purpose_ = "C1.auth";
  field_ = "login";
  name_ = Create("cookie", "id", "browser-1");
  ASSERT_TRUE(Set("canary-cookie-value", false, absl::Hours(720)).ok());
  EXPECT_EQ(Try("canary-cookie-value"), "verified");
  EXPECT_NE(Reveal(), "OK");
  v1::RevokeCredentialRequest revoke;
  revoke.set_name(name_);
  revoke.set_field("login");
  revoke.mutable_usage()->set_purpose("C1.auth");
  const Result revoked = vault_.Call("intake", "RevokeCredential", revoke);
  ASSERT_TRUE(revoked.ok()) << revoked.name();
  EXPECT_EQ(Try("canary-cookie-value"), "failed");
  ASSERT_TRUE(Set("canary-cookie-other", false, absl::Hours(720)).ok());
  vault_.now += absl::Hours(720) + absl::Seconds(1);
  EXPECT_EQ(Try("canary-cookie-other"), "failed");
}

class PriusproCredentialTest : public CredentialOperatorsTest {
 protected:
  void Open(const std::string& max_age) {
    Use("priuspro", "  credential_max_age: " + max_age + "\n");
    PutService("door", {"gate", "id_holder"});
    caller_ = "door";
    own_role_ = "id_holder";
    purpose_ = "R0";
    name_ = Create("login", "user_id", "U-17");
  }
};

// 004-17: letters, digits and symbols, or it is refused.
TEST_F(PriusproCredentialTest, APasswordHasLettersDigitsAndSymbols) {
  Open("none");
  for (const char* weak : {"passw0rd1", "password-", "1234567-", "a-1"}) {
    const Result refused = Set(weak);
    EXPECT_EQ(refused.reason, authz::Reason::kCredentialWeak) << weak;
    EXPECT_EQ(authz::ReasonCode(refused.reason), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(refused.denied_fields, ElementsAre("login.password"));
  }
  ASSERT_TRUE(Set("passw0rd-").ok());
  EXPECT_EQ(Try("passw0rd-"), "verified");
  vault_.now += absl::Hours(24 * 365 * 5);
  EXPECT_EQ(Try("passw0rd-"), "verified");
}

// 004-18: after a week, a month or each use it is changed; until then it lets nobody in.
TEST_F(PriusproCredentialTest, AWeekOldPasswordMustBeChanged) {
  Open("7d");
  ASSERT_TRUE(Set("passw0rd-").ok());
  vault_.now += absl::Hours(7 * 24);
  EXPECT_EQ(Try("passw0rd-"), "verified");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Try("passw0rd-"), "must_change");
  ASSERT_TRUE(Set("passw0rd+").ok());
  EXPECT_EQ(Try("passw0rd+"), "verified");
}

// 004-18
TEST_F(PriusproCredentialTest, AMonthIsOneOfTheCalendar) {
  Open("1mo");
  const absl::TimeZone tokyo = absl::FixedTimeZone(9 * 3600);
  vault_.now = absl::FromCivil(absl::CivilSecond(2026, 1, 31, 12, 0, 0), tokyo);
  ASSERT_TRUE(Set("passw0rd-").ok());
  vault_.now = absl::FromCivil(absl::CivilSecond(2026, 2, 28, 12, 0, 0), tokyo);
  EXPECT_EQ(Try("passw0rd-"), "verified");
  vault_.now += absl::Seconds(1);
  EXPECT_EQ(Try("passw0rd-"), "must_change");
}

// 004-18
TEST_F(PriusproCredentialTest, APasswordForOneUseFailsTheSecondTime) {
  Open("one_time");
  ASSERT_TRUE(Set("passw0rd-").ok());
  EXPECT_EQ(Try("passw0rd-"), "verified");
  EXPECT_EQ(Try("passw0rd-"), "failed");
}

}  // namespace
}  // namespace piivault::vault
