// In the order of the log, no grant that rests on something follows what took it away, however
// reads and revocations race over the wire.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {
namespace {

constexpr int kReaders = 3;
// Rounds after which another engineer takes over, so that nobody's file grows without end.
constexpr int kRoundsEach = 100;

bool LongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

// What the grants of one period rest on, and the entries between which they stand.
struct Lease {
  std::string basis;
  uint64_t given = 0;
  uint64_t taken = 0;
};

class RevocationRaceTest : public DevVaultFixture {
 protected:
  using Basis = std::function<std::string(const v1::Entry&)>;

  void SetUp() override {
    ops::ServerHooks hooks;
    // Readers who are refused read on at once.
    hooks.denials.burst = 1'000'000'000;
    Start(std::move(hooks));
    record_ = NewCustomer({{"email", "taro@example.jp"}}).record().name();
  }

  // An engineer without NDA; returns the index of the entry that gave the role.
  uint64_t AddEngineer(const std::string& name) {
    leases_["principals/" + name];
    return Register(name, v1::PRINCIPAL_KIND_STAFF, "engineer");
  }

  // Gives and takes `rounds` times while others read as `who`; each time is granted before it is
  // taken. `refusals` are the reasons that a reader may meet.
  void Race(const std::string& who, int rounds, const std::function<Lease()>& give,
            const std::function<uint64_t(const Lease&)>& take,
            const std::set<std::string>& refusals);
  // Looks for each granted entry's lease.
  void CheckLog(const Basis& basis);

  std::string record_;
  std::set<uint64_t> receipts_;                       // of all answers
  std::map<std::string, std::vector<Lease>> leases_;  // by principal
};

void RevocationRaceTest::Race(const std::string& who, int rounds,
                              const std::function<Lease()>& give,
                              const std::function<uint64_t(const Lease&)>& take,
                              const std::set<std::string>& refusals) {
  absl::Mutex mu;
  uint64_t last_granted = 0;
  std::set<std::string> unexpected;
  std::atomic<bool> stop{false};
  Client& client = As(who);
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        v1::RevealRecordResponse response;
        const Outcome outcome = client.Call(RevealRequest(record_), &response);
        const absl::MutexLock lock(&mu);
        if (outcome.ok()) {
          const uint64_t index = response.receipt().index();
          receipts_.insert(index);
          last_granted = std::max(last_granted, index);
        } else if (refusals.count(outcome.reason) == 0) {
          unexpected.insert(outcome.ToString());
        }
      }
    });
  }
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    Lease lease = give();
    {
      const absl::MutexLock lock(&mu);
      // An answer of the period before may come in late: it does not count.
      const auto more = [&] { return last_granted > lease.given || !unexpected.empty(); };
      EXPECT_TRUE(mu.AwaitWithTimeout(absl::Condition(&more), kPatience)) << "nobody is served";
    }
    lease.taken = take(lease);
    leases_["principals/" + who].push_back(lease);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  for (const std::string& outcome : unexpected) ADD_FAILURE() << outcome;
}

void RevocationRaceTest::CheckLog(const Basis& basis) {
  size_t granted = 0;
  size_t periods = 0;
  std::set<std::pair<std::string, uint64_t>> used;
  for (const v1::Entry& entry : ReadLog()) {
    const auto whose = leases_.find(entry.principal());
    if (whose == leases_.end() || entry.decision() != v1::ENTRY_DECISION_GRANTED) continue;
    ++granted;
    const uint64_t index = entry.position().index();
    receipts_.erase(index);
    const auto next =
        std::upper_bound(whose->second.begin(), whose->second.end(), index,
                         [](uint64_t at, const Lease& lease) { return at < lease.given; });
    ASSERT_NE(next, whose->second.begin())
        << "granted at " << index << ", before anything was given";
    const Lease& lease = *std::prev(next);
    ASSERT_LT(index, lease.taken) << entry.principal() << " was granted after " << lease.basis
                                  << " was taken";
    ASSERT_EQ(basis(entry), lease.basis) << "at " << index;
    used.emplace(entry.principal(), lease.given);
  }
  for (const auto& [principal, leases] : leases_) periods += leases.size();
  EXPECT_EQ(used.size(), periods) << "each period has its grants";
  EXPECT_TRUE(receipts_.empty()) << receipts_.size() << " answers without an entry";
  RecordProperty("granted", static_cast<int>(granted));
  std::cout << granted << " grants in " << periods << " periods\n";
}

