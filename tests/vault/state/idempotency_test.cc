#include "vault/state/idempotency.h"

#include <gtest/gtest.h>

#include "authz/reason.h"
#include "tests/vault/state/vault_fixture.h"

namespace piivault::vault {
namespace {

class IdempotencyTest : public testing::Test {
 protected:
  absl::StatusOr<RequestRecord> Find(const std::string& id, const std::string& content,
                                     const std::string& principal = "sato",
                                     const std::string& method = "m") {
    storage::v1::PersonRow request;
    request.set_name(content);
    return RequestRecord::Find(vault_.engine(), vault_.state()->keys(), principal, method, id,
                               request, vault_.now());
  }

  void Remember(const RequestRecord& record) {
    storage::v1::TenantRow response;
    response.set_name("answer");
    auto commit = std::make_unique<storage::Commit>();
    commit->as_of = vault_.engine().AppliedSequence();
    commit->decided_at = vault_.now();
    commit->writes.push_back(
        record.Remember(vault_.state()->keys(), SystemRandom(), response, vault_.now()));
    ASSERT_TRUE(storage::CommitOrError(vault_.engine(), std::move(commit)).ok());
  }

  TestVault vault_;
};

TEST_F(IdempotencyTest, ReplaysTheAnswerOfTheSameRequest) {
  auto first = Find("r1", "a");
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->response.has_value());
  Remember(*first);
  auto again = Find("r1", "a");
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE(again->response.has_value());
  storage::v1::TenantRow response;
  ASSERT_TRUE(response.ParseFromString(*again->response));
  EXPECT_EQ(response.name(), "answer");
}

TEST_F(IdempotencyTest, RefusesOtherContent) {
  Remember(*Find("r1", "a"));
  const auto other = Find("r1", "b");
  EXPECT_EQ(other.status(), authz::ReasonStatus(authz::Reason::kRequestIdReused));
}

TEST_F(IdempotencyTest, IsPerPrincipalAndMethod) {
  Remember(*Find("r1", "a"));
  EXPECT_FALSE(Find("r1", "b", "tanaka")->response.has_value());
  EXPECT_FALSE(Find("r1", "b", "sato", "n")->response.has_value());
}

TEST_F(IdempotencyTest, ForgetsAfterADay) {
  Remember(*Find("r1", "a"));
  vault_.Pass(absl::Hours(24));
  auto later = Find("r1", "b");
  ASSERT_TRUE(later.ok());
  EXPECT_FALSE(later->response.has_value());
  Remember(*later);
  EXPECT_TRUE(Find("r1", "b")->response.has_value());
}

TEST_F(IdempotencyTest, RefusesMalformedIds) {
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a b"),
                                std::string("\xe3\x81\x82"), std::string("a\n")}) {
    EXPECT_EQ(Find(id, "a").status(), authz::ReasonStatus(authz::Reason::kMalformedRequest));
  }
}

TEST_F(IdempotencyTest, RefusesAMovedRow) {
  const auto one = Find("r1", "a");
  const auto two = Find("r2", "a");
  Remember(*one);
  vault_.engine().Tamper(two->key, *vault_.engine().Get(one->key));
  EXPECT_TRUE(absl::IsDataLoss(Find("r2", "a").status()));
}

}  // namespace
}  // namespace piivault::vault
