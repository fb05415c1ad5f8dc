#include "tests/integration/race_fixture.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace piivault::integration {

bool LongRun() { return std::getenv("PIIVAULT_LONG") != nullptr; }

void RaceFixture::SetUp() {
  ops::ServerHooks hooks;
  // Readers who are refused read on at once.
  hooks.denials.burst = 1'000'000'000;
  Start(std::move(hooks));
  record_ = NewCustomer({{"email", "taro@example.jp"}}).record().name();
}

uint64_t RaceFixture::AddEngineer(const std::string& name) {
  leases_["principals/" + name];
  return Register(name, v1::PRINCIPAL_KIND_STAFF, "engineer");
}

void RaceFixture::Race(const std::string& who, const v1::RevealRecordRequest& request, int readers,
                       int rounds, const std::function<Lease()>& give,
                       const std::function<uint64_t(const Lease&)>& take,
                       const std::set<std::string>& refusals) {
  absl::Mutex mu;
  uint64_t last_granted = 0;
  std::set<std::string> unexpected;
  std::atomic<bool> stop{false};
  Client& client = As(who);
  std::vector<std::thread> threads;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      while (!stop) {
        v1::RevealRecordResponse response;
        const Outcome outcome = client.Call(request, &response);
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
  for (std::thread& thread : threads) thread.join();
  for (const std::string& outcome : unexpected) ADD_FAILURE() << outcome;
}

void RaceFixture::CheckLog(const Basis& basis) {
  size_t granted = 0;
  size_t periods = 0;
  std::set<std::pair<std::string, uint64_t>> used;
  for (const v1::Entry& entry : ReadLog()) {
    const auto whose = leases_.find(entry.principal());
    if (whose == leases_.end() || entry.decision() != v1::ENTRY_DECISION_GRANTED) continue;
    const uint64_t index = entry.position().index();
    receipts_.erase(index);
    if (entry.items().empty()) continue;  // Nothing was shown.
    ++granted;
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

}  // namespace piivault::integration
