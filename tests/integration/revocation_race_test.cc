// In the order of the log, no grant that rests on something follows what took it away, however
// reads and revocations race over the wire.
#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/race_fixture.h"

namespace piivault::integration {
namespace {

constexpr int kReaders = 3;
// Rounds after which another engineer takes over, so that nobody's file grows without end.
constexpr int kRoundsEach = 100;

class RevocationRaceTest : public RaceFixture {
 protected:
  void Race(const std::string& who, int rounds, const std::function<Lease()>& give,
            const std::function<uint64_t(const Lease&)>& take,
            const std::set<std::string>& refusals) {
    RaceFixture::Race(who, RevealRequest(record_), kReaders, rounds, give, take, refusals);
  }
};

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
