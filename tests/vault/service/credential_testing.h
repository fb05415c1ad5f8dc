// A vault whose policy has fields that are stored one way, and requests about them.
#ifndef PIIVAULT_TESTS_VAULT_SERVICE_CREDENTIAL_TESTING_H_
#define PIIVAULT_TESTS_VAULT_SERVICE_CREDENTIAL_TESTING_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "piivault/v1/credential_service.pb.h"
#include "tests/vault/service/vault_fixture.h"

namespace piivault::vault {

inline constexpr std::string_view kCredentialPolicy = R"(policy: credentials
timezone: Asia/Tokyo
types:
  customer:
    fields:
      name: {type: person_name, index: true}
      email: {type: email_address, unique: true}
      password: {type: password_credential, store: one_way, key_class: important}
      pin: {type: submission_credential, store: one_way, max: 64}
      cookie: {type: login_cookie, store: one_way}
purposes:
  order: {label: {en: Orders}}
  technical_work: {label: {en: Mending}}
  own_list: {label: {en: The tenant's own}}
roles:
  shop: {kind: service}
  engineer: {kind: staff, nda: none}
  owner: {kind: tenant}
grants:
  - {id: shop-write, role: shop, may: [create, update, tokenize, reveal, verify], fields: [customer.*], for: [order]}
  - {id: shop-find, role: shop, may: [lookup], fields: [customer.email], for: [order]}
  - {id: shop-tidy, role: shop, may: [read_metadata, delete, list, delete_subject], types: [customer]}
  - {id: engineer-work, role: engineer, may: [reveal, update], fields: [customer.name], for: [technical_work]}
  - {id: owner-all, role: owner, may: [reveal, download, verify], fields: [customer.*], for: [own_list]}
credentials:
  - {fields: [customer.password], classes: [letter, digit, symbol], max_age: 7d, attempts: 3, lock: 10m}
  - {fields: [customer.pin], min_length: 4, one_time: true}
)";

// Fulfils the rule.
inline constexpr std::string_view kPassword = "canary-Passw0rd";

class CredentialTest : public testing::Test {
 protected:
  using Result = VaultFixture::Result;

  CredentialTest() { vault_.SetPolicy("default", kCredentialPolicy); }

  void SetUp() override { name_ = vault_.Create({{"name", "Sato Hanako"}}, "17").record().name(); }

  v1::SetCredentialRequest SetRequest(std::string_view value,
                                      std::string_view field = "password") const {
    v1::SetCredentialRequest request;
    request.set_name(name_);
    request.set_field(std::string(field));
    request.set_value(std::string(value));
    *request.mutable_usage() = UsageFor("shop");
    return request;
  }
  v1::VerifyCredentialRequest VerifyRequest(std::string_view value,
                                            std::string_view field = "password") const {
    v1::VerifyCredentialRequest request;
    request.set_name(name_);
    request.set_field(std::string(field));
    request.set_value(std::string(value));
    *request.mutable_usage() = UsageFor("shop");
    return request;
  }
  Result Set(std::string_view value, std::string_view field = "password") {
    return vault_.Call("shop", "SetCredential", SetRequest(value, field));
  }
  Result Verify(std::string_view value, std::string_view field = "password") {
    return vault_.Call("shop", "VerifyCredential", VerifyRequest(value, field));
  }
  Result Revoke(std::string_view field = "password") {
    v1::RevokeCredentialRequest request;
    request.set_name(name_);
    request.set_field(std::string(field));
    *request.mutable_usage() = UsageFor("shop");
    return vault_.Call("shop", "RevokeCredential", request);
  }
  // What an entry says came of it; checks that the answer agrees.
  std::string Outcome(const Result& result) {
    if (!result.ok()) return std::string(result.name());
    const auto& answer = result.As<v1::VerifyCredentialResponse>();
    const std::string& outcome = result.entry.outcome();
    EXPECT_EQ(answer.verified(), outcome == "verified");
    EXPECT_EQ(answer.must_change(), outcome == "must_change");
    EXPECT_TRUE(outcome != "locked" || answer.has_retry_time());
    return outcome;
  }
  std::string Try(std::string_view value, std::string_view field = "password") {
    return Outcome(Verify(value, field));
  }

  VaultFixture vault_;
  std::string name_;
};

}  // namespace piivault::vault

#endif  // PIIVAULT_TESTS_VAULT_SERVICE_CREDENTIAL_TESTING_H_
