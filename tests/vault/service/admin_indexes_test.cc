// What administration says of the work on indexes, over the approval of a policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/vault/service/admin_testing.h"
#include "vault/rotation/index_builder.h"
#include "vault/text.h"

namespace piivault::vault {
namespace {

using namespace piivault::v1;  // NOLINT: the wire's messages, in a test of nothing else
using testing::ElementsAre;
using testing::IsEmpty;

std::string PolicyWith(std::string_view field) {
  return Concat({R"(policy: small
types:
  customer:
    fields: {email: )",
                 field, R"(}
purposes:
  send: {label: Send}
roles:
  mailer: {kind: service}
grants:
  - {id: send, role: mailer, may: [reveal], fields: [customer.email], for: [send]}
)"});
}

class AdminIndexesTest : public AdminTest {};

TEST_F(AdminIndexesTest, AFirstPolicyHasNothingToBuild) {
  Activate(PolicyWith("{type: email_address, index: true}"));
  EXPECT_FALSE(TheTenant().has_index_rebuild());
}

TEST_F(AdminIndexesTest, TheWorkOfAnotherPolicyIsShownUntilTheNext) {
  Activate(PolicyWith("email_address"));
  Activate(PolicyWith("{type: email_address, unique: true}"));
  IndexRebuild rebuild = TheTenant().index_rebuild();
  EXPECT_THAT(rebuild.fields(), ElementsAre("customer.email"));
  EXPECT_EQ(rebuild.percent(), 0);
  EXPECT_FALSE(rebuild.has_end_time());

  const auto rules = ValueRules::Create().value();
  IndexBuilder builder(
      {vault_.engine(), vault_.store(), *rules, SystemRandom(), [this] { return vault_.now(); }});
  while (*builder.Step()) {
  }
  rebuild = TheTenant().index_rebuild();
  EXPECT_THAT(rebuild.fields(), IsEmpty());
  EXPECT_EQ(rebuild.percent(), 100);
  EXPECT_EQ(rebuild.end_time().seconds(), absl::ToUnixSeconds(vault_.now()));

  // The last pass says nothing of the next one.
  Activate(PolicyWith("email_address"));
  rebuild = TheTenant().index_rebuild();
  EXPECT_THAT(rebuild.fields(), ElementsAre("customer.email"));
  EXPECT_EQ(rebuild.percent(), 0);
  EXPECT_FALSE(rebuild.has_end_time());
}

}  // namespace
}  // namespace piivault::vault
