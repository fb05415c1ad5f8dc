// A stranger with a good certificate calls and calls.
#include <cstdint>
#include <map>
#include <string>

#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

class FloodTest : public DevVaultFixture {
 protected:
  void SetUp() override {
    Start();
    record_ = NewCustomer({{"email", "taro@example.jp"}}).record().name();
  }
  std::string record_;
};

TEST_F(FloodTest, EveryRefusalIsInTheLogThoughNotByItself) {
  constexpr int kCalls = 500;
  std::map<uint64_t, uint64_t> receipts;  // index -> calls that name it
  for (const Outcome& outcome : As("stranger").CallAtOnce(RevealRequest(record_), kCalls)) {
    ASSERT_EQ(outcome.ToString(), "UNAUTHENTICATED PRINCIPAL_UNKNOWN");
    ASSERT_EQ(outcome.metadata.count("index"), 1u);
    ++receipts[std::stoull(outcome.metadata.at("index"))];
  }
  EXPECT_TRUE(As("engineer").Call(RevealRequest(record_)).ok());

  uint64_t entries = 0;
  uint64_t calls = 0;
  for (const v1::Entry& entry : ReadLog()) {
    if (entry.reason() != "PRINCIPAL_UNKNOWN") continue;
    ++entries;
    const uint64_t stands_for = entry.count() == 0 ? 1 : entry.count();
    calls += stands_for;
    EXPECT_EQ(receipts[entry.position().index()], stands_for);
    EXPECT_EQ(entry.method(), "piivault.v1.VaultService/RevealRecord");
    EXPECT_EQ(entry.decision(), v1::ENTRY_DECISION_DENIED);
    EXPECT_EQ(entry.certificate_sha256().size(), 64u);
    EXPECT_EQ(entry.principal(), "");
  }
  EXPECT_EQ(calls, static_cast<uint64_t>(kCalls));
  EXPECT_LT(entries, static_cast<uint64_t>(kCalls));
}

}  // namespace
}  // namespace piivault::integration
