// A token gives its data as often as it says, whoever asks at the same time, and each attempt is in
// the log (I9).
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "ops/server/daemon/starter_policy.h"
#include "tests/integration/race_fixture.h"

namespace piivault::integration {
namespace {

constexpr int kAttempts = 1000;
constexpr char kCarrier[] = "carrier";
constexpr char kRedeem[] = "piivault.v1.SharingService/RedeemExportToken";

// The starter with somebody who hands out, and who sees what was handed out.
std::string PolicyOfExports() {
  std::string text = ops::kStarterPolicy;
  text.resize(text.find("\nrecipients:") + 1);
  return absl::StrCat(
      absl::StrReplaceAll(text, {{"roles:\n", "roles:\n  sender: {kind: service}\n"}}),
      "  - {id: sends, role: sender, may: [export], fields: [customer.name, customer.phone], for: "
      "[order]}\n"
      "  - {id: sees, role: sender, may: [read_disclosures]}\n"
      "recipients:\n"
      "  - {id: carrier, kind: carrier, fields: [customer.name, customer.phone], purposes: "
      "[order], basis: published_clause}\n");
}

class RedemptionRaceTest : public RaceFixture {
 protected:
  void SetUp() override {
    RaceFixture::SetUp();
    Activate(LoadPolicy(PolicyOfExports()), kTenant);
    Register("sender", v1::PRINCIPAL_KIND_SERVICE, "sender");
  }

  std::string NewPerson() {
    const std::string record = NewCustomer({{"phone", "090-1234-5678"}}).record().name();
    return record.substr(0, record.find("/records/"));
  }
  std::string Issue(const std::string& person, uint32_t uses) {
    v1::IssueExportTokenRequest request;
    request.set_parent(kTenant);
    request.set_recipient(absl::StrCat(kTenant, "/recipients/", kCarrier));
    request.set_rule("carrier");
    *request.mutable_usage() = UsageFor("order");
    request.add_fields("customer.phone");
    request.add_subjects(person);
    request.set_uses(uses);
    request.set_lifetime_seconds(3600);
    return Must<v1::IssueExportTokenResponse>("sender", request).token();
  }
  // Outcomes of so many attempts at once, each with a key of its own.
  std::map<std::string, int> RedeemAtOnce(const std::string& token, int attempts) {
    std::vector<std::unique_ptr<v1::RedeemExportTokenRequest>> requests;
    std::vector<const google::protobuf::Message*> all;
    for (int i = 0; i < attempts; ++i) {
      auto& request = *requests.emplace_back(std::make_unique<v1::RedeemExportTokenRequest>());
      request.set_token(token);
      request.set_request_id(absl::StrCat("attempt-", i));
      all.push_back(&request);
    }
    std::map<std::string, int> outcomes;
    for (const Outcome& outcome : As(kCarrier).CallAtOnce(all)) ++outcomes[outcome.ToString()];
    return outcomes;
  }
  v1::ListDisclosuresResponse DisclosuresOf(const std::string& person) {
    v1::ListDisclosuresRequest request;
    request.set_parent(kTenant);
    request.set_subject(person);
    return Must<v1::ListDisclosuresResponse>("sender", request);
  }
  // Waits until the log knows of so many attempts from `*next` on, by decision: an entry may stand
  // for many, and those that found no room are entered a little later, by whatever method.
  std::map<v1::EntryDecision, uint64_t> AwaitAttempts(uint64_t wanted, uint64_t* next) {
    const absl::Time end = absl::Now() + kPatience;
    std::map<v1::EntryDecision, uint64_t> attempts;
    uint64_t all = 0;
    uint64_t last = *next;
    do {
      attempts.clear();
      all = 0;
      for (const v1::Entry& entry : ReadLog()) {
        const bool shed = entry.method().empty() && entry.reason() == "QUEUE_FULL";
        if (entry.position().index() < *next || (entry.method() != kRedeem && !shed)) continue;
        const uint64_t count = std::max<uint64_t>(entry.count(), 1);
        attempts[entry.decision()] += count;
        all += count;
        last = std::max(last, entry.position().index());
      }
    } while (all < wanted && absl::Now() < end);
    EXPECT_EQ(all, wanted) << "an entry for every attempt";
    *next = last + 1;
    return attempts;
  }
};

TEST_F(RedemptionRaceTest, OneOfAThousandWins) {
  const int rounds = LongRun() ? 100 : 3;
  uint64_t next = 0;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    const std::string person = NewPerson();
    const std::map<std::string, int> outcomes = RedeemAtOnce(Issue(person, 1), kAttempts);
    std::map<std::string, int> others = outcomes;
    EXPECT_EQ(others["OK"], 1) << "in round " << round;
    others.erase("OK");
    others.erase("FAILED_PRECONDITION TOKEN_EXHAUSTED");
    // What came when there was no room, or lost thrice.
    others.erase("ABORTED CONFLICT");
    others.erase("RESOURCE_EXHAUSTED QUEUE_FULL");
    for (const auto& [outcome, count] : others) ADD_FAILURE() << count << " times " << outcome;
    const v1::ListDisclosuresResponse disclosures = DisclosuresOf(person);
    ASSERT_EQ(disclosures.disclosures_size(), 1);
    EXPECT_EQ(disclosures.disclosures(0).subjects(), 1u);
    EXPECT_EQ(disclosures.disclosures(0).records_size(), 1);
    EXPECT_EQ(AwaitAttempts(kAttempts, &next)[v1::ENTRY_DECISION_GRANTED], 1u);
  }
}

TEST_F(RedemptionRaceTest, AsManyWinAsTheTokenSays) {
  const std::string person = NewPerson();
  const std::map<std::string, int> outcomes = RedeemAtOnce(Issue(person, 5), 200);
  const v1::ListDisclosuresResponse disclosures = DisclosuresOf(person);
  ASSERT_EQ(outcomes.count("OK"), 1u);
  EXPECT_LE(outcomes.at("OK"), 5);
  EXPECT_EQ(disclosures.disclosures_size(), outcomes.at("OK"));
}

}  // namespace
}  // namespace piivault::integration