// In parts that may run side by side; together 10,000 revocations in a long run.
constexpr int kParts = 4;
class NdaRaceTest : public RevocationRaceTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Parts, NdaRaceTest, testing::Range(0, kParts));

TEST_P(NdaRaceTest, NoGrantFollowsTheRevocationOfItsNda) {
  const int rounds = (LongRun() ? 10'000 : 300) / kParts;
  for (int first = 0; first < rounds && !HasFailure(); first += kRoundsEach) {
    const std::string who = absl::StrCat("engineer-", first / kRoundsEach);
    AddEngineer(who);
    std::string name;
    Race(
        who, std::min(kRoundsEach, rounds - first),
        [&] {
          const auto recorded = RecordNda("persons/" + who, absl::Now() + absl::Hours(24 * 30));
          name = recorded.attestation().name();
          return Lease{name, recorded.receipt().index()};
        },
        [&](const Lease&) {
          v1::RevokeAttestationRequest revoke;
          revoke.set_name(name);
          return Must<v1::RevokeAttestationResponse>("admin-1", revoke).receipt().index();
        },
        {"NDA_MISSING", "NDA_REVOKED", "CONFLICT"});
  }
  CheckLog([](const v1::Entry& entry) { return entry.attestation(); });
}

TEST_F(RevocationRaceTest, NoGrantFollowsTheDisablingOfItsPrincipal) {
  std::optional<uint64_t> first = AddEngineer("engineer-1");
  RecordNda("persons/engineer-1", absl::Now() + absl::Hours(24));
  v1::Proposal enable;
  enable.mutable_enable_principal()->set_principal("principals/engineer-1");
  v1::DisablePrincipalRequest disable;
  disable.set_name("principals/engineer-1");
  Race(
      "engineer-1", LongRun() ? 1'000 : 40,
      [&] {
        const std::optional<uint64_t> given = std::exchange(first, std::nullopt);
        return Lease{disable.name(), given.has_value() ? *given : Agree(enable)};
      },
      [&](const Lease&) {
        return Must<v1::DisablePrincipalResponse>("admin-1", disable).receipt().index();
      },
      {"PRINCIPAL_DISABLED", "CONFLICT"});
  CheckLog([](const v1::Entry& entry) { return entry.principal(); });
}

TEST_F(RevocationRaceTest, NoGrantFollowsTheRevocationOfItsRole) {
  std::optional<uint64_t> first = AddEngineer("engineer-1");
  RecordNda("persons/engineer-1", absl::Now() + absl::Hours(24));
  v1::RevokeRoleRequest revoke;
  revoke.set_principal("principals/engineer-1");
  revoke.set_role("engineer");
  revoke.set_tenant(kTenant);
  Race(
      "engineer-1", LongRun() ? 1'000 : 40,
      [&] {
        const std::optional<uint64_t> given = std::exchange(first, std::nullopt);
        return Lease{"engineer", given.has_value()
                                     ? *given
                                     : Agree(GrantRole(revoke.principal(), "engineer", kTenant))};
      },
      [&](const Lease&) {
        return Must<v1::RevokeRoleResponse>("admin-1", revoke).receipt().index();
      },
      {"ROLE_NOT_GRANTED", "CONFLICT"});
  CheckLog([](const v1::Entry& entry) { return entry.role(); });
}

TEST_F(RevocationRaceTest, NoGrantFollowsTheEndOfItsPolicy) {
  AddEngineer("engineer-1");
  RecordNda("persons/engineer-1", absl::Now() + absl::Hours(24));
  std::string text = ops::kStarterPolicy;
  text.resize(text.find("cases:"));
  const std::string open = LoadPolicy(text);
  const std::string closed = LoadPolicy(absl::StrReplaceAll(
      text, {{"role: engineer, may: [reveal, update]", "role: engineer, may: [update]"}}));
  ASSERT_NE(open, closed);
  Activate(closed, kTenant);
  Race(
      "engineer-1", LongRun() ? 1'000 : 40,
      [&] {
        return Lease{open, Activate(open, kTenant)};
      },
      [&](const Lease&) { return Activate(closed, kTenant); },
      {"OPERATION_NOT_GRANTED", "CONFLICT"});
  CheckLog([](const v1::Entry& entry) { return entry.policy_sha256(); });
}

}  // namespace
}  // namespace piivault::integration
