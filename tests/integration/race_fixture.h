#ifndef PIIVAULT_TESTS_INTEGRATION_RACE_FIXTURE_H_
#define PIIVAULT_TESTS_INTEGRATION_RACE_FIXTURE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/dev_vault_fixture.h"

namespace piivault::integration {

// Whether the long form was asked for.
bool LongRun();

// What the grants of one period rest on, and the entries between which they stand.
struct Lease {
  std::string basis;
  uint64_t given = 0;
  uint64_t taken = 0;
};

// Readers on one side, somebody who gives and takes on the other, and the log's word on who came
// first: positions, not clocks.
class RaceFixture : public DevVaultFixture {
 protected:
  using Basis = std::function<std::string(const v1::Entry&)>;

  void SetUp() override;

  // An engineer without NDA; returns the index of the entry that gave the role.
  uint64_t AddEngineer(const std::string& name);

  // Gives and takes `rounds` times while `readers` threads send `request` as `who`; each time is
  // granted before it is taken. `refusals` are the reasons that a reader may meet.
  void Race(const std::string& who, const v1::RevealRecordRequest& request, int readers, int rounds,
            const std::function<Lease()>& give, const std::function<uint64_t(const Lease&)>& take,
            const std::set<std::string>& refusals);
  // Looks for the lease of each granted entry that is about records; all leases are used.
  void CheckLog(const Basis& basis);

  std::string record_;
  std::set<uint64_t> receipts_;                       // of all answers
  std::map<std::string, std::vector<Lease>> leases_;  // by principal
};

}  // namespace piivault::integration

#endif  // PIIVAULT_TESTS_INTEGRATION_RACE_FIXTURE_H_
