#include "authz/reason.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/authz/test_policy.h"

namespace piivault::authz {
namespace {

TEST(ReasonTest, NamesAreUniqueAndFound) {
  for (size_t i = 0; i < ReasonCount(); ++i) {
    const Reason reason = static_cast<Reason>(i);
    EXPECT_EQ(FindReason(ReasonName(reason)), reason);
    EXPECT_FALSE(GetReason(reason).meaning.empty());
    EXPECT_FALSE(GetReason(reason).remedy.empty());
    EXPECT_EQ(ReasonCode(reason) == absl::StatusCode::kOk, reason == Reason::kOk);
  }
  EXPECT_EQ(FindReason("NO_SUCH_REASON"), std::nullopt);
}

}  // namespace
}  // namespace piivault::authz
